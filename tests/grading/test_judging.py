"""Grading one notebook without a box: the same protocol, in a child process that is trusted."""

import json
import sys
from pathlib import Path

import pytest

from nsputil.grading import box, judging
from nsputil.grading.assignments import Assignment
from nsputil.grading.box import NoBox, PlainRoom, Room
from nsputil.grading.judging import Grader, code_cells
from nsputil.grading.limits import Limits
from nsputil.grading.results import Ungradable

sys.path.insert(0, str(Path(__file__).resolve().parent / "attacks"))

import attack  # noqa: E402

NAME = attack.NAME
LIMITS = Limits(cell_seconds=0.3, call_seconds=0.3)


@pytest.fixture(scope="module")
def grader():
    with Grader(Assignment.of(NAME), trust=True, secret=b"x", limits=LIMITS) as made:
        yield made


def grade(grader, answers=None, **more):
    made = attack.Attack("", "", answers or {}, **more).notebook({})
    graded = grader.grade(made, "ann")
    return graded, {result.name: result for result in graded.exercises}


def test_the_solution_has_all_points_and_texts_wait_for_a_person(grader):
    graded, results = grade(grader)
    assert (graded.score, graded.most, graded.replays, graded.notes) == (11, 14, 0, ())
    text = results.pop("why_minus_log_mean")
    assert text.manual and text.points == 0 and text.state == "compared" and text.found and "underflows" in text.text
    assert {result.state for result in results.values()} == {"right"}
    assert graded.cpu_seconds > 0 and graded.peak_bytes > 10**7
    assert [r.grade_id for r in graded.exercises][-2:] == ["cheapest-announcement-check", "why-minus-log-mean"]


WRONG_SIGN = (
    "def batch_loss(logits, labels):\n    print('<b>')\n"
    "    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)\n"
    "    return float(np.log(p[np.arange(len(labels)), labels]).mean())"
)


def test_verdicts_are_those_of_the_learners_check(grader):
    answers = {
        "batch_loss": WRONG_SIGN,
        "high_p_high_loss": "high_p_high_loss = 'a'",
        "most_likely_p": "def most_likely_p(labels):\n    return 1 / 0",
        "loss_of_08": "loss_of_08 = lambda: 5",
        "split_cross_entropy": "def split_cross_entropy(truth, p):\n    '''Return two numbers.'''",
        "cheapest_announcement": "cheapest_announcement = 0.5",
        "high_loss_low_p": "high_loss_low_p = ...",
    }
    _, results = grade(grader, answers)
    mistakes = {name: result.mistake or result.state for name, result in results.items()}
    assert mistakes == {
        "most_likely_p": "exception",
        "loss_of_08": "type",
        "high_p_high_loss": "option_a",
        "high_loss_low_p": "not done yet",
        "batch_loss": "wrong_sign",
        "split_cross_entropy": "not done yet",
        "cheapest_announcement": "not_a_function",
        "why_minus_log_mean": "compared",
    }
    assert "ZeroDivisionError" in results["most_likely_p"].message and "line 2" in results["most_likely_p"].message
    assert "the function" in results["loss_of_08"].message


def test_cells_that_end_badly_cost_their_exercise_and_say_why(grader):
    answers = {
        "batch_loss": "import os\nos._exit(3)",
        "loss_of_08": "while True: pass",
        "high_p_high_loss": "high_p_high_loss = (",
        "most_likely_p": "print('x' * 10**7)\ndef most_likely_p(labels): return 5",
        "high_loss_low_p": "raise ValueError('no')",
        "split_cross_entropy": "def split_cross_entropy(truth, p):\n    while True: pass",
    }
    graded, results = grade(grader, answers)
    said = {name: result.reason or result.mistake or result.state for name, result in results.items()}
    assert said == {
        "most_likely_p": "output",
        "loss_of_08": "time",
        "high_p_high_loss": "cell_raised",
        "high_loss_low_p": "cell_raised",
        "batch_loss": "crash",
        "split_cross_entropy": "time",
        "cheapest_announcement": "right",
        "why_minus_log_mean": "compared",
    }
    assert graded.replays == 1 and "exit status 3" in results["batch_loss"].message
    assert (
        "SyntaxError" in results["high_p_high_loss"].message and "ValueError: no" in results["high_loss_low_p"].message
    )


def test_more_than_two_dead_boxes_end_the_grading_with_a_reason_for_each(grader):
    dead = {name: "import os\nos._exit(0)" for name in ("most_likely_p", "loss_of_08", "batch_loss")}
    graded, results = grade(grader, dead)
    assert graded.replays == 2
    assert [results[name].reason for name in dead] == ["crash"] * 3
    assert (
        results["cheapest_announcement"].reason == "crash" and "not reached" in results["cheapest_announcement"].message
    )
    assert results["high_p_high_loss"].state == "right"


