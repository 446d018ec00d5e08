"""Names on one line, and as many numbers on the next ones: ``LOSS P R F`` of spaCy, ``train_loss,train_acc``."""

import re

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.figures import parse
from nsputil.clinic.log_readers.lines import scan
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

_SPACE = re.compile(r"[\s,;|]+")
_RULE = "*#=-_~: \t"  # what a line may be adorned with
#: What spaCy's examples write of the evaluation, beside the loss of training.
LETTERS = {"P": "eval precision", "R": "eval recall", "F": "eval f1", "A": "eval accuracy"}


def _names(line: str) -> list[str]:
    """Return the names of a line that holds nothing else; at least half of them are known."""
    cells = [cell for cell in _SPACE.split(line.strip(_RULE)) if cell]
    if len(cells) < 2 or len(line) > 500 or any(parse(cell) for cell in cells):
        return []
    if {"P", "R", "F"} <= set(cells):
        return [LETTERS.get(cell, cell) for cell in cells]
    known = [parse_name(cell).quantity for cell in cells]
    useful = {"loss", "accuracy", "perplexity"} & set(known)
    return cells if useful and known.count("other") <= len(known) / 2 else []


def read(text: LogText) -> list[Record]:
    """Read rows of numbers under a line of names; the last epoch that was named belongs to them."""
    records: list[Record] = []
    names: list[str] = []
    epoch: list[tuple[str, str]] = []
    for number, line in enumerate(text.lines, 1):
        if not line.strip():
            continue
        if found := _names(line):
            names = found
            continue
        cells = [cell for cell in _SPACE.split(line.strip()) if cell]
        if names and len(cells) == len(names) and all(parse(cell) for cell in cells):
            values: dict[str, object] = {**dict(epoch), **dict(zip(names, cells, strict=True))}
            records.append(Record(number, values))
        else:
            names, epoch = [], scan(line).of("epoch")[:1]
    return records


FAMILY = Family("names above their numbers", read, "explosion/spaCy, examples/training/train_textcat.py; any print")
