"""The table that ``checks.progress()`` prints: which exercises are right, begun and still to do."""

from collections.abc import Sequence

from nsputil.checks.exercise import Exercise
from nsputil.checks.record import load, new_row
from nsputil.progress_file import progress_file


def progress_table(exercises: Sequence[Exercise]) -> str:
    """Return the progress over a list of exercises as text.

    Parameters
    ----------
    exercises : sequence of Exercise
        In the order of the course.

    Returns
    -------
    str
    """
    rows, lines = load(), []
    for notebook in sorted({exercise.notebook for exercise in exercises}):
        group = [exercise for exercise in exercises if exercise.notebook == notebook]
        done = sum(exercise.name in rows and rows[exercise.name]["state"] == "right" for exercise in group)
        lines.append(f"Notebook {notebook:02d}: {done} of {len(group)} right")
        for exercise in group:
            row = rows.get(exercise.name, new_row())
            mark = {"right": "[x]", "": "[ ]", "not done yet": "[ ]"}.get(row["state"], "[~]")
            tries = f", {row['tries']} tries" if row["tries"] > 1 else ""
            hints = f", {row['hints']} hints" if row["hints"] else ""
            lines.append(f"  {mark} {exercise.title} ({exercise.name}{tries}{hints})")
    lines.append("[x] right  [~] begun  [ ] to do")
    path = progress_file()
    lines.append(
        f"Your progress is kept in {path}; checks.forget() deletes it."
        if path
        else "Nothing is kept: NSPUTIL_PROGRESS is off."
    )
    return "\n".join(lines)
