"""The clinic as a game: a sick run on the table, beliefs, priced probes, a proper score. No widget needed.

    game = Game("B7")                     # a case code; Game.deal(rng) draws one
    game.believe({"labels-shuffled": 3, "labels-off-by-one": 1})
    game.ask("roll", predict="odd")
    game.commit("labels-off-by-one")

Introduced in notebook 10; the simulator widget is a thin skin over it.
"""

import json
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from nsputil.clinic.cases import HEALTHY, bank
from nsputil.clinic.diagnosis import UNKNOWN, diagnose, reader
from nsputil.clinic.faults import FAULTS
from nsputil.files import write_text
from nsputil.training import train

BUDGET = 200.0  # training steps' worth of probes
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: they are misread
BELIEF_FLOOR = 0.002  # nobody is ever quite sure: what a belief leaves to everything it does not name


@dataclass(frozen=True)
class Entry:
    """One row of the evidence notebook.

    Attributes
    ----------
    probe : str
    cost : float
        Training steps.
    predicted : {"normal", "odd", ""}
        What the player expected of the probe.
    odd : bool
        Whether a number fell outside the middle nine tenths of healthy runs.
    outcome : dict
        The numbers.
    bits : float
        What the outcome taught, by the tool's own reckoning: the divergence of its belief after from before.
    expected, best : float
        Bits a training step that this probe, and the best one left, promised beforehand.
    best_probe : str
    """

    probe: str
    cost: float
    predicted: str
    odd: bool
    outcome: dict
    bits: float
    expected: float
    best: float
    best_probe: str


