"""A callback for the Hugging Face Trainer that writes a log which `nsputil.clinic.logs.read_log` reads.

This module imports transformers; nothing else in the package imports this module.
"""

from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerCallback

from nsputil.clinic.kept_log import KeptLog, check_path, guarded
from nsputil.clinic.torch_recorder import TorchRecorder, to_numpy
from nsputil.losses import nsp_loss

LABELS = ("next_sentence_label", "labels", "label", "targets", "target")


class RunLogCallback(TrainerCallback):
    """``Trainer(..., callbacks=[RunLogCallback("run.json")])``.

    It listens to the model's own calls, so accuracy, recalls and the spread of the logits are recorded whether or not
    ``compute_metrics`` is set. If that reports an ``accuracy``, the report is kept, because the report may be what is
    wrong. The loss is the model's own. `BertForPreTraining` is an exception, because its loss is a sum of two: for it
    the loss of next sentence prediction is computed from its logits, in training and held out.

    It never ends a training and never loses a log. What cannot be measured or written becomes one warning and a note in
    the column ``note``. The log is written while it grows; after ``resume_from_checkpoint`` it goes on where the
    checkpoint is. Of several evaluation sets the first one is logged.

    Parameters
    ----------
    path : str or Path
        ``.csv`` or ``.json``.
    every : int
        Steps between two readings of gradients and updates.

    Raises
    ------
    ValueError
        Before the training, if the path ends in another suffix.
    OSError
        Before the training, if the folder does not exist or cannot be written.
    """

    def __init__(self, path: str | Path, every: int = 20) -> None:
        self.path, self.every = check_path(path), every
        self.recorder: Any = None
        self.kept = KeptLog()  # for remarks before the training begins
        self._hook: Any = None
        self._step: Any = None
        self._joint = False  # whether the loss of the model is a sum of two tasks
        self._sets: list[str] = []
        self._silent = False  # whether the model shows no labels, so that the Trainer's own log has to do
        self._calls: dict[bool, list[Any]] = {True: [], False: []}  # by whether the model is in training mode

    @guarded
    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **kwargs: Any
    ) -> None:
        """Begin to listen; go on with the log if the training was resumed."""
        self._calls, self._sets, self._silent = {True: [], False: []}, [], False
        self.recorder = TorchRecorder(model, optimizer, self.every)
        self.kept = self.recorder.kept
        self.kept.path = self.path
        if state.global_step > 0:
            self.recorder.resume(state.global_step)
        self._hook = model.register_forward_hook(self._listen, with_kwargs=True)

    @guarded
    def _listen(self, model: Any, args: Any, kwargs: Any, output: Any) -> None:
        logits, joint = _logits(output)
        labels = next((kwargs[name] for name in LABELS if kwargs.get(name) is not None), None)
        if labels is None and logits is not None:
            labels = next((x for x in args if getattr(x, "shape", None) == logits.shape[:1]), None)
        if labels is None or logits is None or labels.shape != logits.shape[:1]:
            return
        self._joint = joint
        loss, logits, labels = _loss(output), to_numpy(logits), to_numpy(labels)
        known = np.isin(labels, (0, 1))
        if joint or loss is None:
            loss = nsp_loss(logits[known], labels[known]) if known.any() else np.nan
        self._calls[model.training].append((float(loss), logits, labels))

    def _take(self, training: bool) -> tuple[float, Any, Any] | None:
        """Return mean loss, logits and labels of the calls since the last time, or None if there were none."""
        calls, self._calls[training] = self._calls[training], []
        if not calls:
            return None
        losses, logits, labels = zip(*calls, strict=True)
        sizes = [len(part) for part in labels]
        return float(np.average(losses, weights=sizes)), np.concatenate(logits), np.concatenate(labels)

    @guarded
    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Read the gradients, after clipping."""
        batch, self._step = self._take(True), None
        self._silent = batch is None
        if batch is None:
            self.kept.note(
                "The model is called without labels (label_smoothing_factor and compute_loss_func take them away), or "
                "has no two logits a pair: the losses are those that the Trainer logs, and accuracy is not counted."
            )
            return
        self.recorder.steps = state.global_step
        self._step = self.recorder.step(*batch)
        self._step.__enter__()

    @guarded
    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Read the updates."""
        if self._step is not None:
            self._step.__exit__(None, None, None)
            self._step = None

    @guarded
    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Take the Trainer's own loss where the model's calls show none."""
        if self._silent and self.recorder is not None and "loss" in (logs or {}):
            self.recorder.steps = state.global_step
            self.kept.keep(state.global_step, "train", {"loss": logs["loss"]})

    @guarded
    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Record an evaluation: metrics that begin with ``test`` as a test, all others as held out."""
        metrics, counted = metrics or {}, self._take(False)
        if self.recorder is None:  # an evaluation outside a training
            return
        prefix, loss = _reported(metrics)
        if counted is not None and (loss is None or self._joint):
            loss = counted[0]
        if loss is None:
            return
        if prefix not in self._sets and not prefix.startswith("test"):
            self._sets.append(prefix)
            if len(self._sets) > 1:
                self.kept.note(f"Of several evaluation sets only {self._sets[0]} is logged; {prefix} is left out.")
        if prefix in self._sets[1:]:
            return
        reported = {"accuracy": metrics[f"{prefix}_accuracy"]} if f"{prefix}_accuracy" in metrics else {}
        if reported and not isinstance(reported["accuracy"], int | float | np.number):
            self.kept.note(
                f"{prefix}_accuracy is a {type(reported['accuracy']).__name__}; the count is logged instead."
            )
            reported = {}
        part = "test" if prefix.startswith("test") else "held_out"
        self.recorder.steps = max(self.recorder.steps, state.global_step)
        self.recorder.held_out(loss, *(counted[1:] if counted else ()), part=part, **reported)
        self.kept.grow(now=True)

    def on_predict(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Forget what the model said in a prediction: it is no evaluation."""
        self._calls[False] = []

    @guarded
    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop listening, and write."""
        if self._hook is not None:
            self._hook.remove()
        if self.recorder is not None:
            self.recorder.close()
        self.kept.finish()


def _logits(output: Any) -> tuple[Any, bool]:
    """Return the logits of two classes in what a model returned, and whether it has two tasks."""
    if isinstance(output, dict):
        both = output.get("seq_relationship_logits")
        found = [output.get("logits") if both is None else both]
    else:
        both, found = None, list(output) if isinstance(output, tuple | list) else [output]
    two: list[Any] = [x for x in found if getattr(x, "ndim", 0) == 2]
    two = [x for x in two if x.shape[-1] == 2]
    return (two[-1] if two else None), both is not None or len(two) > 0 and any(
        getattr(x, "ndim", 0) == 3 for x in found
    )


def _loss(output: Any) -> Any:
    """Return the loss in what a model returned, or None."""
    if isinstance(output, dict):
        found = output.get("loss")
    else:
        found = output[0] if isinstance(output, tuple | list) and output else None
    return float(to_numpy(found)) if getattr(found, "ndim", None) == 0 else None


def _reported(metrics: dict) -> tuple[str, Any]:
    """Return the name of the evaluation set and the loss that metrics report."""
    name = next((name for name in metrics if name.endswith("_loss")), None)
    if name is not None:
        return name.removesuffix("_loss"), metrics[name]
    name = next((name for name in metrics if name.endswith("_runtime")), "eval_runtime")
    return name.removesuffix("_runtime"), None
