"""An exercise whose answer is one number or a few: worked out by hand, or read off a curve."""

from dataclasses import dataclass, field

import numpy as np

from nsputil.checks.answer_types import Numbers
from nsputil.checks.exercise import Exercise
from nsputil.checks.misconceptions import Misconception
from nsputil.checks.values import describe, difference, first_difference
from nsputil.checks.verdict import NOT_DONE, WRONG, Verdict


@dataclass(frozen=True, kw_only=True)
class NumberExercise(Exercise):
    """An exercise whose answer is a number or a short list of numbers.

    Attributes
    ----------
    value : float or tuple of float
        The right answer.
    misconceptions : tuple of Misconception
        Their answers are numbers, or tuples, too; each farther from the value and from each other than the tolerance.
    tolerance : float
        Largest absolute difference. The default accepts an answer rounded to three decimals.
    """

    value: Numbers = field(repr=False)
    misconceptions: tuple[Misconception[Numbers], ...] = field(default=(), repr=False)
    tolerance: float = 0.0006

    def judge(self, answer: object, seed: int = 0) -> Verdict:
        """Return the verdict on a number; see `Exercise.judge`."""
        if answer is None or answer is Ellipsis:
            return Verdict(NOT_DONE, "Replace None above with your answer, run the cell, then this one.")
        kind = self._difference(answer, self.value)
        if not kind:
            return self._right()
        for misconception in self.misconceptions:
            if any(not self._difference(answer, wrong) for wrong in misconception.answers):
                return Verdict(WRONG, misconception.message, misconception.question, misconception.name)
        count = np.size(self.value)
        if kind in ("type", "shape"):
            wanted = "a number" if count == 1 else f"a list of {count} numbers"
            return Verdict(WRONG, f"You passed {describe(answer)}; expected {wanted}.", mistake=kind)
        if kind == "nan":
            return Verdict(WRONG, "Your answer is NaN (not a number).", "where is 0 / 0 or the log of 0?", kind)
        first = first_difference(answer, self.value, 0, self.tolerance)
        return Verdict(WRONG, f"Look again: {first}.", mistake="value")

    def _difference(self, answer: object, value: Numbers) -> str:
        return difference(answer, value, 0, self.tolerance)
