"""A softmax over causes whose logits are sums of evidence: one term for each signal, in nats.

Each signal is cut into a few soft bins; each bin has one number for each cause: a log-likelihood ratio from counted
runs, times how far the signal is to be trusted, which is learned by the loss of this course, ``-log softmax(s)[gold]``.
A signal that was not measured adds nothing. So a learner can read why: the log-odds of two causes are the sum of what
each signal says. Runs are counted by their kind, too: what is usual for a Transformer under Adam is strange for a bag
under SGD.
"""

import numpy as np

from nsputil.losses import log_softmax
from nsputil.optimizers import AdamW, warmup_linear

BINS = 12
FLOOR = 0.02  # of a run, in every bin of every cause: nothing is impossible
KIND = ("kind.attends", "kind.adaptive")  # the signals, each 0 or 1, that say which kind of training a run is
KINDS = 5  # 0: not known
COUNT_ALIKE = 4.0  # runs that the table of all kinds counts for in that of one kind
UNKNOWN_KIND = 0.15  # of the runs teach whom to trust as if their kind were not known


class EvidenceModel:
    """Scores of causes from signals.

    Parameters
    ----------
    causes : sequence of str
    names : sequence of str
        Of the signals, in the order of the columns.
    knots : ndarray, shape (len(names), BINS)
        Ascending; where two are equal the second has no bin of its own.
    ratios : ndarray, shape (KINDS, len(names), BINS + 1, len(causes))
        Log-likelihood ratios, nats: counted over all runs, then over those of each kind, times how far a signal is to
        be trusted among them. The last bin of each signal is "could not be had".
    trust : ndarray, shape (levels, len(names))
        What the ratios of a signal are multiplied by. Signals repeat one another, so each is trusted the less, the more
        else is known; the level says how much is.
    bias : ndarray, shape (levels, len(causes))
    tiers : ndarray of int, shape (len(names),)
        Of each signal. The level of a run is the highest tier of its measured signals.
    """

    def __init__(self, causes, names, knots, ratios, trust, bias, tiers):
        self.causes, self.names = tuple(causes), tuple(names)
        self.knots, self.ratios, self.trust, self.bias, self.tiers = knots, ratios, trust, bias, tiers
        self.column = {name: k for k, name in enumerate(self.names)}

    def level(self, measured):
        """Return the level of each run, shape (runs,)."""
        return levels(measured, self.tiers)

    def kind(self, values, measured):
        """Return the kind of each run, shape (runs,): 0 if it is not known."""
        return kinds(values, measured, self.names)

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

    def trusted(self, values, measured):
        """Return the memberships times the trust in each signal, shape (runs, signals, BINS + 1)."""
        return self.memberships(values, measured) * self.trust[self.level(measured)][:, :, None]

    def evidence(self, values, measured):
        """Return the terms of the sum, shape (runs, signals, causes), in nats."""
        told, kind = self.trusted(values, measured), self.kind(values, measured)
        out = np.empty((*values.shape, len(self.causes)))
        for k in np.unique(kind):
            out[kind == k] = np.einsum("nsb,sbc->nsc", told[kind == k], self.ratios[k])
        return out

    def scores(self, values, measured):
        """Return the logits of the causes, shape (runs, causes)."""
        flat, kind = self.trusted(values, measured).reshape(len(values), -1), self.kind(values, measured)
        out = self.bias[self.level(measured)]
        for k in np.unique(kind):
            out[kind == k] += flat[kind == k] @ self.ratios[k].reshape(-1, len(self.causes))
        return out


def levels(measured, tiers):
    """See `EvidenceModel.level`."""
    return (measured * tiers).max(axis=1, initial=0)


def kinds(values, measured, names):
    """See `EvidenceModel.kind`."""
    if not set(KIND) <= set(names):
        return np.zeros(len(values), int)
    at = [list(names).index(name) for name in KIND]
    known = (measured[:, at] & np.isfinite(values[:, at])).all(axis=1)
    attends, adaptive = (np.where(known, values[:, at].T, 0) > 0.5).astype(int)
    return np.where(known, 1 + 2 * attends + adaptive, 0)


def memberships(values, measured, knots):
    """See `EvidenceModel.memberships`: hat functions on ascending knots, the outermost flat beyond.

    Where the last knot of a signal is repeated, the repetitions have no bin.
    """
    last = (knots < knots[:, -1:]).sum(axis=1)  # the number of each signal's last distinct knot
    known = measured & np.isfinite(values)
    x = np.clip(np.where(known, values, 0.0), knots[:, 0], knots[:, -1])
    left = np.clip((x[..., None] >= knots).sum(axis=2) - 1, 0, np.maximum(last - 1, 0))
    column = np.arange(values.shape[1])
    here, after = knots[column, left], knots[column, np.minimum(left + 1, last)]
    share = np.where(after > here, (x - here) / np.where(after > here, after - here, 1.0), 0.0)
    out = np.zeros((*values.shape, BINS + 1), np.float32)
    row = np.arange(len(values))[:, None]
    out[row, column, np.minimum(left + 1, last)] = share * known
    out[row, column, left] += (1 - share) * known
    out[..., BINS] = measured & ~known
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


