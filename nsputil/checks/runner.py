"""Call a learner's function so that nothing it does can hang or flood the notebook.

The time limit works in three ways, because no single one works everywhere: a timer signal (Linux, macOS), an exception
that a watching thread sends (Windows), a trace function that reads the clock (Pyodide, which has neither). What ends or
holds up a kernel raises while the function runs: `exit`, `input`, a long `sleep`.
"""

import builtins
import contextlib
import copy
import dis
import io
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from nsputil.checks.answer_types import Function

SECONDS = 3.0  # of processor time, for one call
CLOCK = 8.0  # by the clock, for code that waits or a machine that is busy with other work
PATIENCE = CLOCK / SECONDS
SLEEP = 1.0  # that one call may sleep
CHARACTERS = 20_000  # that one call may print
AGAIN = 0.2  # seconds until the exception is sent again, to code that swallows it


#: Says whether the time is up.
IsLate = Callable[[], bool]


class TimeUp(BaseException):
    """The time is up. Not an Exception, so that ``except Exception`` in a learner's loop does not swallow it."""


class TooMuchOutput(BaseException):
    """The function printed more than a notebook can take."""


class Slept(BaseException):
    """The function sleeps."""


class AskedForInput(BaseException):
    """The function asks the learner something, and nobody is there to answer."""


class Exited(BaseException):
    """The function tries to end Python."""


@dataclass(frozen=True)
class Outcome:
    """The result of one call.

    Attributes
    ----------
    value : object
        What the function returned; None if it did not return.
    problem : str
        ``""``, ``"time"`` (it computed too long), ``"waiting"`` (it waited too long), ``"input"``, ``"exit"``,
        ``"output"`` or ``"exception"``.
    error : str
        The exception as a sentence, with the line of the function that raised it.
    exception : type or None
        The class of the exception.
    printed : str
        What the function printed, including warnings.
    changed : bool
        True if it changed one of its arguments by more than a rounding error.
    calls : tuple of str
        Which functions of this package it called, if that was watched.
    """

    value: Any = None
    problem: str = ""
    error: str = ""
    exception: type[BaseException] | None = None
    printed: str = ""
    changed: bool = False
    calls: tuple[str, ...] = ()


def call(
    function: Function,
    args: tuple[Any, ...],
    seconds: float = SECONDS,
    method: str | None = None,
    watch: bool = False,
) -> Outcome:
    """Call a function on copies of its arguments, within limits of time and output.

    Parameters
    ----------
    function : callable
    args : tuple
    seconds : float
        Time limit.
    method : {"signal", "thread", "trace"}, optional
        How the limit is kept; `limit_method` chooses if it is not given.
    watch : bool
        Note which functions of this package it calls.

    Returns
    -------
    Outcome
        `call` itself raises nothing that the function raises, except KeyboardInterrupt.
    """
    copies = copied(args)
    printed = _Bounded()
    value, problem, error = None, "", ""
    exception: type[BaseException] | None = None
    calls: list[str] = []
    processor = time.process_time()
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            np.errstate(all="ignore"),
            _nothing_ends_or_waits(function),
            watched(calls) if watch else contextlib.nullcontext(),
            time_limit(seconds, method),
        ):
            value = function(*copies)
    except TimeUp:
        problem = "time" if time.process_time() - processor > seconds / 3 else "waiting"
    except Slept:
        problem = "waiting"
    except AskedForInput:
        problem = "input"
    except TooMuchOutput:
        problem = "output"
    except KeyboardInterrupt:
        raise
    except BaseException as raised:  # also SystemExit: a learner's exit() must not end the kernel
        problem = "exit" if isinstance(raised, SystemExit | Exited) else "exception"
        error, exception = describe_error(raised, function), type(raised)
    changed = not unchanged(copies, args)
    return Outcome(value, problem, error, exception, printed.getvalue(), changed, tuple(dict.fromkeys(calls)))


