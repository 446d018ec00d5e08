"""Whatever a learner's function does, the check says so kindly and the notebook goes on."""

import os
import sys
import threading
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from nsputil import checks
from nsputil.checks import runner
from nsputil.checks.values import compare, describe, difference
from nsputil.checks.verdict import NOT_DONE, WRONG
from nsputil.losses import nsp_loss

METHODS = ["thread", "trace"] + (["signal"] if runner.limit_method() == "signal" else [])


def endless(x):
    while True:
        x = x + 1


def stubborn(x):
    while True:
        try:
            x = x + 1
        except Exception:
            pass


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", [endless, stubborn])
def test_an_endless_loop_is_stopped(function, method):
    start = time.process_time()
    assert runner.call(function, (1.0,), seconds=0.2, method=method).problem == "time"
    assert time.process_time() - start < 2


def swallows(x):
    while True:
        try:
            x = x + 1
        except:  # noqa: E722, what learners write
            x = 0


def swallows_in_a_helper(x):
    def step(x):
        try:
            return x + 1
        except BaseException:
            return 0

    while True:
        try:
            x = step(x)
        except:  # noqa: E722
            continue


@pytest.mark.skipif("signal" not in METHODS, reason="only the signal can raise where nothing catches")
@pytest.mark.parametrize("function", [swallows, swallows_in_a_helper])
def test_a_loop_that_swallows_everything_is_stopped(function):
    trace, start = sys.gettrace(), time.process_time()
    assert runner.call(function, (1.0,), seconds=0.2).problem == "time"
    assert time.process_time() - start < 2 and sys.gettrace() is trace


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_behind_by_a_limit(method):
    trace, threads = sys.gettrace(), threading.active_count()
    for _ in range(20):
        assert runner.call(lambda x: x + 1, (1,), seconds=0.05, method=method).value == 2
    time.sleep(0.15)
    assert sys.gettrace() is trace and threading.active_count() == threads


@pytest.mark.parametrize("method", METHODS)
def test_waiting_is_stopped_by_the_clock_and_later_than_computing(method):
    def waits(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.01)

    assert runner.call(waits, (0.15,), seconds=0.1, method=method).problem == ""
    assert runner.call(waits, (60,), seconds=0.1, method=method).problem == "waiting"


def test_outside_the_main_thread_a_limit_works_too():
    found = []
    thread = threading.Thread(target=lambda: found.append(runner.call(endless, (1.0,), seconds=0.2)))
    thread.start()
    thread.join(10)
    assert found[0].problem == "time"


