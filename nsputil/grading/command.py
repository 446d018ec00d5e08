"""The command ``python -m nsputil grade``: from a delivery of submissions to a folder with everything that was made."""

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a command imports only what it needs
    from nsputil.grading.assignments import Assignment
    from nsputil.grading.book import Book, BookRow
    from nsputil.grading.job import Job

BOOK = "book.sqlite"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``grade``.

    Parameters
    ----------
    command : ArgumentParser
    """
    command.add_argument(
        "submissions", nargs="?", metavar="SUBMISSIONS", help="folder or zip: nbgrader, Moodle, Canvas"
    )
    command.add_argument("--assignment", metavar="NAME", help="such as 03_from_likelihood_to_the_loss")
    command.add_argument("--out", metavar="DIR", help="folder for the grade book, feedback and reports")
    command.add_argument(
        "--course", metavar="FOLDER", help="course with solutions/ (default: the repository of nsputil)"
    )
    command.add_argument("--resume", action="store_true", help="go on with the book in --out; what has a row is kept")
    command.add_argument("--marks", metavar="FILE", help="texts.csv with a person's points, to be read into the book")
    command.add_argument("--moodle", metavar="FILE", help="Moodle's grading worksheet, to be filled")
    command.add_argument("--canvas", metavar="FILE", help="grade book that Canvas exported, to be filled")
    command.add_argument(
        "--column", metavar="NAME", default="", help="column of --canvas, if the name does not tell it"
    )
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    work = command.add_argument_group("how the work is done")
    work.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: %(default)s)")
    work.add_argument(
        "--dask", metavar="ADDRESS", help="a Dask cluster that is running already, such as tcp://host:8786"
    )
    work.add_argument("--run-all", action="store_true", help="run every cell, not only those that answers need")
    work.add_argument("--trust", action="store_true", help="run the code without a box; only for code that you trust")
    work.add_argument("--doctor", action="store_true", help="try each promise of the box here, and print what holds")


def run(options: argparse.Namespace) -> int:
    """Grade, or say what holds here; return the exit code.

    Parameters
    ----------
    options : Namespace

    Returns
    -------
    int
        0 if every submission has a row; 1 if some rows are our own fault, or if a promise of the box does not hold;
        130 if it was interrupted.
    """
    if options.doctor:
        from nsputil.grading.doctor import doctor, report

        promises = doctor()
        print(report(promises))
        return 0 if all(promise.holds for promise in promises) else 1
    from nsputil.grading.assignments import Assignment
    from nsputil.grading.book import is_new
    from nsputil.grading.tables import Table

    for name in ("assignment", "out"):
        if not getattr(options, name):
            raise ValueError(f"--{name} is missing; expected grade SUBMISSIONS --assignment NAME --out DIR")
    if options.workers < 1:
        raise ValueError(f"--workers is {options.workers}; expected at least 1")
    if not options.submissions and not options.resume:
        raise ValueError("SUBMISSIONS is missing; without it, expected --resume, to write the files of a book again")
    out = Path(options.out)
    if not options.resume and not is_new(out / BOOK):
        raise ValueError(f"{out} has a grade book already; go on with --resume, or name another folder")
    if not options.submissions and not (out / BOOK).exists():
        raise ValueError(f"there is no grade book in {out}; expected SUBMISSIONS")
    assignment = Assignment.of(options.assignment, options.course)
    for path in filter(None, (options.moodle, options.canvas, options.marks)):
        Table.read(path)  # an error is better now than after hours
    try:
        return _graded(options, out, assignment)
    except sqlite3.Error as error:
        raise ValueError(f"the grade book {out / BOOK} could not be used: {error}") from None


def _graded(options: argparse.Namespace, out: Path, assignment: "Assignment") -> int:
    from nsputil.grading.book import Book
    from nsputil.grading.by_hand import read_marks
    from nsputil.grading.job import FAULT
    from nsputil.grading.leftovers import working_folder
    from nsputil.grading.outputs import Platforms, remove_leftovers, write_outputs

    interrupted = False
    with Book(out / BOOK, assignment.name, fingerprint(assignment)) as book:
        if options.submissions:
            with working_folder():
                interrupted = _work(options, book, assignment)
        marks = read_marks(book, options.marks) if options.marks else 0
        platforms = Platforms(options.moodle or "", options.canvas or "", options.column)
        with book.alone():
            rows = list(book.rows())
            remove_leftovers(out)
            written = write_outputs(rows, out, assignment.name, most(assignment), platforms)
    if options.json:
        print(json.dumps(as_json(rows, assignment.name, most(assignment))))
    else:
        print(_report(rows, out, written, marks))
    if interrupted:
        print("nsputil: interrupted; go on with --resume", file=sys.stderr)
        return 130
    return 1 if any(row.outcome.status == FAULT for row in rows) else 0


def _work(options: argparse.Namespace, book: "Book", assignment: "Assignment") -> bool:
    """Grade what has no row yet; return True if it was interrupted."""
    from nsputil.grading.intake import submissions
    from nsputil.grading.job import NoGrader
    from nsputil.grading.loop import grade_all

    job = job_of(assignment, options.trust, options.run_all, book.secret)
    executor, window = executor_of(options.workers, options.dask)
    with submissions(options.submissions, assignment.name) as delivered, _bar(len(delivered)) as bar:
        try:
            grade_all(delivered, book, job, executor, window, lambda submission, outcome: bar.update())
        except KeyboardInterrupt:
            return True
        except NoGrader as error:
            raise ValueError(f"no grader can be started: {error}") from None
    return False


def fingerprint(assignment: "Assignment") -> str:
    """Return a short name of an assignment's cells and points; a book is not continued with others."""
    import hashlib

    return hashlib.sha256(repr(assignment.tasks).encode()).hexdigest()[:16]


