"""Is each answer compared with its own label? Shapes that do not fit are stretched: each answer meets every label.

Then neither a loss nor an accuracy depends on the order of the labels, which is the definition of what went wrong.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, violated
from nsputil.clinic.facts.loss import Asked, designed

SAME = 1e-6  # relative
COUNTED = 2e-6  # of an accuracy


def loss_of_any_order(finding: Finding, ask: Callable) -> Finding:
    """Is a loss that is not the cross-entropy the same for its labels in any order?"""
    if finding.state != "violated":
        return finding
    asked, rng, moves = Asked(ask), np.random.default_rng(0), 0.0
    for count, seed in ((12, 0), (24, 1)):
        logits, labels = designed(count, seed)
        answer = asked(logits, labels)
        if answer is None or not np.isfinite(answer[0]) or not np.isfinite(answer[1]).all():
            return finding
        moves = max(moves, float(np.abs(answer[1]).max()))
        for _ in range(3):
            other = asked(logits, rng.permutation(labels))
            if other is None or abs(other[0] - answer[0]) > SAME * (1 + abs(answer[0])):
                return finding
            if np.abs(other[1] - answer[1]).max() > 1e-4 * max(np.abs(answer[1]).max(), 1e-9):
                return finding
    if moves < 1e-9:
        return finding
    text = (
        "The loss of a batch and its gradient are the same whatever the order of the labels is: each answer meets "
        "every label, as where a column is compared with a row."
    )
    return violated("loss.function", "loss", text, "loss-broadcast", numbers={"moves": moves})


def accuracy_of_any_order(finding: Finding, looks: list, sizes: list[int]) -> Finding:
    """Is a reported accuracy the one that each prediction has against every label, of all pairs or of each batch?"""
    if finding.fact != "report.accuracy" or finding.state != "violated" or len(looks) < 2:
        return finding
    cuts = {"of all pairs": [len(looks[0].labels)], "of its batch": sizes}
    for words, parts in cuts.items():
        for weighed in (True, False):
            if all(abs(_against_all(look, parts, weighed) - look.said["accuracy"]) < COUNTED for look in looks):
                text = f"{finding.statement} It is that of each prediction against every label {words}: shapes differ."
                return violated("report.accuracy", "evaluation", text, "shapes-broadcast", numbers=finding.numbers)
    return finding


def _against_all(look: Any, sizes: list[int], weighed: bool) -> float:
    says, labels = look.logits.argmax(1), look.labels
    found, start, counts = [], 0, []
    for size in sizes:
        own, truth = says[start : start + size], labels[start : start + size]
        start += size
        if len(truth):
            p, q = float((own == 0).mean()), float((truth == 0).mean())
            found.append(p * q + (1 - p) * (1 - q))
            counts.append(len(truth))
    return float(np.average(found, weights=counts if weighed else None))
