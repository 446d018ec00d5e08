"""The clinic as a game: a sick run on the table, beliefs, priced probes, a proper score. No widget needed.

    game = Game("B7")                     # a case code; Game.deal(rng) draws one
    game.believe({"labels-shuffled": 3, "labels-off-by-one": 1})
    game.ask("roll", predict="odd")
    game.commit("labels-off-by-one")

Introduced in notebook 10; the simulator widget shows such a game.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

from nsputil._types import Floats
from nsputil.clinic.answers import UNKNOWN
from nsputil.clinic.case_bank import Bank, bank
from nsputil.clinic.case_codes import decode, encode
from nsputil.clinic.diagnosis import Diagnosis, diagnose
from nsputil.clinic.examined import unexplained
from nsputil.clinic.facts import examine
from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.faults import FAULTS
from nsputil.clinic.fitted import load_shipped
from nsputil.clinic.programs import PROGRAMS
from nsputil.clinic.recording import record
from nsputil.run import Run
from nsputil.training import train

BUDGET = 200.0  # for probes, in training steps
BELIEF_FLOOR = 0.0001  # nobody is ever quite sure: what a belief leaves to each answer that it does not name
WRONG_ANSWER = 25.0  # points: it repairs what was not broken, or leaves a fault where it is


class Practice(Protocol):
    """What `Game.deal` asks of a `nsputil.clinic.game_progress.GameProgress`."""

    def need(self, group: str) -> float:
        """Return how much a look-alike group needs practice."""


@dataclass(frozen=True)
class Entry:
    """One row of the evidence notebook.

    Attributes
    ----------
    probe : str
    cost : float
        In training steps.
    predicted : {"normal", "odd", ""}
        What the player expected of the probe.
    odd : bool
        Whether a number fell outside the middle nine tenths of healthy runs.
    outcome : dict
        The numbers.
    bits : float
        What the outcome taught, by the tool's own calculation: the divergence of its belief after from before.
    expected, best : float
        Bits per training step that this probe, and the best probe left, promised beforehand.
    best_probe : str
    """

    probe: str
    cost: float
    predicted: str
    odd: bool
    outcome: dict[str, float]
    bits: float
    expected: float
    best: float
    best_probe: str


@dataclass(frozen=True)
class Debrief:
    """How a game ended.

    Attributes
    ----------
    committed, truth : str
    right : bool
        Also if the answer is the other fault of a run that has two.
    score : float
        At most 100: the logarithmic score of the last belief, minus the price of the probes and of a wrong answer.
    belief_points, probe_points, answer_points : float
        The three parts of the score.
    efficiency : float
        Bits per step that the chosen probes promised, as a share of what the best ones promised; NaN without a probe.
    predictions : (int, int)
        How many were right, and how many were made.
    mechanism, fix : str
        Of the fault; empty for a healthy run.
    tool : Diagnosis
        What `diagnose` says with the same evidence.
    """

    committed: str
    truth: str
    right: bool
    score: float
    belief_points: float
    probe_points: float
    answer_points: float
    efficiency: float
    predictions: tuple[int, int]
    mechanism: str
    fix: str
    tool: Diagnosis


class Game:
    """One case, played.

    Parameters
    ----------
    code : str
        A case code.
    budget : float
        For probes, in training steps.

    Attributes
    ----------
    curves : ndarray, shape (4, points)
        Training loss, training accuracy, held-out loss, held-out accuracy.
    belief : dict
        Of every cause, "healthy" and "none of these"; sums to 1. At first all are equal.
    log : list of Entry
    spent : float
    diagnosis : Diagnosis
        What the tool says with the evidence so far.
    debrief : Debrief or None
    """

    def __init__(self, code: str, budget: float = BUDGET) -> None:
        self._bank, self._fitted = bank(), load_shipped()
        self._row = decode(code, self._bank)
        self.code, self.budget = encode(self._row), budget
        self.curves = self._bank.curves[self._row]
        answers = (*self.causes, UNKNOWN)
        self.belief = dict.fromkeys(answers, 1 / len(answers))
        self.log: list[Entry] = []
        self.spent = 0.0
        self.debrief: Debrief | None = None
        self._signals = self._bank.signals(self._row)
        self.diagnosis = diagnose(self._signals, using=self._fitted)

    @classmethod
    def deal(
        cls, rng: Generator, level: str | None = None, progress: Practice | None = None, budget: float = BUDGET
    ) -> "Game":
        """Draw a case that the diagnosis never learned from.

        Parameters
        ----------
        rng : numpy.random.Generator
        level : str, optional
            A look-alike group; all if left out.
        progress : GameProgress, optional
            Groups that the player confuses come more often.
        budget : float

        Raises
        ------
        ValueError
            If there is no such group.
        """
        cases = bank()
        rows = [
            k for k in cases.rows("test", "outside") if level is None or cases.groups.get(cases.cases[k].cause) == level
        ]
        if not rows:
            raise ValueError(
                f"there is no case of the group {level!r}; expected one of {sorted(set(cases.groups.values()))}"
            )
        groups = [cases.groups.get(cases.cases[k].cause, UNKNOWN) for k in rows]
        count = {g: groups.count(g) for g in set(groups)}
        weight = np.array([(1 if progress is None else progress.need(g)) / count[g] for g in groups])
        return cls(encode(int(rng.choice(rows, p=weight / weight.sum()))), budget)

    @property
    def probes(self) -> dict[str, float]:
        """The probes not yet asked: ``{name: cost in training steps}``."""
        asked = {entry.probe for entry in self.log}
        return {name: probe.cost for name, probe in self._bank.probes.items() if name not in asked}

    @property
    def causes(self) -> tuple[str, ...]:
        """The causes that the tool knows, "healthy" among them, in its order."""
        return tuple(self._fitted.model.causes)

    @property
    def signals(self) -> dict[str, float]:
        """The signals of the run, and the numbers of the probes asked so far, as `diagnose` sees them."""
        return dict(self._signals)

    @property
    def groups(self) -> dict[str, str]:
        """The look-alike group of each cause."""
        return {cause: self._fitted.groups[cause] for cause in self.causes}

    def believe(self, weights: Mapping[str, float]) -> None:
        """State a belief: any positive weights; what is not named keeps `BELIEF_FLOOR`.

        Parameters
        ----------
        weights : mapping of str to float
            Of causes, "healthy", "none of these", or look-alike groups. The causes of a group share its weight.

        Raises
        ------
        ValueError
            If a name is neither, a weight is negative, or all are zero.
        """
        members = {group: [c for c, of in self.groups.items() if of == group] for group in set(self.groups.values())}
        unknown = sorted(set(weights) - set(self.belief) - set(members))
        if unknown:
            raise ValueError(
                f"{unknown[0]!r} is no cause and no group; expected names such as {sorted(self.belief)[:3]}, "
                f"{UNKNOWN!r} or a group such as {sorted(members)[1:3]}"
            )
        if any(not w >= 0 for w in weights.values()) or not sum(weights.values()) > 0:
            raise ValueError("weights must not be negative, and one must be above 0")
        by_cause = dict.fromkeys(self.belief, 0.0)
        for name, weight in weights.items():
            of_name = [name] if name in by_cause else members[name]
            for cause in of_name:
                by_cause[cause] += weight / len(of_name)
        total, rest = sum(weights.values()), BELIEF_FLOOR * len(by_cause)
        self.belief = {cause: BELIEF_FLOOR + (1 - rest) * weight / total for cause, weight in by_cause.items()}

    def ask(self, name: str, predict: str = "") -> Entry:
        """Pay for a probe and see its outcome.

        Parameters
        ----------
        name : str
            One of `probes`.
        predict : {"normal", "odd", ""}
            State first whether a number will fall outside what healthy runs show.

        Returns
        -------
        Entry

        Raises
        ------
        ValueError
            If there is no such probe, it was asked before, the budget does not cover it, or the game is over.
        """
        if self.debrief is not None:
            raise ValueError("the game is over; deal another case")
        if predict not in ("normal", "odd", ""):
            raise ValueError(f"predict is {predict!r}; expected 'normal', 'odd' or ''")
        if name not in self._bank.probes:
            raise ValueError(f"there is no probe {name!r}; expected one of {sorted(self.probes)}")
        if name not in self.probes:
            raise ValueError(f"{name!r} was asked already; its outcome is in the log")
        cost = self._bank.probes[name].cost
        if self.spent + cost > self.budget:
            raise ValueError(
                f"{name!r} costs {cost:g} steps and {self.budget - self.spent:g} are left; commit an answer"
            )
        outcome = self._bank.outcome(self._row, name)
        rate = {probe.name: probe.bits / (probe.cost + 1) for probe in self.diagnosis.next_probes}
        best = max(rate, key=rate.__getitem__)
        before = self._belief_of_tool()
        self._signals |= outcome
        self.diagnosis = diagnose(self._signals, using=self._fitted)
        after = self._belief_of_tool()
        bits = (after * np.log2(np.maximum(after, 1e-9) / np.maximum(before, 1e-9))).sum()
        odd = any(not self.usual(signal, value) for signal, value in outcome.items())
        entry = Entry(name, cost, predict, odd, outcome, float(bits), rate[name], rate[best], best)
        self.spent += cost
        self.log.append(entry)
        return entry

    def _belief_of_tool(self) -> Floats:
        """Return what the tool believes of the known causes, in their order, without "none of these"."""
        p = {cause.name: cause.probability for cause in self.diagnosis.causes}
        known = np.array([p[cause] for cause in self.causes])
        return known / known.sum()

    def healthy_range(self, signal: str) -> tuple[float, float]:
        """Return the ends of the middle nine tenths of healthy runs; NaN if none of them has the number."""
        return _healthy_range(self._bank, signal)

    def usual(self, signal: str, value: float) -> bool:
        """Return whether a number is in the middle nine tenths of healthy runs; of NaN, whether they show it too."""
        if not np.isfinite(value):
            return bool(np.isnan(_of_healthy_runs(self._bank, signal)).mean() > 0.05)
        low, high = self.healthy_range(signal)
        return bool(low - 1e-6 <= value <= high + 1e-6)

    def commit(self, cause: str) -> Debrief:
        """Answer, and learn the truth.

        Parameters
        ----------
        cause : str
            A cause, "healthy", or "none of these".

        Returns
        -------
        Debrief

        Raises
        ------
        ValueError
            If it is no cause, or the game is over.
        """
        if self.debrief is not None:
            raise ValueError("the game is over; deal another case")
        if cause not in self.belief:
            raise ValueError(f"{cause!r} is no cause; expected 'healthy', 'none of these' or a name of a fault")
        case = self._bank.cases[self._row]
        outside = case.cause not in self.belief
        answers = {UNKNOWN} if outside else case.right_answers & set(self.belief)
        right = cause in answers
        in_truth = max(self.belief[name] for name in answers)
        belief_points = 100 * max(-1.0, 1 + float(np.log(in_truth) / np.log(len(self.belief))))
        probe_points = -100 * self.spent / (2 * self.budget)
        answer_points = 0.0 if right else -WRONG_ANSWER
        promised = [(e.expected, e.best) for e in self.log if e.best > 0]
        efficiency = float(np.mean([min(1.0, a / b) for a, b in promised])) if promised else float("nan")
        predicted = [e for e in self.log if e.predicted]
        hits = sum((e.predicted == "odd") == e.odd for e in predicted)
        mechanism, fix = self._mechanism_and_fix()
        self.debrief = Debrief(
            committed=cause,
            truth=UNKNOWN if outside else case.cause,
            right=right,
            score=belief_points + probe_points + answer_points,
            belief_points=belief_points,
            probe_points=probe_points,
            answer_points=answer_points,
            efficiency=efficiency,
            predictions=(hits, len(predicted)),
            mechanism=mechanism,
            fix=fix,
            tool=self.diagnosis,
        )
        return self.debrief

    @property
    def setting(self) -> str:
        """What anyone who runs this training knows of it: encoder, optimizer, batch size, corpus."""
        case = self._bank.cases[self._row]
        program, batch_size = PROGRAMS[case.program], case.experiment().batch_size
        encoder = {"bag": "a bag of words", "bert": "a small Transformer"}[program.encoder]
        optimizer = {"adamw": "AdamW", "sgd": "SGD with momentum"}[program.optimizer]
        corpus = {"sotu": "presidents' speeches", "factbook": "a factbook"}[program.corpus]
        return f"{encoder}, {optimizer}, batches of {batch_size}, text: {corpus}"

    def _mechanism_and_fix(self) -> tuple[str, str]:
        """Return the two sentences of the first fault; empty if there is none."""
        faults = self._bank.cases[self._row].faults
        return (FAULTS[faults[0]].mechanism, FAULTS[faults[0]].fix) if faults else ("", "")

    def sealed(self) -> dict[str, Any]:
        """Return all that a page without Python needs to play this case.

        Returns
        -------
        dict
            ``log_probs``: what the tool believes of the causes, in their order, before any probe. ``start``: the same
            signals as they count beside probes, before they are normalized. ``outcomes`` and ``nats``: of each probe,
            its numbers and what they add to ``start``. Second faults and "none of these" are left to Python. ``pair``:
            the curves of a healthy run of the same program. ``answers``: the causes that are right; empty if none of
            the catalogue is. ``truth``, ``mechanism``, ``fix``: for the debrief.
        """
        fitted, model, case = self._fitted, self._fitted.model, self._bank.cases[self._row]
        of_run = self._bank.signals(self._row)
        outcomes = {name: self._bank.outcome(self._row, name) for name in self._bank.probes}
        everything = fitted.see({k: v for numbers in (of_run, *outcomes.values()) for k, v in numbers.items()})
        temperature = fitted.temperatures[-1]
        terms = model.terms(everything) / temperature
        own = [model.column[name] for name in of_run]
        nats = {name: terms[fitted.columns[name]].sum(axis=0) for name in outcomes}
        healthy = next(k for k, c in enumerate(self._bank.cases) if not c.faults and c.program == case.program)
        mechanism, fix = self._mechanism_and_fix()
        return {
            "pair": self._bank.curves[healthy],
            "log_probs": fitted.log_probs(fitted.see(of_run)).tolist(),
            "start": (terms[own].sum(axis=0) + model.bias[-1] / temperature + fitted.biases).tolist(),
            "outcomes": outcomes,
            "nats": {name: added.tolist() for name, added in nats.items()},
            "answers": sorted(case.right_answers & set(self.causes)),
            "truth": case.cause if case.cause in self.causes else UNKNOWN,
            "mechanism": mechanism,
            "fix": fix,
        }

    def facts(self) -> list[Finding]:
        """Examine the facts of the case, live: a training that is watched, some seconds. Possible after the answer.

        Returns
        -------
        list of Finding
            The violated facts that no other violated fact explains; empty if nothing is violated.

        Raises
        ------
        ValueError
            If no answer was committed.
        """
        if self.debrief is None:
            raise ValueError("commit an answer first; the facts would give it away")
        return unexplained(examine(record(self._bank.cases[self._row].experiment())))

    def rerun(self) -> tuple[Run, Run]:
        """Train the case as it was, and repaired, live; return both, each a `Run`."""
        return train(self._bank.cases[self._row].experiment()), self.repaired()

    def repaired(self) -> Run:
        """Train the case without its faults, live; return the `Run`."""
        return train(self._bank.cases[self._row].experiment(repaired=True))


@cache
def _of_healthy_runs(cases: Bank, signal: str) -> Floats:
    """Return a signal of the runs without any fault. Benign faults are left out: their signals may be odd."""
    rows = [row for row in cases.rows("train") if not cases.cases[row].faults]
    return cases.values[rows, cases.names.index(signal)]


@cache
def _healthy_range(cases: Bank, signal: str) -> tuple[float, float]:
    values = _of_healthy_runs(cases, signal)
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, (0.05, 0.95)) if len(values) else (np.nan, np.nan)
    return float(low), float(high)
