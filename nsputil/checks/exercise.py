"""What all exercises share: a place in the course, hints on request, a verdict, a grade."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from nsputil.checks.record import record
from nsputil.checks.verdict import RIGHT, Verdict

KINDS = ("recall", "compute", "implement", "predict", "debug", "read", "critique", "explain", "design")


class NotRight(AssertionError):
    """An answer that had to be right is not: under ``NSP_STRICT=1``, or when it is graded."""


@dataclass
class HintStep:
    """Which hint of an exercise was printed last in this kernel.

    Attributes
    ----------
    last : int
        0 before the first hint, then 1, 2 or 3.
    """

    last: int = 0


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise; call it with an answer.

    Attributes
    ----------
    name : str
        Unique in the course, a Python name: ``checks.NAME(answer)``. The learner's function or variable has the same.
    title : str
        A short heading.
    notebook : int
        The notebook that it belongs to.
    objectives : tuple of int
        Which points of "You will" in this notebook it trains; 1 is the first.
    kind : str
        One of `KINDS`, from recall to creation.
    difficulty, importance : int
        1 to 3.
    minutes : int
    points : int
        For graders.
    hints : tuple of three str
        From a nudge to nearly everything.
    takeaway : str
        The sentence to keep, printed when the answer is right.
    hint_step : HintStep
        How far the hints have been read.
    """

    name: str
    title: str
    notebook: int
    objectives: tuple[int, ...]
    kind: str
    difficulty: int
    importance: int
    minutes: int
    hints: tuple[str, str, str] = field(repr=False)
    takeaway: str = field(repr=False)
    points: int = 1
    hint_step: HintStep = field(default_factory=HintStep, init=False, repr=False, compare=False)
    #: True if the learner writes a function; otherwise a variable.
    answer_is_function: ClassVar[bool] = False
    #: True if a person has to grade it.
    graded_by_hand: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"exercise {self.name}: kind is {self.kind!r}; expected one of {', '.join(KINDS)}")
        if len(self.hints) != 3:
            raise ValueError(f"exercise {self.name} has {len(self.hints)} hints; expected three")
        for field_name in ("difficulty", "importance"):
            if getattr(self, field_name) not in (1, 2, 3):
                raise ValueError(f"exercise {self.name}: {field_name} is {getattr(self, field_name)}; expected 1 to 3")

    def judge(self, answer: object, seed: int = 0) -> Verdict:
        """Return the verdict on an answer, without printing or keeping anything.

        Parameters
        ----------
        answer : object
        seed : int
            Of the inputs that are drawn at random, if the exercise draws any.

        Returns
        -------
        Verdict
        """
        raise NotImplementedError

    def __call__(self, answer: object) -> None:
        """Judge an answer, print the verdict, and note the progress.

        Parameters
        ----------
        answer : object

        Raises
        ------
        NotRight
            Only if the environment variable ``NSP_STRICT`` is 1, as it is when the solutions are tested.
        """
        verdict = self.judge(answer)
        print(verdict.text(self.name))
        record(self.name, verdict.state)
        if os.environ.get("NSP_STRICT") == "1" and verdict.state != RIGHT:
            raise NotRight(verdict.text(self.name))

    def grade(self, answer: object, seeds: Sequence[int] = (1, 2, 3)) -> bool:
        """Return True if the answer is right for other inputs too; a hidden test calls it.

        Parameters
        ----------
        answer : object
        seeds : sequence of int

        Returns
        -------
        bool
            True.

        Raises
        ------
        NotRight
            With the text that the check itself would print.
        """
        for seed in seeds:
            verdict = self.judge(answer, seed)
            if verdict.state != RIGHT:
                raise NotRight(verdict.text(self.name))
        return True

    def hint(self, step: int | None = None) -> None:
        """Print the next hint, or the one that is asked for.

        Parameters
        ----------
        step : int, optional
            1, 2 or 3. Without it each call prints the next hint.

        Raises
        ------
        ValueError
            If `step` is not 1, 2 or 3.
        """
        if step is None:
            step = min(self.hint_step.last + 1, 3)
        if step not in (1, 2, 3):
            raise ValueError(f"step is {step!r}; expected 1, 2 or 3")
        self.hint_step.last = step
        record(self.name, hint=True)
        print(f"Hint {step} of 3: {self.hints[step - 1]}")

    def headline(self) -> str:
        """Return the line under the heading: kind, difficulty, importance, minutes.

        Returns
        -------
        str
        """
        return (
            f"*{self.kind}* · difficulty {self.difficulty} of 3 · importance {self.importance} of 3 · "
            f"{self.minutes} minute{'s' if self.minutes > 1 else ''}"
        )

    def _right(self) -> Verdict:
        return Verdict(RIGHT, self.takeaway)
