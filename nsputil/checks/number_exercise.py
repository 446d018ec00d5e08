"""An exercise whose answer is a number, or a few: worked out by hand, or read off a curve."""

from dataclasses import dataclass, field

import numpy as np

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

    value: object = field(repr=False)
    misconceptions: tuple[Misconception, ...] = field(default=(), repr=False)
    tolerance: float = 0.0006

    def judge(self, answer, seed=0):
        """Return the verdict on a number; see `Exercise.judge`."""
        if answer is None or answer is Ellipsis:
            return Verdict(NOT_DONE, "Replace None above by your answer, run the cell, then this one.")
        kind = self._kind(answer, self.value)
        if not kind:
            return self._right()
        for idea in self.misconceptions:
            if any(not self._kind(answer, wrong) for wrong in idea.answers):
                return Verdict(WRONG, idea.message, idea.question, idea.name)
        count = np.size(self.value)
        if kind in ("type", "shape"):
            wanted = "a number" if count == 1 else f"a list of {count} numbers"
            return Verdict(WRONG, f"You passed {describe(answer)}; expected {wanted}.", found=kind)
        if kind == "nan":
            return Verdict(WRONG, "Your answer is NaN (not a number).", "where is 0 / 0 or the log of 0?", kind)
        where = first_difference(answer, self.value, 0, self.tolerance)
        return Verdict(WRONG, f"Look again: {where}.", found="value")

    def _kind(self, answer, value):
        return difference(answer, value, 0, self.tolerance)
