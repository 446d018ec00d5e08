"""Dictionaries of no tool that is known: JSON lines, printed dicts, one JSON document, any other table."""

from nsputil.clinic.log_readers import dicts
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText


def read_objects(text: LogText) -> list[Record]:
    """Read dictionaries that hold a loss or an accuracy."""
    rows = dicts.of_document(text.document) if text.document is not None else []
    records = [Record(n, row) for n, row in enumerate(rows, 1)] or dicts.of_lines(text)
    return [record for record in records if dicts.measures(record.values)]


def read_any_table(text: LogText) -> list[Record]:
    """Read a table whose header names a loss or an accuracy."""
    table = read_table(text)
    return table.records if table is not None else []


OBJECTS = Family("dictionaries, as JSON or as Python prints them", read_objects, "any")
TABLE = Family("a table", read_any_table, "any")
