"""The game: its rules, and a proper score."""

import numpy as np
import pytest

from nsputil.clinic.answers import HEALTHY, UNKNOWN
from nsputil.clinic.case_bank import bank
from nsputil.clinic.case_codes import decode, encode
from nsputil.clinic.game import Game


@pytest.fixture
def game():
    return Game(encode(int(bank().rows("test")[4])))


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


def test_a_wrong_and_sure_answer_costs_much(game):
    truth = bank().cases[decode(game.code)].cause
    wrong = next(c for c in game.belief if c != truth)
    game.believe({wrong: 1})
    assert game.commit(wrong).score < -50


def test_healthy_is_what_runs_without_any_fault_show(game):
    """A benign fault may shift a number: the sum of the loss starts at B ln 2."""
    low, high = game.healthy_range("loss.first")
    assert 0.5 < low < high < 1.5


def test_knowing_nothing_scores_zero_whether_the_cause_is_in_the_catalogue_or_not():
    for part in ("test", "outside"):
        game = Game(encode(int(bank().rows(part)[0])))
        assert game.commit(HEALTHY).belief_points == pytest.approx(0, abs=1e-9)


def test_none_of_these_can_be_believed_and_is_scored_like_any_cause():
    game = Game(encode(int(bank().rows("outside")[0])))
    game.believe({UNKNOWN: 1})
    end = game.commit(UNKNOWN)
    assert end.right and end.belief_points > 99
    other = Game(game.code)
    other.believe({HEALTHY: 1})
    assert other.commit(UNKNOWN).belief_points == -100


def test_a_wrong_answer_costs_points_whatever_it_is(game):
    wrong = next(c for c in game.belief if c not in (HEALTHY, bank().cases[decode(game.code)].cause))
    for answer in (HEALTHY, wrong, UNKNOWN):
        end = Game(game.code).commit(answer)
        assert end.answer_points == (0 if end.right else -25)


def test_a_stated_belief_is_kept_nearly_as_stated(game):
    game.believe({"prior-shift": 8, "class-weight-left": 1})
    assert game.belief["prior-shift"] == pytest.approx(8 / 9, abs=0.01)
    assert sum(game.belief.values()) == pytest.approx(1)


def test_predictions_do_not_change_the_score(game):
    scores = set()
    for predicted in ("odd", "normal", ""):
        other = Game(game.code)
        other.ask("weights", predicted)
        scores.add(other.commit(HEALTHY).score)
    assert len(scores) == 1


def test_the_setting_is_told_and_tells_no_fault(game):
    assert "batches of" in game.setting and "AdamW" in game.setting or "SGD" in game.setting
    assert bank().cases[decode(game.code)].cause not in game.setting
