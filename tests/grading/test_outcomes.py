"""What a box says is judged as data: anything else is refused, and no class of a learner's comes into being here."""

import numpy as np
import pytest

from nsputil.checks import bank
from nsputil.checks.code_exercise import InputCase
from nsputil.grading import outcomes
from nsputil.grading.outcomes import Outside, cases_for_the_box, read_outcomes, verdict_on
from nsputil.grading.wire import WireError, decode, encode
from nsputil.tokenization import Vocabulary

EXERCISE = bank.exercises()["batch_loss"]


def said(value=0.5, **changed):
    usual = {"value": encode(value), "problem": "", "error": "", "exception": [], "printed": "", "changed": False}
    return usual | {"calls": []} | changed


def judged(make):
    cases, expected = EXERCISE.inputs(0)
    return verdict_on(EXERCISE, cases, expected, [make(outcome) for outcome in expected])


def test_right_values_are_right_and_wrong_ones_have_their_name():
    assert judged(lambda o: said(o.value)).state == "right"
    assert judged(lambda o: said(-o.value)).mistake == "wrong_sign"
    assert judged(lambda o: said(o.value, changed=True)).mistake == "mutates_input"
    assert judged(lambda o: said(o.value, calls=["nsp_loss"])).mistake == "package_called"
    raised = {"problem": "exception", "error": "NameError: x", "exception": ["NameError", "Exception", "BaseException"]}
    assert judged(lambda o: said(None, **raised)).mistake == "name"


def test_a_call_that_was_stopped_is_the_last():
    cases, expected = EXERCISE.inputs(0)
    assert verdict_on(EXERCISE, cases, expected, [said(None, problem="time")]).mistake == "time"
    for wrong in ([], [said()], [said(None, problem="time"), said()], [said()] * (len(cases) + 1), "x", None, {}):
        with pytest.raises(WireError):
            read_outcomes(EXERCISE, cases, wrong)


@pytest.mark.parametrize(
    "changed",
    [
        {"problem": "right"},
        {"problem": 1},
        {"error": None},
        {"printed": "x" * 30_000},
        {"exception": ["ValueError"]},
        {"problem": "exception"},
        {"exception": "ValueError", "problem": "exception"},
        {"calls": "nsp_loss"},
        {"calls": [1]},
        {"exception": [1], "problem": "exception"},
        {"value": ["x"]},
        {"value": {"a": 1}},
    ],
    ids=repr,
)
def test_what_an_outcome_cannot_be(changed):
    cases, _ = EXERCISE.inputs(0)
    with pytest.raises(WireError):
        read_outcomes(EXERCISE, cases[:1], [said() | changed])


def test_exceptions_are_found_by_name_or_made():
    kind = outcomes._exception
    assert kind(["ZeroDivisionError", "ArithmeticError"]) is ZeroDivisionError
    assert kind(["LinAlgError", "ValueError"]) is np.linalg.LinAlgError
    own = kind(["MyError", "KeyError", "LookupError"])
    assert own.__name__ == "MyError" and issubclass(own, KeyError) and own is not KeyError
    assert kind(["A\0\ud800<b>", "ValueError"]).__name__ == "A__<b>"
    assert kind(["print", "os"]) is Exception and kind([]) is None


NAMED = encode({})


class Model:
    def __init__(self):
        self.vocabulary, self.asked = Vocabulary(["yes"]), 0

    def predict(self, a, b):
        self.asked += 1
        return (a, b)


def handles():
    outside = Outside(3)
    case = InputCase((lambda x: 2 * x, Model(), [1.5], np.sqrt), "a case")
    return outside, cases_for_the_box([case], outside)


def test_functions_and_models_stay_outside():
    outside, (case,) = handles()
    assert case == [
        "t",
        [
            ["h", 0, "<lambda>", True, [], {}],
            ["h", 1, "Model", False, ["predict"], {"vocabulary": ["r", "Vocabulary", [["t", ["yes"]]]]}],
            ["l", [["f", "0x1.8000000000000p+0"]]],
            ["h", 2, "sqrt", True, [], {}],
        ],
    ]
    assert outside.answer(0, "", encode((3,)), NAMED) == {"answer": 6}
    assert outside.answer(1, "predict", encode(("a",)), encode({"b": "b"})) == {"answer": ["t", ["a", "b"]]}
    assert outside.answer(2, "", encode((object(),)), NAMED)["raise"] == "TypeError"
    with pytest.raises(WireError, match="more calls"):
        outside.answer(0, "", encode((3,)), NAMED)


@pytest.mark.parametrize(
    ("number", "method", "args"),
    [
        (3, "", ["t", []]),
        (7, "", ["t", []]),
        (-1, "", ["t", []]),
        ("0", "", ["t", []]),
        (True, "", ["t", []]),
        (1, "__class__", ["t", []]),
        (0, "", 5),
        (0, "", ["x"]),
        (0, ["predict"], ["t", []]),
    ],
)
def test_calls_of_what_was_not_handed_in(number, method, args):
    outside, _ = handles()
    with pytest.raises(WireError):
        outside.answer(number, method, args, NAMED)


def test_named_arguments_are_a_dictionary():
    outside, _ = handles()
    for named in (None, ["t", []], 5):
        with pytest.raises(WireError):
            outside.answer(0, "", encode((3,)), named)


def test_a_model_that_is_given_back_is_a_copy_that_was_called_and_the_case_is_as_it_was():
    outside, model = Outside(3), Model()
    handle = cases_for_the_box([InputCase((model,), "a case")], outside)[0][1][0]
    outside.answer(handle[1], "predict", encode((1, 2)), NAMED)
    back = decode(["t", [["h", handle[1]], ["f", (0.5).hex()]]], outside.kept)
    assert back[1] == 0.5 and back[0].asked == 1 and back[0] is not model and model.asked == 0
    for forged in (["h"], ["h", 1], ["h", "0"], ["h", True], ["h", 0, 0]):
        with pytest.raises(WireError):
            decode(forged, outside.kept)
