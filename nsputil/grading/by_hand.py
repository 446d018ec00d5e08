"""Texts that a person grades: a page with the rubric beside them, and a sheet for the points, which is read back."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from nsputil.checks.text_exercise import TextExercise
from nsputil.grading.book import Book, BookRow, Mark, text_digest
from nsputil.grading.pages import page
from nsputil.grading.results import ExerciseResult
from nsputil.grading.shown import for_page, for_sheet
from nsputil.grading.tables import Table, as_number, number

HEADS = ("student", "exercise", "most", "points", "comment", "text", "version")
SHOWN = 20_000  # characters of a text


def texts(rows: Sequence[BookRow]) -> dict[str, list[tuple[BookRow, ExerciseResult]]]:
    """Return {grade_id: texts to be graded}, with those that are graded already."""
    found = defaultdict(list)
    for row in rows:
        for exercise in row.exercises:
            if exercise.manual and exercise.text.strip():
                found[exercise.grade_id].append((row, exercise))
    return dict(found)


def texts_page(rows: Sequence[BookRow], assignment: str, sheet: str) -> str:
    """Return a page with all texts, exercise by exercise, below the rubric.

    Parameters
    ----------
    rows : sequence of BookRow
    assignment : str
    sheet : str
        The name of the file that the points go into.

    Returns
    -------
    str
    """
    parts = [f"<h1>{for_page(assignment)}: texts</h1>"]
    parts.append(
        f"<p>Write the points, and a comment if you like, into <code>{for_page(sheet)}</code>, then read them with "
        "<code>--marks</code>. No program can tell whether a text is right. What the check found are words only.</p>"
    )
    for pairs in texts(rows).values():
        first = pairs[0][1]
        parts.append(f"<section>\n<h2>{for_page(first.name)}: {number(first.most)} points</h2>")
        parts.append(_rubric(first.name))
        for row, exercise in pairs:
            mark = row.marks.get(exercise.grade_id)
            given = f", {number(mark.points)} points given" if mark else ""
            parts.append(f"<h3>{for_page(row.student, 100)}{given}</h3>")
            parts.append(f"<blockquote>{for_page(exercise.text.strip(), SHOWN)}</blockquote>")
            if exercise.message:
                parts.append(f'<p class="words"><small>{for_page(exercise.message)}</small></p>')
        parts.append("</section>")
    return page(f"{for_page(assignment)}: texts", "\n".join(parts))


def _rubric(name: str) -> str:
    from nsputil.checks.bank import exercises

    exercise = exercises().get(name)
    if not isinstance(exercise, TextExercise):
        return "<p>This exercise has no rubric in the bank.</p>"
    points = "".join(f"<li>{for_page(point.text)}</li>" for point in exercise.rubric)
    model = f'<p>A model answer:</p><p class="words">{for_page(exercise.model)}</p>' if exercise.model else ""
    return f"<p>One point for each:</p><ol>{points}</ol>{model}"


def texts_sheet(rows: Sequence[BookRow]) -> Table:
    """Return the sheet that a person fills: a row for each text, with what was filled in before."""
    lines = [list(HEADS)]
    for pairs in texts(rows).values():
        for row, exercise in pairs:
            mark = row.marks.get(exercise.grade_id)
            given = [number(mark.points), for_sheet(mark.comment)] if mark else ["", ""]
            who = [for_sheet(row.student), for_sheet(exercise.grade_id), number(exercise.most)]
            lines.append([*who, *given, for_sheet(exercise.text, SHOWN), "v" + text_digest(exercise.text)])
    return Table(lines, mark=True)


def read_marks(book: Book, path: str | Path) -> int:
    """Read a filled sheet into the book, all of it or nothing.

    Parameters
    ----------
    book : Book
    path : str or Path

    Returns
    -------
    int
        How many texts have points in it.

    Raises
    ------
    ValueError
        If a row does not belong to the book, its text is another now, or its points are impossible.
    """
    known = {
        (for_sheet(row.student), for_sheet(exercise.grade_id)): (row, exercise)
        for pairs in texts(list(book.rows())).values()
        for row, exercise in pairs
    }
    table = Table.read(path)
    places = {name: table.column(name) for name in HEADS}
    missing = [name for name in HEADS if places[name] is None]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]!r}; expected {', '.join(HEADS)}")
    marks = []
    for line_number, line in enumerate(table.rows[1:], 2):
        cell = {
            name: line[place].strip() if place < len(line) else ""
            for name, place in places.items()
            if place is not None
        }
        if not cell["points"]:
            continue
        found = known.get((cell["student"], cell["exercise"]))
        if found is None:
            raise ValueError(
                f"{path}, row {line_number}: the book has no text of {cell['student']} for {cell['exercise']}"
            )
        row, exercise = found
        points = as_number(cell["points"])
        if points is None or points > exercise.most:
            raise ValueError(
                f"{path}, row {line_number}: points are {cell['points']!r}; expected 0 to {number(exercise.most)}"
            )
        if cell["version"] != "v" + text_digest(exercise.text):
            raise ValueError(
                f"{path}, row {line_number}: {cell['student']} has handed in another text since; read that one"
            )
        comment = cell["comment"].removeprefix("'")
        marks.append((row.student, exercise.grade_id, Mark(points, comment, text_digest(exercise.text))))
    book.mark(marks)
    return len(marks)
