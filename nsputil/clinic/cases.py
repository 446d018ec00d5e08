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
from nsputil.clinic.programs import PROGRAMS, healthy, observe
from nsputil.clinic.signals import SIGNALS, signals
from nsputil.training import Run

BANK = Path(__file__).parent / "data" / "cases.npz"
HEALTHY = "healthy"
POINTS = 40  # of a curve in the bank

# How many cases of each kind; a kind is (part, encoder).
EACH = {("train", "bag"): 9, ("train", "bert"): 3, ("test", "bag"): 4, ("test", "bert"): 2}
HEALTHY_EACH = {("train", "bag"): 120, ("train", "bert"): 36, ("test", "bag"): 240, ("test", "bert"): 60}


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
        real = [name for name in self.faults if not FAULTS[name].benign]
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

    def experiment(self):
        """Return the (defective) `Experiment`."""
        rng = self._rng
        seed, ugly = int(rng.integers(2**31)), not self.faults and rng.random() < 0.4
        experiment = healthy(PROGRAMS[self.program], seed, ugly)
        for name, severity in zip(self.faults, self.severities, strict=True):
            experiment = inject(experiment, name, severity)
        return experiment


def all_cases():
    """Return every case of the bank, in an order that fills all causes evenly."""
    by_encoder = {e: [k for k, p in enumerate(PROGRAMS) if p.encoder == e] for e in ("bag", "bert")}
    cases = []
    inside = [name for name, fault in FAULTS.items() if not fault.outside]
    for part, encoder in EACH:
        programs = by_encoder[encoder]
        for number in range(EACH[part, encoder]):
            for name in inside:
                if _fits(name, encoder):
                    cases.append((number / EACH[part, encoder], Case(part, (name,), programs[number % len(programs)], number)))
        for number in range(HEALTHY_EACH[part, encoder]):
            cases.append((number / HEALTHY_EACH[part, encoder], Case(part, (), programs[number % len(programs)], number)))
    for number, name in enumerate(name for name, fault in FAULTS.items() if fault.outside for _ in range(8)):
        encoder = "bag" if number % 4 or not _fits(name, "bert") else "bert"
        if not _fits(name, encoder):
            encoder = "bert"
        cases.append((0.5, Case("outside", (name,), by_encoder[encoder][number % 3], number)))
    rng = np.random.default_rng(12)
    harmful = [name for name in inside if not FAULTS[name].benign and _fits(name, "bag")]
    for number in range(40):
        first, second = rng.permutation(harmful)[:2]
        cases.append((0.5, Case("pair", (str(first), str(second)), by_encoder["bag"][number % 3], number)))
    return [case for _, case in sorted(cases, key=lambda item: (item[0], item[1].name))]


def _fits(name, encoder):
    return encoder in FAULTS[name].encoders


def play(case):
    """Train a case live and run every probe on it.

    Returns
    -------
    dict
        ``run`` (what `Run.save` keeps) and ``probes`` (outcomes by signal name).
    """
    experiment = case.experiment()
    run = observe(experiment)
    suspect, outcomes = Suspect(experiment, run), {}
    for name in PROBES:
        outcomes |= probe(suspect, name)
    kept = {name: getattr(run, name) for name in ("loss", "accuracy", "evaluations", "instruments", "final", "prior")}
    return {"run": kept, "probes": outcomes}


def probe_signals():
    """Return the names of all numbers that probes give, in order."""
    return tuple(name for p in PROBES.values() for name in p.signals)
