"""Facts about the model: its start, what it reads, whether it says the same twice, whether its gradient is a slope."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.model import NOISE, ROUNDING
from nsputil.clinic.torch_suspect.as_recording import AsRecording
from nsputil.clinic.torch_suspect.batches import labels_of, leaves, mapped, some, to_array
from nsputil.clinic.torch_suspect.calls import Calls
from nsputil.clinic.torch_suspect.changed_logits import exact_zeros
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.normalization import statistics
from nsputil.clinic.torch_suspect.unregistered import registered

PLACE = "model"
SLOPE = 0.15  # relative; a sign or a factor is far outside, curvature inside


def odds(logits: Any) -> np.ndarray:
    """Return log-odds of IsNext."""
    logits = to_array(logits).astype(np.float64)
    return logits[:, 0] - logits[:, 1]


def model_facts(seen: AsRecording, batch: Any) -> list[Finding]:
    """All facts about the model, with one batch of the training."""
    start = copied(seen.parts.model, {}).eval()
    trained = copied(seen.training.model, {}).eval()
    logits = torch.cat(
        [torch.as_tensor(s.logits) for s in seen.steps if s.logits is not None][:20] or [torch.zeros(0, 2)]
    )
    checks = [
        lambda: _shape(seen),
        lambda: _probabilities(seen, logits),
        lambda: _repeatable(seen, trained, batch),
        lambda: _start(seen),
        lambda: _pooled(seen, start, batch),
        lambda: _noise(seen, start, batch),
        lambda: _modes(seen, start, batch),
        lambda: _reads(seen, trained, batch),
        lambda: _gradient(seen, start, batch),
        lambda: _comparison(seen, start, batch),
        lambda: registered(seen, batch),
        lambda: statistics(seen),
        lambda: exact_zeros(seen),
    ]
    found = []
    for check in checks:
        try:
            found.append(check())
        except Exception as error:  # a model of a kind that this question does not fit
            name = "model.question"
            found.append(unknown(name, PLACE, f"A question to the model failed ({type(error).__name__}: {error})."))
    return found


def _shape(seen: AsRecording) -> Finding:
    """Does the model give two logits? One is enough for a loss that takes it as such, which the loss tells."""
    if seen.parts.form.name.startswith("one"):
        values = np.array([step.value for step in seen.steps], float)
        if np.isfinite(values).all() and len(values) and np.abs(values).max() > 1e-6 and np.ptp(values) > 1e-6:
            return holds("model.shape", PLACE, "The model gives one number for a pair, and the loss depends on it.")
        return violated("model.shape", PLACE, "The model gives 1 logit for a pair; expected two.", "single-logit")
    return holds("model.shape", PLACE, "The model gives two logits for a pair.")


def _probabilities(seen: AsRecording, logits: torch.Tensor) -> Finding:
    """Are the logits probabilities already? That is right for a loss that takes them as such, which the loss tells."""
    if len(logits) == 0 or not bool(torch.isfinite(logits).all()):
        return unknown("model.logits", PLACE, "No step shows finite logits.")
    if seen.parts.form.name == "probabilities":
        if _taken_as_probabilities(seen):
            return holds("model.logits", PLACE, "The model gives probabilities, and the loss takes them as such.")
        text = "The logits of all rows lie in [0, 1] and sum to 1: the model applies softmax, and the loss again."
        return violated("model.logits", "loss", text, "double-softmax")
    equal = float((logits[:, 0] - logits[:, 1]).abs().max())
    if equal < 1e-7:
        varied = float(logits.std()) > 1e-7
        text = "The two logits are equal for every pair" + (": one output is given in two columns." if varied else ".")
        return violated("model.logits", PLACE, text, "single-logit" if varied else None)
    return holds("model.logits", PLACE, f"Log-odds reach {equal:.3f} nats in the first steps.")


def _taken_as_probabilities(seen: AsRecording) -> bool:
    """Whether the losses of the steps are nearer to -log p than to what a second softmax gives."""
    once, twice = [], []
    for step in seen.steps:
        if step.logits is None or step.labels is None or len(step.logits) != len(step.labels):
            continue
        found, labels = torch.as_tensor(step.logits), torch.as_tensor(step.labels)
        once.append(abs(float(F.cross_entropy(found, labels)) - step.value))
        twice.append(abs(float(F.cross_entropy(found.exp(), labels)) - step.value))
    return bool(once) and float(np.median(once)) < 0.5 * float(np.median(twice))


def _repeatable(seen: AsRecording, model: Any, batch: Any) -> Finding:
    with torch.no_grad():
        first, second = (odds(seen.parts.logits(model, batch)) for _ in range(2))
    apart, spread = float(np.abs(first - second).max()), float(first.std()) or 1.0
    if not np.isfinite(apart):
        return violated("model.repeatable", PLACE, "The trained model gives numbers that are not finite.", None, False)
    if apart > ROUNDING * spread and apart > 1e-6:
        text = f"In evaluation mode the same pairs get log-odds that differ by up to {apart:.4f} nats the second time."
        return violated("model.repeatable", PLACE, text, "dropout-in-evaluation", apart=apart)
    return holds("model.repeatable", PLACE, "In evaluation mode the same pairs get the same numbers twice.")


def _start(seen: AsRecording) -> Finding:
    """Is the start the checkpoint that it is meant to be?"""
    wanted = seen.parts.start
    if not wanted:
        return _untrained(seen)
    own = dict(seen.parts.model.state_dict())
    tails = {name.split(".", 1)[-1]: name for name in own}
    equal: list[str] = []
    other: list[str] = []
    missing: list[str] = []
    for name, tensor in wanted.items():
        if not getattr(tensor, "is_floating_point", lambda: False)() or tensor.ndim < 2:
            continue
        match = name if name in own else tails.get(name, tails.get(name.split(".", 1)[-1]))
        if match is None or own[match].shape != tensor.shape:
            missing.append(name)
        else:
            (equal if torch.allclose(own[match].float().cpu(), tensor.float().cpu(), atol=1e-3) else other).append(
                match
            )
    body = [
        name for name in [*other, *missing] if not any(x in name for x in ("seq_relationship", "classifier", "head"))
    ]
    numbers = {"equal": float(len(equal)), "other": float(len(other)), "missing": float(len(missing))}
    text = f"Of {len(equal) + len(other) + len(missing)} matrices of the checkpoint {len(equal)} are in the model"
    encoder = [name for name in body if "pooler" not in name and "predictions" not in name]
    if encoder:
        text = f"{text}; {encoder[0]} is not."
        return violated("model.start", PLACE, text, "pretrained-not-loaded", rows=tuple(encoder[:4]), numbers=numbers)
    return holds("model.start", PLACE, f"{text}.", numbers=numbers)


def _untrained(seen: AsRecording) -> Finding:
    """Is a Transformer as it was made? Each of its normalizations then multiplies by exactly 1 and adds 0."""
    norms = [m for m in seen.parts.model.modules() if isinstance(m, torch.nn.LayerNorm) and m.weight is not None]
    text = "No checkpoint was named that the model is meant to start from."
    new = all(bool((m.weight == 1).all()) and not (m.bias is not None and bool(m.bias.any())) for m in norms)
    if seen.run.kind.get("attends") and len(norms) > 1 and new:
        text = f"None of its {len(norms)} normalizations was ever trained: the Transformer starts from random weights."
        return violated("model.start", PLACE, text, "pretrained-not-loaded", False)
    return unknown("model.start", PLACE, text)


def _modes(seen: AsRecording, start: Any, batch: Any) -> Finding:
    """Without dropout, does the model say in training mode what it says in evaluation mode?"""
    model = copied(start, {}).train()
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
    with torch.no_grad(), _dropout_rates(off=True):
        training, still = odds(seen.parts.logits(model, batch)), odds(seen.parts.logits(start, batch))
    factor = float(np.vdot(still, training) / max(float(np.vdot(still, still)), 1e-30))
    left = float(np.linalg.norm(training - factor * still) / max(float(np.linalg.norm(training)), 1e-30))
    numbers = {"factor": factor, "left": left}
    if min(float(np.abs(still).max()), float(np.abs(training).max())) < 1e-5:
        return unknown("model.modes", PLACE, "The log-odds are 0 in a mode.")
    if left < 1e-3 and abs(factor - 1) > 0.05:
        text = f"In training mode, with dropout off, the log-odds are {factor:.4f} times those in evaluation mode."
        return violated("model.modes", "loss", text, "temperature-forgotten", numbers=numbers)
    return holds("model.modes", PLACE, "Training mode changes the log-odds by no factor.", numbers=numbers)


def _pooled(seen: AsRecording, start: Any, batch: Any) -> Finding:
    """Do pooled units differ between pairs at the start, and does tanh pass a gradient?"""
    with Calls(start) as calls, torch.no_grad():
        logits = seen.parts.logits(start, batch)
    later = dict(seen.training.model.named_parameters())  # a head alone that starts from zeros gets a gradient
    zero = [n for n, p in start.named_parameters() if p.ndim > 1 and not bool(p.any()) and "seg" not in n.lower()
            and "type" not in n.lower() and not bool(later[n].any())]  # fmt: skip
    spread = float(np.ptp(odds(logits)))
    if calls.pooled is None or calls.pooled.ndim != 2:
        if spread < 1e-7 and zero:
            text = f"At the start all pairs get the same logits; {zero[0]} starts from zeros."
            return violated("model.pooled", PLACE, text, "zero-init", rows=tuple(zero[:3]))
        return unknown("model.pooled", PLACE, "The model has no layer that is named pooler.")
    pooled = to_array(calls.pooled).astype(np.float64)
    dense = [m for m in start.modules() if isinstance(m, torch.nn.Tanh)]
    tanh = bool(np.abs(pooled).max() <= 1) or bool(dense)
    if not bool(np.abs(pooled).max() <= 1):
        pooled = np.tanh(pooled) if tanh or type(start).__module__ != "torch.nn" else pooled
    flat, alive = float((np.abs(pooled) > 0.99).mean()), float((np.ptp(pooled, axis=0) > 1e-9).mean())
    numbers = {"saturated": flat, "alive": alive, "spread": spread}
    if alive < 0.1 and zero:
        text = f"At the start {alive:.3f} of the pooled units differ between pairs; {zero[0]} starts from zeros."
        return violated("model.pooled", PLACE, text, "zero-init", rows=tuple(zero[:3]), numbers=numbers)
    head = [name for name in zero if any(x in name for x in ("seq_relationship", "classifier", "head", "pooler"))]
    if len(head) > 1 or (head and spread < 1e-7 and "pooler" in head[0]):
        text = f"{', '.join(head[:3])} start from zeros, so no gradient passes."
        return violated("model.pooled", PLACE, text, "zero-init", rows=tuple(head[:3]), numbers=numbers)
    if alive < 0.1:
        text = f"At the start {alive:.3f} of the pooled units differ between pairs; the others are the same for all."
        return violated("model.pooled", PLACE, text, "dead-units" if alive == 0 else None, numbers=numbers)
    if flat > 0.5:
        text = f"At the start {flat:.3f} of the pooled units lie beyond 0.99, where tanh passes hardly any gradient."
        return violated("model.pooled", PLACE, text, "pooler-saturated", numbers=numbers)
    return holds("model.pooled", PLACE, f"At the start {flat:.3f} of the pooled units are saturated.", numbers=numbers)


@contextmanager
def _dropout_rates(off: bool = False) -> Iterator[list[float]]:
    """Note the rate of each dropout that is at work, of modules and of functions; or turn it off."""
    real, found = F.dropout, []

    def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        found.append(p if training else 0.0)
        return real(input, 0.0 if off else p, training, inplace)

    F.dropout = dropout
    try:
        yield found
    finally:
        F.dropout = real


def _noise(seen: AsRecording, start: Any, batch: Any) -> Finding:
    """How much of what the pooler, or the last layer, reads does dropout leave in a training step?"""
    with torch.no_grad():
        with Calls(start) as calls:
            still = odds(seen.parts.logits(start, batch))
            h = calls.before_pooler
            start.train()
            for module in start.modules():  # statistics of a batch are no noise
                if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                    module.eval()
            with _dropout_rates() as rates:
                drawn = odds(seen.parts.logits(start, batch))
            d = calls.before_pooler
        start.eval()
    numbers = {"highest": max(rates, default=0.0)}
    if h is not None and d is not None:
        ratio = float((d - h).norm() / h.norm().clamp_min(1e-12))
    else:
        ratio = float(np.abs(drawn - still).mean() / max(still.std(), 1e-9))
    numbers["ratio"] = ratio
    usual = 0 < numbers["highest"] <= 0.3  # then pairs hardly differ, and any noise is large beside that
    if (ratio > NOISE and not usual) or numbers["highest"] >= 0.6:
        text = f"In a training step dropout (p up to {numbers['highest']:.2f}) changes what the head reads by {ratio:.2f} of its own length."  # noqa: E501
        return violated("model.dropout", PLACE, text, "dropout-too-high", False, numbers=numbers)
    return holds("model.dropout", PLACE, f"Dropout changes what the head reads by {ratio:.2f}.", numbers=numbers)


def _reads(seen: AsRecording, model: Any, batch: Any) -> Finding:
    """Change the input: do the log-odds depend on the words of A, and of B?"""
    with Calls(model) as calls, torch.no_grad():
        base = odds(seen.parts.logits(model, batch))
        arrays = dict(calls.arrays)
    ids = arrays.get("input_ids")
    if ids is None or seen.words is None or not np.isfinite(base).all():
        return unknown("model.reads", PLACE, "It is not known which array holds the words.")
    words = seen.words
    sides = _sides(to_array(ids), words)
    moved = {}
    apart = words.sep_id >= 0 and all((sides == side).any() for side in (1, 2))
    for side, name in ((1, "A"), (2, "B")):
        if not apart:
            sides = np.where(sides > 0, side, 0)
        changed = _with_ids(batch, ids, _other_words(to_array(ids), sides == side))
        if changed is None:
            return unknown("model.reads", PLACE, "The words are not in the batch as the model gets them.")
        with torch.no_grad():
            moved[name] = float(np.abs(odds(seen.parts.logits(model, changed)) - base).max())
    numbers = {"by_a": moved["A"], "by_b": moved["B"], "spread": float(base.std())}
    if max(moved.values()) < 1e-6:
        return violated(
            "model.reads", PLACE, "The log-odds are the same whatever the words are.", None, numbers=numbers
        )
    if not apart:
        return unknown("model.reads", PLACE, "No separator tells which words are of B.")
    for name, cause in (("B", "second-sentence-lost"), ("A", "first-sentence-lost")):
        if moved[name] <= 1e-4 * max(moved.values()):
            text = f"The log-odds do not change when all words of {name} are exchanged: {name} is not read."
            return violated("model.reads", PLACE, text, cause, numbers=numbers)
    return holds("model.reads", PLACE, "The log-odds depend on the words of A and of B.", numbers=numbers)


def _sides(ids: np.ndarray, words: Any) -> np.ndarray:
    """Return 1 for words of A, 2 for words of B, 0 for the rest, by the first separator."""
    special = {words.pad_id, words.cls_id, words.sep_id}
    after = (np.cumsum(ids == words.sep_id, axis=1) > 0) & (ids != words.sep_id)
    plain = ~np.isin(ids, list(special))
    return np.where(plain, np.where(after, 2, 1), 0)


def _other_words(ids: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return ids with other words in some places, taken from the row three below."""
    changed = ids.copy()
    pool = ids[where]
    if len(pool):
        changed[where] = np.roll(pool, len(pool) // 2 + 1)
    return changed


def _with_ids(batch: Any, ids: torch.Tensor, new: np.ndarray) -> Any:
    """Return the batch with other ids in the array that the model got as ids; None if it is not there."""
    fresh = torch.as_tensor(new, dtype=ids.dtype)

    def put(path: tuple, value: Any) -> Any:
        same = isinstance(value, torch.Tensor) and value.shape == ids.shape and torch.equal(value, ids)
        return fresh if same else value

    changed = mapped(batch, put)
    return changed if any(leaf is fresh for leaf in leaves(changed).values()) else None


def _gradient(seen: AsRecording, start: Any, batch: Any) -> Finding:
    """Is the gradient of each tensor the slope of the cross-entropy, and does each tensor have one?"""
    labels = labels_of(batch)
    rows = torch.arange(min(8, len(labels)))
    few, truth = some(batch, rows), torch.arange(len(rows)) % 2

    def value() -> torch.Tensor:
        return F.cross_entropy(seen.parts.logits(start, few).float(), truth)

    start.zero_grad()
    loss = value()
    with torch.no_grad():
        if not torch.equal(value(), loss.detach()):
            return unknown("model.gradient", PLACE, "The model draws in evaluation mode, so differences say nothing.")
    if not loss.requires_grad:
        start.train()  # an average of weights that takes their place in evaluation has none
        trained = value().requires_grad
        start.eval()
        if trained:
            return unknown("model.gradient", PLACE, "The logits have a gradient in training mode alone.")
        return violated("model.gradient", PLACE, "The logits have no gradient at all.", "gradients-detached")
    loss.backward()
    named = {n: p for n, p in start.named_parameters() if p.requires_grad}
    without = [n for n, p in named.items() if p.grad is None and p.ndim > 1 and "predictions" not in n]
    if without:
        text = f"{len(without)} of {len(named)} tensors have no gradient, such as {without[0]}: the graph is cut."
        used = _used(seen, start, few, named, without)
        if used:
            return violated("model.gradient", PLACE, f"{text} The logits depend on {used[0]}.", "gradients-detached",
                            rows=tuple(used[:5]))  # fmt: skip
    wrong, checked, upward = [], 0, 0
    for name, p in list(named.items())[:60]:
        if p.grad is None or not bool(p.grad.any()) or p.dtype not in (torch.float32, torch.float64):
            continue  # of what is rounded, differences show no slope
        ratio = _ratio(value, p)
        if ratio is None:
            continue
        checked += 1
        if abs(ratio - 1) > SLOPE:
            wrong.append(f"{name}: {ratio:.3f} times the slope")
            upward += ratio < 0
    numbers = {"checked": float(checked), "wrong": float(len(wrong))}
    if wrong and len(wrong) >= 1 and checked and len(wrong) > 0.05 * checked:
        text = f"The gradient of {len(wrong)} of {checked} tensors is not the slope of the loss, such as {wrong[0]}."
        own = _own_backward(loss)
        if own:
            text = f"{text} The backward pass of {own} is written by hand."
        cause = "backward-wrong" if own or upward else "gradients-detached"  # a cut graph loses slope, it turns none
        return violated("model.gradient", PLACE, text, cause, rows=tuple(wrong[:5]), numbers=numbers)
    return holds("model.gradient", PLACE, f"{checked} slopes agree with the gradients.", numbers=numbers)


def _own_backward(loss: torch.Tensor) -> str:
    """Return the name of a function in the graph of a loss whose backward pass is written in Python, or nothing."""
    ahead: list = [loss.grad_fn]
    known: set = set()
    while ahead:
        made = ahead.pop()
        if made is None or made in known:
            continue
        known.add(made)
        if isinstance(made, torch.autograd.function.BackwardCFunction) and "Checkpoint" not in made.name():
            return made.name().removesuffix("Backward")
        ahead += [other for other, _ in made.next_functions]
    return ""


def _used(seen: AsRecording, start: Any, few: Any, named: dict, without: list) -> list[str]:
    """Return the tensors without gradient on which the logits depend nevertheless."""
    with torch.no_grad():
        base = seen.parts.logits(start, few)
        used = []
        for name in without[:12]:
            p = named[name]
            kept = p.clone()
            p.mul_(1.1).add_(0.01 * float(kept.abs().mean()))
            if not torch.equal(seen.parts.logits(start, few), base):
                used.append(name)
            p.copy_(kept)
    return used


def _ratio(value: Any, p: torch.Tensor) -> float | None:
    """Return the norm of the gradient over the slope along it; None if it cannot be measured."""
    assert p.grad is not None
    gradient = p.grad.to_dense() if p.grad.is_sparse else p.grad
    norm = float(gradient.norm())
    if norm == 0 or not np.isfinite(norm):
        return None
    direction, kept, found = gradient / norm, p.detach().clone(), []
    first = min(0.02 / norm, 0.05 * float(kept.norm()) + 0.01)
    for h in (first, first / 4):
        if norm * h < 2e-4:
            break
        values = []
        with torch.no_grad():
            for sign in (1, -1):
                p.copy_(kept + sign * h * direction)
                values.append(float(value()))
            p.copy_(kept)
        measured = (values[0] - values[1]) / (2 * h)
        found.append(norm / measured if measured else float("inf"))
        if abs(found[-1] - 1) < SLOPE / 2:
            return found[-1]
    return found[-1] if len(found) == 2 and abs(found[1] - 1) > 0.9 * abs(found[0] - 1) else None


def _comparison(seen: AsRecording, start: Any, batch: Any) -> Finding:
    """Is there anything before the first layer that reads A and B which depends on the two together?

    For a part of A plus a part of B, f(A, B) + f(A', B') - f(A, B') - f(A', B) is 0, to float precision.
    """
    start.eval()
    with Calls(start) as calls, torch.no_grad():
        seen.parts.logits(start, batch)
        arrays, pooler = dict(calls.arrays), calls.before_pooler is not None
        variants = _variants(seen, batch, arrays)
        if variants is None:
            return unknown("model.comparison", PLACE, "It is not known which arrays hold the words of A and B.")
        found, answers = [], []
        for changed in variants:
            with _inputs_of_layers(start) as inputs:
                answers.append(to_array(seen.parts.logits(start, changed)).astype(np.float64))
            found.append([to_array(calls.before_pooler)] if pooler else inputs)
    read = _reads_both([[x.astype(np.float64) for x in one] for one in found])
    apart = answers[0] + answers[1] - answers[2] - answers[3]
    reach = float(np.ptp(answers[0]))
    by_each = min(float(np.abs(answer - answers[0]).max()) for answer in answers[2:])
    additive = reach > 1e-5 and by_each > 1e-3 * reach and float(np.abs(apart).max()) < 1e-5 * max(1e-3, reach)
    if read is None and not additive:
        return unknown("model.comparison", PLACE, "No layer was found that reads A and B.")
    where = "the pooler reads" if pooler else "the first layer that reads both texts is given"
    mixed, spread, size = read or (0.0, 0.0, 0.0)
    numbers = {"together": mixed, "spread": spread}
    if mixed < 1e-5 * max(spread, 1e-2 * size) or additive:
        text = f"What {where} is a part of A plus a part of B: nothing compares the two."
        return violated("model.comparison", PLACE, text, "no-comparison", additive, numbers=numbers)
    return holds("model.comparison", PLACE, f"What {where} depends on A and B together.", numbers=numbers)


def _reads_both(found: list[list[np.ndarray]]) -> tuple[float, float, float] | None:
    """Return, for the first input of a layer that depends on both texts: its mixed part, its spread, and its size."""
    for plain, both, other_a, other_b in zip(*found, strict=False):
        if not plain.shape == both.shape == other_a.shape == other_b.shape:
            return None
        spread, size = float(np.linalg.norm(plain - plain.mean(axis=0))), float(np.linalg.norm(plain))
        if min(np.linalg.norm(other_a - plain), np.linalg.norm(other_b - plain)) > 1e-4 * max(spread, 1e-12):
            return float(np.linalg.norm(plain + both - other_a - other_b)), spread, size
    return None


@contextmanager
def _inputs_of_layers(model: Any) -> Iterator[list[np.ndarray]]:
    """Note what linear layers are given, a row for a pair, in the order of the calls."""
    found: list[np.ndarray] = []

    def note(module: Any, args: Any) -> None:
        if args and getattr(args[0], "ndim", 0) == 2:
            found.append(to_array(args[0]))

    hooks = [m.register_forward_pre_hook(note) for m in model.modules() if isinstance(m, torch.nn.Linear)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _variants(seen: AsRecording, batch: Any, arrays: dict) -> list | None:
    """Return a batch as it is, with another A and B, with another A, with another B; None if they cannot be found."""
    ids = arrays.get("input_ids")
    if ids is not None and seen.words is not None:
        sides, plain = _sides(to_array(ids), seen.words), to_array(ids)
        other_a, other_b = (_other_words(plain, sides == side) for side in (1, 2))
        both = np.where(sides == 1, other_a, other_b)
        found = [_with_ids(batch, ids, new) for new in (plain, both, other_a, other_b)]
        return None if not (sides == 2).any() or any(x is None for x in found) else found
    texts = [path for path, leaf in leaves(batch).items() if _is_text(leaf)]
    if len(texts) != 2:
        return None

    def turned(*chosen: tuple) -> Any:
        return mapped(batch, lambda path, leaf: leaf.roll(1, 0) if path in chosen else leaf)

    return [batch, turned(*texts), turned(texts[0]), turned(texts[1])]


def _is_text(leaf: Any) -> bool:
    """Whether a leaf of a batch holds the ids of words, a row for a text."""
    plain = isinstance(leaf, torch.Tensor) and leaf.ndim == 2 and leaf.shape[1] > 2 and not leaf.is_floating_point()
    return plain and leaf.dtype != torch.bool and len(leaf.unique()) > 8
