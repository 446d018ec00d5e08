"""PaddlePaddle: ``[INFO] - global step 10, loss: 0.69``, ``[TRAIN] Epoch:0 - Step:1 - Loss: 0.69``."""

import re

from nsputil.clinic.log_readers import plain
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

_SIGN = re.compile(
    r"\[ *INFO\] - |\[(TRAIN|EVAL)\] (Epoch|Loss|Precision|Step)|^(global|valid) step \d+, |"
    r"\bglobal step \d+, epoch: \d+, batch: \d+"
)


def read(text: LogText) -> list[Record]:
    """Read the lines that Paddle's examples and its trainer print."""
    signs = sum(bool(_SIGN.search(line)) for line in text.lines)
    records = plain.read(text) if signs else []
    return records if records and signs >= len(records) / 2 else []


FAMILY = Family("a log of PaddlePaddle", read, "PaddlePaddle/PaddleNLP, model_zoo/ernie-1.0/run_pretrain.py")
