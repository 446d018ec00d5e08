"""What shows that numbers are of an evaluation, or that none was made: scores without a loss, rows of zeros."""

from collections.abc import Sequence

import numpy as np

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.record import Record

PARTS = ("train", "held_out", "test")
NO_ZERO = 0.1  # a first loss above it, after zeros, is that of a training that has not ended

BY_CHANCE = 0.01  # how probable it may be that numbers are shares of n rows by chance


def scores_alone(records: Sequence[Record]) -> bool:
    """Whether scores are all that a log holds, with no loss and no word of a part: those of an evaluation.

    A training writes its loss; an accuracy, or an accuracy and an F1, alone are what is measured afterwards.
    """
    names = {name for record in records for name in record.values}
    meanings = [parse_name(name) for name in names]
    if any(meaning.part or meaning.quantity in ("loss", "perplexity") for meaning in meanings):
        return False
    if any(record.part or "part" in record.values for record in records):
        return False
    trained = ("lr", "learning", "step", "iter", "batch")
    return any(m.quantity == "accuracy" for m in meanings) and not any(w in n.lower() for n in names for w in trained)


def without_placeholders(rows: list[dict]) -> tuple[list[dict], int]:
    """Leave out the first rows of a part whose numbers are all exactly 0: a place that was not yet filled.

    Some versions of Keras print zeros for the first evaluation, and counters begin at 0.
    """
    dropped: set[int] = set()
    for part in PARTS:
        of = [(n, row) for n, row in enumerate(rows) if row["part"] == part and "loss" in row]
        zero = [row["loss"] == 0 and row.get("accuracy", 0) == 0 for _, row in of]
        first = zero.index(False) if False in zero else 0
        if 0 < first <= max(1, len(of) // 4) and not any(zero[first:]) and of[first][1]["loss"] > NO_ZERO:
            dropped |= {n for n, _ in of[:first]}
    return [row for n, row in enumerate(rows) if n not in dropped], len(dropped)


def rows_of(accuracies: np.ndarray, most: int) -> int | None:
    """Return the smallest number of rows whose shares the accuracies can be, as printed; None if there is none.

    0.986, 0.993 and 0.971 are 138, 139 and 136 of 140. If so few numbers, or digits, could be shares by chance, there
    is none either.
    """
    digits = next((k for k in range(2, 6) if np.allclose(accuracies, np.round(accuracies, k), atol=1e-9)), 6)
    for n in range(1, most + 1):
        if np.abs(np.round(accuracies * n) / n - accuracies).max() <= 0.5001 * 10.0**-digits:
            return n if (n * 10.0**-digits) ** len(accuracies) < BY_CHANCE else None
    return None
