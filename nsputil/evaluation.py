"""What a model is worth on pairs that it was not trained on: the reports of a training. Introduced in notebook 07."""

import numpy as np

from nsputil.losses import nsp_loss, sigmoid
from nsputil.pairs import IS_NEXT, NOT_NEXT


def evaluate(model, pairs):
    """The default evaluation: loss, accuracy, recall of each class and mean Pr(IsNext) on pairs not trained on.

    Parameters
    ----------
    model : NSPModel
    pairs : list of SentencePair

    Returns
    -------
    dict of float
        The loss in nats. Loss and accuracy are NaN, and nothing else is given, if a logit is not finite.
    """
    return _report(model.logits(pairs), np.array([pair.label for pair in pairs]))


def evaluate_with_histogram(model, pairs, bins=10):
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


def _report(logits, labels):
    if not np.isfinite(logits).all():
        return {"loss": float("nan"), "accuracy": float("nan")}
    says = logits.argmax(axis=1)
    report = {"loss": nsp_loss(logits, labels), "accuracy": float((says == labels).mean())}
    for name, label in (("recall_is_next", IS_NEXT), ("recall_not_next", NOT_NEXT)):
        if (labels == label).any():
            report[name] = float((says[labels == label] == label).mean())
    report["mean_p_is_next"] = float(np.mean(1 / (1 + np.exp(np.clip(logits[:, 1] - logits[:, 0], -700, 700)))))
    return report
