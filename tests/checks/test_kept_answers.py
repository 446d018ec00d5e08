"""Right answers in other forms are right, wrong ones are not, and small changes to a solution are caught."""

import cheats
import kept_answers
import mutation
import pytest
import small_changes

from nsputil.checks import bank
from nsputil.checks.verdict import COMPARED, NOT_DONE, RIGHT, WRONG

RIGHT_ANSWERS = kept_answers.answers("right")
NAMES = [name for name, exercise in bank.exercises().items() if not exercise.graded_by_hand]


def test_there_are_many_of_every_exercise():
    assert len(RIGHT_ANSWERS) >= 600
    assert all(sum(answer.name == name for answer in RIGHT_ANSWERS) >= 8 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_right_answer_is_right_in_any_form(name):
    refused = []
    for answer in RIGHT_ANSWERS:
        if answer.name == name:
            verdict = bank.exercises()[name].judge(answer.value())
            if verdict.state != RIGHT:
                refused.append((answer.what, verdict.message))
    assert refused == []


def test_no_wrong_answer_is_right():
    wrong = kept_answers.answers("wrong")
    judged = [(answer, bank.exercises()[answer.name].judge(answer.value()).state) for answer in wrong]
    assert [(answer.name, answer.what) for answer, state in judged if state in (RIGHT, COMPARED)] == []


def test_nine_in_ten_wrong_answers_hear_their_own_mistake():
    wrong = kept_answers.answers("wrong")
    mistakes = [bank.exercises()[answer.name].judge(answer.value()) for answer in wrong]
    named = sum(v.state == NOT_DONE or v.mistake not in mutation.UNNAMED for v in mistakes)
    assert named >= 0.9 * len(wrong)


def test_the_points_of_a_text_are_found():
    points, agreeing = kept_answers.points_of_texts()
    assert points > 500 and agreeing >= 0.85 * points


def test_no_text_is_called_right():
    states = {bank.exercises()[a.name].judge(a.value()).state for a in kept_answers.answers("text")}
    assert states == {COMPARED, WRONG}


SAMPLE = [cheat for cheat in cheats.CHEATS if cheats.BEYOND not in cheat[1]][::12]


@pytest.mark.parametrize("cheat", SAMPLE, ids=lambda cheat: cheat[1])
def test_a_cheat_does_not_pass(cheat):
    """A sample, each in a process of its own; `make checks-report` runs all sixty."""
    name, what, cell = cheat
    assert cheats.outcome(name, cell) != RIGHT, what


def test_small_changes_to_the_solutions_are_caught():
    """A sample; `make checks-report` runs all."""
    names = ("share_odd", "batch_report", "next_probe", "honest_baseline", "came_true")
    tallies = small_changes.all_tallies(names)
    assert sum(t.changes for t in tallies.values()) > 100
    assert [line for t in tallies.values() for line in t.survivors] == []
