"""TensorFlow's estimators: ``loss = 0.69, step = 100``, ``Saving dict for ...``, ``***** Eval results *****``."""

import re

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.lines import is_summary, scan
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.text import LogText

_LOGGER = re.compile(r"^(?:INFO:[\w.]+:|[IWE]\d{4} [\d:.]+ +\d+ [\w.]+:\d+\]|[\d/: -]+ - INFO - [\w.]+ -)\s?")
_STEP = re.compile(r"\bloss = ([\w.+-]+), step = (\d+)")
_SAVED = re.compile(r"Saving dict for global step (\d+): (.*)")
_RESULT = re.compile(r"^\s*([A-Za-z][\w ./-]*?) = (\S+)\s*$")
_HEADING = re.compile(r"\*{3,}.*result|eval\w* (results|metrics)", re.IGNORECASE)


def read(text: LogText) -> list[Record]:
    """Read training lines, saved dictionaries and blocks of results."""
    records: list[Record] = []
    block: Record | None = None
    heading = ours = False
    for number, line in enumerate(text.lines, 1):
        ours = ours or line.startswith("INFO:tensorflow")
        said = _LOGGER.sub("", line)
        if match := _STEP.search(said):
            records.append(Record(number, {"loss": match.group(1), "step": match.group(2)}))
        elif match := _SAVED.search(said):
            values: dict[str, object] = {"global_step": match.group(1)}
            values |= {n: v for n, v in scan(match.group(2)).pairs if parse_name(n).quantity not in ("step", "batch")}
            records.append(Record(number, values, "held_out"))
            ours = True
        elif "diverged with loss = NaN" in said or "NaN loss during training" in said:
            records.append(Record(number, {"loss": "nan"}))
        elif _HEADING.search(said) and "=" not in said.strip("* ="):
            heading, block = True, None
        elif (match := _RESULT.match(said)) and not is_summary(said):
            name, value = match.groups()
            if block is None or (name in block.values and block.values[name] != value):
                block = Record(number, {}, "held_out")
                records.append(block)
            block.values[name] = value
        elif said.strip():
            block = None
    with_step = any("step" in record.values for record in records)
    blocks = [
        r for r in records if r.part and any(parse_name(n).quantity in ("loss", "accuracy", "tp") for n in r.values)
    ]
    known = any(
        parse_name(n).task == "nsp" or parse_name(n).whole or parse_name(n).part for r in blocks for n in r.values
    )
    if not (ours or with_step or heading or (blocks and known)):
        return []
    return [r for r in records if r.part is None or r in blocks]


FAMILY = Family(
    "lines of TensorFlow's estimator, or an eval_results.txt",
    read,
    "google-research/bert, run_pretraining.py and run_classifier.py; tensorflow/estimator",
)
