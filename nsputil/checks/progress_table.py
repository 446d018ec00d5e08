"""What ``checks.progress()`` prints and ``checks.course_map()`` draws: what is done, and what comes next."""

from dataclasses import dataclass
from html import escape

from nsputil.checks.exercise import Exercise
from nsputil.checks.record import Row, load, new_row
from nsputil.checks.verdict import COMPARED, RIGHT
from nsputil.progress_file import progress_file

DONE, BEGUN, TO_DO = "done", "begun", "to do"
MARKS = {DONE: "[x]", BEGUN: "[~]", TO_DO: "[ ]"}


def _by_notebook() -> dict[int, list[Exercise]]:
    from nsputil.checks.bank import exercises

    groups: dict[int, list[Exercise]] = {}
    for exercise in exercises().values():
        groups.setdefault(exercise.notebook, []).append(exercise)
    return groups


def state_of(exercise: Exercise, row: Row) -> str:
    """Return "done", "begun" or "to do".

    Parameters
    ----------
    exercise : Exercise
    row : dict
        What is kept about it.

    Returns
    -------
    str
        A text is done when the learner has marked its points.
    """
    if row["state"] == RIGHT or (row["state"] == COMPARED and row["points"] >= 0):
        return DONE
    return BEGUN if row["tries"] or row["hints"] else TO_DO


def short_table() -> str:
    """Return one line for each notebook, and what to do next.

    Returns
    -------
    str
    """
    rows, lines, following = load(), [], None
    for notebook, group in _by_notebook().items():
        states = [state_of(exercise, rows.get(exercise.name, new_row())) for exercise in group]
        bar = "".join({DONE: "#", BEGUN: "~", TO_DO: "."}[state] for state in states)
        lines.append(f"Notebook {notebook:02d}  {bar}  {states.count(DONE)} of {len(group)} done")
        left = [exercise for exercise, state in zip(group, states, strict=True) if state != DONE]
        following = following or (left[0] if left else None)
    lines.append(_next(following))
    lines.append(_where())
    return "\n".join(lines)


def notebook_table(notebook: int) -> str:
    """Return the exercises of one notebook, one a line, and what to do next.

    Parameters
    ----------
    notebook : int

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the notebook has no exercises.
    """
    groups, rows = _by_notebook(), load()
    if notebook not in groups:
        raise ValueError(f"notebook is {notebook!r}; expected one of {', '.join(map(str, groups))}")
    lines, following = [], None
    for number, exercise in enumerate(groups[notebook], 1):
        row = rows.get(exercise.name, new_row())
        state = state_of(exercise, row)
        following = following or (None if state == DONE else exercise)
        notes = [f"{row[field]} {field}" for field in ("tries", "hints") if row[field] > 1]
        notes += [f"{row['points']} points by your own count"] if row["points"] >= 0 else []
        notes += ["compared, not marked"] if row["state"] == COMPARED and row["points"] < 0 else []
        lines.append(f"{MARKS[state]} {number} {exercise.title} ({', '.join([exercise.name, *notes])})")
    lines.append("[x] done  [~] begun  [ ] to do")
    lines.append(_next(following))
    return "\n".join(lines)


def _next(exercise: Exercise | None) -> str:
    if exercise is None:
        return "Nothing is left to do here."
    return f"Next: {exercise.title} ({exercise.name}), notebook {exercise.notebook:02d}, {exercise.minutes} minutes."


def _where() -> str:
    path = progress_file()
    if path is None:
        return "Nothing is kept: NSPUTIL_PROGRESS is off."
    return f"Kept in {path}; checks.forget() deletes it."


@dataclass(frozen=True)
class CourseMap:
    """A map of the course: one row of squares for each notebook, filled where an exercise is done."""

    def __repr__(self) -> str:
        return "\n".join(short_table().splitlines()[:-1])

    def _repr_html_(self) -> str:
        """Return the map as a table that needs no script and no style sheet."""
        rows, lines = load(), []
        for notebook, group in _by_notebook().items():
            states = [state_of(exercise, rows.get(exercise.name, new_row())) for exercise in group]
            squares = "".join(
                f'<span title="{escape(f"{exercise.title}: {state}", quote=True)}">{SQUARES[state]}</span>'
                for exercise, state in zip(group, states, strict=True)
            )
            done = states.count(DONE)
            lines.append(
                f'<tr><th scope="row">{notebook:02d}</th><td aria-hidden="true">{squares}</td>'
                f"<td>{done} of {len(group)} done</td></tr>"
            )
        head = '<tr><th scope="col">notebook</th><th scope="col">exercises</th><th scope="col">progress</th></tr>'
        caption = "<caption>\u25a0 done, \u25e7 begun, \u25a1 to do. Run this cell again to renew the map.</caption>"
        return f"<table>{caption}<thead>{head}</thead><tbody>{''.join(lines)}</tbody></table>"


SQUARES = {DONE: "\u25a0", BEGUN: "\u25e7", TO_DO: "\u25a1"}
