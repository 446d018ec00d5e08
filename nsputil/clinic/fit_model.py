"""Fit a `ScoringModel`: count first, then learn which signals to trust by the loss of this course.

Introduced in notebook 10 (by name).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from nsputil._types import Bools, Floats, Ints
from nsputil.clinic.scoring import BINS, KIND, KINDS, ScoringModel, kinds, levels, memberships
from nsputil.losses import log_softmax
from nsputil.optimizers import AdamW, warmup_linear

FLOOR = 0.02  # of a run, in every bin of every cause: nothing is impossible
COUNT_ALIKE = 4.0  # runs that the table of all kinds counts for in that of one kind
UNKNOWN_KIND = 0.15  # share of the runs that are treated as if their kind were not known, when trust is learned

#: ``(rng, runs) -> bool array (runs, signals)``: which signals are measured.
Masks = Callable[[Generator, int], Bools]


def find_knots(values: Floats) -> Floats:
    """Return the knots of each signal, shape (signals, BINS): quantiles of distinct values, so that rare ones count.

    A test that nearly every run passes gives nearly always the same number. That number gets a knot, and so do the
    nearest distinct values on both sides, so that "exactly 0" and "almost 0" are told apart.
    """
    knots = np.zeros((values.shape[1], BINS))
    for s in range(values.shape[1]):
        x = values[np.isfinite(values[:, s]), s]
        if len(x) == 0:
            continue
        distinct, counts = np.unique(np.round(x, 4), return_counts=True)
        chosen: set[float] = set()
        if counts.max() > 0.2 * len(x):
            at = int(counts.argmax())
            chosen = set(distinct[max(0, at - 1) : at + 2])
        free = BINS - len(chosen)
        rest = np.array([value for value in distinct if value not in chosen])
        if len(rest) > free:
            rest = np.unique(np.quantile(rest, np.linspace(0.01, 0.99, free)))
        ascending = np.array(sorted(chosen | set(rest)))
        knots[s] = np.concatenate([ascending, np.full(BINS - len(ascending), ascending[-1])])
    return knots


def fit_model(
    values: Floats,
    labels: Ints,
    causes: Sequence[str],
    names: Sequence[str],
    masks: Masks,
    run_weights: Floats | None = None,
    rng: Generator | None = None,
    tiers: Ints | None = None,
    steps: int = 300,
    rate: float = 0.05,
    prior: float = 2.0,
) -> ScoringModel:
    """Fit a `ScoringModel`.

    Counting gives the log-likelihood ratio of each bin of each signal: how much more often runs with a cause fall into
    it than runs in general. It is counted once over all runs and once over the runs of each kind, where the table of
    all runs supports small counts. Signals repeat one another, so the sum of their ratios would be too sure. Therefore
    one factor for each signal, its trust, and one bias for each cause are learned by ``-log softmax(scores)[gold]``,
    separately for each level of knowledge; and for each kind a second factor for each signal, which goes into the
    table of that kind. The count of a run is taken out of the table that scores it.

    Parameters
    ----------
    values : ndarray, shape (runs, signals)
    labels : ndarray of int, shape (runs,)
        Index of the cause.
    causes, names : sequence of str
    masks : callable
        ``(rng, runs) -> bool array (runs, signals)``: which signals are measured. Every step draws others, so that the
        model learns to answer from any part of them.
    run_weights : ndarray, optional
        Of each run in the mean.
    rng : numpy.random.Generator, optional
    tiers : ndarray of int, optional
        See `ScoringModel`; all 0 if left out.
    steps : int
    rate : float
    prior : float
        How many runs the general frequencies count for in the table of a cause.

    Returns
    -------
    ScoringModel
    """
    rng = rng or np.random.default_rng(0)
    knots = find_knots(values)
    everything = np.ones(values.shape, bool)
    member = memberships(values, everything, knots).astype(np.float64)
    runs, count = len(member), len(names)
    share = np.ones(runs) if run_weights is None else np.asarray(run_weights, float)
    kind = kinds(values, everything, names)
    pooled = _Counts(member, labels, len(causes), share, prior)
    tables, terms = [pooled.ratios()], pooled.terms()
    as_unknown = rng.random(runs) < UNKNOWN_KIND
    for k in range(1, KINDS if set(KIND) <= set(names) else 1):
        at = np.flatnonzero(kind == k)
        if len(at) == 0:
            tables.append(tables[0])
            continue
        alike = _Counts(member[at], labels[at], len(causes), share[at], COUNT_ALIKE, pooled, at)
        tables.append(alike.ratios())
        use = ~as_unknown[at]
        terms[at[use]] = alike.terms()[use]
    tiers = np.zeros(count, int) if tiers is None else np.asarray(tiers)
    which = np.arange(tiers.max() + 1)[:, None]
    scored_as = np.where(as_unknown, 0, kind)
    at_kind = (scored_as == np.arange(KINDS)[:, None]).astype(float)
    parameters = {
        "log_trust": np.full((len(which), count), -1.0),
        "log_trust_of_kind": np.zeros((KINDS, count)),
        "bias": np.zeros((len(which), len(causes))),
    }
    optimizer = AdamW(parameters, rate, schedule=warmup_linear(10, steps + 1))
    gold = np.zeros((runs, len(causes)))
    gold[np.arange(runs), labels] = 1
    weight_of_run = (share / share.sum())[:, None]
    for _ in range(steps):
        mask = masks(rng, runs)
        level = levels(mask, tiers)
        at_level = (level == which).astype(float)
        log_trust = parameters["log_trust"][level] + parameters["log_trust_of_kind"][scored_as]
        weight = (mask * np.exp(log_trust)).astype(np.float32)
        scores = np.matmul(weight[:, None, :], terms)[:, 0] + parameters["bias"][level]
        dscores = (np.exp(log_softmax(scores)) - gold) * weight_of_run
        dweight = np.matmul(terms, dscores[:, :, None].astype(np.float32))[:, :, 0]
        dlog_trust = dweight * weight
        optimizer.step({
            "log_trust": at_level @ dlog_trust + 1e-4 * parameters["log_trust"],
            "log_trust_of_kind": at_kind @ dlog_trust + 1e-4 * parameters["log_trust_of_kind"],
            "bias": at_level @ dscores + 1e-3 * parameters["bias"],
        })  # fmt: skip
    trust = np.exp(parameters["log_trust"])
    ratios = np.stack([table.transpose(1, 2, 0) for table in tables])
    of_kind = parameters["log_trust_of_kind"][: len(ratios)]
    of_kind[~np.isin(np.arange(len(ratios)), kind)] = of_kind[0]  # a kind without a run is judged as one not known
    ratios *= np.exp(of_kind)[:, :, None, None]
    return ScoringModel(causes, names, knots, ratios, trust, parameters["bias"], tiers)


class _Counts:
    """How often runs with each cause fall into each bin, among some runs; a prior supports small counts.

    Parameters
    ----------
    member : ndarray, shape (runs, signals, bins)
    labels : ndarray of int, shape (runs,)
    causes : int
    share : ndarray, shape (runs,)
        Weights of the runs in the general frequencies.
    prior : float
        How many runs the prior counts for.
    whole : _Counts, optional
        The counts of all runs, if these are the runs of one kind. Then the prior is what that table says of a cause,
        times the frequency among the runs of this kind; otherwise it is the frequency among the runs in general.
    at : ndarray of int, optional
        Where these runs are among those of `whole`.
    """

    def __init__(
        self,
        member: Floats,
        labels: Ints,
        causes: int,
        share: Floats,
        prior: float,
        whole: "_Counts | None" = None,
        at: Ints | None = None,
    ) -> None:
        self.member, self.labels, self.prior, self.whole, self.at = member, labels, prior, whole, at
        self.held = np.stack([member[labels == c].sum(axis=0) for c in range(causes)])
        self.size = np.bincount(labels, minlength=causes).astype(float)
        if whole is None:
            self.general = np.average(member, axis=0, weights=share)
        else:
            self.general = (np.einsum("n,nsb->sb", share, member) + whole.general) / (share.sum() + 1)

    def ratios(self) -> Floats:
        """Return the log-likelihood ratios, shape (causes, signals, bins)."""
        usual = None if self.whole is None else np.exp(self.whole.ratios())
        return self._ratios(self.held, self.size[:, None, None], usual)

    def terms(self) -> Floats:
        """Return what each signal says of each run, shape (runs, signals, causes), without the run's own count."""
        each = np.matmul(self.member.transpose(1, 0, 2), self.ratios().transpose(1, 2, 0))  # signal by signal
        out = each.transpose(1, 0, 2).astype(np.float32)
        for n, c in enumerate(self.labels):
            out[n, :, c] = (self.member[n] * self.without(n, c)).sum(axis=1)
        return out

    def without(self, n: int, c: int) -> Floats:
        """Return the ratios of cause c, shape (signals, bins), as if run n had not been counted."""
        usual = None
        if self.whole is not None and self.at is not None:
            usual = np.exp(self.whole.without(int(self.at[n]), c))
        return self._ratios(self.held[c] - self.member[n], self.size[c] - 1, usual)

    def _ratios(self, held: Floats, size: Floats | float, usual: Floats | None) -> Floats:
        expected = self.general
        if usual is not None:
            expected = expected * usual
            expected /= expected.sum(axis=-1, keepdims=True)
        bins = self.general.shape[-1]
        under = (held + self.prior * expected + FLOOR) / (size + self.prior + FLOOR * bins)
        return np.log(under * (1 + FLOOR * bins) / (self.general + FLOOR))
