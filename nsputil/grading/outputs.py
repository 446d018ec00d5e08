"""All files that a grading leaves in its folder, written from the book alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nsputil.files import replacing, write_text
from nsputil.grading.book import BookRow
from nsputil.grading.by_hand import texts, texts_page, texts_sheet
from nsputil.grading.class_facts import class_facts
from nsputil.grading.class_report import draw_class, report_page, report_table
from nsputil.grading.exports import canvas_table, moodle_table, nbgrader_table
from nsputil.grading.feedback import feedback_page
from nsputil.grading.pages import file_name
from nsputil.grading.tables import Table


@dataclass(frozen=True)
class Platforms:
    """Files of a platform that grades are filled into.

    Attributes
    ----------
    moodle, canvas : str
        Paths; empty if there is none.
    column : str
        Of Canvas's grade book; empty if the assignment's name tells it.
    """

    moodle: str = ""
    canvas: str = ""
    column: str = ""


def write_outputs(
    rows: Sequence[BookRow], folder: Path, assignment: str, most: float, platforms: Platforms
) -> list[tuple[str, str]]:
    """Write grades, pages and reports, each file whole or not at all.

    Parameters
    ----------
    rows : sequence of BookRow
    folder : Path
    assignment : str
    most : float
        The points of the whole assignment.
    platforms : Platforms

    Returns
    -------
    list of (str, str)
        The name of each file or folder, and what it is.

    Raises
    ------
    ValueError
        If the file of a platform cannot be filled.
    """
    written: list[tuple[str, str]] = []

    def table(name: str, content: Table, what: str) -> None:
        content.write(folder / name)
        written.append((name, what))

    table("grades.csv", nbgrader_table(rows, assignment, most), "grades, as nbgrader exports them")
    moodle = moodle_table(rows, most, platforms.moodle or None)
    table("moodle.csv", moodle.table, f"for Moodle, {_filled(moodle.count, moodle.unknown)}")
    if platforms.canvas:
        canvas = canvas_table(rows, most, platforms.canvas, assignment, platforms.column)
        table("canvas.csv", canvas.table, f"for Canvas, {_filled(canvas.count, canvas.unknown)}")
    for row in rows:
        write_text(folder / "feedback" / f"{file_name(row.student)}.html", feedback_page(row, assignment))
    written.append(("feedback/", f"{len(rows)} pages, one for each student"))
    facts = class_facts(rows)
    table("class.csv", report_table(facts), "what the class did in each exercise")
    picture = None
    if facts:
        with replacing(folder / "class.png") as new:
            draw_class(facts, new)
        picture = (folder / "class.png").read_bytes()
    write_text(folder / "class.html", report_page(rows, assignment, picture))
    written.append(("class.html", "the same with a picture, and what could not be graded"))
    if texts(rows):
        sheet = texts_sheet(rows)
        waiting = sum(len(row.waiting) for row in rows)
        write_text(folder / "texts.html", texts_page(rows, assignment, "texts.csv"))
        table("texts.csv", sheet, f"{len(sheet.rows) - 1} texts to read beside texts.html, {waiting} without points")
    return written


def _filled(count: int, unknown: Sequence[str]) -> str:
    text = f"{count} grades"
    return text + (f"; it does not have {len(unknown)} students of the book" if unknown else "")


def remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed left half written."""
    for place in (folder, folder / "feedback"):
        for old in place.glob(".*.new") if place.is_dir() else ():
            old.unlink(missing_ok=True)
