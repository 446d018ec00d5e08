"""Keras: what ``fit`` prints, ``CSVLogger``, a ``History`` as JSON."""

import re

from nsputil.clinic.log_readers import dicts
from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.lines import is_summary, scan
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText

_EPOCH = re.compile(r"^\s*Epoch (\d+)/(\d+)\s*$")
_DONE = re.compile(r"\s*(\d+)/(\d+) \[=+\]")
_MEASURE = re.compile(r"(?:^|\s|-)(\w*loss): [\d.na]")


def read_console(text: LogText) -> list[Record]:
    """Read the lines of ``fit``: of each epoch the last drawing of its progress bar."""
    records: list[Record] = []
    epoch = last = total = None  # total: of the batches, once the epoch is over
    inside = outside = again = 0
    headers = [int(match[1]) for line in text.lines if (match := _EPOCH.match(line))]
    if headers and headers[0] > 1:
        epoch = str(headers[0] - 1)  # an excerpt that begins below a header
    wrapped = False
    for number, line in enumerate(text.lines, 1):
        header = _EPOCH.match(line)
        if header:
            records += [last] if last else []
            again = again + 1 if header.group(1, 2) == ("1", "1") else 0  # fit is called for each epoch
            epoch, last, total = str(again or header.group(1)), None, None
        elif epoch and _MEASURE.search(line) and not is_summary(line):
            found = scan(line)
            inside += 1
            measured = {name: value for name, value in found.of("loss", "accuracy")}
            bar = _DONE.match(line)
            if last and bar and total and bar[2] != total and not any(parse_name(name).part for name in measured):
                records += [last, Record(number, {"epoch": epoch, **measured}, "test")]  # of evaluate()
                epoch = last = total = None
                continue
            total = bar[2] if bar and bar[1] == bar[2] else None
            if last and wrapped and not set(measured) & set(last.values):
                last.values.update(measured)  # the end of a line that was wrapped
            elif measured and (last is None or len(measured) >= len(last.values) - 1):
                last = Record(number, {"epoch": epoch, **measured})
        elif last and (found := scan(line)).of("loss", "accuracy") and not is_summary(line):
            records += [last, Record(number, {"epoch": epoch or "", **dict(found.of("loss", "accuracy"))})]
            last = None
            outside += 1
        elif re.search(r"\b(loss|acc)", line) and scan(line).of("loss", "accuracy") and not is_summary(line):
            outside += 1
        if line.strip():
            wrapped = line.rstrip().endswith(("-", ":"))
    records += [last] if last else []
    return records if inside and inside >= outside else []


def read_csv_logger(text: LogText) -> list[Record]:
    """Read the table of ``CSVLogger``: ``epoch,accuracy,loss,val_accuracy,val_loss``."""
    table = read_table(text)
    if table is None or "epoch" not in table.header or "loss" not in table.header:
        return []
    return [] if {"step", "part"} & set(table.header) else table.records


def read_history(text: LogText) -> list[Record]:
    """Read ``json.dump(history.history)``, or its print."""
    document = text.document if isinstance(text.document, dict) else None
    rows = dicts.columns(document) if document else []
    if document and isinstance(document.get("history"), dict):
        rows = dicts.columns(document["history"])
    if not rows and len(text.text) < 2_000_000:
        found = dicts.literal(text.text.strip())
        rows = dicts.columns(found) if found else []
    return [Record(number, row) for number, row in enumerate(rows, 1)]


CONSOLE = Family("what Keras prints", read_console, "keras-team/keras, keras/src/utils/progbar.py", True)
CSV = Family("a CSVLogger of Keras", read_csv_logger, "keras-team/keras, keras/src/callbacks/csv_logger.py")
HISTORY = Family("a History of Keras as JSON", read_history, "keras-team/keras, keras/src/callbacks/history.py")
