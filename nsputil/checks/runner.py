"""Call a learner's function so that nothing it does can hang or flood the notebook.

The time limit works in three ways, because no single one works everywhere: a timer signal (Linux, macOS), an exception
that a watching thread sends (Windows), a trace function that reads the clock (Pyodide, which has neither).
"""

import contextlib
import copy
import io
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from nsputil.checks.answer_types import Function

SECONDS = 3.0  # of processor time, for one call
PATIENCE = 10  # so many times as long by the clock, for code that waits or a machine that is busy with other work
CHARACTERS = 20_000  # that one call may print
AGAIN = 0.2  # seconds until the exception is sent again, to code that swallows it


#: Says whether the time is up.
IsLate = Callable[[], bool]


class TimeUp(BaseException):
    """The time is up. Not an Exception, so that ``except Exception`` in a learner's loop does not swallow it."""


class TooMuchOutput(BaseException):
    """The function printed more than a notebook can take."""


@dataclass(frozen=True)
class Outcome:
    """The result of one call.

    Attributes
    ----------
    value : object
        What the function returned; None if it did not return.
    problem : str
        ``""``, ``"time"``, ``"output"`` or ``"exception"``.
    error : str
        The exception as a sentence, with the line of the function that raised it.
    exception : type or None
        The class of the exception.
    printed : str
        What the function printed, including warnings.
    changed : bool
        True if it changed one of its arguments.
    """

    value: Any = None
    problem: str = ""
    error: str = ""
    exception: type[BaseException] | None = None
    printed: str = ""
    changed: bool = False


def call(function: Function, args: tuple[Any, ...], seconds: float = SECONDS, method: str | None = None) -> Outcome:
    """Call a function on copies of its arguments, within limits of time and output.

    Parameters
    ----------
    function : callable
    args : tuple
    seconds : float
        Time limit.
    method : {"signal", "thread", "trace"}, optional
        How the limit is kept; `limit_method` chooses if it is not given.

    Returns
    -------
    Outcome
        `call` itself raises nothing that the function raises, except KeyboardInterrupt.
    """
    copies = copy.deepcopy(args)
    printed = _Bounded()
    value, problem, error = None, "", ""
    exception: type[BaseException] | None = None
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            np.errstate(all="ignore"),
            time_limit(seconds, method),
        ):
            value = function(*copies)
    except TimeUp:
        problem = "time"
    except TooMuchOutput:
        problem = "output"
    except KeyboardInterrupt:
        raise
    except BaseException as raised:  # also SystemExit: a learner's exit() must not end the kernel
        problem, error, exception = "exception", describe_error(raised, function), type(raised)
    return Outcome(value, problem, error, exception, printed.getvalue(), not unchanged(copies, args))


def limit_method() -> str:
    """Return how a time limit can be kept here: "signal", "thread" or "trace"."""
    if sys.platform == "emscripten":
        return "trace"
    import signal

    main = threading.current_thread() is threading.main_thread()
    return "signal" if main and hasattr(signal, "setitimer") else "thread"


@contextlib.contextmanager
def time_limit(seconds: float, method: str | None = None) -> Iterator[None]:
    """Raise TimeUp inside the with block when the time is up.

    Parameters
    ----------
    seconds : float
        Of processor time. By the clock the block may take `PATIENCE` times as long, so that a right answer on a busy
        machine is right.
    method : {"signal", "thread", "trace"}, optional

    Notes
    -----
    "thread" and "trace" can only stop code between two steps of Python, not inside one long call such as a sleep.
    A loop with a bare ``except:`` around everything can swallow all three, as it swallows Kernel > Interrupt.
    """
    processor_end, clock_end = time.process_time() + seconds, time.monotonic() + PATIENCE * seconds

    def late() -> bool:
        return time.process_time() > processor_end or time.monotonic() > clock_end

    limit = {"signal": _signal_limit, "thread": _thread_limit, "trace": _trace_limit}[method or limit_method()]
    with limit(seconds, late):
        yield


@contextlib.contextmanager
def _signal_limit(seconds: float, late: IsLate) -> Iterator[None]:
    import signal

    def stop(number: int, frame: FrameType | None) -> None:
        if late():
            raise TimeUp

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _thread_limit(seconds: float, late: IsLate) -> Iterator[None]:
    import ctypes

    done, target = threading.Event(), ctypes.c_ulong(threading.get_ident())
    send = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch() -> None:
        finished = done.wait(seconds)
        while not finished:
            if late():
                send(target, ctypes.py_object(TimeUp))
            finished = done.wait(AGAIN)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        while True:  # an exception that was sent and has not arrived must arrive here, not in the notebook
            try:
                done.set()
                watcher.join()
                for _ in range(100):
                    pass
                break
            except TimeUp:
                continue


@contextlib.contextmanager
def _trace_limit(seconds: float, late: IsLate) -> Iterator[None]:
    before = sys.gettrace()

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        if late():
            raise TimeUp
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


class _Bounded(io.StringIO):
    """A text file in memory that refuses more than `CHARACTERS`."""

    def write(self, text: str) -> int:
        if self.tell() + len(text) > CHARACTERS:
            raise TooMuchOutput
        return super().write(text)


def describe_error(error: BaseException, function: Function) -> str:
    """Return an exception as a sentence, with the line of the learner's function that raised it.

    Parameters
    ----------
    error : BaseException
    function : callable

    Returns
    -------
    str
    """
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    text = text if len(text) <= 300 else text[:297] + "..."
    code = getattr(function, "__code__", None)
    if code is not None:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == code.co_filename]
        if lines:
            return f"{text} (in line {lines[-1] - code.co_firstlineno + 1} of {function.__name__})"
    return text


def unchanged(a: Any, b: Any) -> bool:
    """Return True if two arguments are equal in type, shape and every value.

    Parameters
    ----------
    a, b : object

    Returns
    -------
    bool
    """
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(unchanged, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(unchanged(a[key], b[key]) for key in a)
    if callable(a) or isinstance(a, np.random.Generator):
        return True
    return bool(a == b)


def is_stub(function: Function) -> bool:
    """Return True if a function's body does nothing yet: a docstring, ``...``, ``pass`` or ``return None``.

    Parameters
    ----------
    function : callable

    Returns
    -------
    bool
    """
    import dis

    code = getattr(function, "__code__", None)
    if code is None:
        return False
    nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "POP_TOP"}
    steps = list(dis.get_instructions(code))
    constants = {step.argval for step in steps if "CONST" in step.opname}
    return {step.opname for step in steps} <= nothing and constants <= {None, Ellipsis}
