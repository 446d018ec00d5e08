"""A PyTorch training, written as a log: a few lines in your own loop.

Nothing here imports torch; it only calls methods of the tensors and modules that it is given.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nsputil.clinic.kept_log import KeptLog, guarded
from nsputil.clinic.logs import count


def part_of(name: str) -> str:
    """Return the part of the model that a parameter belongs to, by its name in Hugging Face's BERT.

    Parameters
    ----------
    name : str
        Such as ``"bert.pooler.dense.weight"``.

    Returns
    -------
    str
        ``head.weight``, ``head.bias``, ``pooler.weight``, ``pooler.bias`` or ``encoder``.
    """
    pieces = name.split(".")
    kind = "bias" if pieces[-1] == "bias" else "weight"
    if {"seq_relationship", "classifier", "head"} & set(pieces):
        return f"head.{kind}"
    return f"pooler.{kind}" if "pooler" in pieces else "encoder"


def has_attention(model: Any) -> bool | None:
    """Return True if the class of a module of the model has "attention" in its name; None if not.

    A bag of words has no such name that would show it. Pass ``attends=False`` for one.
    """
    return True if any("attention" in type(module).__name__.lower() for module in model.modules()) else None


def adaptive(optimizer: Any) -> bool | None:
    """Return whether an optimizer is of Adam's kind (True) or SGD (False), by the name of its class; else None."""
    name = type(getattr(optimizer, "optimizer", optimizer)).__name__.lower()  # accelerate wraps it
    return True if "adam" in name else False if name == "sgd" else None


