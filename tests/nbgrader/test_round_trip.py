"""The whole way with nbgrader itself: release, five submissions of known grade, autograde, feedback, CSV.

It runs in the instructors' environment: `make nbgrader`. Every step is nbgrader's own command, called in a copy of this
repository's course directory, with this repository's nbgrader_config.py.
"""

import copy
import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import release_exercises as release

pytest.importorskip("nbgrader", reason="make nbgrader runs it in the instructors' environment")

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "03_from_likelihood_to_the_loss"
POINTS = {  # of the graded cells of this assignment
    "most-likely-p": 1, "loss-of-08": 1, "high-p-high-loss": 1, "high-loss-low-p": 1, "batch-loss": 3,
    "split-cross-entropy": 2, "cheapest-announcement": 2,
}  # fmt: skip
TEXT_POINTS = 3
WRONG_SIGN = """def batch_loss(logits, labels):
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.log(probs[np.arange(len(labels)), labels]).mean()"""
ENDLESS = """def batch_loss(logits, labels):
    while True:
        labels = labels"""
UNFINISHED = "def split_cross_entropy(truth, p):\n    return (truth"


def nbgrader(course, *arguments):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course, capture_output=True, text=True, timeout=900, env=os.environ | {"PATH": path},
    )  # fmt: skip
    assert run.returncode == 0, (arguments, run.stderr[-3000:])
    return run.stderr


def answers():
    """Return {cell id: source} of the solved answer cells."""
    solved = nbformat.read(ROOT / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    return {
        cell.id: re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", cell.source)
        for cell in solved.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def submissions():
    """Return {student: (edits of the released notebook, expected points of the automatic part)}."""
    solved, all_points = answers(), sum(POINTS.values())
    half = {name: solved[name] for name in ("most-likely-p", "loss-of-08", "high-p-high-loss", "split-cross-entropy")}
    return {
        "s1_all": (solved, all_points),
        "s2_blank": ({}, 0),
        "s3_sign": (solved | {"batch-loss": WRONG_SIGN}, all_points - POINTS["batch-loss"]),
        "s4_endless": (solved | {"batch-loss": ENDLESS, "split-cross-entropy": UNFINISHED}, all_points - 3 - 2),
        "s5_half": (half | {"high-loss-low-p": 'high_loss_low_p = "b"'}, 1 + 1 + 1 + 2),
    }


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The course directory after release, submission and autograding."""
    course = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    shutil.copytree(ROOT / "solutions", course / "solutions")
    nbgrader(course, "generate_assignment", NAME, "--create")
    released = nbformat.read(course / "exercises" / NAME / f"{NAME}.ipynb", as_version=4)
    for student, (edits, _) in submissions().items():
        notebook = copy.deepcopy(released)
        for cell in notebook.cells:
            cell.source = edits.get(cell.id, cell.source)
        folder = course / "submissions" / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{NAME}.ipynb")
    nbgrader(course, "autograde", NAME, "--create")
    return course


def scores(course):
    nbgrader(course, "export", "--to", "grades.csv")
    with open(course / "grades.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == NAME]
    assert {float(row["max_score"]) for row in rows} == {sum(POINTS.values()) + TEXT_POINTS}
    return {row["student_id"]: float(row["score"]) for row in rows}


def test_releasing_every_notebook_anew_gives_the_very_same_bytes(tmp_path):
    release.nbgrader_release(ROOT, tmp_path / "again")
    made = {path.relative_to(tmp_path / "again"): path.read_bytes() for path in (tmp_path / "again").rglob("*.ipynb")}
    kept = {path.relative_to(ROOT / "exercises"): path.read_bytes() for path in (ROOT / "exercises").rglob("*.ipynb")}
    assert made == kept and len(made) == len(release.assignments(ROOT))


def test_the_release_of_the_course_directory_is_the_repository_s(course):
    path = Path("exercises") / NAME / f"{NAME}.ipynb"
    assert (course / path).read_bytes() == (ROOT / path).read_bytes()


def test_the_grades_are_the_known_ones(course):
    assert scores(course) == {student: points for student, (_, points) in submissions().items()}


def test_a_text_waits_for_a_person_and_then_counts(course):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        grade = book.find_grade("why-minus-log-mean", NAME, NAME, "s1_all")
        assert grade.needs_manual_grade and grade.max_score == TEXT_POINTS
        assert not book.find_grade("why-minus-log-mean", NAME, NAME, "s2_blank").needs_manual_grade
        grade.manual_score = 2
        book.db.commit()
    assert scores(course)["s1_all"] == sum(POINTS.values()) + 2
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        book.find_grade("why-minus-log-mean", NAME, NAME, "s1_all").manual_score = None
        book.db.commit()


def test_the_feedback_says_what_was_seen_and_shows_no_solution(course):
    nbgrader(course, "generate_feedback", NAME)
    said = {
        student: (course / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")
        for student in submissions()
    }
    assert "their sign is reversed" in said["s3_sign"] and "their sign is reversed" not in said["s1_all"]
    assert "was stopped" in said["s4_endless"] and "not done yet" in said["s2_blank"]
    secret = answers()["cheapest-announcement"].splitlines()[-1].strip()
    assert len(secret) > 10 and secret not in re.sub(r"<[^>]*>", "", said["s2_blank"])


def test_a_student_cannot_edit_the_check(course):
    """A locked cell comes back as it was released."""
    student = "s6_forger"
    notebook = nbformat.read(course / "exercises" / NAME / f"{NAME}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.id.endswith("-check"):
            cell.source = "print('right')"
    folder = course / "submissions" / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{NAME}.ipynb")
    nbgrader(course, "autograde", NAME, "--create", "--student", student)
    assert scores(course)[student] == 0
