"""The opposite of a gradient moves the weights in the opposite direction."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone
from nsputil.encoders import RowGradient
from nsputil.losses import nsp_loss_and_grad

PLACE = "optimizer"
STEPS = 6  # a warm-up may begin with a step of length 0
APART = 0.5  # of the longer change; what decay adds is taken off


def opposite_gradients(recording: Any) -> list[Finding]:
    """Does the optimizer treat a gradient and its opposite alike?

    The loss may pull a weight up as well as down, so every usual rule is odd: momentum, Adam's, sign, clipping by norm
    or by value. Asked with the gradients of the first batches, as they are, since a bound may lie between these and
    smaller ones. What gradients of zero change, as by decay, is taken off.
    """
    start = recording.start
    steps = [step for step in recording.steps if step.pairs][:STEPS]
    if start is None or not steps or not recording.total:
        return [unknown("optimizer.opposite", PLACE, "The start cannot be copied, so the optimizer cannot be asked.")]
    gradients = [_gradient(recording, list(step.pairs)) for step in steps]
    own, other, none = (_changes(recording, gradients, factor) for factor in (1.0, -1.0, 0.0))
    worst, name = 0.0, ""
    for tensor in gradients[0]:
        sizes = [float(np.linalg.norm(part[tensor])) for part in (own, other)]
        if not max(sizes) or not np.isfinite(sizes).all():
            continue
        rest = own[tensor] + other[tensor]  # with decay inside of the rule, or beside it
        apart = min(float(np.linalg.norm(rest)), float(np.linalg.norm(rest - 2 * none[tensor]))) / max(sizes)
        if apart > worst:
            worst, name = apart, tensor
    if worst > APART:
        text = (
            f"Gradients and their opposites do not move {name} in opposite directions: the two changes leave "
            f"{worst:.3f} of the longer one."
        )
        return [violated("optimizer.opposite", PLACE, text, None, rows=(name,), apart=worst)]
    return [holds("optimizer.opposite", PLACE, "Opposite gradients move weights in opposite directions.", apart=worst)]


def _gradient(recording: Any, pairs: list) -> dict[str, Any]:
    """Return the gradient of a batch at the start, by tensor, of the plain loss."""
    model = clone(recording.start)
    batch = recording.experiment.encode(pairs, recording.vocabulary, model.max_length)
    logits, cache = model.forward(batch)
    slope = nsp_loss_and_grad(np.asarray(logits), np.asarray(batch.labels))[1]
    return dict(model.backward(slope.astype(np.asarray(logits).dtype), cache))


def _changes(recording: Any, gradients: list[dict[str, Any]], factor: float) -> dict[str, np.ndarray]:
    """Return how far each tensor is from the start after steps with the gradients times a factor."""
    model = clone(recording.start)
    optimizer = recording.experiment.optimizer(model, recording.total)
    before = {name: array.astype(np.float64) for name, array in model.parameters.items()}
    for gradient in gradients:
        optimizer.step({name: _times(each, factor) for name, each in gradient.items()})
    return {name: model.parameters[name].astype(np.float64) - before[name] for name in gradients[0]}


def _times(gradient: Any, factor: float) -> Any:
    if isinstance(gradient, RowGradient):
        return RowGradient(gradient.rows.copy(), gradient.values * gradient.values.dtype.type(factor))
    return gradient * gradient.dtype.type(factor)
