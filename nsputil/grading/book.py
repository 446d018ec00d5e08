"""The grade book: an SQLite file with a row for each submission, written in one transaction each.

A process that is killed leaves the book as it was after the last whole row. Two graders may write to one book: a row is
replaced as a whole, by whichever comes last, and both of them skip what the other has already graded.
"""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nsputil.grading.job import FAULT, JobOutcome, encodable
from nsputil.grading.results import ExerciseResult, Graded
from nsputil.grading.submission import Submission

SCHEMA = 1
PATIENCE = 900.0  # seconds until another grader has written its files
TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE submission (
    student TEXT PRIMARY KEY, label TEXT NOT NULL, source TEXT NOT NULL, timestamp TEXT NOT NULL,
    digest TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    graded TEXT, graded_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE exercise (
    student TEXT NOT NULL REFERENCES submission ON DELETE CASCADE, number INTEGER NOT NULL,
    grade_id TEXT NOT NULL, state TEXT NOT NULL, points REAL NOT NULL, most REAL NOT NULL, mistake TEXT NOT NULL,
    reason TEXT NOT NULL, rest TEXT NOT NULL, PRIMARY KEY (student, number)
) WITHOUT ROWID;
CREATE TABLE mark (
    student TEXT NOT NULL, grade_id TEXT NOT NULL, points REAL NOT NULL, comment TEXT NOT NULL,
    text_digest TEXT NOT NULL, PRIMARY KEY (student, grade_id)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Mark:
    """Points that a person gave for a text.

    Attributes
    ----------
    points : float
    comment : str
    text_digest : str
        Of the text that was read. If the student hands in another text, the mark no longer counts.
    """

    points: float
    comment: str
    text_digest: str


@dataclass(frozen=True)
class BookRow:
    """One row of the book.

    Attributes
    ----------
    student, label, source, timestamp : str
        As in `Submission`.
    digest : str
        SHA-256 of the notebook, or of the reason why there is none.
    outcome : JobOutcome
    marks : dict of str to Mark
        By grade_id; only those that belong to the texts of this submission.
    """

    student: str
    label: str
    source: str
    timestamp: str
    digest: str
    outcome: JobOutcome
    marks: dict[str, Mark]

    @property
    def exercises(self) -> tuple[ExerciseResult, ...]:
        """The results of the exercises; none if the submission was not graded."""
        return self.outcome.graded.exercises if self.outcome.graded else ()

    def points(self, exercise: ExerciseResult) -> float:
        """Return the points of an exercise, a person's included."""
        mark = self.marks.get(exercise.grade_id)
        return mark.points if mark and exercise.manual else exercise.points

    @property
    def score(self) -> float | None:
        """All points given until now; None if the submission could not be graded, which is not the same as 0."""
        return sum(map(self.points, self.exercises)) if self.outcome.graded else None

    @property
    def waiting(self) -> tuple[ExerciseResult, ...]:
        """The texts that wait for a person."""
        return tuple(e for e in self.exercises if e.manual and e.text.strip() and e.grade_id not in self.marks)


class Book:
    """A grade book of one assignment.

    Parameters
    ----------
    path : str or Path
    assignment : str
    fingerprint : str
        Of the assignment's cells and points. A book is not continued with another.
    """

    def __init__(self, path: str | Path, assignment: str, fingerprint: str) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA synchronous = NORMAL")
            with self._transaction():
                self._begin(assignment, fingerprint)
        except sqlite3.Error as error:
            self._db.close()
            raise ValueError(f"{self.path} is not a grade book that can be read: {error}") from None
        except ValueError:
            self._db.close()
            raise

    def _begin(self, assignment: str, fingerprint: str) -> None:
        if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in filter(str.strip, TABLES.split(";")):
                self._db.execute(statement)
            about = {"schema": str(SCHEMA), "assignment": assignment, "fingerprint": fingerprint}
            about["secret"] = secrets.token_hex(32)
            self._db.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        about = dict(self._db.execute("SELECT name, value FROM about"))
        if about.get("schema") != str(SCHEMA):
            raise ValueError(
                f"{self.path} has schema {about.get('schema')}; expected {SCHEMA}: grade into a new folder"
            )
        if about["assignment"] != assignment:
            raise ValueError(f"{self.path} is the book of {about['assignment']}; expected {assignment}")
        if about["fingerprint"] != fingerprint:
            raise ValueError(f"{assignment} has changed since {self.path} was begun; grade it again into a new folder")
        #: Decides on which inputs each submission is judged; it stays with the book, so that a rerun judges alike.
        self.secret = bytes.fromhex(about["secret"])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process write to the book, nor files from it, as long as the block runs."""
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> "Book":
        """Return the book; the file is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def __len__(self) -> int:
        """Return the number of rows."""
        count: int = self._db.execute("SELECT count(*) FROM submission").fetchone()[0]
        return count

    def done(self, student: str, digest: str) -> bool:
        """Return True if this very submission has a row, other than one of our own fault."""
        row = self._db.execute(
            "SELECT digest, status FROM submission WHERE student = ?", (encodable(student),)
        ).fetchone()
        return row is not None and row[0] == digest and row[1] != FAULT

    def record(self, submission: Submission, digest: str, outcome: JobOutcome) -> None:
        """Write the row of a submission, in place of an older one, in one transaction.

        Parameters
        ----------
        submission : Submission
        digest : str
        outcome : JobOutcome
        """
        graded = outcome.graded
        about = None
        if graded is not None:
            about = _json({f.name: getattr(graded, f.name) for f in fields(graded) if f.name != "exercises"})
        student = encodable(submission.student)
        head = (student, submission.label, submission.source, submission.timestamp, digest, outcome.status)
        tail = (outcome.reason, outcome.detail, about, datetime.now(UTC).isoformat(timespec="seconds"))
        rows = [
            (student, number, e.grade_id, e.state, e.points, e.most, e.mistake, e.reason, _json(asdict(e)))
            for number, e in enumerate(graded.exercises if graded else ())
        ]
        with self._transaction():
            self._db.execute("DELETE FROM submission WHERE student = ?", (student,))
            values = [encodable(value) if isinstance(value, str) else value for value in (*head, *tail)]
            self._db.execute("INSERT INTO submission VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            self._db.executemany("INSERT INTO exercise VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def rows(self) -> Iterator[BookRow]:
        """Yield all rows in the order of the students' keys."""
        students = self._db.execute(
            "SELECT student, label, source, timestamp, digest, status, reason, detail, graded FROM submission"
            " ORDER BY student"
        ).fetchall()
        for student, label, source, timestamp, digest, status, reason, detail, about in students:
            found = self._db.execute("SELECT rest FROM exercise WHERE student = ? ORDER BY number", (student,))
            exercises = tuple(_exercise(json.loads(rest)) for (rest,) in found)
            graded = None
            if about is not None:
                graded = Graded(exercises=exercises, **_with_tuples(json.loads(about)))
            texts = {e.grade_id: e for e in exercises if e.manual}
            marked = self._db.execute(
                "SELECT grade_id, points, comment, text_digest FROM mark WHERE student = ?", (student,)
            )
            marks = {key: Mark(*rest) for key, *rest in marked}
            marks = {k: m for k, m in marks.items() if k in texts and m.text_digest == text_digest(texts[k].text)}
            yield BookRow(student, label, source, timestamp, digest, JobOutcome(status, graded, reason, detail), marks)

    def mark(self, marks: Iterable[tuple[str, str, Mark]]) -> None:
        """Write the marks of a person, all or none.

        Parameters
        ----------
        marks : iterable of (student, grade_id, Mark)
        """
        rows = [(encodable(s), g, m.points, encodable(m.comment), m.text_digest) for s, g, m in marks]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?, ?)", rows)


def is_new(path: Path) -> bool:
    """Return True if there is no book yet, or one without rows, which a grading left that did not begin."""
    if not path.exists():
        return True
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return not database.execute("SELECT count(*) FROM submission").fetchone()[0]
    except sqlite3.Error:
        return False
    finally:
        database.close()


def text_digest(text: str) -> str:
    """Return a short name of a text, by which a mark is tied to what was read."""
    return hashlib.sha256(encodable(text).encode()).hexdigest()[:16]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _with_tuples(about: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in about.items()}


def _exercise(rest: dict[str, Any]) -> ExerciseResult:
    return ExerciseResult(**_with_tuples(rest))
