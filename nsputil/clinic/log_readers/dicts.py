"""Dictionaries in a log: JSON lines, printed Python dicts, one JSON document."""

import ast
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.lines import scan
from nsputil.clinic.log_readers.record import Record
from nsputil.clinic.log_readers.text import LogText

_BRACES = re.compile(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")  # one level of nesting is enough for a log
_WRAPPED = re.compile(r"(?:tensor|array|np\.float\d+|float\d+)\(([^()]*)\)")
_BARE = re.compile(r"(?<![\w'\"])[-+]?(nan|inf|Infinity|NaN)(?![\w'\"])")


def in_line(line: str) -> Iterator[tuple[str, dict]]:
    """Yield the text before each dictionary of a line, and the dictionary."""
    if "{" not in line or len(line) > 200_000:
        return
    end = 0
    for match in _BRACES.finditer(line):
        found = literal(match.group())
        if found:
            yield line[end : match.start()], found
        end = match.end()


def literal(text: str) -> dict | None:
    """Return a dictionary that is written as JSON or as Python would print it; None if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)  # 5and is a warning before it is an error
                found = ast.literal_eval(_BARE.sub(lambda m: f"'{m.group()}'", _WRAPPED.sub(r"\1", text)))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    return found if isinstance(found, dict) and all(isinstance(key, str) for key in found) else None


def flat(found: dict, prefix: str = "", depth: int = 0) -> dict[str, object]:
    """Return a dictionary without inner ones: ``{"eval": {"loss": 1}}`` becomes ``{"eval/loss": 1}``."""
    values: dict[str, object] = {}
    for key, value in found.items():
        if isinstance(value, dict) and depth < 3:
            values |= flat(value, f"{prefix}{key}/", depth + 1)
        else:
            values[f"{prefix}{key}"] = value
    return values


def columns(found: dict[str, Any]) -> list[dict[str, object]]:
    """Return the rows of a dictionary of lists; empty if it is none.

    Lists may differ in length: Keras gives a learning rate and a loss for each epoch, others evaluate less often.
    """
    lists = {k: v for k, v in found.items() if isinstance(v, list) and v and all(_plain(x) for x in v)}
    if not any(parse_name(name).quantity in ("loss", "accuracy", "perplexity") for name in lists):
        return []
    return [
        {name: values[index] for name, values in lists.items() if index < len(values)}
        for index in range(max(len(values) for values in lists.values()))
    ]


def _plain(value: object) -> bool:
    return value is None or isinstance(value, int | float | str)


def measures(values: dict[str, object], of: Sequence[str] = ("loss", "accuracy", "tp")) -> int:
    """Return how many losses and accuracies a record names."""
    return sum(parse_name(name).quantity in of for name in values)


def of_document(document: Any) -> list[dict[str, object]]:
    """Return the rows that one JSON document holds: a list of objects, or lists by name; empty if neither."""
    if isinstance(document, list):
        return [flat(row) for row in document if isinstance(row, dict)]
    if isinstance(document, dict):
        for key in ("log_history", "history", "rows", "logs", "metrics", "data"):
            inner = document.get(key)
            if isinstance(inner, list) and any(isinstance(row, dict) for row in inner):
                return [flat(row) for row in inner if isinstance(row, dict)]
            if isinstance(inner, dict) and columns(inner):
                return columns(inner)
        if columns(document):
            return columns(document)
        numbered = {k: v for k, v in document.items() if isinstance(v, dict) and k.isdigit()}
        if numbered:
            return [flat(row) for row in numbered.values()]
        by_index = {  # pandas: {"loss": {"0": 0.69, "1": 0.68}}
            k: list(v.values())
            for k, v in document.items()
            if isinstance(v, dict) and v and all(x.isdigit() for x in v)
        }
        if columns(by_index):
            return columns(by_index)
        if measures(flat(document)) or measures(flat(document), ("perplexity",)):
            return [flat(document)]
    return []


def of_lines(text: LogText) -> list[Record]:
    """Return a record for each dictionary within the lines, with the step or part that its line names before it."""
    records = []
    for number, line in enumerate(text.lines, 1):
        for before, found in in_line(line):
            rows = columns(found) or [flat(found)]
            said = scan(before) if before.strip() else None
            for row in rows:
                values = dict(row)
                if said:
                    for name, value in said.of("step", "epoch", "batch"):
                        if not any(parse_name(k).quantity == parse_name(name).quantity for k in row):
                            values[name] = value
                records.append(Record(number, values, said.part if said and said.part != "train" else None))
    return records
