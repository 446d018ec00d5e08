"""An exercise whose answer is a function: compared with a reference, and with every mistake that we know by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from nsputil.checks.exercise import Exercise
from nsputil.checks.misconceptions import COMMON, Misconception
from nsputil.checks.runner import CHARACTERS, SECONDS, Outcome, call, is_stub
from nsputil.checks.values import describe, difference, finite, first_difference
from nsputil.checks.verdict import NOT_DONE, WRONG, Verdict

FLOAT32 = 1e-5  # relative; an answer in float32 is that near, after a sum or two


@dataclass(frozen=True)
class Case:
    """One call: the arguments, and in words what is special about them.

    Attributes
    ----------
    args : tuple
    what : str
        Completes "for ...", such as "two pairs with logits of a thousand".
    """

    args: tuple
    what: str


@dataclass(frozen=True, kw_only=True)
class CodeExercise(Exercise):
    """An exercise whose answer is a function.

    Attributes
    ----------
    reference : callable
        A right solution.
    cases : callable
        ``cases(rng)`` returns a list of `Case`; by them every misconception must differ from the reference and from
        every other one (a test insists).
    misconceptions : tuple of Misconception
        Their answers are functions.
    rtol, atol : float
        How near is right. The default leaves room for float32; a smaller `rtol` asks for float64, and says so to an
        answer that is only as near as float32 can be.
    """

    reference: Callable = field(repr=False)
    cases: Callable = field(repr=False)
    misconceptions: tuple[Misconception, ...] = field(default=(), repr=False)
    rtol: float = FLOAT32
    atol: float = 1e-7
    answer_is_function = True

    def judge(self, answer, seed=0):
        """Return the verdict on a function; see `Exercise.judge`."""
        if answer is None or answer is Ellipsis:
            return Verdict(NOT_DONE, "Write the function above, run its cell, then this one.")
        if not callable(answer):
            return Verdict(
                WRONG,
                f"You passed {describe(answer)}; the check wants the function itself: checks.{self.name}({self.name}).",
                found="not_a_function",
            )
        if is_stub(answer):
            return Verdict(NOT_DONE, "Write the function above, run its cell, then this one.")
        cases = self.cases(np.random.default_rng(seed))
        outcomes = []
        for case in cases:
            outcomes.append(call(answer, case.args))
            if outcomes[-1].problem in ("time", "output"):
                return self._stopped(case, outcomes[-1])
        goals = [call(self.reference, case.args) for case in cases]
        kinds = [self._difference(outcome, goal) for outcome, goal in zip(outcomes, goals, strict=True)]
        if not any(kinds):
            if any(outcome.changed for outcome in outcomes):
                message, question = COMMON["mutates_input"]
                return Verdict(WRONG, message, question, "mutates_input")
            return self._right()
        if self.rtol < FLOAT32 and not any(map(self._differs_in_float32, outcomes, goals)):
            message, question = COMMON["float32_only"]
            return Verdict(WRONG, message, question, "float32_only")
        for idea in self.misconceptions:
            if any(self._behaves_like(answer, cases, outcomes) for answer in idea.answers):
                return Verdict(WRONG, idea.message, idea.question, idea.name)
        first = next(i for i, kind in enumerate(kinds) if kind)
        return self._describe(cases[first], outcomes[first], goals[first], kinds[first])

    def _behaves_like(self, function, cases, outcomes):
        return all(
            self._alike(outcome, call(function, case.args)) for case, outcome in zip(cases, outcomes, strict=True)
        )

    def _alike(self, outcome, other):
        """True if two calls ended alike; an overflow is one, whether it raises or gives inf or NaN."""
        if _overflowed(other):
            return _overflowed(outcome)
        if outcome.problem or other.problem:
            return outcome.kind is not None and outcome.kind is other.kind
        return not difference(outcome.value, other.value, max(self.rtol, FLOAT32), self.atol)

    def _difference(self, outcome, goal):
        if goal.problem:  # the reference refuses this input, so the answer must
            return "" if outcome.kind is not None and issubclass(outcome.kind, goal.kind) else "accepted"
        return outcome.problem or difference(outcome.value, goal.value, self.rtol, self.atol)

    def _differs_in_float32(self, outcome, goal):
        return bool(outcome.problem or goal.problem or difference(outcome.value, goal.value, FLOAT32, self.atol))

    def _stopped(self, case, outcome):
        if outcome.problem == "time":
            message = f"For {case.what} your function was not ready after {SECONDS:.0f} seconds and was stopped."
            return Verdict(WRONG, message, "does every loop in it come to an end?", "time")
        message = f"For {case.what} your function printed more than {CHARACTERS:,} characters and was stopped."
        return Verdict(WRONG, message, "is there a print inside a loop?", "output")

    def _describe(self, case, outcome, goal, kind):
        said = partial(Verdict, WRONG, found=kind)
        start = f"For {case.what} your function"
        if kind == "exception":
            return said(f"{start} stopped with {outcome.error}.", "what did that line expect, and what did it get?")
        if kind == "accepted":
            return said(f"{start} returned {describe(outcome.value)}; it should raise a {goal.kind.__name__}.")
        if outcome.value is None:
            return said(f"{start} returned None. Is there a return? A print shows a number and hands nothing on.")
        if kind == "type":
            return said(f"{start} returned {describe(outcome.value)}; expected {_sort(goal.value)}.")
        if kind == "shape":
            return said(f"{start} returned {describe(outcome.value)}; expected {_sort(goal.value)}.")
        if kind == "nan":
            return said(f"{start} returned NaN (not a number).", "where is 0 / 0, inf - inf or the log of 0?")
        where = first_difference(outcome.value, goal.value, self.rtol, self.atol) or "it is not what is asked for"
        return said(f"{start} returned {describe(outcome.value)}: {where}.")


def _overflowed(outcome: Outcome):
    if outcome.problem == "exception":
        return issubclass(outcome.kind, ArithmeticError) or "math domain error" in outcome.error
    return not outcome.problem and not finite(outcome.value)


def _sort(value):
    """Say what kind of thing is expected, not which."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return "one number"
    if isinstance(value, bool | np.bool_):
        return "True or False"
    if isinstance(value, str):
        return "a string"
    return describe(value)
