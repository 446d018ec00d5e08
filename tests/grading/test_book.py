"""The grade book and the loop: a row for each submission, whatever happens on the way."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from pretend import ASSIGNMENT, deliver, job, notebook, result

from nsputil.grading import book as book_module
from nsputil.grading.book import Book, Mark, text_digest
from nsputil.grading.intake import submissions
from nsputil.grading.job import FAULT, GRADED, REFUSED, JobOutcome, NoGrader, close_graders
from nsputil.grading.loop import grade_all, processes
from nsputil.grading.submission import Submission

ROOT = Path(__file__).resolve().parents[2]


def one(student="ann", data=b"x"):
    return Submission(student, "Ann", "ann/x.ipynb", lambda: data)


def new_book(folder):
    return Book(folder / "book.sqlite", ASSIGNMENT, "points-1")


def grade(folder, book, work=None, executor=None, window=4):
    with submissions(folder, ASSIGNMENT) as delivered:
        return grade_all(delivered, book, work or job(), executor or partial(ThreadPoolExecutor, 2), window)


def content(book):
    """Return what must be the same after any interruption."""
    return [(row.student, row.digest, row.outcome, row.marks) for row in book.rows()]


def test_a_row_comes_back_as_it_was_written(tmp_path):
    graded = result(["sign", "text"])
    with new_book(tmp_path) as book:
        book.record(one(), "d1", JobOutcome(GRADED, graded))
        book.record(one("bob"), "d2", JobOutcome(REFUSED, None, "empty", "the file is empty"))
        secret = book.secret
    with new_book(tmp_path) as book:
        ann, bob = book.rows()
        assert book.secret == secret and len(secret) == 32
        assert ann.outcome.graded == graded and ann.score == 1 and len(ann.waiting) == 1
        assert bob.outcome.reason == "empty" and bob.score is None and bob.exercises == ()
        assert book.done("ann", "d1") and not book.done("ann", "d2") and book.done("bob", "d2")


def test_a_row_is_replaced_as_a_whole_and_a_fault_of_ours_is_tried_again(tmp_path):
    with new_book(tmp_path) as book:
        book.record(one(), "d1", JobOutcome(GRADED, result([])))
        book.record(one(), "d2", JobOutcome(FAULT, None, "grader", "x"))
        assert not book.done("ann", "d2")
        (row,) = book.rows()
        assert row.outcome == JobOutcome(FAULT, None, "grader", "x") and row.exercises == ()


def test_a_mark_counts_as_long_as_the_text_is_the_same(tmp_path):
    with new_book(tmp_path) as book:
        graded = result(["text"])
        text = graded.exercises[2]
        book.record(one(), "d1", JobOutcome(GRADED, graded))
        book.mark([("ann", text.grade_id, Mark(2.0, "good", text_digest(text.text)))])
        (row,) = book.rows()
        assert row.score == 6 and row.waiting == ()
        book.record(one(), "d2", JobOutcome(GRADED, replace(graded, seed=6)))
        assert next(book.rows()).score == 6
        book.record(one(), "d3", JobOutcome(GRADED, result(["text"], "another")))
        (row,) = book.rows()
        assert row.score == 4 and len(row.waiting) == 1


def test_text_that_no_encoding_can_hold_is_stored(tmp_path):
    with new_book(tmp_path) as book:
        book.record(one("a\udcff"), "d", JobOutcome(GRADED, result(["evil"])))
        (row,) = book.rows()
        assert row.student == "a\\udcff" and "<script>" in row.exercises[0].message and book.done("a\udcff", "d")


def test_a_book_of_something_else_is_not_continued(tmp_path):
    new_book(tmp_path).close()
    path = tmp_path / "book.sqlite"
    with pytest.raises(ValueError, match="is the book of 03.*expected 04"):
        Book(path, "04", "points-1")
    with pytest.raises(ValueError, match="has changed since"):
        Book(path, ASSIGNMENT, "points-2")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE about SET value = '99' WHERE name = 'schema'")
    db.close()
    with pytest.raises(ValueError, match="has schema 99; expected 1"):
        new_book(tmp_path)
    path.write_bytes(b"no database" * 100)
    with pytest.raises(ValueError, match="not a grade book"):
        new_book(tmp_path)


CLASS = {
    "all": "", "sign": "sign", "slow": "slow", "refused": "refuse", "fault": "fault", "bug": "bug", "broken": b"{",
    "empty": b"", "other": notebook(cells=[{"cell_type": "code", "source": "", "metadata": {}}]), "evil": "evil text",
}  # fmt: skip


def test_every_submission_gets_a_row_with_its_reason(tmp_path):
    deliver(tmp_path / "in", CLASS)
    with new_book(tmp_path) as book:
        tally = grade(tmp_path / "in", book)
        said = {row.student: (row.outcome.status, row.outcome.reason) for row in book.rows()}
    assert said == {
        "all": (GRADED, ""), "sign": (GRADED, ""), "slow": (GRADED, ""), "evil": (GRADED, ""),
        "refused": (REFUSED, "crash"), "fault": (FAULT, "grader"), "bug": (FAULT, "KeyError"),
        "broken": (REFUSED, "not JSON"), "empty": (REFUSED, "empty"), "other": (REFUSED, "wrong assignment"),
    }  # fmt: skip
    assert tally.counts == {GRADED: 4, REFUSED: 4, FAULT: 2} and tally.skipped == 0


def test_a_second_run_grades_only_what_is_new_changed_or_was_our_fault(tmp_path):
    deliver(tmp_path / "in", {"ann": "", "bob": "", "cy": "fault"})
    log = tmp_path / "log"
    with new_book(tmp_path) as book:
        grade(tmp_path / "in", book)
        path = tmp_path / "in" / "bob" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.write_bytes(notebook("sign"))
        deliver(tmp_path / "in", {"dan": ""})
        tally = grade(tmp_path / "in", book, job(str(log)))
        close_graders()
        assert sorted(log.read_text().split()) == ["bob", "cy", "dan"] and tally.skipped == 1
        assert {row.student: row.score for row in book.rows()} == {"ann": 4, "bob": 1, "cy": None, "dan": 4}


def test_a_worker_that_dies_costs_only_what_killed_it(tmp_path):
    """Real processes: the one that ends them gets a row that says so, all others are graded."""
    deliver(tmp_path / "in", {"a": "", "b": "die", "c": "sign", "d": "die", "e": ""})
    with new_book(tmp_path) as book:
        grade(tmp_path / "in", book, executor=partial(processes, 2))
        said = {row.student: (row.outcome.status, row.outcome.reason) for row in book.rows()}
    fine = (GRADED, "")
    assert said == {"a": fine, "b": (FAULT, "worker"), "c": fine, "d": (FAULT, "worker"), "e": fine}


def test_a_machine_without_a_box_grades_nothing_and_blames_nobody(tmp_path):
    deliver(tmp_path / "in", {"a": "", "b": ""})
    with new_book(tmp_path) as book:
        with pytest.raises(NoGrader, match="OSError: no bubblewrap"):
            grade(tmp_path / "in", book, job("gone"))
        assert len(book) == 0


def test_two_graders_on_one_book_do_not_corrupt_it(tmp_path):
    deliver(tmp_path / "in", {f"s{k:02}": "sign" if k % 3 else "text" for k in range(30)})
    with new_book(tmp_path) as book:
        grade(tmp_path / "in", book)
        alone = content(book)
    (tmp_path / "two").mkdir()
    books = [new_book(tmp_path / "two") for _ in range(2)]
    threads = [threading.Thread(target=grade, args=(tmp_path / "in", book)) for book in books]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert content(books[0]) == content(books[1]) == alone
    check = sqlite3.connect(tmp_path / "two" / "book.sqlite")
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()
    for book in books:
        book.close()


def test_one_writes_files_while_the_other_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(book_module, "PATIENCE", 0.1)
    first, second = new_book(tmp_path), new_book(tmp_path)
    with first.alone(), pytest.raises(sqlite3.OperationalError, match="locked"):
        second.record(one(), "d", JobOutcome(GRADED, result([])))
    second.record(one(), "d", JobOutcome(GRADED, result([])))
    assert len(first) == 1
    first.close()
    second.close()


PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, sys.argv[3])
from pretend import job
from pathlib import Path
from test_book import grade, new_book
book = new_book(Path(sys.argv[2]))
print("ready", flush=True)
grade(Path(sys.argv[1]), book, window=1, executor=lambda: ThreadPoolExecutor(1))
"""


def test_a_grading_that_is_killed_is_continued_to_the_same_book(tmp_path):
    """SIGKILL in the middle, three times; benchmarks/grader_bench.py does it with the real grader."""
    deliver(tmp_path / "in", {f"s{k:02}": "wait sign" if k % 2 else "wait text" for k in range(24)})
    with new_book(tmp_path) as book:
        grade(tmp_path / "in", book)
        whole = content(book)
    (tmp_path / "killed").mkdir()
    arguments = [tmp_path / "in", tmp_path / "killed", Path(__file__).parent]
    counts = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with new_book(tmp_path / "killed") as book:
            counts.append(len(book))
    assert 0 < counts[0] < counts[1] < 24
    with new_book(tmp_path / "killed") as book:
        tally = grade(tmp_path / "in", book)
        assert tally.skipped == counts[1] and content(book) == whole