@dataclass(frozen=True)
class Debrief:
    """How it ended.

    Attributes
    ----------
    committed, truth : str
    right : bool
        Also if the answer is another fault of a run that has two.
    score : float
        At most 100: the logarithmic score of the last belief, less the price of the probes and of a wrong repair.
    belief_points, probe_points, repair_points : float
        Its three parts.
    efficiency : float
        Bits a step that the chosen probes promised, as a share of what the best ones promised; NaN without a probe.
    predictions : (int, int)
        Right, made.
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
    repair_points: float
    efficiency: float
    predictions: tuple
    mechanism: str
    fix: str
    tool: object


def encode(row):
    """Return the case code of a row of the bank: two or three letters and digits."""
    code = ""
    while row or not code:
        row, digit = divmod(row, len(DIGITS))
        code = DIGITS[digit] + code
    return code.rjust(2, "0")


def decode(code, cases=None):
    """Return the row of a case code.

    Raises
    ------
    ValueError
        If it is no code, or of no case.
    """
    cases = cases or bank()
    text = str(code).strip().upper()
    if not text or any(c not in DIGITS for c in text):
        raise ValueError(f"{code!r} is no case code; expected letters and digits such as 'B7' (no I, L, O, U)")
    row = 0
    for character in text:
        row = row * len(DIGITS) + DIGITS.index(character)
    if row >= len(cases):
        raise ValueError(f"there is no case {code!r}; the last one is {encode(len(cases) - 1)!r}")
    return row


@cache
def _of_healthy_runs(cases, signal):
    """Of runs without any fault: a benign one may look as odd as it likes."""
    rows = [row for row in cases.rows("train") if not cases.cases[row].faults]
    return cases.values[rows, cases.names.index(signal)]


@cache
def _healthy_range(cases, signal):
    known = _of_healthy_runs(cases, signal)
    known = known[np.isfinite(known)]
    low, high = np.quantile(known, (0.05, 0.95)) if len(known) else (np.nan, np.nan)
    return float(low), float(high)


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
        Of every cause and "healthy"; sums to 1. At first all are alike.
    log : list of Entry
    spent : float
    debrief : Debrief or None
    """

    def __init__(self, code, budget=BUDGET):
        self._bank, self._reader = bank(), reader()
        self._row = decode(code, self._bank)
        self.code, self.budget = encode(self._row), budget
        self.curves = self._bank.curves[self._row]
        self.belief = dict.fromkeys(self._reader.model.causes, 1 / len(self._reader.model.causes))
        self.log, self.spent, self.debrief = [], 0.0, None
        self._found = self._bank.found(self._row)
        self._tool = diagnose(self._found, using=self._reader)

    @classmethod
    def deal(cls, rng, level=None, progress=None, budget=BUDGET):
        """Draw a case that the diagnosis never learned from.

        Parameters
        ----------
        rng : numpy.random.Generator
        level : str, optional
            A look-alike group; all if left out.
        progress : Progress, optional
            Groups that the player confuses come more often.
        budget : float
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
    def probes(self):
        """The probes not yet asked: ``{name: cost in training steps}``."""
        asked = {entry.probe for entry in self.log}
        return {name: cost for name, (cost, _) in self._bank.probes.items() if name not in asked}

    @property
    def signals(self):
        """The signals of the run, as `diagnose` sees them."""
        return dict(self._found)

    @property
    def groups(self):
        """The look-alike group of each cause."""
        return {cause: self._reader.groups[cause] for cause in self.belief}

    def believe(self, weights):
        """State a belief: any positive weights of causes; what is not named keeps a sliver.

        Raises
        ------
        ValueError
            If a name is no cause, a weight is negative, or all are zero.
        """
        unknown = sorted(set(weights) - set(self.belief))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no cause; expected names such as {sorted(self.belief)[:3]}")
        if any(not w >= 0 for w in weights.values()) or not sum(weights.values()) > 0:
            raise ValueError("weights must not be negative, and one must be above 0")
        total = sum(weights.values())
        rest = BELIEF_FLOOR * len(self.belief)
        self.belief = {c: BELIEF_FLOOR + (1 - rest) * weights.get(c, 0) / total for c in self.belief}

    def ask(self, name, predict=""):
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
            raise ValueError(f"{name!r} was asked already; its outcome stands in the log")
        cost = self._bank.probes[name][0]
        if self.spent + cost > self.budget:
            raise ValueError(
                f"{name!r} costs {cost:g} steps and {self.budget - self.spent:g} are left; commit an answer"
            )
        outcome = self._bank.outcome(self._row, name)
        rate = {n: bits / (price + 1) for n, bits, price in self._tool.next_probes}
        best = max(rate, key=rate.get)
        before = self._tool_belief()
        self._found |= outcome
        self._tool = diagnose(self._found, using=self._reader)
        after = self._tool_belief()
        bits = (after * np.log2(np.maximum(after, 1e-9) / np.maximum(before, 1e-9))).sum()
        odd = any(not self.usual(signal, value) for signal, value in outcome.items())
        entry = Entry(name, cost, predict, odd, outcome, float(bits), rate[name], rate[best], best)
        self.spent += cost
        self.log.append(entry)
        return entry

    def _tool_belief(self):
        """What the tool believes of the known causes, in their order: "none of these" is ruled out at first by rule."""
        p = {c.name: c.probability for c in self._tool.causes}
        known = np.array([p[cause] for cause in self.belief])
        return known / known.sum()

    def healthy_range(self, signal):
        """Return the ends of the middle nine tenths of healthy runs; NaN if none of them has the number."""
        return _healthy_range(self._bank, signal)

    def usual(self, signal, value):
        """Return whether a number lies in the middle nine tenths of healthy runs (or is one that they show)."""
        if not np.isfinite(value):
            return bool(np.isnan(_of_healthy_runs(self._bank, signal)).mean() > 0.05)
        low, high = self.healthy_range(signal)
        return bool(low - 1e-6 <= value <= high + 1e-6)

    def commit(self, cause):
        """Answer, and learn the truth.

        Parameters
        ----------
        cause : str
            A cause, "healthy", or "none of these".

        Returns
        -------
        Debrief
        """
        if self.debrief is not None:
            raise ValueError("the game is over; deal another case")
        if cause not in self.belief and cause != UNKNOWN:
            raise ValueError(f"{cause!r} is no cause; expected 'healthy', 'none of these' or a name of a fault")
        case = self._bank.cases[self._row]
        names = {case.cause, *case.faults} if case.cause != HEALTHY else {HEALTHY}
        outside = case.cause not in self.belief
        right = cause in names or (outside and cause == UNKNOWN)
        held = max((self.belief.get(name, 0.0) for name in names), default=0.0)
        if outside:
            held = 1 - max(self.belief.values())  # the belief that it is nothing in particular
        count = len(self.belief)
        belief_points = 100 * max(-1.0, float(np.log(max(held, 1e-9) * count) / np.log(count)))
        probe_points = -100 * self.spent / (2 * self.budget)
        repair_points = 0.0 if right else -25.0
        promised = [(e.expected, e.best) for e in self.log if e.best > 0]
        efficiency = float(np.mean([min(1.0, a / b) for a, b in promised])) if promised else float("nan")
        made = [e for e in self.log if e.predicted]
        hits = sum((e.predicted == "odd") == e.odd for e in made)
        fault = FAULTS.get(case.faults[0]) if case.faults else None
        self.debrief = Debrief(
            committed=cause,
            truth=UNKNOWN if outside else case.cause,
            right=right,
            score=belief_points + probe_points + repair_points,
            belief_points=belief_points,
            probe_points=probe_points,
            repair_points=repair_points,
            efficiency=efficiency,
            predictions=(hits, len(made)),
            mechanism=fault.mechanism if fault else "",
            fix=fault.fix if fault else "",
            tool=self._tool,
        )
        return self.debrief

    def sealed(self):
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
        r, case = self._reader, self._bank.cases[self._row]
        found = self._bank.found(self._row)
        outcomes = {name: self._bank.outcome(self._row, name) for name in self._bank.probes}
        values, measured = r.vector({k: v for outcome in (found, *outcomes.values()) for k, v in outcome.items()})
        last = r.temperatures[-1]
        terms = r.model.evidence(values[None], measured[None])[0] / last
        own = [r.model.column[name] for name in found]
        nats = {name: terms[[r.model.column[s] for s in outcome]].sum(axis=0) for name, outcome in outcomes.items()}
        names = {case.cause, *case.faults} if case.cause != HEALTHY else {HEALTHY}
        fault = FAULTS.get(case.faults[0]) if case.faults else None
        pair = next(k for k, c in enumerate(self._bank.cases) if not c.faults and c.program == case.program)
        return {
            "pair": self._bank.curves[pair],
            "log_probs": r.log_probs(*r.vector(found)).tolist(),
            "start": (terms[own].sum(axis=0) + r.model.bias[-1] / last + r.caution).tolist(),
            "outcomes": outcomes,
            "nats": {name: added.tolist() for name, added in nats.items()},
            "answers": sorted(names & set(self.belief)),
            "truth": case.cause if case.cause in self.belief else UNKNOWN,
            "mechanism": fault.mechanism if fault else "",
            "fix": fault.fix if fault else "",
        }

    def rerun(self):
        """Train the case as it was, and repaired, live; return both, each a `Run`."""
        return train(self._bank.cases[self._row].experiment()), self.repaired()

    def repaired(self):
        """Train the case without its faults, live; return the `Run`."""
        return train(self._bank.cases[self._row].experiment(repaired=True))


class Progress:
    """What a player has played, and which groups need practice; kept in a small file.

    Parameters
    ----------
    path : str or Path, optional
        Nothing is kept without it. A damaged file is set aside, never fatal.
    """

    def __init__(self, path=None):
        self.path = None if path is None else Path(path)
        self.played = []
        if self.path is not None and self.path.exists():
            try:
                self.played = json.loads(self.path.read_text(encoding="utf-8"))["played"]
            except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
                self.path.replace(self.path.with_suffix(".damaged"))

    def add(self, game):
        """Keep the outcome of a finished game."""
        if game.debrief is None:
            raise ValueError("the game is not over; commit an answer first")
        groups = bank().groups
        entry = {
            "code": game.code,
            "score": round(game.debrief.score, 1),
            "right": game.debrief.right,
            "group": groups.get(game.debrief.truth, UNKNOWN),
            "answered": groups.get(game.debrief.committed, UNKNOWN),
        }
        self.played.append(entry)
        if self.path is not None:
            write_text(self.path, json.dumps({"played": self.played}))

    def need(self, group):
        """Return how much a group needs practice: the expected rate of mistakes, Beta(1, 1) before the first game."""
        mine = [entry for entry in self.played if group in (entry["group"], entry["answered"])]
        return (1 + sum(not entry["right"] for entry in mine)) / (2 + len(mine))


def play_with(code, policy, most=4):
    """Let a policy play a case, believing what the tool believes; return the `Debrief`.

    Parameters
    ----------
    code : str
    policy : callable
        ``(game, rng) -> name of a probe, or None to stop``.
    most : int
        Probes.
    """
    game, rng = Game(code), np.random.default_rng(decode(code))
    for _ in range(most):
        name = policy(game, rng)
        if name is None or name not in game.probes or game.spent + game.probes[name] > game.budget:
            break
        game.ask(name)
    answer = policy.answer(game) if hasattr(policy, "answer") else game._tool.answer
    believed = {c.name: c.probability for c in game._tool.causes if c.name in game.belief}
    game.believe({answer: 1.0} if hasattr(policy, "answer") else believed)
    return game.commit(answer)


def at_random(game, rng):
    """A player who asks any probe."""
    return str(rng.choice(sorted(game.probes)))


def greedy(game, rng):
    """A player who asks what promises most bits a step."""
    options = [o for o in game._tool.next_probes if o[1] > 0.02 and game.spent + o[2] <= game.budget]
    if game._tool.causes[0].probability > 0.95 or not options:
        return None
    return options[0][0]


def in_order(order, game, rng):
    """A player who goes down a list, whatever has been seen."""
    return next((name for name in order if name in game.probes), None)


checklist = partial(in_order, ("loss-unit-test", "label-histogram", "look-at-rows", "overfit-eight"))
