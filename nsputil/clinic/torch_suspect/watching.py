"""One training on copies, watched step by step: what the optimizer got, and what it did."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from nsputil.clinic.torch_suspect.batches import endless, labels_of, to_array
from nsputil.clinic.torch_suspect.calls import Calls
from nsputil.clinic.torch_suspect.given import Given
from nsputil.clinic.torch_suspect.other_steps import Stepping
from nsputil.clinic.torch_suspect.outputs import answer_in

WINDOW = 12  # batches at the start, and in the middle, whose gradients are computed a second time
LAGS = 10  # batches back, with which the gradient of a step is compared
KEPT = 24  # batches whose arrays are kept
SMALL = 30_000_000  # parameters: above, changes are read at a few steps only


@dataclass
class Update:
    """One step of the optimizer.

    Attributes
    ----------
    batch : int
        The batch after which it came, counted from 1.
    gradients : int
        How many batches had come since the step before, this one included.
    norms, moved : dict of float
        For each tensor the norm of its gradient, and of its change.
    gain : float
        What the step gains if the loss is a plane.
    rates : tuple of float
    cosines : dict of float
        Between the gradient that the optimizer got and that of the batch, of the batches since the last step, of all
        batches since the start, of earlier ones; empty where they were not computed.
    size : float
        The norm of the gradient over that of the batches since the last step.
    more : (float, float) or None
        What is in the gradient besides that of the batches: its size over theirs, and its cosine with the weights.
    parts : dict of tuple
        For each larger tensor the product of the two gradients, both squared lengths, and the cosine with all so far.
    """

    batch: int
    gradients: int
    norms: dict = field(default_factory=dict)
    moved: dict = field(default_factory=dict)
    gain: float = float("nan")
    rates: tuple = ()
    cosines: dict = field(default_factory=dict)
    size: float = float("nan")
    more: tuple[float, float] | None = None
    parts: dict = field(default_factory=dict)


@dataclass
class SeenBatch:
    """One batch of the training.

    Attributes
    ----------
    number : int
    epoch : int
    rows : list of int or None
    labels, logits : ndarray or None
    value : float
        The loss that the step returned.
    expected : float
        The loss of the batch by the given loss, computed beside the step; NaN where it was not.
    arrays : dict of ndarray
        Empty for most.
    texts : tuple of ndarray
        Two arrays of words that the model was given, where it was given no joined one; empty for most.
    """

    number: int
    epoch: int
    rows: Any
    labels: Any = None
    logits: Any = None
    value: float = float("nan")
    expected: float = float("nan")
    arrays: dict = field(default_factory=dict)
    texts: tuple = ()


@dataclass
class Training:
    """A watched training.

    Attributes
    ----------
    model, optimizer : object
        As they are at the end.
    seen : list of SeenBatch
    updates : list of Update
    looks : list
        What `look` returned, each with the number of batches before it.
    overshoot : list of (float, float)
        For sampled steps what they promised, and what the loss of their batch lost.
    trained : set of str
        Tensors that the optimizer holds.
    error : Exception or None
    takes : set of str
        Arrays that the model can be given.
    outside : list of (str, float, float)
        What changed most between two steps of the optimizer, by how much of its length, and how much of it is left.
    stepping : Stepping or None
        What all optimizers did that hold a tensor of the model.
    marks : list of tuple of float
        The sum of each tensor before each step of the optimizer.
    """

    model: Any
    optimizer: Any
    given: Given
    seen: list[SeenBatch] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    looks: list = field(default_factory=list)
    overshoot: list = field(default_factory=list)
    trained: set = field(default_factory=set)
    error: Exception | None = None
    takes: set = field(default_factory=set)
    outside: list = field(default_factory=list)
    stepping: Stepping | None = None
    marks: list = field(default_factory=list)


def flat(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return gradients as dense tensors of their own."""
    return {name: (t.to_dense() if t.is_sparse else t).detach().clone() for name, t in tensors.items()}


