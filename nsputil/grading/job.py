"""The grading of one submission as a job for any executor: bytes in, an outcome out, and never an exception."""

import atexit
import hashlib
import pickle
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import util
from typing import Any, Protocol

from nsputil.grading.notebook_file import read_notebook
from nsputil.grading.results import Graded, GraderFault, Ungradable
from nsputil.grading.shown import one_line

GRADED, REFUSED, FAULT = "graded", "ungradable", "our own fault"


class JudgesNotebooks(Protocol):
    """What grades one notebook: `nsputil.grading.judging.Grader`."""

    def grade(self, notebook: dict[str, Any], student: str) -> Graded:
        """Return the result; raise `Ungradable` or `GraderFault`."""
        ...


class NoGrader(Exception):
    """No grader can be started on this machine; the text says why."""


@dataclass(frozen=True)
class JobOutcome:
    """What became of one submission.

    Attributes
    ----------
    status : str
        `GRADED`, `REFUSED` (it cannot be graded, for the reason given) or `FAULT` (ours, not the learner's).
    graded : Graded, optional
        Only if it was graded.
    reason, detail : str
        A short name and one sentence, if it was not.
    """

    status: str
    graded: Graded | None = None
    reason: str = ""
    detail: str = ""


def encodable(text: str) -> str:
    """Return a text that UTF-8 can hold: lone surrogates, as in odd names of files, are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def refused(error: Ungradable) -> JobOutcome:
    """Return the outcome of a submission that cannot be graded; what was found becomes a sentence."""
    detail = error.detail.strip()
    return JobOutcome(REFUSED, None, error.reason, detail[:1].upper() + detail[1:] + "." * (detail[-1:] not in ".!?"))


@dataclass(frozen=True)
class Job:
    """Grades one submission.

    Attributes
    ----------
    grader : callable
        Returns a context manager that gives a `JudgesNotebooks`. It is called once in each process and has to be
        picklable.
    assignment : str
    grade_ids : tuple of str
    """

    grader: Callable[[], AbstractContextManager[JudgesNotebooks]]
    assignment: str
    grade_ids: tuple[str, ...]

    def __call__(self, student: str, data: bytes) -> JobOutcome:
        """Return what became of a submission.

        Parameters
        ----------
        student : str
        data : bytes

        Returns
        -------
        JobOutcome

        Raises
        ------
        NoGrader
            If no grader can be started here. No submission is to blame, so the whole grading ends.
        """
        try:
            notebook = read_notebook(data, self.grade_ids, self.assignment)
            with _ALONE:  # a judgement may change settings of the whole process
                return JobOutcome(GRADED, _grader_of(self).grade(notebook, encodable(student)))
        except NoGrader:
            raise
        except Ungradable as error:
            return refused(error)
        except GraderFault as error:
            return JobOutcome(FAULT, None, "grader", one_line(str(error), 500))
        except Exception as error:  # a row that says so is better than a class without grades
            return JobOutcome(FAULT, None, type(error).__name__, one_line(str(error), 500))


_ALONE = threading.RLock()
_GRADERS: dict[str, tuple[AbstractContextManager[JudgesNotebooks], JudgesNotebooks]] = {}


def _grader_of(job: Job) -> JudgesNotebooks:
    """Return this process's grader for a job; it is given back when the process ends."""
    key = hashlib.sha256(pickle.dumps(job)).hexdigest()
    if key not in _GRADERS:
        if not _GRADERS:
            atexit.register(close_graders)
            util.Finalize(None, close_graders, exitpriority=10)  # atexit is not called in a pool's process
        try:
            manager = job.grader()
            _GRADERS[key] = (manager, manager.__enter__())
        except Exception as error:
            raise NoGrader(f"{type(error).__name__}: {error}") from None
    return _GRADERS[key][1]


def close_graders() -> None:
    """Give back what this process's graders hold; at the end of a process this happens by itself."""
    with _ALONE:
        while _GRADERS:
            _GRADERS.popitem()[1][0].__exit__(None, None, None)
