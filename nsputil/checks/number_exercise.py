"""An exercise whose answer is one number or a few: worked out by hand, or read off a curve.

Each number of a list is judged by itself, so that one mistake does not hide another.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nsputil.checks.answer_types import Numbers
from nsputil.checks.exercise import Exercise
from nsputil.checks.honest import honest_functions
from nsputil.checks.misconceptions import COMMON, Misconception
from nsputil.checks.mixtures import without_praise
from nsputil.checks.values import as_numbers, describe
from nsputil.checks.verdict import NOT_DONE, WRONG, Verdict

#: What a number may be instead of the right one; the texts are in `COMMON`. Asked in this order.
RELATIONS = {
    "sign_reversed": lambda x: -x,
    "factor_100": lambda x: 100 * x,
    "hundredth": lambda x: x / 100,
    "log_base_2": lambda x: x / np.log(2),
    "log_base_10": lambda x: x / np.log(10),
    "times_ln_2": lambda x: x * np.log(2),
    "times_ln_10": lambda x: x * np.log(10),
    "reciprocal": lambda x: 1 / x,
    "complement": lambda x: 1 - x,
    "doubled": lambda x: 2 * x,
    "halved": lambda x: x / 2,
    "exp_of_minus": lambda x: np.exp(-x),
    "exp_taken": lambda x: np.exp(x),
    "minus_log_taken": lambda x: -np.log(x),
}

#: Relations that hardly hold by chance; the others must explain every number that is wrong.
SURE = {"sign_reversed", "factor_100", "hundredth", "log_base_2", "log_base_10"}


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
    also_right : tuple of tuple of float
        For each number the other values that the prompt's words allow, such as an exact value beside a stated
        approximation; empty if there are none.
    whole : bool
        Only whole numbers are right, and the prompt says so.
    example : float or tuple of float, optional
        The numbers of the prompt's example, to recognize them when they are handed back.
    """

    value: Numbers = field(repr=False)
    misconceptions: tuple[Misconception[Numbers], ...] = field(default=(), repr=False)
    tolerance: float = 0.0006
    also_right: tuple[tuple[float, ...], ...] = field(default=(), repr=False)
    whole: bool = False
    example: Numbers | None = field(default=None, repr=False)

    def judge(self, answer: object, seed: int | None = None) -> Verdict:
        """Return the verdict on a number or a few; see `Exercise.judge`."""
        if answer is None or answer is Ellipsis:
            return Verdict(NOT_DONE, "Replace None above with your answer, run the cell, then this one.")
        with honest_functions():
            return self._judged(answer)

    def _judged(self, answer: object) -> Verdict:
        right = np.atleast_1d(np.asarray(self.value, dtype=np.float64))
        wanted = "a number" if right.size == 1 else f"a list of {right.size} numbers"
        array = as_numbers(answer)
        if array is None:
            return Verdict(WRONG, f"You passed {_described(answer)}; expected {wanted}.", mistake="type")
        if array.size != right.size or sum(n > 1 for n in array.shape) > 1:
            return Verdict(WRONG, f"You passed {describe(answer)}; expected {wanted}.", mistake="shape")
        numbers = array.astype(np.float64).ravel()
        if np.isnan(numbers).any():
            return Verdict(WRONG, "Your answer is NaN (not a number).", "where is 0 / 0 or the log of 0?", "nan")
        wrong = [k for k in range(right.size) if not self._is_right(k, numbers[k])]
        if not wrong:
            return self._right()
        for idea in self.misconceptions:
            if any(self._near(numbers, np.atleast_1d(np.asarray(a, np.float64))) for a in idea.answers):
                return Verdict(WRONG, idea.message, idea.question, idea.name)
        if right.size == 1:
            name, message, question = self._about(0, numbers, wrong)
            return Verdict(WRONG, message, question, name)
        if self.example is not None and self._near(numbers, np.asarray(self.example, np.float64)):
            message, question = EXAMPLE
            return Verdict(WRONG, message, question, "example_returned")
        if self._near(np.sort(numbers), np.sort(right)):
            message, question = COMMON["another_order"]
            return Verdict(WRONG, message, question, "another_order")
        count = right.size - len(wrong)
        lines = [f"{count} of {right.size} numbers {'is' if count == 1 else 'are'} right."]
        found = [self._about(k, numbers, wrong) for k in wrong]
        lines += [f"Number {k + 1}: {message}" for k, (_, message, _) in zip(wrong[:2], found, strict=False)]
        question = next((question for _, _, question in found[:2] if question), "")
        names = [name for name, _, _ in found if name not in ("value", "example_returned")]
        return Verdict(WRONG, "\n".join(lines), question, (names or [found[0][0]])[0])

    def _is_right(self, k: int, number: float) -> bool:
        if self.whole and abs(number - round(number)) > 1e-9:
            return False
        right = [np.atleast_1d(np.asarray(self.value, np.float64))[k]]
        right += self.also_right[k] if self.also_right else ()
        return any(abs(number - value) <= self.tolerance for value in right)

    def _near(self, numbers: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
        return numbers.shape == others.shape and bool((np.abs(numbers - others) <= self.tolerance).all())

    def _about(self, k: int, numbers: NDArray[np.float64], wrong: list[int]) -> tuple[str, str, str]:
        """Return name, message and question for one number that is not right."""
        number, rights = numbers[k], np.atleast_1d(np.asarray(self.value, np.float64))
        right, tolerance = rights[k], self.tolerance
        if self.whole and abs(number - round(number)) > 1e-9:
            return "not_whole", f"{number:.6g} is not a whole number, and a whole number is asked for.", ""
        for idea in self.misconceptions if rights.size > 1 else ():
            for answer in idea.answers:
                values = np.atleast_1d(np.asarray(answer, np.float64))
                touched = np.flatnonzero(np.abs(values - rights) > tolerance).tolist()
                explained = touched == [k] or set(wrong) <= set(touched)  # about this number alone, or about all
                as_said = np.abs(values - numbers) <= tolerance
                if explained and as_said[k] and (touched == [k] or as_said[wrong].all()):
                    return idea.name, without_praise(idea.message), idea.question
        example = None if self.example is None else np.atleast_1d(np.asarray(self.example, np.float64))[k]
        if example is not None and abs(number - example) <= tolerance and abs(example - right) > tolerance:
            return ("example_returned", *EXAMPLE)
        others = [j for j in range(rights.size) if abs(rights[j] - right) > tolerance]
        for j in others:
            if abs(number - rights[j]) <= tolerance:
                return "another_order", f"{number:.6g} belongs to number {j + 1}.", COMMON["another_order"][1]
        if rights.size == 2 and any(abs(number + rights[j]) <= tolerance for j in others):
            return "another_order", f"{number:.6g} is minus one of the other numbers.", "do the two belong together so?"
        for name, relation in RELATIONS.items():
            with np.errstate(all="ignore"):
                others_too = relation(rights)
            other = float(others_too[k])
            near = max(tolerance * min(1.0, abs(other)), 1e-12)
            shared = name in SURE or all(abs(numbers[j] - others_too[j]) <= tolerance for j in wrong)
            if shared and abs(other - right) > tolerance and abs(number - other) <= near:
                return (name, *ONE[name])
        for digits in (3, 2, 1, 0):
            if abs(number - round(right, digits)) < 1e-9 and right != 0 and round(right, digits) != 0:
                message = f"{number:.6g} is rounded too coarsely."
                return "rounded", message, "how many decimals does the prompt ask for?"
        size = "large" if number > right else "small"
        return "value", f"{number:.6g} is too {size}.", ""

    def solution_steps(self) -> list[str]:
        """Return the hints' last word and then one number after the other; see `Exercise.solution_steps`."""
        values = np.atleast_1d(np.asarray(self.value, np.float64))
        return [f"Number {k}: {value:.6g}" if values.size > 1 else f"{value:.6g}" for k, value in enumerate(values, 1)]


EXAMPLE = ("That is the result of the prompt's example.", "what is different here from the example?")


def _singular(name: str) -> tuple[str, str]:
    message, question = COMMON[name]
    message = message.replace("Your numbers are the right ones", "It is the right one")
    message = message.replace("Your numbers are", "It is").replace("Your numbers have", "It has")
    return message.replace("the right ones", "the right one").replace("as if they were", "as if it were"), question


ONE = {name: _singular(name) for name in RELATIONS}


def _described(answer: object) -> str:
    if isinstance(answer, str) and len(answer) < 40:
        return f"the text {answer!r}, in quotes"
    return describe(answer)
