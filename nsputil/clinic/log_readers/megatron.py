"""Megatron-LM: ``iteration 100/ 1000 | lm loss: 9.6E+00 | sop loss: 6.9E-01 |``, and its validation."""

import re

from nsputil.clinic.log_readers.lines import scan
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

_TRAIN = re.compile(r"\biteration\s+(\d+)\s*/\s*\d+ \|")
_NO_GRADIENT = re.compile(r"\bgrad norm: [-+]?(nan|inf)\b")
_SKIPPED = re.compile(r"\bskipped iterations: +[1-9]")  # as fp16 does while it looks for its scale
_EVAL = re.compile(r"\b(validation|test)[\w ]*? loss at (?:iteration (\d+)|[\w -]*)[^|]*\|(.*)")


def read(text: LogText) -> list[Record]:
    """Read the lines of iterations and of validations."""
    records = []
    names = ["loss"]
    for number, line in enumerate(text.lines, 1):
        if match := _TRAIN.search(line):
            values: dict[str, object] = {"iteration": match.group(1)}
            found = dict(scan(line[match.end() :]).of("loss", "accuracy"))
            if not found and _NO_GRADIENT.search(line) and not _SKIPPED.search(line):
                found = dict.fromkeys(names, "nan")  # it prints a mean only if that is above 0, and NaN is not
            names = list(found) or names
            records.append(Record(number, values | found, "train"))
        elif match := _EVAL.search(line):
            values = {"iteration": match.group(2)} if match.group(2) else {}
            values |= dict(scan(match.group(3)).of("loss", "accuracy"))
            records.append(Record(number, values, "test" if match.group(1) == "test" else "held_out"))
    return records


FAMILY = Family("a log of Megatron-LM", read, "NVIDIA/Megatron-LM, megatron/training/training.py (training_log)")
