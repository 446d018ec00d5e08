"""Does a loss give each row of logits its own label, or that of another row of the batch? Notebook 10."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nsputil.losses import nsp_loss

NEAR = 1e-5  # relative: float32 rounding
FAR = 3  # rows


def other_rows(asked: Callable[..., Any]) -> tuple[str, str] | None:
    """Return how labels are out of step with logits, and the cause; None if no such order gives the loss.

    Parameters
    ----------
    asked : callable
        ``(logits, labels) -> (value, gradient)``, or None where the loss refuses.

    Returns
    -------
    tuple of str, or None
        Words, and the cause.
    """
    batches = [_batch(seed) for seed in range(3)]
    answers = [asked(*batch) for batch in batches]
    if any(answer is None or not np.isfinite(answer[0]) for answer in answers):
        return None
    for candidates in zip(*(list(_orders(*batch)) for batch in batches), strict=True):
        expected = [nsp_loss(logits, labels) for _, _, logits, labels in candidates]
        if all(abs(answer[0] - value) < NEAR * (1 + value) for answer, value in zip(answers, expected, strict=True)):
            return candidates[0][:2]
    return None


def _batch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 24 rows of logits and labels in no regular order."""
    rng = np.random.default_rng((24, seed))
    return 2 * rng.standard_normal((24, 2)), rng.permutation(np.arange(24) % 2)


def _orders(logits: np.ndarray, labels: np.ndarray) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Yield words, the cause, and the logits and labels that a mistake would put together."""
    for k in range(1, FAR + 1):
        for way, first, second in (("after", slice(None, -k), slice(k, None)), ("before", slice(k, None), slice(-k))):
            words = f"Each row of logits meets the label {k} {'row' if k == 1 else 'rows'} {way} it"
            yield f"{words}; the rest is left out.", "labels-off-by-one", logits[first], labels[second]
            yield f"{words}.", "labels-off-by-one", logits, np.roll(labels, -k if way == "after" else k)
    yield "The labels are in the reverse order of the logits.", "labels-shuffled", logits, labels[::-1]
    yield "The labels are sorted, and the logits are not.", "labels-shuffled", logits, np.sort(labels)
    yield "The labels are sorted, and the logits are not.", "labels-shuffled", logits, np.sort(labels)[::-1]
