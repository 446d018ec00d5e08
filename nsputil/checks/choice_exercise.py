"""An exercise with options to choose from: one or several are right, each has its own feedback.

The notebook shows the question and the options; only the bank (`nsputil.checks.bank`) says which are right.
"""

from dataclasses import dataclass, field

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

    def judge(self, answer: object, seed: int = 0) -> Verdict:
        """Return the verdict on some letters; see `Exercise.judge`."""
        if answer is None or answer is Ellipsis or (isinstance(answer, str) and not str(answer).strip()):
            several = ' or "ab"' if self.several else ""
            return Verdict(NOT_DONE, f'Replace None above with your choice, such as "a"{several}, and run both cells.')
        letters = LETTERS[: len(self.options)]
        for letter, option in zip(letters, self.options, strict=True):
            if isinstance(answer, str | bool) and str(answer).strip().lower() == option.text.lower():  # True, or "true"
                answer = letter
        if not isinstance(answer, str):
            message = f'You passed {describe(answer)}; expected a letter in quotes, such as "a".'
            return Verdict(WRONG, message, mistake="type")
        chosen = "".join(sorted(set(answer.lower()) - set(" ,;.)")))
        if set(chosen) - set(letters):
            wanted = f"letters from a to {letters[-1]}"
            return Verdict(WRONG, f"You passed {describe(answer)}; expected {wanted}.", mistake="letters")
        if len(chosen) > 1 and not self.several:
            return Verdict(WRONG, f"You chose {', '.join(chosen)}; one option is right.", mistake="too_many")
        lines = [f"{letter}) {self.options[letters.index(letter)].feedback}" for letter in chosen]
        if chosen == self.right_letters():
            return Verdict(RIGHT, "\n".join([*lines, self.takeaway] if self.takeaway else lines))
        if all(self.options[letters.index(letter)].right for letter in chosen):
            lines.append("That is not all yet: at least one more option is right.")
        return Verdict(WRONG, "\n".join(lines), mistake="option_" + chosen)
