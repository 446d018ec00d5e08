"""Columns of numbers without names: a step that rises, and beside it a loss, and perhaps an accuracy."""

import re

from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

NAME = "column 2 (loss)"
FEWEST = 5
_ROW = re.compile(r"\s*(\d+)(?:\s*[,;\t]\s*|\s+)([-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|nan|inf))\s*", re.IGNORECASE)


LOSS, ACCURACY = "column {} (loss)", "column {} (accuracy)"
_CELL = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf)", re.IGNORECASE)


def read(text: LogText) -> list[Record]:
    """Read the lines that hold two numbers and nothing else, or more, if they are most of those with digits."""
    with_digits = sum(any(c.isdigit() for c in line) for line in text.lines)
    rows = [(number, match) for number, line in enumerate(text.lines, 1) if (match := _ROW.fullmatch(line))]
    steps = [int(match[1]) for _, match in rows]
    if len(rows) < FEWEST or len(rows) < 0.8 * with_digits or steps != sorted(set(steps)):
        return _many_columns(text, with_digits)
    return [Record(number, {"step": match[1], NAME: match[2]}) for number, match in rows]


def _many_columns(text: LogText, with_digits: int) -> list[Record]:
    """Three columns and more: whole numbers that rise, then a loss, then an accuracy if it can be no other loss."""
    rows = []
    for number, line in enumerate(text.lines, 1):
        cells = [cell for cell in re.split(r"\s*[,;\t]\s*|\s+", line.strip()[:1000]) if cell]
        if len(cells) >= 3 and all(_CELL.fullmatch(cell) for cell in cells):
            rows.append((number, cells))
    if len(rows) < FEWEST or len(rows) < 0.8 * with_digits:
        return []
    columns = list(zip(*(cells[: min(len(cells) for _, cells in rows)] for _, cells in rows), strict=True))
    whole = next((k for k, column in enumerate(columns) if not all(cell.isdigit() for cell in column)), len(columns))
    counts = [[int(cell) for cell in column] for column in columns[:whole]]
    step = next((k for k, column in enumerate(counts) if column == sorted(set(column))), None)
    if step is None or whole >= len(columns) or any(column != sorted(column) for column in counts[:step]):
        return []
    names = {step: "step", whole: LOSS.format(whole + 1)}
    if step > 0:
        names[0] = "epoch"
    if whole + 1 < len(columns) and _is_accuracy([float(cell) for cell in columns[whole + 1]]):
        names[whole + 1] = ACCURACY.format(whole + 2)
    return [Record(number, {name: cells[k] for k, name in names.items()}) for number, cells in rows]


def _is_accuracy(values: list[float]) -> bool:
    """Whether numbers are fractions of rows, and neither a rate nor another loss: most of them are exactly 0."""
    return all(0 <= value <= 1 for value in values) and values.count(0) > len(values) / 2


FAMILY = Family("columns without names", read, "prajdabre/yanmtt#7")
