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
    few, whole = (_moved(recording, name, [gradient] * STEPS, dense) for dense in (False, True))
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
    if len(gradient.rows) > 2:
        gradient.values[0] = 0  # so that the gradient is as long without its first row
        rest = RowGradient(gradient.rows[1:], gradient.values[1:])
        same, other = (_moved(recording, name, [gradient, part] * (STEPS // 2), False)[1:] for part in (gradient, rest))
        apart = float(np.abs(same - other).max()) / max(float(np.abs(same).max()), 1e-300)
        if apart > APART:
            text = (
                f"The rows of {name} move otherwise, by {apart:.3f} of the longest change in {STEPS} steps, if a row "
                "in front of them, with a gradient of zero, is left out of every other step."
            )
            return [violated("optimizer.rows", PLACE, text, None, apart=apart)]
    return [holds("optimizer.rows", PLACE, "Gradients of rows move those rows as the whole gradient does.",
                  apart=apart)]  # fmt: skip


def _moved(recording: Any, name: str, gradients: list[RowGradient], dense: bool) -> np.ndarray:
    """Return how far the rows of the first gradient have moved after a step with each."""
    model = clone(recording.start)
    optimizer = recording.experiment.optimizer(model, recording.total)
    array, rows = model.parameters[name], gradients[0].rows
    before = array[rows].astype(np.float64)
    for gradient in gradients:
        given = gradient.dense(array.shape) if dense else RowGradient(gradient.rows.copy(), gradient.values.copy())
        optimizer.step({name: given})
    return array[rows].astype(np.float64) - before
