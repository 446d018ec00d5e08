"""Numbers beside the loss: accuracy with its interval, the entropy of a prior, calibration.

Introduced in notebooks 02 (entropy) and 04 (accuracy); used from 07 on.
"""

from statistics import NormalDist
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from nsputil._types import Floats, Ints
from nsputil.pairs import IS_NEXT
from nsputil.pretraining_losses import PretrainingLoss


def accuracy(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the fraction of pairs whose larger logit is the gold one.

    Parameters
    ----------
    logits : array_like of float, shape (batch, 2)
        Columns [IsNext, NotNext]. Probabilities give the same result: only the order counts.
    labels : array_like of int, shape (batch,)
        0 = IsNext, 1 = NotNext.

    Returns
    -------
    float
        In [0, 1]. A tie counts as a prediction of IsNext, because numpy's argmax returns the first maximum.

    Raises
    ------
    ValueError
        If a shape is wrong, the batch is empty, a logit is NaN, or a label is not 0 or 1.

    Notes
    -----
    Introduced in notebook 04.
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    if logits.ndim != 2 or logits.shape[1] != 2 or len(logits) == 0:
        raise ValueError(f"logits have shape {logits.shape}; expected (batch, 2) with at least one row")
    if np.isnan(logits).any():
        raise ValueError("logits hold NaN; expected numbers, since NaN is neither larger nor smaller")
    _check_labels(labels, len(logits))
    return float((logits.argmax(axis=1) == labels).mean())


def accuracy_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval for an accuracy.

    Parameters
    ----------
    correct, total : int
        How many predictions were right, of how many.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    (float, float)
        Lower and upper end, within [0, 1].

    Raises
    ------
    ValueError
        If the counts do not satisfy ``0 <= correct <= total``, ``total >= 1``, or the confidence is not in (0, 1).

    Notes
    -----
    E. B. Wilson, Journal of the American Statistical Association 22 (1927). Unlike the textbook interval it stays
    sensible near 0 and 1 and for few pairs; it does assume that the pairs are independent. Introduced in notebook 02.
    """
    if not (total >= 1 and 0 <= correct <= total):
        raise ValueError(f"correct={correct}, total={total}; expected 0 <= correct <= total and total >= 1")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; expected a number between 0 and 1 such as 0.95")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / total
    center = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    return max(0.0, center - half), min(1.0, center + half)


def document_interval(
    values: ArrayLike, documents: ArrayLike, confidence: float = 0.95, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return an interval for the mean of `values` that draws whole documents, not single pairs.

    Pairs of one speech share its topic and its words, so they are not independent, and `accuracy_interval` is too
    narrow for them. Here whole documents are drawn with replacement, as many as there are, again and again (the
    bootstrap); the interval holds the middle of the means.

    Parameters
    ----------
    values : array_like, shape (pairs,)
        For an accuracy: whether each pair is right. To compare two models on the same pairs: the difference of what
        they got on each pair.
    documents : array_like of int, shape (pairs,)
        The document of each pair, for example `SentencePair.document_a`.
    confidence : float
        Between 0 and 1.
    draws : int
        How often documents are drawn.
    seed : int

    Returns
    -------
    (float, float)
        Lower and upper end.

    Raises
    ------
    ValueError
        If the shapes differ, there are fewer than two documents, a value is not finite, or the confidence is not in
        (0, 1).

    Notes
    -----
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. With fewer than about twenty documents
    it is too narrow as well, only less. Introduced in notebook 07.
    """
    numbers, documents = np.asarray(values, dtype=np.float64), np.asarray(documents)
    if numbers.ndim != 1 or numbers.shape != documents.shape:
        raise ValueError(
            f"values have shape {numbers.shape} and documents {documents.shape}; expected one of each a pair"
        )
    if not np.isfinite(numbers).all():
        raise ValueError("values hold NaN or infinity; expected finite numbers")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; expected a number between 0 and 1 such as 0.95")
    names, number = np.unique(documents, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"there is {len(names)} document; expected at least two, to see how much they differ")
    sums, counts = np.bincount(number, numbers), np.bincount(number)
    drawn = np.random.default_rng(seed).integers(0, len(names), (draws, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


@overload
def entropy(p: float) -> float: ...
@overload
def entropy(p: ArrayLike) -> float | Floats: ...
def entropy(p: ArrayLike) -> float | Floats:
    """Return ``-p log p - (1 - p) log(1 - p)`` in nats: the lowest loss that a constant prediction can have.

    Parameters
    ----------
    p : array_like of float
        The fraction of one class, in [0, 1].

    Returns
    -------
    float or ndarray
        Same shape as `p`; 0 at 0 and 1, ``log 2`` at one half.

    Raises
    ------
    ValueError
        If `p` lies outside [0, 1] or is NaN.

    Notes
    -----
    Introduced in notebook 02.
    """
    p = np.asarray(p, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p is {p.tolist()}; expected fractions in [0, 1]")
    inside = np.clip(p, np.finfo(float).tiny, 1 - np.finfo(float).epsneg)
    nats = np.where((p == 0) | (p == 1), 0.0, -p * np.log(inside) - (1 - p) * np.log1p(-inside))
    return float(nats) if nats.ndim == 0 else nats


def pretraining_levels(vocabulary_size: int, prior: float = 0.5) -> PretrainingLoss:
    """Return the losses of a model that ignores the text: all words alike, and the fraction of IsNext for every pair.

    Parameters
    ----------
    vocabulary_size : int
    prior : float
        Fraction of IsNext, in [0, 1].

    Returns
    -------
    PretrainingLoss
        ``ln vocabulary_size`` for the masked words, ``H(prior)`` for the pairs, and their sum.

    Raises
    ------
    ValueError
        If the vocabulary has fewer than two words or `prior` lies outside [0, 1].

    Notes
    -----
    Introduced in notebook 08.
    """
    if vocabulary_size < 2:
        raise ValueError(f"vocabulary_size is {vocabulary_size}; expected at least 2 words to choose from")
    mlm, nsp = float(np.log(vocabulary_size)), entropy(prior)
    return PretrainingLoss(mlm + nsp, mlm, nsp)


def calibration_error(probs_is_next: ArrayLike, labels: ArrayLike, bins: int = 10) -> float:
    """Return the expected calibration error of Pr(IsNext).

    Parameters
    ----------
    probs_is_next : array_like of float, shape (batch,)
        Predicted probabilities of IsNext.
    labels : array_like of int, shape (batch,)
        0 = IsNext, 1 = NotNext.
    bins : int
        Number of equally wide bins of the probability.

    Returns
    -------
    float
        The mean over pairs of ``|mean probability - fraction IsNext|`` of the pair's bin, in [0, 1].

    Raises
    ------
    ValueError
        If a probability lies outside [0, 1], a shape is wrong, the batch is empty, a label is not 0 or 1, or bins < 1.

    Notes
    -----
    Guo et al., ICML 2017, arXiv 1706.04599, section 2. Introduced in notebook 07.
    """
    probs, labels = np.asarray(probs_is_next, dtype=np.float64), np.asarray(labels)
    if probs.ndim != 1 or len(probs) == 0:
        raise ValueError(f"probs_is_next has shape {probs.shape}; expected (batch,) with at least one pair")
    if not ((probs >= 0) & (probs <= 1)).all():
        raise ValueError("probs_is_next holds values outside [0, 1]; expected probabilities, not logits")
    _check_labels(labels, len(probs))
    if bins < 1:
        raise ValueError(f"bins is {bins}; expected at least 1")
    index = np.minimum((probs * bins).astype(int), bins - 1)
    excess = np.bincount(index, probs - (labels == IS_NEXT), minlength=bins)
    return float(np.abs(excess).sum() / len(probs))


def _check_labels(labels: Ints, count: int) -> None:
    if labels.shape != (count,):
        raise ValueError(f"labels have shape {labels.shape}; expected ({count},)")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 1:
        values = np.unique(labels)[:5].tolist()
        raise ValueError(f"labels are {labels.dtype} {values}; expected integers 0 = IsNext, 1 = NotNext")
