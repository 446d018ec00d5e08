"""Whether the rows of a log move, and how sure that is: trends, scatter, sampling error."""

import math

import numpy as np

BLOCKS = 200  # more rows are averaged in blocks before they are compared pair by pair
Z = 2.0  # Kendall's statistic in its standard errors
Z_OF_FEW = 1.5  # three rows, each below the one before, have 1.57


def blocks(values: np.ndarray) -> np.ndarray:
    """Return at most `BLOCKS` means of neighbouring rows."""
    if len(values) <= BLOCKS:
        return values
    return np.array([block.mean() for block in np.array_split(values, BLOCKS)])


def kendall(values: np.ndarray) -> float:
    """Return how surely the rows rise, in standard errors: Kendall's statistic, without an assumption on the noise."""
    values = blocks(values)
    n = len(values)
    if n < 3:
        return 0.0
    signs = np.sign(values[None, :] - values[:, None])
    return float(np.triu(signs, 1).sum()) / math.sqrt(n * (n - 1) * (2 * n + 5) / 18)


def ends(values: np.ndarray) -> tuple[float, float]:
    """Return the means of the first and of the last fifth of the rows, of one row at least."""
    share = max(1, len(values) // 5)
    return float(values[:share].mean()), float(values[-share:].mean())


def noise(values: np.ndarray) -> float:
    """Return the standard deviation of one row about a smooth curve."""
    return float(np.diff(values).std() / math.sqrt(2)) if len(values) > 2 else 0.0


def steady(values: np.ndarray) -> float:
    """Return `noise` by the median of the steps from row to row, which one jump does not move; of few rows, `noise`."""
    if len(values) < 8:
        return noise(values)
    return float(np.median(np.abs(np.diff(values)))) / (0.6745 * math.sqrt(2))


def most_of_a_rise(values: np.ndarray) -> float:
    """Return by how much the rows may have risen, from the first to the last, two standard errors included."""
    n = len(values)
    time = np.arange(n) - (n - 1) / 2
    slope = float(time @ values / (time @ time))
    rest = values - values.mean() - slope * time
    error = math.sqrt(float(rest @ rest) / max(1, n - 2) / float(time @ time))
    return (slope + 2 * error) * (n - 1)


def is_sum(values: np.ndarray) -> bool:
    """Return whether rows grow evenly, by about the first at a time, as sums over the batches do; few may by chance."""
    steps = np.diff(values)
    return len(values) >= 5 and bool(values[0] > 0 and steps.min() > 0.3 * values[0] and steps.max() < 3 * values[0])


def restarts(values: np.ndarray) -> list[np.ndarray]:
    """Return the pieces of rows that fall again and again, such as in each epoch; none if they do not.

    A mean that begins again in each epoch looks like that, and so do batches in the order of their length.
    """
    if len(values) < 8:
        return []
    jumps = np.flatnonzero(np.diff(values) > 0.5 * np.ptp(values)) + 1
    pieces = [piece for piece in np.split(values, jumps) if len(piece) >= 4]
    whole = sum(len(piece) for piece in pieces) >= len(values) - 3
    falls = all(rises(-x, 0.5 * np.ptp(values)) and np.diff(x).max() < 0.25 * np.ptp(values) for x in pieces)
    return pieces if len(pieces) >= 2 and whole and falls else []


def rises(values: np.ndarray, least: float) -> bool:
    """Return whether the rows rise by `least` or more, and beyond their own scatter."""
    if len(values) < 3:
        return False
    first, last = ends(values)
    return last - first >= least and kendall(values) >= (Z if len(values) >= 8 else Z_OF_FEW)
