"""What is said of a training, and on what kind of evidence: facts, swaps, likelihood."""

import textwrap
from dataclasses import dataclass, field
from typing import Literal

from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.measured import RATES

Answer = Literal[
    "cause",
    "place",
    "healthy",
    "healthy, with a deviation",
    "a part that helps",
    "has not learned",
    "too little to tell",
]
SOUND = ("healthy", "healthy, with a deviation", "a part that helps")


@dataclass(frozen=True)
class Evidence:
    """One reason.

    Attributes
    ----------
    kind : {"fact", "swap", "likelihood"}
        In this order of weight.
    statement : str
        One sentence, with the numbers.
    place : str
    rows : tuple of str
        What to look at.
    """

    kind: Literal["fact", "swap", "likelihood"]
    statement: str
    place: str
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conclusion:
    """The answer to "what is wrong with this training?".

    Attributes
    ----------
    answer : str
        A cause; a place, if the cause is none that is known; "healthy"; "healthy, with a deviation", if a fact is
        violated and a swap showed that it does no harm; "a part that helps", if nothing is violated and the course's
        own part does better; "has not learned"; "too little to tell".
    cause, place : str or None
    kind : str
        The kind of answer and of the evidence that decides it, a key of `nsputil.clinic.measured.RATES`.
    statement : str
        The answer in a sentence.
    evidence : tuple of Evidence
        The strongest first.
    others : tuple of Finding
        What else is violated; it may be a second cause.
    trainings : float
        What the answer cost, the training itself included.
    """

    answer: Answer
    cause: str | None
    place: str | None
    kind: str
    statement: str
    evidence: tuple[Evidence, ...] = ()
    others: tuple[Finding, ...] = field(default_factory=tuple)
    trainings: float = 1.0

    @property
    def confidence(self) -> float:
        """The rate at which answers of this kind were right on independent defects."""
        return RATES[self.kind]

    @property
    def sound(self) -> bool:
        """Whether nothing has to be repaired."""
        return self.answer in SOUND

    @property
    def names(self) -> tuple[str, ...]:
        """The causes in the order of their weight, each once; a place is named where no cause is."""
        named = [self.cause or self.place, *(f.cause or f.place for f in self.others)]
        return tuple(dict.fromkeys(name for name in named if name))

    def text(self, width: int = 100) -> str:
        """Return the conclusion as lines of text."""
        lines = textwrap.wrap(self.statement, width)
        for evidence in self.evidence:
            lines += textwrap.wrap(f"{evidence.kind}: {evidence.statement}", width, initial_indent="  ",
                                   subsequent_indent="      ")  # fmt: skip
            lines += [f"      look at: {row}"[:width] for row in evidence.rows[:3]]
        for finding in self.others:
            why = f" (may follow from {', '.join(finding.explained_by)})" if finding.explained_by else ""
            lines += textwrap.wrap(f"also violated: {finding.statement}{why}", width, initial_indent="  ",
                                   subsequent_indent="      ")  # fmt: skip
        if self.confidence > 0:
            lines.append(f"  how sure: answers of this kind ({self.kind}) were right in {self.confidence:.0%} of the "
                         "independent cases")  # fmt: skip
        lines.append(f"  cost: {self.trainings:g} trainings of this experiment")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()
