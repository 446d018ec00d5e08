"""The loss of masked words, and BERT's whole objective: the mean over the masked words plus the mean over the pairs.

`mlm_loss` is the formula of `nsputil.losses.nsp_loss` over a whole vocabulary. In nats. Introduced in notebook 08.
"""

from typing import Literal, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike

from nsputil._reductions import reduced, total_weight
from nsputil._types import Floats, OneNumber, Weights
from nsputil._validate import check_reduction, check_scores
from nsputil.losses import log_softmax, nsp_loss


class PretrainingLoss(NamedTuple):
    """BERT's objective, in nats: the total that is minimized, and its two terms."""

    total: float
    mlm: float
    nsp: float


@overload
def mlm_loss(scores: ArrayLike, labels: ArrayLike, reduction: OneNumber = "mean", weights: Weights = None) -> float: ...
@overload
def mlm_loss(scores: ArrayLike, labels: ArrayLike, reduction: Literal["none"], weights: Weights = None) -> Floats: ...
def mlm_loss(scores: ArrayLike, labels: ArrayLike, reduction: str = "mean", weights: Weights = None) -> float | Floats:
    """Return ``-log Pr(word | its position)`` for the positions whose word the model must guess, in nats.

    Parameters
    ----------
    scores : array_like of float, shape (count, vocabulary)
        A row of scores for each position whose word must be guessed, and for no other.
    labels : array_like of int, shape (count,)
        The ids of the words that were there.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of guessed words (by the sum of `weights` if given), not by that of the pairs.
    weights : array_like of float, shape (count,), optional
        A factor for each position, not negative; 0 leaves it out (BERT's masked_lm_weights, which are 0 for padding).

    Returns
    -------
    float or ndarray
        As `nsp_loss`. A model that gives every word the same score has the loss ``ln vocabulary``.

    Raises
    ------
    TypeError, ValueError
        As `nsp_loss`; the labels must be ids from 0 to ``vocabulary - 1``.

    Notes
    -----
    google-research/bert, run_pretraining.py, get_masked_lm_output; it adds 1e-5 to the denominator to avoid 0 / 0.
    Introduced in notebook 08.

    Examples
    --------
    >>> round(mlm_loss([[0.0, 0.0, 0.0, 0.0]], [2]), 4)
    1.3863
    """
    check_reduction(reduction)
    scores, labels, weights = check_scores(scores, labels, weights)
    return reduced(-log_softmax(scores)[np.arange(len(labels)), labels], reduction, weights)


def mlm_loss_and_grad(scores: ArrayLike, labels: ArrayLike, weights: Weights = None) -> tuple[float, Floats]:
    """Return the mean loss of the guessed words in nats and its gradient with respect to the scores.

    Parameters
    ----------
    scores, labels, weights
        As in `mlm_loss`.

    Returns
    -------
    loss : float
    grad : ndarray, shape (count, vocabulary)
        ``weight / total weight * (p - y)``, as for two classes. float32 if the scores are float16 or float32.

    Raises
    ------
    TypeError, ValueError
        As `mlm_loss`.
    """
    scores, labels, weights = check_scores(scores, labels, weights)
    at_gold = np.arange(len(labels)), labels
    scale = (np.ones(len(labels)) if weights is None else weights) / total_weight(labels, weights)
    shifted = scores - scores.max(axis=1, keepdims=True)
    gold = shifted[at_gold]
    grad = np.exp(shifted, out=shifted)
    total = grad.sum(axis=1)
    losses = np.log(total) - gold
    grad *= (scale / total).astype(grad.dtype)[:, None]
    grad[at_gold] -= scale.astype(grad.dtype)
    return float((losses * scale).sum(dtype=np.float64)), grad


def bert_pretraining_loss(
    mlm_scores: ArrayLike,
    mlm_labels: ArrayLike,
    nsp_logits: ArrayLike,
    nsp_labels: ArrayLike,
    mlm_factor: float = 1.0,
    mlm_weights: Weights = None,
    nsp_weights: Weights = None,
) -> PretrainingLoss:
    """Return BERT's whole objective: the mean over the guessed words plus the mean over the pairs.

    Parameters
    ----------
    mlm_scores, mlm_labels, mlm_weights
        As in `mlm_loss`.
    nsp_logits, nsp_labels, nsp_weights
        As in `nsp_loss`.
    mlm_factor : float
        The weight of the first term in the total, not negative; BERT's is 1.

    Returns
    -------
    PretrainingLoss
        ``total = mlm_factor * mlm + nsp``, and the two terms, each divided by its own count.

    Raises
    ------
    TypeError, ValueError
        As `mlm_loss` and `nsp_loss`; also a ValueError if `mlm_factor` is negative or not finite.

    Notes
    -----
    google-research/bert, run_pretraining.py, and transformers' BertForPreTraining. Read the terms apart: the first
    is many times larger and hides the second. Introduced in notebook 08.
    """
    if not (np.isfinite(mlm_factor) and mlm_factor >= 0):
        raise ValueError(f"mlm_factor is {mlm_factor}; expected a finite number that is not negative")
    mlm = mlm_loss(mlm_scores, mlm_labels, weights=mlm_weights)
    nsp = nsp_loss(nsp_logits, nsp_labels, weights=nsp_weights)
    return PretrainingLoss(mlm_factor * mlm + nsp, mlm, nsp)
