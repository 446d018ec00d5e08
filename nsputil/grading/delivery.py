"""Whose file is it? The three layouts in which submissions are delivered.

nbgrader
    ``STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb``, below ``submitted/`` or not.
Moodle ("Download all submissions")
    ``Name_NUMBER_assignsubmission_file_/any.ipynb``; without folders, ``Name_NUMBER_assignsubmission_file_any.ipynb``.
Canvas ("Download submissions")
    ``name_USER_SUBMISSION_any.ipynb``, with ``_LATE`` after the name if it was late.

A learner chooses the name of a file, and in Moodle often the own display name. So one layout holds for a whole
delivery, the one that most names fit, and a name that can be read in two ways belongs to nobody.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOODLE_FOLDER = re.compile(r"(?P<name>.+)_(?P<id>\d{1,18})_assignsubmission_(?:file|onlinetext)_?")
MOODLE_MARK = re.compile(r"_(?P<id>\d{1,18})_assignsubmission_(?:file|onlinetext)_")
CANVAS = re.compile(
    r"(?:(?P<name>[^_]+)_(?:late_)?(?P<id>\d{1,18})|(?P<anonymous>anon_[A-Za-z0-9]{1,40})(?:_late)?)_\d{1,18}_(?P<file>.+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sender:
    """Who sent a file: the platform's key, a name to read, and the file's path within the submission."""

    student: str
    label: str
    rest: tuple[str, ...]


def nbgrader(parts: tuple[str, ...], assignment: str) -> Sender | None:
    """Return who sent a file by nbgrader's layout, or None."""
    if len(parts) >= 3 and parts[1] == assignment:
        return Sender(parts[0], "", parts[2:])
    return None


def moodle(parts: tuple[str, ...], assignment: str) -> Sender | None:
    """Return who sent a file by Moodle's layout, or None."""
    first, rest = parts[0], parts[1:]
    if rest:  # a folder: its end is Moodle's, whatever the display name is
        match = MOODLE_FOLDER.fullmatch(first)
        return Sender(match["id"], match["name"], rest) if match else None
    marks = list(MOODLE_MARK.finditer(first))
    if not marks:
        return None
    if len(marks) > 1:
        return Sender(f"? {first}", "", (first,))
    return Sender(marks[0]["id"], first[: marks[0].start()], (first[marks[0].end() :],))


def canvas(parts: tuple[str, ...], assignment: str) -> Sender | None:
    """Return who sent a file by Canvas's layout, or None."""
    match = CANVAS.fullmatch(parts[0]) if len(parts) == 1 else None
    if not match:
        return None
    return Sender(match["id"] or match["anonymous"], match["name"] or "", (match["file"],))


LAYOUTS = {"nbgrader": nbgrader, "Moodle": moodle, "Canvas": canvas}


def layout_of(paths: Iterable[tuple[str, ...]], assignment: str) -> tuple[str, int]:
    """Return the layout of a delivery, and how many folders come above it.

    Parameters
    ----------
    paths : iterable of tuple of str
        All files, each as its folders and its name.
    assignment : str

    Returns
    -------
    (str, int)
        A key of `LAYOUTS`; 0, or 1 if everything is in one folder, such as ``submitted``.

    Raises
    ------
    ValueError
        If no file fits any layout.
    """
    known = [path for path in paths if path]
    above = (0, 1) if len({path[0] for path in known}) == 1 else (0,)
    for skipped in above:
        below = [path[skipped:] for path in known if len(path) > skipped]
        fits = {name: sum(find(path, assignment) is not None for path in below) for name, find in LAYOUTS.items()}
        best = max(fits, key=lambda name: fits[name])
        if fits[best]:
            return best, skipped
    raise ValueError(
        f"no submission of {assignment} found; expected STUDENT/{assignment}/{assignment}.ipynb as nbgrader has it, or "
        "the archive that Moodle or Canvas offers for download"
    )
