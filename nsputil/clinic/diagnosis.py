"""From a run, and from what probes said, to a ranked list of causes with the evidence for and against each.

`diagnose` sees signals and outcomes only: never the experiment, a name, or how the experiment differs from a healthy
one. `investigate` chooses probes by expected information per cost, runs them on the suspect pipeline, and stops when it
knows enough. Introduced in notebooks 09 and 10.
"""

from dataclasses import dataclass

import numpy as np

from nsputil.clinic.probes import Suspect, probe
from nsputil.clinic.reading import ENOUGH, HEALTHY, STRANGEST, UNKNOWN, Reader, reader
from nsputil.clinic.signals import signals
from nsputil.training import train

__all__ = [
    "HEALTHY", "UNKNOWN", "Cause", "Diagnosis", "Evidence", "Investigation", "Reader", "diagnose", "follow",
    "investigate", "reader",
]  # fmt: skip

OVERHEAD = 10.0  # what it costs an engineer to run any probe at all, in training steps
SURE = 0.85  # how probable a fault must be to ask no more; in folds of the training cases to be surer told no more
SURE_HEALTHY = 0.95  # the same of "healthy", which may be answered without a probe


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
    healthy: tuple
    under_cause: tuple
    nats: float

    def __str__(self):
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
        Strongest first. For "none of these": the signals that are strangest to the best cause, which stands in
        `Evidence.under_cause`.
    """

    name: str
    probability: float
    group: str
    evidence_for: tuple = ()
    evidence_against: tuple = ()


@dataclass(frozen=True)
class Diagnosis:
    """A ranked answer.

    Attributes
    ----------
    causes : tuple of Cause
        Most probable first; the probabilities of all causes, "healthy" and "none of these" sum to 1.
    groups : dict
        Probability of each look-alike group.
    next_probes : tuple of (str, float, float)
        Name, expected bits, cost in training steps; most bits per cost first. Empty if nothing is left to ask.
    asked : tuple of str
        The probes whose outcomes it knows.
    companions : tuple of str
        If two things are wrong at once: what best explains the signals that the first cause does not explain. Empty
        until enough probes were asked.
    checks : tuple of (str, float, float)
        Of each probe left: its name, the share of other faults that it would show if they hid behind the first cause,
        and its cost; most share per cost first.
    """

    causes: tuple
    groups: dict
    next_probes: tuple = ()
    asked: tuple = ()
    companions: tuple = ()
    checks: tuple = ()

    @property
    def answer(self):
        """The name of the first cause."""
        return self.causes[0].name

    def __str__(self):
        lines = [f"{cause.probability:6.1%}  {cause.name}  ({cause.group})" for cause in self.causes[:4]]
        lines += [f"  for      {e}" for e in self.causes[0].evidence_for[:3]]
        lines += [f"  against  {e}" for e in self.causes[0].evidence_against[:1]]
        if self.next_probes:
            name, bits, cost = self.next_probes[0]
            lines.append(f"next probe: {name}, {bits:.2f} bits expected for {cost:g} steps")
        return "\n".join(lines)


def diagnose(run, probes=(), tier="instruments", using=None):
    """Rank the causes of what a run shows.

    Parameters
    ----------
    run : Run
        Or a dict of signals that `signals` returned.
    probes : dict or sequence of dict
        Outcomes of probes, as `nsputil.clinic.probes.probe` returns them: names to numbers.
    tier : {"curves", "instruments"}
        "curves": look at loss and accuracy only.
    using : Reader, optional
        Another fitted diagnosis than the shipped one.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        If the run is too short, or an outcome has an unknown name.
    """
    using = using or reader()
    found = dict(run) if isinstance(run, dict) else signals(run, tier)
    for outcome in [probes] if isinstance(probes, dict) else probes:
        found |= outcome
    return _report(using, *using.vector(found))


def _report(using, values, measured):
    model, logp = using.model, using.log_probs(values, measured)
    p, odd, seconds = using.verdict(values, measured)
    first, names, alone = int(logp.argmax()), model.causes, np.exp(logp)
    terms = model.evidence(values[None], measured[None])[0] / using.temperature(measured)
    known = np.flatnonzero(measured & np.isfinite(values))
    causes = [Cause(UNKNOWN, odd, UNKNOWN, _strange(using, values, measured, first, seconds))]
    for rank, c in enumerate(np.argsort(-p)):
        items = ()
        if rank < 6:
            others = np.where(np.arange(len(p)) == c, 0, alone)
            nats = terms[:, c] - terms @ (others / max(others.sum(), 1e-12))
            told = known[np.argsort(-nats[known])]
            told = told if len(told) < 9 else np.concatenate([told[:5], told[-3:]])
            items = [_evidence(using, values, s, c, nats[s]) for s in told]
        pro = tuple(e for e in items[:5] if e.nats > 0.05)
        causes.append(
            Cause(names[c], float(p[c]), using.groups[names[c]], pro, tuple(e for e in items[:-4:-1] if e.nats < -0.05))
        )
    causes.sort(key=lambda cause: -cause.probability)
    groups = {}
    for cause in causes:
        groups[cause.group] = groups.get(cause.group, 0.0) + cause.probability
    cost = {name: price for name, (price, _) in using.probes.items()}
    bits = using.expected_bits(values, measured, logp, np.random.default_rng(0))
    shown = using.reveals(first) if first != using.healthy else {}

    def ranked(worth):
        return sorted(worth, key=lambda name: -worth[name] / (cost[name] + OVERHEAD))

    return Diagnosis(
        tuple(causes),
        groups,
        tuple((name, bits[name], cost[name]) for name in ranked(bits)),
        using.asked(measured),
        tuple(names[c] for c in seconds[:2]),
        tuple((name, shown[name], cost[name]) for name in ranked(shown) if name in bits),
    )


def _strange(using, values, measured, first, seconds):
    """Return as evidence the signals that are strangest to the first cause and to the best second one."""
    if not seconds:
        return ()
    strange = using.strangeness(values, measured, (first, seconds[0]))
    return tuple(
        _evidence(using, values, s, first, np.log(strange[s] + 1))
        for s in np.argsort(-strange)[:STRANGEST]
        if strange[s] > 1
    )


def _evidence(using, values, s, c, nats):
    return Evidence(
        using.model.names[s], float(values[s]), using.usual(s, using.healthy), using.usual(s, c), float(nats)
    )


@dataclass(frozen=True)
class Investigation:
    """What `investigate` did.

    Attributes
    ----------
    diagnosis : Diagnosis
        The last one.
    run : Run
    steps : tuple of (str, dict, Diagnosis)
        Each probe with its outcome and the diagnosis after it.
    cost : float
        Of the probes, in training steps.
    """

    diagnosis: Diagnosis
    run: object
    steps: tuple
    cost: float


def investigate(experiment, budget=200.0, most=4, sure=SURE, using=None, progress=None, reference=None):
    """Train an experiment, then ask probes, the most informative for its cost first, until the answer is clear.

    A fault is clear only when a few probes were asked that would have shown another one behind it.

    Parameters
    ----------
    experiment : Experiment
        Healthy or not; it is trained and probed, never read.
    budget : float
        For probes, in training steps of this experiment.
    most : int
        Number of probes at most.
    sure : float
        Stop when a fault is at least so probable; "healthy" must reach `SURE_HEALTHY`, too.
    using : Reader, optional
    reference : Reference, optional
        Healthy runs of this kind of training, if it is one that the diagnosis has never seen.
    progress : callable, optional
        Called with ``(name of the probe, diagnosis)`` after each.

    Returns
    -------
    Investigation
    """
    run = train(experiment)
    suspect = Suspect(experiment, run)
    known = reference or dict
    found = known(signals(run))

    def ask(name):
        return known(probe(suspect, name))

    diagnosis, steps, cost = follow(found, ask, budget, most, sure, using, progress)
    return Investigation(diagnosis, run, steps, cost)


def follow(found, ask, budget=200.0, most=4, sure=SURE, using=None, progress=None):
    """The loop of `investigate` on signals at hand: ``ask(name)`` returns a probe's outcome, live or from the bank.

    While the cause is unclear, the probe with most bits for its cost comes next. Once a fault is clear, it is the probe
    that would show most of the other faults which may hide behind it, until `ENOUGH` probes were asked.
    """
    found, steps, spent = dict(found), [], 0.0
    diagnosis = diagnose(found, using=using)
    while len(steps) < most:
        first = diagnosis.causes[0]
        clear = first.probability >= (max(sure, SURE_HEALTHY) if first.name == HEALTHY else sure)
        if clear and (first.name == HEALTHY or len(steps) >= ENOUGH):
            break
        options = [] if clear else [o for o in diagnosis.next_probes if spent + o[2] <= budget and o[1] > 0.02]
        options = options or [o for o in diagnosis.checks if spent + o[2] <= budget]
        if not options:
            break
        name, _, cost = options[0]
        outcome = ask(name)
        found |= outcome
        spent += cost
        diagnosis = diagnose(found, using=using)
        steps.append((name, outcome, diagnosis))
        if progress is not None:
            progress(name, diagnosis)
    return diagnosis, tuple(steps), spent
