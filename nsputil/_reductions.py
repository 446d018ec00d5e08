"""From the losses of a batch to one number: the mean, the sum, or the losses themselves."""

import numpy as np


def reduced(losses, reduction, weights=None):
    """Return the weighted losses, their sum, or their mean over the total weight, both as floats."""
    if weights is not None:
        losses = losses * weights.astype(losses.dtype)
    if reduction == "none":
        return losses
    total = float(losses.sum(dtype=np.float64))
    return total if reduction == "sum" else total / total_weight(losses, weights)


def total_weight(rows, weights):
    """Return what a mean divides by: the number of rows, or the sum of their weights."""
    return float(len(rows)) if weights is None else float(weights.sum(dtype=np.float64))
