"""A fitted diagnosis: which cause fits best, what that cause leaves unexplained, and which probe to ask next.

Three questions, in the order in which an engineer asks them. Which single cause do the signals speak for (the evidence
model)? Is a second fault hidden behind it: one that explains what the first does not? And if signals remain that runs
with neither ever showed, is it none of the causes known here?
"""

import json
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from nsputil.clinic.evidence import BINS, EvidenceModel
from nsputil.losses import log_softmax, sigmoid

FITTED = Path(__file__).parent / "data" / "diagnosis.npz"
HEALTHY, UNKNOWN = "healthy", "none of these"
BIT = float(np.log(2))
ENOUGH = 3  # probes, before a second fault or "none of these" may be answered: not to know yet is not to know
EACH = 40  # runs with a cause whose outcomes are kept for what a probe would tell: more of them would say the same
MAX_OUTCOMES = 160  # stored outcomes of a probe that its expected information is averaged over
MISSING = BINS + 8  # where a number that could not be had stands on the scale of bins: far from all others
NEAR, FAR = 0.25, 12.0  # a quarter of a bin is no distance; beyond twelve times the usual one all is far
MOST_TRUST = 1.5  # in a signal, where two faults are weighed: what one fault alone moves would drown all else
STRANGEST = 3  # signals: one alone may be chance


