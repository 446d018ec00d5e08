"""A loss of PyTorch as a function of logits and labels, so that it can be identified by `nsputil.clinic.facts.loss`.

Where the loss is inside a step or inside a model, the logits are put in its way: a module that answers with given
logits takes the place of the model, or of the layer that makes them.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from nsputil.clinic.facts.loss import Asked
from nsputil.clinic.torch_suspect.batches import (
    LABELS,
    label_place,
    leaves,
    mapped,
    own_labels,
    size_of,
    some,
    with_labels_like,
)  # fmt: skip
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.given import Given
from nsputil.clinic.torch_suspect.outputs import Form, answer_in

Loss = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]


class Answers(torch.nn.Module):
    """A model that gives the logits that it holds, whatever it is asked; asked for a part of a batch, the next ones."""

    def __init__(self, logits: torch.Tensor, like: Any, form: Form | None = None) -> None:
        super().__init__()
        self.held = torch.nn.Parameter(logits)
        self.held.register_hook(self._keep)
        self.gradient: torch.Tensor | None = None
        self.next = 0
        self.like, self.form = like, form or Form()
        self.config = SimpleNamespace(use_return_dict=True, problem_type=None, num_labels=2)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the logits, in the form in which the model returns its own."""
        given = [*leaves(args).values(), *leaves(kwargs).values()]
        count = next((len(x) for x in given if getattr(x, "ndim", 0) >= 2), len(self.held))
        logits = self.take(count)
        labels = next((kwargs[name] for name in LABELS if kwargs.get(name) is not None), None)
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits.float(), labels.view(-1).long())
        return answered(self.like, self.form.answer(logits), loss)

    def take(self, count: int) -> torch.Tensor:
        """Return the next logits."""
        rows = torch.arange(self.next, self.next + count) % len(self.held)
        self.next = (self.next + count) % len(self.held)
        return self.held[rows]

    def _keep(self, gradient: torch.Tensor) -> None:
        added = gradient.detach().clone()
        self.gradient = added if self.gradient is None else self.gradient + added


def answered(like: Any, answer: torch.Tensor, loss: Any) -> Any:
    """Return an answer, and a loss if there is one, in an output of the same kind as another."""
    if isinstance(like, torch.Tensor):
        return answer
    if isinstance(like, tuple | list) and not hasattr(like, "_asdict"):
        return (answer,) if loss is None else (loss, answer)
    if type(like).__module__.startswith("transformers."):
        from transformers.modeling_outputs import NextSentencePredictorOutput

        return NextSentencePredictorOutput(loss=loss, logits=answer)
    own = answer_in(like)
    other = mapped(like, lambda path, leaf: answer if leaf is own else loss if path[-1] == "loss" else leaf)
    return other | {"loss": loss} if type(other) is dict and loss is not None else other


def of(own: Given, batch: Any) -> tuple[Loss, str] | None:
    """Return the loss of a training as a function, and how it was found; None if there is no way to it."""
    model = copied(own.model, {}).train()
    with torch.no_grad():
        like = _output(model, own, batch)
    if own.step is not None:
        options = [_by_step_and_layer] if own.call is not None and own.labelled(model, batch) else []
        options += [_by_step] if own.loss is None else [_by_step, _by_loss]
    elif own.both is not None:
        options = [_by_both]
    elif own.loss is not None:
        options = [_by_loss]
    else:
        options = [_by_layer]
    for option in options:
        try:
            found = option(own, batch, like)
        except ValueError:  # no layer makes the logits
            continue
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
    own = own_labels(batch)

    def ask(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        x = torch.tensor(logits, requires_grad=True)
        truth = torch.tensor(labels)
        if own is not None and torch.as_tensor(own).is_floating_point():
            truth = with_labels_like(labels, own)
        value = copied(given.loss, {})(given.form.answer(x), truth)
        if value.requires_grad:
            value.backward()
        return _answer(value, x.grad, logits.shape)

    return ask


def with_labels(batch: Any, labels: np.ndarray) -> Any:
    """Return a batch of so many rows, with these labels: rows of a batch, again and again."""
    more = some(batch, torch.arange(len(labels)) % size_of(batch))
    place = label_place(more)
    return mapped(more, lambda path, leaf: with_labels_like(labels, leaf) if path == place else leaf)


def _one_step(step: Callable, model: Any, batch: Any, loss: Callable | None) -> Any:
    """Take a step of a user with an optimizer that does not move, and return its loss.

    Raises
    ------
    ValueError
        If the step returns none.
    """
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    value = step(model, batch, loss, optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: 1.0))
    if value is None:
        raise ValueError("the step returns no loss")
    return value


def _by_step(given: Given, batch: Any, like: Any) -> Loss:
    """The user's step, with a model that answers with given logits."""

    def ask(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        memo: dict = {}
        step, loss = copied(given.step, memo), copied(given.loss, memo)
        model = Answers(torch.tensor(logits), like, given.form)
        value = _one_step(step, model, with_labels(batch, labels), loss)
        return _answer(value, model.gradient, logits.shape)

    return ask


def _by_both(given: Given, batch: Any, like: Any) -> Loss:
    def ask(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        model = Answers(torch.tensor(logits), like, given.form)
        assert given.both is not None
        value = given.both(model, with_labels(batch, labels))[0]
        value.backward()
        return _answer(value, model.gradient, logits.shape)

    return ask


def _layer(given: Given, model: Any, batch: Any) -> tuple[Any, torch.Tensor]:
    """Return the layer of a model that makes its answers, and what it gives.

    Raises
    ------
    ValueError
        If no layer makes them.
    """
    outputs: list = []
    hooks = [m.register_forward_hook(lambda m, a, o: outputs.append((m, o))) for m in model.modules() if m is not model]
    with torch.no_grad():
        truth = answer_in(_output(model, given, batch)).flatten()
    for hook in hooks:
        hook.remove()
    for module, output in reversed(outputs):
        if isinstance(output, torch.Tensor) and output.numel() == len(truth) and torch.equal(output.flatten(), truth):
            return module, output
    raise ValueError("no layer makes the logits")


def _by_layer(given: Given, batch: Any, like: Any) -> Loss:
    """The model's own loss: the layer that makes its logits answers with given ones."""
    model = copied(given.model, {}).train()
    layer, own = _layer(given, model, batch)

    def ask(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        x = torch.tensor(logits.astype(np.float32), requires_grad=True)
        hook = layer.register_forward_hook(lambda m, a, o: given.form.answer(x).reshape(-1, *own.shape[1:]))
        try:
            value = given.value(model, with_labels(batch, labels))[0]
        finally:
            hook.remove()
        if value.requires_grad:
            value.backward()
        return _answer(value, x.grad, logits.shape)

    return ask


def _by_step_and_layer(given: Given, batch: Any, like: Any) -> Loss:
    """The user's step with the user's model, whose own loss it uses, and given logits at the layer that makes them."""
    model = copied(given.model, {}).train()
    layer, own = _layer(given, model, batch)
    name = next(name for name, module in model.named_modules() if module is layer)

    def ask(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
        memo: dict = {}
        step, loss, model = copied(given.step, memo), copied(given.loss, memo), copied(given.model, memo)
        answers = Answers(torch.tensor(logits.astype(np.float32)), torch.zeros(1, 2), given.form)

        def put(m: Any, a: Any, o: torch.Tensor) -> torch.Tensor:
            return given.form.answer(answers.take(len(o))).reshape(-1, *own.shape[1:])

        model.get_submodule(name).register_forward_hook(put)
        value = _one_step(step, model, with_labels(batch, labels), loss)
        return _answer(value, answers.gradient, logits.shape)

    return ask
