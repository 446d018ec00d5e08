"""From a delivery, a folder or an archive, to one submission for each student."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from nsputil.grading.delivery import LAYOUTS, Sender, layout_of
from nsputil.grading.entries import Entry, opened
from nsputil.grading.results import Ungradable
from nsputil.grading.shown import one_line
from nsputil.grading.submission import Submission

PROBLEMS = {
    "symbolic link": "a link is not followed; hand in the file itself",
    "unsafe path": "its path in the archive leads elsewhere",
    "not a file": "it is a device or a pipe; expected a notebook",
    "unreadable": "its folder cannot be read",
}


@contextmanager
def submissions(place: str | Path, assignment: str) -> Iterator[list[Submission]]:
    """Give what each student delivered, in the order of their keys.

    Parameters
    ----------
    place : str or Path
        A folder or a zip archive, as nbgrader, Moodle or Canvas have it; see `nsputil.grading.delivery`.
    assignment : str
        The name of the assignment, such as ``03_from_likelihood_to_the_loss``.

    Yields
    ------
    list of Submission
        Read their bytes inside the block.

    Raises
    ------
    ValueError
        If the place cannot be read or holds no submission of this assignment.
    """
    with opened(Path(place)) as entries:
        yield sorted(_of(entries, assignment), key=lambda submission: submission.student)


def _of(entries: Sequence[Entry], assignment: str) -> Iterator[Submission]:
    layout, above = layout_of([entry.parts for entry in entries], assignment)
    find = LAYOUTS[layout]
    files: dict[str, list[tuple[Sender, Entry]]] = defaultdict(list)
    for entry in entries:
        parts = entry.parts[above:]
        sender = find(parts, assignment) if parts else None
        if sender is None and layout == "nbgrader" and len(parts) == 2 and parts[1] == assignment and entry.problem:
            sender = Sender(parts[0], "", (f"{assignment}.ipynb",))  # the folder itself is a link
        if sender is not None:
            files[sender.student].append((sender, entry))
    for student, sent in files.items():
        label = next((sender.label for sender, _ in sent if sender.label), "")
        yield _one(student, label, sent, assignment, layout)


def _one(student: str, label: str, sent: list[tuple[Sender, Entry]], assignment: str, layout: str) -> Submission:
    notebooks = [
        (sender, entry)
        for sender, entry in sent
        if sender.rest[-1].lower().endswith(".ipynb") and ".ipynb_checkpoints" not in sender.rest
    ]
    if layout == "nbgrader":
        notebooks = [pair for pair in notebooks if len(pair[0].rest) == 1]
    named = [pair for pair in notebooks if pair[0].rest[-1] == f"{assignment}.ipynb"]
    chosen = named if len(named) == 1 else notebooks
    stamp = next((entry for sender, entry in sent if sender.rest == ("timestamp.txt",) and not entry.problem), None)
    source = "/".join(chosen[0][1].parts) if chosen else "/".join(sent[0][1].parts)
    read: Callable[[], bytes]
    if student.startswith("? "):
        read = partial(_refuse, "unsafe path", "the name of the file names two students")
    elif not chosen:
        names = ", ".join(one_line(sender.rest[-1], 60) for sender, _ in sent[:3])
        read = partial(_refuse, "no notebook", f"found {names}; expected a file {assignment}.ipynb")
    elif len(chosen) > 1:
        names = ", ".join(one_line(sender.rest[-1], 60) for sender, _ in chosen[:3])
        read = partial(_refuse, "several notebooks", f"found {len(chosen)}, such as {names}; expected one")
    elif chosen[0][1].problem:
        problem = chosen[0][1].problem
        read = partial(_refuse, problem, PROBLEMS[problem])
    else:
        read = chosen[0][1].read
    return Submission(student, label, source, read, _timestamp(stamp) if stamp else "")


def _refuse(reason: str, detail: str) -> bytes:
    raise Ungradable(reason, detail)


def _timestamp(entry: Entry) -> str:
    """Return what nbgrader's timestamp.txt says, if it is a time at all."""
    try:
        text = entry.read()[:64].decode("ascii", "replace").strip()
    except Ungradable:
        return ""
    return (
        text if re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*( ?[A-Z]{3,4}|[+-]\d\d:?\d\d|Z)?", text) else ""
    )
