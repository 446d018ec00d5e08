"""From a run, and from what probes said, to a ranked list of causes with the evidence for and against each.

`diagnose` sees signals and outcomes only: never the experiment, a name, or how the experiment differs from a healthy
one. `nsputil.clinic.investigation` asks probes until the diagnosis is clear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from nsputil._types import Floats
from nsputil.clinic.answers import HEALTHY, UNKNOWN
from nsputil.clinic.facts import Finding, run_facts
from nsputil.clinic.fitted import FittedDiagnosis, load_shipped
from nsputil.clinic.novelty import MOST_NOVEL, novelty
from nsputil.clinic.scoring import Seen
from nsputil.clinic.signals import signals
from nsputil.run import Run

__all__ = ["HEALTHY", "UNKNOWN", "Cause", "Check", "Diagnosis", "Evidence", "NextProbe", "diagnose"]

OVERHEAD = 10.0  # what it costs an engineer to run any probe at all, in training steps
EXPLAINED = 6  # causes that get their evidence listed


@dataclass(frozen=True)
class Evidence:
    """What one signal says about one cause.

    Attributes
    ----------
    signal : str
    observed : float
    healthy : (float, float)
        The middle four fifths of healthy runs.
    under_cause : (float, float)
        The same for runs with this cause.
    nats : float
        What it adds to the log-odds of the cause against the other likely causes.
    """

    signal: str
    observed: float
    healthy: tuple[float, float]
    under_cause: tuple[float, float]
    nats: float

    def __str__(self) -> str:
        low, high = self.under_cause
        return (
            f"{self.signal} is {self.observed:.3g}; healthy {self.healthy[0]:.3g} to {self.healthy[1]:.3g}, "
            f"under this cause {low:.3g} to {high:.3g} ({self.nats:+.1f} nats)"
        )


@dataclass(frozen=True)
class Cause:
    """One line of a diagnosis.

    Attributes
    ----------
    name : str
        Of a fault, "healthy" or "none of these".
    probability : float
    group : str
        Of look-alikes.
    evidence_for, evidence_against : tuple of Evidence
        Strongest first. For "none of these": the signals that are most novel to the best cause; its range is
        `Evidence.under_cause`.
    """

    name: str
    probability: float
    group: str
    evidence_for: tuple[Evidence, ...] = ()
    evidence_against: tuple[Evidence, ...] = ()


class NextProbe(NamedTuple):
    """A probe that may be asked next.

    Attributes
    ----------
    name : str
    bits : float
        Expected information about the cause.
    cost : float
        In training steps.
    """

    name: str
    bits: float
    cost: float


class Check(NamedTuple):
    """A probe that may show a second fault behind the first cause.

    Attributes
    ----------
    name : str
    share : float
        The share of other faults that it would show if they were hidden behind the first cause.
    cost : float
        In training steps.
    """

    name: str
    share: float
    cost: float


@dataclass(frozen=True)
class Diagnosis:
    """A ranked answer.

    Attributes
    ----------
    causes : tuple of Cause
        Most probable first; the probabilities of all causes, "healthy" and "none of these" sum to 1.
    groups : dict
        Probability of each look-alike group.
    next_probes : tuple of NextProbe
        Most bits per cost first. Empty if there is nothing left to ask.
    asked : tuple of str
        The probes whose outcomes it knows.
    second_causes : tuple of str
        If two things are wrong at once: what best explains the signals that the first cause does not explain. Empty
        until enough probes were asked.
    checks : tuple of Check
        The probes not yet asked, the largest share per cost first.
    facts : tuple of Finding
        Facts that the run's own numbers violate, such as a loss that is not finite. Any of them rules out "healthy".
    """

    causes: tuple[Cause, ...]
    groups: dict[str, float]
    next_probes: tuple[NextProbe, ...] = ()
    asked: tuple[str, ...] = ()
    second_causes: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    facts: tuple[Finding, ...] = ()

    @property
    def answer(self) -> str:
        """The name of the first cause."""
        return self.causes[0].name

    def __str__(self) -> str:
        lines = [f"fact: {fact.statement}" for fact in self.facts]
        lines += [f"{cause.probability:6.1%}  {cause.name}  ({cause.group})" for cause in self.causes[:4]]
        lines += [f"  for      {e}" for e in self.causes[0].evidence_for[:3]]
        lines += [f"  against  {e}" for e in self.causes[0].evidence_against[:1]]
        if self.next_probes:
            name, bits, cost = self.next_probes[0]
            lines.append(f"next probe: {name}, {bits:.2f} bits expected for {cost:g} steps")
        return "\n".join(lines)


def diagnose(
    run: Run | Mapping[str, float],
    outcomes: Mapping[str, float] | Sequence[Mapping[str, float]] = (),
    tier: str = "instruments",
    using: FittedDiagnosis | None = None,
) -> Diagnosis:
    """Rank the causes of what a run shows.

    Parameters
    ----------
    run : Run
        Or a dict of signals that `nsputil.clinic.signals.signals` returned.
    outcomes : dict or sequence of dict
        Of probes, as `nsputil.clinic.probes.probe` returns them: names to numbers.
    tier : {"curves", "instruments"}
        "curves": look at loss and accuracy only.
    using : FittedDiagnosis, optional
        Another fitted diagnosis than the shipped one.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        If the run is too short, or an outcome has an unknown name.
    """
    using = using or load_shipped()
    numbers = dict(run) if isinstance(run, Mapping) else _shown(run, tier)
    for outcome in [outcomes] if isinstance(outcomes, Mapping) else outcomes:
        numbers |= outcome
    facts = () if isinstance(run, Mapping) else tuple(f for f in run_facts(run) if f.state == "violated" and f.firm)
    return _diagnosis(using, using.see(numbers), facts)


def _shown(run: Run, tier: str) -> dict[str, float]:
    """Return the signals of a run.

    A number that could not be computed is evidence, as after a loss that overflows. Where the instruments are off, or
    the evaluation names its results otherwise, a missing number is only missing.
    """
    numbers = signals(run, tier)
    whole = bool(run.instruments) and {"loss", "accuracy"} <= run.final.keys()
    if whole or run.diverged_at is not None or not np.isfinite(run.loss).all():
        return numbers
    return {name: value for name, value in numbers.items() if np.isfinite(value)}


def _vetoed(causes: list[Cause], facts: Sequence[Finding]) -> list[Cause]:
    """A violated fact vetoes "healthy": its probability goes to the others in proportion."""
    healthy = sum(cause.probability for cause in causes if cause.name == HEALTHY)
    if not facts or healthy >= 1:
        return causes
    return [
        replace(cause, probability=0.0 if cause.name == HEALTHY else cause.probability / (1 - healthy))
        for cause in causes
    ]


def _diagnosis(using: FittedDiagnosis, seen: Seen, facts: tuple[Finding, ...] = ()) -> Diagnosis:
    log_probs = using.log_probs(seen)
    posterior = using.posterior(seen, log_probs)
    first, names = int(log_probs.argmax()), using.model.causes
    causes = _causes(using, seen, log_probs, posterior.causes)
    novel = _most_novel(using, seen, first, posterior.second_causes)
    causes.insert(0, Cause(UNKNOWN, posterior.none_of_these, UNKNOWN, novel))
    causes = _vetoed(causes, facts)
    causes.sort(key=lambda cause: -cause.probability)
    groups: dict[str, float] = {}
    for cause in causes:
        groups[cause.group] = groups.get(cause.group, 0.0) + cause.probability
    cost = {name: probe.cost for name, probe in using.probes.items()}
    bits = using.expected_bits(seen, log_probs, np.random.default_rng(0))
    shares = using.shares_shown(first) if first != using.healthy else {}

    def ranked(worth: Mapping[str, float]) -> list[str]:
        return sorted(worth, key=lambda name: -worth[name] / (cost[name] + OVERHEAD))

    return Diagnosis(
        tuple(causes),
        groups,
        tuple(NextProbe(name, bits[name], cost[name]) for name in ranked(bits)),
        using.asked(seen),
        tuple(names[c] for c in posterior.second_causes[:2]),
        tuple(Check(name, shares[name], cost[name]) for name in ranked(shares) if name in bits),
        facts,
    )


def _causes(using: FittedDiagnosis, seen: Seen, log_probs: Floats, p: Floats) -> list[Cause]:
    """Return all causes that were learned, most probable first, the first few with their evidence."""
    alone = np.exp(log_probs)
    terms = using.model.terms(seen) / using.temperature(seen)
    known = np.flatnonzero(seen.measured & np.isfinite(seen.values))
    causes = []
    for rank, c in enumerate(np.argsort(-p)):
        items: list[Evidence] = []
        if rank < EXPLAINED:
            others = np.where(np.arange(len(p)) == c, 0, alone)
            nats = terms[:, c] - terms @ (others / max(others.sum(), 1e-12))
            order = known[np.argsort(-nats[known])]
            listed = order if len(order) < 9 else np.concatenate([order[:5], order[-3:]])
            items = [_evidence(using, seen, s, c, nats[s]) for s in listed]
        name = using.model.causes[c]
        speaks_for = tuple(e for e in items[:5] if e.nats > 0.05)
        speaks_against = tuple(e for e in items[:-4:-1] if e.nats < -0.05)
        causes.append(Cause(name, float(p[c]), using.groups[name], speaks_for, speaks_against))
    return causes


def _most_novel(using: FittedDiagnosis, seen: Seen, first: int, second: tuple[int, ...]) -> tuple[Evidence, ...]:
    """Return as evidence the signals that are most novel to the first cause and to the best second one."""
    if not second:
        return ()
    distance = novelty(using.known, seen, (first, second[0]))
    return tuple(
        _evidence(using, seen, s, first, np.log(distance[s] + 1))
        for s in np.argsort(-distance)[:MOST_NOVEL]
        if distance[s] > 1
    )


def _evidence(using: FittedDiagnosis, seen: Seen, signal: int, cause: int, nats: float) -> Evidence:
    usual = using.known.usual_range
    return Evidence(
        using.model.names[signal],
        float(seen.values[signal]),
        usual(signal, using.healthy),
        usual(signal, cause),
        float(nats),
    )
