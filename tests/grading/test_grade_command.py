"""The command ``grade``, from its options to the files it leaves; the grader is pretended, the rest is real."""

import csv
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from pretend import ASSIGNMENT, PretendGraderMaker, deliver, notebook

from nsputil.__main__ import main
from nsputil.grading import command
from nsputil.grading.job import Job
from nsputil.grading.leftovers import working_folder


@pytest.fixture(autouse=True)
def pretended(monkeypatch):
    """No box is needed, and no other process."""

    def job_of(assignment, trust, run_all, secret):
        ids = tuple(task.grade_id for task in assignment.tasks)
        return Job(PretendGraderMaker(), assignment.name, ids)

    monkeypatch.setattr(command, "job_of", job_of)
    monkeypatch.setattr(command, "executor_of", lambda workers, dask: (lambda: ThreadPoolExecutor(workers), 4))


def grade(tmp_path, *more):
    return main(["grade", str(tmp_path / "in"), "--assignment", ASSIGNMENT, "--out", str(tmp_path / "out"), *more])


def columns(path, *names):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [tuple(line[name] for name in names) for line in csv.DictReader(file)]


CLASS = {"ann": "", "bob": "sign text", "cy": "evil", "dan": b"\x1b[31mno", "eve": "text"}


def test_everything_is_in_the_folder(tmp_path, capsys):
    deliver(tmp_path / "in", CLASS)
    assert grade(tmp_path) == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "book.sqlite", "class.csv", "class.html", "class.png", "feedback", "grades.csv", "moodle.csv", "texts.csv",
        "texts.html",
    ]  # fmt: skip
    assert sorted(path.stem for path in (out / "feedback").iterdir()) == list(CLASS)
    grades = columns(out / "grades.csv", "student_id", "score", "max_score")
    assert grades == [
        ("ann", "4.0", "14.0"),
        ("bob", "1.0", "14.0"),
        ("cy", "1.0", "14.0"),
        ("dan", "", "14.0"),
        ("eve", "4.0", "14.0"),
    ]
    said = capsys.readouterr().out
    assert said.startswith("5 submissions: 4 graded, 1 ungradable\n  dan: not JSON, Line 1: Expecting value")
    assert "\x1b" not in said and "texts.csv    3 texts to read beside texts.html, 3 without points" in said


def test_points_of_a_person_and_a_platform_s_files(tmp_path, capsys):
    deliver(tmp_path / "in", CLASS)
    assert grade(tmp_path) == 0
    sheet = tmp_path / "out" / "texts.csv"
    lines = list(csv.reader(sheet.read_text(encoding="utf-8-sig").splitlines()))
    for line in lines[1:]:
        line[3] = "2" if line[0] == "eve" else ""
    with sheet.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    canvas = tmp_path / "canvas.csv"
    canvas.write_text(f"Student,ID,SIS Login ID,Section,{ASSIGNMENT} (5)\nEve,1,eve,S,\nDan,2,dan,S,\n")
    again = ["--resume", "--marks", str(sheet), "--canvas", str(canvas)]
    assert main(["grade", "--assignment", ASSIGNMENT, "--out", str(tmp_path / "out"), *again]) == 0
    said = capsys.readouterr().out
    assert "1 texts have points of a person" in said and "3 texts to read beside texts.html, 2 without points" in said
    assert "for Canvas, 1 grades; it does not have 3 students of the book" in said
    assert columns(tmp_path / "out" / "canvas.csv", "Student", f"{ASSIGNMENT} (5)") == [("Eve", "6"), ("Dan", "")]
    assert "6 of 7 points." in (tmp_path / "out" / "feedback" / "eve.html").read_text()


def test_json_for_scripts(tmp_path, capsys):
    deliver(tmp_path / "in", {"ann": "sign text", "zoë": "evil"})
    assert grade(tmp_path, "--json") == 0
    out = capsys.readouterr().out
    ann, zoe = json.loads(out)["submissions"]
    assert out.isascii() and zoe["student"] == "zoë"
    assert ann["score"] == 1 and ann["exercises"][0] == {
        "name": "batch_loss", "state": "not yet", "points": 0.0, "most": 3.0, "mistake": "wrong_sign", "reason": "",
    }  # fmt: skip
    assert ann["waiting"] == ["why-minus-log-mean"]


def test_a_book_is_only_continued_if_that_is_asked_for(tmp_path, capsys):
    deliver(tmp_path / "in", {"ann": "", "bob": "fault"})
    assert grade(tmp_path) == 1
    (tmp_path / "out" / ".grades.csv.abc.new").write_text("half")
    assert grade(tmp_path) == 2
    assert "has a grade book already; go on with --resume" in capsys.readouterr().err
    (tmp_path / "in" / "bob" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").write_bytes(notebook(""))
    assert grade(tmp_path, "--resume") == 0
    assert [score for (score,) in columns(tmp_path / "out" / "grades.csv", "score")] == ["4.0", "4.0"]
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["x", "--out", "o"], "--assignment is missing"),
        (["x", "--assignment", ASSIGNMENT], "--out is missing"),
        (["--assignment", ASSIGNMENT, "--out", "o"], "SUBMISSIONS is missing"),
        (["--assignment", ASSIGNMENT, "--out", "o", "--resume"], "there is no grade book in o"),
        (["gone", "--assignment", ASSIGNMENT, "--out", "o"], "there is no folder or archive gone"),
        (["x", "--assignment", "99", "--out", "o"], "there is no assignment '99'"),
        (["x", "--assignment", ASSIGNMENT, "--out", "o", "--workers", "0"], "--workers is 0; expected at least 1"),
    ],
)
def test_bad_input_is_one_line(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["grade", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_temporary_files_of_a_killed_grading_are_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr("nsputil.grading.leftovers.gethostname", lambda: "here")
    kept = [f"nsputil-grade-here-{os.getpid()}-a", "nsputil-grade-there-999999999-b", "nsputil-other"]
    for name in ["nsputil-grade-here-999999999-c", *kept]:
        (tmp_path / name / "deep").mkdir(parents=True)
    (tmp_path / "nsputil-grade-here-999999999-d").symlink_to(tmp_path / "nsputil-other")
    with working_folder() as folder:
        assert tempfile.mkdtemp().startswith(str(folder)) and os.environ["TMPDIR"] == str(folder)
    assert (
        not folder.exists() and (tmp_path / "nsputil-other" / "deep").exists() and os.environ["TMPDIR"] == str(tmp_path)
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "nsputil-grade-here-999999999-d"])


def test_a_grading_that_did_not_begin_can_be_called_again(tmp_path, capsys):
    assert grade(tmp_path) == 2 and (tmp_path / "out" / "book.sqlite").exists()
    deliver(tmp_path / "in", {"ann": ""})
    assert grade(tmp_path, "--canvas", "gone.csv") == 2 and "gone.csv" in capsys.readouterr().err
    assert grade(tmp_path) == 0 and grade(tmp_path) == 2
    (tmp_path / "out" / "book.sqlite").write_bytes(b"no book")
    assert grade(tmp_path) == 2 and "has a grade book already" in capsys.readouterr().err


def test_an_interrupted_grading_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    deliver(tmp_path / "in", {"ann": "", "bob": ""})

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("nsputil.grading.book.Book.done", interrupt)
    assert grade(tmp_path) == 130
    assert "interrupted; go on with --resume" in capsys.readouterr().err
    monkeypatch.undo()
