"""GluonNLP: ``INFO:root:[step 249]  mlm_loss=9.2  mlm_acc=5.0  nsp_loss=0.68  nsp_acc=54.7``."""

import re

from nsputil.clinic.log_readers import plain
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

_SIGN = re.compile(r"\[(step \d+|Epoch \d+[^\]]*)\]\s+\w*(loss|acc)\w*=")


def read(text: LogText) -> list[Record]:
    """Read the lines of a step."""
    signs = sum(bool(_SIGN.search(line)) for line in text.lines)
    records = plain.read(text) if signs else []
    return records if records and signs >= len(records) / 2 else []


FAMILY = Family(
    "a log of GluonNLP", read, "dmlc/gluon-nlp, scripts/bert/pretraining_utils.py; dmlc/web-data, gluonnlp/logs"
)
