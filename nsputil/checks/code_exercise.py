"""An exercise whose answer is a function: compared with a reference, and with every mistake that we know by name.

`CodeExercise.outcomes` calls the answer, `CodeExercise.verdict` speaks about what came back: a grader can do the first
in a box and the second outside it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import signature
from typing import Any, ClassVar

import numpy as np

from nsputil.checks.answer_types import Function
from nsputil.checks.detectors import recognized
from nsputil.checks.exercise import Exercise
from nsputil.checks.honest import honest_functions
from nsputil.checks.misconceptions import COMMON, Misconception
from nsputil.checks.mixtures import of_cases, of_parts, with_transform
from nsputil.checks.runner import CHARACTERS, Outcome, call, is_stub, unchanged
from nsputil.checks.source_steps import steps_of
from nsputil.checks.values import compare, describe, difference, finite, kind_of
from nsputil.checks.verdict import NOT_DONE, WRONG, Verdict

FLOAT32 = 1e-5  # relative error of an answer in float32, after a sum or two
SEEDS = (0, 1, 2)  # of the cases that a learner's check and the hidden test both use
STOPPED = {
    "time": ("had not finished after 3 seconds of computing and was stopped", "does every loop in it come to an end?"),
    "waiting": (
        "waits: for a sleep, for a file, or for something else that does not come. It was stopped",
        "which line waits, and does your answer need it?",
    ),
    "input": (
        "asks for input. Here it gets all that it needs as arguments",
        "which of your variables is an argument already?",
    ),
    "exit": ("ends Python instead of returning", "is there an exit, a quit or a sys.exit where a return should be?"),
    "output": (
        f"printed more than {CHARACTERS:,} characters and was stopped",
        "is there a print inside a loop?",
    ),
}


@dataclass(frozen=True)
class InputCase:
    """The arguments of one call of the function, and in words what is special about them.

    Attributes
    ----------
    args : tuple
    what : str
        Completes "for ...", such as "two pairs with logits of a thousand".
    raises : bool
        True if the reference raises here, so that the answer must raise the same.
    """

    args: tuple[Any, ...]
    what: str
    raises: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.args, tuple):
            raise TypeError(
                f"the arguments of the case {self.what!r} are {describe(self.args)}; expected a tuple, such as (x,) "
                "with its comma for one argument"
            )


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
    integers : bool
        The numbers of the result have to be integers, and the prompt says so.
    normal_form : callable, optional
        ``normal_form(value, args)`` makes equal what the prompt calls equally right, such as ties in any order. It must
        return what it does not understand as it is.
    from_scratch : bool
        An answer that calls nsputil is told to write the computation itself; the line under the heading says so.
    """

    reference: Function = field(repr=False)
    cases: Callable[[np.random.Generator], Sequence[InputCase]] = field(repr=False)
    misconceptions: tuple[Misconception[Function], ...] = field(default=(), repr=False)
    rtol: float = FLOAT32
    atol: float = 1e-7
    integers: bool = False
    normal_form: Callable[[Any, tuple[Any, ...]], Any] | None = field(default=None, repr=False)
    from_scratch: bool = False
    answer_is_function: ClassVar[bool] = True

    def cases_of(self, seeds: Sequence[int]) -> list[InputCase]:
        """Return the cases of some seeds; those that do not depend on the seed once.

        Parameters
        ----------
        seeds : sequence of int

        Returns
        -------
        list of InputCase
        """
        cases: list[InputCase] = []
        for seed in seeds:
            for case in self.cases(np.random.default_rng(seed)):
                if not any(case.what == other.what and unchanged(case.args, other.args) for other in cases):
                    cases.append(case)
        return cases

    def expected(self, cases: Sequence[InputCase]) -> list[Outcome]:
        """Return what the reference gives.

        Raises
        ------
        ValueError
            If the reference raises where the case does not declare it.
        """
        outcomes = [self._called(self.reference, case) for case in cases]
        for case, outcome in zip(cases, outcomes, strict=True):
            if bool(outcome.problem) != case.raises:
                found = f"the reference ended with {outcome.error or outcome.problem}"
                wanted = "a value, or raises=True in the InputCase"
                if case.raises:
                    found, wanted = "the reference returned a value", "an exception, since the case says raises=True"
                raise ValueError(f"exercise {self.name}, for {case.what}: {found}; expected {wanted}")
        return outcomes

    @cached_property
    def _inputs(self) -> dict[tuple[int, ...], tuple[list[InputCase], list[Outcome]]]:
        return {}

    @cached_property
    def _ideas(self) -> dict[int, list[tuple[Misconception[Function], list[Outcome]]]]:
        return {}

    def inputs(self, seed: int | Sequence[int] | None = None) -> tuple[list[InputCase], list[Outcome]]:
        """Return the cases and what the reference gives; worked out once for each seed.

        Parameters
        ----------
        seed : int or sequence of int, optional
            Without it the cases are those of the check and of the hidden test.

        Returns
        -------
        tuple of list
        """
        seeds = SEEDS if seed is None else (seed,) if isinstance(seed, int) else tuple(seed)
        if seeds not in self._inputs:
            cases = self.cases_of(seeds)
            self._inputs[seeds] = cases, self.expected(cases)
        return self._inputs[seeds]

    def _ideas_on(self, cases: Sequence[InputCase]) -> list[tuple[Misconception[Function], list[Outcome]]]:
        """Return what every idea gives; kept for the cases that `inputs` keeps."""
        kept = any(cases is own for own, _ in self._inputs.values())
        if not kept:
            return self._outcomes_of_ideas(cases)
        if id(cases) not in self._ideas:
            self._ideas[id(cases)] = self._outcomes_of_ideas(cases)
        return self._ideas[id(cases)]

    def _outcomes_of_ideas(self, cases: Sequence[InputCase]) -> list[tuple[Misconception[Function], list[Outcome]]]:
        return [
            (idea, [self._called(wrong, case) for case in cases])
            for idea in self.misconceptions
            for wrong in idea.answers
        ]

    def outcomes(self, answer: Function, cases: Sequence[InputCase]) -> list[Outcome]:
        """Call an answer with every case; the last outcome is the first that was stopped, if one was.

        Parameters
        ----------
        answer : callable
        cases : sequence of InputCase

        Returns
        -------
        list of Outcome
        """
        outcomes: list[Outcome] = []
        for case in cases:
            outcomes.append(self._called(answer, case, watch=True))
            if outcomes[-1].problem in STOPPED:
                break
        return outcomes

    def _called(self, function: Function, case: InputCase, watch: bool = False) -> Outcome:
        outcome = call(function, case.args, watch=watch)
        if self.normal_form is None or outcome.problem:
            return outcome
        return replace(outcome, value=self.normal_form(outcome.value, case.args))

    def judge(self, answer: object, seed: int | None = None) -> Verdict:
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
        with honest_functions():
            cases, expected = self.inputs(seed)
            return self.verdict(cases, self.outcomes(answer, cases), expected)

    def verdict(self, cases: Sequence[InputCase], outcomes: Sequence[Outcome], expected: Sequence[Outcome]) -> Verdict:
        """Return the verdict on what an answer gave.

        Parameters
        ----------
        cases : sequence of InputCase
        outcomes, expected : sequence of Outcome
            Of the answer, and of the reference.

        Returns
        -------
        Verdict
        """
        last = outcomes[-1]
        if last.problem in STOPPED:
            said, question = STOPPED[last.problem]
            where = f" ({last.error})" if last.error and last.problem == "exit" else ""
            message = f"For {cases[len(outcomes) - 1].what} your function {said}{where}."
            return Verdict(WRONG, message, question, last.problem)
        calls = [
            name for name in _all_calls(outcomes) if self.from_scratch or name.endswith(("_reference", "setprofile"))
        ]
        if calls:
            message, question = COMMON["package_called"]
            return Verdict(WRONG, f"{message} It calls {calls[0]}.", question, "package_called")
        differences = [self._difference(*pair) for pair in zip(outcomes, expected, strict=True)]
        if not any(differences):
            if any(outcome.changed for outcome in outcomes):
                message, question = COMMON["mutates_input"]
                return Verdict(WRONG, message, question, "mutates_input")
            return self._right()
        return self._named(cases, outcomes, expected) or self._described(cases, outcomes, expected, differences)

    def _named(
        self, cases: Sequence[InputCase], outcomes: Sequence[Outcome], expected: Sequence[Outcome]
    ) -> Verdict | None:
        """Return the verdict on a mistake that has a name, or None."""
        if self.rtol < FLOAT32 and not any(map(self._differs_in_float32, outcomes, expected)):
            message, question = COMMON["float32_only"]
            return Verdict(WRONG, message, question, "float32_only")
        idea = self._idea(cases, outcomes)
        if idea is not None:
            return Verdict(WRONG, idea.message, idea.question, idea.name)
        if any(outcome.problem for outcome in [*outcomes, *expected]):
            return None
        ideas = self._ideas_on(cases)
        values, right = [o.value for o in outcomes], [o.value for o in expected]
        named = [(idea, [o.value for o in wrong]) for idea, wrong in ideas if not any(o.problem for o in wrong)]
        args = [case.args for case in cases]
        found = (
            recognized(values, right, args)
            or of_parts(values, right, named)
            or with_transform(values, right, named, args)
            or of_cases(values, right, named, [case.what for case in cases])
        )
        return Verdict(WRONG, found[1], found[2], found[0]) if found else None

    def _idea(self, cases: Sequence[InputCase], outcomes: Sequence[Outcome]) -> Misconception[Function] | None:
        """Return the mistake that an answer makes in every case, or None."""
        for idea, wrong in self._ideas_on(cases):
            if all(map(self._alike, outcomes, wrong)):
                return idea
        return None

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
        if outcome.problem:
            return outcome.problem
        found = compare(outcome.value, expected.value, self.rtol, self.atol, self.integers)
        return found.kind if found else ""

    def _differs_in_float32(self, outcome: Outcome, expected: Outcome) -> bool:
        if outcome.problem or expected.problem:
            return True
        return bool(difference(outcome.value, expected.value, FLOAT32, self.atol))

    def _described(
        self,
        cases: Sequence[InputCase],
        outcomes: Sequence[Outcome],
        expected: Sequence[Outcome],
        differences: Sequence[str],
    ) -> Verdict:
        """Say how an answer that behaves like no misconception differs from what is expected."""
        first = next(i for i, kind in enumerate(differences) if kind)
        case, outcome, wanted, mistake = cases[first], outcomes[first], expected[first], differences[first]
        start, question = f"For {case.what} your function", ""
        if mistake == "exception":
            message = f"{start} stopped with {outcome.error}."
            mistake, question = self._kind_of_error(outcome)
        elif mistake == "accepted" and wanted.exception:
            message = f"{start} returned {describe(outcome.value)}; it should raise a {wanted.exception.__name__}."
        elif outcome.value is None:
            message = f"{start} returned None. Is there a return? A print shows a number but does not return it."
        else:
            found = compare(outcome.value, wanted.value, self.rtol, self.atol, self.integers)
            assert found is not None
            if found.where:
                message = f"{start} gives a result whose part {found.where} {found.text}."
            elif mistake in ("type", "shape"):
                message = f"{start} returned {describe(outcome.value)}; expected {kind_of(wanted.value)}."
                message += f" It {found.text.split(';')[0]}." if found.text.startswith(("lacks", "has")) else ""
            else:
                message = f"{start} gives a result that {found.text}."
            if mistake == "nan":
                question = "where is 0 / 0, inf - inf or the log of 0?"
            elif first and mistake == "value":
                message += f" The {first} cases before it are right." if first > 1 else " The case before it is right."
        return Verdict(WRONG, message, question, mistake)

    def headline(self) -> str:
        """Return the line under the heading; it says if the answer has to be written without nsputil."""
        return super().headline() + (" · write it without `nsputil`" if self.from_scratch else "")

    def _kind_of_error(self, outcome: Outcome) -> tuple[str, str]:
        """Return a name and a question for an exception; most are just "exception"."""
        parameters = ", ".join(signature(self.reference).parameters)
        if (
            outcome.exception is TypeError
            and re.search(r"\bargument", outcome.error)
            and "in line" not in outcome.error
        ):
            return "arguments", f"the check calls {self.name}({parameters}): which arguments does yours take?"
        if outcome.exception is TypeError and "numpy boolean subtract" in outcome.error:
            return "truth_values_subtracted", "what is True minus False, and which step makes numbers of truth values?"
        if outcome.exception is not None and issubclass(outcome.exception, NameError):
            return "name", "where does that name get its value: in the function, or in a cell that was not run?"
        if outcome.exception is ValueError and re.search(
            r"shape|broadcast|dimension|matmul|inhomogeneous", outcome.error
        ):
            return "shapes_do_not_fit", "which shapes do the two arrays have, and which should they have?"
        return "exception", "what did that line expect, and what did it get?"

    def solution_steps(self) -> list[str]:
        """Return the solution in steps, each some lines of code; see `Exercise.solution_steps`."""
        return steps_of(self.reference, self.name)


def _all_calls(outcomes: Sequence[Outcome]) -> list[str]:
    return [name for outcome in outcomes for name in outcome.calls]


def _overflowed(outcome: Outcome) -> bool:
    if outcome.exception:
        return issubclass(outcome.exception, ArithmeticError) or "math domain error" in outcome.error
    return not outcome.problem and not finite(outcome.value)
