"""Ask probes, the most informative for its cost first, until the diagnosis is clear."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.diagnosis import Check, Diagnosis, NextProbe, diagnose
from nsputil.clinic.fitted import ENOUGH, FittedDiagnosis
from nsputil.clinic.probes import Suspect, probe
from nsputil.clinic.reference import Reference
from nsputil.clinic.signals import signals
from nsputil.experiment import Experiment
from nsputil.run import Run
from nsputil.training import train

SURE = 0.85  # a fault of this probability needs no further probe; a stricter threshold did not help in cross-validation
SURE_HEALTHY = 0.95  # the same for "healthy", which may be answered without a probe
LEAST_BITS = 0.02  # a probe that promises less is not asked


class Step(NamedTuple):
    """One probe of a search.

    Attributes
    ----------
    probe : str
    outcome : dict of float
    diagnosis : Diagnosis
        After the probe.
    """

    probe: str
    outcome: dict[str, float]
    diagnosis: Diagnosis


@dataclass(frozen=True)
class ProbeSearch:
    """What `search_probes` did.

    Attributes
    ----------
    diagnosis : Diagnosis
        The last one.
    run : Run
    steps : tuple of Step
        One for each probe.
    cost : float
        Of the probes, in training steps.
    """

    diagnosis: Diagnosis
    run: Run
    steps: tuple[Step, ...]
    cost: float


def search_probes(
    experiment: Experiment,
    budget: float = 200.0,
    max_probes: int = 4,
    sure: float = SURE,
    using: FittedDiagnosis | None = None,
    progress: Callable[[str, Diagnosis], None] | None = None,
    reference: Reference | None = None,
) -> ProbeSearch:
    """Train an experiment, then ask probes until the answer is clear.

    A fault is clear only after a few probes that would have shown another fault behind it.

    Parameters
    ----------
    experiment : Experiment
        Healthy or not; it is trained and probed, never read.
    budget : float
        For probes, in training steps of this experiment.
    max_probes : int
    sure : float
        Stop when a fault is at least so probable; "healthy" must also reach `SURE_HEALTHY`.
    using : FittedDiagnosis, optional
        Another fitted diagnosis than the shipped one.
    progress : callable, optional
        Called with ``(name of the probe, diagnosis)`` after each probe.
    reference : Reference, optional
        Healthy runs of this kind of training, if the diagnosis has never seen this kind.

    Returns
    -------
    ProbeSearch
    """
    run = train(experiment)
    suspect = Suspect(experiment, run)
    known: Callable[[Mapping[str, float]], dict[str, float]] = reference or dict

    def ask(name: str) -> dict[str, float]:
        return known(probe(suspect, name))

    diagnosis, steps, cost = follow(known(signals(run)), ask, budget, max_probes, sure, using, progress)
    return ProbeSearch(diagnosis, run, steps, cost)


def follow(
    run_signals: Mapping[str, float],
    ask: Callable[[str], dict[str, float]],
    budget: float = 200.0,
    max_probes: int = 4,
    sure: float = SURE,
    using: FittedDiagnosis | None = None,
    progress: Callable[[str, Diagnosis], None] | None = None,
) -> tuple[Diagnosis, tuple[Step, ...], float]:
    """Do what `search_probes` does, from the signals of a run: ask probes, live or from the bank.

    While the cause is unclear, the probe with most bits for its cost comes next. Once a fault is clear, the next is the
    probe that would show most of the other faults that may be hidden behind it, until `ENOUGH` probes were asked.

    Parameters
    ----------
    run_signals : dict of float
    ask : callable
        From the name of a probe to its outcome.
    budget, max_probes, sure, using, progress
        See `search_probes`.

    Returns
    -------
    diagnosis : Diagnosis
    steps : tuple of Step
    cost : float
        In training steps.
    """
    numbers, spent = dict(run_signals), 0.0
    steps: list[Step] = []
    diagnosis = diagnose(numbers, using=using)
    while len(steps) < max_probes:
        option = _next(diagnosis, len(steps), budget - spent, sure)
        if option is None:
            break
        outcome = ask(option.name)
        numbers |= outcome
        spent += option.cost
        diagnosis = diagnose(numbers, using=using)
        steps.append(Step(option.name, outcome, diagnosis))
        if progress is not None:
            progress(option.name, diagnosis)
    return diagnosis, tuple(steps), spent


def _next(diagnosis: Diagnosis, asked: int, left: float, sure: float) -> NextProbe | Check | None:
    """Return what to ask next; None if the answer is clear or nothing is worth its price."""
    first = diagnosis.causes[0]
    clear = first.probability >= (max(sure, SURE_HEALTHY) if first.name == HEALTHY else sure)
    if clear and (first.name == HEALTHY or asked >= ENOUGH):
        return None
    if not clear:
        for option in diagnosis.next_probes:
            if option.cost <= left and option.bits > LEAST_BITS:
                return option
    return next((check for check in diagnosis.checks if check.cost <= left), None)
