"""The case bank: runs of healthy and sick programs, with the outcome of every probe, precomputed and kept.

`Bank.load()` gives what was seen; `play(case)` trains a case live. Introduced in notebook 10.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from nsputil.clinic.faults import FAULTS, inject
from nsputil.clinic.probes import PROBES, Suspect, probe
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.signals import SIGNALS, signals
from nsputil.training import Run, train

BANK = Path(__file__).parent / "data" / "cases.npz"
HEALTHY = "healthy"
POINTS = 40  # of a curve in the bank
SEEN = ("loss", "accuracy", "evaluations", "instruments", "final", "prior", "kind")  # of a run

# How many cases of each kind; a kind is (part, encoder).
EACH = {("train", "bag"): 56, ("train", "bert"): 16, ("test", "bag"): 3, ("test", "bert"): 1}
HEALTHY_EACH = {("train", "bag"): 360, ("train", "bert"): 100, ("test", "bag"): 264, ("test", "bert"): 40}
OUTSIDE_EACH = {"bag": 4, "bert": 1}
PAIRS = 40


@dataclass(frozen=True)
class Case:
    """A run that can be trained again from its name alone.

    Attributes
    ----------
    part : {"train", "test", "outside", "pair"}
        "train": the diagnosis learned from it. The others it has never seen: new seeds and severities, faults that are
        not in the catalogue, two faults at once.
    faults : tuple of str
        Names; empty for a healthy run.
    program : int
        Index in `PROGRAMS`.
    number : int
        Which one of its kind.
    """

    part: str
    faults: tuple
    program: int
    number: int

    @property
    def name(self):
        """For example ``test.double-softmax.bag-adamw-sotu.3``."""
        return ".".join([self.part, "+".join(self.faults) or HEALTHY, PROGRAMS[self.program].name, str(self.number)])

    @property
    def cause(self):
        """What the right answer is: "healthy" for a benign fault, too; for two faults the first."""
        real = [name for name in self.faults if FAULTS[name].harms_in(PROGRAMS[self.program])]
        return real[0] if real else HEALTHY

    @property
    def _rng(self):
        return np.random.default_rng(list(self.name.encode()))

    @property
    def severities(self):
        """One number for each fault. Parts "train" and "test" draw from disjoint ranges: alternate fifths."""
        rng, found = self._rng, []
        for name in self.faults:
            fifth = rng.choice([1, 3] if self.part == "test" else [0, 2, 4])
            low, high = FAULTS[name].severity
            found.append(float(low + (high - low) * (fifth + rng.random()) / 5))
        return tuple(found)

    def experiment(self, repaired=False):
        """Return the `Experiment` with its faults, or, repaired, the same without them."""
        rng = self._rng
        seed, ugly = int(rng.integers(2**31)), not self.faults and rng.random() < 0.4
        experiment = healthy(PROGRAMS[self.program], seed, ugly)
        if not repaired:
            for name, severity in zip(self.faults, self.severities, strict=True):
                experiment = inject(experiment, name, severity)
        return experiment


def all_cases():
    """Return every case of the bank, in an order that fills all causes evenly."""
    cases = []
    inside = [name for name, fault in FAULTS.items() if not fault.outside]
    for (part, encoder), count in EACH.items():
        for name in inside:
            for number, program in _programs(encoder, name, count):
                cases.append((number / count, Case(part, (name,), program, number)))
    for (part, encoder), count in HEALTHY_EACH.items():
        for number, program in _programs(encoder, None, count):
            cases.append((number / count, Case(part, (), program, number)))
    for name, fault in FAULTS.items():
        if fault.outside:
            for encoder, count in OUTSIDE_EACH.items():
                for number, program in _programs(encoder, name, count):
                    if fault.harms_in(PROGRAMS[program]):
                        cases.append((0.5, Case("outside", (name,), program, number)))
    for number in range(PAIRS):
        _, program = _programs("bag", None, number + 1)[-1]
        order = np.random.default_rng((12, number)).permutation(inside)
        two = [str(name) for name in order if FAULTS[str(name)].harms_in(PROGRAMS[program])][:2]
        cases.append((0.5, Case("pair", tuple(two), program, number)))
    return [case for _, case in sorted(cases, key=lambda item: (item[0], item[1].name))]


def _programs(encoder, name, count):
    """Return ``[(number, program)]`` of `count` cases: in turn those with the encoder that the fault can enter.

    Those in which it is undecided whether it does harm are left out.
    """
    fit = [
        k
        for k, program in enumerate(PROGRAMS)
        if program.encoder == encoder and (name is None or FAULTS[name].fits(program))
    ]
    turns = [(number, fit[number % len(fit)]) for number in range(count)] if fit else []
    return [(number, k) for number, k in turns if name is None or FAULTS[name].applies(PROGRAMS[k])]


def play(case):
    """Train a case live and run every probe on it.

    Returns
    -------
    dict
        ``run`` (what `Run.save` keeps) and ``probes`` (outcomes by signal name).
    """
    experiment = case.experiment()
    run = train(experiment)
    suspect, outcomes = Suspect(experiment, run), {}
    for name in PROBES:
        outcomes |= probe(suspect, name)
    kept = {name: getattr(run, name) for name in SEEN}
    return {"run": kept, "probes": outcomes}


def probe_signals():
    """Return the names of all numbers that probes give, in order."""
    return tuple(name for p in PROBES.values() for name in p.signals)


class Bank:
    """What was seen of many cases.

    Attributes
    ----------
    cases : list of Case
    names : tuple of str
        Of signals, then of the numbers that probes give: the columns of `values`.
    values : ndarray, shape (cases, names)
    curves : ndarray, shape (cases, 4, POINTS)
        Training loss, training accuracy, held-out loss, held-out accuracy at evenly spaced steps; NaN where none is.
    probes : dict
        ``{probe: (cost, names of its numbers)}`` at the time the bank was made.
    groups : dict
        Look-alike group of each cause.
    """

    def __init__(self, cases, names, values, curves, probes, groups):
        self.cases, self.names, self.values, self.curves = cases, names, values, curves
        self.probes, self.groups = probes, groups
        self.causes = tuple(groups)
        self.labels = np.array([self.causes.index(c.cause) if c.cause in groups else -1 for c in cases])

    def __len__(self):
        return len(self.cases)

    def rows(self, *parts):
        """Return the indices of the cases of some parts."""
        return np.array([k for k, case in enumerate(self.cases) if case.part in parts], dtype=int)

    def found(self, row, tier="instruments"):
        """Return the signals of a case as a dict."""
        wanted = [n for n, s in SIGNALS.items() if tier == "instruments" or s.tier == "curves"]
        return {name: float(self.values[row, self.names.index(name)]) for name in wanted}

    def outcome(self, row, name):
        """Return what a probe said of a case, as a dict."""
        return {signal: float(self.values[row, self.names.index(signal)]) for signal in self.probes[name][1]}

    @classmethod
    def load(cls, path=BANK):
        """Read the bank that comes with the course, or another that `save` wrote."""
        with np.load(path) as file:
            header = json.loads(str(file["header"]))
            values, curves = file["values"].astype(float), file["curves"].astype(np.float32)
        cases = [Case(part, tuple(faults), program, number) for part, faults, program, number in header["cases"]]
        probes = {name: (cost, tuple(names)) for name, (cost, names) in header["probes"].items()}
        return cls(cases, tuple(header["names"]), values, curves, probes, header["groups"])

    def save(self, path=BANK):
        """Write all into one file."""
        header = {
            "cases": [[c.part, c.faults, c.program, c.number] for c in self.cases],
            "names": self.names,
            "probes": self.probes,
            "groups": self.groups,
        }
        np.savez_compressed(
            path,
            header=json.dumps(header),
            values=self.values.astype(np.float32),
            curves=self.curves.astype(np.float16),
        )


def pack(kept, path=BANK):
    """Make a bank of ``[(case, path of its JSON)]`` and write it; return a sentence. Cases without a file stay out."""
    cases, values, curves = [], [], []
    extra = probe_signals()
    for case, file in kept:
        if not file.exists():
            continue
        seen = json.loads(file.read_text(encoding="utf-8"))
        run = Run(**{"kind": PROGRAMS[case.program].kind} | seen["run"])
        found = signals(run) | {name: seen["probes"].get(name, np.nan) for name in extra}
        cases.append(case)
        values.append([found[name] for name in (*SIGNALS, *extra)])
        curves.append(curve(run))
    groups = {HEALTHY: HEALTHY} | {n: f.group for n, f in FAULTS.items() if not f.benign and not f.outside}
    probes = {name: (p.cost, tuple(p.signals)) for name, p in PROBES.items()}
    values = np.clip(np.array(values, float), -1e6, 1e6)
    bank = Bank(cases, (*SIGNALS, *extra), values, np.array(curves), probes, groups)
    bank.save(path)
    return f"{len(cases)} cases, {path.stat().st_size / 1e6:.2f} MB"


def curve(run):
    """Return the four curves of a run at `POINTS` evenly spaced steps, shape (4, POINTS)."""
    steps = np.linspace(1, len(run.loss), POINTS)
    width = max(1, len(run.loss) // POINTS)
    out = np.full((4, POINTS), np.nan)
    for k, values in enumerate((run.loss, run.accuracy)):
        smooth = [np.mean(values[max(0, int(s) - width) : int(s)]) for s in steps]
        out[k] = np.clip(smooth, -6e4, 6e4)
    at = [e["step"] for e in run.evaluations]
    for k, name in ((2, "loss"), (3, "accuracy")):
        seen = [e.get(name, np.nan) for e in run.evaluations]
        if at:
            out[k] = np.clip(np.where(steps >= at[0], np.interp(steps, at, seen), np.nan), -6e4, 6e4)
    return out


@cache
def bank():
    """Return the shipped bank, read once."""
    return Bank.load()
