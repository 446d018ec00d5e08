"""Every exercise of the bank: its reference passes, its mistakes can be told apart, right answers in any style pass."""

import itertools
from dataclasses import replace
from pathlib import Path

import mutation
import numpy as np
import pytest

from nsputil import checks
from nsputil.checks import bank
from nsputil.checks.code_exercise import CodeExercise
from nsputil.checks.misconceptions import COMMON
from nsputil.checks.number_exercise import NumberExercise
from nsputil.checks.text_exercise import TextExercise
from nsputil.checks.verdict import NOT_DONE, RIGHT, WRONG

ALL = list(bank.exercises().values())
CODE = [exercise for exercise in ALL if isinstance(exercise, CodeExercise)]
NUMBERS = [exercise for exercise in ALL if isinstance(exercise, NumberExercise)]
CHOICES = [exercise for exercise in ALL if hasattr(exercise, "options")]
TEXTS = [exercise for exercise in ALL if isinstance(exercise, TextExercise)]
ALWAYS = mutation.ALWAYS
RIGHT_ANSWERS, WRONG_ANSWERS = mutation.answers("RIGHT"), mutation.answers("WRONG")


def named(exercise):
    return exercise.name


@pytest.mark.parametrize("exercise", CODE, ids=named)
def test_the_reference_passes_whatever_is_drawn(exercise):
    for seed in range(10):
        cases = exercise.cases_of([seed])
        outcomes = exercise.expected(cases)
        assert exercise.verdict(cases, outcomes, outcomes).state == RIGHT, seed
    assert exercise.judge(exercise.reference).mistake == "package_called"  # it is no learner's own answer


@pytest.mark.parametrize("exercise", CODE, ids=named)
def test_every_misconception_gets_its_own_message_whatever_is_drawn(exercise):
    """So each differs from the reference and from those listed before it."""
    for seed, idea in itertools.product(range(5), exercise.misconceptions):
        for answer in idea.answers:
            verdict = exercise.judge(answer, seed)
            assert (verdict.state, verdict.mistake) == (WRONG, idea.name), (seed, idea.name, verdict)


@pytest.mark.parametrize("exercise", CODE, ids=named)
def test_the_order_of_the_misconceptions_does_not_matter(exercise):
    """The test above has them in one order, this one in the other, so each of a pair comes first once."""
    turned = replace(exercise, misconceptions=exercise.misconceptions[::-1])
    for idea in turned.misconceptions:
        assert [turned.judge(answer).mistake for answer in idea.answers] == [idea.name] * len(idea.answers)


@pytest.mark.parametrize("exercise", CODE, ids=named)
def test_right_answers_of_three_styles_pass(exercise):
    styles = RIGHT_ANSWERS.get(exercise.name, [])
    assert len(styles) >= 3, f"tests/checks/mutants has {len(styles)} right answers for {exercise.name}"
    for number, answer in enumerate(styles):
        for seed in (0, 1, 2):
            verdict = exercise.judge(answer, seed)
            assert verdict.state == RIGHT, (number, verdict)


@pytest.mark.parametrize("exercise", CODE, ids=named)
def test_wrong_answers_fail_with_their_own_message(exercise):
    wrong = WRONG_ANSWERS.get(exercise.name, [])
    assert len(wrong) >= 6, f"tests/checks/mutants has {len(wrong)} wrong answers for {exercise.name}"
    named_ideas = {idea.name for idea in exercise.misconceptions} | ALWAYS
    assert {embodies for embodies, _ in wrong} - {""} <= named_ideas
    for seed in (0, 1):
        rows = [row for row in mutation.rows(seed) if row.exercise == exercise.name]
        assert not [row for row in rows if row.passed]
        assert not [row for row in rows if row.misleading]


def test_at_least_85_percent_of_listed_mistakes_are_recognized():
    listed = [row for row in mutation.rows() if row.embodies]
    assert sum(row.recognized for row in listed) >= 0.85 * len(listed), mutation.table(mutation.rows())


@pytest.mark.parametrize("exercise", CODE, ids=named)
def test_no_message_shows_a_whole_array(exercise):
    right = RIGHT_ANSWERS[exercise.name][0]

    def nearly(*args):
        value = right(*args)
        return value * 1.5 if isinstance(value, np.ndarray | float) else value

    shown = [exercise.judge(answer).text(exercise.name) for _, answer in WRONG_ANSWERS[exercise.name]]
    shown.append(exercise.judge(nearly).text(exercise.name))
    assert max(map(len, shown)) < 600


@pytest.mark.parametrize("exercise", NUMBERS, ids=named)
def test_numbers(exercise):
    assert exercise.judge(exercise.value).state == RIGHT
    assert exercise.judge(None).state == NOT_DONE
    for idea in exercise.misconceptions:
        for answer in idea.answers:
            verdict = exercise.judge(answer)
            assert (verdict.state, verdict.mistake) == (WRONG, idea.name)
    for nonsense in ("0.2", [1, 2, 3, 4, 5, 6, 7], float("nan"), {}):
        assert exercise.judge(nonsense).state == WRONG


@pytest.mark.parametrize("exercise", CHOICES, ids=named)
def test_choices(exercise):
    right = exercise.right_letters()
    letters = "abcdefgh"[: len(exercise.options)]
    for size in range(1, len(letters) + 1):
        for chosen in itertools.combinations(letters, size):
            state = exercise.judge("".join(chosen)).state
            assert state == (RIGHT if "".join(chosen) == right else WRONG)
    assert exercise.judge(None).state == NOT_DONE
    assert exercise.judge("z").mistake == "letters" and exercise.judge(1).mistake == "type"
    assert len({option.feedback for option in exercise.options}) == len(exercise.options)
    assert all(option.feedback for option in exercise.options)


@pytest.mark.parametrize("exercise", TEXTS, ids=named)
def test_texts(exercise):
    assert exercise.judge("").state == NOT_DONE
    assert exercise.judge("no idea").mistake == "short"
    assert exercise.judge("word " * exercise.words).mistake.startswith("point_")
    assert all(point.question for point in exercise.rubric)
    assert len(exercise.rubric) == exercise.points, "one point of the rubric, one point of the grade"


@pytest.mark.parametrize("exercise", ALL, ids=named)
def test_every_exercise_is_complete(exercise):
    assert exercise.name.isidentifier() and exercise.minutes > 0 and exercise.objectives
    assert len(set(exercise.hints)) == 3 and all(exercise.hints) and exercise.takeaway
    assert exercise.name not in checks.__all__ and not (Path(checks.__file__).parent / f"{exercise.name}.py").exists()


def test_common_misconceptions_say_something_and_ask_something():
    assert all(message and question.endswith("?") for message, question in COMMON.values())
