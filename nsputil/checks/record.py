"""Which exercises are done, kept in one small file that survives a restart and can be deleted.

The file is ``.nsputil-progress.json`` in the home folder, or what the environment variable ``NSPUTIL_PROGRESS`` names;
``off`` keeps nothing. It is replaced in one step, so that a crash leaves the old one or the new one.
"""

import json
import os
from pathlib import Path

from nsputil.files import write_text


def progress_file():
    """Return the path of the file, or None if nothing is kept.

    Returns
    -------
    Path or None
    """
    named = os.environ.get("NSPUTIL_PROGRESS", "")
    if named.lower() == "off":
        return None
    return Path(named) if named else Path.home() / ".nsputil-progress.json"


def load():
    """Return what is known: {exercise: {"state": ..., "tries": ..., "hints": ...}}.

    Returns
    -------
    dict
        Empty if there is no file, or none that can be read.
    """
    path = progress_file()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))["exercises"]
        return {name: row for name, row in kept.items() if isinstance(row, dict)}
    except (AttributeError, OSError, ValueError, KeyError, TypeError):
        return {}


def record(name, state=None, hint=False):
    """Note that an exercise was checked, or a hint was read.

    Parameters
    ----------
    name : str
    state : str, optional
        As in `Verdict.state`. What was right once stays right.
    hint : bool

    Returns
    -------
    bool
        False if nothing could be written; a learner can work without.
    """
    path = progress_file()
    if path is None:
        return False
    kept = load()
    row = {"state": "", "tries": 0, "hints": 0} | kept.get(name, {})
    row["hints"] += hint
    if state is not None:
        row["tries"] += 1
        row["state"] = row["state"] if row["state"] == "right" else state
    kept[name] = row
    try:
        write_text(path, json.dumps({"version": 1, "exercises": kept}, indent=1, sort_keys=True) + "\n")
    except OSError:
        return False
    return True


def forget():
    """Delete the file; all exercises are new again."""
    path = progress_file()
    if path is not None:
        path.unlink(missing_ok=True)


def table(exercises):
    """Return the progress over a list of exercises as text.

    Parameters
    ----------
    exercises : sequence of Exercise
        In the order of the course.

    Returns
    -------
    str
    """
    kept, lines = load(), []
    for notebook in sorted({exercise.notebook for exercise in exercises}):
        group = [exercise for exercise in exercises if exercise.notebook == notebook]
        done = sum(kept.get(exercise.name, {}).get("state") == "right" for exercise in group)
        lines.append(f"Notebook {notebook:02d}: {done} of {len(group)} right")
        for exercise in group:
            row = kept.get(exercise.name, {"state": "", "tries": 0, "hints": 0})
            mark = {"right": "[x]", "": "[ ]", "not done yet": "[ ]"}.get(row["state"], "[~]")
            tries = f", {row['tries']} tries" if row["tries"] > 1 else ""
            hints = f", {row['hints']} hints" if row["hints"] else ""
            lines.append(f"  {mark} {exercise.title} ({exercise.name}{tries}{hints})")
    path = progress_file()
    lines.append("[x] right  [~] begun  [ ] to do")
    kept_in = f"Kept in {path}; checks.forget() deletes it."
    lines.append(kept_in if path else "Nothing is kept: NSPUTIL_PROGRESS is off.")
    return "\n".join(lines)
