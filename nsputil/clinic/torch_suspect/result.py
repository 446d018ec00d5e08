"""What `examine` found: the conclusion, all facts, and both as text."""

import textwrap
from dataclasses import dataclass, replace

from nsputil.clinic.conclusion import Conclusion
from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.torch_suspect.advice import next_question, repair


@dataclass(frozen=True)
class Examination:
    """What `examine` found.

    Attributes
    ----------
    conclusion : Conclusion
    findings : tuple of Finding
        All facts: violations first.
    steps : int
        Training steps that were taken, on copies.
    seconds : float
    """

    conclusion: Conclusion
    findings: tuple[Finding, ...]
    steps: int
    seconds: float

    @property
    def cause(self) -> str | None:
        """The cause, if one was found."""
        return self.conclusion.cause

    @property
    def place(self) -> str | None:
        """The place of the trouble, if there is one."""
        return self.conclusion.place

    @property
    def sound(self) -> bool:
        """Whether nothing has to be repaired."""
        return self.conclusion.sound

    @property
    def repair(self) -> str:
        """What to change, in a sentence; empty where no cause is known."""
        return repair(self.conclusion)

    @property
    def violations(self) -> tuple[Finding, ...]:
        """The facts that are violated."""
        return tuple(finding for finding in self.findings if finding.state == "violated")

    def text(self, width: int = 100) -> str:
        """Return the diagnosis: the answer, its reasons, the repair, and what to ask next."""
        found = replace(self.conclusion, kind="too little to tell").text(width).splitlines()[:-1]  # no rate, no cost
        fix, question = repair(self.conclusion), next_question(self.conclusion, self.findings)
        if fix:
            found += textwrap.wrap(f"repair: {fix}", width, initial_indent="  ", subsequent_indent="      ")
        found += textwrap.wrap(f"next: {question}", width, initial_indent="  ", subsequent_indent="      ")
        asked = [f for f in self.findings if f.state != "cannot tell"]
        found.append(f"  {len(asked)} facts, {len(self.violations)} violated; {self.steps} training steps on copies")
        return "\n".join(found)

    def table(self) -> str:
        """Return all facts, a line each."""
        return "\n".join(f"{f.state:11s} {f.place:10s} {f.fact}: {f.statement}" for f in self.findings)

    def __str__(self) -> str:
        return self.text()
