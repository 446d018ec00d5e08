"""A softmax over causes whose logits are sums of evidence: one term for each signal, in nats.

Each signal is cut into a few soft bins; each bin has one number for each cause: a log-likelihood ratio from counted
runs, times how far the signal is to be trusted, which is learned by the loss of this course, ``-log softmax(s)[gold]``.
A signal that was not measured adds nothing. So a learner can read why: the log-odds of two causes are the sum of what
each signal says. Introduced in notebook 09.
"""

import numpy as np

from nsputil.losses import log_softmax
from nsputil.optimizers import AdamW, warmup_linear

BINS = 12
FLOOR = 0.02  # of a run, in every bin of every cause: nothing is impossible


class EvidenceModel:
    """Scores of causes from signals.

    Parameters
    ----------
    causes : sequence of str
    names : sequence of str
        Of the signals, in the order of the columns.
    knots : ndarray, shape (len(names), BINS)
        Ascending; where two are equal the second has no bin of its own.
    weights : ndarray, shape (len(names), BINS + 1, len(causes))
        Nats. The last bin of each signal is "could not be had".
    bias : ndarray, shape (len(causes),)
    """

    def __init__(self, causes, names, knots, weights, bias):
        self.causes, self.names = tuple(causes), tuple(names)
        self.knots, self.weights, self.bias = knots, weights, bias
        self.column = {name: k for k, name in enumerate(self.names)}
        self._distinct = [np.unique(k) for k in knots]

    def memberships(self, values, measured):
        """Return how far each value belongs to each bin.

        Parameters
        ----------
        values : ndarray, shape (runs, signals)
            NaN: could not be had.
        measured : ndarray of bool, shape (runs, signals)

        Returns
        -------
        ndarray, shape (runs, signals, BINS + 1)
            Each measured signal sums to 1, each other to 0.
        """
        return memberships(values, measured, self._distinct)

    def evidence(self, values, measured):
        """Return the terms of the sum, shape (runs, signals, causes), in nats."""
        return np.einsum("nsb,sbc->nsc", self.memberships(values, measured), self.weights)

    def scores(self, values, measured):
        """Return the logits of the causes, shape (runs, causes)."""
        flat = self.memberships(values, measured).reshape(len(values), -1)
        return flat @ self.weights.reshape(-1, len(self.causes)) + self.bias


def memberships(values, measured, knots):
    """See `EvidenceModel.memberships`: hat functions on distinct ascending knots, the outermost flat beyond."""
    runs, count = values.shape
    out = np.zeros((runs, count, BINS + 1), np.float32)
    for s in range(count):
        here, finite = knots[s], np.isfinite(values[:, s])
        known = measured[:, s] & finite
        out[measured[:, s] & ~finite, s, BINS] = 1
        if not known.any():
            continue
        x = np.clip(values[known, s], here[0], here[-1])
        if len(here) == 1:
            out[known, s, 0] = 1
            continue
        left = np.clip(np.searchsorted(here, x, side="right") - 1, 0, len(here) - 2)
        share = (x - here[left]) / (here[left + 1] - here[left])
        rows = np.flatnonzero(known)
        out[rows, s, left] = 1 - share
        out[rows, s, left + 1] = share
    return out


def find_knots(values):
    """Return the knots of each signal: quantiles of its distinct values, so that rare ones count.

    A test that nearly every run passes gives nearly always the same number. That number gets a knot, and so do the
    nearest distinct values on both sides: "exactly 0" and "almost 0" are told apart.
    """
    knots = np.zeros((values.shape[1], BINS))
    for s in range(values.shape[1]):
        x = values[np.isfinite(values[:, s]), s]
        if len(x) == 0:
            continue
        distinct, counts = np.unique(np.round(x, 4), return_counts=True)
        chosen = set()
        if counts.max() > 0.2 * len(x):
            at = int(counts.argmax())
            chosen = set(distinct[max(0, at - 1) : at + 2])
        free = BINS - len(chosen)
        rest = np.array([value for value in distinct if value not in chosen])
        if len(rest) > free:
            rest = np.unique(np.quantile(rest, np.linspace(0.01, 0.99, free)))
        found = np.array(sorted(chosen | set(rest)))
        knots[s] = np.concatenate([found, np.full(BINS - len(found), found[-1])])
    return knots


def fit(values, labels, causes, names, masks, run_weights=None, rng=None, steps=300, rate=0.05, prior=2.0):
    """Fit an `EvidenceModel`: count first, then learn whom to trust with the loss of this course.

    Counting gives, for each signal, the log-likelihood ratio of each bin: how much more often runs with a cause fall
    there than runs in general. Signals repeat one another, so their sum would be too sure. One factor for each signal,
    its trust, and a bias for each cause are learned by ``-log softmax(scores)[gold]``; a run's own count is taken out
    of the table that it is scored with.

    Parameters
    ----------
    values : ndarray, shape (runs, signals)
    labels : ndarray of int, shape (runs,)
        Index of the cause.
    causes, names : sequence of str
    masks : callable
        ``(rng, runs) -> bool array (runs, signals)``: which signals a reader happens to have; drawn anew every step, so
        that the model learns to answer from any part of them.
    run_weights : ndarray, optional
        Of each run in the mean.
    rng : numpy.random.Generator, optional
    steps : int
    rate : float
    prior : float
        How many runs the general frequencies count for in the table of a cause.

    Returns
    -------
    EvidenceModel
    """
    rng = rng or np.random.default_rng(0)
    knots = find_knots(values)
    member = memberships(values, np.ones(values.shape, bool), [np.unique(k) for k in knots]).astype(np.float64)
    runs, count, bins = member.shape
    share = np.ones(runs) if run_weights is None else np.asarray(run_weights, float)
    general = np.average(member, axis=0, weights=share)
    held = np.stack([member[labels == c].sum(axis=0) for c in range(len(causes))])
    size = np.bincount(labels, minlength=len(causes)).astype(float)

    def ratios(held, size):
        under = (held + prior * general + FLOOR) / (size + prior + FLOOR * bins)
        return np.log(under * (1 + FLOOR * bins) / (general + FLOOR))

    table = ratios(held, size[:, None, None])
    terms = np.einsum("nsb,csb->nsc", member, table)
    for n, c in enumerate(labels):
        terms[n, :, c] = (member[n] * ratios(held[c] - member[n], size[c] - 1)).sum(axis=1)
    parameters = {"log_trust": np.full(count, -1.0), "bias": np.zeros(len(causes))}
    optimizer = AdamW(parameters, rate, schedule=warmup_linear(10, steps + 1))
    gold = np.zeros((runs, len(causes)))
    gold[np.arange(runs), labels] = 1
    share = (share / share.sum())[:, None]
    for _ in range(steps):
        trust = np.exp(parameters["log_trust"])
        weight = masks(rng, runs) * trust
        scores = np.matmul(weight[:, None, :], terms)[:, 0] + parameters["bias"]
        dscores = (np.exp(log_softmax(scores)) - gold) * share
        per_run = np.matmul(terms, dscores[:, :, None])[:, :, 0]
        optimizer.step({
            "log_trust": (per_run * weight).sum(axis=0) + 1e-4 * parameters["log_trust"],
            "bias": dscores.sum(axis=0) + 1e-3 * parameters["bias"],
        })  # fmt: skip
    weights = np.exp(parameters["log_trust"])[:, None, None] * table.transpose(1, 2, 0)
    return EvidenceModel(causes, names, knots, weights, parameters["bias"])
