"""Lightning's ``CSVLogger``: ``metrics.csv``, where a row holds the numbers of training or of validation."""

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText


def read(text: LogText) -> list[Record]:
    """Read ``metrics.csv``: it has ``epoch`` and ``step``, and names that say their part."""
    table = read_table(text)
    if table is None or not {"epoch", "step"} <= set(table.header) or "part" in table.header:
        return []
    named = [parse_name(name) for name in table.header]
    return table.records if any(n.quantity in ("loss", "accuracy") and n.part for n in named) else []


FAMILY = Family(
    "metrics.csv of Lightning", read, "Lightning-AI/pytorch-lightning, src/lightning/fabric/loggers/csv_logs.py"
)
