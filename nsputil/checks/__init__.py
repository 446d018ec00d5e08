"""Exercises that answer back: ``checks.NAME(answer)`` says right, or what the answer looks like.

    from nsputil import checks

    checks.batch_loss(batch_loss)     judge an answer
    checks.batch_loss.hint()          a hint, in three steps
    checks.progress()                 what is done, over all notebooks
    checks.forget()                   delete that record

Everything runs here, without a network. Introduced in the exercises of notebook 01; how to write one:
docs/exercises.md.

How this package fits to the others: docs/architecture.md.
"""

from nsputil.checks import record as _record
from nsputil.checks.exercise import Exercise as _Exercise
from nsputil.checks.progress_table import progress_table as _progress_table

__all__ = ["exercises", "forget", "progress"]


def exercises() -> dict[str, _Exercise]:
    """Return all exercises.

    Returns
    -------
    dict
        {name: Exercise} in the order of the course.
    """
    from nsputil.checks.bank import exercises

    return exercises()


def progress() -> None:
    """Print which exercises are right, begun and still to do."""
    print(_progress_table(list(exercises().values())))


def forget() -> None:
    """Delete the record of progress."""
    _record.forget()
    print("The record of your progress is deleted.")


def __getattr__(name: str) -> _Exercise:
    if name.startswith("_"):
        raise AttributeError(name)
    by_name = exercises()
    if name not in by_name:
        import difflib

        near = difflib.get_close_matches(name, by_name, 1)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        raise AttributeError(f"there is no exercise {name!r}{suggestion}")
    return by_name[name]


def __dir__() -> list[str]:
    return sorted([*__all__, *exercises()])
