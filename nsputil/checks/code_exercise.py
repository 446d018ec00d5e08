"""An exercise whose answer is a function: compared with a reference, and with every mistake that we know by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from nsputil.checks.answer_types import Function
from nsputil.checks.exercise import Exercise
from nsputil.checks.misconceptions import COMMON, Misconception
from nsputil.checks.runner import CHARACTERS, SECONDS, Outcome, call, is_stub
from nsputil.checks.values import describe, difference, finite, first_difference
from nsputil.checks.verdict import NOT_DONE, WRONG, Verdict

FLOAT32 = 1e-5  # relative error of an answer in float32, after a sum or two


@dataclass(frozen=True)
class InputCase:
    """The arguments of one call of the function, and in words what is special about them.

    Attributes
    ----------
    args : tuple
    what : str
        Completes "for ...", such as "two pairs with logits of a thousand".
    """

    args: tuple[Any, ...]
    what: str


@dataclass(frozen=True, kw_only=True)
class CodeExercise(Exercise):
    """An exercise whose answer is a function.

    Attributes
    ----------
    reference : callable
        A right solution.
    cases : callable
        ``cases(rng)`` returns a list of `InputCase`. On them every misconception must differ from the reference and
        from every other one (a test insists).
    misconceptions : tuple of Misconception
        Their answers are functions.
    rtol, atol : float
        How close an answer must be. The default leaves room for float32; a smaller `rtol` asks for float64, and says so
        to an answer that is only as close as float32 can be.
    """

    reference: Function = field(repr=False)
    cases: Callable[[np.random.Generator], Sequence[InputCase]] = field(repr=False)
    misconceptions: tuple[Misconception[Function], ...] = field(default=(), repr=False)
    rtol: float = FLOAT32
    atol: float = 1e-7
    answer_is_function: ClassVar[bool] = True

    def judge(self, answer: object, seed: int = 0) -> Verdict:
        """Return the verdict on a function; see `Exercise.judge`."""
        if answer is None or answer is Ellipsis:
            return Verdict(NOT_DONE, "Write the function above, run its cell, then this one.")
        if not callable(answer):
            return Verdict(
                WRONG,
                f"You passed {describe(answer)}; the check needs the function itself: checks.{self.name}({self.name}).",
                mistake="not_a_function",
            )
        if is_stub(answer):
            return Verdict(NOT_DONE, "Write the function above, run its cell, then this one.")
        cases = self.cases(np.random.default_rng(seed))
        outcomes = []
        for case in cases:
            outcomes.append(call(answer, case.args))
            if outcomes[-1].problem in ("time", "output"):
                return self._stopped(case, outcomes[-1])
        expected = [call(self.reference, case.args) for case in cases]
        differences = [self._difference(*pair) for pair in zip(outcomes, expected, strict=True)]
        if not any(differences):
            if any(outcome.changed for outcome in outcomes):
                message, question = COMMON["mutates_input"]
                return Verdict(WRONG, message, question, "mutates_input")
            return self._right()
        if self.rtol < FLOAT32 and not any(map(self._differs_in_float32, outcomes, expected)):
            message, question = COMMON["float32_only"]
            return Verdict(WRONG, message, question, "float32_only")
        for misconception in self.misconceptions:
            if any(self._behaves_like(wrong, cases, outcomes) for wrong in misconception.answers):
                return Verdict(WRONG, misconception.message, misconception.question, misconception.name)
        first = next(i for i, kind in enumerate(differences) if kind)
        return self._describe(cases[first], outcomes[first], expected[first], differences[first])

    def _behaves_like(self, function: Function, cases: Sequence[InputCase], outcomes: Sequence[Outcome]) -> bool:
        return all(
            self._alike(outcome, call(function, case.args)) for case, outcome in zip(cases, outcomes, strict=True)
        )

    def _alike(self, outcome: Outcome, other: Outcome) -> bool:
        """True if two calls ended alike. An overflow that raises is like one that gives inf or NaN."""
        if _overflowed(other):
            return _overflowed(outcome)
        if outcome.problem or other.problem:
            return outcome.exception is not None and outcome.exception is other.exception
        return not difference(outcome.value, other.value, max(self.rtol, FLOAT32), self.atol)

    def _difference(self, outcome: Outcome, expected: Outcome) -> str:
        if expected.exception:  # the reference refuses this input, so the answer must refuse it
            refused = outcome.exception is not None and issubclass(outcome.exception, expected.exception)
            return "" if refused else "accepted"
        return outcome.problem or difference(outcome.value, expected.value, self.rtol, self.atol)

    def _differs_in_float32(self, outcome: Outcome, expected: Outcome) -> bool:
        if outcome.problem or expected.problem:
            return True
        return bool(difference(outcome.value, expected.value, FLOAT32, self.atol))

    def _stopped(self, case: InputCase, outcome: Outcome) -> Verdict:
        if outcome.problem == "time":
            message = f"For {case.what} your function had not finished after {SECONDS:.0f} seconds and was stopped."
            return Verdict(WRONG, message, "does every loop in it come to an end?", "time")
        message = f"For {case.what} your function printed more than {CHARACTERS:,} characters and was stopped."
        return Verdict(WRONG, message, "is there a print inside a loop?", "output")

    def _describe(self, case: InputCase, outcome: Outcome, expected: Outcome, mistake: str) -> Verdict:
        """Say how an answer that behaves like no misconception differs from what is expected."""
        start, question = f"For {case.what} your function", ""
        if mistake == "exception":
            message = f"{start} stopped with {outcome.error}."
            question = "what did that line expect, and what did it get?"
        elif mistake == "accepted" and expected.exception:
            message = f"{start} returned {describe(outcome.value)}; it should raise a {expected.exception.__name__}."
        elif outcome.value is None:
            message = f"{start} returned None. Is there a return? A print shows a number but does not return it."
        elif mistake in ("type", "shape"):
            message = f"{start} returned {describe(outcome.value)}; expected {_kind_of(expected.value)}."
        elif mistake == "nan":
            message = f"{start} returned NaN (not a number)."
            question = "where is 0 / 0, inf - inf or the log of 0?"
        else:
            first = first_difference(outcome.value, expected.value, self.rtol, self.atol)
            message = f"{start} returned {describe(outcome.value)}: {first or 'that is not the expected value'}."
        return Verdict(WRONG, message, question, mistake)


def _overflowed(outcome: Outcome) -> bool:
    if outcome.exception:
        return issubclass(outcome.exception, ArithmeticError) or "math domain error" in outcome.error
    return not outcome.problem and not finite(outcome.value)


def _kind_of(value: object) -> str:
    """Say what kind of value is expected, not which value."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return "one number"
    if isinstance(value, bool | np.bool_):
        return "True or False"
    if isinstance(value, str):
        return "a string"
    return describe(value)
