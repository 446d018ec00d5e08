"""Which lines repeat what the line before said, since two loggers or many workers wrote it, and which are new rows."""

import math
from collections.abc import Sequence

from nsputil.clinic.log_readers.aliases import parse_name

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