def most(assignment: "Assignment") -> float:
    """Return the points of a whole assignment."""
    return float(sum(task.points for task in assignment.tasks))


def job_of(assignment: "Assignment", trust: bool, run_all: bool, secret: bytes) -> "Job":
    """Return the job that grades one submission of an assignment.

    Parameters
    ----------
    assignment : Assignment
    trust, run_all : bool
    secret : bytes
        Decides on which inputs each submission is judged.

    Returns
    -------
    Job
    """
    from functools import partial

    from nsputil.grading.job import Job
    from nsputil.grading.judging import Grader

    make = partial(Grader, assignment, trust=trust, run_all=run_all, secret=secret)
    ids = tuple(grade_id for task in assignment.tasks for grade_id in (task.answer_id, task.check_id))
    return Job(make, assignment.name, ids)


def executor_of(workers: int, dask: str | None) -> tuple[Callable[[], Executor], int]:
    """Return what makes an executor, and how many submissions are under way at once.

    Parameters
    ----------
    workers : int
        Processes on this machine; not used with `dask`.
    dask : str or None
        The address of the scheduler of a cluster.

    Raises
    ------
    ImportError
        If Dask is asked for and not installed.
    """
    if dask is None:
        from nsputil.grading.loop import processes

        return lambda: processes(workers), 4 * workers
    from nsputil.grading.dask_cluster import connected

    return connected(dask)


def _bar(total: int) -> Any:  # a bar of tqdm, which is not typed
    from tqdm import tqdm

    off = os.environ.get("NSPUTIL_PROGRESS") == "off"
    return tqdm(total=total, unit="submission", disable=True if off else None, mininterval=0.5, smoothing=0.1)


def as_json(rows: "Sequence[BookRow]", assignment: str, possible: float) -> dict[str, Any]:
    """Return the whole result as plain data for scripts.

    Parameters
    ----------
    rows : sequence of BookRow
    assignment : str
    possible : float
        The points of the whole assignment.

    Returns
    -------
    dict
        {"assignment", "most", "submissions": [{"student", "status", "score", "reason", "exercises", ...}, ...]}.
    """
    return {
        "assignment": assignment,
        "most": possible,
        "submissions": [
            {
                "student": row.student,
                "name": row.label,
                "status": row.outcome.status,
                "reason": row.outcome.reason,
                "detail": row.outcome.detail,
                "score": row.score,
                "waiting": [exercise.grade_id for exercise in row.waiting],
                "exercises": [
                    {
                        "name": e.name,
                        "state": e.state,
                        "points": row.points(e),
                        "most": e.most,
                        "mistake": e.mistake,
                        "reason": e.reason,
                    }
                    for e in row.exercises
                ],
            }
            for row in rows
        ],
    }


def _report(rows: "Sequence[BookRow]", out: Path, written: list[tuple[str, str]], marks: int) -> str:
    """Return what is printed at the end; every word of a learner in it is made harmless."""
    from collections import Counter

    from nsputil.grading.shown import one_line

    counts = Counter(row.outcome.status for row in rows)
    lines = [f"{len(rows)} submissions: " + ", ".join(f"{count} {status}" for status, count in counts.items())]
    refused = [row for row in rows if row.outcome.graded is None]
    for row in refused[:20]:
        who = one_line(row.student, 40) + (f" ({one_line(row.label, 40)})" if row.label else "")
        lines.append(f"  {who}: {one_line(row.outcome.reason, 40)}, {one_line(row.outcome.detail, 120)}")
    if len(refused) > 20:
        lines.append(f"  and {len(refused) - 20} more, in class.html")
    if marks:
        lines.append(f"{marks} texts have points of a person")
    width = max(len(BOOK), *(len(name) for name, _ in written))
    lines += [f"in {out}:", f"  {BOOK:{width}}  the grade book"]
    return "\n".join(lines + [f"  {name:{width}}  {what}" for name, what in written])
