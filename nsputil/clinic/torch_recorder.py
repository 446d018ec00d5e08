"""A PyTorch training, written as a log: a few lines in your own loop.

Nothing here imports torch; it only calls methods of the tensors and modules that it is given. Introduced in notebook
10.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nsputil.clinic.logs import RunLog, count


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

        recorder = TorchRecorder(model, optimizer)
        for batch in loader:
            optimizer.zero_grad()
            output = model(**batch)
            output.loss.backward()
            with recorder.step(output.loss, output.logits, batch["labels"]):
                optimizer.step()
        recorder.held_out(loss, logits, labels)  # after each evaluation
        recorder.save("run.json")

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

    Raises
    ------
    ValueError
        If `every` is less than 1.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any = None,
        every: int = 20,
        part_of: Callable[[str], str] = part_of,
        attends: bool | None = None,
    ) -> None:
        if every < 1:
            raise ValueError(f"every is {every}; expected at least 1")
        self.model, self.every, self.part_of = model, every, part_of
        attends = has_attention(model) if attends is None else attends
        self.log = RunLog(attends=attends, adaptive=adaptive(optimizer))
        self.steps = 0
        self._pooled: Any = None
        self._hooks: list[Any] = []
        for name, module in model.named_modules():
            if name.split(".")[-1] == "pooler":
                self._hooks.append(module.register_forward_hook(self._keep_pooled))

    def _keep_pooled(self, module: Any, inputs: Any, output: Any) -> None:
        if hasattr(output, "detach"):
            self._pooled = output

    @contextmanager
    def step(self, loss: Any, logits: Any, labels: Any) -> Iterator[None]:
        """Put the optimizer's step inside: gradients are read before it, updates after it.

        Parameters
        ----------
        loss : tensor or float
            As the training computed it, in nats.
        logits : tensor, shape (batch, 2)
        labels : tensor, shape (batch,)
        """
        self.steps += 1
        numbers = count(to_numpy(logits), to_numpy(labels))
        numbers.pop("mean_p_is_next", None)
        reading = (self.steps - 1) % self.every == 0
        if reading:
            named = dict(self.model.named_parameters())
            before = {name: parameter.detach().clone() for name, parameter in named.items()}
            numbers |= self._norms("gradient", {name: p.grad for name, p in named.items()})
            if self._pooled is not None:
                numbers["saturation"] = float((np.abs(to_numpy(self._pooled)) > 0.99).mean())
        yield
        if reading:
            numbers |= self._norms("update", {name: p.detach() - before[name] for name, p in named.items()})
        else:
            numbers = {name: numbers[name] for name in ("accuracy", "label_is_next")}
        self.log.add(self.steps, "train", loss=float(to_numpy(loss)), **numbers)

    def _norms(self, kind: str, tensors: Mapping[str, Any]) -> dict[str, float]:
        squares: dict[str, float] = {}
        for name, tensor in tensors.items():
            part = f"{kind}.{self.part_of(name)}"
            size = 0.0 if tensor is None else float(tensor.detach().float().norm())
            squares[part] = squares.get(part, 0.0) + size**2
        return {part: square**0.5 for part, square in squares.items()}

    def held_out(
        self, loss: Any, logits: Any = None, labels: Any = None, part: str = "held_out", **reported: float
    ) -> None:
        """Record an evaluation.

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
        numbers = {} if logits is None else count(to_numpy(logits), to_numpy(labels))
        counted = {k: v for k, v in numbers.items() if k not in ("log_odds_std", "label_is_next", "says_is_next")}
        self.log.add(max(1, self.steps), part, loss=float(to_numpy(loss)), **(counted | reported))

    def save(self, path: str | Path) -> None:
        """Write the log, as CSV or JSON by the suffix of the file."""
        self.log.save(path)

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
