"""The game: codes, rules, a proper score, progress that survives, and players in the order of their skill."""

import numpy as np
import pytest

from nsputil.clinic.cases import HEALTHY, bank
from nsputil.clinic.game import Game, Progress, at_random, checklist, decode, encode, greedy, play_with


@pytest.fixture
def game():
    return Game(encode(int(bank().rows("test")[4])))


def test_codes_go_there_and_back():
    for row in (0, 1, 31, 32, 700):
        assert decode(encode(row)) == row
    assert decode(encode(5).lower()) == 5


@pytest.mark.parametrize("code, message", [("U1", "no case code"), ("", "no case code"), ("ZZZZ", "there is no case")])
def test_bad_codes_are_named(code, message):
    with pytest.raises(ValueError, match=message):
        decode(code)


def test_asking_costs_teaches_and_is_logged(game):
    name, cost = next(iter(game.probes.items()))
    entry = game.ask(name, predict="odd")
    assert game.spent == cost and game.log == [entry] and name not in game.probes
    assert entry.bits >= 0 and entry.best >= entry.expected
    with pytest.raises(ValueError, match="asked already"):
        game.ask(name)


def test_the_budget_holds(game):
    game.budget = 0.5
    with pytest.raises(ValueError, match="commit an answer"):
        game.ask(next(iter(game.probes)))


@pytest.mark.parametrize("weights", [{"no-such": 1}, {HEALTHY: -1}, {HEALTHY: 0}])
def test_bad_beliefs_are_refused(game, weights):
    with pytest.raises(ValueError):
        game.believe(weights)


def test_an_honest_belief_scores_best_in_the_mean():
    """The belief part is a logarithmic score: over what may be true, the mean is best for the belief that is held."""
    game = Game(encode(int(bank().rows("test")[0])))
    causes = list(game.belief)[:2]
    held = np.array([0.7, 0.3])

    def mean(stated):
        game.believe(dict(zip(causes, stated, strict=True)))
        return sum(h * np.log(game.belief[c]) for h, c in zip(held, causes, strict=True))

    honest = mean(held)
    assert all(mean(np.array([p, 1 - p])) < honest for p in (0.5, 0.6, 0.8, 0.95))


def test_right_and_sure_is_worth_more_than_right_and_undecided(game):
    other = Game(game.code)
    truth = bank().cases[decode(game.code)].cause
    game.believe({truth: 1})
    sure, vague = game.commit(truth), other.commit(truth)
    assert sure.right and vague.right and sure.score > 90 > vague.score
    with pytest.raises(ValueError, match="over"):
        game.commit(truth)


def test_a_wrong_and_sure_answer_is_dear(game):
    truth = bank().cases[decode(game.code)].cause
    wrong = next(c for c in game.belief if c != truth)
    game.believe({wrong: 1})
    assert game.commit(wrong).score < -50


def test_progress_is_kept_and_a_damaged_file_is_set_aside(tmp_path, game):
    path = tmp_path / "progress.json"
    game.commit(HEALTHY)
    Progress(path).add(game)
    assert Progress(path).played[0]["code"] == game.code
    path.write_text("{")
    assert Progress(path).played == [] and (tmp_path / "progress.damaged").exists()


def test_confused_groups_come_more_often(tmp_path):
    progress = Progress()
    groups = sorted(set(bank().groups.values()))
    progress.played = [{"group": groups[0], "answered": groups[1], "right": False}] * 8
    assert progress.need(groups[0]) > 0.8 > progress.need(groups[2]) == 0.5
    dealt = [Game.deal(np.random.default_rng(k), progress=progress) for k in range(40)]
    assert len({g.code for g in dealt}) > 15


def always_the_rate(game, rng):
    """A player who asks nothing, since it is always the learning rate."""
    return None


always_the_rate.answer = lambda game: "learning-rate-too-high"


def test_players_come_out_in_the_order_of_their_skill():
    rows = bank().rows("test")
    rows = [int(r) for r in rows if bank().cases[r].cause != HEALTHY][::8]
    score = {}
    for name, policy in (("guess", guess), ("rate", always_the_rate), ("list", checklist), ("greedy", greedy)):
        score[name] = float(np.mean([play_with(encode(row), policy).score for row in rows]))
    assert score["guess"] < score["rate"] < score["list"] < score["greedy"], score


def guess(game, rng):
    """A player who asks anything and answers anything."""
    return at_random(game, rng)


guess.answer = lambda game: sorted(game.belief)[decode(game.code) % len(game.belief)]


def test_healthy_is_what_runs_without_any_fault_show(game):
    """A benign fault may shift a number: the sum of the loss starts at B ln 2."""
    low, high = game.healthy_range("loss.first")
    assert 0.5 < low < high < 1.5
