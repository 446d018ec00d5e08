"""Parts without a measure: ``epoch 3, train 0.98, test 0.61``. What is measured is told by how the numbers move."""

import re

from nsputil.clinic.log_readers.aliases import PART, parse_name
from nsputil.clinic.log_readers.lines import scan
from nsputil.clinic.log_readers.phrases import plain
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

_NUMBER = r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?|nan|inf"  # whole numbers are counts of rows
_PAIR = re.compile(rf"(?<![\w.])({'|'.join(PART)})\s*[:=,]?\s*({_NUMBER})(?![\w.])\s*(%?)", re.I)

_WHOLE = re.compile(rf"({_NUMBER})\s*(%?)", re.I)


#: The number of a line, its epoch or step, and each part with its number and a percent sign.
Row = tuple[int, list[tuple[str, str]], list[tuple[str, str, str]]]


def read(text: LogText) -> list[Record]:
    """Read the lines that name two parts or more, each before a number."""
    rows: list[Row] = []
    for number, line in enumerate(text.lines, 1):
        found = _PAIR.findall(plain(line[:1000]))
        if len({PART[part.lower()] for part, _, _ in found}) >= 2:
            rows.append((number, scan(line).of("epoch", "step")[:1], found))
    rows = rows or _under_a_header(text)
    if not rows:
        return []
    first = [float(found[0][1]) for _, _, found in rows]
    percent = any(sign for _, _, found in rows for _, _, sign in found)
    bounded = all(0 <= float(value) <= 1 for _, _, found in rows for _, value, _ in found)
    falls = len(first) >= 3 and first[-1] < 0.9 * first[0]
    measure = "accuracy" if percent or (bounded and not falls) else "loss"
    return [
        Record(number, {**dict(counted), **{f"{part} {measure}": f"{value}{sign}" for part, value, sign in found}})
        for number, counted, found in rows
    ]


def _under_a_header(text: LogText) -> list[Row]:
    """Read a table whose header has parts, and no measure: ``| Epoch | Train | Val |``."""
    names: list[str] = []
    rows: list[Row] = []
    for number, line in enumerate(text.lines, 1):
        cells = [cell.strip(" *") for cell in re.split(r"[,;|\t]|\s{2,}", line[:1000].strip(" |")) if cell.strip(" *")]
        if len({PART[cell.lower()] for cell in cells if cell.lower() in PART}) >= 2:
            names = cells
        elif names and len(cells) == len(names):
            pairs = list(zip(names, cells, strict=True))
            matches = [(name, _WHOLE.fullmatch(cell)) for name, cell in pairs if name.lower() in PART]
            found = [(name, str(match[1]), str(match[2])) for name, match in matches if match]
            counted = [pair for pair in pairs if parse_name(pair[0]).quantity in ("epoch", "step")][:1]
            if len(found) >= 2:
                rows.append((number, counted, found))
    return rows


FAMILY = Family("parts with a number each", read, "denizyuret/Knet.jl#640")
