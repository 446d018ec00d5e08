"""The twelve unknown runs of notebook 10, its ward, and a way to play one from a list of moves.

    game = play(4, [
        {"stuck-at-ln2": 2, "healthy": 1},       # what you believe: weights of causes, or of whole groups
        ("weights", "odd"),                      # a probe, and whether you expect an odd number from it
        {"zero-init": 5, "learning-rate-too-low": 1},
        "zero-init",                             # your answer
    ])
    print(sheet(game))

Introduced in notebook 10.
"""

import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from nsputil.clinic.case_bank import bank
from nsputil.clinic.case_codes import encode
from nsputil.clinic.cases import CaseSpec
from nsputil.clinic.game import Debrief, Game
from nsputil.clinic.signal_registry import described
from nsputil.clinic.signals import RUN_SIGNALS

#: Easy ones first. A key is a hash, so that the source does not reveal the answer; it remains the same in a new bank.
KEYS = (
    "01245b62", "de6c2dd8", "8be83e5d", "7e7ce54c", "4a7a30a4", "ca55ceaa",
    "fb5dfff4", "466b25b1", "700cd268", "9fca124b", "c213ec58", "b3bd2c21",
)  # fmt: skip

#: A belief, a probe with a prediction, or an answer.
Move = Mapping[str, float] | tuple[str, str] | str


class OddSignal(NamedTuple):
    """A number outside the middle nine tenths of healthy runs, which end at `low` and `high`."""

    name: str
    value: float
    low: float
    high: float


def key(case: CaseSpec) -> str:
    """Return the key of a case; it depends on the case's name alone."""
    return sha256(case.name.encode()).hexdigest()[:8]


