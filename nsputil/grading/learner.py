"""What runs in the box: it runs cells, looks at names and calls answers, as it is told from outside.

It judges nothing and knows no answer. A learner's code shares this process and may do to it what it likes, so the
side that reads its messages believes none of them.
"""

import builtins
import contextlib
import dataclasses
import io
import os
import signal
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

from nsputil.checks import runner
from nsputil.checks.honest import honest_functions
from nsputil.checks.runner import Outcome, call, is_stub, time_limit
from nsputil.grading.cells import look_at, python_of
from nsputil.grading.wire import Channel, Closed, Offer, decode, encode_within

#: Calls of an answer end at the first outcome with one of these problems, as in the learner's own check.
STOPPED = ("time", "waiting", "input", "exit", "output")
LONGEST_ERROR = 300
LONGEST_PRINT = 2_000  # characters of what one call printed
LONGEST_REPLY = 4_000_000  # characters for the values of one message
#: Asks outside: number of the handle, method, arguments, named arguments.
Ask = Callable[[int, str, tuple[Any, ...], dict[str, Any]], Any]


class Handle:
    """A function or a model that stayed outside: a call is answered there.

    Parameters
    ----------
    ask : callable
        ``ask(number, method, args, named)``
    number : int
    name : str
    methods : list of str
        Of an object; empty for a function.
    attributes : dict
        What is sent in with it, such as a model's vocabulary.
    """

    def __init__(self, ask: Ask, number: int, name: str, methods: list[str], attributes: dict[str, Any]):
        self.__ask, self.__number = ask, number
        self.__name__ = name
        for method in methods:
            setattr(self, method, self.__method(method))
        for attribute, value in attributes.items():
            setattr(self, attribute, value)

    def __method(self, method: str) -> Callable[..., Any]:
        def answered_outside(*args: Any, **named: Any) -> Any:
            return self.__ask(self.__number, method, args, named)

        return answered_outside

    def __deepcopy__(self, memo: object) -> "Handle":
        return self


class FunctionHandle(Handle):
    """A function that stayed outside."""

    def __init__(self, ask: Ask, number: int, name: str, methods: list[str], attributes: dict[str, Any]):
        super().__init__(ask, number, name, methods, attributes)
        self.__ask, self.__number = ask, number

    def answered_outside(self, *args: Any, **named: Any) -> Any:
        """Call the function."""
        return self.__ask(self.__number, "", args, named)

    __call__ = answered_outside


