"""The course's own log: ``step,part,loss,accuracy``, as CSV or as JSON (docs/run-format.md)."""

from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText

FORMAT = "nsputil log 1"


def read(text: LogText) -> list[Record]:
    """Read it. The part is a column."""
    document = text.document
    if isinstance(document, dict) and document.get("format") == FORMAT and isinstance(document.get("rows"), list):
        return [Record(n, row) for n, row in enumerate(document["rows"], 1) if isinstance(row, dict)]
    table = read_table(text)
    return table.records if table is not None and {"step", "part"} <= set(table.header) else []


FAMILY = Family("the course's own log", read, "docs/run-format.md")
