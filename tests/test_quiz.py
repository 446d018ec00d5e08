import pytest

from nsputil import quiz

RIGHT = "".join(question.right for question in quiz.QUESTIONS)


def test_every_question_has_feedback_for_every_option():
    for question in quiz.QUESTIONS:
        assert len(question.options) == len(question.feedback) == 3
        assert len(set(question.options)) == 3 and len(set(question.feedback)) == 3
        assert question.right in "abc" and question.notebook in quiz.NOTEBOOKS


def test_the_right_answers_are_spread_and_not_in_the_text():
    assert all(RIGHT.count(letter) == 3 for letter in "abc")
    for question in quiz.QUESTIONS:
        assert all(feedback not in quiz.questions_text() for feedback in question.feedback)


def test_all_right_goes_ahead():
    text = quiz.route(RIGHT)
    assert "look again" not in text and "05 The gradient" in text


@pytest.mark.parametrize("number", range(len(quiz.QUESTIONS)))
def test_each_wrong_answer_gets_its_feedback_and_its_notebook(number):
    question = quiz.QUESTIONS[number]
    for k, letter in enumerate("abc"):
        text = quiz.route(RIGHT[:number] + letter + RIGHT[number + 1 :])
        assert question.feedback[k] in text
        wrong = letter != question.right
        assert (f"{number + 1} look again" in text) == wrong
        assert (f"Your route: {quiz.NOTEBOOKS[question.notebook]}." in text) == wrong


def test_route_keeps_the_order_of_the_course_and_counts_unanswered():
    assert quiz.route("a").splitlines()[-1].startswith("Your route: 01 The pair, then 02")
    assert quiz.route("? - ?").startswith("No answers yet")
    assert quiz.route(RIGHT.upper()) == quiz.route(" ".join(RIGHT))


def test_bad_answers_are_named():
    with pytest.raises(TypeError, match="answers is a list"):
        quiz.route(["a"])
    with pytest.raises(ValueError, match="question 2 is 'x'"):
        quiz.route("axb")
    with pytest.raises(ValueError, match="holds 20 letters"):
        quiz.route("a" * 20)
