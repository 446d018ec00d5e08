"""Do numbers of two groups differ? The area under the curve, by ranks, with its standard error."""

import numpy as np


def rank_area(x: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return how much more often a number of group 1 is the larger one, minus one half, and its standard error.

    Parameters
    ----------
    x : ndarray of float, shape (n,)
    labels : ndarray of int, shape (n,)
        0 or 1, the group of each number.
    """
    order = np.argsort(x, kind="stable")
    ranks = np.empty(len(x))
    ranks[order] = np.arange(1, len(x) + 1)
    for value in np.unique(x):
        ranks[x == value] = ranks[x == value].mean()
    n1, n0 = int((labels == 1).sum()), int((labels == 0).sum())
    if not n0 or not n1:
        return 0.0, float("inf")
    area = (ranks[labels == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)
    return float(area - 0.5), float(np.sqrt((n0 + n1 + 1) / (12 * n0 * n1)))
