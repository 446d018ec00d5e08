"""An exercise answered in words, with a rubric.

No machine can grade an explanation. The check looks for signs of each point of the rubric, and for wordings that give a
known mistake away. It says what it did not find, and that it only looked for words. A person gives the points.
"""

import re
from dataclasses import dataclass, field

from nsputil.checks.exercise import Exercise
from nsputil.checks.values import describe
from nsputil.checks.verdict import NOT_DONE, RIGHT, WRONG, Verdict

LONGEST = 20_000  # characters


@dataclass(frozen=True)
class Point:
    """One point of a rubric.

    Attributes
    ----------
    text : str
        What a good answer says. Shown when the answer is complete, and to graders.
    signs : str
        A regular expression; one match anywhere, whatever the case, is a sign of this point.
    question : str
        What to ask somebody whose answer shows no sign of it.
    """

    text: str
    signs: str = field(repr=False)
    question: str = ""


@dataclass(frozen=True)
class Trap:
    """A wording that gives a mistake away.

    Attributes
    ----------
    name : str
    signs : str
        A regular expression.
    message : str
    """

    name: str
    signs: str = field(repr=False)
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class TextExercise(Exercise):
    """An exercise answered in words.

    Attributes
    ----------
    rubric : tuple of Point
    traps : tuple of Trap
    words : int
        The least that counts as an explanation.
    """

    rubric: tuple[Point, ...] = field(repr=False)
    traps: tuple[Trap, ...] = field(default=(), repr=False)
    words: int = 12
    graded_by_hand = True

    def judge(self, answer: object, seed: int = 0) -> Verdict:
        """Return the verdict on a text; see `Exercise.judge`."""
        if answer is None or answer is Ellipsis or (isinstance(answer, str) and not answer.strip()):
            return Verdict(NOT_DONE, "Write your answer above, between the quotes, and run both cells.")
        if not isinstance(answer, str):
            return Verdict(WRONG, f"You passed {describe(answer)}; expected a text in quotes.", mistake="type")
        count = len(answer[: LONGEST + 1].split())
        if count < self.words:
            return Verdict(WRONG, f"{count} words; write at least {self.words}, in whole sentences.", mistake="short")
        if len(answer) > LONGEST:
            return Verdict(WRONG, f"{len(answer):,} characters; a few sentences are enough.", mistake="long")
        for trap in self.traps:
            if re.search(trap.signs, answer, re.IGNORECASE):
                return Verdict(WRONG, trap.message, "does your text really mean that?", trap.name)
        for number, point in enumerate(self.rubric, 1):
            if not re.search(point.signs, answer, re.IGNORECASE):
                message = f"I see no sign of one of the {len(self.rubric)} points (I only look for words)."
                return Verdict(WRONG, message, point.question, f"point_{number}")
        lines = ["There is a sign of every point. The check only looks for words, so compare your text yourself:"]
        lines += [f"- {point.text}" for point in self.rubric]
        return Verdict(RIGHT, "\n".join([*lines, self.takeaway] if self.takeaway else lines))
