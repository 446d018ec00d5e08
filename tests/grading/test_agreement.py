"""The verdict from outside is the one that the learner saw: a sample; `make grader-agreement` compares all answers."""

import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "checks"))

import agreement  # noqa: E402
import make_seeds  # noqa: E402

from nsputil.checks import bank  # noqa: E402
from nsputil.checks.code_exercise import CodeExercise  # noqa: E402
from nsputil.checks.runner import Outcome  # noqa: E402
from nsputil.grading import seeds  # noqa: E402
from nsputil.grading.box import PlainRoom  # noqa: E402
from nsputil.grading.judging import judge_answer  # noqa: E402
from nsputil.grading.limits import Limits  # noqa: E402
from nsputil.grading.wire import decode, encode  # noqa: E402

#: With plain arguments, with functions and a model as arguments, with records, with a normal form.
NAMES = ("batch_loss", "cheapest_announcement", "order_known", "audit", "order_by_loss", "blind_classes")


def test_functions_are_judged_alike_inside_and_outside():
    listed = [row for row in agreement.answers() if row[0] in NAMES and row[1] == "mutants"][::5]
    assert {row[0] for row in listed} == set(NAMES) and len(listed) > 12
    sources = list(dict.fromkeys(row[2][0] for row in listed))
    with PlainRoom(Limits()) as room, room.open() as box:
        number = 0
        for name, _, (source, pick), value in sorted(listed, key=lambda row: sources.index(row[2][0])):
            for cell in (source, pick):
                box.ask("read", 20, sources=[cell])
                assert box.ask("run", 60, cell=number)["problem"] == ""
                number += 1
            exercise = bank.exercises()[name]
            visible = exercise.judge(value, 1)
            found = box.ask("look", 20, name=name)
            assert judge_answer(box, exercise, name, found, (1,), room.limits)[0] == visible, pick


def test_right_answers_pass_on_seeds_of_the_pool():
    functions = make_seeds.right_functions(part=30)
    assert len(functions) > 150
    for seed in seeds.pool()[::30]:
        assert make_seeds.refused(functions, seed) == []


ODD = [
    None,
    True,
    -1,
    10**1000,
    1e308,
    float("inf"),
    "\x00",
    [],
    [[1], [1, 2]],
    {},
    {1: 2},
    {None: [1]},
    {1, "a"},
    Fraction(1, 3),
    Decimal("Infinity"),
    ...,
    np.zeros((0, 3)),
    np.array([1, None, "x"], dtype=object),
    np.float16(6e4),
    np.zeros((50, 50)),
    lambda x: x,
    object(),
    [object()],
    list(range(1000)),
    [10**400, 0.5],
    complex(1, 2),
    [1, "a"],
    (["a"], [1], [2]),
]


@pytest.mark.parametrize("number", range(len(ODD)), ids=lambda k: f"{k}-{type(ODD[k]).__name__}")
def test_the_judge_survives_every_plain_value(number):
    """Whatever crosses the wall has a verdict and raises nothing, in every fourth exercise."""
    value = decode(encode(ODD[number]))
    with np.errstate(all="ignore"):
        for exercise in list(bank.exercises().values())[number % 4 :: 4]:
            assert exercise.judge(value).state
            if isinstance(exercise, CodeExercise):
                cases, expected = exercise.inputs(1)
                values = [outcome.value for outcome in expected]
                for found in ([value] * len(cases), [*values[:-1], value]):
                    made = [exercise.normal_form(v, c.args) if exercise.normal_form else v
                            for v, c in zip(found, cases, strict=True)]  # fmt: skip
                    assert exercise.verdict(cases, [Outcome(v) for v in made], expected).state