def fit(values, labels, causes, names, masks, run_weights=None, rng=None, tiers=None, steps=300, rate=0.05, prior=2.0):
    """Fit an `EvidenceModel`: count first, then learn whom to trust with the loss of this course.

    Counting gives, for each signal, the log-likelihood ratio of each bin: how much more often runs with a cause fall
    there than runs in general; once over all runs, and once among the runs of each kind, where few runs are helped out
    by the table of all. Signals repeat one another, so their sum would be too sure. One factor for each signal, its
    trust, and a bias for each cause, anew for each level of knowledge, are learned by ``-log softmax(scores)[gold]``,
    and so is, for each kind, a second factor for each signal, which goes into the table of that kind. A run's own count
    is taken out of the table that it is scored with.

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
    tiers : ndarray of int, optional
        See `EvidenceModel`; one for all if left out.
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
    member = memberships(values, np.ones(values.shape, bool), knots).astype(np.float64)
    runs, count, bins = member.shape
    share = np.ones(runs) if run_weights is None else np.asarray(run_weights, float)
    kind = kinds(values, np.ones(values.shape, bool), names)
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
    told_kind = np.where(as_unknown, 0, kind)
    at_kind = (told_kind == np.arange(KINDS)[:, None]).astype(float)
    parameters = {
        "log_trust": np.full((len(which), count), -1.0),
        "log_trust_of_kind": np.zeros((KINDS, count)),
        "bias": np.zeros((len(which), len(causes))),
    }
    optimizer = AdamW(parameters, rate, schedule=warmup_linear(10, steps + 1))
    gold = np.zeros((runs, len(causes)))
    gold[np.arange(runs), labels] = 1
    share = (share / share.sum())[:, None]
    for _ in range(steps):
        mask = masks(rng, runs)
        level = levels(mask, tiers)
        at_level = (level == which).astype(float)
        log_trust = parameters["log_trust"][level] + parameters["log_trust_of_kind"][told_kind]
        weight = (mask * np.exp(log_trust)).astype(np.float32)
        scores = np.matmul(weight[:, None, :], terms)[:, 0] + parameters["bias"][level]
        dscores = (np.exp(log_softmax(scores)) - gold) * share
        per_run = np.matmul(terms, dscores[:, :, None].astype(np.float32))[:, :, 0]
        told = per_run * weight
        optimizer.step({
            "log_trust": at_level @ told + 1e-4 * parameters["log_trust"],
            "log_trust_of_kind": at_kind @ told + 1e-4 * parameters["log_trust_of_kind"],
            "bias": at_level @ dscores + 1e-3 * parameters["bias"],
        })  # fmt: skip
    trust = np.exp(parameters["log_trust"])
    ratios = np.stack([table.transpose(1, 2, 0) for table in tables])
    of_kind = parameters["log_trust_of_kind"][: len(ratios)]
    of_kind[~np.isin(np.arange(len(ratios)), kind)] = of_kind[0]  # a kind without a run is judged as one not known
    ratios *= np.exp(of_kind)[:, :, None, None]
    return EvidenceModel(causes, names, knots, ratios, trust, parameters["bias"], tiers)


class _Counts:
    """How often runs with each cause fall into each bin, among some runs; few of them are helped out by a prior.

    The prior is the frequency among the runs in general or, of one kind, what the table of all runs says of a cause,
    times the frequency among the runs of that kind.
    """

    def __init__(self, member, labels, causes, share, prior, whole=None, at=None):
        self.member, self.labels, self.prior, self.whole, self.at = member, labels, prior, whole, at
        self.held = np.stack([member[labels == c].sum(axis=0) for c in range(causes)])
        self.size = np.bincount(labels, minlength=causes).astype(float)
        if whole is None:
            self.general = np.average(member, axis=0, weights=share)
        else:
            self.general = (np.einsum("n,nsb->sb", share, member) + whole.general) / (share.sum() + 1)

    def ratios(self):
        """Return the log-likelihood ratios, shape (causes, signals, bins)."""
        usual = None if self.whole is None else np.exp(self.whole.ratios())
        return self._ratios(self.held, self.size[:, None, None], usual)

    def terms(self):
        """Return what each signal says of each run, shape (runs, signals, causes), without the run's own count."""
        each = np.matmul(self.member.transpose(1, 0, 2), self.ratios().transpose(1, 2, 0))  # signal by signal
        out = each.transpose(1, 0, 2).astype(np.float32)
        for n, c in enumerate(self.labels):
            out[n, :, c] = (self.member[n] * self.without(n, c)).sum(axis=1)
        return out

    def without(self, n, c):
        """Return the ratios of cause c, shape (signals, bins), had run n not been counted."""
        usual = None if self.whole is None else np.exp(self.whole.without(self.at[n], c))
        return self._ratios(self.held[c] - self.member[n], self.size[c] - 1, usual)

    def _ratios(self, held, size, usual):
        expected = self.general
        if usual is not None:
            expected = expected * usual
            expected /= expected.sum(axis=-1, keepdims=True)
        bins = self.general.shape[-1]
        under = (held + self.prior * expected + FLOOR) / (size + self.prior + FLOOR * bins)
        return np.log(under * (1 + FLOOR * bins) / (self.general + FLOOR))
