"""The ward: the twelve unknown runs of notebook 10, and a way to play one from a list of moves.

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
from functools import cache
from hashlib import sha256

import numpy as np

from nsputil.clinic.cases import bank
from nsputil.clinic.game import Game, encode
from nsputil.clinic.probes import SIGNAL_NOTES
from nsputil.clinic.signals import SIGNALS

#: Easy ones first. A key outlives a new bank, and does not tell the answer to who reads it here.
KEYS = (
    "01245b62", "de6c2dd8", "8be83e5d", "7e7ce54c", "4a7a30a4", "ca55ceaa",
    "fb5dfff4", "466b25b1", "700cd268", "9fca124b", "c213ec58", "b3bd2c21",
)  # fmt: skip


def key(case):
    """Return the key of a `nsputil.clinic.cases.Case`: it depends on the case's name alone."""
    return sha256(case.name.encode()).hexdigest()[:8]


def ward(number):
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
        raise ValueError(f"case {number} of the ward is not in the bank; was it made anew with other cases?")
    return Game(encode(_rows()[KEYS[number - 1]]))


@cache
def _rows():
    return {key(case): row for row, case in enumerate(bank().cases)}


def causes_of(group):
    """Return the causes of a look-alike group of the bank."""
    return tuple(cause for cause, its in bank().groups.items() if its == group)


def play(number, moves):
    """Play a case of the ward from a list of moves.

    Parameters
    ----------
    number : int
        1 to 12.
    moves : list
        In turn: a belief, a dict from names of causes to weights, where the name of a group stands for all its causes
        alike; a probe with what is expected of it, ``(name, "odd")`` or ``(name, "normal")``; and last an answer, the
        name of a cause, "healthy" or "none of these". An empty list leaves the case as it is.

    Returns
    -------
    Game

    Raises
    ------
    ValueError
        If a probe or an answer comes without a belief before it, a probe without a prediction, or anything that `Game`
        refuses.
    """
    game, believed = ward(number), False
    for place, move in enumerate(moves, 1):
        if isinstance(move, dict):
            game.believe(_spread(move))
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


def _spread(weights):
    """Replace each name of a group by its causes, its weight in equal parts."""
    spread = {}
    for name, weight in weights.items():
        members = causes_of(name) or (name,)
        for cause in members:
            spread[cause] = spread.get(cause, 0) + weight / len(members)
    return spread


def odd_signals(game, most=6):
    """Return the numbers of the run that fall outside the middle nine tenths of healthy runs.

    Parameters
    ----------
    game : Game
    most : int

    Returns
    -------
    list of (str, float, float, float)
        Name, value, and the ends of the healthy range; the farthest outside, measured in widths of it, first.
    """
    found = []
    for name in SIGNALS:  # of the run alone: what probes say stands with the probes
        value = game.signals[name]
        if not np.isfinite(value) or game.usual(name, value):
            continue
        low, high = game.healthy_range(name)
        found.append((max(low - value, value - high) / max(high - low, 1e-3), name, value, low, high))
    return [item[1:] for item in sorted(found, key=lambda item: (-item[0], item[1]))[:most]]


def sheet(game):
    """Return the case sheet as text: what is odd about the run, what was asked, expected and seen.

    After the answer the truth and the tool's diagnosis follow; nothing of them stands in it before.

    Parameters
    ----------
    game : Game

    Returns
    -------
    str
    """
    odd = odd_signals(game)
    lines = ["outside what healthy runs show:" if odd else "nothing outside what healthy runs show"]
    for name, value, low, high in odd:
        lines += _wrapped(f"{name} {value:.2f}, healthy {low:.2f} to {high:.2f}: {_meaning(name)}")
    for entry in game.log:
        saw = "odd" if entry.odd else "normal"
        note = "as expected" if entry.predicted == saw else "a surprise" if entry.predicted else "nothing expected"
        lines.append(f"{entry.probe}: {saw}, {note}; {entry.bits:.1f} bits at a price of {entry.cost:g}")
        strange = [(name, value) for name, value in entry.outcome.items() if not game.usual(name, value)]
        for name, value in strange[:4]:
            lines += _wrapped(f"{name} {value:.2f}: {_meaning(name)}")
    if game.debrief is None:
        lines.append(f"open: {game.spent:g} of {game.budget:g} steps spent; the truth stays hidden until you answer")
    else:
        lines += _ending(game)
    return "\n".join(lines)


def _ending(game):
    """The lines of a sheet that come after the answer."""
    end = game.debrief
    lines = [
        f"you said {end.committed}; it is {end.truth}: {'right' if end.right else 'wrong'}",
        f"score {round(end.score)}: belief {round(end.belief_points)}, probes {round(end.probe_points)}, "
        f"repair {round(end.repair_points)}; {end.predictions[0]} of {end.predictions[1]} predictions right",
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


def _meaning(signal):
    unit, text = (SIGNALS[signal].unit, SIGNALS[signal].meaning) if signal in SIGNALS else SIGNAL_NOTES[signal][:2]
    return f"log10 of: {text}" if unit == "log10" else text


def _wrapped(text):
    return textwrap.wrap(text, 96, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False)
