"""Weights & Biases: a chart's CSV, and the history of a run."""

from nsputil.clinic.log_readers import dicts
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText

STEPS = ("Step", "_step", "trainer/global_step", "train/global_step")


def read_export(text: LogText) -> list[Record]:
    """Read a chart's CSV: ``"Step","RUN - train/loss","RUN - train/loss__MIN",...``. Of several runs, the first."""
    table = read_table(text)
    if table is None:
        return []
    ranges = {name for name in table.header if name.endswith(("__MIN", "__MAX"))}
    charts = [name for name in table.header if " - " in name and name not in ranges]
    if not charts or not (ranges or set(STEPS) & set(table.header)):
        return []
    run = charts[0].rsplit(" - ", 1)[0]
    return [
        Record(r.line, {k.removeprefix(f"{run} - "): v for k, v in r.values.items() if k not in ranges})
        for r in table.records
    ]


def read_history(text: LogText) -> list[Record]:
    """Read ``run.history()`` as CSV, JSON or JSON lines: it has ``_step``."""
    table = None if text.text.lstrip().startswith(("{", "[")) else read_table(text)
    if table is not None:
        return table.records if "_step" in table.header else []
    document = text.document
    if isinstance(document, list):
        records = [Record(n, row) for n, row in enumerate(dicts.of_document(document), 1)]
    else:
        records = dicts.of_lines(text)
    records = [record for record in records if dicts.measures(record.values)]
    return records if records and all("_step" in record.values for record in records) else []


EXPORT = Family("a chart of Weights & Biases as CSV", read_export, "wandb/wandb, docs: export data from a chart")
HISTORY = Family("a history of Weights & Biases", read_history, "wandb/wandb, wandb/apis/public/runs.py (Run.history)")
