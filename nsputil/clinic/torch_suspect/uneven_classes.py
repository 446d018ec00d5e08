"""Classes that are uneven in the pairs, and made even by a sampler or by weights of the loss.

`nsputil.clinic.facts.balance` asks for the odds that the loss sees. A loader that was written elsewhere need only come
near, as a share; and weights of any size leave it to an exchange whether another share does harm.
"""

from dataclasses import replace

import numpy as np

from nsputil.clinic.facts.balance import EVEN
from nsputil.clinic.facts.finding import Finding, holds
from nsputil.clinic.torch_suspect.as_recording import AsRecording


def evened(finding: Finding, seen: AsRecording) -> Finding:
    """Another share of the classes is no violation if a sampler draws them as they are held out."""
    if finding.state != "violated" or finding.cause != "prior-shift":
        return finding
    if finding.fact == "pairs.prior" and abs(seen.run.prior - finding.numbers["held_out"]) <= EVEN:
        return _told_even(finding, f"Of the rows of the steps {seen.run.prior:.3f} are IsNext")
    if finding.fact == "batches.classes":
        held = [pair.label == 0 for pair in seen.pairs["valid"]]
        if held and abs(1 - finding.numbers["label_not_next"] - float(np.mean(held))) < EVEN:
            return _told_even(finding, f"Held out it is {float(np.mean(held)):.3f} as well")
    return finding


def _told_even(finding: Finding, shown: str) -> Finding:
    text = f"{finding.statement} {shown}: the sampler evens them out."
    return holds(finding.fact, finding.place, text, numbers=finding.numbers)


def weighed(found: list[Finding]) -> list[Finding]:
    """Class weights that balance the training pairs undo another share of the classes there."""
    against = any(
        f.fact == "loss.function" and f.state == "holds" and not 0.8 < f.numbers.get("weight", 1.0) < 1.25
        for f in found
    )
    return [
        replace(f, firm=False, statement=f"{f.statement} The loss weighs the classes against it.")
        if against and f.cause == "prior-shift"
        else f
        for f in found
    ]
