"""The tasks of an assignment come from the instructor's notebook, with nbgrader's names and points."""

import json
from pathlib import Path

import pytest

from nsputil.checks import bank
from nsputil.grading.assignments import Assignment

SOLUTIONS = sorted(path.parent.name for path in Path("solutions").glob("*/*.ipynb"))


@pytest.mark.parametrize("name", SOLUTIONS)
def test_every_exercise_of_the_bank_is_a_task(name):
    assignment = Assignment.of(name)
    exercises = [e for e in bank.exercises().values() if e.notebook == int(name[:2])]
    assert [task.name for task in assignment.tasks] == [exercise.name for exercise in exercises]
    for task, exercise in zip(assignment.tasks, exercises, strict=True):
        assert (task.points, task.manual) == (exercise.points, exercise.graded_by_hand)
        assert task.grade_id == task.answer_id + ("" if task.manual else "-check")


def test_another_course_folder_and_what_is_missing(tmp_path):
    folder = tmp_path / "source" / "week1"
    folder.mkdir(parents=True)
    text = Path("solutions/04_worked_examples/04_worked_examples.ipynb").read_text(encoding="utf-8")
    (folder / "week1.ipynb").write_text(text, encoding="utf-8")
    assert len(Assignment.of("week1", tmp_path).tasks) == 8
    with pytest.raises(ValueError, match="there are week1"):
        Assignment.of("week2", tmp_path)
    with pytest.raises(ValueError, match="no assignment"):
        Assignment.of("../source/week1", tmp_path)
    (folder / "week1.ipynb").write_text(json.dumps({"cells": []}), encoding="utf-8")
    with pytest.raises(ValueError, match="no exercise"):
        Assignment.of("week1", tmp_path)
