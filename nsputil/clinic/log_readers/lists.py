"""Lists with a name before each: ``train losses: [0.69, 0.61, 0.55]``, a number for each epoch."""

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
MEASURES = ("loss", "accuracy", "perplexity", "epoch", "step")


def read(text: LogText) -> list[Record]:
    """Read the lists whose names are known; those of one name are one after the other."""
    found: dict[str, list[object]] = {}
    for name, inside in _LIST.findall(text.text):
        cells = inside.replace(",", " ").split()
        if len(cells) >= FEWEST and parse_name(name).quantity in MEASURES and all(parse(cell) for cell in cells):
            found.setdefault(name, []).extend(cells)
    return [Record(number, row) for number, row in enumerate(dicts.columns(found), 1)]


FAMILY = Family("lists with their names", read, "any print of lists")
