"""An exercise answered in words, with a rubric.

No program can grade an explanation. The check looks for signs of each point of the rubric, and for wordings that give a
known mistake away. It says what it found and which words led to it, and never that a text is right: the learner
compares with a model answer and marks the points, and a person gives the grade.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from nsputil.checks.exercise import Exercise
from nsputil.checks.record import load, record
from nsputil.checks.values import describe
from nsputil.checks.verdict import COMPARED, NOT_DONE, WRONG, Verdict

LONGEST = 20_000  # characters
TRIES = 2  # until the model answer is shown
NEGATION = re.compile(r"\b(not|no|never|none|nothing|neither|nor|without|cannot|hardly|wrong to|nobody)\b|n't\b", re.I)
CLAUSE_END = re.compile(r"[.!?;:,()]|\b(?:but|because|although|though|while|whereas|since|so that|however)\b", re.I)


@dataclass(frozen=True)
class Point:
    """One point of a rubric.

    Attributes
    ----------
    text : str
        What a good answer says. Shown when there is a sign of it, and to graders.
    signs : str
        A regular expression; one match anywhere, whatever the case, is a sign of this point.
    question : str
        What to ask somebody whose answer shows no sign of it.
    denied : bool
        True if a sign in a clause that denies something ("it is not swapped") says the opposite of the point, so that
        it is no sign. By default a negation makes no difference.
    """

    text: str
    signs: str = field(repr=False)
    question: str = ""
    denied: bool = False


@dataclass(frozen=True)
class Trap:
    """A wording that gives a mistake away. In a clause that denies something it is not used.

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


@dataclass(frozen=True)
class Reading:
    """What the check found in a text.

    Attributes
    ----------
    points : tuple of str
        For each point of the rubric the words that are a sign of it; ``""`` if there is none.
    contradictions : tuple of (Trap, str)
        Each with the words that led to it.
    """

    points: tuple[str, ...]
    contradictions: tuple[tuple[Trap, str], ...]


