"""What shows that numbers are of an evaluation, or that none was made: scores without a loss, rows of zeros."""

from collections.abc import Sequence

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.figures import parse
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


def last_of_evaluations(records: Sequence[Record], left_out: list[str]) -> list[Record]:
    """Leave out the batches within an evaluation, but for the last, or for what sums them up after it.

    ``Test: [20/29] Loss 4.36`` is of one batch, or a mean that is not over yet.
    """
    places = [_place(record) for record in records]
    within = [
        now is not None and after_part == now[0] and (after is None or (after[1] > now[1] and after[2] == now[2]))
        for now, after, after_part in zip(
            places, [*places[1:], None], [*(_part(record) for record in records[1:]), None], strict=True
        )
    ]
    if any(within):
        left_out.append(f"{sum(within)} places within an evaluation that was not over")
    return [record for record, inside in zip(records, within, strict=True) if not inside]


def _part(record: Record) -> str | None:
    """The part of a record, if its names, or its line, say only one."""
    measured = [parse_name(name) for name in record.values]
    parts = {m.part or record.part for m in measured if m.quantity in ("loss", "accuracy", "perplexity")}
    return parts.pop() if len(parts) == 1 else None


def _place(record: Record) -> tuple[str, float, float] | None:
    """The part, the batch, and the number of batches of a record within an evaluation."""
    part = _part(record)
    for name, value in record.values.items():
        of = str(value).split("/")
        if parse_name(name).quantity == "batch" and len(of) == 2 and part in ("held_out", "test"):
            at, total = (parse(x) for x in of)
            return (part, at[0], total[0]) if at and total else None
    return None
