"""Judge what came out of a box: the verdict is spoken here, by the exercise that also speaks to the learner.

Nothing that a box says is believed. It says what an answer returned, and the worst that a lie can do is to be another
wrong answer.
"""

import builtins
import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nsputil.checks.code_exercise import STOPPED, CodeExercise, InputCase
from nsputil.checks.runner import Outcome
from nsputil.checks.verdict import RIGHT, WRONG, Verdict
from nsputil.grading.wire import NAME, WireError, clean, decode, encode

PROBLEMS = {"", "exception", *STOPPED}
#: What an answer may call on an object that stayed outside, and which of its attributes are sent in with it.
METHODS, ATTRIBUTES = ("predict", "backward", "step"), ("vocabulary",)
#: Exceptions outside of Python's own that a reference or an idea may raise.
OTHERS: dict[str, type[BaseException]] = {"LinAlgError": np.linalg.LinAlgError, "AxisError": np.exceptions.AxisError}
LONGEST_PRINT, LONGEST_ERROR, LONGEST_NAME = 20_000, 400, 60


class Outside:
    """The functions and models among the arguments of some cases. Copies stay here, and calls come back to them.

    Parameters
    ----------
    calls : int
        How many are answered.
    """

    def __init__(self, calls: int) -> None:
        self._kept: list[Any] = []
        self._left = calls

    def offer(self, value: Any) -> list[Any] | None:
        """Return a handle for a function or a model, None for plain data."""
        methods = [name for name in METHODS if callable(getattr(value, name, None))]
        if not methods and not callable(value):
            return None
        self._kept.append(copy.deepcopy(value))  # a call may change a model, and the cases are used again
        name = getattr(value, "__name__", type(value).__name__)
        attributes = {name: encode(getattr(value, name)) for name in ATTRIBUTES if hasattr(value, name)}
        return ["h", len(self._kept) - 1, name, callable(value), methods, attributes]

    def kept(self, handle: list[Any]) -> Any:
        """Return what a handle names, which an answer has given back.

        Raises
        ------
        WireError
            If there is no such thing.
        """
        number = handle[0] if len(handle) == 1 else None
        if type(number) is not int or not 0 <= number < len(self._kept):
            raise WireError("a handle of something that was not handed in")
        return self._kept[number]

    def answer(self, number: Any, method: Any, args: Any, named: Any) -> dict[str, Any]:
        """Call what a handle names.

        Raises
        ------
        WireError
            If there is no such thing, or too many calls were made.
        """
        self._left -= 1
        if self._left < 0:
            raise WireError("more calls of its arguments than an answer may make")
        thing = self.kept([number])
        if method and method not in METHODS:
            raise WireError("a call of something that was not handed in")
        values, by_name = decode(args), decode(named)
        if not isinstance(values, tuple) or not isinstance(by_name, dict):
            raise WireError("arguments that are no tuple, or names that are no dictionary")
        function = getattr(thing, method) if method else thing
        try:
            with np.errstate(all="ignore"):
                return {"answer": encode(function(*values, **by_name))}
        except Exception as error:
            known = next(kind.__name__ for kind in type(error).__mro__ if hasattr(builtins, kind.__name__))
            return {"raise": known, "text": str(error)[:300]}


def cases_for_the_box(cases: Sequence[InputCase], outside: Outside) -> list[Any]:
    """Return the arguments of all cases as plain JSON."""
    return [encode(case.args, outside.offer) for case in cases]


def read_outcomes(
    exercise: CodeExercise, cases: Sequence[InputCase], said: Any, outside: Outside | None = None
) -> list[Outcome]:
    """Return what an answer gave, from what the box says.

    Parameters
    ----------
    exercise : CodeExercise
    cases : sequence of InputCase
    said : object
        Of the box.
    outside : Outside, optional
        Holds what an answer may give back of its arguments.

    Raises
    ------
    WireError
        If it says what a box cannot say.
    """
    if not isinstance(said, list) or not 0 < len(said) <= len(cases):
        raise WireError("another number of outcomes than of cases")
    outcomes = []
    for case, each in zip(cases, said, strict=False):
        outcome = _outcome(each, outside)
        if exercise.normal_form is not None and not outcome.problem:
            outcome = replace(outcome, value=exercise.normal_form(outcome.value, case.args))
        outcomes.append(outcome)
    stopped = [outcome.problem in STOPPED for outcome in outcomes]
    if any(stopped[:-1]) or (len(outcomes) < len(cases) and not stopped[-1]):
        raise WireError("outcomes that end too early or too late")
    return outcomes


def _outcome(said: Any, outside: Outside | None) -> Outcome:
    if not isinstance(said, dict):
        raise WireError("an outcome that is no object")
    problem, error, printed = (_text(said.get(name)) for name in ("problem", "error", "printed"))
    error = error[:LONGEST_ERROR]
    if problem not in PROBLEMS:
        raise WireError("a problem that does not exist")
    raised = _exception(said.get("exception"))
    if (raised is not None) != (problem in ("exception", "exit")):
        raise WireError("an exception without its problem, or the other way round")
    calls = said.get("calls")
    if not isinstance(calls, list):
        raise WireError("calls that are no list")
    value = decode(said.get("value"), outside.kept if outside else None)
    changed = said.get("changed") is True
    return Outcome(
        value, problem, error, raised, printed, changed, tuple(_text(name)[:LONGEST_NAME] for name in calls[:20])
    )


def _text(said: Any) -> str:
    if not isinstance(said, str) or len(said) > LONGEST_PRINT:
        raise WireError("not a text, or too long")
    return clean(said)


def _exception(names: Any) -> type[BaseException] | None:
    """Return the class of an exception by the names of its classes. A learner's own becomes a new one, below Python's.

    Only names cross the wall, so no code of a learner's class ever runs here.
    """
    if not isinstance(names, list) or len(names) > 50:
        raise WireError("exceptions that are no list")
    for depth, name in enumerate(map(_text, names)):
        kind = OTHERS.get(name, getattr(builtins, name, None))
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return kind if depth == 0 else type(NAME.sub("_", names[0])[:LONGEST_NAME] or "Error", (kind,), {})
    return Exception if names else None


#: All that is said of an answer that is wrong only on inputs that its learner has not seen.
UNSEEN = "It is right on the inputs of the check in the notebook, and wrong on others of the same kind."


def verdict_on(
    exercise: CodeExercise,
    cases: Sequence[InputCase],
    expected: Sequence[Outcome],
    said: Any,
    outside: Outside | None = None,
) -> Verdict:
    """Return the verdict on a function, from what the box says that it gave; see `read_outcomes`.

    If all is right on the inputs that the learner's own check has, and wrong on others, the message says only that. An
    exception's text or a returned value could tell the learner what the other inputs were.
    """
    outcomes = read_outcomes(exercise, cases, said, outside)
    verdict = exercise.verdict(cases, outcomes, expected)
    seen = len(exercise.inputs()[0])
    if verdict.state != WRONG or not seen < len(outcomes) <= len(cases):
        return verdict
    if exercise.verdict(cases[:seen], outcomes[:seen], expected[:seen]).state != RIGHT:
        return verdict
    return replace(verdict, message=UNSEEN, question="what do the inputs of the check have in common?")
