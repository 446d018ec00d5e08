"""A `Signal` is what is known about a number: its name, its unit, its meaning.

Numbers that are computed together are the fields of a dataclass, and `number` declares the signal of a field:

    @dataclass(frozen=True)
    class Labels:
        train: Number = number("labels.train", "fraction", "IsNext among the training pairs", "probes", (0.5, 0.5))

So the name is written once, beside its meaning, and the constructor refuses a number that is missing or unknown.
Introduced in notebook 09.
"""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any

import numpy as np

Number = float | np.floating[Any]
TIERS = ("curves", "instruments", "probes")  # from what every log holds to what the pipeline itself must be asked


@dataclass(frozen=True)
class Signal:
    """What a number means.

    Attributes
    ----------
    name : str
        Such as ``"loss.end"``.
    unit : str
        "nats", "fraction", "log10", "ratio", "count" or "yes/no".
    meaning : str
    tier : {"curves", "instruments", "probes"}
        "curves": it needs only what every log holds, loss and accuracy. "instruments": it needs readings from inside
        the training. "probes": a probe gives it.
    usual : (float, float), optional
        Lowest and highest value of healthy runs; of the numbers of probes only.
    """

    name: str
    unit: str
    meaning: str
    tier: str
    usual: tuple[float, float] | None = None


def number(
    name: str, unit: str, meaning: str, tier: str, usual: tuple[float, float] | None = None, default: Any = MISSING
) -> Any:
    """Return the field of a dataclass that holds a signal; without a default it must be given."""
    return field(default=default, metadata={"signal": Signal(name, unit, meaning, tier, usual)})


def signals_of(*numbers: type) -> dict[str, Signal]:
    """Return the signals that some dataclasses declare, by name."""
    declared = [one.metadata["signal"] for group in numbers for one in fields(group)]
    return {signal.name: signal for signal in declared}


def by_name(numbers: Any) -> dict[str, float]:
    """Return the values of a dataclass of numbers, by the names of their signals."""
    return {one.metadata["signal"].name: float(getattr(numbers, one.name)) for one in fields(numbers)}
