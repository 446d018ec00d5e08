"""A fitted diagnosis: which cause fits best, what that cause leaves unexplained, and which probe to ask next.

Three questions, in the order in which an engineer asks them. Which single cause do the signals support
(`nsputil.clinic.scoring`)? Is a second fault hidden behind it (`nsputil.clinic.second_causes`)? If some signals fit
neither cause, the answer is "none of these" (`nsputil.clinic.novelty`). Introduced in notebook 10.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from nsputil._types import Floats, Ints
from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.known_runs import BankedProbe, KnownRuns
from nsputil.clinic.novelty import novelty_features
from nsputil.clinic.scoring import ScoringModel, Seen
from nsputil.clinic.second_causes import pair_gains, shares_shown
from nsputil.losses import log_softmax, sigmoid

FITTED = Path(__file__).parent / "data" / "diagnosis.npz"
BIT = float(np.log(2))
ENOUGH = 3  # probes before a second fault or "none of these" may be answered; until then it is only not known yet
MAX_OUTCOMES = 160  # stored outcomes of a probe that its expected information is averaged over


class Posterior(NamedTuple):
    """What is believed of a run.

    Attributes
    ----------
    causes : ndarray, shape (causes,)
        Probabilities; with `none_of_these` they sum to 1.
    none_of_these : float
    second_causes : tuple of int
        Indices of causes that may be hidden behind the first, best first. Empty before `ENOUGH` probes, and if
        "healthy" leads.
    """

    causes: Floats
    none_of_these: float
    second_causes: tuple[int, ...]


class FittedDiagnosis:
    """A scoring model, the runs that it learned from, and when to answer "two faults" or "none of these".

    Parameters
    ----------
    model : ScoringModel
    groups : dict
        Look-alike group of each cause.
    probes : dict of BankedProbe
    values : ndarray, shape (runs, signals)
        Of the runs that the model learned from, in the order of the model's signals.
    labels : ndarray of int, shape (runs,)
    temperatures : sequence of float
        What scores are divided by: from curves alone, with instruments, with probes.
    none_of_these : (sequence of float, float), optional
        Weights and bias of "none of these" over `novelty_features`; without it that is never answered.
    two_faults : (float, float), optional
        Weight and bias of "two faults at once" over the gain of the best pair; without it that is never answered.
    healthy_bias : float
        Is added to the score of "healthy", so that few healthy runs raise an alarm.

    Attributes
    ----------
    known : KnownRuns
    columns : dict of list of int
        The columns of each probe.
    healthy : int
        The index of "healthy".
    """

    def __init__(
        self,
        model: ScoringModel,
        groups: dict[str, str],
        probes: dict[str, BankedProbe],
        values: Floats,
        labels: Ints,
        temperatures: Sequence[float] = (1.0, 1.0, 1.0),
        none_of_these: tuple[Sequence[float], float] | None = None,
        two_faults: tuple[float, float] | None = None,
        healthy_bias: float = 0.0,
    ) -> None:
        self.model, self.groups, self.probes = model, groups, probes
        self.temperatures, self.healthy_bias = tuple(temperatures), healthy_bias
        self.none_of_these, self.two_faults = none_of_these, two_faults
        self.healthy = model.causes.index(HEALTHY)
        self.biases = np.where(np.arange(len(model.causes)) == self.healthy, healthy_bias, 0.0)
        self.columns = {name: [model.column[s] for s in probe.signals] for name, probe in probes.items()}
        self.known = KnownRuns(model, values, labels, self.healthy, self.columns)
        self._shares_shown: dict[int, dict[str, float]] = {}
        self._nats: dict[int, dict[str, Floats]] = {}

    def save(self, path: str | Path) -> None:
        """Write all into one file of arrays (.npz)."""
        header = {
            "causes": self.model.causes,
            "names": self.model.names,
            "groups": self.groups,
            "probes": self.probes,
            "temperatures": self.temperatures,
            "none_of_these": self.none_of_these,
            "two_faults": self.two_faults,
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
            values=self.known.values.astype(np.float32),
            labels=self.known.labels,
        )

    @classmethod
    def load(cls, path: str | Path = FITTED) -> "FittedDiagnosis":
        """Read what `save` wrote; without a path, the diagnosis that comes with the course."""
        with np.load(path) as file:
            header = json.loads(str(file["header"]))
            knots, ratios, trust, bias, values = (
                file[name].astype(np.float64) for name in ("knots", "ratios", "trust", "bias", "values")
            )
            labels, tiers = file["labels"], file["tiers"]
        model = ScoringModel(header.pop("causes"), header.pop("names"), knots, ratios, trust, bias, tiers)
        probes = {name: BankedProbe(cost, tuple(names)) for name, (cost, names) in header.pop("probes").items()}
        return cls(model, header.pop("groups"), probes, values, labels, **header)

    def see(self, numbers: Mapping[str, float]) -> Seen:
        """Return what is known of a run, from signals and outcomes of probes by name.

        Raises
        ------
        ValueError
            If a name is unknown.
        """
        unknown = sorted(set(numbers) - set(self.model.column))
        if unknown:
            raise ValueError(f"there is no signal {unknown[0]!r}; expected names of SIGNALS")
        values = np.full(len(self.model.names), np.nan)
        measured = np.zeros(values.shape, bool)
        for name, value in numbers.items():
            values[self.model.column[name]] = value
            measured[self.model.column[name]] = True
        return self.model.see(values, measured)

    def asked(self, seen: Seen) -> tuple[str, ...]:
        """Return the names of the probes whose outcomes are known."""
        return tuple(name for name, at in self.columns.items() if at and seen.measured[at[0]])

    def temperature(self, seen: Seen) -> float:
        """Return what scores are divided by; it depends on how much is known."""
        return self.temperatures[self.model.level(seen)]

    def log_probs(self, seen: Seen) -> Floats:
        """Return the log-probabilities of single causes, shape (causes,)."""
        return log_softmax(self.model.scores(seen) / self.temperature(seen) + self.biases)

    def posterior(self, seen: Seen, log_probs: Floats | None = None) -> Posterior:
        """Return what is believed of a run, with second faults and "none of these".

        Half of the probability of two faults goes to each of the two, so that all probabilities sum to 1.

        Parameters
        ----------
        seen : Seen
        log_probs : ndarray, optional
            From `log_probs`, if they are known already.

        Returns
        -------
        Posterior
        """
        log_probs = self.log_probs(seen) if log_probs is None else log_probs
        p, first = np.exp(log_probs), int(log_probs.argmax())
        if first == self.healthy or len(self.asked(seen)) < ENOUGH:
            return Posterior(p, 0.0, ())
        gains = self.pair_gains(seen, first)
        order = tuple(int(cause) for cause in np.argsort(-gains))
        if self.two_faults is not None:
            weight, bias = self.two_faults
            both = sigmoid(weight * gains[order[0]] + bias)
            p *= 1 - both
            p[first] += both / 2
            p += both / 2 * np.exp(log_softmax(weight * gains))
        if self.none_of_these is None:
            return Posterior(p, 0.0, order)
        weights, bias = self.none_of_these
        novel = sigmoid(novelty_features(self.known, seen, log_probs, gains) @ np.array(weights) + bias)
        return Posterior(p * (1 - novel), float(novel), order)

    def pair_gains(self, seen: Seen, first: int) -> Floats:
        """Return how much better a cause and a second one explain a run; see `nsputil.clinic.second_causes`."""
        return pair_gains(self.known, self.model.trust[-1], seen, first)

    def shares_shown(self, first: int) -> dict[str, float]:
        """Return the share of hidden second faults that each probe would show; see `nsputil.clinic.second_causes`."""
        if first not in self._shares_shown:
            self._shares_shown[first] = shares_shown(self.known, self.model.trust[-1], self.columns, first)
        return self._shares_shown[first]

    def expected_bits(self, seen: Seen, log_probs: Floats, rng: Generator) -> dict[str, float]:
        """Return ``{probe: expected bits about the cause}`` of those not asked, averaged over stored outcomes."""
        p = np.exp(log_probs)
        labels = self.known.labels[self.known.sample]
        rows: Ints = np.flatnonzero(p[labels] > 0.004)
        if len(rows) == 0:
            return {}
        share = p[labels[rows]] / np.bincount(labels)[labels[rows]]
        if len(rows) > MAX_OUTCOMES:
            rows, share = _draw_evenly(rows, share, MAX_OUTCOMES, rng), np.ones(MAX_OUTCOMES)
        share, entropy, bits = share / share.sum(), -(p * log_probs).sum(), {}
        for name, nats in self._nats_of_outcomes(self.model.kind(seen)).items():
            if not seen.measured[self.columns[name]].any():
                after = log_softmax(log_probs + nats[rows] / self.temperatures[-1])
                bits[name] = max(0.0, float(entropy + share @ (np.exp(after) * after).sum(axis=1))) / BIT
        return bits

    def _nats_of_outcomes(self, kind: int) -> dict[str, Floats]:
        """Return what each sampled outcome of each probe adds to each cause, by the table of a kind of training."""
        if kind not in self._nats:
            nats = (self.model.ratios[kind] * self.model.trust[-1][:, None, None]).astype(np.float32)
            self._nats[kind] = {
                name: members.reshape(len(members), -1) @ nats[self.columns[name]].reshape(-1, nats.shape[-1])
                for name, members in self.known.sampled_outcomes.items()
            }
        return self._nats[kind]


def _draw_evenly(rows: Ints, share: Floats, count: int, rng: Generator) -> Ints:
    """Draw rows in proportion to their share, at even steps of the cumulated shares."""
    edges = np.cumsum(share) / share.sum()
    chosen = np.searchsorted(edges, (np.arange(count) + rng.random()) / count)
    return rows[np.minimum(chosen, len(rows) - 1)]


@cache
def load_shipped() -> FittedDiagnosis:
    """Return the diagnosis that comes with the course, read once."""
    return FittedDiagnosis.load()
