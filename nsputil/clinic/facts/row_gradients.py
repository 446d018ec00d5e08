"""A gradient of few rows and the same gradient with its zeros are one gradient, so they move those rows alike."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone
from nsputil.encoders import RowGradient

PLACE = "optimizer"
STEPS = 4
APART = 0.01  # of the longest change; what is left is the precision of a float


def row_gradients(recording: Any) -> list[Finding]:
    """Does the optimizer move the rows of a `RowGradient` as it moves them under the whole gradient?

    Rules with a state for each weight differ here if they keep it in other rows than those that they move.
    """
    start = recording.start
    pairs = next((step.pairs for step in recording.steps if step.pairs), None)
    if start is None or not pairs or not recording.total:
        return [unknown("optimizer.rows", PLACE, "The start cannot be copied, so the optimizer cannot be asked.")]
    model = clone(start)
    logits, cache = model.forward(recording.experiment.encode(pairs, recording.vocabulary, model.max_length))
    found = model.backward(np.ones_like(logits) * np.array([1, -1], logits.dtype) / len(logits), cache)
    sparse = {name: g for name, g in found.items() if isinstance(g, RowGradient) and len(g.rows) and g.values.any()}
    if not sparse:
        return [unknown("optimizer.rows", PLACE, "No gradient comes as rows of a table.")]
    name, gradient = next(iter(sparse.items()))
    few, whole = (_moved(recording, name, gradient, dense) for dense in (False, True))
    size = float(np.abs(whole).max())
    if not size:
        return [unknown("optimizer.rows", PLACE, f"No row of {name} moves in the first {STEPS} steps.")]
    apart = float(np.abs(few - whole).max()) / size
    if apart > APART:
        text = (
            f"Given as rows, a gradient moves {name} otherwise than given with its zeros: the same rows differ by "
            f"{apart:.3f} of the longest change in {STEPS} steps."
        )
        return [violated("optimizer.rows", PLACE, text, None, apart=apart)]
    return [holds("optimizer.rows", PLACE, "Gradients of rows move those rows as the whole gradient does.",
                  apart=apart)]  # fmt: skip


def _moved(recording: Any, name: str, gradient: RowGradient, dense: bool) -> np.ndarray:
    """Return how far the rows of a gradient have moved after a few steps with it."""
    model = clone(recording.start)
    optimizer = recording.experiment.optimizer(model, recording.total)
    array = model.parameters[name]
    before = array[gradient.rows].astype(np.float64)
    for _ in range(STEPS):
        given = gradient.dense(array.shape) if dense else RowGradient(gradient.rows.copy(), gradient.values.copy())
        optimizer.step({name: given})
    return array[gradient.rows].astype(np.float64) - before
