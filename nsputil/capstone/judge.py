"""What a training script did, read from the diary of its model: five facts, and for each whether it holds.

The text of the script is never read, so any repair counts that does the right thing. Introduced in notebook 12.
"""

from collections.abc import Sequence

import numpy as np

from nsputil._types import Bools, Floats, Ints
from nsputil.capstone.watched import Call, Diary, Truth, right_arrays
from nsputil.corpus import Document

#: What `judge` says of a fact that holds; of others it says what was seen.
HOLDS = "holds"
#: The rate of the first step, as the script has it.
START = 0.004


def judge(model: Diary, reported: float, documents: Sequence[Document]) -> dict[str, str]:
    """Return what holds of a script that trained this model and reported this accuracy.

    Parameters
    ----------
    model : Diary
        After the training.
    reported : float
        The accuracy that the script returned.
    documents : sequence of Document
        What the script was given; the last quarter is the test part.

    Returns
    -------
    dict of str
        `HOLDS`, or what was seen instead, for five facts.
        "labels": every pull in the logits is toward column 0 where B follows A, toward column 1 elsewhere.
        "inputs": every call had the mask and the segments of its rows.
        "loss": every row pulls by ``(1 - Pr(gold)) / batch``, the slope of ``-log Pr(gold)`` as a mean.
        "schedule": the rate falls linearly from `START` at the first step to about 0 at the last.
        "evaluation": the report is the accuracy of the final model on pairs of the test part, counted again. Other
        pairs may be read as well. A model that is right on one half cannot tell; `KnownModel` can.
    """
    truth = Truth(documents, model.vocabulary)
    pulls = [(model.calls[k], slope) for k, slope in zip(model.answered, model.gradients, strict=True)]
    tested = [call for call in model.calls if call.step == len(model.rates)]
    return {
        "labels": _labels(pulls, truth),
        "inputs": HOLDS if model.calls and all(map(right_arrays, model.calls)) else "another mask or other segments",
        "loss": _loss(pulls),
        "schedule": _schedule(model.rates),
        "evaluation": _evaluation(tested, reported, documents, model),
    }


def true_accuracy(model: Diary, documents: Sequence[Document]) -> float:
    """Return the accuracy of the final model on the rows that it read after its last step, with 0 = IsNext.

    NaN if it read none.
    """
    rows = [call for call in model.calls if call.step == len(model.rates)]
    return _recount(rows, Truth(documents, model.vocabulary)) if rows else float("nan")


def _recount(calls: Sequence[Call], truth: Truth) -> float:
    right = [call.logits.argmax(axis=1) == truth.labels(call.input_ids) for call in calls]
    return float(np.concatenate(right).mean())


#: A call of a training step with the gradient that was asked for.
Pull = tuple[Call, Floats]


def _fits(pull: Pull) -> bool:
    return pull[1].shape == pull[0].logits.shape


def _toward(slope: Floats) -> Ints:
    """Return the column that each row is pulled to: a positive slope lowers a logit."""
    return np.asarray(slope[:, 0] > 0).astype(np.int64)


def _counted(slope: Floats) -> Bools:
    """Return which rows have a gradient at all."""
    return np.asarray(np.abs(slope).max(axis=1) > 1e-12)


def _labels(pulls: Sequence[Pull], truth: Truth) -> str:
    if not all(map(_fits, pulls)):
        return "a slope of another shape"
    agree = [(_toward(g) == truth.labels(call.input_ids))[_counted(g)] for call, g in pulls]
    rows = np.concatenate(agree) if agree else np.zeros(0)
    if len(rows) == 0:
        return "no row has a gradient"
    if rows.mean() > 0.95:  # a short sentence that comes twice may contradict
        return HOLDS
    return "inverted" if rows.mean() < 0.05 else "unrelated to the text"


def _loss(pulls: Sequence[Pull]) -> str:
    if not pulls:
        return "no row has a gradient"
    if not all(map(_fits, pulls)):
        return "a slope of another shape"
    if np.concatenate([_counted(slope) for _, slope in pulls]).mean() < 0.9:
        return "some rows are not counted"
    for call, slope in pulls:
        e = np.exp(call.logits - call.logits.max(axis=1, keepdims=True))
        expected = (e / e.sum(axis=1, keepdims=True) - np.eye(2)[_toward(slope)]) / len(e)
        if not _near(slope, expected):
            summed, halved = _near(slope, len(e) * expected), _near(slope, expected / 2)
            return "the slope of a sum" if summed else "half of the slope" if halved else "another slope"
    return HOLDS


def _near(slope: Floats, expected: Floats) -> bool:
    return np.allclose(slope, expected, rtol=1e-5, atol=1e-9)


def _schedule(rates: Sequence[float]) -> str:
    if len(rates) < 4 or not rates[0] > 0:
        return "hardly any step was taken"
    line, margin = 1 - np.arange(len(rates)) / len(rates), 0.05 + 1.5 / len(rates)
    if np.abs(np.array(rates) / START - line).max() < margin:
        return HOLDS
    if np.abs(np.array(rates) / rates[0] - line).max() < margin:
        return f"begins at {rates[0]:.4g}"
    if np.mean(np.array(rates) == 0) > 0.2:
        return "zero too early"
    return "always the same" if max(rates) == min(rates) else "another course"


def _evaluation(calls: Sequence[Call], reported: float, documents: Sequence[Document], model: Diary) -> str:
    if not calls:
        return "nothing was read after the last step"
    test = Truth(documents[3 * len(documents) // 4 :], model.vocabulary)
    rows = np.concatenate([test.holds(call.input_ids) for call in calls])
    labels = np.concatenate([test.labels(call.input_ids) for call in calls])[rows]
    if len(labels) == 0 or labels.mean() > 0.8:  # hardly any pair is one of the test part
        return "the test part was not read"
    right = float((np.concatenate([call.logits.argmax(axis=1) for call in calls])[rows] == labels).mean())
    if not isinstance(reported, float | int | np.number):
        return "no number was reported"
    if abs(reported - right) < 0.02:
        return HOLDS
    return "one minus a recount" if abs(1 - reported - right) < 0.02 else "not a recount"
