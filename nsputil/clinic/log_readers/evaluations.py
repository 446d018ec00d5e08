"""What shows that numbers are of an evaluation, or that none was made: scores without a loss, rows of zeros."""

from collections.abc import Sequence
from dataclasses import replace

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


def parts_by_totals(records: Sequence[Record], notes: list[str]) -> list[Record]:
    """Two bars that take turns, without a word of a part: the one with more batches is of training.

    ``(3708/3708) Loss: 0.0035`` and then ``(493/493) Loss: 0.31``, epoch by epoch. A bar that is complete names no
    step, only how many batches there are.
    """
    bars = [_bar(record) for record in records]
    totals = {bar[1] for bar in bars if bar}
    measured = [any(parse_name(name).quantity in ("loss", "accuracy") for name in r.values) for r in records]
    if len(totals) != 2 or any(x and bar is None for x, bar in zip(measured, bars, strict=True)):
        return list(records)
    named = any(parse_name(name).part for record in records for name in record.values)
    most = max(totals)
    order = [bar[1] == most for bar in bars if bar]
    if named or any(record.part for record in records) or not order[0] or order[-1]:
        return list(records)
    complete = all(bar[0] == bar[1] for bar in bars if bar)
    notes.append(f"bars of {most:g} and of {min(totals):g} batches take turns: the shorter ones are evaluations")
    kept = []
    for record, bar in zip(records, bars, strict=True):
        if bar and bar[1] != most:
            record = replace(record, part="held_out")
        if bar and complete:
            kinds = {name: parse_name(name).quantity for name in record.values}
            record = replace(record, values={n: v for n, v in record.values.items() if kinds[n] != "batch"})
        kept.append(record)
    return kept


def _bar(record: Record) -> tuple[float, float] | None:
    """The batch of a record, and the number of batches."""
    for name, value in record.values.items():
        of = str(value).split("/")
        if parse_name(name).quantity == "batch" and len(of) == 2:
            at, total = (parse(x) for x in of)
            return (at[0], total[0]) if at and total else None
    return None


def _part(record: Record) -> str | None:
    """The part of a record, if its names, or its line, say only one."""
    measured = [parse_name(name) for name in record.values]
    parts = {m.part or record.part for m in measured if m.quantity in ("loss", "accuracy", "perplexity")}
    return parts.pop() if len(parts) == 1 else None


def _place(record: Record) -> tuple[str, float, float] | None:
    """The part, the batch, and the number of batches of a record within an evaluation."""
    part, bar = _part(record), _bar(record)
    return (part, *bar) if bar and part in ("held_out", "test") else None
