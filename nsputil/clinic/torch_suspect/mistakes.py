"""Which doubtful violations are mistakes that nobody chooses, whether or not they do harm that shows."""

import inspect

from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.torch_suspect.case import Case

CHOSEN = (  # losses that people choose
    "focal-loss", "generalized-cross-entropy", "margin", "hinge-loss", "loss-scaled", "label-smoothing-heavy",
    "class-weight-left", "hardest-pairs-only",
)  # fmt: skip
NOTHING = 0.02  # of how often words come


def is_mistake(case: Case, finding: Finding) -> bool:
    """Whether a doubtful violation is a mistake and no choice: another loss or vocabulary, a wrong mask."""
    if finding.cause == "sum-reduction" and "offset" in finding.numbers:  # the returned number, and not the gradient
        return False
    if finding.fact == "loss.function":
        return finding.cause is not None and finding.cause not in CHOSEN
    model = case.given.model
    if finding.fact == "model.words":  # vectors of which frequency was taken out on purpose still tell a little
        return finding.numbers["told"] < NOTHING
    if finding.fact == "arrays.mask":
        given = any("attention_mask" in seen.arrays for seen in case.seen.training.seen)
        return given or "attention_mask" in inspect.signature(model.forward).parameters
    pooler = any(name.split(".")[-1] == "pooler" for name, _ in model.named_modules())
    return finding.fact == "arrays.first" and pooler