class _Printed(io.StringIO):
    """Keeps nothing, and refuses more than a number of characters."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.left = most

    def write(self, text: str) -> int:
        self.left -= len(text)
        if self.left < 0:
            raise runner.TooMuchOutput
        return len(text)


class Learner:
    """One submission in its box.

    Parameters
    ----------
    channel : Channel
        To the outside.
    cell_seconds : float
    output_characters : int
    """

    def __init__(self, channel: Channel, cell_seconds: float, output_characters: int) -> None:
        self.channel = channel
        self.cell_seconds, self.output_characters = cell_seconds, output_characters
        self.sources: list[str] = []
        self.handles: dict[int, tuple[Handle, int]] = {}
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main  # where dataclasses and others look for a notebook's classes
        self.space: dict[str, Any] = vars(main)

    def serve(self) -> None:
        """Do what is asked until the outside has gone."""
        actions = {"read": self.read, "run": self.run, "look": self.look, "call": self.call}
        with contextlib.suppress(Closed):
            while True:
                request = self.channel.receive()
                reply = actions[request["do"]](request)
                self.channel.send({"n": request["n"], **reply})

    def read(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take cells and say which names each of them reads, writes and changes."""
        cells = []
        for text in request["sources"]:
            self.sources.append(python_of(text))
            names = dataclasses.asdict(look_at(self.sources[-1]))
            cells.append({name: value if name == "anything" else sorted(value) for name, value in names.items()})
        return {"cells": cells}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run a cell, and say which exception ended it."""
        number = request["cell"]
        printed = _Printed(self.output_characters)
        problem, error = "", ""
        try:
            code = compile(self.sources[number], f"<cell {number}>", "exec")
            with (
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
                time_limit(self.cell_seconds),
            ):
                exec(code, self.space)
        except runner.TimeUp:
            problem = "time"
        except runner.TooMuchOutput:
            problem = "output"
        except BaseException as raised:  # also SystemExit and KeyboardInterrupt: the next cell is run all the same
            problem = "memory" if isinstance(raised, MemoryError) else "exception"
            problem = "processes" if isinstance(raised, BlockingIOError) else problem
            error = _described(raised, f"<cell {number}>")
        finally:
            _without_timers()
        return {"problem": problem, "error": error}

    def look(self, request: dict[str, Any]) -> dict[str, Any]:
        """Say what a name is bound to."""
        if request["name"] not in self.space:
            return {"there": False}
        value = self.space[request["name"]]
        stub = bool(callable(value) and is_stub(value))
        return {"there": True, "value": encode_within(value, LONGEST_REPLY), "callable": callable(value), "stub": stub}

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """Call an answer with every case, as the learner's own check does."""
        function = self.space.get(request["name"])
        outcomes: list[Outcome] = []
        with honest_functions():
            for case in request["cases"]:
                args = decode(case, self.accept)
                outcomes.append(call(function, args, request["seconds"], watch=True))  # type: ignore[arg-type]
                if outcomes[-1].problem in STOPPED:
                    break
        share = LONGEST_REPLY // len(outcomes)
        return {"outcomes": [_plain(outcome, share, self.handed_in) for outcome in outcomes]}

    def accept(self, handle: list[Any]) -> Handle:
        """Make an object of the handle of something that stayed outside."""
        number, name, is_function, methods, attributes = handle
        sent = {each: decode(value) for each, value in attributes.items()}
        made = (FunctionHandle if is_function else Handle)(self.ask, number, name, methods, sent)
        self.handles[id(made)] = made, number
        return made

    def handed_in(self, value: Any) -> list[Any] | None:
        """Return the handle of something that stayed outside, None for anything else."""
        made, number = self.handles.get(id(value), (None, 0))
        return ["h", number] if made is value and made is not None else None

    def ask(self, number: int, method: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Have a function called outside."""
        sent = {"args": encode_within(args, LONGEST_REPLY), "named": encode_within(named, LONGEST_REPLY)}
        self.channel.send({"ask": number, "method": method, **sent})
        reply = self.channel.receive()
        if "raise" in reply:
            kind = getattr(builtins, reply["raise"], Exception)
            raise kind(reply["text"])
        return decode(reply["answer"], self.accept)


def _plain(outcome: Outcome, size: int, handed_in: Offer) -> dict[str, Any]:
    """Return an outcome as plain JSON, its value in at most so many characters."""
    kinds = outcome.exception.__mro__ if outcome.exception else ()
    return {
        "value": encode_within(outcome.value, size, handed_in),
        "problem": outcome.problem,
        "error": outcome.error[:LONGEST_ERROR],
        "exception": [kind.__name__ for kind in kinds],
        "printed": outcome.printed[:LONGEST_PRINT],
        "changed": outcome.changed,
        "calls": [name for name in outcome.calls if name != "answered_outside"][:20],
    }


def _described(error: BaseException, filename: str) -> str:
    try:
        text = f"{type(error).__name__}: {error}".removesuffix(": ")[:LONGEST_ERROR]
    except Exception:
        text = type(error).__name__
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    return f"{text} (line {lines[-1]} of the cell)" if lines else text


def _without_timers() -> None:
    """Take back what a cell may have set to interrupt the next one."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(channel: Channel, cell_seconds: float, output_characters: int) -> None:
    """Serve one submission and end the process.

    Parameters
    ----------
    channel : Channel
    cell_seconds : float
    output_characters : int
    """
    status = 1
    try:
        Learner(channel, cell_seconds, output_characters).serve()
        status = 0
    finally:
        os._exit(status)  # no exit handler of the learner's, no destructor
