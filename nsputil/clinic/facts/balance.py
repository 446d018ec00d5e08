"""Classes that are uneven in the pairs, and made even by weights of the loss or by the choice of batches."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nsputil.clinic.facts.finding import Finding

NEAR = 0.3  # of the logarithm of odds, as for weights of the loss
EVEN = 0.1  # of a share


def evened_out(found: Sequence[Finding]) -> list[Finding]:
    """Return findings in which another prior of the training pairs is no violation if the training makes up for it.

    What counts is the prior that the loss sees: the odds of the rows of the steps, times the weight of IsNext over that
    of NotNext. Where it is that of the held-out pairs, a model learns the right one.
    """
    prior = _numbers(found, "pairs.prior")
    if "held_out" not in prior or not 0 < prior["held_out"] < 1:
        return list(found)
    weight = _numbers(found, "loss.function").get("weight", 1.0)
    rows = 1 - _numbers(found, "batches.classes").get("label_not_next", 1 - prior["training"])
    if not 0 < rows < 1 or weight <= 0:
        return list(found)
    apart = np.log(weight * rows / (1 - rows)) - np.log(prior["held_out"] / (1 - prior["held_out"]))
    if abs(apart) > NEAR:
        return list(found)
    made_up = {"pairs.prior"} if weight != 1.0 or abs(rows - prior["training"]) > EVEN else set()
    made_up |= {"batches.classes"} if abs(rows - prior["training"]) > EVEN else set()
    return [_holds(f) if f.fact in made_up and f.cause == "prior-shift" else f for f in found]


def _numbers(found: Sequence[Finding], fact: str) -> dict[str, float]:
    return next((dict(f.numbers) for f in found if f.fact == fact), {})


def _holds(finding: Finding) -> Finding:
    text = f"{finding.statement} Weights of the loss, or the choice of batches, make up for it."
    return replace(finding, state="holds", cause=None, statement=text)
