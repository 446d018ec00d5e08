"""The checks of arguments that the losses share: each error names what was wrong and what is expected."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nsputil._types import Floats, Ints, Weights

REDUCTIONS = ("mean", "sum", "none")
IGNORED = -100  # PyTorch's ignore_index


def check_reduction(reduction: str) -> None:
    """Raise a ValueError unless the reduction is known."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}; expected one of {', '.join(map(repr, REDUCTIONS))}")


def as_array(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return an array of what may be a list, an array, or a tensor of PyTorch or JAX.

    Raises a TypeError that names the way out for a tensor that numpy cannot read (one that requires grad, is on another
    device, or holds bfloat16), and a ValueError for rows of different lengths.
    """
    try:
        return np.asarray(values)
    except (TypeError, RuntimeError) as error:
        if not hasattr(values, "detach"):
            raise
        way_out = "cpu()" if name == "labels" else "detach().float().cpu()"
        raise TypeError(
            f"{name}: numpy cannot read this tensor; pass {name}.{way_out}. The result is a number "
            "without a graph: to train in PyTorch take torch.nn.functional.cross_entropy, which is the same loss"
        ) from error
    except ValueError as error:
        raise ValueError(f"{name} cannot become an array; expected numbers, in rows of the same length") from error


def as_floats(values: ArrayLike, name: str, axis: int | None = None) -> Floats:
    """Return an array of float32 or float64.

    float16 is widened, because its range (65504) is too small for a gap, and bfloat16, because numpy does not have it.
    With an `axis`, also check that the array has it and is not empty.
    """
    array = as_array(values, name)
    if array.dtype.kind == "V" and array.dtype.name == "bfloat16":  # of JAX
        array = array.astype(np.float32)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} have dtype {array.dtype}; expected floating point numbers (labels go second)")
    if axis is not None:
        if array.ndim == 0 or not -array.ndim <= axis < array.ndim:
            raise ValueError(
                f"{name} of shape {array.shape} have no axis {axis}; expected e.g. (batch, 2) with axis=-1"
            )
        if array.size == 0:
            raise ValueError(f"{name} are empty (shape {array.shape}); expected at least one row and one class")
    return array.astype(np.float32) if array.dtype == np.float16 else array


def check_batch(
    logits: ArrayLike, labels: ArrayLike, weights: Weights = None, name: str = "logits"
) -> tuple[Floats, Ints, Floats | None]:
    """Return the three as arrays after checking kinds, shapes and weights; `check_values` checks the rest."""
    logits = as_floats(logits, name)
    if logits.ndim != 2 or logits.shape[1] != 2:
        raise ValueError(f"{name} have shape {logits.shape}; expected (batch, 2) with columns [IsNext, NotNext]")
    if len(logits) == 0:
        raise ValueError(
            f"{name} are empty (shape {logits.shape}): the loss of no pairs is undefined; pass at least one"
        )
    labels = as_array(labels, "labels")
    if labels.dtype.kind == "b":
        raise TypeError("labels are booleans, whose meaning is ambiguous; expected integers, 0 = IsNext, 1 = NotNext")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels have dtype {labels.dtype}; expected integers, 0 = IsNext, 1 = NotNext")
    if labels.shape != (len(logits),):
        raise ValueError(f"labels have shape {labels.shape}; expected ({len(logits)},), one for each row of {name}")
    return logits, labels, _check_weights(weights, labels, "pair")


def check_values(
    logits: Floats, labels: Ints, weights: Floats | None = None, name: str = "logits"
) -> tuple[Floats, Ints, Floats | None]:
    """Return the same three arrays after checking that logits are finite and labels are 0 or 1."""
    if not np.isfinite(logits).all():
        row = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
        raise ValueError(f"{name} row {row} is {logits[row].tolist()}; expected finite numbers")
    if labels.min() < 0 or labels.max() > 1:
        row = int(np.flatnonzero((labels < 0) | (labels > 1))[0])
        ignored = "; to leave out pairs that PyTorch ignores, give them the label 0 and a weight of 0"
        way_out = ignored if labels[row] == IGNORED else ""
        raise ValueError(f"labels[{row}] is {int(labels[row])}; expected 0 = IsNext or 1 = NotNext{way_out}")
    return logits, labels, weights


def check_gap(gap: ArrayLike) -> Floats:
    """Return gaps as an array of floats, without NaN."""
    gap = as_array(gap, "gap")
    if gap.dtype.kind not in "fiu":
        raise TypeError(f"gap has dtype {gap.dtype}; expected numbers, z_gold - z_other")
    gap = gap.astype(np.float64) if gap.dtype.kind != "f" else gap
    if np.isnan(gap).any():
        raise ValueError(f"gap holds {int(np.isnan(gap).sum())} NaN; expected numbers, z_gold - z_other")
    return gap


def check_probs(probs: ArrayLike, labels: ArrayLike) -> tuple[Floats, Ints]:
    """Return probabilities and labels as arrays; each row lies in [0, 1] and sums to 1."""
    probs, labels, _ = check_values(*check_batch(probs, labels, name="probs"), name="probs")
    outside = (probs < 0) | (probs > 1)
    if outside.any():
        row = int(np.flatnonzero(outside.any(axis=1))[0])
        raise ValueError(f"probs row {row} lies outside [0, 1]; these look like logits: use nsp_loss(logits, labels)")
    sums = probs.sum(axis=1)
    wrong = np.abs(sums - 1) > (1e-3 if probs.dtype == np.float32 else 1e-6)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"probs row {row} sums to {sums[row]:.6g}; expected 1, as [Pr(IsNext), Pr(NotNext)]")
    return probs, labels


def check_scores(scores: ArrayLike, labels: ArrayLike, weights: Weights) -> tuple[Floats, Ints, Floats | None]:
    """Return the scores of masked words, the ids that were masked, and the weights, as checked arrays."""
    scores = as_floats(scores, "scores")
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ValueError(f"scores have shape {scores.shape}; expected (count, vocabulary), a row for each guessed word")
    if len(scores) == 0:
        raise ValueError(f"scores are empty (shape {scores.shape}): there is no word to guess; mask at least one")
    if not np.isfinite(scores.sum(dtype=np.float64)) and not np.isfinite(scores).all():
        row, word = (int(k[0]) for k in np.nonzero(~np.isfinite(scores)))
        raise ValueError(f"scores[{row}, {word}] is {scores[row, word]}; expected finite numbers")
    labels = as_array(labels, "labels")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels have dtype {labels.dtype}; expected integers, the ids of the words")
    if labels.shape != (len(scores),):
        raise ValueError(f"labels have shape {labels.shape}; expected ({len(scores)},), one for each row of scores")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        row = int(np.flatnonzero((labels < 0) | (labels >= scores.shape[1]))[0])
        raise ValueError(
            f"labels[{row}] is {int(labels[row])}; expected ids from 0 to {scores.shape[1] - 1} "
            "(pass only the rows of words to be guessed; -100, which PyTorch uses for the rest, is not an id)"
        )
    return scores, labels, _check_weights(weights, labels, "word")


def _check_weights(weights: Weights, labels: Ints, what: str) -> Floats | None:
    if weights is None:
        return None
    weights = as_array(weights, "weights").astype(np.float64)
    if weights.shape != labels.shape:
        raise ValueError(f"weights have shape {weights.shape}; expected {labels.shape}, one for each label")
    if not np.isfinite(weights).all() or weights.min() < 0:
        row = int(np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))[0])
        raise ValueError(f"weights[{row}] is {weights[row]}; expected finite numbers that are not negative")
    if not weights.any():
        raise ValueError(f"all weights are zero, so no {what} is left to average over; keep at least one above 0")
    return weights
