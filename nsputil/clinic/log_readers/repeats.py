"""Which lines repeat what the line before said, since two loggers or many workers wrote it, and which are new rows.

And whether an epoch repeats all numbers of the one before, which no weights that change can do.
"""

import math
from collections.abc import Sequence

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.figures import parse
from nsputil.clinic.log_readers.record import Record

FEWEST = 3  # losses of an epoch that are all those of the epoch before
MOST = 400  # losses, the last ones, that are compared
LOGGERS = 2  # that write the same line
COUNTED = ("step", "epoch", "batch")
MEASURED = ("loss", "accuracy", "perplexity")


def are_doubles(runs: Sequence[tuple[Sequence[tuple[str, object]], int]]) -> list[bool]:
    """Return, for each run of lines that are alike, whether all but the first are doubles.

    A line that names its step is one row, however often it is written. Lines that name only their epoch may be of
    many batches; they are doubles if all are written equally often. Lines without a count are, if they come in pairs.

    Parameters
    ----------
    runs : sequence of (sequence of (str, object), int)
        The names and numbers of the lines, and how many there are of them.
    """
    kinds = [{parse_name(name).quantity for name, _ in pairs} for pairs, _ in runs]
    epochs = ["epoch" in of and not of & {"step", "batch"} and bool(of & set(MEASURED)) for of in kinds]
    # the first and the last run may be cut off
    inner = [count for (_, count), of in zip(runs, epochs, strict=True) if of]
    inner = inner[1:-1] if len(inner) > 2 else inner
    evenly = math.gcd(*inner) > 1 if inner else True
    return [
        bool(pairs) and (evenly if of else count == LOGGERS or bool(kind & set(COUNTED)))
        for (pairs, count), kind, of in zip(runs, kinds, epochs, strict=True)
    ]


def epoch_again(records: Sequence[Record]) -> list[float]:
    """Return the losses of the last epoch if they are those of the epoch before, in the same order; else nothing.

    Three different numbers at least, with three digits after the point. Two copies of one epoch, such as of two
    loggers, name the same epoch; these are left out.
    """
    series: dict[str, list[tuple[object, object]]] = {}
    for record in records:
        epoch = next((value for raw, value in record.values.items() if parse_name(raw).quantity == "epoch"), None)
        for raw, cell in record.values.items():
            if parse_name(raw).quantity == "loss":
                series.setdefault(raw, []).append((epoch, cell))
    for of in series.values():
        epochs, cells = [epoch for epoch, _ in of[-MOST:]], [cell for _, cell in of[-MOST:]]
        for period in range(FEWEST, len(cells) // 2 + 1):
            before, last = slice(-2 * period, -period), slice(-period, None)
            if cells[last] != cells[before] or epochs[-1] is None or set(epochs[last]) & set(epochs[before]):
                continue
            numbers = [number[0] for cell in cells[last] if (number := parse(cell)) and math.isfinite(number[0])]
            if len({x for x in numbers if x != round(x, 2)}) >= FEWEST:
                return numbers
    return []
