"""Columns of numbers without names: a step that rises, and beside it a loss, and perhaps an accuracy."""

import re

import numpy as np

from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText
from nsputil.clinic.log_readers.trends import Z_OF_FEW, kendall

NAME = "column 2 (loss)"
FEWEST = 5
_ROW = re.compile(r"\s*(\d+)(?:\s*[,;\t]\s*|\s+)([-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|nan|inf))\s*", re.IGNORECASE)


LOSS, ACCURACY = "column {} (loss)", "column {} (accuracy)"
_CELL = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf)%?", re.IGNORECASE)
FEWEST_OF_LAYOUT = 3
#: Which columns are losses (L) and accuracies (A), and what they are then taken for.
LAYOUTS = {
    "LA": ("loss", "accuracy"),
    "AL": ("accuracy", "loss"),
    "LLA": ("loss", "val loss", "val accuracy"),
    "LLAA": ("loss", "val loss", "accuracy", "val accuracy"),
    "LALA": ("loss", "accuracy", "val loss", "val accuracy"),
    "AA": ("train accuracy", "val accuracy"),
}


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
        plain = re.sub(
            r"(?<=\d)\s+%|\b\d+:\d\d:\d\d\b",
            lambda match: "%" if "%" in match[0] else " ",
            line.strip()[:1000].replace("*", ""),
        )
        cells = [cell for cell in re.split(r"\s*[,;\t|]\s*|\s+", plain) if cell]
        if len(cells) >= 3 and all(_CELL.fullmatch(cell) for cell in cells):
            rows.append((number, cells))
    if len(rows) < FEWEST_OF_LAYOUT or len(rows) < 0.8 * with_digits:
        return []
    columns = list(zip(*(cells[: min(len(cells) for _, cells in rows)] for _, cells in rows), strict=True))
    if layout := _layout(columns):
        return [Record(number, {name: cells[k] for k, name in layout.items()}) for number, cells in rows]
    if len(rows) < FEWEST or any(cell.endswith("%") for column in columns for cell in column):
        return []
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


def _layout(columns: list[tuple[str, ...]]) -> dict[int, str] | None:
    """Return the names of columns by their kinds: counts that rise, accuracies (percent, or shares that rise), losses.

    Without percent signs two accuracies, or two losses that fall at first, must agree, so that a rate is none of them.
    """
    whole = [all(cell.isdigit() for cell in column) for column in columns]
    at = whole.index(False) if False in whole else 0
    if at not in (1, 2) or any(whole[at:]):
        return None
    counts = [int(cell) for cell in columns[at - 1]]
    values = [[float(cell.rstrip("%")) for cell in column] for column in columns[at:]]
    percent = [any(cell.endswith("%") for cell in column) for column in columns[at:]]
    if counts != sorted(set(counts)):
        return None
    if len(values) > 2 and len(set(values[-1])) == 1 and values[-1][0] < 1 and not percent[-1]:
        values, percent = values[:-1], percent[:-1]  # a rate of learning
    share = [all(0 <= x <= 1 for x in of) and of[-1] > of[0] for of in values]
    if len(values) >= 3 and all(0 <= x <= 100 for of in values for x in of):
        rising = [
            k for k, of in enumerate(values) if of[-1] > max(1.5, 1.1 * of[0]) and kendall(np.array(of)) > Z_OF_FEW
        ]
        if len(rising) > len(values) / 2:  # no loss is among them
            return {at - 1: "step", rising[0] + at: f"column {rising[0] + at + 1} (accuracy)"}
    sure = any(percent)
    kinds = "".join("A" if known or (rises and not sure) else "L" for known, rises in zip(percent, share, strict=True))
    if kinds not in LAYOUTS or not (any(percent) or (len(kinds) > 2 and values[0][-1] < values[0][0])):
        return None
    names = {k: f"column {k + 1} ({name})" for k, name in enumerate(LAYOUTS[kinds], at)}
    names[at - 1] = "step" if at == 2 or counts[-1] - counts[0] != len(counts) - 1 else "epoch"
    return names


def _is_accuracy(values: list[float]) -> bool:
    """Whether numbers are fractions of rows, and neither a rate nor another loss: most of them are exactly 0."""
    return all(0 <= value <= 1 for value in values) and values.count(0) > len(values) / 2


FAMILY = Family("columns without names", read, "prajdabre/yanmtt#7")
