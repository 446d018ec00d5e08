"""The backward pass against differences of the forward pass, at the start."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone
from nsputil.encoders import RowGradient
from nsputil.losses import nsp_loss_and_grad, softplus

#: From a batch to logits and a cache.
Forward = Callable[[Any], tuple[Any, Any]]

PLACE = "model"
ROWS = 8
TOLERANCE = 0.15  # relative; a sign or a factor is far outside, curvature far inside
MOST = 60  # tensors
TIMES = 12  # that the same gradient is asked for
ALL, SOME = TIMES - 0.05, 10.8  # times the first one: all of them, or a mean over more than sixty


def backward_pass(recording: Any) -> list[Finding]:
    """Is the gradient of each tensor that of the forward pass?

    Each tensor moves along its gradient, and along a random direction, by a step h that should change the loss by about
    0.01; the loss is that of nsputil, so only the model is judged. float32 rounds a loss to about 1e-7, so the error
    of such a difference is about 1e-4 of it; where a slope is too small for that, it is passed over.
    """
    step = next((step for step in recording.kept if len(step.pairs) >= 2), None)
    if recording.start is None or step is None:
        return [unknown("model.backward", PLACE, "There is no copy of the start, or no batch to show it.")]
    model = clone(recording.start)
    pairs = list(step.pairs[: 2 * ROWS])
    batch = model.encode(pairs, model.vocabulary, model.max_length)
    logits = model.forward(batch)[0]
    if np.isfinite(logits).all() and np.array_equal(model.forward(batch)[0], logits):
        kept = _smooth(model, pairs)
        if len(pairs) >= ROWS and not kept:
            text = "The loss has no slope at the start: after the smallest step along it that of each pair jumps."
            return [violated("model.backward", PLACE, text, None, jumps=len(pairs))]
        pairs = kept if len(kept) >= 2 else pairs
    pairs = pairs[:ROWS]
    batch = model.encode(pairs, model.vocabulary, model.max_length)
    labels = np.arange(len(pairs)) % 2
    logits = model.forward(batch)[0]
    if not np.isfinite(logits).all():
        return [unknown("model.backward", PLACE, "The start gives logits that are not finite.")]
    if not np.array_equal(model.forward(batch)[0], logits):
        return [
            unknown("model.backward", PLACE, "The model gives other numbers each time, so differences say nothing.")
        ]
    checked, wrong, worst = _compared(model, batch, labels, model.forward)
    if wrong:
        in_training = _training_mode(model)
        if np.array_equal(in_training(batch)[0], in_training(batch)[0]):
            again = _compared(model, batch, labels, in_training)
            checked, wrong, worst = again if again[0] and not again[1] else (checked, wrong, worst)
    numbers = {"checked": float(checked), "wrong": float(len(wrong)), "worst": worst}
    if checked == 0:
        return [unknown("model.backward", PLACE, "No slope is large enough to be measured.")]
    if wrong:
        summed = _kept_on(clone(recording.start), batch, labels, {row.split(":")[0] for row in wrong})
        if summed > SOME:
            text = f"Asked {TIMES} times for one gradient, the backward pass returns {summed:.2f} times as much at last"
            numbers["summed"] = summed
            if summed > ALL:
                return [violated("model.backward", PLACE, f"{text}.", "no-zero-grad", numbers=numbers)]
            text = f"{text}: it averages gradients over many steps."
            return [violated("model.backward", PLACE, text, "momentum-too-high", numbers=numbers)]
        tensors = list(dict.fromkeys(row.split(":")[0] for row in wrong))
        text = f"The gradient of {len(tensors)} tensors, such as {tensors[0]}, is not the slope of the loss."
        return [violated("model.backward", PLACE, text, "backward-wrong", rows=tuple(wrong[:6]), numbers=numbers)]
    return [holds("model.backward", PLACE, f"{checked} slopes agree with the gradients.", numbers=numbers)]


def _kept_on(model: Any, batch: Any, labels: np.ndarray, tensors: set[str]) -> float:
    """Return how many times the first gradient of some tensors is returned when it was asked for `TIMES` times.

    A sum of all gradients gives `TIMES`, a mean that keeps a share m of what it was gives (1 - m^n) / (1 - m).
    """
    sizes = []
    for _ in range(TIMES):
        logits, cache = model.forward(batch)
        dlogits = nsp_loss_and_grad(logits, labels)[1].astype(np.asarray(logits).dtype)
        found = model.backward(dlogits, cache)
        sizes.append({name: float(np.linalg.norm(_dense(g, model.parameters[name]))) for name, g in found.items()})
    first, last = sizes[0], sizes[-1]
    return float(np.median([last[name] / first[name] for name in tensors if first.get(name) and name in last] or [1.0]))


def _training_mode(model: Any) -> Forward:
    """Return the forward pass of a training step, with the same random numbers each time.

    A training needs the gradient of this one alone: batch normalization, for one, has another in evaluation.
    """
    return lambda batch: model.forward(batch, np.random.default_rng(0))


def _compared(model: Any, batch: Any, labels: np.ndarray, forward: Forward) -> tuple[int, list[str], float]:
    """Return how many slopes were compared, a line for each that is not the gradient's, and the last wrong ratio."""
    logits, cache = forward(batch)
    dlogits = nsp_loss_and_grad(logits, labels)[1].astype(np.asarray(logits).dtype)
    gradients = {
        name: np.array(_dense(g, model.parameters[name])) for name, g in model.backward(dlogits, cache).items()
    }
    wrong, checked, worst = [], 0, 1.0
    for number, name in enumerate(list(gradients)[:MOST]):
        for direction in _directions(gradients[name], number):
            ratio = _ratio(model, forward, batch, labels, name, gradients[name], direction)
            if ratio is None:
                continue
            checked += 1
            if abs(ratio - 1) > TOLERANCE:
                wrong.append(f"{name}: {ratio:.3f} times the slope")
                worst = ratio
    return checked, wrong, worst


