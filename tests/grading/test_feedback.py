"""The page of a student: their own words and results, made harmless, and nothing else."""

import re
from dataclasses import replace

import pytest
from test_exports import refused, row

from nsputil.grading.book import BookRow, Mark, text_digest
from nsputil.grading.feedback import feedback_page
from nsputil.grading.job import FAULT, JobOutcome
from nsputil.grading.pages import file_name
from nsputil.grading.shown import for_page, for_sheet, one_line, visible


def shown(row):
    """Return the words of a page without its head."""
    body = feedback_page(row, "03").split("<main>")[1]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_what_a_student_reads():
    said = shown(row("ann", "sign", "text", label="Ann Lee"))
    assert "Ann Lee 1 of 7 points; a person has still to give up to 3 of them." in said
    assert "The ladder in one function not yet right , 0 of 3 points It is below 0. Ask yourself: why?" in said
    assert "waits for a person , 0 of 3 points Because of logs, says ann." in said
    assert "not done , 0 of 3 points" in shown(row("ann"))
    assert "could not be judged , 0 of 3 points It took longer than an answer may" in shown(row("ann", "slow"))


def test_a_mark_and_its_comment():
    graded = row("ann", "text")
    text = graded.exercises[2]
    mark = Mark(2.0, "a < b", text_digest(text.text))
    marked = replace(graded, marks={text.grade_id: mark})
    assert "6 of 7 points." in shown(marked) and "read by a person , 2 of 3 points a &lt; b" in shown(marked)


def test_a_submission_without_grades_says_why():
    assert "It could not be graded (not JSON): Line 1: &lt;b&gt;." in shown(refused("ann"))
    fault = BookRow("ann", "", "x", "", "d", JobOutcome(FAULT, None, "KeyError", "secret path"), {})
    assert "by a fault of the grader and not of yours" in shown(fault) and "secret" not in shown(fault)


def test_nothing_of_a_learner_runs_in_the_page():
    page = feedback_page(row("<img src=x onerror=alert(1)>", "evil", label='"><script>'), '"<b>')
    tags = set(re.findall(r"<(\w+)", page))
    assert tags == {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "h1",
        "p",
        "strong",
        "section",
        "h2",
        "span",
        "blockquote",
    }
    assert "\x1b" not in page and "\u202e" not in page and "default-src 'none'" in page


def test_nothing_of_a_classmate_nor_of_the_teacher_is_in_the_page():
    assert "bob" not in feedback_page(row("ann", "text", notes=("bob is near",)), "03")


@pytest.mark.parametrize(
    "text, safe",
    [
        ("plain, Zoë 数学 ½", "plain, Zoë 数学 ½"),
        ("\x1b]0;title\x07\x9b31m", "\\x1b]0;title\\x07\\x9b31m"),
        ("a\u202eb\u200bc\u2066d\ufeff", "a\\u202eb\\u200bc\\u2066d\\ufeff"),
        ("a\rb\x00\x08", "a\\x0db\\x00\\x08"),
        ("\ud800 \u2028", "\\ud800 \\u2028"),
    ],
)
def test_control_signs_are_shown_and_do_nothing(text, safe):
    assert visible(text) == safe


def test_long_text_is_cut_and_lines_are_joined():
    assert visible("x" * 5000).endswith("... (5,000 characters)")
    assert one_line("a\n\n b\tc") == "a b c" and for_sheet("\t=1+1") == "'=1+1" and for_sheet("-1") == "'-1"
    assert for_page("<a href='x'>&\"") == "&lt;a href=&#x27;x&#x27;&gt;&amp;&quot;"


def test_pages_of_different_students_have_different_safe_names():
    odd = [
        "Anna",
        "anna",
        "ANNA",
        "../x",
        "x/..",
        "con",
        "a" * 200,
        "a" * 201,
        "zoë",
        "",
        ".",
        "a.b",
        "a\udcff",
        "s 1",
        "s1",
    ]
    names = [file_name(student) for student in odd]
    assert len({name.casefold() for name in names}) == len(odd)
    assert all(re.fullmatch(r"[a-z0-9_-]*[a-z0-9_.-]+", name) and name not in (".", "..", "con") for name in names)
