"""What a training script did, read from the diary of its model: five facts, each true or false.

The text of the script is never read, so any repair counts that does the right thing. Introduced in notebook 12.
"""

from collections.abc import Sequence

import numpy as np

from nsputil._types import Floats
from nsputil.capstone.watched import Call, Diary, Truth, right_arrays
from nsputil.corpus import Document


def judge(model: Diary, reported: float, documents: Sequence[Document]) -> dict[str, bool]:
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
    dict of bool
        "labels": every pull in the logits is toward column 0 where B follows A, toward column 1 elsewhere.
        "inputs": every call had the mask and the segments of its rows.
        "loss": every row pulls by ``(1 - Pr(gold)) / batch``, the slope of ``-log Pr(gold)`` as a mean.
        "schedule": the rate falls linearly from the first step to about 0 at the last.
        "evaluation": the report is the accuracy of the final model on pairs of the test part, counted again. A model
        that is right on one half cannot tell; `KnownModel` can.
    """
    truth = Truth(documents, model.vocabulary)
    trained = [call for call in model.calls if call.step < len(model.rates)]
    tested = [call for call in model.calls if call.step == len(model.rates)]
    return {
        "labels": _labels(model, trained, truth),
        "inputs": bool(model.calls) and all(map(right_arrays, model.calls)),
        "loss": _loss(model, trained),
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


def _pulls(model: Diary, calls: Sequence[Call]) -> list[tuple[Call, Floats]]:
    return list(zip(calls, model.gradients, strict=False))


def _labels(model: Diary, calls: Sequence[Call], truth: Truth) -> bool:
    if not model.gradients or len(calls) != len(model.gradients):
        return False
    agrees: list[Floats] = []
    for call, slope in _pulls(model, calls):
        pulled = np.abs(slope).max(axis=1) > 1e-12
        toward = (slope[:, 0] > 0).astype(int)  # a positive slope lowers the logit of column 0
        agrees.append((toward == truth.labels(call.input_ids))[pulled].astype(float))
    rows = np.concatenate(agrees)
    return len(rows) > 0 and bool(rows.mean() > 0.95)  # a short sentence that comes twice may contradict


def _loss(model: Diary, calls: Sequence[Call]) -> bool:
    if not model.gradients or len(calls) != len(model.gradients):
        return False
    for call, slope in _pulls(model, calls):
        e = np.exp(call.logits - call.logits.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        toward = (slope[:, 0] > 0).astype(int)
        expected = (p - np.eye(2)[toward]) / len(p)
        if slope.shape != expected.shape or not np.allclose(slope, expected, rtol=1e-5, atol=1e-9):
            return False
    return True


def _schedule(rates: Sequence[float]) -> bool:
    if len(rates) < 4 or not rates[0] > 0:
        return False
    line = 1 - np.arange(len(rates)) / len(rates)
    return bool(np.abs(np.array(rates) / rates[0] - line).max() < 0.05 + 1.5 / len(rates))


def _evaluation(calls: Sequence[Call], reported: float, documents: Sequence[Document], model: Diary) -> bool:
    test = Truth(documents[3 * len(documents) // 4 :], model.vocabulary)
    labels = [test.labels(call.input_ids) for call in calls]
    if not labels or np.concatenate(labels).mean() > 0.8:  # hardly any row is from the test part
        return False
    try:
        return bool(abs(float(reported) - _recount(calls, test)) < 0.02)
    except (TypeError, ValueError):
        return False
