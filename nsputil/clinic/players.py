"""Simulated players, from a guess to the most informative probe: what strategy alone is worth in the clinic.

`play_with` plays a case with one of them. Introduced in notebook 10.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from nsputil.clinic.case_codes import decode
from nsputil.clinic.game import Debrief, Game

CHECKLIST = ("loss-unit-test", "label-histogram", "look-at-rows", "overfit-eight")


@dataclass(frozen=True)
class Player:
    """A strategy.

    Attributes
    ----------
    choose : callable
        ``(game, rng) -> name of a probe``, or None to stop.
    answer : callable, optional
        ``(game) -> cause``; what the tool says if left out.
    """

    choose: Callable[[Game, Generator], str | None]
    answer: Callable[[Game], str] | None = None


def play_with(code: str, player: Player, max_probes: int = 4) -> Debrief:
    """Let a player play a case, believing what the tool believes or only the player's own answer.

    Parameters
    ----------
    code : str
        A case code.
    player : Player
    max_probes : int

    Returns
    -------
    Debrief
    """
    game, rng = Game(code), np.random.default_rng(decode(code))
    for _ in range(max_probes):
        name = player.choose(game, rng)
        if name is None or name not in game.probes or game.spent + game.probes[name] > game.budget:
            break
        game.ask(name)
    if player.answer is None:
        game.believe({c.name: c.probability for c in game.diagnosis.causes})
        return game.commit(game.diagnosis.answer)
    answer = player.answer(game)
    game.believe({answer: 1.0})
    return game.commit(answer)


def any_probe(game: Game, rng: Generator) -> str:
    """Choose any probe."""
    return str(rng.choice(sorted(game.probes)))


def any_cause(game: Game) -> str:
    """Answer any cause; the same for the same case."""
    return sorted(game.causes)[decode(game.code) % len(game.causes)]


def no_probe(game: Game, rng: Generator) -> None:
    """Choose no probe."""


def always_the_rate(game: Game) -> str:
    """Answer that it is the learning rate."""
    return "learning-rate-too-high"


def in_order(order: Sequence[str], game: Game, rng: Generator) -> str | None:
    """Choose the next probe of a list, whatever the outcomes were."""
    return next((name for name in order if name in game.probes), None)


def most_bits(game: Game, rng: Generator) -> str | None:
    """Choose the probe that promises most bits for its cost."""
    options = [o for o in game.diagnosis.next_probes if o.bits > 0.02 and game.spent + o.cost <= game.budget]
    if game.diagnosis.causes[0].probability > 0.95 or not options:
        return None
    return options[0].name


#: From the weakest to the strongest.
PLAYERS = {
    "random": Player(any_probe, any_cause),
    "always the learning rate": Player(no_probe, always_the_rate),
    "checklist": Player(partial(in_order, CHECKLIST)),
    "most bits a step": Player(most_bits),
}
