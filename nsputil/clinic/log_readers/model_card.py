"""The table of a model card, and the one that a notebook shows: ``Training Loss | Epoch | Step | Validation Loss``."""

from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText


def read(text: LogText) -> list[Record]:
    """Read it. Whatever is not the training loss was measured on the evaluation set."""
    table = read_table(text)
    if table is None or not {"training loss", "validation loss"} & {name.lower() for name in table.header}:
        return []
    return [Record(r.line, r.values, "held_out") for r in table.records]


FAMILY = Family("the table of a model card", read, "huggingface/transformers, src/transformers/modelcard.py; utils/notebook.py")
