"""From the losses of a batch to one number: the mean, the sum, or the losses themselves."""

import numpy as np

from nsputil._types import Floats, Ints


def reduced(losses: Floats, reduction: str, weights: Floats | None = None) -> float | Floats:
    """Return the weighted losses, their sum, or their mean over the total weight, both as floats."""
    if reduction == "mean":
        return mean(losses, weights)
    losses = _weighted(losses, weights)
    return losses if reduction == "none" else _sum(losses)


def mean(losses: Floats, weights: Floats | None = None) -> float:
    """Return the sum of the weighted losses over the total weight."""
    return _sum(_weighted(losses, weights)) / total_weight(losses, weights)


def total_weight(rows: Floats | Ints, weights: Floats | None) -> float:
    """Return what a mean divides by: the number of rows, or the sum of their weights."""
    return float(len(rows)) if weights is None else _sum(weights)


def _weighted(losses: Floats, weights: Floats | None) -> Floats:
    return losses if weights is None else losses * weights.astype(losses.dtype)


def _sum(values: Floats) -> float:
    return float(values.sum(dtype=np.float64))
