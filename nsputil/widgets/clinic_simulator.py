"""The clinic simulator: a sick run, beliefs, priced probes, a repair, a proper score. Introduced in notebook 10.

The rules are those of `nsputil.clinic.game.Game`. The widget shows a game and passes on what the player does. It
imports the clinic with the first case, so that a notebook without one does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from nsputil.plotting import new_figure, reference_line, round_data
from nsputil.progress_file import progress_file
from nsputil.widgets.base import CourseWidget, browser_module

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nsputil.clinic.facts.finding import Finding
    from nsputil.clinic.game import Debrief, Entry, Game
    from nsputil.clinic.game_progress import GameProgress
    from nsputil.run import Run

#: Probability of each cause.
Belief = dict[str, float]

UNKNOWN = "none of these"
SEALED = 3  # this many cases more than the one on the table, in a page without Python


def moved_belief(
    belief: Mapping[str, float], chosen: Sequence[str], to: float, among: Sequence[str] | None = None
) -> Belief:
    """Return a belief in which some causes together have a given probability; the others keep their proportions.

    This is the arithmetic of the belief bars.

    Parameters
    ----------
    belief : dict
        Probability of each cause.
    chosen : sequence of str
        Causes.
    to : float
        Their new probability, together.
    among : sequence of str, optional
        Only these change; together they keep the probability that they have. All if left out.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If a name is unknown, no cause is left for the rest, or `to` is more than there is to share.

    Examples
    --------
    >>> moved_belief({"a": 0.25, "b": 0.25, "c": 0.5}, ["c"], 0.75)
    {'a': 0.125, 'b': 0.125, 'c': 0.75}
    """
    sharing = list(belief if among is None else among)
    unknown = sorted({*chosen, *sharing} - set(belief))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no cause of this belief; expected names such as {list(belief)[:3]}")
    others = [name for name in sharing if name not in chosen]
    total = sum(belief[name] for name in sharing)
    if not others or not -1e-9 <= to <= total + 1e-9:
        raise ValueError(f"{to} for {list(chosen)}: expected 0 to {total:.3f}, and others to take the rest")
    moved = dict(belief)
    for names, share in ((list(chosen), to), (others, total - to)):
        old_share = sum(belief[name] for name in names)
        for name in names:
            moved[name] = belief[name] * share / old_share if old_share > 1e-9 else share / len(names)
    return moved


class ClinicSimulator(CourseWidget):
    """One case after another, played in the page; `game` is the game that it shows.

    What the page does can be done from a cell as well: `believe`, `ask`, `commit`, `rerun`, `examine`, `open_case` and
    `deal` play a move and show it.

    Attributes
    ----------
    game : Game
    progress : GameProgress
    case : dict
        What is on the table: code, curves, signals with their healthy range, probes with their price, causes.
    belief : dict
        Of every cause and of "none of these", as the bars show it; sums to 1.
    notebook : list of dict
        The evidence notebook.
    debrief : dict
        Empty until an answer is committed.
    repaired : list
        The curves of the repaired run, once it has been trained.
    facts : list of str
        A line for each violated fact, once they have been examined.
    record : dict
        How many cases were played and how many were right, the mean score, the group that most needs practice.
    turn : int
        How many moves were answered.
    problem : str
        Why the last move was not possible.
    sealed : dict
        A few cases with all their outcomes; `state` fills it for a page without Python. Empty while Python plays.
    """

    _esm = browser_module("clinic_simulator")
    module = "clinic_simulator"
    shown = ("case", "belief", "notebook", "debrief", "repaired", "facts", "record", "turn", "problem", "sealed")
    case = traitlets.Dict().tag(sync=True)
    belief = traitlets.Dict().tag(sync=True)
    notebook: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    debrief = traitlets.Dict().tag(sync=True)
    repaired: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    facts: traitlets.List[str] = traitlets.List().tag(sync=True)
    record = traitlets.Dict().tag(sync=True)
    turn = traitlets.Int(0).tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    sealed = traitlets.Dict().tag(sync=True)

    def __init__(self, game: Game, progress: GameProgress, rng: np.random.Generator) -> None:
        super().__init__()
        self.progress, self._rng = progress, rng
        self._show(game)
        self.on_msg(self._hear)

    def believe(self, weights: Mapping[str, float]) -> None:
        """Set the bars, as `Game.believe` does: weights of causes, of groups or of "none of these"."""
        self.game.believe(weights)
        self.belief = dict(self.game.belief)

    def ask(self, probe: str, predict: str = "") -> Entry:
        """Ask a probe, as `Game.ask` does, and write it into the notebook; return the `Entry`."""
        entry = self.game.ask(probe, predict)
        shares = {group: sum(self.belief[c] for c in causes) for group, causes in self.case["groups"].items()}
        leader = max(shares, key=lambda group: shares[group])
        numbers = [_number(self.game, name, value) for name, value in entry.outcome.items()]
        row = asdict(entry) | {"outcome": numbers, "held": leader, "held_share": shares[leader]}
        self.notebook = [*self.notebook, row]
        return entry

    def commit(self, cause: str) -> Debrief:
        """Answer with the belief that the bars show, as `Game.commit` does; save the progress; return the `Debrief`."""
        self.game.believe(self.belief)
        debrief = self.game.commit(cause)
        self.progress.add(self.game)
        likely = debrief.tool.causes
        self.debrief = {name: _plain(value) for name, value in vars(debrief).items() if name != "tool"} | {
            "tool": [[c.name, c.probability] for c in likely[:4]],
            "evidence": [str(evidence) for evidence in likely[0].evidence_for[:3]],
            "bits": sum(entry.bits for entry in self.game.log),
        }
        self._count()
        return debrief

    def rerun(self) -> Run:
        """Train the case without its faults and show its curves beside those of the case; return the `Run`."""
        from nsputil.clinic.case_bank import curve

        if self.game.debrief is None:
            raise ValueError("commit an answer first; the repair is trained after it")
        run = self.game.repaired()
        self.repaired = _curves(curve(run))
        return run

    def examine(self) -> list[str]:
        """Examine the facts of the case, as `Game.facts` does, and show them; return the lines."""
        self.facts = _lines(self.game.facts())
        return list(self.facts)

    def open_case(self, code: str) -> None:
        """Put the case of a code on the table."""
        from nsputil.clinic.game import Game

        self._show(Game(code))

    def deal(self, level: str | None = None) -> None:
        """Put a case of a look-alike group on the table; without one, prefer the groups that the player confused."""
        from nsputil.clinic.game import Game

        self._show(Game.deal(self._rng, level=level or None, progress=self.progress))

    def state(self) -> dict[str, Any]:
        """Return what a page without Python needs: this case and a few others, sealed."""
        from nsputil.clinic.game import BELIEF_FLOOR, Game

        rng = np.random.default_rng(0)
        cases = [_sealed(game) for game in (self.game, *(Game.deal(rng) for _ in range(SEALED)))]
        return super().state() | {"sealed": {"cases": cases, "causes": list(self.game.causes), "floor": BELIEF_FLOOR}}

    def _show(self, game: Game) -> None:
        self.game = game
        case = _table(game)
        with self.hold_sync():
            self.case = case
            groups = case["groups"]
            self.belief = {c: 1 / len(groups) / len(causes) for causes in groups.values() for c in causes}
            self.notebook, self.debrief, self.repaired, self.facts = [], {}, [], []
            self._count()

    def _count(self) -> None:
        played = self.progress.played
        groups = sorted({entry["group"] for entry in played}, key=self.progress.need)
        self.record = {
            "played": len(played),
            "right": sum(entry["right"] for entry in played),
            "score": float(np.mean([entry["score"] for entry in played])) if played else 0.0,
            "practise": groups[-1] if groups and self.progress.need(groups[-1]) > 0.5 else "",
        }

    def _hear(self, _: object, move: dict[str, Any], buffers: object) -> None:
        """Answer a move of the page: {"do": name of a method, "with": its arguments, "belief": what the bars show}."""
        moves: dict[str, Callable[..., object]]
        moves = {"ask": self.ask, "commit": self.commit, "rerun": self.rerun, "examine": self.examine}
        moves |= {"open": self.open_case, "deal": self.deal}
        with self.hold_sync():
            self.problem = ""
            try:
                if "belief" in move and set(move["belief"]) == set(self.belief):
                    self.belief = move["belief"]
                moves[move["do"]](*move.get("with", []))
            except (ValueError, TypeError, KeyError) as error:
                self.problem = str(error)
            self.turn += 1

    def picture(self) -> Figure:
        """Return the losses and the accuracies of the case on the table."""
        fig, axes = new_figure(8, 3, ncols=2)
        at = np.linspace(0, 1, self.game.curves.shape[1])
        for ax, kind, first, level in zip(axes, ("loss (nats)", "accuracy"), (0, 1), (np.log(2), 0.5), strict=True):
            ax.plot(at, round_data(self.game.curves[first], 3))
            ax.plot(at, round_data(self.game.curves[first + 2], 3))
            reference_line(ax, level, "ln 2" if first == 0 else "chance")
            ax.set(xlabel="share of the training", ylabel=kind)
        axes[0].set_title(f"Clinic simulator: case {self.game.code}, held-out dashed", fontsize=11)
        return fig

    def __repr__(self) -> str:
        spent = f"{self.game.spent:g} of {self.game.budget:g} steps spent"
        end = f"score {self.debrief['score']:.0f}" if self.debrief else spent
        return f"ClinicSimulator: case {self.game.code}, {len(self.game.log)} probes asked, {end}"


def _table(game: Game) -> dict[str, Any]:
    """Return what is on the table before the first move."""
    from nsputil.clinic.faults import FAULTS
    from nsputil.clinic.probes import PROBES

    groups: dict[str, list[str]] = {}
    for cause, group in game.groups.items():
        groups.setdefault(group, []).append(cause)
    return {
        "code": game.code,
        "budget": game.budget,
        "curves": _curves(game.curves),
        "signals": [_number(game, name, value) for name, value in game.signals.items()],
        "probes": {name: {"cost": cost, "question": PROBES[name].question} for name, cost in game.probes.items()},
        "groups": groups | {UNKNOWN: [UNKNOWN]},
        "about": {c: {"mechanism": FAULTS[c].mechanism, "fix": FAULTS[c].fix} for c in game.belief if c in FAULTS},
    }


def _number(game: Game, name: str, value: float) -> dict[str, Any]:
    """Return a signal as the page shows it: its value, the range of healthy runs, its unit and meaning."""
    from nsputil.clinic.signal_registry import SIGNALS

    low, high = game.healthy_range(name)
    signal = SIGNALS[name]
    number = {"name": name, "value": value, "low": low, "high": high, "unit": signal.unit, "what": signal.meaning}
    return {key: _plain(v) for key, v in number.items()} | {"usual": game.usual(name, value)}


def _sealed(game: Game) -> dict[str, Any]:
    """Return a case with all its outcomes, for a page without Python; what all cases share is in `case`."""
    from nsputil.clinic.game import Game

    fresh = Game(game.code)  # before any move
    sealed = fresh.sealed()
    table = {key: value for key, value in _table(fresh).items() if key in ("code", "curves", "signals")}
    return sealed | {
        "outcomes": {
            probe: [_number(fresh, name, value) for name, value in outcome.items()]
            for probe, outcome in sealed["outcomes"].items()
        },
        "nats": {probe: _plain(tuple(nats)) for probe, nats in sealed["nats"].items()},
        "log_probs": _plain(tuple(sealed["log_probs"])),
        "start": _plain(tuple(sealed["start"])),
        "table": table,
        "pair": _curves(sealed["pair"]),
    }


def _lines(findings: Iterable[Finding]) -> list[str]:
    """Return a line for each violated fact: what it says, and how much follows from it."""
    lines = []
    for finding in findings:
        names = f"names {finding.cause}" if finding.cause else f"names no cause, only the place: {finding.place}"
        harm = "" if finding.firm else " It may do no harm here; only a swap can tell."
        lines.append(f"{finding.statement} This {names}.{harm}")
    return lines or ["No fact is violated."]


def _plain(value: Any) -> Any:
    """Return a value that JSON knows: a list for a tuple, None for NaN and the infinities."""
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.5g}") if isfinite(value) else None
    return value


def _curves(curves: Iterable[Iterable[float]]) -> list[list[Any]]:
    return [[_plain(value) for value in row] for row in curves]


def clinic_simulator(
    code: str | None = None, level: str | None = None, seed: int | None = None, progress: GameProgress | None = None
) -> ClinicSimulator:
    """Return a `ClinicSimulator`; as the last line of a cell it appears below.

    Parameters
    ----------
    code : str, optional
        A case code, such as one from a friend; if left out, a case is dealt.
    level : str, optional
        Deal from one look-alike group only, a member of `nsputil.clinic.faults.GROUPS`.
    seed : int, optional
        Of the deal; None: another case each time.
    progress : GameProgress, optional
        If left out, it is kept beside that of the exercises (`nsputil.progress_file`), or nowhere if that is off.

    Returns
    -------
    ClinicSimulator

    Raises
    ------
    ValueError
        If there is no such case or group.

    Notes
    -----
    Introduced in notebook 10.
    """
    from nsputil.clinic.game import Game
    from nsputil.clinic.game_progress import GameProgress

    if progress is None:
        path = progress_file()
        progress = GameProgress(None if path is None else path.with_name(f"{path.stem}-clinic.json"))
    rng = np.random.default_rng(seed)
    game = Game(code) if code is not None else Game.deal(rng, level=level, progress=progress)
    return ClinicSimulator(game, progress, rng)
