"""Cases: runs of healthy and sick programs, each of which can be trained again from its name.

`CaseSpec` is a case; `all_cases` lists those of the bank; `run_case` trains one live and runs every probe on it. What
was seen of all of them is in `nsputil.clinic.case_bank`. Introduced in notebook 10.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.faults import FAULTS, inject
from nsputil.clinic.probes import PROBES, Suspect, probe
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.experiment import Experiment
from nsputil.training import train

SEEN = ("loss", "accuracy", "evaluations", "instruments", "final", "prior", "kind")  # of a run

# How many cases of each kind; a kind is (part, encoder).
EACH = {("train", "bag"): 56, ("train", "bert"): 16, ("test", "bag"): 3, ("test", "bert"): 1}
HEALTHY_EACH = {("train", "bag"): 360, ("train", "bert"): 100, ("test", "bag"): 264, ("test", "bert"): 40}
OUTSIDE_EACH = {"bag": 4, "bert": 1}
PAIRS = 40


@dataclass(frozen=True)
class CaseSpec:
    """A run that can be trained again from its name alone.

    Attributes
    ----------
    part : {"train", "test", "outside", "pair"}
        "train": the diagnosis learned from it. It has never seen the others: new seeds and severities, faults that are
        not in the catalogue, two faults at once.
    faults : tuple of str
        Names; empty for a healthy run.
    program : int
        Index in `PROGRAMS`.
    number : int
        Which one of its kind.
    """

    part: str
    faults: tuple[str, ...]
    program: int
    number: int

    @property
    def name(self) -> str:
        """For example ``test.double-softmax.bag-adamw-sotu.3``."""
        return ".".join([self.part, "+".join(self.faults) or HEALTHY, PROGRAMS[self.program].name, str(self.number)])

    @property
    def cause(self) -> str:
        """The right answer: "healthy" for a benign fault too; for two faults the first."""
        harmful = [name for name in self.faults if FAULTS[name].harms_in(PROGRAMS[self.program])]
        return harmful[0] if harmful else HEALTHY

    @property
    def right_answers(self) -> set[str]:
        """All right answers: the name of each fault, or "healthy"."""
        return {HEALTHY} if self.cause == HEALTHY else {self.cause, *self.faults}

    @property
    def _rng(self) -> Generator:
        return np.random.default_rng(list(self.name.encode()))

    @property
    def severities(self) -> tuple[float, ...]:
        """One number for each fault. Parts "train" and "test" draw from disjoint ranges: alternate fifths."""
        rng, severities = self._rng, []
        for name in self.faults:
            fifth = rng.choice([1, 3] if self.part == "test" else [0, 2, 4])
            low, high = FAULTS[name].severity
            severities.append(float(low + (high - low) * (fifth + rng.random()) / 5))
        return tuple(severities)

    def experiment(self, repaired: bool = False) -> Experiment:
        """Return the `Experiment` with its faults; if repaired, without them."""
        rng = self._rng
        seed, ugly = int(rng.integers(2**31)), not self.faults and rng.random() < 0.4
        experiment = healthy(PROGRAMS[self.program], seed, ugly)
        if not repaired:
            for name, severity in zip(self.faults, self.severities, strict=True):
                experiment = inject(experiment, name, severity)
        return experiment


def all_cases() -> list[CaseSpec]:
    """Return every case of the bank, in an order that fills all causes evenly."""
    cases = []
    inside = [name for name, fault in FAULTS.items() if not fault.outside]
    for (part, encoder), count in EACH.items():
        for name in inside:
            for number, program in _programs(encoder, name, count):
                cases.append((number / count, CaseSpec(part, (name,), program, number)))
    for (part, encoder), count in HEALTHY_EACH.items():
        for number, program in _programs(encoder, None, count):
            cases.append((number / count, CaseSpec(part, (), program, number)))
    for name, fault in FAULTS.items():
        if fault.outside:
            for encoder, count in OUTSIDE_EACH.items():
                for number, program in _programs(encoder, name, count):
                    if fault.harms_in(PROGRAMS[program]):
                        cases.append((0.5, CaseSpec("outside", (name,), program, number)))
    for number in range(PAIRS):
        _, program = _programs("bag", None, number + 1)[-1]
        order = np.random.default_rng((12, number)).permutation(inside)
        two = [str(name) for name in order if FAULTS[str(name)].harms_in(PROGRAMS[program])][:2]
        cases.append((0.5, CaseSpec("pair", tuple(two), program, number)))
    return [case for _, case in sorted(cases, key=lambda item: (item[0], item[1].name))]


def _programs(encoder: str, name: str | None, count: int) -> list[tuple[int, int]]:
    """Return ``[(number, program)]`` of `count` cases: in turn those with the encoder that the fault can enter.

    Programs in which it is undecided whether the fault does harm are left out.
    """
    fit = [
        k
        for k, program in enumerate(PROGRAMS)
        if program.encoder == encoder and (name is None or FAULTS[name].fits(program))
    ]
    turns = [(number, fit[number % len(fit)]) for number in range(count)] if fit else []
    return [(number, k) for number, k in turns if name is None or FAULTS[name].applies(PROGRAMS[k])]


def run_case(case: CaseSpec) -> dict[str, Any]:
    """Train a case live and run every probe on it.

    Returns
    -------
    dict
        ``run`` (what `Run.save` writes) and ``probes`` (outcomes by signal name).
    """
    experiment = case.experiment()
    run = train(experiment)
    suspect = Suspect(experiment, run)
    outcomes: dict[str, float] = {}
    for name in PROBES:
        outcomes |= probe(suspect, name)
    return {"run": {name: getattr(run, name) for name in SEEN}, "probes": outcomes}
