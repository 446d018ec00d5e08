"""The loss of next sentence prediction: ``-log Pr(c_gold | h_cls)``, stable for any finite logits.

With two classes everything depends on one number, the gap ``z_gold - z_other``:

    -log softmax(z)[gold] = softplus(-gap)        softplus(t) = log(1 + exp(t))

so the functions below compute the gap first and never exponentiate a positive number.
BERT trains a second task with it, masked words: `mlm_loss` is the same formula over a whole vocabulary.
Losses are in nats. Introduced in notebook 03; the gradient in 05; the numerics in 06; masked words in 08.
"""

from collections import namedtuple

import numpy as np

from nsputil.sentence_pairs import IS_NEXT, NOT_NEXT

REDUCTIONS = ("mean", "sum", "none")
BLOCK = 65_536  # rows handled at a time: the intermediate arrays of one block stay in the processor's cache

#: What `bert_pretraining_loss` returns, in nats: the sum that is minimized, and its two terms.
PretrainingLoss = namedtuple("PretrainingLoss", "total mlm nsp")


def softplus(x):
    """Return ``log(1 + exp(x))`` elementwise, without overflow.

    Parameters
    ----------
    x : array_like of float

    Returns
    -------
    ndarray or float
        Same shape as `x`. Never negative; about `x` for large `x`, about ``exp(x)`` for very negative `x`.

    Notes
    -----
    Introduced in notebook 06.
    """
    x = np.asarray(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x):
    """Return ``1 / (1 + exp(-x))`` elementwise, without overflow and accurate in both tails.

    Parameters
    ----------
    x : array_like of float

    Returns
    -------
    ndarray or float
        Same shape as `x`, in [0, 1].

    Notes
    -----
    Introduced in notebook 05.
    """
    x = np.asarray(x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def log_softmax(logits, axis=-1):
    """Return the logarithm of softmax along one axis, in nats.

    Parameters
    ----------
    logits : array_like of float
        Any shape, at least one value along `axis`.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray
        Same shape; ``exp`` of it sums to 1 along `axis`.

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
    logits = _floats(logits, "logits")
    if logits.ndim == 0 or not -logits.ndim <= axis < logits.ndim:
        raise ValueError(f"logits of shape {logits.shape} have no axis {axis}; expected e.g. (batch, 2) with axis=-1")
    if logits.size == 0:
        raise ValueError(f"logits are empty (shape {logits.shape}); expected at least one row and one class")
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def nsp_loss(logits, labels, reduction="mean", weights=None):
    """Return ``-log Pr(c_gold | h_cls)`` for a batch of sentence pairs, in nats.

    Parameters
    ----------
    logits : array_like of float, shape (batch, 2)
        The two scores of the NSP head: column 0 is IsNext, column 1 is NotNext.
    labels : array_like of int, shape (batch,)
        The gold classes: 0 = IsNext, 1 = NotNext (see ``nsputil.sentence_pairs``).
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of pairs, or by the sum of `weights` when they are given.
    weights : array_like of float, shape (batch,), optional
        A factor of each pair, not negative. 0 leaves the pair out, of the sum and of what the mean divides by.

    Returns
    -------
    float or ndarray
        A Python float (summed in float64); for "none" an array of shape (batch,), float32 if the logits
        are float16 or float32, else float64.

    Raises
    ------
    TypeError
        If logits are not floating point or labels are not integers (booleans are refused: True is no convention).
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
    _check_reduction(reduction)
    logits, labels, weights = _check(logits, labels, weights)
    return _reduced(softplus(_other_minus_gold(logits, labels)), reduction, weights)


def nsp_loss_and_grad(logits, labels, weights=None):
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
        ``weight / total weight * (p - y)``, p the softmax row and y the one-hot label. Each row sums to zero.
        float32 if the logits are float16 or float32, else float64.

    Raises
    ------
    TypeError, ValueError
        As `nsp_loss`.

    Notes
    -----
    With ``t = z_other - z_gold`` and ``e = exp(-|t|)`` the loss is ``max(t, 0) + log1p(e)``, and the probability of the
    wrong class is ``e / (1 + e)`` below t = 0 and ``1 / (1 + e)`` above: one exponential serves both. That numerator,
    e or 1, is ``min(e + max(t, 0), 1)``, as ``exp(-t) >= 1 - t``. With half of t, ``max(t, 0) = |t/2| + t/2`` is a sum,
    which numpy finds sooner than a maximum. All of it happens in a few arrays that are used again for each block of
    rows. Introduced in notebook 05.
    """
    logits, labels, weights = _check(logits, labels, weights, values=False)
    kept = _kept(labels, weights)
    real = logits.dtype.type
    grad = np.empty(logits.shape, dtype=logits.dtype)
    buffers = np.empty((4, min(BLOCK, len(labels))), dtype=logits.dtype)
    ones = np.ones_like(buffers[0])
    total = 0.0
    for start in range(0, len(labels), BLOCK):
        rows = slice(start, start + BLOCK)
        z, y, g = logits[rows], labels[rows], grad[rows]
        sign, t, e, above = buffers[:, : len(y)]
        np.copyto(sign, y)
        np.subtract(real(0.5), sign, out=sign)  # 1/2 where gold is IsNext, -1/2 where it is NotNext
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(z[:, NOT_NEXT], z[:, IS_NEXT], out=t)
            t *= sign  # half of the gap
            np.abs(t, out=above)
            np.exp(np.multiply(above, real(-2), out=e), out=e)
            above += t
            sum_above = float(above.sum())
        if not np.isfinite(sum_above) or 4 * (sign @ sign) != len(y):  # labels 0 and 1 have signs whose squares are 1/4
            return _loss_and_grad_of_any(*_check(logits, labels, weights), kept)
        if weights is None:
            total += sum_above + _sum_log1p(e)
            sign *= real(2 / kept)
        else:
            total += float((above + np.log1p(e)) @ weights[rows])
            sign *= 2 * weights[rows] / kept
        above += e
        p_other = np.minimum(above, ones[: len(y)], out=above)
        e += 1
        p_other /= e
        np.multiply(p_other, sign, out=g[:, NOT_NEXT])
        np.negative(g[:, NOT_NEXT], out=g[:, IS_NEXT])
    return total / kept, grad


def _loss_and_grad_of_any(logits, labels, weights, kept):
    """The same by the plain formulas, for finite logits whose gap or sum of gaps overflows."""
    weights = np.ones(len(labels)) if weights is None else weights
    sign = 1 - 2 * labels.astype(logits.dtype)
    with np.errstate(over="ignore"):
        t = _other_minus_gold(logits, labels)
        loss = float((softplus(t).astype(np.float64) * weights).sum()) / kept
    d_other = sigmoid(t) * sign * (weights / kept).astype(logits.dtype)
    return loss, np.stack([-d_other, d_other], axis=1)


def _sum_log1p(x):
    """Return ``sum(log1p(x))`` for x in [0, 1] with one logarithm for 64 values: (1 + a)(1 + b) = 1 + (a + b + ab).

    Nothing is lost by it: a tiny x stays what it is, and 2^64 is far from the largest float32.
    """
    halvings = 6 if len(x) >= 1024 else 0
    even = len(x) >> halvings << halvings
    rest, product = x[even:], x[:even]
    for _ in range(halvings):
        a, b = product[: len(product) // 2], product[len(product) // 2 :]
        product = a * b
        product += a
        product += b
    return float(np.log1p(product).sum(dtype=np.float64) + np.log1p(rest).sum(dtype=np.float64))


def mlm_loss(scores, labels, reduction="mean", weights=None):
    """Return ``-log Pr(word | its place)`` for the places whose word the model has to guess, in nats.

    Parameters
    ----------
    scores : array_like of float, shape (count, vocabulary)
        A row of scores for each place that is to be guessed, and for no other.
    labels : array_like of int, shape (count,)
        The ids of the words that stood there.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of guessed words (by the sum of `weights` if given), not by that of the pairs.
    weights : array_like of float, shape (count,), optional
        A factor of each place, not negative; 0 leaves it out (BERT's masked_lm_weights, which are 0 for padding).

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
    google-research/bert, run_pretraining.py, get_masked_lm_output; it adds 1e-5 to the denominator, against 0 / 0.
    Introduced in notebook 08.

    Examples
    --------
    >>> round(mlm_loss([[0.0, 0.0, 0.0, 0.0]], [2]), 4)
    1.3863
    """
    _check_reduction(reduction)
    scores, labels, weights = _check_scores(scores, labels, weights)
    return _reduced(-log_softmax(scores)[np.arange(len(labels)), labels], reduction, weights)


def mlm_loss_and_grad(scores, labels, weights=None):
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

    Notes
    -----
    Introduced in notebook 08.
    """
    scores, labels, weights = _check_scores(scores, labels, weights)
    at_gold = np.arange(len(labels)), labels
    scale = (np.ones(len(labels)) if weights is None else weights) / _kept(labels, weights)
    shifted = scores - scores.max(axis=1, keepdims=True)
    gold = shifted[at_gold]
    grad = np.exp(shifted, out=shifted)
    total = grad.sum(axis=1)
    losses = np.log(total) - gold
    grad *= (scale / total).astype(grad.dtype)[:, None]
    grad[at_gold] -= scale.astype(grad.dtype)
    return float((losses * scale).sum(dtype=np.float64)), grad


def bert_pretraining_loss(
    mlm_scores, mlm_labels, nsp_logits, nsp_labels, mlm_factor=1.0, mlm_weights=None, nsp_weights=None
):
    """Return BERT's whole objective: the mean over the guessed words plus the mean over the pairs.

    Parameters
    ----------
    mlm_scores, mlm_labels, mlm_weights
        As in `mlm_loss`.
    nsp_logits, nsp_labels, nsp_weights
        As in `nsp_loss`.
    mlm_factor : float
        What the first term counts for in the total, not negative; BERT's is 1.

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


def nsp_loss_from_gap(gap):
    """Return the loss in nats from the gap ``z_gold - z_other`` alone: ``softplus(-gap)``.

    Parameters
    ----------
    gap : array_like of float
        How far the gold logit stands above the other one; 0 means undecided.

    Returns
    -------
    ndarray or float
        Same shape as `gap`: ``log 2`` at 0, about ``-gap`` for a confident mistake.

    Raises
    ------
    TypeError
        If the gap is not numeric.
    ValueError
        If a gap is NaN.

    Notes
    -----
    Introduced in notebook 05.
    """
    gap = np.asarray(gap)
    if gap.dtype.kind not in "fiu":
        raise TypeError(f"gap has dtype {gap.dtype}; expected numbers, z_gold - z_other")
    gap = gap.astype(np.float64) if gap.dtype.kind != "f" else gap
    if np.isnan(gap).any():
        raise ValueError(f"gap holds {int(np.isnan(gap).sum())} NaN; expected numbers, z_gold - z_other")
    return softplus(-gap)


def nsp_loss_from_probs(probs, labels, reduction="mean"):
    """Return ``-log p_gold`` in nats from probabilities instead of logits.

    For reading and teaching; to train, use `nsp_loss`, which loses nothing when a probability rounds to 0 or 1.

    Parameters
    ----------
    probs : array_like of float, shape (batch, 2)
        Rows of [Pr(IsNext), Pr(NotNext)], each summing to 1.
    labels : array_like of int, shape (batch,)
        0 = IsNext, 1 = NotNext.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    float or ndarray
        As `nsp_loss`. A gold probability of exactly 0 gives ``inf``.

    Raises
    ------
    TypeError, ValueError
        As `nsp_loss`; also a ValueError if a value lies outside [0, 1] or a row does not sum to 1
        (the usual cause: logits were passed).

    Notes
    -----
    Introduced in notebook 03.
    """
    _check_reduction(reduction)
    probs, labels, _ = _check(probs, labels, None, name="probs")
    outside = (probs < 0) | (probs > 1)
    if outside.any():
        row = int(np.flatnonzero(outside.any(axis=1))[0])
        raise ValueError(f"probs row {row} lies outside [0, 1]; these look like logits: use nsp_loss(logits, labels)")
    sums = probs.sum(axis=1)
    wrong = np.abs(sums - 1) > 1e-3 if probs.dtype == np.float32 else np.abs(sums - 1) > 1e-6
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"probs row {row} sums to {sums[row]:.6g}; expected 1, as [Pr(IsNext), Pr(NotNext)]")
    with np.errstate(divide="ignore"):
        losses = -np.log(probs[np.arange(len(labels)), labels])
    return _reduced(losses + 0.0, reduction)  # turns -0.0, the loss of a certain hit, into 0.0


def _other_minus_gold(logits, labels):
    sign = 1 - 2 * labels.astype(logits.dtype)
    return (logits[:, NOT_NEXT] - logits[:, IS_NEXT]) * sign


def _check_reduction(reduction):
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}; expected one of {', '.join(map(repr, REDUCTIONS))}")


def _reduced(losses, reduction, weights=None):
    """The losses of a batch, weighted, as they are, summed, or as a mean."""
    if weights is not None:
        losses = losses * weights.astype(losses.dtype)
    if reduction == "none":
        return losses
    total = float(losses.sum(dtype=np.float64))
    return total if reduction == "sum" else total / _kept(losses, weights)


def _kept(labels, weights):
    return float(len(labels)) if weights is None else float(weights.sum(dtype=np.float64))


def _floats(values, name):
    """An array of float32 or float64; float16 is widened, because its range (65504) is too small for a gap."""
    array = np.asarray(values)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} have dtype {array.dtype}; expected floating point numbers (labels go second)")
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _check(logits, labels, weights, name="logits", values=True):
    """Return all three as arrays; without `values`, finite logits and labels of 0 and 1 are not looked for."""
    logits = _floats(logits, name)
    if logits.ndim != 2 or logits.shape[1] != 2:
        raise ValueError(f"{name} have shape {logits.shape}; expected (batch, 2) with columns [IsNext, NotNext]")
    if len(logits) == 0:
        raise ValueError(
            f"{name} are empty (shape {logits.shape}): the loss of no pairs is undefined; pass at least one"
        )
    if values and not np.isfinite(logits).all():
        row = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
        raise ValueError(f"{name} row {row} is {logits[row].tolist()}; expected finite numbers")
    labels = np.asarray(labels)
    if labels.dtype.kind == "b":
        raise TypeError("labels are booleans, whose meaning is ambiguous; expected integers, 0 = IsNext, 1 = NotNext")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels have dtype {labels.dtype}; expected integers, 0 = IsNext, 1 = NotNext")
    if labels.shape != (len(logits),):
        raise ValueError(f"labels have shape {labels.shape}; expected ({len(logits)},), one for each row of {name}")
    if values and (labels.min() < 0 or labels.max() > 1):
        row = int(np.flatnonzero((labels < 0) | (labels > 1))[0])
        raise ValueError(f"labels[{row}] is {int(labels[row])}; expected 0 = IsNext or 1 = NotNext")
    return logits, labels, _check_weights(weights, labels, "pair")


def _check_scores(scores, labels, weights):
    scores = _floats(scores, "scores")
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ValueError(f"scores have shape {scores.shape}; expected (count, vocabulary), a row for each guessed word")
    if len(scores) == 0:
        raise ValueError(f"scores are empty (shape {scores.shape}): no word is to be guessed; mask at least one")
    if not np.isfinite(scores.sum(dtype=np.float64)) and not np.isfinite(scores).all():
        row, word = (int(k[0]) for k in np.nonzero(~np.isfinite(scores)))
        raise ValueError(f"scores[{row}, {word}] is {scores[row, word]}; expected finite numbers")
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels have dtype {labels.dtype}; expected integers, the ids of the words")
    if labels.shape != (len(scores),):
        raise ValueError(f"labels have shape {labels.shape}; expected ({len(scores)},), one for each row of scores")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        row = int(np.flatnonzero((labels < 0) | (labels >= scores.shape[1]))[0])
        raise ValueError(
            f"labels[{row}] is {int(labels[row])}; expected ids from 0 to {scores.shape[1] - 1} "
            "(pass only the rows of places to be guessed; -100, as PyTorch has for the rest, is no id)"
        )
    return scores, labels, _check_weights(weights, labels, "word")


def _check_weights(weights, labels, what):
    if weights is None:
        return None
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != labels.shape:
        raise ValueError(f"weights have shape {weights.shape}; expected {labels.shape}, one for each label")
    if not np.isfinite(weights).all() or weights.min() < 0:
        row = int(np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))[0])
        raise ValueError(f"weights[{row}] is {weights[row]}; expected finite numbers that are not negative")
    if not weights.any():
        raise ValueError(f"all weights are zero, so no {what} is left to average over; keep at least one above 0")
    return weights