class Reader:
    """A fitted diagnosis: the evidence model, what runs of each cause looked like, and when to answer otherwise.

    Parameters
    ----------
    model : EvidenceModel
    groups : dict
        Look-alike group of each cause.
    probes : dict
        ``{probe: (cost, names of its signals)}``.
    outcomes : ndarray, shape (runs, signals)
        Of the runs that the model learned from, in the order of the model's signals.
    labels : ndarray of int, shape (runs,)
    temperatures : sequence of float
        What scores are divided by: from curves alone, with instruments, with probes.
    strange : (sequence of float, float), optional
        Weights and bias of "none of these" over `oddness`; without it that is never answered.
    second : (float, float), optional
        Weight and bias of "two faults at once" over the gain of the best pair; without it that is never answered.
    healthy_bias : float
        Caution: what is added to the score of "healthy".
    """

    def __init__(
        self, model, groups, probes, outcomes, labels,
        temperatures=(1.0, 1.0, 1.0), strange=None, second=None, healthy_bias=0.0,
    ):  # fmt: skip
        self.model, self.groups, self.probes = model, groups, probes
        self.outcomes, self.labels = outcomes, labels
        self.temperatures, self.strange, self.second = tuple(temperatures), strange, second
        self.healthy_bias = healthy_bias
        self.healthy = model.causes.index(HEALTHY)
        self.caution = np.where(np.arange(len(model.causes)) == self.healthy, healthy_bias, 0.0)
        self.columns = {name: [model.column[s] for s in names] for name, (_, names) in probes.items()}
        self._sample = _first_of_each(labels, EACH)
        held, self._places, self._members = self._counted(outcomes, labels)
        count = np.bincount(labels, minlength=len(model.causes))
        general = held.sum(axis=0) / len(labels) + 1e-3
        #: How often a run with each cause falls into each bin, smoothed; shape (causes, signals, bins).
        self.habits = (held + general) / (count[:, None, None] + 1)
        self._trust = np.minimum(model.trust[-1], MOST_TRUST)
        self._count = count
        #: How far, in nats, a signal departs from healthy under a cause; shape (causes, signals).
        self.departure = _divergence(self.habits, self.habits[self.healthy])
        self._nats, self._usual, self._typical, self._reveals = {}, {}, {}, {}

    def _counted(self, outcomes, labels, block=500):
        """Return how many runs of each cause fall into each bin, all places, and what each probe said of the sample.

        Block by block: all memberships at once would take 50 MB, and what is made of them as much again.
        """
        runs, signals = outcomes.shape
        held = np.zeros((len(self.model.causes), signals, BINS + 1))
        place = np.empty(outcomes.shape)
        kept = {name: np.empty((len(self._sample), len(at), BINS + 1), np.float32) for name, at in self.columns.items()}
        for start in range(0, runs, block):
            rows = slice(start, start + block)
            members = self.model.memberships(outcomes[rows], np.ones(outcomes[rows].shape, bool))
            np.add.at(held, labels[rows], members)
            place[rows] = places(members)
            here = (self._sample >= start) & (self._sample < start + block)
            for name, at in self.columns.items():
                kept[name][here] = members[np.ix_(self._sample[here] - start, at)]
        return held, place, kept

    def save(self, path):
        """Write all into one file of arrays (.npz)."""
        header = {
            "causes": self.model.causes,
            "names": self.model.names,
            "groups": self.groups,
            "probes": self.probes,
            "temperatures": self.temperatures,
            "strange": self.strange,
            "second": self.second,
            "healthy_bias": self.healthy_bias,
        }
        np.savez_compressed(
            path,
            header=json.dumps(header),
            knots=self.model.knots,
            ratios=self.model.ratios.astype(np.float16),
            trust=self.model.trust.astype(np.float32),
            bias=self.model.bias.astype(np.float32),
            tiers=self.model.tiers,
            outcomes=self.outcomes.astype(np.float32),
            labels=self.labels,
        )

    @classmethod
    def load(cls, path=FITTED):
        """Read what `save` wrote; without a path, the diagnosis that comes with the course."""
        with np.load(path) as file:
            header = json.loads(str(file["header"]))
            knots, ratios, trust, bias, outcomes = (
                file[name].astype(np.float64) for name in ("knots", "ratios", "trust", "bias", "outcomes")
            )
            labels, tiers = file["labels"], file["tiers"]
        model = EvidenceModel(header.pop("causes"), header.pop("names"), knots, ratios, trust, bias, tiers)
        probes = {name: (cost, tuple(names)) for name, (cost, names) in header.pop("probes").items()}
        return cls(model, header.pop("groups"), probes, outcomes, labels, **header)

    def vector(self, found):
        """Return ``(values, measured)`` of shape (signals,) from a dict of numbers; unknown names are refused."""
        unknown = sorted(set(found) - set(self.model.column))
        if unknown:
            raise ValueError(f"there is no signal {unknown[0]!r}; expected names of SIGNALS and of probes")
        values = np.full(len(self.model.names), np.nan)
        measured = np.zeros(values.shape, bool)
        for name, value in found.items():
            values[self.model.column[name]] = value
            measured[self.model.column[name]] = True
        return values, measured

    def asked(self, measured):
        """Return the names of the probes whose outcomes are known."""
        return tuple(name for name, at in self.columns.items() if at and measured[at[0]])

    def temperature(self, measured):
        """Return what scores are divided by, as much as is known."""
        return self.temperatures[self.model.level(measured[None])[0]]

    def log_probs(self, values, measured):
        """Return the log-probabilities of single causes, shape (causes,)."""
        scores = self.model.scores(values[None], measured[None])[0] / self.temperature(measured)
        return log_softmax(scores + self.caution)

    def verdict(self, values, measured):
        """Return ``(probabilities of the causes, probability of "none of these", second faults)``.

        Half of the probability that there are two faults goes to each of the two, so all sum to 1. Second faults are
        the indices of causes, best first, and none before `ENOUGH` probes or if "healthy" leads.
        """
        logp = self.log_probs(values, measured)
        p, first = np.exp(logp), int(logp.argmax())
        if first == self.healthy or len(self.asked(measured)) < ENOUGH:
            return p, 0.0, ()
        gains = self.pair_gains(values, measured, first)
        order = np.argsort(-gains)
        if self.second is not None:
            weight, bias = self.second
            both = sigmoid(weight * gains[order[0]] + bias)
            p *= 1 - both
            p[first] += both / 2
            p += both / 2 * np.exp(log_softmax(weight * gains))
        if self.strange is None:
            return p, 0.0, tuple(order)
        weights, bias = self.strange
        odd = sigmoid(self.oddness(values, measured, logp, gains) @ np.array(weights) + bias)
        return p * (1 - odd), float(odd), tuple(order)

    def pair_gains(self, values, measured, first):
        """Return, in nats, how much better the signals are explained by a cause and each second one than by it alone.

        Of two faults, the one under which a signal departs further from healthy sets that signal: its share in the
        likelihood is its share in the two departures.
        """
        member = self.model.memberships(values[None], measured[None])[0]
        fits = (self.habits * member).sum(axis=2)
        share = self.departure / (self.departure + self.departure[first] + 1e-6)
        alone = fits[first] + 1e-6
        ratio = np.log((share * fits + (1 - share) * fits[first] + 1e-6) / alone)
        gains = (ratio * self._trust * measured).sum(axis=1)
        gains[[first, self.healthy]] = -np.inf
        gains[self._count == 0] = -np.inf
        return gains

    def reveals(self, first):
        """Return, for each probe, the share of other faults that it would show if they hid behind a cause.

        A second fault is shown to the degree 1 - exp(-d), d the divergence in nats of the probe's numbers under it from
        those under the first, where it departs further from healthy.
        """
        if first not in self._reveals:
            further = self.departure > self.departure[first]
            nats = _divergence(self.habits, self.habits[first]) * further * self._trust
            others = self._count > 0
            others[[first, self.healthy]] = False
            self._reveals[first] = {
                name: float((1 - np.exp(-nats[:, at].sum(axis=1)))[others].mean()) for name, at in self.columns.items()
            }
        return self._reveals[first]

    def strangeness(self, values, measured, causes):
        """Return how strange each signal is to some causes, shape (signals,).

        The distance, in bins, to the nearest known run with one of them, over the distance that such a run usually has
        to its nearest.
        """
        place = places(self.model.memberships(values[None], measured[None]))[0]
        least = np.full(place.shape, FAR)
        for c in causes:
            runs = self.places_of(c)
            least = np.minimum(least, np.abs(runs - place).min(axis=0) / (self._usual_distance(c) + NEAR))
        return np.where(measured, least, 0.0)

    def places_of(self, cause):
        """Return where the runs with a cause stand on the scale of bins, shape (runs, signals)."""
        return self._places[self.labels == cause]

    def _usual_distance(self, cause):
        if cause not in self._typical:
            runs = np.sort(self.places_of(cause), axis=0)
            edge = np.full((1, runs.shape[1]), np.inf)
            gaps = np.concatenate([edge, np.diff(runs, axis=0), edge])  # to the neighbours of each, signal by signal
            nearest = np.minimum(gaps[:-1], gaps[1:])
            self._typical[cause] = nearest.mean(axis=0) if len(runs) > 1 else np.ones(runs.shape[1])
        return self._typical[cause]

    def oddness(self, values, measured, logp, gains):
        """Return what may tell that no known cause fits, shape (4,); the more of each, the more it does.

        How unsure the first cause is (minus its log-probability); the log of the mean strangeness of the three signals
        that are strangest to it and to the best second one, and of those strangest to it alone; minus what the best
        second one explains, from `pair_gains`.
        """
        first, second = int(logp.argmax()), int(gains.argmax())
        alone = self.strangeness(values, measured, (first,))
        both = np.minimum(alone, self.strangeness(values, measured, (second,)))
        strangest = [np.log(np.sort(strange)[-STRANGEST:].mean() + NEAR) for strange in (both, alone)]
        return np.array([-logp.max(), *strangest, -gains[second]])

    def usual(self, signal, cause):
        """Return the middle four fifths of a signal (by column) over the runs with a cause (by index)."""
        if cause not in self._usual:
            x = np.where(np.isfinite(self.outcomes), self.outcomes, np.nan)[self.labels == cause]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # nothing known: NaN
                nothing = np.full((2, x.shape[1]), np.nan)
                self._usual[cause] = np.nanquantile(x, (0.1, 0.9), axis=0) if len(x) else nothing
        low, high = self._usual[cause][:, signal]
        return float(low), float(high)

    def _added(self, kind):
        """Return what each stored outcome of each probe says of each cause, by the table of a kind of training."""
        if kind not in self._nats:
            told = (self.model.ratios[kind] * self.model.trust[-1][:, None, None]).astype(np.float32)
            self._nats[kind] = {
                name: self._members[name].reshape(len(self._sample), -1) @ told[at].reshape(-1, len(self._count))
                for name, at in self.columns.items()
            }
        return self._nats[kind]

    def expected_bits(self, values, measured, logp, rng):
        """Return ``{probe: expected bits about the cause}`` of those not asked, averaged over stored outcomes."""
        p = np.exp(logp)
        labels = self.labels[self._sample]
        rows = np.flatnonzero(p[labels] > 0.004)
        if len(rows) == 0:
            return {}
        share = p[labels[rows]] / np.bincount(labels)[labels[rows]]
        if len(rows) > MAX_OUTCOMES:
            rows, share = _spread(rows, share, MAX_OUTCOMES, rng)
        share, entropy, found = share / share.sum(), -(p * logp).sum(), {}
        kind = int(self.model.kind(values[None], measured[None])[0])
        for name, added in self._added(kind).items():
            if not measured[self.columns[name]].any():
                after = log_softmax(logp + added[rows] / self.temperatures[-1])
                found[name] = max(0.0, float(entropy + share @ (np.exp(after) * after).sum(axis=1))) / BIT
        return found


def places(members):
    """Return where values stand on the scale of bins, shape (runs, signals), from their memberships."""
    return members[..., :BINS] @ np.arange(BINS) + members[..., BINS] * MISSING


def _first_of_each(labels, count):
    """Return the rows of the first `count` of each label, in order."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])
    return np.sort(order[np.arange(len(labels)) - starts < count])


def _divergence(habits, others):
    """Kullback-Leibler divergence over bins, in nats."""
    return (habits * np.log(habits / others)).sum(axis=-1)


def _spread(rows, share, count, rng):
    """Draw rows in proportion to their share, evenly spaced on the cumulated shares; all then count alike."""
    edges = np.cumsum(share) / share.sum()
    chosen = np.searchsorted(edges, (np.arange(count) + rng.random()) / count)
    return rows[np.minimum(chosen, len(rows) - 1)], np.ones(count)


@cache
def reader():
    """Return the `Reader` that comes with the course, read once."""
    return Reader.load()