class TorchRecorder:
    """Records a training of a two-class model, label 0 for IsNext.

    ::

        recorder = TorchRecorder(model, optimizer, path="run.json")
        for batch in loader:
            optimizer.zero_grad()
            output = model(**batch)
            output.loss.backward()
            with recorder.step(output.loss, output.logits, batch["labels"]):
                optimizer.step()
        recorder.held_out(loss, logits, labels)  # after each evaluation
        recorder.save("run.json")

    It never ends the training: what it cannot measure or write becomes a warning and a note in the log.

    Parameters
    ----------
    model : torch.nn.Module
        A module of it that is named ``pooler`` and returns a tensor is watched for saturation.
    optimizer : torch.optim.Optimizer, optional
        With it the log says whether it is of Adam's kind.
    every : int
        Steps between two readings of gradients and updates; each copies the weights once.
    part_of : callable
        From the name of a parameter to the name of its part.
    attends : bool, optional
        Whether the encoder is a Transformer (False: a bag of words). If left out, `has_attention` decides.
    path : str or Path, optional
        The log is written there while it grows.

    Raises
    ------
    ValueError
        If `every` is less than 1, or the path ends in neither ``.csv`` nor ``.json``.
    OSError
        If the log cannot be written at the path.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any = None,
        every: int = 20,
        part_of: Callable[[str], str] = part_of,
        attends: bool | None = None,
        path: str | Path | None = None,
    ) -> None:
        if every < 1:
            raise ValueError(f"every is {every}; expected at least 1")
        self.model, self.every, self.part_of = model, every, part_of
        attends = has_attention(model) if attends is None else attends
        self.log = self.kept = KeptLog(path, attends, adaptive(optimizer))
        self.steps = 0
        self._pooled: Any = None
        self._before: dict[str, Any] | None = None
        self._numbers: dict[str, float] | None = None
        self._hooks: list[Any] = []
        for name, module in model.named_modules():
            if name.split(".")[-1] == "pooler":
                self._hooks.append(module.register_forward_hook(self._keep_pooled))

    def resume(self, step: int) -> None:
        """Go on after a step: the rows of the file up to there are kept, and the next step is the one after it."""
        self.steps = step
        self.kept.resume(step)

    def _keep_pooled(self, module: Any, inputs: Any, output: Any) -> None:
        if hasattr(output, "detach"):
            self._pooled = output

    @contextmanager
    def step(self, loss: Any, logits: Any = None, labels: Any = None) -> Iterator[None]:
        """Put the optimizer's step inside: gradients are read before it, updates after it.

        Parameters
        ----------
        loss : tensor or float
            As the training computed it, in nats.
        logits : tensor, shape (batch, 2), optional
        labels : tensor, shape (batch,), optional
            Rows with another label than 0 and 1, such as -100, are left out of the counts.
        """
        self.steps += 1
        self._before, self._numbers = None, None
        self._read_before(loss, logits, labels)
        yield
        self._read_after()

    @guarded
    def _read_before(self, loss: Any, logits: Any, labels: Any) -> None:
        self._numbers = {"loss": float(to_numpy(loss))}
        reading = (self.steps - 1) % self.every == 0
        counted = self._count(logits, labels)
        counted.pop("mean_p_is_next", None)
        if not reading:
            counted = {name: counted[name] for name in ("accuracy", "label_is_next") if name in counted}
        self._numbers |= counted
        if reading:
            named = dict(self.model.named_parameters())
            self._numbers |= self._norms("gradient", {name: p.grad for name, p in named.items()})
            if self._pooled is not None:
                self._numbers["saturation"] = float((np.abs(to_numpy(self._pooled)) > 0.99).mean())
            self._before = {name: parameter.detach().clone() for name, parameter in named.items()}

    @guarded
    def _read_after(self) -> None:
        numbers = self._numbers or {}
        if self._before is not None:
            named = dict(self.model.named_parameters())
            numbers |= self._norms("update", {name: named[name].detach() - old for name, old in self._before.items()})
        self._before = None
        self.kept.keep(self.steps, "train", numbers)

    def _count(self, logits: Any, labels: Any) -> dict[str, float]:
        """Count what can be counted; a note says what cannot."""
        if logits is None or labels is None:
            return {}
        try:
            rows, truth = to_numpy(logits), to_numpy(labels)
            known = np.isin(truth, (0, 1))
            if not known.all():
                others = np.unique(truth[~known]).tolist()[:4]
                self.kept.note(f"Labels {others} are neither 0 (IsNext) nor 1 (NotNext); such rows are not counted.")
            return count(rows[known], truth[known]) if known.any() else {}
        except Exception as error:
            self.kept.note(f"Nothing could be counted: {error}.")
            return {}

    def _norms(self, kind: str, tensors: Mapping[str, Any]) -> dict[str, float]:
        squares: dict[str, float] = {}
        for name, tensor in tensors.items():
            part = f"{kind}.{self.part_of(name)}"
            size = 0.0 if tensor is None else float(tensor.detach().float().norm())
            squares[part] = squares.get(part, 0.0) + size**2
        return {part: square**0.5 for part, square in squares.items()}

    @guarded
    def held_out(
        self, loss: Any, logits: Any = None, labels: Any = None, part: str = "held_out", **reported: Any
    ) -> None:
        """Record an evaluation; one before the first step is at step 0.

        Parameters
        ----------
        loss : tensor or float
            As the evaluation computed it.
        logits, labels : tensor, optional
            Of all its pairs; the other numbers are counted from them.
        part : {"held_out", "test"}
        **reported : float
            Such as ``accuracy``: what the training's own evaluation said. It replaces the count.
        """
        numbers = self._count(logits, labels)
        counted = {k: v for k, v in numbers.items() if k not in ("log_odds_std", "label_is_next", "says_is_next")}
        self.kept.keep(self.steps, part, {"loss": float(to_numpy(loss)), **counted, **reported})

    def save(self, path: str | Path | None = None) -> None:
        """Write the log, as CSV or JSON by the suffix of the file; to the path of the recorder if none is given."""
        if path is not None:
            self.kept.path = Path(path)
        self.kept.finish()

    def close(self) -> None:
        """Remove the hooks from the model."""
        for hook in self._hooks:
            hook.remove()


def to_numpy(tensor: Any) -> Any:
    """Return a tensor of any device and precision as an array."""
    if not hasattr(tensor, "detach"):
        return np.asarray(tensor)
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