def case_to_play(number: int) -> Game:
    """Return one of the twelve as a new `Game`.

    Parameters
    ----------
    number : int
        1 to 12.

    Raises
    ------
    ValueError
        If there is no such case, or the bank lacks it.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= len(KEYS):
        raise ValueError(f"there is no case {number!r} in the ward; expected a whole number from 1 to {len(KEYS)}")
    if KEYS[number - 1] not in _rows():
        raise ValueError(f"case {number} of the ward is not in the bank; was the bank made with other cases?")
    return Game(encode(_rows()[KEYS[number - 1]]))


@cache
def _rows() -> dict[str, int]:
    return {key(case): row for row, case in enumerate(bank().cases)}


def causes_of(group: str) -> tuple[str, ...]:
    """Return the causes of a look-alike group of the bank."""
    return tuple(cause for cause, its_group in bank().groups.items() if its_group == group)


def play(number: int, moves: Sequence[Move]) -> Game:
    """Play one of the twelve from a list of moves.

    Parameters
    ----------
    number : int
        1 to 12.
    moves : list
        In turn: a belief, a dict of weights as for `Game.believe`; a probe with what is expected of it,
        ``(name, "odd")`` or ``(name, "normal")``; and last an answer, the name of a cause, "healthy" or "none of
        these". An empty list leaves the case untouched.

    Returns
    -------
    Game

    Raises
    ------
    ValueError
        If a probe or an answer comes without a belief before it, a probe without a prediction, or anything that `Game`
        refuses.
    """
    game, believed = case_to_play(number), False
    for place, move in enumerate(moves, 1):
        if isinstance(move, Mapping):
            game.believe(move)
            believed = True
            continue
        if not believed:
            raise ValueError(f"move {place} is {move!r}; expected a belief first, such as {{'stuck-at-ln2': 2, ...}}")
        if isinstance(move, str):
            if place != len(moves):
                raise ValueError(f"move {place} is the answer {move!r}; expected it to be the last move")
            game.commit(move)
            continue
        if not isinstance(move, tuple) or len(move) != 2 or move[1] not in ("odd", "normal"):
            raise ValueError(
                f"move {place} is {move!r}; expected a probe with a prediction, such as ('weights', 'odd')"
            )
        game.ask(*move)
        believed = False
    return game


def odd_signals(game: Game, count: int = 6) -> list[OddSignal]:
    """Return the numbers of the run, without those of probes, that are outside the middle nine tenths of healthy runs.

    Parameters
    ----------
    game : Game
    count : int
        How many at most.

    Returns
    -------
    list of OddSignal
        The farthest outside first, measured in widths of the healthy range.
    """
    odd = []
    for name in RUN_SIGNALS:
        value = game.signals[name]
        if not np.isfinite(value) or game.usual(name, value):
            continue
        low, high = game.healthy_range(name)
        odd.append((max(low - value, value - high) / max(high - low, 1e-3), OddSignal(name, value, low, high)))
    return [signal for _, signal in sorted(odd, key=lambda item: (-item[0], item[1].name))[:count]]


def sheet(game: Game) -> str:
    """Return the case sheet as text: what is odd about the run, which probes were asked, what was expected and seen.

    The truth and the tool's diagnosis are on it only after the answer.

    Parameters
    ----------
    game : Game

    Returns
    -------
    str
    """
    odd, measured = odd_signals(game, len(RUN_SIGNALS)), [n for n in RUN_SIGNALS if np.isfinite(game.signals[n])]
    lines = [
        game.setting,
        f"{len(odd)} of {len(measured)} numbers of the run are outside the middle 9/10 of healthy runs",
    ]
    lines += ["the farthest outside:"] if odd else []
    for name, value, _, _ in odd[:6]:
        lines += _wrapped(_with_range(game, name, value))
    for entry in game.log:
        saw = "odd" if entry.odd else "normal"
        note = "as expected" if entry.predicted == saw else "a surprise" if entry.predicted else "nothing expected"
        lines.append(f"{entry.probe}: {saw}, {note}; {entry.bits:.1f} bits at a price of {entry.cost:g}")
        outside = [name for name, value in entry.outcome.items() if not game.usual(name, value)]
        for name in (outside or list(entry.outcome))[:4]:
            lines += _wrapped(_with_range(game, name, entry.outcome[name]))
    if game.debrief is None:
        lines.append(f"open: {game.spent:g} of {game.budget:g} steps spent; the truth stays hidden until you answer")
    else:
        lines += _ending(game, game.debrief)
    return "\n".join(lines)


def all_numbers(game: Game) -> str:
    """Return all numbers that were seen of a case, those of the probes that were asked among them, with their ranges.

    Parameters
    ----------
    game : Game

    Returns
    -------
    str
        A line for each; the odd ones are marked.
    """
    lines = []
    for name, value in game.signals.items():
        mark = "  " if game.usual(name, value) else "* "
        lines += textwrap.wrap(mark + _with_range(game, name, value), 96, subsequent_indent="        ")
    return "\n".join(lines)


def _with_range(game: Game, name: str, value: float) -> str:
    low, high = game.healthy_range(name)
    return f"{name} {value:.2f}, healthy {low:.2f} to {high:.2f}: {described(name)}"


def _ending(game: Game, end: Debrief) -> list[str]:
    """Return the lines of a sheet that come after the answer."""
    lines = [
        f"you said {end.committed}; it is {end.truth}: {'right' if end.right else 'wrong'}",
        f"score {round(end.score)}: belief {round(end.belief_points)}, probes {round(end.probe_points)}, "
        f"answer {round(end.answer_points)}; {end.predictions[0]} of {end.predictions[1]} predictions right",
        "  you  tool, from the same evidence",
    ]
    tool = {cause.name: cause.probability for cause in end.tool.causes}
    mine = sorted(game.belief, key=lambda name: -game.belief[name])[:3]
    for name in dict.fromkeys([*mine, *(cause.name for cause in end.tool.causes[:3])]):
        if max(game.belief.get(name, 0), tool.get(name, 0)) < 0.01:
            continue
        yours = f"{game.belief[name]:5.0%}" if name in game.belief else "    -"
        lines.append(f"{yours} {tool.get(name, 0):5.0%}  {name}")
    for evidence in end.tool.causes[0].evidence_for[:2]:
        lines.append(f"    the tool leans on {evidence.signal} {evidence.observed:.2f} ({evidence.nats:+.1f} nats)")
    if end.mechanism:
        lines += [f"what was done: {end.mechanism}", f"repair: {end.fix}"]
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 96, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False)