def test_where_there_are_neither_signals_nor_threads_the_clock_is_read(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert runner.limit_method() == "trace"


def test_a_flood_of_output_is_stopped_and_a_little_is_kept():
    def floods():
        while True:
            print("x" * 100)

    assert runner.call(floods, ()).problem == "output"
    assert runner.call(lambda: print("here"), ()).printed == "here\n"


@pytest.mark.parametrize("ending", [lambda: sys.exit(), lambda: exit(3), lambda: 1 / 0, lambda: [][1]])
def test_no_ending_gets_through(ending):
    assert runner.call(ending, ()).problem in ("exception", "exit")


def test_an_error_is_told_with_its_line():
    def two_lines(x):
        y = x
        return y["no"]

    assert "IndexError" in runner.call(two_lines, (np.zeros(3),)).error
    assert "line 3 of two_lines" in runner.call(two_lines, (np.zeros(3),)).error
    assert len(runner.call(lambda: int("9" * 5000 + "x"), ()).error) < 400


def test_arguments_are_copies_and_a_change_is_seen():
    x = np.zeros(3)

    def writes(x):
        x += 1

    assert runner.call(writes, (x,)).changed and not x.any()
    assert not runner.call(lambda x: x + 1, (x,)).changed
    assert runner.call(lambda words: words.append("b"), (["a"],)).changed


@pytest.mark.parametrize(
    "source",
    ["...", "pass", "return None", '"""Doc."""\n    ...', '"""Doc."""\n    # Write your code here.\n    ...', "return"],
)
def test_stubs_are_recognized(source):
    space = {}
    exec(f"def f(x, y=2):\n    {source}\n", space)
    assert runner.is_stub(space["f"])


@pytest.mark.parametrize("source", ["x = 1", "return 0", "return x", "print(x)", "raise ValueError"])
def test_what_does_something_is_no_stub(source):
    space = {}
    exec(f"def f(x):\n    {source}\n", space)
    assert not runner.is_stub(space["f"])


SAID = {
    "None for a function": (None, NOT_DONE, ""),
    "no function": (3.0, WRONG, "not_a_function"),
    "endless": (endless, WRONG, "arguments"),
    "prints": (lambda logits, labels: print("0.2014"), WRONG, "type"),
    "a string": (lambda logits, labels: "0.2014", WRONG, "type"),
    "NaN": (lambda logits, labels: float("nan"), WRONG, "nan"),
    "shape": (lambda logits, labels: np.zeros((len(labels), 3)), WRONG, "shape"),
    "raises": (lambda logits, labels: logits[99], WRONG, "exception"),
    "huge": (lambda logits, labels: np.zeros(10**6), WRONG, "shape"),
    "wrong arguments": (lambda: 1, WRONG, "arguments"),
    "an unknown name": (lambda logits, labels: nobody, WRONG, "name"),  # noqa: F821
    "shapes that do not fit": (lambda logits, labels: np.ones(3) @ np.ones(4), WRONG, "shapes_do_not_fit"),
    "sleeps": (lambda logits, labels: time.sleep(100), WRONG, "waiting"),
    "asks": (lambda logits, labels: float(input("the loss?")), WRONG, "input"),
    "exits": (lambda logits, labels: exit(), WRONG, "exit"),
    "exits by sys": (lambda logits, labels: sys.exit(1), WRONG, "exit"),
    "exits by os": (lambda logits, labels: os._exit(1), WRONG, "exit"),
    "calls the package": (nsp_loss, WRONG, "package_called"),
    "calls it inside": (lambda logits, labels: float(nsp_loss(logits, labels)), WRONG, "package_called"),
    "not implemented": (lambda logits, labels: NotImplemented, WRONG, "type"),
    "ragged": (lambda logits, labels: [[1], [1, 2]], WRONG, "type"),
    "set": (lambda logits, labels: {1.0}, WRONG, "type"),
    "complex": (lambda logits, labels: 1 + 2j, WRONG, "type"),
}


@pytest.mark.parametrize("name", SAID)
def test_bad_answers_get_a_short_exact_message(name):
    answer, state, found = SAID[name]
    verdict = checks.batch_loss.judge(answer)
    assert (verdict.state, verdict.mistake) == (state, found), verdict
    assert 20 < len(verdict.text("batch_loss")) < 500


def test_endless_and_flooding_answers_are_told(monkeypatch):
    monkeypatch.setattr("nsputil.checks.code_exercise.call", lambda f, args, watch: runner.call(f, args, 0.2))

    def never(logits, labels):
        while labels is not None:
            logits = logits + 1

    def talks(logits, labels):
        while True:
            print("row " * 100)

    assert checks.batch_loss.judge(never).mistake == "time"
    assert checks.batch_loss.judge(talks).mistake == "output"


def test_a_right_answer_that_changes_its_input_is_told():
    def centers(logits, labels):
        logits -= logits.max(axis=1, keepdims=True)
        return -np.mean([np.log(np.exp(row)[k] / np.exp(row).sum()) for row, k in zip(logits, labels, strict=True)])

    assert checks.batch_loss.judge(centers).mistake == "mutates_input"


def test_values():
    assert difference(np.float32(0.5), 0.5) == "" and difference(np.array(0.5), 0.5) == ""
    assert difference([0.5, 1], (0.5, 1.0)) == "" and difference(np.array([0.5]), 0.5) == ""
    assert difference(True, 1) == "type" and difference("a", "a") == "" and difference("a", "b") == "value"
    assert difference({"a": 1}, {"a": 1.0}) == "" and difference({"b": 1}, {"a": 1}) == "shape"
    assert difference(float("nan"), 1.0) == "nan" and difference(float("nan"), float("nan")) == ""
    assert difference((["x"], [0]), (["x"], [0])) == "" and difference((["x"], [1]), (["x"], [0])) == "value"
    assert difference(1, True) == "type" and difference(np.bool_(True), True) == ""
    assert difference([0.5], 0.5) == "" and difference(Fraction(1, 2), 0.5) == difference(Decimal("0.5"), 0.5) == ""
    assert compare([1.0, 2.0], [1.0, 3.0]).where == "[1]" and "too small (1 of 2" in compare([1, 2.0], [1, 3]).text
    found = compare((["a"], "b", 0), (["a"], ["b"], 0))
    assert (found.where, found.text) == ("[1]", "is the string 'b'; expected a list of length 1")
    assert compare({"next": 1.0}, {"is_next": 1.0}).text.startswith("lacks the key 'is_next'; it has 'next'")
    assert (
        compare([True, False], [1, 0], integers=True).where == "[0]" and compare([1, 0], [1, 0], integers=True) is None
    )
    assert describe(np.zeros((2, 3))) == "an array of shape (2, 3)" and len(describe("x" * 999)) < 60
