"""Grades for other programs: nbgrader's export, Moodle's worksheet, Canvas's grade book.

A submission that could not be graded has an empty grade everywhere: that is not 0, and a person has to decide.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nsputil.grading.book import BookRow
from nsputil.grading.shown import for_page, for_sheet
from nsputil.grading.spoken import plain_feedback
from nsputil.grading.tables import Table, as_number, key_of, number

NBGRADER = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
    "late_submission_penalty", "score", "max_score",
)  # fmt: skip
MOODLE = ("Identifier", "Full name", "Grade", "Maximum Grade", "Feedback comments")
MOODLE_KEYS = ("Identifier", "ID number", "Username", "Email address")
CANVAS_KEYS = ("ID", "SIS Login ID", "SIS User ID", "Integration ID")

#: Writes something of a row of the book into a line of a platform's table.
Write = Callable[[list[str], BookRow], None]


@dataclass(frozen=True)
class Filled:
    """What became of a platform's own file.

    Attributes
    ----------
    table : Table
        With the grades filled in.
    count : int
        How many grades were written.
    unknown : tuple of str
        Students of the book that the file does not have.
    """

    table: Table
    count: int
    unknown: tuple[str, ...]


def nbgrader_table(rows: Sequence[BookRow], assignment: str, most: float) -> Table:
    """Return the table that ``nbgrader export`` writes.

    Parameters
    ----------
    rows : sequence of BookRow
    assignment : str
    most : float
        The points of the whole assignment.

    Returns
    -------
    Table
    """
    lines = [list(NBGRADER)]
    for row in rows:
        score = "" if row.score is None else str(float(row.score))
        who = [row.timestamp, for_sheet(row.student), "", for_sheet(row.label), ""]
        lines.append([assignment, "", *who, score, "0.0", score, str(float(most))])
    return Table(lines)


def moodle_table(rows: Sequence[BookRow], most: float, worksheet: str | Path | None = None) -> Filled:
    """Return Moodle's grading worksheet with grades and feedback, or one of our own that can be imported.

    Parameters
    ----------
    rows : sequence of BookRow
    most : float
    worksheet : str or Path, optional
        What Moodle offers as "Download grading worksheet". Its other columns are kept, and points are scaled to its
        "Maximum Grade".

    Returns
    -------
    Filled

    Raises
    ------
    ValueError
        If the worksheet has no column for grades, or none that tells the students apart.
    """
    if worksheet is None:
        lines = [list(MOODLE)]
        lines += [[f"Participant {for_sheet(r.student)}", for_sheet(r.label), "", number(most), ""] for r in rows]
        table = Table(lines)
    else:
        table = Table.read(worksheet)
    grade = table.column("Grade")
    if grade is None:
        raise ValueError(f"{worksheet} has no column 'Grade'; expected Moodle's grading worksheet in English")
    key = 0 if worksheet is None else table.best_key([row.student for row in rows], MOODLE_KEYS)
    if key is None:
        raise ValueError(f"no student of the book is in {worksheet}; looked in {', '.join(MOODLE_KEYS)}")
    comments, highest = table.column("Feedback comments"), table.column("Maximum Grade")

    def fill(line: list[str], row: BookRow) -> None:
        scale = as_number(line[highest]) if highest is not None and highest < len(line) else None
        assert row.score is not None
        line[grade] = number(row.score / most * (scale or most) if most else 0.0)

    def comment(line: list[str], row: BookRow) -> None:
        if comments is not None:  # Moodle takes it for HTML
            line[comments] = "<br>".join(for_page(text) for text in plain_feedback(row))

    return _filled(table, key, rows, fill, comment)


def canvas_table(
    rows: Sequence[BookRow], most: float, gradebook: str | Path, assignment: str, column: str = ""
) -> Filled:
    """Return the grade book that Canvas exported, with the grades of one assignment; other cells are kept.

    Parameters
    ----------
    rows : sequence of BookRow
    most : float
    gradebook : str or Path
        What Canvas offers as "Export". Points are scaled to its "Points Possible".
    assignment : str
    column : str
        The name of the column; by default the one whose name begins with the assignment's.

    Returns
    -------
    Filled

    Raises
    ------
    ValueError
        If the file has no such column, several, or none of the students.
    """
    table = Table.read(gradebook)
    heads = [head.strip() for head in table.rows[0]]
    wanted = column or assignment
    places = [place for place, head in enumerate(heads) if head == wanted]
    places = places or [place for place, head in enumerate(heads) if head.lower().startswith(wanted.lower())]
    if len(places) != 1 or table.column("Student") is None:
        names = ", ".join(heads[5:15]) or "none"
        raise ValueError(
            f"{gradebook} has {len(places)} columns for {wanted!r}; name one with --column. Its columns are: {names}"
        )
    key = table.best_key([row.student for row in rows], CANVAS_KEYS)
    if key is None:
        raise ValueError(f"no student of the book is in {gradebook}; looked in {', '.join(CANVAS_KEYS)}")
    place = places[0]
    possible = next((line for line in table.rows[1:4] if line and line[0].strip() == "Points Possible"), [])
    scale = as_number(possible[place]) if place < len(possible) else None

    def fill(line: list[str], row: BookRow) -> None:
        assert row.score is not None
        line[place] = number(row.score / most * (scale or most) if most else 0.0)

    return _filled(table, key, rows, fill, lambda line, row: None)


def _filled(table: Table, key: int, rows: Sequence[BookRow], fill: Write, comment: Write) -> Filled:
    by_student = {row.student: row for row in rows}
    width, count, seen = len(table.rows[0]), 0, set()
    for line in table.rows[1:]:
        row = by_student.get(key_of(line, key))
        if row is None:
            continue
        line += [""] * (width - len(line))
        seen.add(row.student)
        comment(line, row)
        if row.score is not None:
            fill(line, row)
            count += 1
    return Filled(table, count, tuple(student for student in by_student if student not in seen))
