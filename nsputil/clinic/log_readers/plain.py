"""Prints of one's own: ``Epoch 1 loss 0.69 acc 0.5``, ``epoch=1`` and ``train_loss=0.69`` on lines of their own."""

import re
from collections.abc import Iterator
from itertools import groupby

from nsputil.clinic.log_readers.aliases import PART, parse_name
from nsputil.clinic.log_readers.lines import HEADER, Found, is_summary, scan_all
from nsputil.clinic.log_readers.record import Family, Record
from nsputil.clinic.log_readers.repeats import are_doubles
from nsputil.clinic.log_readers.text import LogText

#: Lines of an evaluation, by scikit-learn's report and by conlleval.
_REPORTED = re.compile(
    r"\s*accuracy\s+\d?\.\d+\s+\d+\s*$|.*\baccuracy:\s+[\d.]+%; precision:\s+[\d.]+%; recall:\s+[\d.]+%; FB1:"
)
#: ``120 | loss 4.84``: a step without a name.
_FIRST = re.compile(r"\s*(\d{1,12})\s*[|:,]\s*(?=[A-Za-z])")
#: ``train.py:303] [21500] | loss 7.64``: likewise.
_IN_BRACKETS = re.compile(r"(?:[^\[\]]*\])?\s*\[(\d{1,12})\][\s|:,-]*(?=[A-Za-z])")
FEWEST = 3  # such lines
MEASURES = ("loss", "accuracy", "perplexity", "tp")
PREFIX = {"train": "train", "held_out": "eval", "test": "test"}


def read(text: LogText) -> list[Record]:
    """Read names before numbers; lines of one step are put together."""
    records: list[Record] = []
    now: Record | None = None
    context: str | None = None
    first = _first_number(text)
    before: str | None = None
    for number, line, found in _pieces(text, first):
        measured = found.of("loss", "accuracy", "perplexity", "f1", "mcc", "tp", "tn", "fp", "fn")
        counted = found.of("step", "epoch", "batch")
        if first and measured and not counted and (match := first.match(line)):
            counted = [("step", match[1])]
        if not measured:
            if HEADER.search(line):
                context = found.part
            if counted and all(parse_name(name).quantity == "epoch" for name, _ in counted):
                begins = found.part if found.part != "train" else None  # ``Eval epoch: 43``
                now, context = Record(number, dict(counted)), context if HEADER.search(line) else begins
                records.append(now)
            elif counted and "=" in line and len(line.split("=")) == 2:  # global_step = 20
                now = _opened(now, records, number, found.part or context)
                now.values.update(counted)
            continue
        if is_summary(line) and not (found.of("step", "epoch") and len(measured) > 1):
            continue
        part = found.part or ("held_out" if _REPORTED.match(line) else context)
        if line.lstrip().startswith("* ") and not counted and before in ("held_out", "test"):
            part = part or before  # `` * Acc@1 76.1``, below the batches of an evaluation
            if now is not None and {_with_part(name, part) for name, _ in measured} <= set(now.values):
                now.values.update({_with_part(name, part): value for name, value in measured})
                continue
        before = part
        measured = _inherited(measured)
        if now is None or _begins_new(now, measured, counted, part):
            inherited = {n: v for n, v in now.values.items() if parse_name(n).quantity == "epoch"} if now else {}
            if any(parse_name(name).quantity == "epoch" for name, _ in counted):
                inherited = {}
            now = Record(number, dict(inherited), part)
            records.append(now)
        now.values.update(counted)
        for name, value in measured:
            now.values[_with_part(name, part)] = value
    useful = [r for r in records if any(parse_name(n).quantity in MEASURES for n in r.values)]
    return useful or [r for r in records if any(parse_name(n).quantity in ("f1", "mcc") for n in r.values)]


def _pieces(text: LogText, first: re.Pattern | None) -> Iterator[tuple[int, str, Found]]:
    """Yield what the lines hold; what two loggers wrote of one thing once, more than two that count nothing each."""
    found = ((k, line, x) for k, line in enumerate(text.lines, 1) if line.strip() for x in scan_all(line))

    def what(piece: tuple[int, str, Found]) -> tuple[list, str]:
        match = first.match(piece[1]) if first else None
        return piece[2].pairs, match[1] if match else ""

    runs = [list(same) for _, same in groupby(found, key=what)]
    doubles = are_doubles([(alike[0][2].pairs, len(alike)) for alike in runs])
    for alike, double in zip(runs, doubles, strict=True):
        yield from alike[:1] if double else alike


def _first_number(text: LogText) -> re.Pattern | None:
    """How the lines begin with whole numbers that rise from each to the next: their steps, without a name."""
    for pattern in (_FIRST, _IN_BRACKETS):
        steps = [int(match[1]) for line in text.lines if (match := pattern.match(line))]
        if len(steps) >= FEWEST and all(a < b for a, b in zip(steps, steps[1:], strict=False)):
            return pattern
    return None


def _opened(now: Record | None, records: list[Record], number: int, part: str | None) -> Record:
    if now is None or any(parse_name(n).quantity == "step" for n in now.values):
        now = Record(number, {}, part)
        records.append(now)
    return now


def _inherited(measured: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names with the part of the name before them: ``val loss 0.6 acc 0.7`` is the accuracy of the validation, too."""
    now, named = None, []
    for name, value in measured:
        part = parse_name(name).part
        named.append((name if part or now is None else f"{PREFIX[now]} {name}", value))
        now = part or now
    return named


def _with_part(name: str, part: str | None) -> str:
    """A name of a line that speaks of another part, with that part: ``loss`` of an evaluation is ``eval loss``."""
    if part in (None, "train") or parse_name(name).part:
        return name
    return f"{PREFIX[part]} {name}"


def _begins_new(now: Record, measured: list, counted: list, part: str | None) -> bool:
    names = {_with_part(name, part) for name, _ in measured}
    if names & set(now.values):
        return True
    meanings = {(parse_name(n).quantity, parse_name(n).part) for n in names}
    has = {(parse_name(n).quantity, parse_name(n).part) for n in now.values}
    measures_before = any(quantity in MEASURES for quantity, _ in has)
    for name, value in counted:
        before = [v for n, v in now.values.items() if parse_name(n).quantity == parse_name(name).quantity]
        if measures_before and (not before or before[0] != value):
            return True
    return bool(meanings & has & {("loss", None), ("accuracy", None)})


FAMILY = Family(
    "lines of names and numbers",
    read,
    "any print; " + ", ".join(sorted(set(PART.values()))) + " are told by their words",
)
