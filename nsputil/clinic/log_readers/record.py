"""What a reader hands on: for each place in a file, the names and numbers that were written there together."""

from collections.abc import Callable
from dataclasses import dataclass, field

from nsputil.clinic.log_readers.text import LogText


@dataclass
class Record:
    """Numbers that belong together.

    Attributes
    ----------
    line : int
        Where it begins, from 1 on.
    values : dict
        As written: names, and numbers or text.
    part : {"train", "held_out", "test"}, optional
        The part of those names that do not say it themselves.
    bits : bool
        Whether losses are in bits (base 2), not nats.
    """

    line: int
    values: dict[str, object] = field(default_factory=dict)
    part: str | None = None
    bits: bool = False


@dataclass(frozen=True)
class Family:
    """A tool, or a group of tools that write alike.

    Attributes
    ----------
    name : str
        As the user reads it.
    read : function of LogText
        Returns records; an empty list if the file is not of this family.
    source : str
        Where the format can be looked up.
    sums_up : bool
        Whether it leaves out lines that repeat, such as the drawings of a progress bar: fewer records are then no sign
        against it.
    """

    name: str
    read: Callable[[LogText], list[Record]]
    source: str
    sums_up: bool = False
