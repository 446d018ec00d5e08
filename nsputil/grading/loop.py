"""Grade many submissions with any executor: the book gets a row for each, whatever happens to a worker."""

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context

from nsputil.grading.book import Book
from nsputil.grading.job import FAULT, Job, JobOutcome, NoGrader, encodable, refused
from nsputil.grading.results import Ungradable
from nsputil.grading.submission import Submission


@dataclass
class Tally:
    """How a grading went.

    Attributes
    ----------
    counts : dict of str to int
        How many submissions had which status.
    skipped : int
        How many had a row already.
    """

    counts: dict[str, int] = field(default_factory=dict)
    skipped: int = 0

    def add(self, outcome: JobOutcome) -> None:
        """Count an outcome."""
        self.counts[outcome.status] = self.counts.get(outcome.status, 0) + 1


@dataclass
class _Task:
    submission: Submission
    digest: str
    data: bytes
    alone: bool = False  # it was under way when a worker died


def grade_all(
    submissions: Iterable[Submission],
    book: Book,
    job: Job,
    executor: Callable[[], Executor],
    window: int,
    each: Callable[[Submission, JobOutcome | None], None] = lambda submission, outcome: None,
) -> Tally:
    """Grade submissions and write a row for each into the book.

    Parameters
    ----------
    submissions : iterable of Submission
        Each is read when its turn comes, so that only `window` of them are in memory.
    book : Book
    job : Job
    executor : callable
        Returns an executor: of `concurrent.futures`, a Dask client's, or another. It is called again if its workers
        die; what was under way is then tried one at a time, and what ends a worker by itself gets a row that says so.
    window : int
        How many are under way at once.
    each : callable
        Called with a submission and its outcome, or None if it had a row already; for a bar of progress.

    Returns
    -------
    Tally

    Raises
    ------
    NoGrader
        If a worker cannot start its grader.
    """
    tally, waiting, source = Tally(), deque[_Task](), iter(submissions)
    running: dict[Future[JobOutcome], _Task] = {}
    pool = executor()

    def finish(task: _Task, outcome: JobOutcome) -> None:
        book.record(task.submission, task.digest, outcome)
        tally.add(outcome)
        each(task.submission, outcome)

    def following() -> _Task | None:
        if waiting:
            return waiting.popleft()
        for submission in source:
            task = _read(submission)
            if book.done(submission.student, task.digest):
                tally.skipped += 1
                each(submission, None)
            elif isinstance(task, _Refused):
                finish(task, task.outcome)
            else:
                return task
        return None

    try:
        while True:
            room = 1 if any(task.alone for task in (*waiting, *running.values())) else window
            broken = False
            while not broken and len(running) < room and (task := following()) is not None:
                try:
                    running[pool.submit(job, task.submission.student, task.data)] = task
                except BrokenExecutor:
                    broken = True
                    waiting.append(task)
                room = 1 if task.alone else room
            if not running and not broken:
                return tally
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                task = running.pop(future)
                try:
                    finish(task, future.result())
                except BrokenExecutor:
                    broken = True
                    if task.alone:
                        finish(task, JobOutcome(FAULT, None, "worker", "the process that graded it died"))
                    else:
                        task.alone = True
                        waiting.append(task)
                except NoGrader:
                    raise
                except Exception as error:  # the executor's own, such as a cluster that gave up
                    finish(task, JobOutcome(FAULT, None, type(error).__name__, "the executor lost this job"))
            if broken:
                pool.shutdown(wait=False)
                for task in running.values():
                    task.alone = True
                    waiting.append(task)
                running.clear()
                pool = executor()
    finally:
        for future in running:  # of an interrupted grading; what has begun is waited for
            future.cancel()
        pool.shutdown(wait=True)


class _Refused(_Task):
    outcome: JobOutcome


def _read(submission: Submission) -> _Task:
    try:
        data = submission.read()
    except Ungradable as error:
        said = f"{error.reason}: {error.detail}"
        task = _Refused(submission, hashlib.sha256(encodable(said).encode()).hexdigest(), b"")
        task.outcome = refused(error)
        return task
    return _Task(submission, hashlib.sha256(data).hexdigest(), data)


def processes(workers: int) -> ProcessPoolExecutor:
    """Return an executor of processes on this machine, which end when this process ends, also if it is killed.

    Parameters
    ----------
    workers : int
    """
    return ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker, (os.getpid(),))


def _begin_worker(parent: int) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair; it lets the workers finish
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    """End this process if its parent was killed; a pool's workers would wait forever."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
