"""Does the forward pass compute with the weights that training changes? Notebook 10."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone
from nsputil.losses import nsp_loss_and_grad
from nsputil.optimizers import values

PLACE = "model"
NAME = "model.live"
ROWS = 8
NUDGE = 0.1  # of the size of a tensor
CLEAR = 1e-3  # of the largest gradient of a tensor; softmax does not see a bias of all keys, whose gradient is rounding


def live_weights(recording: Any) -> list[Finding]:
    """Change one tensor after another: do the logits change, if the tensor has a gradient?

    They do not where the model computes with a copy of its weights, which no step of the optimizer reaches.
    """
    pairs = recording.first_pairs(ROWS)
    if recording.start is None or len(pairs) < ROWS:
        return [unknown(NAME, PLACE, "There is no copy of the start, or no pair to show it.")]
    model = clone(recording.start)
    batch = recording.experiment.encode(pairs, recording.vocabulary, model.max_length)
    logits, cache = model.forward(batch)
    if not np.isfinite(logits).all() or not np.array_equal(model.forward(batch)[0], logits):
        return [unknown(NAME, PLACE, "The model gives other numbers each time, or none that are finite.")]
    slope = nsp_loss_and_grad(np.asarray(logits), np.arange(len(logits)) % 2)[1].astype(np.asarray(logits).dtype)
    sizes = {name: float(np.linalg.norm(values(g))) for name, g in model.backward(slope, cache).items()}
    asked = [name for name, size in sizes.items() if size > CLEAR * max(sizes.values()) and name in model.parameters]
    dead, rng = [], np.random.default_rng(0)
    for name in asked:
        array = model.parameters[name]
        before = array.copy()
        size = float(np.sqrt(np.mean(np.square(before, dtype=np.float64)))) or 1.0
        array[...] = before + (NUDGE * size * rng.standard_normal(before.shape)).astype(before.dtype)
        if np.array_equal(model.forward(batch)[0], logits):
            dead.append(name)
        array[...] = before
    numbers = {"dead": float(len(dead)), "asked": float(len(asked))}
    if asked and dead:
        text = (
            f"The logits do not change when {len(dead)} of {len(asked)} tensors that have a gradient are changed, such "
            f"as {dead[0]}: the model computes with others."
        )
        cause = "updates-not-applied" if len(dead) == len(asked) else None
        return [violated(NAME, PLACE, text, cause, rows=tuple(dead[:6]), numbers=numbers)]
    return [holds(NAME, PLACE, "The model computes with the weights that are trained.", numbers=numbers)]