def dot(x: dict, y: dict) -> float:
    """Return the product of two sets of tensors, over the names that both have."""
    return float(sum(float(torch.dot(x[n].flatten().float(), y[n].flatten().float())) for n in x.keys() & y.keys()))


def cosine(x: dict, y: dict) -> float:
    """Return the cosine between two sets of tensors; 0 if one of them is 0. A tensor that is missing is 0."""
    size = (dot(x, x) * dot(y, y)) ** 0.5
    return dot(x, y) / size if size > 0 else 0.0


def added(x: dict | None, y: dict) -> dict:
    """Return the sum of two sets of tensors."""
    if x is None:
        return dict(y)
    return {name: x[name] + y[name] if name in x else y[name] for name in y} | {n: x[n] for n in x.keys() - y.keys()}


def watch(
    given: Given, steps: int, look: Callable | None = None, looks: tuple = (), start: Any = None, plain: bool = False
) -> Training:
    """Train on fresh copies.

    Parameters
    ----------
    given : Given
    steps : int
        Batches.
    look : callable, optional
        Called with ``(model, given)`` after the batches `looks`; the mode of the model and the random numbers are put
        back.
    looks : tuple of int
    start : callable, optional
        Called with the model and the optimizer before the first step.
    plain : bool
        Only train and look.

    Returns
    -------
    Training
        An error of the training ends it and is kept.
    """
    model, optimizer, schedule, own = given.fresh()
    model.train()
    run = Training(model, optimizer, own)
    if start is not None:
        start(model, optimizer)
    if plain:
        return _plainly(run, own, model, optimizer, schedule, steps, look, looks)
    watcher = _Watcher(run, model, optimizer, own, steps)
    try:
        watcher.train(schedule, look, looks)
    except Exception as error:  # whatever the training raises is evidence
        run.error = error
    watcher.close()
    return run


def _plainly(
    run: Training,
    own: Given,
    model: Any,
    optimizer: Any,
    schedule: Any,
    steps: int,
    look: Callable | None,
    looks: tuple,
) -> Training:
    try:
        for number, (_, _, batch) in zip(range(1, steps + 1), endless(own.train), strict=False):
            own.take_step(model, batch, optimizer, schedule, number)
            if number in looks and look is not None:
                run.looks.append((number, looked(look, model, own)))
    except Exception as error:
        run.error = error
    return run


def looked(look: Callable, model: Any, own: Given) -> Any:
    """Look at a model, and put back its mode and the random numbers."""
    modes = {module: module.training for module in model.modules()}
    state = torch.get_rng_state()
    try:
        return look(model, own)
    finally:
        torch.set_rng_state(state)
        for module, mode in modes.items():
            module.training = mode


