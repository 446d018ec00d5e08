"""Exercises that an instructor writes: a wrong definition is named, and a text with every point is right."""

from dataclasses import replace

import pytest

from nsputil.checks import record
from nsputil.checks.choice_exercise import ChoiceExercise, Option
from nsputil.checks.code_exercise import CodeExercise, InputCase
from nsputil.checks.misconceptions import Misconception
from nsputil.checks.text_exercise import Point, TextExercise, Trap
from nsputil.checks.verdict import COMPARED, RIGHT, WRONG

COMMON = dict(
    name="made_here", title="Made here", notebook=1, objectives=(1,), kind="explain", difficulty=1, importance=1,
    minutes=5, hints=("one", "two", "three"), takeaway="Keep this.",
)  # fmt: skip
TEXT = TextExercise(
    **COMMON,
    rubric=(Point("It names the loss.", r"\bloss\b", "what is minimized?"), Point("It names p.", r"\bp\b", "of what?")),
    words=4,
)
CHOICE = ChoiceExercise(
    **COMMON, question="Which?", options=(Option("yes", "That is so.", True), Option("no", "Why not?"))
)
CODE = CodeExercise(
    **COMMON, reference=lambda x: 2 * x, cases=lambda rng: [InputCase((float(rng.random()),), "a number")]
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "guess"}, "kind is 'guess'; expected one of recall"),
        ({"hints": ("only one",)}, "has 1 hints; expected three"),
        ({"difficulty": 4}, "difficulty is 4; expected 1 to 3"),
        ({"importance": 0}, "importance is 0; expected 1 to 3"),
    ],
)
@pytest.mark.parametrize("exercise", [TEXT, CHOICE, CODE], ids=lambda exercise: type(exercise).__name__)
def test_a_wrong_definition_is_named(exercise, change, words):
    with pytest.raises(ValueError, match=f"exercise made_here.*{words}"):
        replace(exercise, **change)


def test_choices_need_two_options_and_a_right_one():
    with pytest.raises(ValueError, match="1 options, 1 of them right; expected 2 to"):
        replace(CHOICE, options=CHOICE.options[:1])
    with pytest.raises(ValueError, match="2 options, 0 of them right"):
        replace(CHOICE, options=CHOICE.options[1:] * 2)


def test_an_idea_that_is_not_common_needs_its_own_words():
    with pytest.raises(ValueError, match="'odd' is not a common one; expected a message and a question"):
        Misconception("odd", lambda x: x)


def test_a_text_is_compared_and_never_right():
    verdict = TEXT.judge("The LOSS is minus log p.")
    assert verdict.state == COMPARED and verdict.found == ("point_1", "point_2") and not verdict.mistake
    assert verdict.message.splitlines()[1:] == [
        '- found, by "LOSS": It names the loss.',
        '- found, by "p": It names p.',
    ]
    verdict = TEXT.judge("The gain is minus log p.")
    assert (verdict.state, verdict.mistake, verdict.found) == (COMPARED, "point_1", ("point_2",))
    assert "not found. Ask yourself: what is minimized?" in verdict.message and "names the loss" not in verdict.message


def test_a_denial_is_no_contradiction_and_no_sign_of_a_point_that_it_denies():
    text = replace(
        TEXT,
        rubric=(Point("Swapped.", "swap", "what?", denied=True),),
        traps=(Trap("more", "more data", "More data does not help."),),
    )
    assert text.judge("It needs more data and more time.").mistake == "more"
    assert text.judge("It does not need more data, it is swapped.").mistake == ""
    assert text.judge("There is nothing that is swapped here.").mistake == "point_1"
    assert text.judge("The labels do not fit, so they are swapped.").mistake == ""


def test_the_model_answer_comes_after_two_tries_and_points_are_marked(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("NSPUTIL_PROGRESS", str(tmp_path / "progress.json"))
    text = replace(TEXT, model="The loss is -log p.")
    text("The LOSS is minus log p.")
    text.model_answer()
    said = capsys.readouterr().out
    assert "After the second try" in said and "-log p" not in said
    text("The LOSS is minus log p.")
    text.model_answer()
    text.mark(1)
    assert "The loss is -log p." in (said := capsys.readouterr().out) and "1 of 2 points, by your own count" in said
    assert record.load()["made_here"] == {"state": "compared", "tries": 2, "hints": 0, "points": 1}
    with pytest.raises(ValueError, match="expected numbers from 1 to 2"):
        text.mark(3)
    assert TEXT.judge("loss p").mistake == "short" and TEXT.judge("loss p " * 9000).mistake == "long"
    assert TEXT.judge(3).mistake == "type"


def test_the_text_of_an_option_is_an_answer():
    assert CHOICE.judge("Yes").state == CHOICE.judge("a").state == RIGHT
    assert CHOICE.judge("no").state == CHOICE.judge("B.").state == WRONG


def test_what_is_passed_instead_of_the_function_is_named():
    verdict = CODE.judge(4.0)
    assert verdict.mistake == "not_a_function" and "You passed the number 4;" in verdict.message
    assert "returned None. Is there a return?" in CODE.judge(lambda x: print(x)).message
    wrong = CODE.judge(lambda x: 3 * x)
    assert wrong.state == WRONG and wrong.message.endswith("that is too large.")
