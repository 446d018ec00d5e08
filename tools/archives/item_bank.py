"""All exercises as a table: objective, level, minutes, points, recognized mistakes, and where each is taught."""

import csv
import io
import json

from nsputil.checks import bank
from tools.objectives import LEVELS, ROOT, objectives

COLUMNS = (
    "name", "title", "notebook", "objectives", "kind", "level", "difficulty", "importance", "minutes", "points",
    "answer", "mistakes", "taught_in", "sheet",
)  # fmt: skip


def rows(root=ROOT):
    """Return a row for each exercise, in the order of the course.

    Parameters
    ----------
    root : Path, optional

    Returns
    -------
    list of dict
        The keys are `COLUMNS`; ``objectives`` and ``mistakes`` are lists of str.
    """
    lessons = {int(path.stem[:2]): path for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))}
    taught = {number: objectives(path) for number, path in lessons.items()}
    return [
        {
            "name": exercise.name,
            "title": exercise.title,
            "notebook": exercise.notebook,
            "objectives": [taught[exercise.notebook][k - 1] for k in exercise.objectives],
            "kind": exercise.kind,
            "level": LEVELS[exercise.kind],
            "difficulty": exercise.difficulty,
            "importance": exercise.importance,
            "minutes": exercise.minutes,
            "points": exercise.points,
            "answer": type(exercise).__name__.removesuffix("Exercise").lower(),
            "mistakes": mistakes(exercise),
            "taught_in": f"notebooks/{lessons[exercise.notebook].name}",
            "sheet": f"exercises/{lessons[exercise.notebook].stem}/{lessons[exercise.notebook].name}",
        }
        for exercise in bank.exercises().values()
    ]


def mistakes(exercise):
    """Return the mistakes that an exercise recognizes by name.

    Parameters
    ----------
    exercise : Exercise

    Returns
    -------
    list of str
        Misconceptions of functions and numbers, the wrong options of a choice, the traps of a text.
    """
    named = [mistake.name for mistake in getattr(exercise, "misconceptions", ())]
    wrong = [option.text for option in getattr(exercise, "options", ()) if not option.right]
    traps = [trap.name for trap in getattr(exercise, "traps", ())]
    return named + wrong + traps


def as_csv(found):
    """Return the rows as CSV; lists are joined by semicolons.

    Parameters
    ----------
    found : list of dict

    Returns
    -------
    str
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in found:
        writer.writerow({key: "; ".join(value) if isinstance(value, list) else value for key, value in row.items()})
    return out.getvalue()


def as_json(found):
    """Return the rows as JSON.

    Parameters
    ----------
    found : list of dict

    Returns
    -------
    str
    """
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
