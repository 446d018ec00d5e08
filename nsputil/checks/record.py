"""Which exercises are done, kept in one small file that survives a restart and can be deleted.

`nsputil.progress_file` says where the file is. It is replaced in one step, so a crash leaves the old one or the new
one.
"""

import json
from typing import Any, TypedDict

from nsputil.checks.verdict import COMPARED, NOT_DONE, RIGHT
from nsputil.files import write_text
from nsputil.progress_file import progress_file


class Row(TypedDict):
    """What is known about one exercise.

    Its state as in `Verdict.state`, tries, hints read, and the points that the learner marked for a text (-1: none).
    """

    state: str
    tries: int
    hints: int
    points: int


def new_row() -> Row:
    """Return the row of an exercise that nobody has tried."""
    return {"state": "", "tries": 0, "hints": 0, "points": -1}


def _row(stored: dict[str, Any]) -> Row:
    row = new_row()
    for field, usual in row.items():
        value = stored.get(field, usual)
        if type(value) is type(usual):
            row[field] = value  # type: ignore[literal-required]
    return row


def load() -> dict[str, Row]:
    """Return what is known: {exercise: {"state": ..., "tries": ..., "hints": ..., "points": ...}}.

    Returns
    -------
    dict
        Empty if there is no file, or none that can be read.
    """
    path = progress_file()
    if path is None:
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["exercises"]
        return {name: _row(row) for name, row in rows.items() if isinstance(row, dict)}
    except (AttributeError, OSError, ValueError, KeyError, TypeError):
        return {}


def record(name: str, state: str | None = None, hint: bool = False, points: int | None = None) -> bool:
    """Note that an exercise was checked, a hint was read, or points were marked.

    Parameters
    ----------
    name : str
    state : str, optional
        As in `Verdict.state`. What was right once stays right, and what was compared stays compared. An answer that is
        not done counts no try.
    hint : bool
    points : int, optional
        How many points of the rubric the learner gave the text.

    Returns
    -------
    bool
        False if nothing could be written; a learner can work without.
    """
    path = progress_file()
    if path is None or (state == NOT_DONE and not hint):
        return False
    rows = load()
    row = rows.setdefault(name, new_row())
    row["hints"] += hint
    if state is not None:
        row["tries"] += 1
        row["state"] = row["state"] if row["state"] in (RIGHT, COMPARED) and state != RIGHT else state
    if points is not None:
        row["points"] = points
    try:
        write_text(path, json.dumps({"version": 1, "exercises": rows}, indent=1, sort_keys=True) + "\n")
    except OSError:
        return False
    return True


def forget() -> None:
    """Delete the file; all exercises are new again."""
    path = progress_file()
    if path is not None:
        path.unlink(missing_ok=True)
