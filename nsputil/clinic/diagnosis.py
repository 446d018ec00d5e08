"""From a run, and from what probes said, to a ranked list of causes with the evidence for and against each.

`diagnose` sees signals and outcomes only: never the experiment, a name, or how the experiment differs from a healthy
one. `investigate` chooses probes by expected information per cost, runs them on the suspect pipeline, and stops when it
knows enough. Introduced in notebooks 09 and 10.
"""

import json
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from nsputil.clinic.evidence import EvidenceModel
from nsputil.clinic.probes import Suspect, probe
from nsputil.clinic.programs import observe
from nsputil.clinic.signals import signals
from nsputil.losses import log_softmax, sigmoid

FITTED = Path(__file__).parent / "data" / "diagnosis.npz"
HEALTHY, UNKNOWN = "healthy", "none of these"
BIT = float(np.log(2))
ENOUGH = 3  # probes, before "none of these" may be the answer: not to know yet is not to know that it is none
MAX_OUTCOMES = 160  # stored outcomes of a probe that its expected information is averaged over


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
        Strongest first.
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
        If two things are wrong at once: what best explains the signals that the first cause does not explain.
    """

    causes: tuple
    groups: dict
    next_probes: tuple = ()
    asked: tuple = ()
    companions: tuple = ()

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


class Reader:
    """A fitted diagnosis: the evidence model, what runs of each cause looked like, and when to answer "none of these".

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
    temperature : float
        Scores are divided by it.
    strange : (sequence of float, float), optional
        Weights and bias of "none of these" over `oddness`; without it that is never answered.
    healthy_bias : float
        Caution: what is added to the score of "healthy".
    """

    def __init__(self, model, groups, probes, outcomes, labels, temperature=1.0, strange=None, healthy_bias=0.0):
        self.model, self.groups, self.probes = model, groups, probes
        self.outcomes, self.labels = outcomes, labels
        self.temperature, self.strange, self.healthy_bias = temperature, strange, healthy_bias
        count = len(model.causes)
        full = model.memberships(outcomes, np.ones(outcomes.shape, bool))
        #: How often a run with each cause falls into each bin, smoothed; shape (causes, signals, bins).
        self.habits = np.stack(
            [(full[labels == c].sum(axis=0) + 0.3) / ((labels == c).sum() + 3.0) for c in range(count)]
        )
        self._usual_surprise = (self.habits * np.log(self.habits + 1e-3)).sum(axis=2)
        self._full = full
        self.healthy = model.causes.index(HEALTHY)
        self._usual = {}

    def save(self, path):
        """Write all into one file of arrays (.npz)."""
        header = {
            "causes": self.model.causes,
            "names": self.model.names,
            "groups": self.groups,
            "probes": self.probes,
            "temperature": self.temperature,
            "strange": self.strange,
            "healthy_bias": self.healthy_bias,
        }
        np.savez_compressed(
            path,
            header=json.dumps(header),
            knots=self.model.knots,
            weights=self.model.weights.astype(np.float16),
            bias=self.model.bias.astype(np.float32),
            outcomes=self.outcomes.astype(np.float32),
            labels=self.labels,
        )

    @classmethod
    def load(cls, path=FITTED):
        """Read what `save` wrote; without a path, the diagnosis that comes with the course."""
        with np.load(path) as file:
            header = json.loads(str(file["header"]))
            knots, weights, bias, outcomes = (
                file[name].astype(np.float64) for name in ("knots", "weights", "bias", "outcomes")
            )
            labels = file["labels"]
        model = EvidenceModel(header.pop("causes"), header.pop("names"), knots, weights, bias)
        probes = {name: (cost, tuple(names)) for name, (cost, names) in header.pop("probes").items()}
        return cls(model, header.pop("groups"), probes, outcomes, labels, **header)

    def vector(self, found):
        """Return ``(values, measured)`` of shape (1, signals) from a dict of numbers; unknown names are refused."""
        unknown = sorted(set(found) - set(self.model.column))
        if unknown:
            raise ValueError(f"there is no signal {unknown[0]!r}; expected names of SIGNALS and of probes")
        values = np.full((1, len(self.model.names)), np.nan)
        measured = np.zeros(values.shape, bool)
        for name, value in found.items():
            values[0, self.model.column[name]] = value
            measured[0, self.model.column[name]] = True
        return values, measured

    def log_probs(self, values, measured):
        """Return ``(log probabilities of the causes, probability of "none of these")`` for many runs."""
        scores = self.model.scores(values, measured) / self.temperature
        scores[:, self.healthy] += self.healthy_bias
        logp = log_softmax(scores)
        if self.strange is None:
            return logp, np.zeros(len(values))
        weights, bias = self.strange
        strange = sigmoid(self.oddness(values, measured, logp) @ np.array(weights) + bias)
        return logp, np.where(self.asked(measured) >= ENOUGH, strange, 0.0)

    def asked(self, measured):
        """Return the number of probes whose outcomes are known, for many runs."""
        return measured[:, [self.model.column[names[0]] for _, names in self.probes.values()]].sum(axis=1)

    def oddness(self, values, measured, logp, top=3):
        """Return what may tell that no known cause fits, shape (runs, 3).

        The surprise at the best cause (minus its log-probability), the entropy, and how badly the signals fit the
        likeliest causes: the least, over these, of the mean surprise of the fifth that fits worst, above what is usual.
        """
        member = self.model.memberships(values, measured)
        order = np.argsort(-logp, axis=1)[:, :top]
        misfit = np.full(len(values), np.inf)
        for n in range(len(values)):
            used = measured[n]
            for c in order[n]:
                habit = self.habits[c][used]
                surprise = -np.log((member[n, used] * habit).sum(axis=1) + 1e-3) + self._usual_surprise[c][used]
                worst = max(3, int(used.sum()) // 5)
                misfit[n] = min(misfit[n], float(np.sort(surprise)[-worst:].mean()))
        p = np.exp(logp)
        return np.column_stack([-logp.max(axis=1), -(p * logp).sum(axis=1), misfit])

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

    def expected_bits(self, values, measured, logp, name, rng):
        """Return the expected information of a probe about the cause, in bits, averaged over stored outcomes."""
        p = np.exp(logp[0])
        likely = np.flatnonzero(p > 0.004)
        rows = np.flatnonzero(np.isin(self.labels, likely))
        if len(rows) == 0:
            return 0.0
        share = p[self.labels[rows]] / np.bincount(self.labels, minlength=len(p))[self.labels[rows]]
        if len(rows) > MAX_OUTCOMES:
            rows, share = _spread(rows, share, MAX_OUTCOMES, rng)
        columns = [self.model.column[s] for s in self.probes[name][1]]
        weights = self.model.weights[columns].reshape(-1, len(p))
        added = self._full[rows][:, columns].reshape(len(rows), -1) @ weights / self.temperature
        after = np.exp(log_softmax(logp + added))
        share = share / share.sum()
        before_entropy = -(p * np.log(p + 1e-12)).sum()
        after_entropy = -(after * np.log(after + 1e-12)).sum(axis=1)
        return max(0.0, float(before_entropy - (share * after_entropy).sum())) / BIT


def _spread(rows, share, count, rng):
    """Draw rows in proportion to their share, evenly spaced on the cumulated shares; all then count alike."""
    edges = np.cumsum(share) / share.sum()
    chosen = np.searchsorted(edges, (np.arange(count) + rng.random()) / count)
    return rows[np.minimum(chosen, len(rows) - 1)], np.ones(count)


@cache
def reader():
    """Return the `Reader` that comes with the course, read once."""
    return Reader.load()


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
    values, measured = using.vector(found)
    logp, strange = using.log_probs(values, measured)
    return _report(using, values, measured, logp, float(strange[0]))


def _report(using, values, measured, logp, strange):
    model, p = using.model, np.exp(logp[0]) * (1 - strange)
    order = np.argsort(-p)
    terms = model.evidence(values, measured)[0] / using.temperature
    causes = []
    for c in order[:6]:
        others = np.where(np.arange(len(p)) == c, 0, np.exp(logp[0]))
        others /= max(others.sum(), 1e-12)
        nats = terms[:, c] - terms @ others
        ranked = np.argsort(-nats)
        told = [s for s in ranked if measured[0, s] and np.isfinite(values[0, s])]
        told = told if len(told) < 9 else told[:5] + told[-3:]
        items = [_evidence(using, values, s, c, nats[s]) for s in told]
        causes.append(
            Cause(
                model.causes[c],
                float(p[c]),
                using.groups[model.causes[c]],
                tuple(e for e in items[:5] if e.nats > 0.05),
                tuple(e for e in items[:-4:-1] if e.nats < -0.05),
            )
        )
    rest = [Cause(model.causes[c], float(p[c]), using.groups[model.causes[c]]) for c in order[6:]]
    causes = sorted([*causes, *rest, Cause(UNKNOWN, strange, UNKNOWN)], key=lambda cause: -cause.probability)
    groups = {}
    for cause in causes:
        groups[cause.group] = groups.get(cause.group, 0.0) + cause.probability
    rng = np.random.default_rng(0)
    asked = tuple(n for n, (_, s) in using.probes.items() if s and measured[0, model.column[s[0]]])
    options = [
        (name, using.expected_bits(values, measured, logp, name, rng), cost)
        for name, (cost, _) in using.probes.items()
        if name not in asked
    ]
    options.sort(key=lambda option: -option[1] / (option[2] + OVERHEAD))
    return Diagnosis(tuple(causes), groups, tuple(options), asked, _companions(using, terms, causes))


def _companions(using, terms, causes, count=2, explained=0.15):
    """Take out the signals that speak for the first cause and against "healthy"; rank what the others say."""
    names = using.model.causes
    first = next(cause.name for cause in causes if cause.name in names and cause.name != HEALTHY)
    c = names.index(first)
    rest = terms[(terms[:, c] - terms[:, using.healthy]) < explained]
    scores = rest.sum(axis=0) + using.model.bias
    scores[[c, using.healthy]] = -np.inf
    return tuple(names[k] for k in np.argsort(-scores)[:count])


OVERHEAD = 10.0  # what it costs an engineer to run any probe at all, in training steps


def _evidence(using, values, s, c, nats):
    return Evidence(
        using.model.names[s], float(values[0, s]), using.usual(s, using.healthy), using.usual(s, c), float(nats)
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


def investigate(experiment, budget=200.0, most=4, sure=0.95, using=None, progress=None):
    """Train an experiment, then ask probes, the most informative for its cost first, until the answer is clear.

    Parameters
    ----------
    experiment : Experiment
        Healthy or not; it is trained and probed, never read.
    budget : float
        For probes, in training steps of this experiment.
    most : int
        Number of probes at most.
    sure : float
        Stop when a cause is at least so probable.
    using : Reader, optional
    progress : callable, optional
        Called with ``(name of the probe, diagnosis)`` after each.

    Returns
    -------
    Investigation
    """
    run = observe(experiment)
    suspect = Suspect(experiment, run)
    found = signals(run)

    def ask(name):
        return probe(suspect, name)

    diagnosis, steps, cost = follow(found, ask, budget, most, sure, using, progress)
    return Investigation(diagnosis, run, steps, cost)


def follow(found, ask, budget=200.0, most=4, sure=0.95, using=None, progress=None):
    """The loop of `investigate` on signals at hand: ``ask(name)`` returns a probe's outcome, live or from the bank."""
    found, steps, spent = dict(found), [], 0.0
    diagnosis = diagnose(found, using=using)
    while len(steps) < most and diagnosis.causes[0].probability < sure:
        options = [o for o in diagnosis.next_probes if spent + o[2] <= budget and o[1] > 0.02]
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
