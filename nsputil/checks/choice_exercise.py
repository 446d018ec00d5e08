"""An exercise with options to choose from: one or several are right, each has its own feedback.

The notebook shows the question and the options; only the bank (`nsputil.checks.bank`) says which are right.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from nsputil.checks.exercise import Exercise
from nsputil.checks.values import describe
from nsputil.checks.verdict import NOT_DONE, RIGHT, WRONG, Verdict

LETTERS = "abcdefgh"


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes
    ----------
    text : str
        What the learner reads.
    feedback : str
        The feedback to a learner who chose it.
    right : bool
    """

    text: str
    feedback: str
    right: bool = False


@dataclass(frozen=True, kw_only=True)
class ChoiceExercise(Exercise):
    """An exercise with options.

    Attributes
    ----------
    question : str
        Markdown. If several options are right it says so.
    options : tuple of Option
    """

    question: str
    options: tuple[Option, ...] = field(repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        right = sum(option.right for option in self.options)
        if not 2 <= len(self.options) <= len(LETTERS) or right == 0:
            raise ValueError(
                f"exercise {self.name} has {len(self.options)} options, {right} of them right; expected 2 to "
                f"{len(LETTERS)}, at least one right"
            )

    @property
    def several(self) -> bool:
        """True if more than one option is right, so that letters are combined."""
        return sum(option.right for option in self.options) > 1

    def right_letters(self) -> str:
        """Return the letters of the right options, for tests and exports.

        Returns
        -------
        str
        """
        return "".join(letter for letter, option in zip(LETTERS, self.options, strict=False) if option.right)

    def markdown(self) -> str:
        """Return question and options as the notebook shows them.

        Returns
        -------
        str
        """
        lines = [f"- **{letter})** {option.text}" for letter, option in zip(LETTERS, self.options, strict=False)]
        return self.question + "\n\n" + "\n".join(lines)

    def judge(self, answer: object, seed: int | None = None) -> Verdict:
        """Return the verdict on some letters; see `Exercise.judge`."""
        if _is_empty(answer):
            several = ' or "ab"' if self.several else ""
            return Verdict(NOT_DONE, f'Replace None above with your choice, such as "a"{several}, and run both cells.')
        letters = LETTERS[: len(self.options)]
        for letter, option in zip(letters, self.options, strict=True):
            if isinstance(answer, str | bool) and _is_option(str(answer), letter, option.text):
                answer = letter
        found = letters_in(answer)
        if found is None:
            several = ', or several letters, such as "ab"' if self.several else ""
            message = f'You passed {describe(answer)}; expected a letter in quotes, such as "a"{several}.'
            return Verdict(WRONG, message, mistake="type")
        chosen = "".join(sorted(found))
        if not chosen or set(chosen) - set(letters):
            wanted = f"letters from a to {letters[-1]}"
            return Verdict(WRONG, f"You passed {describe(answer)}; expected {wanted}.", mistake="letters")
        if len(chosen) > 1 and not self.several:
            return Verdict(WRONG, f"You chose {', '.join(chosen)}; one option is right.", mistake="too_many")
        options = {letter: self.options[letters.index(letter)] for letter in chosen}
        if chosen == self.right_letters():
            lines = [f"{letter}) {option.feedback}" for letter, option in options.items()]
            return Verdict(RIGHT, "\n".join([*lines, self.takeaway] if self.takeaway else lines))
        lines = [f"{letter}) {option.feedback}" for letter, option in options.items() if not option.right]
        if self.several and set(self.right_letters()) - set(chosen):
            lines.append("At least one letter is missing.")
        return Verdict(WRONG, "\n".join(lines), mistake="option_" + chosen)

    def solution_steps(self) -> list[str]:
        """Return one option after the other with its feedback; see `Exercise.solution_steps`."""
        return [
            f"{letter}) {'right' if option.right else 'wrong'}. {option.feedback}"
            for letter, option in zip(LETTERS, self.options, strict=False)
        ]


def letters_in(answer: object) -> set[str] | None:
    """Return the letters that an answer names, or None if it is no text and no collection of texts.

    Parameters
    ----------
    answer : object
        Such as "ad", "a, d", "a and d", "(a) (d)", ["a", "d"], ("a", "d") or {"a", "d"}.

    Returns
    -------
    set of str or None
        In lower case. What is no letter is returned as it is, so that it can be refused.
    """
    if isinstance(answer, str):
        words = re.sub(r"\b(and|options?|letters?|answers?)\b", " ", answer[:200].lower())
        return set(re.sub(r"[\s,;.&+/()\[\]{}'\":]", "", words))
    if isinstance(answer, list | tuple | set | frozenset | np.ndarray):
        found: set[str] = set()
        items: Iterable[object] = answer.flat if isinstance(answer, np.ndarray) else iter(answer)
        for count, item in enumerate(items):
            if not isinstance(item, str) or count > 20:
                return None
            found |= letters_in(item) or set()
        return found
    return None


def _is_option(answer: str, letter: str, text: str) -> bool:
    """True if an answer is an option's text, such as True for "true", or its letter with the beginning of its text."""
    said, wanted = answer[:1000].strip().lower(), text.lower()
    match = re.fullmatch(rf"\(?{letter}\s*[).:,-]?\s+(.+)", said, re.DOTALL)
    return said == wanted or bool(match and len(match[1]) > 3 and wanted.startswith(match[1].rstrip(" .")))


def _is_empty(answer: object) -> bool:
    if answer is None or answer is Ellipsis:
        return True
    if isinstance(answer, str):
        return not str(answer).strip()
    return type(answer) in (list, tuple, set, frozenset) and not answer