def copied(value: Any) -> Any:
    """Return a deep copy of some arguments, at once if they are numbers, texts and arrays."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return value.copy()
    if isinstance(value, int | float | str | bool | np.generic) or value is None:
        return value
    if type(value) in (list, tuple):
        return type(value)(map(copied, value))
    return copy.deepcopy(value)


PACKAGE = str(Path(__file__).resolve().parent.parent) + os.sep
CHECKS = str(Path(__file__).resolve().parent) + os.sep


@contextlib.contextmanager
def watched(calls: list[str]) -> Iterator[None]:
    """Add the names of this package's functions that are called from outside it to a list.

    Parameters
    ----------
    calls : list of str
        Also a function of the package that is the answer itself is added. Of `nsputil.checks` only references count,
        since it makes functions and models that are arguments.
    """

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE):
            caller = frame.f_back.f_code if frame.f_back else call.__code__
            own = not code.co_filename.startswith(CHECKS) or code.co_name.endswith("_reference")
            if own and (caller is call.__code__ or not caller.co_filename.startswith(PACKAGE)):
                calls.append(code.co_name)

    before, too_deep = sys.getprofile(), False
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield
    except RecursionError:  # it may have been raised in `watch` itself, and then Python has taken that away
        too_deep = True
        raise
    finally:
        if sys.getprofile() is not watch and not too_deep:
            calls.append("sys.setprofile")
        threading.setprofile(None)
        sys.setprofile(before)


@contextlib.contextmanager
def _nothing_ends_or_waits(function: Function) -> Iterator[None]:
    """Let exit, input and a long sleep raise, wherever the function finds them."""
    sleep, slept = time.sleep, 0.0

    def ends(*_: object) -> None:
        raise Exited

    def asks(*_: object) -> str:
        raise AskedForInput

    def sleeps(seconds: float) -> None:
        nonlocal slept
        slept += float(seconds)
        if slept > SLEEP:
            raise Slept
        sleep(seconds)

    replacements: dict[str, Any] = {"exit": ends, "quit": ends, "input": asks}
    space = getattr(function, "__globals__", {})  # IPython puts its own exit there, which would end the kernel
    there = {name: new for name, new in replacements.items() if name in space and _is_foreign(space[name])}
    places: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (vars(builtins), replacements),
        (vars(os), {"_exit": ends, "abort": ends}),
        (vars(time), {"sleep": sleeps}),
        (space, there),
    ]
    shell = _shell()
    if shell is not None:
        places.append((vars(shell), {"ask_exit": ends}))
    missing = object()
    before = [(names, name, names.get(name, missing)) for names, new in places for name in new]
    for names, new in places:
        names.update(new)
    try:
        yield
    finally:
        for names, name, value in before:
            if value is missing:
                names.pop(name, None)
            else:
                names[name] = value


def _shell() -> object:
    """Return IPython's shell, or None outside of a notebook."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython() if get_ipython else None


def _is_foreign(value: object) -> bool:
    """True if a name in the learner's notebook is IPython's or Python's own, not the learner's function."""
    return not isinstance(getattr(value, "__code__", None), CodeType) or type(value).__module__.startswith("IPython")


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
    A loop with a bare ``except:`` swallows the exception. "signal" raises it again where nothing in the function can
    catch it; the others send it again and again.
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
            _raise_where_nothing_catches(frame)
            raise TimeUp

    trace = sys.gettrace()
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if sys.gettrace() is not trace:
            sys.settrace(trace)
        signal.signal(signal.SIGALRM, before)


def _raise_where_nothing_catches(frame: FrameType | None) -> None:
    """Watch every step from now on, and raise TimeUp at the first that is in no ``try`` of the function."""

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not any(map(_is_caught, _frames(frame))):
            sys.settrace(None)
            raise TimeUp
        frame.f_trace_opcodes = True
        return trace

    for each in _frames(frame):
        each.f_trace, each.f_trace_opcodes = trace, True
    sys.settrace(trace)


def _frames(frame: FrameType | None) -> list[FrameType]:
    """Return a frame and its callers, up to `call`."""
    frames = []
    while frame is not None and frame.f_code is not call.__code__:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _is_caught(frame: FrameType) -> bool:
    """True if an exception at this step of a frame goes to an ``except`` or ``finally`` of the frame."""
    entries: list[Any] = getattr(dis, "_parse_exception_table", lambda code: [])(frame.f_code)
    return any(entry.start <= frame.f_lasti < entry.end and not entry.lasti for entry in entries)


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
    """Return True if two arguments are equal in type, shape and every value, but for the last digits of floats.

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
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return a.tobytes() == b.tobytes() or (a.dtype.kind == "f" and np.allclose(a, b, 1e-12, 1e-12, equal_nan=True))
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
