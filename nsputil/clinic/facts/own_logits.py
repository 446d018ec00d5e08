"""Are the logits that a model gives for pairs those that its forward pass computes from their rows? Notebook 10.

Reports, swaps and users ask ``model.logits(pairs)``; training asks ``model.forward``. A model that sorts the pairs, or
that answers with stored weights, learns one thing and says another.
"""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated

PLACE = "evaluation"
COUNT = 32  # pairs, one batch
APART = 0.05  # of the spread of the log-odds; padding is the same, since all are in one batch


def own_logits(recording: Any) -> list[Finding]:
    """Compare both ways to ask the trained model about the same pairs, row by row."""
    name, model = "model.asked", recording.twin()
    pairs = list((recording.pairs["test"] or recording.pairs["valid"])[:COUNT])
    if len(pairs) < 8:
        return [unknown(name, PLACE, "There are too few held-out pairs to ask about.")]
    asked, again = (_odds(model.logits(pairs)) for _ in range(2))
    own = _computed(model, pairs)
    spread = float(own.std())
    if asked.shape != own.shape or not np.isfinite([*asked, *own]).all() or not np.allclose(asked, again):
        return [unknown(name, PLACE, "The model gives no finite numbers, or others each time.")]
    near = APART * max(spread, 1e-3)
    apart = float(np.median(np.abs(asked - own)))
    numbers = {"apart": apart, "spread": spread}
    if apart <= near:
        return [holds(name, PLACE, "The logits of pairs are those of the forward pass.", numbers=numbers)]
    text = f"The log-odds that the model gives for pairs are not those of its forward pass: {apart:.3f} nats apart"
    if np.median(np.abs(np.sort(asked) - np.sort(own))) <= near / 2:
        text = f"{text}. They are the same numbers in another order."
        return [violated(name, PLACE, text, "predictions-out-of-order", numbers=numbers)]
    for words, parameters in _earlier(recording):
        if np.median(np.abs(asked - _computed(recording.twin(parameters), pairs))) <= near:
            text = f"{text}. They are those of the model {words}."
            return [violated(name, PLACE, text, "stale-checkpoint", numbers=numbers)]
    return [violated(name, PLACE, f"{text}.", None, numbers=numbers)]


def _computed(model: Any, pairs: list) -> np.ndarray:
    return _odds(model.forward(model.encode(pairs, model.vocabulary, model.max_length))[0])


def _odds(logits: np.ndarray) -> np.ndarray:
    return np.asarray(logits, np.float64)[:, 0] - np.asarray(logits, np.float64)[:, 1]


def _earlier(recording: Any) -> list[tuple[str, dict]]:
    """Return the parameters of earlier moments, in words."""
    known = [("at the start", dict(recording.start.parameters))] if recording.start is not None else []
    known += [(f"before step {step.number}", step.before) for step in recording.sampled]
    reports = [report for report in recording.reports if report.parameters is not None]
    return known + [(f"at step {report.step}", report.parameters) for report in reports[:-1]]