class _Watcher:
    def __init__(self, run: Training, model: Any, optimizer: Any, own: Given, steps: int) -> None:
        self.run, self.model, self.optimizer, self.own, self.steps = run, model, optimizer, own, steps
        self.calls = Calls(model)
        run.stepping = Stepping(model)
        run.takes = self.calls.takes
        self.named = dict(model.named_parameters())
        inside = {id(p) for group in getattr(optimizer, "param_groups", []) for p in group["params"]}
        run.trained = {name for name, p in self.named.items() if id(p) in inside}
        size = sum(p.numel() for p in self.named.values())
        middle = max(WINDOW + 1, steps // 2)
        self.window = {*range(1, WINDOW + 1), *range(middle, middle + WINDOW // 2)}
        self.detailed = (
            set(range(1, steps + 1)) if size < SMALL else {1, 2, 3, *np.linspace(1, steps, 12).astype(int).tolist()}
        )
        self.kept = set(np.unique(np.linspace(1, steps, min(KEPT, steps)).astype(int)).tolist())
        self.sampled = set(np.unique(np.linspace(2, steps, min(10, steps)).astype(int)).tolist())
        self.number, self.since = 0, 0
        self.reference: list[dict] = []
        self.sum: dict | None = None
        self.everything: dict | None = None
        self.before: dict = {}
        self.after: dict | None = None
        self.got: dict = {}
        self.hooks: list[Any] = []
        if hasattr(optimizer, "register_step_pre_hook"):
            self.hooks = [
                optimizer.register_step_pre_hook(self._before),
                optimizer.register_step_post_hook(self._after),
            ]

    def close(self) -> None:
        inside = {id(p) for group in getattr(self.optimizer, "param_groups", []) for p in group["params"]}
        self.run.trained |= {name for name, p in self.named.items() if id(p) in inside}  # some are added on the way
        self.calls.close()
        if self.run.stepping is not None:
            self.run.stepping.close()
        for hook in self.hooks:
            hook.remove()

    def train(self, schedule: Any, look: Callable | None, looks: tuple) -> None:
        if 0 in looks and look is not None:
            self.run.looks.append((0, looked(look, self.model, self.own)))
        for epoch, rows, batch in endless(self.own.train):
            self.number += 1
            self.since += 1
            seen = SeenBatch(self.number, epoch, rows, _array(labels_of(batch)))
            state = torch.get_rng_state()
            if self.number in self.window:
                self._refer(batch, seen, state)
            promised = len(self.run.updates)
            before = self._value(batch, state) if self.number in self.sampled and self.own.gather == 1 else float("nan")
            self.calls.clear()
            value = self.own.take_step(self.model, batch, self.optimizer, schedule, self.number)
            seen.value = float(torch.as_tensor(value).detach()) if value is not None else float("nan")
            if self.calls.output is not None:
                form = self.own.form if self.calls.training else self.own.still
                seen.logits = _array(form.logits(answer_in(self.calls.output).detach()))
            if self.number in self.kept:
                seen.arrays = {name: to_array(array) for name, array in self.calls.arrays.items()}
                seen.texts = tuple(to_array(array) for array in self.calls.texts)
            self.run.seen.append(seen)
            same = abs(seen.value - before) <= 0.01 * max(abs(before), 0.05)  # the step's loss is the one known here
            if same and len(self.run.updates) > promised:
                self._overshoot(batch, state, seen)
            if self.number in looks and look is not None:
                self.run.looks.append((self.number, looked(look, self.model, self.own)))
            if self.number >= self.steps:
                return

    def _refer(self, batch: Any, seen: SeenBatch, state: Any) -> None:
        """Compute the gradient of the batch beside the training."""
        kept = {name: p.grad for name, p in self.named.items()}
        for p in self.named.values():
            p.grad = None
        mode = {module: module.training for module in self.model.modules()}
        buffers = {name: b.clone() for name, b in self.model.named_buffers()}
        try:
            loss, _ = self.own.value(self.model, batch)
            loss.backward()
            seen.expected = float(loss.detach())
            gradient = flat({name: p.grad for name, p in self.named.items() if p.grad is not None})
            self.reference.append(gradient)
            self.sum, self.everything = added(self.sum, gradient), added(self.everything, gradient)
        except Exception:  # then it cannot be compared
            self.reference.append({})
        for name, p in self.named.items():
            p.grad = kept[name]
        for module, training in mode.items():
            module.training = training
        with torch.no_grad():
            for name, b in self.model.named_buffers():
                if not torch.equal(b, buffers[name]):
                    b.copy_(buffers[name])
        torch.set_rng_state(state)

    def _before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self.got = {n: p.grad.to_dense() if p.grad.is_sparse else p.grad for n, p in self.named.items()
                    if p.grad is not None}  # fmt: skip
        update = Update(self.number, self.since)
        update.rates = tuple(group.get("lr", float("nan")) for group in getattr(optimizer, "param_groups", []))
        self.run.marks.append(tuple(float(p.detach().double().sum()) for p in self.named.values() if p.numel() > 15))
        update.norms = {name: float(g.norm()) for name, g in self.got.items()}
        if self.after is not None and self.number in self.window:
            apart = {n: (p.detach() - self.after[n]).norm() / self.after[n].norm().clamp_min(1e-12)
                     for n, p in self.named.items()}  # fmt: skip
            name = max(apart, key=lambda n: float(apart[n]))
            left = float(torch.dot(self.named[name].detach().flatten(), self.after[name].flatten()))
            left = left / max(1e-12, float(self.after[name].norm()) ** 2)
            self.run.outside.append((name, float(apart[name]), left))
        if self.number in self.detailed:
            self.before = {name: p.detach().clone() for name, p in self.named.items()}
        if self.number in self.window and self.reference and self.reference[-1]:
            own = self._held(self.got)
            update.cosines = {"batch": cosine(own, self._held(self.reference[-1]))}
            if self.sum is not None:
                since = self._held(self.sum)
                update.cosines["since"] = cosine(own, since)
                norm = dot(since, since) ** 0.5
                update.size = (dot(own, own) ** 0.5) / norm if norm else float("nan")
                rest = {n: g - since[n] if n in since else g for n, g in own.items()}
                pulled = {
                    n: self.named[n].detach() for n, g in rest.items() if float(g.norm()) > 0.2 * float(own[n].norm())
                }
                every = self.everything or {}
                update.parts = {n: (dot({n: g}, since), dot({n: g}, {n: g}), dot(since, {n: since[n]}),
                                    cosine({n: g}, {n: every[n]}) if n in every else 0.0)
                                for n, g in own.items() if n in since and g.numel() > 15}  # fmt: skip
                update.more = (dot(rest, rest) ** 0.5 / max(norm, 1e-30), cosine({n: rest[n] for n in pulled}, pulled))
            if self.number <= WINDOW and self.everything is not None:
                update.cosines["all"] = cosine(own, self._held(self.everything))
            for back in range(1, LAGS + 1):
                if len(self.reference) > back and self.reference[-1 - back]:
                    update.cosines[f"{back} before"] = cosine(own, self._held(self.reference[-1 - back]))
        self.run.updates.append(update)
        self.sum, self.since = None, 0

    def _held(self, gradients: dict) -> dict:
        """Return the gradients of the tensors that the optimizer holds: what it leaves alone, nobody sets to zero."""
        return {n: g for n, g in gradients.items() if n in self.run.trained} or gradients

    def _after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        keep = self.number in self.window and self.number + 1 in self.window
        self.after = {n: p.detach().clone() for n, p in self.named.items()} if keep else None
        if not self.run.updates or self.number not in self.detailed:
            return
        update, gain = self.run.updates[-1], 0.0
        for name, p in self.named.items():
            change = p.detach() - self.before[name]
            update.moved[name] = float(change.norm())
            if name in self.got:
                gain -= float((change * self.got[name]).sum())
        update.gain = gain

    def _value(self, batch: Any, state: Any) -> float:
        """Return the loss of a batch, with the dropout that random numbers give."""
        after, modes = torch.get_rng_state(), {module: module.training for module in self.model.modules()}
        buffers = {name: b.clone() for name, b in self.model.named_buffers()}
        torch.set_rng_state(state)
        try:
            with torch.no_grad():
                return float(self.own.value(self.model, batch)[0])
        except Exception:  # a training that keeps its loss to itself
            return float("nan")
        finally:
            with torch.no_grad():
                for name, b in self.model.named_buffers():
                    b.copy_(buffers[name])
            for module, training in modes.items():
                module.training = training
            torch.set_rng_state(after)

    def _overshoot(self, batch: Any, state: Any, seen: SeenBatch) -> None:
        """Compute the loss of the batch again, with the same dropout."""
        mode = self.model.training
        self.model.train(self.calls.training if self.calls.training is not None else mode)
        value = self._value(batch, state)
        self.model.train(mode)
        gain = self.run.updates[-1].gain
        if np.isfinite(gain):
            value = value if np.isfinite(value) else seen.value + 10.0
            self.run.overshoot.append((gain, seen.value - value))


def _array(tensor: Any) -> Any:
    return None if tensor is None else to_array(torch.as_tensor(tensor))
