"""What a fact says: it holds, it is violated, or nobody can tell; in one sentence, with the numbers. Notebook 10."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PLACES = ("numbers", "pairs", "split", "encoding", "model", "loss", "optimizer", "batching", "evaluation")
STATES = ("holds", "violated", "cannot tell")


@dataclass(frozen=True)
class Finding:
    """What one fact says of one training.

    Attributes
    ----------
    fact : str
        A dotted name such as ``"loss.function"``.
    state : {"holds", "violated", "cannot tell"}
        A fact that holds supports nothing: it is only not violated.
    place : str
        One of `PLACES`.
    statement : str
        One plain sentence, with the numbers in it.
    numbers : mapping of str to float
        What was measured, what is expected, the tolerance.
    rows : tuple of str
        Pairs, rows or tensors to look at.
    cause : str, optional
        The name of a cause, if the fact decides it; None: only the place is known.
    firm : bool
        False: the violation may do no harm here; a swap has to show that.
    explained_by : tuple of str
        Violated facts of which this violation is a consequence.

    Raises
    ------
    ValueError
        If the place or the state is none of those listed.
    """

    fact: str
    state: Literal["holds", "violated", "cannot tell"]
    place: str
    statement: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    cause: str | None = None
    firm: bool = True
    explained_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise ValueError(f"place is {self.place!r}; expected one of {', '.join(PLACES)}")
        if self.state not in STATES:
            raise ValueError(f"state is {self.state!r}; expected one of {', '.join(STATES)}")


def holds(fact: str, place: str, statement: str, numbers: Mapping | None = None, **more: float) -> Finding:
    """Return a finding that nothing is violated; `numbers` and `more` go together."""
    return Finding(fact, "holds", place, statement, {**(numbers or {}), **more})


def unknown(fact: str, place: str, statement: str, numbers: Mapping | None = None, **more: float) -> Finding:
    """Return a finding that cannot tell."""
    return Finding(fact, "cannot tell", place, statement, {**(numbers or {}), **more})


def violated(
    fact: str,
    place: str,
    statement: str,
    cause: str | None = None,
    firm: bool = True,
    rows: tuple[str, ...] = (),
    numbers: Mapping | None = None,
    **more: float,
) -> Finding:
    """Return a violation."""
    return Finding(fact, "violated", place, statement, {**(numbers or {}), **more}, tuple(rows), cause, firm)
