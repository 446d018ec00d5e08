"""Exercises that answer back: ``checks.NAME(answer)`` says right, or what the answer looks like.

    from nsputil import checks

    checks.batch_loss(batch_loss)     judge an answer
    checks.batch_loss.hint()          a hint, in three steps
    checks.progress()                 what is done, over all notebooks
    checks.forget()                   delete that record

Everything runs here, without a network. Introduced in the exercises of notebook 01; how to write one:
docs/exercises.md.
"""

from nsputil.checks import record as _record

__all__ = ["exercises", "forget", "progress"]


def exercises():
    """Return all exercises.

    Returns
    -------
    dict
        {name: Exercise} in the order of the course.
    """
    from nsputil.checks.bank import exercises

    return exercises()


def progress():
    """Print which exercises are right, begun and still to do."""
    print(_record.table(list(exercises().values())))


def forget():
    """Delete the record of progress."""
    _record.forget()
    print("The record of your progress is deleted.")


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    found = exercises()
    if name not in found:
        import difflib

        near = difflib.get_close_matches(name, found, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise AttributeError(f"there is no exercise {name!r}{meant}")
    return found[name]


def __dir__():
    return sorted([*__all__, *exercises()])
