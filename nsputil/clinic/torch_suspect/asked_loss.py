"""A loss of PyTorch as a function of logits and labels, so that it can be identified by `nsputil.clinic.facts.loss`.

Where the loss is inside a step or inside a model, the logits are put in its way: a module that answers with given
logits takes the place of the model, or of the layer that makes them.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from nsputil.clinic.facts.loss import Asked
from nsputil.clinic.torch_suspect.batches import LABELS, _flat, some
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.given import Given, logits_in

Loss = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]


class Answers(torch.nn.Module):
    """A model that gives the logits that it holds, whatever it is asked; asked for a part of a batch, the next ones."""

    def __init__(self, logits: torch.Tensor, like: Any) -> None:
        super().__init__()
        self.held = torch.nn.Parameter(logits)
        self.held.register_hook(self._keep)
        self.gradient: torch.Tensor | None = None
        self.next = 0
        self.tuple = isinstance(like, tuple | list)
        self.plain = isinstance(like, torch.Tensor)
        self.config = SimpleNamespace(use_return_dict=True, problem_type=None, num_labels=2)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the logits, in the form in which the model returns its own."""
        count = next((len(x) for x in [*args, *kwargs.values()] if getattr(x, "ndim", 0) >= 2), len(self.held))
        rows = torch.arange(self.next, self.next + count) % len(self.held)
        self.next = (self.next + count) % len(self.held)
        logits = self.held[rows]
        if self.plain:
            return logits
        labels = next((kwargs[name] for name in LABELS if kwargs.get(name) is not None), None)
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits.float(), labels.view(-1))
        if self.tuple:
            return (logits,) if loss is None else (loss, logits)
        from transformers.modeling_outputs import NextSentencePredictorOutput

        return NextSentencePredictorOutput(loss=loss, logits=logits)

    def _keep(self, gradient: torch.Tensor) -> None:
        added = gradient.detach().clone()
        self.gradient = added if self.gradient is None else self.gradient + added


def of(own: Given, batch: Any) -> tuple[Loss, str] | None:
    """Return the loss of a training as a function, and how it was found; None if there is no way to it."""
    model = copied(own.model, {}).eval()
    with torch.no_grad():
        like = _output(model, own, batch)
    if own.step is not None and own.loss is None:
        options = [_by_step]
    elif own.step is not None:
        options = [_by_step, _by_loss]
    elif own.both is not None:
        options = [_by_both]
    elif own.loss is not None:
        options = [_by_loss]
    else:
        options = [_by_layer]
    for option in options:
        found = option(own, batch, like)
        answer = Asked(found)(np.array([[1.0, -1.0], [-0.5, 0.5]] * 4), np.array([0, 1] * 4))
        if answer is not None:
            return found, option.__name__.removeprefix("_")
    return None


def _output(model: Any, own: Given, batch: Any) -> Any:
    """Return what the model itself returns in a call."""
    kept: list = []
    hook = model.register_forward_hook(lambda module, args, output: kept.append(output))
    try:
        own.logits(model, batch)
    finally:
        hook.remove()
    return kept[-1] if kept else torch.zeros(1, 2)


def _answer(value: Any, gradient: Any, shape: tuple) -> tuple[float, np.ndarray]:
    found = np.zeros(shape) if gradient is None else gradient.detach().double().numpy()
    return float(torch.as_tensor(value).detach()), found


def _by_loss(given: Given, batch: Any, like: Any) -> Loss:
    def ask(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        x = torch.tensor(logits, requires_grad=True)
        value = copied(given.loss, {})(x, torch.tensor(labels))
        if value.requires_grad:
            value.backward()
        return _answer(value, x.grad, logits.shape)

    return ask


def with_labels(batch: Any, labels: np.ndarray) -> Any:
    """Return a batch of so many rows, with these labels: rows of a batch, again and again."""
    size = next(len(x) for x in (batch.values() if isinstance(batch, Mapping) else batch) if hasattr(x, "shape"))
    rows = torch.arange(len(labels)) % size
    more, truth = some(batch, rows), torch.tensor(labels)
    if isinstance(more, dict):
        name = next(name for name in LABELS if name in more and _flat(more[name]))
        return more | {name: truth.to(more[name].dtype)}
    place = [k for k, x in enumerate(more) if _flat(x)][-1]
    return tuple(truth.to(x.dtype) if k == place else x for k, x in enumerate(more))


def _by_step(given: Given, batch: Any, like: Any) -> Loss:
    """The user's step, with a model that answers with given logits and an optimizer that does not move."""

    def ask(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        memo: dict = {}
        step, loss = copied(given.step, memo), copied(given.loss, memo)
        model = Answers(torch.tensor(logits), like)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: 1.0)
        assert step is not None
        value = step(model, with_labels(batch, labels), loss, optimizer, rates)
        if value is None:
            raise ValueError("the step returns no loss")
        return _answer(value, model.gradient, logits.shape)

    return ask


def _by_both(given: Given, batch: Any, like: Any) -> Loss:
    def ask(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        model = Answers(torch.tensor(logits), like)
        assert given.both is not None
        value = given.both(model, with_labels(batch, labels))[0]
        value.backward()
        return _answer(value, model.gradient, logits.shape)

    return ask


def _by_layer(given: Given, batch: Any, like: Any) -> Loss:
    """The model's own loss: the layer that makes its logits answers with given ones."""
    model = copied(given.model, {}).eval()
    outputs: list = []
    hooks = [m.register_forward_hook(lambda m, a, o: outputs.append((m, o))) for m in model.modules() if m is not model]
    with torch.no_grad():
        truth = logits_in(_output(model, given, batch))
    for hook in hooks:
        hook.remove()
    layers = [m for m, o in outputs if isinstance(o, torch.Tensor) and o.shape == truth.shape and torch.equal(o, truth)]
    if not layers:
        raise ValueError("no layer makes the logits")

    def ask(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        x = torch.tensor(logits.astype(np.float32), requires_grad=True)
        hook = layers[-1].register_forward_hook(lambda m, a, o: x)
        try:
            value = given.value(model, with_labels(batch, labels))[0]
        finally:
            hook.remove()
        if value.requires_grad:
            value.backward()
        return _answer(value, x.grad, logits.shape)

    return ask
