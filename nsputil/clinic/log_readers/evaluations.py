"""What shows that numbers are of an evaluation, or that none was made: scores without a loss, rows of zeros."""

from collections.abc import Sequence

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.record import Record

PARTS = ("train", "held_out", "test")
NO_ZERO = 0.1  # a first loss above it, after zeros, is that of a training that has not ended


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
    scores = ("accuracy", "f1", "mcc")
    return any(m.quantity in scores for m in meanings) and not any(w in n.lower() for n in names for w in trained)


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
