"""How well a model does on pairs that it was not trained on: the reports of a training. Introduced in notebook 07."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from nsputil._types import Floats, Ints
from nsputil.losses import nsp_loss, sigmoid
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair


class PairClassifier(Protocol):
    """The interface that an evaluation uses; `NSPModel` and `nsputil.baselines.OverlapModel` have it."""

    def logits(self, pairs: Sequence[SentencePair]) -> Floats:
        """Return the logits, shape (len(pairs), 2), columns [IsNext, NotNext]."""


def evaluate(model: PairClassifier, pairs: Sequence[SentencePair]) -> dict[str, float]:
    """The default evaluation: loss, accuracy, recall of each class and mean Pr(IsNext).

    Parameters
    ----------
    model : NSPModel
        Or anything else with the method ``logits``.
    pairs : list of SentencePair

    Returns
    -------
    dict of float
        The loss in nats. Loss and accuracy are NaN, and nothing else is given, if a logit is not finite.
    """
    return _report(model.logits(pairs), np.array([pair.label for pair in pairs]))


def evaluate_with_histogram(model: PairClassifier, pairs: Sequence[SentencePair], bins: int = 10) -> dict[str, Any]:
    """`evaluate`, and how the predictions spread: by gold label, the count of pairs in equal bins of Pr(IsNext).

    Parameters
    ----------
    model : NSPModel
    pairs : list of SentencePair
    bins : int

    Returns
    -------
    dict
        As `evaluate`, and ``histogram``: a dict of two lists, ``is_next`` and ``not_next``, each of length `bins`.

    Notes
    -----
    What the training player shows. Introduced in notebook 07.
    """
    logits, labels = model.logits(pairs), np.array([pair.label for pair in pairs])
    p = sigmoid(logits[:, IS_NEXT] - logits[:, NOT_NEXT])
    index = np.minimum((p * bins).astype(int), bins - 1)
    count = {"is_next": index[labels == IS_NEXT], "not_next": index[labels != IS_NEXT]}
    return _report(logits, labels) | {
        "histogram": {name: np.bincount(chosen, minlength=bins).tolist() for name, chosen in count.items()}
    }


def _report(logits: Floats, labels: Ints) -> dict[str, float]:
    if not np.isfinite(logits).all():
        return {"loss": float("nan"), "accuracy": float("nan")}
    predicted = logits.argmax(axis=1)
    report = {"loss": nsp_loss(logits, labels), "accuracy": float((predicted == labels).mean())}
    for name, label in (("recall_is_next", IS_NEXT), ("recall_not_next", NOT_NEXT)):
        if (labels == label).any():
            report[name] = float((predicted[labels == label] == label).mean())
    report["mean_p_is_next"] = float(np.mean(1 / (1 + np.exp(np.clip(logits[:, 1] - logits[:, 0], -700, 700)))))
    return report
