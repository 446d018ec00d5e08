"""Simulated players come out in the order of their skill."""

import numpy as np

from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.case_bank import bank
from nsputil.clinic.case_codes import encode
from nsputil.clinic.cases_to_play import case_to_play
from nsputil.clinic.players import CHECKLIST, PLAYERS, play_with


def test_players_come_out_in_the_order_of_their_skill():
    assert list(PLAYERS) == ["random", "always the learning rate", "checklist", "most bits a step"]
    rows = [int(r) for r in bank().rows("test") if bank().cases[r].cause != HEALTHY][::8]
    score = {
        name: float(np.mean([play_with(encode(row), player).score for row in rows])) for name, player in PLAYERS.items()
    }
    assert list(score.values()) == sorted(score.values()), score


def test_a_player_asks_and_answers_in_its_own_way():
    game, rng = case_to_play(1), np.random.default_rng(0)
    assert PLAYERS["random"].answer(game) in game.belief and PLAYERS["random"].choose(game, rng) in game.probes
    assert PLAYERS["always the learning rate"].choose(game, rng) is None
    asked = []
    while (name := PLAYERS["checklist"].choose(game, rng)) is not None:
        game.ask(name)
        asked.append(name)
    assert tuple(asked) == CHECKLIST
