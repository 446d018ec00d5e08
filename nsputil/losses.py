"""The loss of next sentence prediction, its stable form, and its gradient.

    the formula       loss = -log p[gold],      p = softmax(z)
    the stable form   loss = softplus(-gap),    gap = z[gold] - z[other]
    the gradient      d loss / d z = p - y,     y = 1 at the gold class, 0 at the other

Here ``softplus(t) = log(1 + exp(t))``. With two classes all three depend on the gap alone, and nothing below
exponentiates a positive number. Losses are in nats. Introduced in notebook 03; the gradient in 05; the numerics in 06.
Masked words: `nsputil.pretraining_losses`.
"""

from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from nsputil._fast import LARGE, blocked_loss_and_grad
from nsputil._reductions import mean, reduced, total_weight
from nsputil._types import Floats, Ints, OneNumber, Weights
from nsputil._validate import as_floats, check_batch, check_gap, check_probs, check_reduction, check_values
from nsputil.pairs import IS_NEXT, NOT_NEXT


def softplus(x: ArrayLike) -> Floats:
    """Return ``log(1 + exp(x))`` of an array, elementwise, without overflow. Introduced in notebook 06."""
    x = np.asarray(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x: ArrayLike) -> Floats:
    """Return ``1 / (1 + exp(-x))`` of an array, elementwise, accurate in both tails. Introduced in notebook 05."""
    x = np.asarray(x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def _gap(logits: Floats, labels: Ints) -> Floats:
    """Return ``z[gold] - z[other]`` for each row."""
    sign = 1 - 2 * labels.astype(logits.dtype)  # 1 where gold is IsNext, -1 where it is NotNext
    with np.errstate(over="ignore"):  # the gap of two huge logits is infinite, and so is the loss
        gap = (logits[:, IS_NEXT] - logits[:, NOT_NEXT]) * sign
    if gap.dtype == np.float32 and np.isinf(gap).any():  # beyond float32, but not beyond float64
        return _gap(logits.astype(np.float64), labels)
    return gap


def _p_minus_y(gap: Floats, labels: Ints) -> Floats:
    """Return the gradient of each row: ``p[other]`` at the other class, ``p[gold] - 1 = -p[other]`` at the gold one."""
    p_other = sigmoid(-gap)
    at_not_next = np.where(labels == IS_NEXT, p_other, -p_other).astype(gap.dtype)
    return np.stack([-at_not_next, at_not_next], axis=1)


# Each "overload" tells a type checker what one kind of call returns; the function itself comes last.
@overload
def nsp_loss(logits: ArrayLike, labels: ArrayLike, reduction: OneNumber = "mean", weights: Weights = None) -> float: ...
@overload
def nsp_loss(logits: ArrayLike, labels: ArrayLike, reduction: Literal["none"], weights: Weights = None) -> Floats: ...
def nsp_loss(logits: ArrayLike, labels: ArrayLike, reduction: str = "mean", weights: Weights = None) -> float | Floats:
    """Return ``-log Pr(c_gold | h_cls)`` for a batch of sentence pairs, in nats.

    Parameters
    ----------
    logits : array_like of float, shape (batch, 2)
        The two scores of the NSP head: column 0 is IsNext, column 1 is NotNext.
    labels : array_like of int, shape (batch,)
        The gold classes: 0 = IsNext, 1 = NotNext (see `nsputil.pairs`).
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of pairs, or by the sum of `weights` when they are given.
    weights : array_like of float, shape (batch,), optional
        A factor for each pair, not negative. 0 leaves the pair out of the sum and of what the mean divides by.

    Returns
    -------
    float or ndarray
        A Python float (summed in float64); for "none" an array of shape (batch,), float32 if the logits
        are float16 or float32, else float64, which also a gap beyond float32 (3.4e38) makes it.

    Raises
    ------
    TypeError
        If logits are not floating point or labels are not integers (booleans are refused: True is no convention), or
        a tensor cannot become an array.
    ValueError
        If a shape is wrong, the batch is empty, a logit is NaN or infinite, a label is not 0 or 1,
        a weight is negative or not finite, all weights are zero, or `reduction` is unknown.

    Notes
    -----
    The convention is that of google-research/bert (create_pretraining_data.py, run_pretraining.py) and of
    Hugging Face's BertForNextSentencePrediction. Introduced in notebook 03.

    Examples
    --------
    >>> round(nsp_loss([[1.3863, 0.0]], [0]), 4)
    0.2231
    """
    check_reduction(reduction)
    logits, labels, weights = check_values(*check_batch(logits, labels, weights))
    return reduced(softplus(-_gap(logits, labels)), reduction, weights)


def nsp_loss_and_grad(logits: ArrayLike, labels: ArrayLike, weights: Weights = None) -> tuple[float, Floats]:
    """Return the mean loss in nats and its gradient with respect to the logits.

    Parameters
    ----------
    logits, labels, weights
        As in `nsp_loss`.

    Returns
    -------
    loss : float
        The (weighted) mean of ``-log Pr(c_gold | h_cls)``.
    grad : ndarray, shape (batch, 2)
        ``weight / total weight * (p - y)``; each row sums to zero. float32 if the logits are float16 or float32.

    Raises
    ------
    TypeError, ValueError
        As `nsp_loss`.

    Notes
    -----
    A batch of `LARGE` rows or more is computed block by block (`nsputil._fast`), with the same result up to rounding
    errors. Introduced in notebook 05.
    """
    logits, labels, weights = check_batch(logits, labels, weights)
    if len(labels) >= LARGE:
        loss_and_grad = blocked_loss_and_grad(logits, labels, weights)
        if loss_and_grad is not None:
            return loss_and_grad
    logits, labels, weights = check_values(logits, labels, weights)
    gap = _gap(logits, labels)
    share = 1 / len(labels) if weights is None else (weights / total_weight(labels, weights))[:, None]
    p_minus_y = _p_minus_y(gap, labels).astype(logits.dtype, copy=False)
    return mean(softplus(-gap), weights), p_minus_y * np.asarray(share, logits.dtype)


def nsp_loss_from_gap(gap: ArrayLike) -> Floats:
    """Return the loss in nats from the gap ``z[gold] - z[other]`` alone: ``softplus(-gap)``, in the shape of `gap`.

    Raises a TypeError if the gap is not numeric and a ValueError if one is NaN. Introduced in notebook 05.
    """
    return softplus(-check_gap(gap))


@overload
def nsp_loss_from_probs(probs: ArrayLike, labels: ArrayLike, reduction: OneNumber = "mean") -> float: ...
@overload
def nsp_loss_from_probs(probs: ArrayLike, labels: ArrayLike, reduction: Literal["none"]) -> Floats: ...
def nsp_loss_from_probs(probs: ArrayLike, labels: ArrayLike, reduction: str = "mean") -> float | Floats:
    """Return ``-log p[gold]`` in nats from probabilities, rows of [Pr(IsNext), Pr(NotNext)] that each sum to 1.

    For reading and teaching; to train, use `nsp_loss`, which stays exact where a probability rounds to 0 or 1.
    A gold probability of exactly 0 gives ``inf``. Arguments, result and errors are as in `nsp_loss`; a ValueError is
    raised, too, if a value lies outside [0, 1] or a row does not sum to 1 (the usual cause: logits were passed).
    Introduced in notebook 04.
    """
    check_reduction(reduction)
    probs, labels = check_probs(probs, labels)
    with np.errstate(divide="ignore"):
        losses = -np.log(probs[np.arange(len(labels)), labels])
    return reduced(losses + 0.0, reduction)  # + 0.0 turns -0.0, the loss of a certain hit, into 0.0


def log_softmax(logits: ArrayLike, axis: int = -1) -> Floats:
    """Return the logarithm of softmax along one axis, in nats, for any number of classes.

    Parameters
    ----------
    logits : array_like of float
        Any shape, at least one value along `axis`.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray
        The same shape; ``exp`` of it sums to 1 along `axis`.

    Raises
    ------
    TypeError
        If the logits are not floating point numbers.
    ValueError
        If the array is empty or has no such axis.

    Notes
    -----
    Subtracting the maximum changes nothing, because softmax ignores a shift that all classes share.
    Introduced in notebook 06.
    """
    logits = as_floats(logits, "logits", axis)
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
