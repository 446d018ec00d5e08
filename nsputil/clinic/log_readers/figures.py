"""Numbers as logs write them: 0.69, 6.9e-1, 53.1%, 0,6935, 1,000, nan, [0.69]."""

import math
import re
from collections.abc import Sequence

#: A number in running text; nothing that belongs to a word, such as the 4000 of ckpt4000.
NUMBER = re.compile(
    r"(?<![\w.@])(?:[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:[.,]\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)"
    r"\s?%?|[-+]?(?:nan|inf(?:inity)?)\b)(?![A-Za-z_])",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
MISSING = frozenset({"", "-", "--", "none", "null", "n/a", "na", "no log", "nil"})


def is_missing(cell: object) -> bool:
    """Return whether a cell says that there is no number."""
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in MISSING)


def parse(cell: object, decimal_comma: bool = False) -> tuple[float, bool] | None:
    """Return a number, and whether it was written with a percent sign; None if it is no number.

    Parameters
    ----------
    cell : object
        A number, or text such as ``"0.69"``, ``"53.1%"``, ``"0,6935"``, ``"[nan]"``, ``"35/464"`` (its first number).
    decimal_comma : bool
        Whether commas are known to be decimal commas; if not, ``1,234`` is a thousand and more.
    """
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        try:
            return float(cell), False
        except OverflowError:
            return None
    if not isinstance(cell, str) or len(cell) > 60:
        return None
    text = cell.strip().strip("[](){}'\" ").split("/")[0].strip()
    text = re.sub(r"^tensor\(", "", text)
    percent = text.endswith("%")
    text = text.rstrip("% ").rstrip(",;")
    if "," in text:
        thousands = not decimal_comma and _THOUSANDS.fullmatch(text)
        text = text.replace(",", "") if thousands else text.replace(",", ".", 1)
    try:
        return float(text.replace("_", "x")), percent  # float("1_0") is ten in Python, and no number in a log
    except ValueError:
        return None


def finite(values: Sequence[float]) -> list[float]:
    """Return those that are neither NaN nor infinite."""
    return [value for value in values if math.isfinite(value)]
