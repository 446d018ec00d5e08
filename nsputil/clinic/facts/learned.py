"""Is the accuracy on held-out pairs above that of a constant answer? Notebook 10."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown
from nsputil.metrics import accuracy_interval
from nsputil.pairs import IS_NEXT


def learned(recording: Any) -> list[Finding]:
    """Compare the trained model with the more frequent label, by a 95 % interval.

    That it has not learned is no violation: it says nothing about a reason, and "healthy" is not said either.
    """
    pairs = recording.run.test_pairs
    if recording.run.model is None or recording.run.diverged_at is not None or not pairs:
        return [unknown("report.learned", "evaluation", "There is no trained model, or no pair to test it on.")]
    logits = recording.run.model.logits(pairs)
    labels = np.array([pair.label for pair in pairs])
    if not np.isfinite(logits).all():
        return [unknown("report.learned", "evaluation", "The logits of held-out pairs are not finite.")]
    right = int((logits.argmax(axis=1) == labels).sum())
    share = float((labels == IS_NEXT).mean())
    chance = max(share, 1 - share)
    low, high = accuracy_interval(right, len(pairs))
    text = (
        f"Accuracy is {right / len(pairs):.3f} [{low:.3f}, {high:.3f}] on {len(pairs)} held-out pairs; "
        f"a constant answer has {chance:.3f}."
    )
    numbers = {"accuracy": right / len(pairs), "low": low, "high": high, "chance": chance, "pairs": float(len(pairs))}
    if low > chance:
        return [holds("report.learned", "evaluation", text, numbers)]
    return [unknown("report.learned", "evaluation", f"Nothing was learned that shows: {text[0].lower()}{text[1:]}",
                    numbers)]  # fmt: skip
