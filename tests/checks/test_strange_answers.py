"""Answers that nobody should give: huge, endless, broken or sly. Each gets a verdict, none raises, none is right."""

import builtins
import itertools
import sys

import numpy as np
import pytest

from nsputil import checks
from nsputil.checks import bank
from nsputil.checks.verdict import RIGHT, WRONG


class BrokenArray:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no")


class BrokenShape:
    @property
    def shape(self):
        raise RuntimeError("no")


class BrokenLength(list):
    def __len__(self):
        raise RuntimeError("no")


class EqualsAll(float):
    __hash__ = float.__hash__

    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__


class SaysYes(str):
    __hash__ = str.__hash__

    def __eq__(self, other):
        return True


SELF = []
SELF.append(SELF)
STRANGE = {
    "a view of eight terabytes": np.broadcast_to(0.0, (10**6, 10**6)),
    "a list in itself": SELF,
    "no end": itertools.count(),
    "no array": BrokenArray(),
    "no shape": BrokenShape(),
    "no length": BrokenLength(),
    "a number of 400 digits": 10**400,
    "a list of such": [10**400],
    "ten million characters": "x" * 10**7,
    "complex": 1j,
    "NaN": float("nan"),
    "rows of unequal length": [[1], [1, 2]],
    "equals everything": EqualsAll(5.0),
    "a string that says yes": SaysYes("z"),
    "a module": np,
    "bytes": b"a",
}
EXERCISES = list(bank.exercises().values())


@pytest.mark.parametrize("strange", STRANGE)
def test_a_strange_answer_gets_a_short_verdict(strange):
    for exercise in EXERCISES:
        if not exercise.answer_is_function:
            verdict = exercise.judge(STRANGE[strange])
            assert verdict.state == WRONG and len(verdict.text(exercise.name)) < 600, exercise.name


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("name", ["batch_loss", "lay_out", "update_belief", "attention_weights", "blind_classes"])
def test_a_function_may_return_it(strange, name):
    exercise = bank.exercises()[name]
    verdict = exercise.judge(lambda *args: STRANGE[strange])
    assert verdict.state == WRONG and len(verdict.text(name)) < 600


def test_a_flood_of_errors_printed_is_stopped(capfd):
    def shout(*args):
        while True:
            print("x" * 1000, file=sys.stderr)

    assert checks.batch_loss.judge(shout).mistake == "output"
    assert len(capfd.readouterr().err) < 30_000


def test_a_comparison_bound_anew_does_not_make_a_wrong_answer_right(monkeypatch):
    monkeypatch.setattr(np, "allclose", lambda *args, **kwargs: True)
    monkeypatch.setattr(np, "isclose", lambda *args, **kwargs: np.array(True))
    assert checks.batch_loss.judge(lambda *args: 5.0).state == WRONG
    assert checks.loss_of_08.judge(5.0).state == WRONG


@pytest.mark.parametrize("name", ["abs", "isnan", "isfinite", "asarray", "log", "exp", "argwhere"])
def test_a_function_of_numpy_bound_again_does_not_either(monkeypatch, name):
    broken = lambda *args, **kwargs: np.float64(0.0)  # noqa: E731
    monkeypatch.setattr(np, name, broken)
    assert checks.batch_loss.judge(lambda *args: 5.0).state == WRONG
    assert getattr(np, name) is broken, "the learner's own is given back"


def test_nor_does_one_of_python(monkeypatch):
    for name, broken in {"all": lambda x: True, "any": lambda x: False, "zip": lambda *x, **k: []}.items():
        with monkeypatch.context() as patch:
            patch.setattr(builtins, name, broken)
            verdict = checks.batch_loss.judge(lambda *args: 5.0)
        assert verdict.state == WRONG


def test_tab_shows_no_answer():
    for name in ("batch_loss", "which_task", "loss_of_08", "worse_than_chance"):
        check = getattr(checks, name)
        hidden = {"reference", "value", "right_letters", "misconceptions", "options", "rubric", "model", "also_right"}
        assert not hidden & {*dir(check), *dir(type(check))}
        assert not [word for word in hidden if hasattr(check, word)]


def test_a_text_of_a_million_words_is_refused_at_once():
    verdict = checks.missing_evidence.judge("word " * 10**6)
    assert verdict.mistake == "long" and verdict.state != RIGHT


def test_exit_and_too_much_memory_end_the_call_and_not_the_notebook():
    assert "SystemExit" in checks.batch_loss.judge(lambda *args: sys.exit()).message
    assert checks.batch_loss.judge(lambda *args: [0] * 10**15).mistake == "exception"


def test_an_endless_recursion_is_told_as_such_and_not_as_a_call_of_the_package():
    def batch_loss(logits, labels):
        return batch_loss(logits, labels)

    verdict = checks.batch_loss.judge(batch_loss)
    assert (verdict.state, verdict.mistake) == ("not yet", "exception")
    assert "recursion" in verdict.message.lower()
