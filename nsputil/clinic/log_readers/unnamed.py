"""Two columns of numbers without names: a step that rises, and a number beside it."""

import re

from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

NAME = "column 2 (loss)"
FEWEST = 5
_ROW = re.compile(r"\s*(\d+)(?:\s*[,;\t]\s*|\s+)([-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|nan|inf))\s*", re.IGNORECASE)


def read(text: LogText) -> list[Record]:
    """Read the lines that hold two numbers and nothing else, if they are most of those with digits."""
    with_digits = sum(any(c.isdigit() for c in line) for line in text.lines)
    rows = [(number, match) for number, line in enumerate(text.lines, 1) if (match := _ROW.fullmatch(line))]
    steps = [int(match[1]) for _, match in rows]
    if len(rows) < FEWEST or len(rows) < 0.8 * with_digits or steps != sorted(set(steps)):
        return []
    return [Record(number, {"step": match[1], NAME: match[2]}) for number, match in rows]


FAMILY = Family("two columns without names", read, "prajdabre/yanmtt#7")
