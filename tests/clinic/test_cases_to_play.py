"""The twelve cases of notebook 10: the rules of play, and that nothing is told too early."""

import pytest

from nsputil.clinic.answers import HEALTHY, UNKNOWN
from nsputil.clinic.case_bank import bank
from nsputil.clinic.case_codes import decode
from nsputil.clinic.cases_to_play import KEYS, case_to_play, causes_of, odd_signals, play, sheet
from nsputil.clinic.faults import FAULTS
from nsputil.clinic.signals import RUN_SIGNALS

BELIEF = {"stuck-at-ln2": 2, HEALTHY: 1}


def case_of(number):
    return bank().cases[decode(case_to_play(number).code)]


def test_the_twelve_are_there_and_the_tool_never_learned_from_them():
    assert len(KEYS) == len(set(KEYS)) == 12
    assert all(case_of(number).part in ("test", "outside") for number in range(1, 13))


def test_healthy_ones_a_benign_one_and_an_unknown_one_are_among_them():
    found = [case_of(number) for number in range(1, 13)]
    assert sum(not case.faults for case in found) == 2
    assert sum(case.cause == HEALTHY and bool(case.faults) for case in found) == 1
    assert sum(case.part == "outside" for case in found) == 1
    groups = {FAULTS[case.faults[0]].group for case in found if case.faults}
    assert len(groups) >= 6


@pytest.mark.parametrize("number", [0, 13, "1", True, 1.0])
def test_no_other_case_is_in_the_ward(number):
    with pytest.raises(ValueError, match="expected a whole number from 1 to 12"):
        case_to_play(number)


def test_a_bank_without_the_case_is_named(monkeypatch):
    monkeypatch.setattr("nsputil.clinic.cases_to_play._rows", dict)
    with pytest.raises(ValueError, match="case 1 of the ward is not in the bank"):
        case_to_play(1)


@pytest.mark.parametrize("number", range(1, 13))
def test_nothing_of_the_truth_stands_on_the_sheet_before_the_answer(number):
    case = case_of(number)
    told = sheet(play(number, [BELIEF, ("look-at-rows", "odd"), BELIEF]))
    assert "the truth stays hidden" in told and "tool" not in told
    for name in case.faults:
        assert name not in told and FAULTS[name].mechanism not in told and case.name not in told


def test_the_sheet_after_the_answer_sets_the_tool_beside_the_player():
    told = sheet(play(1, [BELIEF, ("loss-unit-test", "odd"), {"double-softmax": 1}, "double-softmax"]))
    assert "right" in told and "1 of 1 predictions" in told and FAULTS["double-softmax"].fix in told
    line = next(line for line in told.splitlines() if line.endswith("double-softmax"))
    yours, tool = (int(cell.strip("%")) for cell in line.split()[:2])
    assert yours > 80 and tool > 80
    assert f"it is {UNKNOWN}" in sheet(play(12, [BELIEF, HEALTHY]))


def test_a_group_shares_its_weight():
    game = play(1, [{"memorises": 3, HEALTHY: 1}])
    members = causes_of("memorises")
    assert len({game.belief[cause] for cause in members}) == 1
    floor = game.belief["one-label"]
    assert sum(game.belief[c] - floor for c in members) == pytest.approx(3 * (game.belief[HEALTHY] - floor))


@pytest.mark.parametrize(
    "moves, message",
    [
        ([("weights", "odd")], "a belief first"),
        ([BELIEF, ("weights", "odd"), HEALTHY], "move 3 is 'healthy'; expected a belief first"),
        ([BELIEF, ("weights",)], "a probe with a prediction"),
        ([BELIEF, ("weights", "")], "a probe with a prediction"),
        ([BELIEF, 3], "a probe with a prediction"),
        ([BELIEF, HEALTHY, BELIEF], "the last move"),
        ([BELIEF, ("no-such", "odd")], "no probe"),
        ([{"no-such": 1}], "no cause"),
    ],
)
def test_moves_against_the_rules_are_named(moves, message):
    with pytest.raises(ValueError, match=message):
        play(5, moves)


def test_odd_signals_are_of_the_run_and_lie_outside():
    game = play(6, [BELIEF, ("weights", "odd")])
    found = odd_signals(game)
    assert found and {name for name, *_ in found} <= set(RUN_SIGNALS)
    assert all(not low <= value <= high for _, value, low, high in found)
    assert len(odd_signals(game, count=2)) == 2