@dataclass(frozen=True, kw_only=True)
class TextExercise(Exercise):
    """An exercise answered in words.

    Attributes
    ----------
    rubric : tuple of Point
    traps : tuple of Trap
    words : int
        The least that counts as an explanation.
    model : str
        A model answer. It is shown after two tries.
    """

    rubric: tuple[Point, ...] = field(repr=False)
    traps: tuple[Trap, ...] = field(default=(), repr=False)
    words: int = 12
    model: str = field(default="", repr=False)
    graded_by_hand = True

    def read(self, text: str) -> Reading:
        """Look for signs of the points, and for contradictions.

        Parameters
        ----------
        text : str

        Returns
        -------
        Reading
        """
        text = " ".join(text.split())  # a line break is a space
        points = []
        for point in self.rubric:
            matches = re.finditer(point.signs, text, re.IGNORECASE)
            kept = (m for m in matches if not (point.denied and denied(text, m.start(), m.end())))
            points.append(_words(text, next(kept, None)))
        contradictions = []
        for trap in self.traps:
            matches = re.finditer(trap.signs, text, re.IGNORECASE)
            match = next((m for m in matches if not denied(text, m.start(), m.end())), None)
            if match:
                contradictions.append((trap, _words(text, match)))
        return Reading(tuple(points), tuple(contradictions))

    def judge(self, answer: object, seed: int | None = None) -> Verdict:
        """Return the verdict on a text; see `Exercise.judge`."""
        if answer is None or answer is Ellipsis or (isinstance(answer, str) and not answer.strip()):
            return Verdict(NOT_DONE, "Write your answer above, between the quotes, and run both cells.")
        if not isinstance(answer, str):
            return Verdict(WRONG, f"You passed {describe(answer)}; expected a text in quotes.", mistake="type")
        if len(answer) > LONGEST:
            return Verdict(WRONG, f"{len(answer):,} characters; a few sentences are enough.", mistake="long")
        reading = self.read(answer)
        count = len(answer.split())
        lines = list(self._lines(reading))
        if count < self.words:
            lines.insert(0, f"{count} words; write at least {self.words}, in whole sentences.")
            return Verdict(WRONG, "\n".join(lines), mistake="short")
        missing = [f"point_{k}" for k, words in enumerate(reading.points, 1) if not words]
        names = [trap.name for trap, _ in reading.contradictions] + missing
        found = tuple(f"point_{k}" for k, words in enumerate(reading.points, 1) if words)
        lines.insert(0, "The check looks for words only; it cannot tell whether a text is right.")
        return Verdict(COMPARED, "\n".join(lines), mistake=names[0] if names else "", found=found)

    def _lines(self, reading: Reading) -> Sequence[str]:
        lines = []
        for point, words in zip(self.rubric, reading.points, strict=True):
            if words:
                lines.append(f'- found, by "{words}": {point.text}')
            else:
                lines.append(f"- not found. Ask yourself: {point.question}")
        for trap, words in reading.contradictions:
            lines.append(f'- perhaps a contradiction, by "{words}": {trap.message}')
        return lines

    def afterword(self, verdict: Verdict) -> str:
        """Return where the model answer is; see `Exercise.afterword`."""
        if verdict.state != COMPARED:
            return ""
        if self._tries() < TRIES:
            return "\nImprove it if you see how. After the second try you can read a model answer."
        return (
            f"\nA model answer: checks.{self.name}.model_answer(). Then mark the points that your text makes, such as "
            f"checks.{self.name}.mark(1, {len(self.rubric)})."
        )

    def model_answer(self) -> None:
        """Print the model answer and the points of the rubric, after two tries."""
        if self._tries() < TRIES:
            print(f"Write your own answer first; after {TRIES} tries you can read a model answer.")
            return
        print(self.model)
        print("\nIts points:")
        for number, point in enumerate(self.rubric, 1):
            print(f"{number}. {point.text}")
        print(f"Keep this: {self.takeaway}")
        print(f"Mark those that your text makes, such as checks.{self.name}.mark(1, {len(self.rubric)}).")

    def mark(self, *points: int) -> None:
        """Note which points of the rubric the learner's text makes.

        Parameters
        ----------
        points : int
            Numbers as in the model answer, counted from 1; none if the text makes none.

        Raises
        ------
        ValueError
            If a number is not that of a point.
        """
        if set(points) - set(range(1, len(self.rubric) + 1)):
            raise ValueError(f"points are {points}; expected numbers from 1 to {len(self.rubric)}")
        if self._tries() < TRIES:
            print(f"Write your own answer first; you can mark it after {TRIES} tries.")
            return
        record(self.name, points=len(set(points)))
        print(f"{self.name}: {len(set(points))} of {len(self.rubric)} points, by your own count.")

    def solution_steps(self) -> list[str]:
        """Return the model answer, one sentence after the other; see `Exercise.solution_steps`."""
        return re.split(r"(?<=[.!?])\s+", self.model) if self.model else []

    def _tries(self) -> int:
        row = load().get(self.name)
        return max(self.steps.tries, row["tries"] if row else 0)


def denied(text: str, start: int, end: int) -> bool:
    """Return True if the clause around a match denies something with a word outside the match.

    Parameters
    ----------
    text : str
    start, end : int
        Of the match.

    Returns
    -------
    bool
    """
    before = [m.end() for m in CLAUSE_END.finditer(text, 0, start)]
    after = CLAUSE_END.search(text, end)
    clause_start = before[-1] if before else 0
    clause_end = after.start() if after else len(text)
    return bool(NEGATION.search(text[clause_start:start]) or NEGATION.search(text[end:clause_end]))


def _words(text: str, match: re.Match[str] | None) -> str:
    """Return a match with the rest of its first and last word, in one short line."""
    if match is None:
        return ""
    start, end = text.rfind(" ", 0, match.start()) + 1, text.find(" ", match.end())
    words = text[start : end if end >= 0 else len(text)].strip(".,;:!?\"'")
    return words if len(words) <= 60 else words[:57] + "..."
