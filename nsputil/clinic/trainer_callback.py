"""A callback for the Hugging Face Trainer that writes a log which `nsputil.clinic.logs.read_log` reads.

This module imports transformers; nothing else in the package imports this module. Introduced in notebook 10.
"""

from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerCallback

from nsputil.clinic.torch_recorder import TorchRecorder, to_numpy
from nsputil.losses import nsp_loss


class RunLogCallback(TrainerCallback):
    """``Trainer(..., callbacks=[RunLogCallback("run.json")])``.

    It listens to the model's own calls, so accuracy, recalls and the spread of the logits are recorded whether or not
    ``compute_metrics`` is set. If that reports an ``accuracy``, the report is kept, because the report may be what is
    wrong. The loss is the model's own. `BertForPreTraining` is an exception, because its loss is a sum of two: for it
    the loss of next sentence prediction is computed from its logits.

    Parameters
    ----------
    path : str or Path
        Written at each evaluation and at the end; ``.csv`` or ``.json``.
    every : int
        Steps between two readings of gradients and updates.

    Raises
    ------
    RuntimeError
        At the first step, if the model is not called with its labels (as with ``label_smoothing_factor``) or has no two
        logits a pair; write your own loop with `TorchRecorder` then.
    """

    def __init__(self, path: str | Path, every: int = 20) -> None:
        self.path, self.every = path, every
        self.recorder: Any = None
        self._hook: Any = None
        self._step: Any = None
        self._calls: dict[bool, list[Any]] = {True: [], False: []}  # by whether the model is in training mode

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **kwargs: Any
    ) -> None:
        """Begin to listen."""
        self.recorder = TorchRecorder(model, optimizer, self.every)
        self._hook = model.register_forward_hook(self._listen, with_kwargs=True)

    def _listen(self, model: Any, args: Any, kwargs: Any, output: Any) -> None:
        labels = kwargs.get("next_sentence_label", kwargs.get("labels"))
        both = output.get("seq_relationship_logits")
        logits = output.get("logits") if both is None else both
        if labels is None or logits is None or logits.shape[-1] != 2 or logits.ndim != 2:
            return
        logits, labels = to_numpy(logits), to_numpy(labels)
        loss = float(to_numpy(output["loss"])) if both is None else nsp_loss(logits, labels)
        self._calls[model.training].append((loss, logits, labels))

    def _take(self, training: bool) -> tuple[float, Any, Any] | None:
        """Return mean loss, logits and labels of the calls since the last time, or None if there were none."""
        calls, self._calls[training] = self._calls[training], []
        if not calls:
            return None
        losses, logits, labels = zip(*calls, strict=True)
        sizes = [len(part) for part in labels]
        return float(np.average(losses, weights=sizes)), np.concatenate(logits), np.concatenate(labels)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Read the gradients, after clipping."""
        batch = self._take(True)
        if batch is None:
            raise RuntimeError(
                "the model was called without labels, or has no two logits a pair; expected a call such as "
                "model(input_ids=..., labels=...) by the Trainer (label_smoothing_factor takes the labels away)"
            )
        self._step = self.recorder.step(*batch)
        self._step.__enter__()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Read the updates."""
        self._step.__exit__(None, None, None)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Record an evaluation: metrics that begin with ``test`` as a test, all others as held out."""
        if self.recorder is None or self.recorder.steps == 0:
            return
        metrics, counted = metrics or {}, self._take(False)
        name = next((name for name in metrics if name.endswith("_loss")), None)
        if name is not None:
            prefix, loss = name.removesuffix("_loss"), metrics[name]
        elif counted is not None:
            prefix, loss = "eval", counted[0]
        else:
            return
        reported = {"accuracy": metrics[f"{prefix}_accuracy"]} if f"{prefix}_accuracy" in metrics else {}
        part = "test" if prefix.startswith("test") else "held_out"
        self.recorder.held_out(loss, *(counted[1:] if counted else ()), part=part, **reported)
        self.recorder.save(self.path)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop listening, and write."""
        self._hook.remove()
        self.recorder.close()
        self.recorder.save(self.path)
