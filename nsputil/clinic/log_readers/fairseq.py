"""fairseq: JSON lines, and ``| epoch 001 | loss 1.0 | num_updates 100``. Its losses are in bits."""

import re

from nsputil.clinic.log_readers import dicts, plain
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

_SIGN = re.compile(r"\bnum_updates[ =]\d+|\bwps[ =][\d.]+|valid on '\w+' subset")
KEYS = ("wps", "train_wps", "valid_wps", "ups", "num_updates", "train_num_updates", "valid_num_updates", "gnorm")


def read(text: LogText) -> list[Record]:
    """Read either of its forms. A loss there is divided by ln 2, so it is multiplied by ln 2 here."""
    records = [r for r in dicts.of_lines(text) if dicts.measures(r.values) and any(key in r.values for key in KEYS)]
    if not records and sum(bool(_SIGN.search(line)) for line in text.lines) >= 1:
        kept = "\n".join(line if _SIGN.search(line) else "" for line in text.lines)
        records = plain.read(LogText(text.name, kept.replace("'", " ")))
    for record in records:
        record.bits = True
    return records


FAMILY = Family(
    "a log of fairseq",
    read,
    "facebookresearch/fairseq, fairseq/criterions/sentence_prediction.py and logging/progress_bar.py",
)
