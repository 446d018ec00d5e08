"""Exercises with feedback: ``checks.NAME(answer)`` says right, or what the answer looks like.

    from nsputil import checks

    checks.batch_loss(batch_loss)     judge an answer
    checks.batch_loss.hint()          a hint, in three steps
    checks.batch_loss.solution()      after the hints: the solution, one step at a time
    checks.progress()                 what is done, and what to do next
    checks.progress(4)                the same for one notebook, exercise by exercise
    checks.forget()                   delete that record

Everything runs here, without a network. Introduced in the exercises of notebook 01; how to write one:
docs/exercises.md.

How this package fits to the others: docs/architecture.md.
"""

from nsputil.checks import record as _record
from nsputil.checks import values as _values
from nsputil.checks.handle import Check as _Check
from nsputil.checks.honest import bind as _bind
from nsputil.checks.honest import honest_functions as _honest_functions
from nsputil.checks.progress_table import CourseMap as _CourseMap
from nsputil.checks.progress_table import notebook_table as _notebook_table
from nsputil.checks.progress_table import short_table as _short_table

_bind(_values)

__all__ = ["course_map", "exercises", "forget", "progress"]


def exercises() -> dict[str, _Check]:
    """Return the checks of all exercises.

    Returns
    -------
    dict
        {name: Check} in the order of the course.
    """
    return {name: _Check(name) for name in _names()}


def _names() -> list[str]:
    with _honest_functions():  # the bank computes its answers when it is first imported
        from nsputil.checks.bank import exercises

        return list(exercises())


def progress(notebook: int | None = None) -> None:
    """Print what is done and what comes next.

    Parameters
    ----------
    notebook : int, optional
        Only the exercises of this notebook, one a line. Without it one line for each notebook.

    Raises
    ------
    ValueError
        If the notebook has no exercises.
    """
    _names()
    print(_short_table() if notebook is None else _notebook_table(notebook))


def course_map() -> _CourseMap:
    """Return a map of the course that shows which exercises are done; run the cell again to renew it.

    Returns
    -------
    CourseMap
        A picture in a notebook, text elsewhere.
    """
    _names()
    return _CourseMap()


def forget() -> None:
    """Delete the record of progress."""
    _record.forget()
    print("The record of your progress is deleted.")


def __getattr__(name: str) -> _Check:
    if name.startswith("_"):
        raise AttributeError(name)
    names = _names()
    if name not in names:
        import difflib

        near = difflib.get_close_matches(name, names, 1)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        raise AttributeError(f"there is no exercise {name!r}{suggestion}")
    return _Check(name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_names()])