def _smooth(model: Any, pairs: list) -> list:
    """Return the pairs whose loss has a slope at the start.

    A text of which no word is known has a vector of zeros, and one of length 1 after any step: its loss jumps. What
    the loss of a pair moves by then is much the same when the step is a thousandth, where a slope gives a thousandth.
    """
    labels = np.arange(len(pairs)) % 2
    signs = 1 - 2 * labels
    batch = model.encode(pairs, model.vocabulary, model.max_length)
    logits, cache = model.forward(batch)
    dlogits = nsp_loss_and_grad(logits, labels)[1].astype(np.asarray(logits).dtype)
    own = model.parameters
    kept = {name: array.copy() for name, array in own.items()}
    gradients = {name: _dense(g, own[name]) for name, g in model.backward(dlogits, cache).items() if name in own}
    size = float(np.sqrt(sum(float(np.vdot(g, g)) for g in gradients.values())))
    if size == 0 or not np.isfinite(size):
        return pairs
    moves = []
    here = _losses(logits, signs)
    for h in (0.02, 0.00002):
        sides = []
        for sign in (1, -1):
            for name, g in gradients.items():
                own[name][...] = (kept[name] + sign * h / size * g).astype(kept[name].dtype)
            sides.append(np.abs(_losses(model.forward(batch)[0], signs) - here))
        moves.append(np.maximum(*sides))
    for name, array in kept.items():
        own[name][...] = array
    jumps = (moves[1] > 0.1 * moves[0]) & (moves[1] > 1e-3)
    return [pair for pair, jump in zip(pairs, jumps, strict=True) if not jump]


def _losses(logits: Any, signs: np.ndarray) -> np.ndarray:
    """Return the loss of each pair; `signs` is 1 where the label is 0, and -1 elsewhere."""
    z = np.asarray(logits, np.float64)
    return softplus(-(z[:, 0] - z[:, 1]) * signs)


def _dense(gradient: Any, parameter: np.ndarray) -> np.ndarray:
    return gradient.dense(parameter.shape) if isinstance(gradient, RowGradient) else np.asarray(gradient)


def _directions(gradient: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return directions of length 1: the gradient, and a random mixture of its entries and their neighbours."""
    size = float(np.linalg.norm(gradient))
    if size == 0 or not np.isfinite(size):
        return []
    along = gradient.astype(np.float64) / size
    noise = np.random.default_rng(seed).standard_normal(gradient.shape)
    if gradient.ndim == 2 and (gradient == 0).all(axis=1).any():
        noise *= (gradient != 0).any(axis=1, keepdims=True)  # rows that the batch does not touch
    length = float(np.linalg.norm(noise))
    return [along, _unit(along + noise / length)] if length > 0 else [along]


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x)


def _ratio(
    model: Any,
    forward: Forward,
    batch: Any,
    labels: np.ndarray,
    name: str,
    gradient: np.ndarray,
    direction: np.ndarray,
) -> float | None:
    """Return the gradient's promise over the measured slope, or None if the slope cannot be measured."""
    slope = float(np.vdot(gradient.astype(np.float64), direction))
    own = model.parameters[name]
    kept = own.copy()
    found: list[float] = []
    size = float(np.linalg.norm(kept[direction != 0]))
    first = min(0.02 / max(abs(slope), 1e-12), 0.05 * size + 0.01)
    for h in (first, first / 4, first / 16):
        if abs(slope) * h < 4e-5:
            break
        values = []
        for sign in (1, -1):
            own[...] = (kept + sign * h * direction).astype(own.dtype)
            logits = np.asarray(forward(batch)[0], np.float64)
            values.append(nsp_loss_and_grad(logits, labels)[0] if np.isfinite(logits).all() else np.nan)
        own[...] = kept
        measured = (values[0] - values[1]) / (2 * h)
        found.append(slope / measured if measured else float("inf"))
        if abs(found[-1] - 1) <= TOLERANCE / 2:
            return found[-1]
    if len(found) < 3 or not np.isfinite(found).all():
        return None
    off = [abs(1 / ratio - 1) for ratio in found]  # what curvature does shrinks with the step, an error stays
    return found[-1] if off[2] > 0.9 * off[0] and off[2] > 0.9 * off[1] else None
