"""Runs whose cause is known: how often those of each cause fall into each bin, where they lie, what is usual.

Introduced in notebook 10 (by name).
"""

import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from nsputil._types import Floats, Ints
from nsputil.clinic.scoring import BINS, ScoringModel, memberships

SAMPLED = 40  # runs of each cause whose outcomes of probes are kept; more would change the expected bits very little
MISSING = BINS + 8  # the position of a number that could not be computed: far from all others


class BankedProbe(NamedTuple):
    """A probe as it was when the bank was made.

    Attributes
    ----------
    cost : float
        In training steps.
    signals : tuple of str
        The names of its numbers.
    """

    cost: float
    signals: tuple[str, ...]


class KnownRuns:
    """The runs that a diagnosis learned from.

    Parameters
    ----------
    model : ScoringModel
    values : ndarray, shape (runs, signals)
        In the order of the model's signals.
    labels : ndarray of int, shape (runs,)
        Indices of causes.
    healthy : int
        The index of "healthy".
    columns : dict of list of int
        The columns of each probe.

    Attributes
    ----------
    count : ndarray of int, shape (causes,)
        Runs of each cause.
    bin_frequencies : ndarray, shape (causes, signals, BINS + 1)
        How often a run with each cause falls into each bin, smoothed.
    kl_from_healthy : ndarray, shape (causes, signals)
        Kullback-Leibler divergence of these frequencies from those of healthy runs, in nats.
    sample : ndarray of int
        The rows of the first `SAMPLED` runs of each cause.
    sampled_outcomes : dict of ndarray, shape (len(sample), numbers of the probe, BINS + 1)
        What each probe said of the sample, as memberships.
    """

    def __init__(
        self, model: ScoringModel, values: Floats, labels: Ints, healthy: int, columns: Mapping[str, list[int]]
    ) -> None:
        self.values, self.labels, self.healthy = values, labels, healthy
        self.count = np.bincount(labels, minlength=len(model.causes))
        self.sample = first_of_each(labels, SAMPLED)
        in_bins, self._positions, self.sampled_outcomes = self.counted(model, columns)
        general = in_bins.sum(axis=0) / len(labels) + 1e-3
        self.bin_frequencies = (in_bins + general) / (self.count[:, None, None] + 1)
        self.kl_from_healthy = kl_divergence(self.bin_frequencies, self.bin_frequencies[healthy])
        self._distances: dict[int, Floats] = {}
        self._ranges: dict[int, Floats] = {}

    def counted(
        self, model: ScoringModel, columns: Mapping[str, list[int]], block: int = 500
    ) -> tuple[Floats, Floats, dict[str, Floats]]:
        """Return the counts of each cause in each bin, the positions of all runs, and the sampled outcomes.

        Block by block, because the memberships of all runs at once would take 50 MB.
        """
        runs, signals = self.values.shape
        in_bins = np.zeros((len(model.causes), signals, BINS + 1))
        position = np.empty(self.values.shape)
        outcomes = {name: np.empty((len(self.sample), len(at), BINS + 1), np.float32) for name, at in columns.items()}
        for start in range(0, runs, block):
            rows = slice(start, start + block)
            members = memberships(self.values[rows], np.ones(self.values[rows].shape, bool), model.knots)
            np.add.at(in_bins, self.labels[rows], members)
            position[rows] = positions(members)
            here = (self.sample >= start) & (self.sample < start + block)
            for name, at in columns.items():
                outcomes[name][here] = members[self.sample[here] - start][:, at]
        return in_bins, position, outcomes

    def positions_of(self, cause: int) -> Floats:
        """Return the positions of the runs with a cause on the scale of bins, shape (runs, signals)."""
        return self._positions[self.labels == cause]

    def usual_distance(self, cause: int) -> Floats:
        """Return the mean distance, in bins, of a run with a cause to the nearest other one, shape (signals,)."""
        if cause not in self._distances:
            runs = np.sort(self.positions_of(cause), axis=0)
            edge = np.full((1, runs.shape[1]), np.inf)
            steps = np.concatenate([edge, np.diff(runs, axis=0), edge])  # to both neighbours, signal by signal
            nearest = np.minimum(steps[:-1], steps[1:])
            self._distances[cause] = nearest.mean(axis=0) if len(runs) > 1 else np.ones(runs.shape[1])
        return self._distances[cause]

    def usual_range(self, signal: int, cause: int) -> tuple[float, float]:
        """Return the ends of the middle four fifths of a signal (by column) over the runs with a cause (by index)."""
        if cause not in self._ranges:
            x = np.where(np.isfinite(self.values), self.values, np.nan)[self.labels == cause]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # nothing known: NaN
                nothing = np.full((2, x.shape[1]), np.nan)
                self._ranges[cause] = np.nanquantile(x, (0.1, 0.9), axis=0) if len(x) else nothing
        low, high = self._ranges[cause][:, signal]
        return float(low), float(high)


def positions(members: Floats) -> Floats:
    """Return where values lie on the scale of bins, shape (..., signals), from their memberships."""
    return members[..., :BINS].astype(np.float64) @ np.arange(BINS) + members[..., BINS] * MISSING


def first_of_each(labels: Ints, count: int) -> Ints:
    """Return the rows of the first `count` of each label, in order."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])
    return np.sort(order[np.arange(len(labels)) - starts < count])


def kl_divergence(frequencies: Floats, others: Floats) -> Floats:
    """Return the Kullback-Leibler divergence over the bins, the last axis, in nats."""
    return (frequencies * np.log(frequencies / others)).sum(axis=-1)
