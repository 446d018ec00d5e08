"""Tables: cells between commas, semicolons, tabs or bars, with a header; Markdown's tables."""

import csv
import re
from dataclasses import dataclass

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.figures import is_missing, parse
from nsputil.clinic.log_readers.record import Record
from nsputil.clinic.log_readers.text import LogText

SEPARATORS = ("\t", ";", "|", ",", "  ")  # the last: two spaces or more, as pandas and skorch print
USEFUL = ("loss", "accuracy", "tp", "perplexity", "f1", "mcc")
_RULE = re.compile(r"[\s|:+=-]+")


@dataclass
class Table:
    """A header and the rows under it.

    Attributes
    ----------
    header : list of str
    records : list of Record
    decimal_comma : bool
    ragged : int
        Rows with another number of cells than the header.
    again : int
        Headers that came again.
    """

    header: list[str]
    records: list[Record]
    decimal_comma: bool = False
    ragged: int = 0
    again: int = 0


def read_table(text: LogText) -> Table | None:
    """Return the table of a text with the most rows; None if there is none."""
    if "table" not in text.cache:
        tables = [table for separator in SEPARATORS if (table := _with(text, separator))]
        text.cache["table"] = max(tables, key=lambda table: (len(table.records), len(table.header)), default=None)
    return text.cache["table"]


def _with(text: LogText, separator: str) -> Table | None:
    start, header = _header(text.lines, separator)
    if not header:
        return None
    table = Table(header, [])
    cells_of = [(number, _cells(line, separator)) for number, line in enumerate(text.lines[start + 1 :], start + 2)]
    if separator != ",":
        table.decimal_comma = any(re.fullmatch(r"[-+]?\d+,\d+", cell) for _, cells in cells_of[:50] for cell in cells)
    for number, cells in cells_of:
        if not any(cells) or _RULE.fullmatch(separator.join(cells)):
            continue
        if cells == header:
            table.again += 1
            continue
        if separator == "  " and len(cells) == len(header) + 1:
            # pandas prints an index that has no name; a remark may stand behind the numbers
            cells = cells[1:] if parse(cells[-1]) else cells[:-1]
        if len(cells) != len(header):
            if _is_header(cells):  # another run, with other columns
                table.header = header = cells
                table.again += 1
                continue
            if separator == "\t" and len(cells) < len(header) and len(cells) > 1:
                cells = cells + [""] * (len(header) - len(cells))  # trailing tabs are often lost
            else:
                table.ragged += 1
                continue
        elif _is_header(cells) and not any(parse(cell) for cell in cells):
            table.header = header = cells
            table.again += 1
            continue
        pairs = list(zip(header, cells, strict=True))[::-1]  # of two columns of one name, the first is kept
        values: dict[str, object] = {n: c for n, c in pairs if n and not is_missing(c)}
        values = {n: values[n] for n in header if n in values}
        if any(parse(cell) for cell in values.values()):
            table.records.append(Record(number, values))
        else:
            table.ragged += 1
    return table if table.records else None


def _header(lines: list[str], separator: str) -> tuple[int, list[str]]:
    for index, line in enumerate(lines[:2000]):
        if separator in line:
            cells = _cells(line, separator)
            if _is_header(cells):
                return index, cells
    return 0, []


def _is_header(cells: list[str]) -> bool:
    """Whether cells are names, one of them known, rather than numbers or sentences."""
    named = [cell for cell in cells if cell]
    if len(named) < 2 or any(parse(cell) is not None for cell in named):  # nan is a number, too
        return False
    if any(len(cell) > 80 or "=" in cell or ": " in cell for cell in named):
        return False
    quantities = {parse_name(_end(cell)).quantity for cell in named}
    return bool(quantities & set(USEFUL)) or {"step", "Step"} & set(named) != set() and "Value" in named


def _end(cell: str) -> str:
    """What comes after the name of a run: ``charmed-sun-7 - train/loss``."""
    return cell.rsplit(" - ", 1)[-1]


def _cells(line: str, separator: str) -> list[str]:
    if separator == "|":
        line = line.strip()
        line = line[1:] if line.startswith("|") else line
        line = line[:-1] if line.endswith("|") else line
        return [cell.strip().strip("*_`") for cell in line.split("|")]
    if separator == "  ":
        return [cell for cell in re.split(r"\s{2,}", line.strip()[:10_000]) if cell]
    if len(line) > 100_000:
        return []
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []
