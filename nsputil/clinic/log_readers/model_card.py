"""The table of a model card, and the one that a notebook shows: ``Training Loss | Epoch | Step | Validation Loss``."""

import re

from nsputil.clinic.log_readers.figures import NUMBER
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText

_NAMES = re.compile(r"Training Loss|Validation Loss|[A-Z][\w-]*")


def _copied(text: LogText) -> list[Record]:
    """Read a table that was copied from a page, so that only single spaces are left between its cells."""
    records: list[Record] = []
    names: list[str] = []
    for number, line in enumerate(text.lines, 1):
        cells = line.replace("No log", "nil").split()
        if "Training Loss" in line and "Validation Loss" in line and not NUMBER.search(line) and len(line) < 300:
            names = _NAMES.findall(line)
        elif names and len(cells) == len(names) and all(c == "nil" or NUMBER.fullmatch(c) for c in cells):
            records.append(Record(number, dict(zip(names, cells, strict=True)), "held_out"))
    return records


def read(text: LogText) -> list[Record]:
    """Read it. Whatever is not the training loss was measured on the evaluation set."""
    table = read_table(text)
    if table is None or not {"training loss", "validation loss"} & {name.lower() for name in table.header}:
        return _copied(text)
    return [Record(r.line, r.values, "held_out") for r in table.records]


FAMILY = Family(
    "the table of a model card", read, "huggingface/transformers, src/transformers/modelcard.py; utils/notebook.py"
)
