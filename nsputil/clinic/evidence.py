"""A softmax over causes whose logits are sums of evidence: one term for each signal, in nats.

Each signal is cut at quantiles into a few soft bins; each bin has one number for each cause, learned by the loss of
this course, ``-log softmax(scores)[gold]``. A signal that was not measured adds nothing. So a learner can read why: the
log-odds of two causes are the sum of what each signal says. Introduced in notebook 09.
"""

import numpy as np

from nsputil.losses import log_softmax
from nsputil.optimizers import AdamW, warmup_linear

BINS = 9


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
        return memberships(values, measured, self.knots)

    def evidence(self, values, measured):
        """Return the terms of the sum, shape (runs, signals, causes), in nats."""
        return np.einsum("nsb,sbc->nsc", self.memberships(values, measured), self.weights)

    def scores(self, values, measured):
        """Return the logits of the causes, shape (runs, causes)."""
        flat = self.memberships(values, measured).reshape(len(values), -1)
        return flat @ self.weights.reshape(-1, len(self.causes)) + self.bias


def memberships(values, measured, knots):
    """See `EvidenceModel.memberships`: hat functions on the knots, the outermost flat beyond."""
    runs, count = values.shape
    out = np.zeros((runs, count, BINS + 1), np.float32)
    for s in range(count):
        here = np.unique(knots[s])
        known = measured[:, s] & np.isfinite(values[:, s])
        out[measured[:, s] & ~np.isfinite(values[:, s]), s, BINS] = 1
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
    """Return the knots of each signal: quantiles of its finite values, or the values themselves if they are few."""
    knots = np.zeros((values.shape[1], BINS))
    for s in range(values.shape[1]):
        x = values[np.isfinite(values[:, s]), s]
        distinct = np.unique(np.round(x, 9))
        if len(distinct) == 0:
            continue
        if len(distinct) > BINS:
            distinct = np.unique(np.quantile(x, np.linspace(0.01, 0.99, BINS)))
        knots[s] = np.concatenate([distinct, np.full(BINS - len(distinct), distinct[-1])])
    return knots


def fit(values, labels, causes, names, masks, run_weights=None, rng=None, steps=600, decay=3e-3, rate=0.05):
    """Fit an `EvidenceModel` with the loss of this course.

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
    decay : float
        Of the weights, in AdamW.
    rate : float

    Returns
    -------
    EvidenceModel
    """
    rng = rng or np.random.default_rng(0)
    knots = find_knots(values)
    everything = memberships(values, np.ones(values.shape, bool), knots)
    runs, count, bins = everything.shape
    share = np.ones(runs) if run_weights is None else np.asarray(run_weights, float)
    share = (share / share.sum())[:, None].astype(np.float32)
    parameters = {
        "weights": np.zeros((count * bins, len(causes)), np.float32),
        "bias": np.zeros(len(causes), np.float32),
    }
    optimizer = AdamW(parameters, rate, weight_decay=decay / rate, schedule=warmup_linear(10, steps + 1))
    gold = np.zeros((runs, len(causes)), np.float32)
    gold[np.arange(runs), labels] = 1
    for _ in range(steps):
        x = (everything * masks(rng, runs)[:, :, None]).reshape(runs, -1)
        p = np.exp(log_softmax(x @ parameters["weights"] + parameters["bias"]))
        dscores = (p - gold) * share
        optimizer.step({"weights": x.T @ dscores, "bias": dscores.sum(axis=0)})
    weights = parameters["weights"].reshape(count, bins, len(causes)).astype(np.float64)
    return EvidenceModel(causes, names, knots, weights, parameters["bias"].astype(np.float64))
