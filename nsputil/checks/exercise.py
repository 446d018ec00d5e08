"""What all exercises share: a place in the course, hints and a solution on request, a verdict, a grade."""

import os
from dataclasses import dataclass, field
from typing import ClassVar

from nsputil.checks.record import load, record
from nsputil.checks.verdict import COMPARED, NOT_DONE, RIGHT, Verdict

KINDS = ("recall", "compute", "implement", "predict", "debug", "read", "critique", "explain", "design")


class NotRight(AssertionError):
    """An answer that had to be right is not: under ``NSP_STRICT=1``, or when it is graded."""


@dataclass
class Steps:
    """How far somebody has come with an exercise in this kernel.

    Attributes
    ----------
    hint : int
        0 before the first hint, then 1, 2 or 3.
    solution : int
        How many steps of the solution were printed.
    tries : int
        How many answers were judged; untouched stubs do not count.
    """

    hint: int = 0
    solution: int = 0
    tries: int = 0


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
    steps : Steps
        How far somebody has come with it in this kernel.
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
    steps: Steps = field(default_factory=Steps, init=False, repr=False, compare=False)
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

    def judge(self, answer: object, seed: int | None = None) -> Verdict:
        """Return the verdict on an answer, without printing or keeping anything.

        Parameters
        ----------
        answer : object
        seed : int, optional
            Of the inputs that are drawn at random, if the exercise draws any. Without it the inputs are those that the
            visible check and the hidden test both use.

        Returns
        -------
        Verdict
        """
        raise NotImplementedError

    def solution_steps(self) -> list[str]:
        """Return the solution in steps.

        Returns
        -------
        list of str
            Empty if there is none to show.
        """
        return []

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
        self.steps.tries += verdict.state != NOT_DONE
        record(self.name, verdict.state)
        print(verdict.text(self.name) + self.afterword(verdict))
        if os.environ.get("NSP_STRICT") == "1" and not _good(verdict):
            raise NotRight(verdict.text(self.name))

    def afterword(self, verdict: Verdict) -> str:
        """Return what a learner reads below the verdict, such as what comes next; often nothing.

        Parameters
        ----------
        verdict : Verdict

        Returns
        -------
        str
        """
        return ""

    def grade(self, answer: object) -> bool:
        """Return True if the answer is right; a hidden test calls it. The judgement is that of the visible check.

        Parameters
        ----------
        answer : object

        Returns
        -------
        bool
            True.

        Raises
        ------
        NotRight
            With the text that the check itself would print.
        """
        verdict = self.judge(answer)
        if not _good(verdict):
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
            step = min(self.steps.hint + 1, 3)
        if step not in (1, 2, 3):
            raise ValueError(f"step is {step!r}; expected 1, 2 or 3")
        self.steps.hint = max(step, self.steps.hint)
        record(self.name, hint=True)
        print(f"Hint {step} of 3: {self.hints[step - 1]}")
        if step == 3:
            print(f"Still stuck? checks.{self.name}.solution() shows the solution, one step at a time.")

    def solution(self) -> None:
        """Print the next step of the solution, once the three hints were read."""
        row = load().get(self.name)
        if self.steps.hint < 3 and (row is None or row["hints"] < 3):
            print(f"First read the three hints: checks.{self.name}.hint()")
            return
        steps = self.solution_steps()
        if not steps:
            print("There is no solution to show here; the third hint is nearly all of it.")
            return
        shown = min(self.steps.solution + 1, len(steps))
        self.steps.solution = shown
        print(f"Step {shown} of {len(steps)}. Try to write the rest yourself.\n")
        print("\n".join(steps[:shown]))

    def model_answer(self) -> None:
        """Print a model answer; only exercises that are answered in words have one."""
        print(f"This exercise is not answered in words; checks.{self.name}.solution() shows its solution in steps.")

    def mark(self, *points: int) -> None:
        """Note which points of the rubric a text makes; only exercises that are answered in words have some.

        Parameters
        ----------
        points : int
        """
        print("The check itself judges this exercise; there is nothing to mark.")

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


def _good(verdict: Verdict) -> bool:
    """True if an answer is right, or a text that says all that the rubric asks for and contradicts nothing."""
    return verdict.state == RIGHT or (verdict.state == COMPARED and not verdict.mistake)
