"""An examination under way: what was seen, which trainings were tried, and how an answer is put."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from nsputil.clinic.conclusion import Answer, Conclusion, Evidence
from nsputil.clinic.examined import evidence_of, unexplained
from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.torch_suspect import measure
from nsputil.clinic.torch_suspect.evaluation import Looks, clean
from nsputil.clinic.torch_suspect.given import Given
from nsputil.clinic.torch_suspect.swaps import Swap
from nsputil.clinic.torch_suspect.watching import watch

HELD_OUT = 640  # rows that are recounted at most


@dataclass
class Case:
    """An examination under way.

    Attributes
    ----------
    given : Given
        The parts of the training.
    limit, used : int
        Training steps that may be taken, and that were taken.
    tell : callable
        Called with a sentence before each training.
    total : int
        Steps of the optimizer in the whole training.
    batches, whole : int
        Batches of the watched training, and of the whole one.
    first : object
        A batch that facts ask about.
    judge : list
        The held-out batches by which trainings are compared.
    seen : AsRecording
    findings : list of Finding
    evidence : list of Evidence
    base, base_loss : float
        Accuracy and loss of the training as it is, on the held-out batches.
    longer : bool
        Whether it was trained to its own end.
    helping : Swap or None
        An exchange that helps, although nothing is wrong with its part.
    """

    given: Given
    limit: int
    tell: Callable[[str], None]
    total: int = 0
    batches: int = 0
    first: Any = None
    used: int = 0
    judge: list = field(default_factory=list)
    seen: Any = None
    findings: list[Finding] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    base: float = float("nan")
    base_loss: float = float("nan")
    whole: int = 0
    longer: bool = False
    helping: Swap | None = None

    @property
    def open(self) -> list[Finding]:
        """Violations that no other violation explains."""
        return unexplained(self.findings)

    def learned(self) -> tuple[bool, str]:
        """Whether the training has learned, and the words for it."""
        return measure.learned(self.judge, self.base)

    def affordable(self, steps: int) -> bool:
        """Whether so many steps are left."""
        return self.used + steps <= self.limit

    def trial(self, swap: Swap) -> tuple[float, float] | None:
        """Train again with one part exchanged; return how much accuracy and loss gain, or None if that fails."""
        self.tell(f"Another training, {swap.name}.")
        self.used += self.batches
        try:
            changed = swap.change(self.given)
            judge = self.judge  # other arrays are judged on held-out rows that are made like them
            if changed.held_out is not None and changed.held_out is not self.given.held_out:
                judge = clean(changed, HELD_OUT)
            look = Looks(replace(changed, evaluate=None), judge, False, 0)
            done = watch(changed, self.batches, look, (self.batches,), swap.start, plain=True)
            reached = measure.fair(done.looks[-1][1]) if done.looks else float("nan")
        except Exception as error:  # a part that cannot be exchanged
            self.evidence.append(Evidence("swap", f"It cannot be tried {swap.name} ({error}).", swap.place))
            return None
        if not done.looks:
            self.evidence.append(Evidence("swap", f"A training {swap.name} came to no end.", swap.place))
            return None
        found = done.looks[-1][1]
        gain, loss = reached - self.base, self.base_loss - found.loss
        text = f"Accuracy moves by {gain:+.3f}, the loss by {-loss:+.3f}, {swap.name}."
        self.evidence.append(Evidence("swap", text, swap.place))
        return gain, loss

    def conclude(
        self, answer: Answer, cause: str | None, place: str | None, statement: str,
        evidence: list[Evidence], others: tuple = (), by: str = "fact",
    ) -> Conclusion:  # fmt: skip
        """Return an answer with its reasons first, and after them all else that was tried."""
        own = [*evidence, *(e for e in self.evidence if e not in evidence)]
        kind = f"{by}, {answer}" if answer in ("cause", "place") else str(answer)
        return Conclusion(answer, cause, place, kind, statement, tuple(own), others, self.used / max(1, self.batches))

    def blame(
        self, finding: Finding, statement: str, evidence: list[Evidence] | None = None, by: str = "fact"
    ) -> Conclusion:
        """Return the answer that a violation is the trouble: its cause, or its place where it names no cause."""
        others = tuple(f for f in self.open if f is not finding)
        answer: Answer = "place" if finding.cause is None else "cause"
        reasons = [evidence_of(finding)] if evidence is None else evidence
        return self.conclude(answer, finding.cause, finding.place, statement, reasons, others, by)
