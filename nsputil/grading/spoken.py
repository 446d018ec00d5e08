"""What a student reads about an exercise or a submission: the verdict's words, or a plain sentence for a reason."""

from nsputil.checks.verdict import COMPARED, NOT_DONE, RIGHT, WRONG
from nsputil.grading.book import BookRow
from nsputil.grading.job import FAULT
from nsputil.grading.results import UNGRADABLE, ExerciseResult
from nsputil.grading.tables import number

REASONS = {
    "time": "It took longer than an answer may, perhaps in an endless loop.",
    "memory": "It used more memory than an answer may.",
    "output": "It printed or returned more than an answer may.",
    "crash": "It ended the Python that ran it.",
    "processes": "It started more processes than an answer may.",
    "protocol": "It interfered with the exchange between your code and the grader.",
    "missing cell": "Its cell is not in the notebook. Begin with a fresh copy, and do not delete cells.",
}
STATES = {RIGHT: "right", WRONG: "not yet right", NOT_DONE: "not done", COMPARED: "read by a person"}


def title(exercise: ExerciseResult) -> str:
    """Return the heading of an exercise, or its name if it is not one of this course."""
    from nsputil.checks.bank import exercises

    known = exercises().get(exercise.name)
    return known.title if known else exercise.name


def verdict(row: BookRow, exercise: ExerciseResult) -> tuple[str, list[str]]:
    """Return the state of an exercise and the lines that explain it, for its student.

    Parameters
    ----------
    row : BookRow
    exercise : ExerciseResult

    Returns
    -------
    (str, list of str)
        The lines are plain text and may hold the student's own words.
    """
    if exercise.state == UNGRADABLE:
        plain = REASONS.get(exercise.reason, f"The reason: {exercise.reason}.")
        return "could not be judged", [exercise.message or plain]
    if exercise.manual:
        mark = row.marks.get(exercise.grade_id)
        if mark:
            return "read by a person", [mark.comment] if mark.comment else []
        if exercise.text.strip():
            return "waits for a person", []
        return "not done", []
    lines = [exercise.message] if exercise.message else []
    if exercise.question:
        lines.append(f"Ask yourself: {exercise.question}")
    return STATES.get(exercise.state, exercise.state), lines


def summary(row: BookRow) -> str:
    """Return one sentence about a whole submission."""
    if row.outcome.status == FAULT:
        return "It has not been graded yet, by a fault of the grader and not of yours."
    graded = row.outcome.graded
    if graded is None:
        return f"It could not be graded ({row.outcome.reason}): {row.outcome.detail}"
    text = f"{number(row.score or 0)} of {number(graded.most)} points"
    if row.waiting:
        more = sum(exercise.most for exercise in row.waiting)
        text += f"; a person has still to give up to {number(more)} of them"
    return text + "."


def plain_feedback(row: BookRow) -> list[str]:
    """Return the feedback as lines of plain text: a sentence about the whole, then what is not right."""
    lines = [summary(row)]
    for exercise in row.exercises:
        state, words = verdict(row, exercise)
        if exercise.state == RIGHT:
            continue
        lines.append(" ".join([f"{title(exercise)}: {state}.", *words]))
    return lines
