"""Lists with a name before each: ``train losses: [0.69, 0.61, 0.55]``, a number for each epoch.

So is a table that lies on its side: its first line counts the epochs, and each further line is a name and its numbers.
"""

import re

from nsputil.clinic.log_readers import dicts
from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.figures import parse
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

FEWEST = 3  # numbers of a list
_LIST = re.compile(
    r"^[\s>'\"]*([A-Za-z][\w .@/-]{1,40}?)['\"]?\s*[:=]\s*(?:np\.)?(?:array|tensor)?\(?\[([^\[\]]+)\]", re.M
)
#: ``epoch 8 epoch 50 epoch 100``, ``Epoch | 1 | 2 | 3``
_COUNTS = re.compile(
    r"[\s|]*(epoch|step|iteration)s?[\s:|]+\d+(?:[\s,;|]+(?:(?:epoch|step|iteration)[\s:]+)?\d+)+[\s|]*", re.I
)
_SIDEWAYS = re.compile(r"[\s|]*([A-Za-z][\w .@/-]*?)[\s:=|]+([-+.\d][-+.\d%eE\s,;|]*)")
MEASURES = ("loss", "accuracy", "perplexity", "epoch", "step")


def read(text: LogText) -> list[Record]:
    """Read the lists whose names are known; those of one name are one after the other."""
    found: dict[str, list[object]] = {}
    for name, inside in _LIST.findall(text.text):
        cells = inside.replace(",", " ").split()
        if len(cells) >= FEWEST and parse_name(name).quantity in MEASURES and all(parse(cell) for cell in cells):
            found.setdefault(name, []).extend(cells)
    return [Record(number, row) for number, row in enumerate(dicts.columns(found or _sideways(text)), 1)]


def _sideways(text: LogText) -> dict[str, list[object]]:
    """Return the rows of a table that lies on its side, by name; each has as many numbers as its first line counts."""
    found: dict[str, list[object]] = {}
    for line in text.lines:
        if len(line) > 2_000:
            continue
        if not found and (match := _COUNTS.fullmatch(line)):
            found[match[1].lower()] = list(re.findall(r"\d+", line))
        elif found and (row := _SIDEWAYS.fullmatch(line)):
            cells = re.split(r"[\s,;|]+", row[2].strip(" \t|"))
            if len(cells) == len(next(iter(found.values()))) and all(parse(cell) for cell in cells):
                found.setdefault(row[1], list(cells))
    return found if len(found) > 2 and len(next(iter(found.values()))) >= FEWEST - 1 else {}


FAMILY = Family("lists with their names", read, "any print of lists")
