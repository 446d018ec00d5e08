"""The measure of an examination: the mean of the held-out accuracies of both classes, and how sure it is."""

from typing import Any

import numpy as np

from nsputil.clinic.torch_suspect.batches import labels_of
from nsputil.clinic.torch_suspect.swaps import standard_error
from nsputil.metrics import accuracy_interval


def fair(look: Any) -> float:
    """Return the mean of the accuracies of the two classes: of classes of one size, the accuracy."""
    right = look.logits.argmax(1) == look.labels
    each = [float(right[look.labels == label].mean()) for label in (0, 1) if (look.labels == label).any()]
    return float(np.mean(each))


def chance(judge: list) -> float:
    """Return what one answer to all pairs of the held-out batches has by that measure."""
    return 0.5 if len(set(_labels(judge).tolist())) > 1 else 1.0


def _count(judge: list) -> int:
    """Return of how many pairs of classes of one size the accuracy would be as sure."""
    ones = float(_labels(judge).mean())
    return max(1, round(4 * ones * (1 - ones) * len(_labels(judge))))


def error(judge: list, reached: float) -> float:
    """Return the standard error of an accuracy on the held-out batches, of one half at least."""
    return standard_error(max(0.5, reached), _count(judge))


def learned(judge: list, reached: float) -> tuple[bool, str]:
    """Is held-out accuracy, the mean of that of each class, above that of one answer to all pairs?"""
    if not judge:
        return False, "there are no held-out pairs."
    alone, pairs = chance(judge), _count(judge)
    low, high = accuracy_interval(round(reached * pairs), pairs)
    shown = f"accuracy {reached:.3f} [{low:.3f}, {high:.3f}] on {len(_labels(judge))} held-out pairs"
    words = f"{shown} (the mean of both classes), by chance {alone:.3f}."
    return bool(low > alone), words


def _labels(judge: list) -> np.ndarray:
    return np.concatenate([np.asarray(labels_of(batch)) for batch in judge])