def test_judged_at_the_place_of_the_check(grader):
    """A name that a later cell binds anew counts as it was at its check; one without a check, as it is at the end."""
    graded, results = grade(grader, {"high_loss_low_p": "loss_of_08 = 5\nhigh_loss_low_p = 'a'"})
    assert results["loss_of_08"].state == "right"
    notebook = attack.solution()
    notebook["cells"] = [c for c in notebook["cells"] if c["id"] != "loss-of-08-check"] + [
        attack.code_cell("loss_of_08 = 5")
    ]
    graded = grader.grade(notebook, "ann")
    assert [r.name for r in graded.exercises if r.state == "not yet"] == [
        "loss_of_08"
    ] and "judged at the end" in graded.notes[0]


def test_missing_and_doubled_cells(grader):
    notebook = attack.solution()
    notebook["cells"] = [c for c in notebook["cells"] if c["id"] != "batch-loss"]
    notebook["cells"] += [c for c in notebook["cells"] if c["id"] == "loss-of-08-check"]
    graded = grader.grade(notebook, "ann")
    assert {r.name: r.reason for r in graded.exercises if r.reason} == {"batch_loss": "missing cell"}
    assert "more than once" in graded.notes[0] and graded.score == 8


@pytest.mark.parametrize(
    ("notebook", "reason"),
    [
        ([], "not a notebook"),
        (None, "not a notebook"),
        ({"cells": {}}, "not a notebook"),
        ({"cells": [5]}, "not a notebook"),
        ({"cells": [{"cell_type": "code", "source": None}]}, "not a notebook"),
        ({"cells": []}, "wrong assignment"),
        ({"cells": [{}] * 3000}, "too large"),
        ({"cells": [{"source": "x" * 10**6}] * 2}, "too large"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_graded_has_a_reason(grader, notebook, reason):
    with pytest.raises(Ungradable) as caught:
        grader.grade(notebook, "ann")
    assert caught.value.reason == reason and caught.value.detail.endswith(".")


def test_code_cells_of_strange_metadata():
    cells = [
        {"cell_type": "code", "source": ["a\n", "b"], "metadata": {"nbgrader": {"grade_id": 5}}},
        {"cell_type": "markdown"},
    ]
    assert [(c.source, c.grade_id) for c in code_cells({"cells": cells})] == [("a\nb", "")]
    assert code_cells({"cells": [{"cell_type": "code", "source": "\ud800"}]})[0].source == "?"


def test_a_fault_of_the_grader_is_said_to_be_one(grader, monkeypatch):
    def fails(*_):
        raise ValueError("a fault")

    monkeypatch.setattr(judging, "verdict_on", fails)
    graded, results = grade(grader)
    assert results["batch_loss"].reason == "grader" and "person" in results["batch_loss"].message
    assert results["loss_of_08"].state == "right" and "failed on batch_loss" in " ".join(graded.notes)


@pytest.mark.parametrize("run_all", [False, True])
def test_cells_that_no_answer_reads_are_run_only_if_asked(run_all):
    with Grader(Assignment.of(NAME), trust=True, secret=b"x", limits=LIMITS, run_all=run_all) as made:
        notebook = attack.Attack("", "", {"loss_of_08": "loss_of_08 = 5 if hasattr(np, 'ran') else None"}).notebook({})
        notebook["cells"].insert(2, attack.code_cell("other = 1\nimport numpy\nnumpy.ran = True"))
        results = {r.name: r for r in made.grade(notebook, "ann").exercises}
    assert results["loss_of_08"].mistake == ("shape" if run_all else "")
    assert results["batch_loss"].state == "right"


def test_where_there_is_no_box_strangers_are_refused(monkeypatch):
    monkeypatch.setattr(box.shutil, "which", lambda name: None)
    with pytest.raises(NoBox, match="bubblewrap is not installed"):
        Grader(Assignment.of(NAME)).__enter__()
    monkeypatch.setattr(box.sys, "platform", "darwin")
    with pytest.raises(NoBox, match="boxes need Linux"), Room(LIMITS):
        pass


def test_a_learners_code_finds_no_bank_also_without_a_box():
    code = "import importlib.util\nfound = importlib.util.find_spec('nsputil.checks.bank') is not None"
    with PlainRoom(LIMITS) as room, room.open() as plain:
        plain.ask("read", 20, sources=[code])
        plain.ask("run", 20, cell=0)
        assert plain.ask("look", 20, name="found")["value"] is False
        folder = Path(room._folder)
    assert not folder.exists() and json.dumps(plain.used.__dict__)
