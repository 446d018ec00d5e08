"""NVIDIA's DLLogger: ``DLLL {"step": [0, 100], "data": {...}}``, and what it prints."""

import re

from nsputil.clinic.log_readers import dicts
from nsputil.clinic.log_readers.lines import scan
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

_PRINTED = re.compile(r"^\s*DLL \d{4}-\d\d-\d\d [\d:.]+ - (.*)")


def read(text: LogText) -> list[Record]:
    """Read both of its forms; lines of parameters are left out."""
    records = []
    for number, line in enumerate(text.lines, 1):
        if "DLLL" in line:
            for _, found in dicts.in_line(line[line.index("DLLL") :]):
                records += _of(number, found)
        elif (match := _PRINTED.match(line)) and "PARAMETER" not in line:
            said = scan(match.group(1))
            if said.of("loss", "accuracy"):
                records.append(Record(number, dict(said.pairs), said.part))
    return records


def _of(number: int, found: dict) -> list[Record]:
    data, step = found.get("data"), found.get("step")
    if not isinstance(data, dict) or step == "PARAMETER":
        return []
    values: dict[str, object] = dict(data)
    if isinstance(step, list) and step and all(isinstance(x, int) for x in step):
        values |= {"epoch": step[0]} | ({"step": step[1]} if len(step) > 1 else {})
    elif isinstance(step, int):
        values["step"] = step
    return [Record(number, values)] if dicts.measures(values) else []


FAMILY = Family("a log of DLLogger", read, "NVIDIA/dllogger, dllogger/logger.py; NVIDIA/DeepLearningExamples")
