"""The loss explorer: move Pr(IsNext), choose the gold label, read the loss. Introduced in notebook 04."""

from math import log
from typing import TYPE_CHECKING

import numpy as np
import traitlets

from nsputil.losses import nsp_loss_from_probs
from nsputil.pairs import IS_NEXT, LABEL_NAMES, NOT_NEXT
from nsputil.plotting import label_line, new_figure, reference_line, round_data
from nsputil.widgets.base import CourseWidget, browser_module

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: How many nats are in one unit.
UNITS: dict[str, float] = {"nats": 1.0, "bits": log(2), "base 10": log(10)}
LOWEST, HIGHEST = 0.001, 0.999


def loss_at(p: float, label: int, unit: str = "nats") -> float:
    """Return the loss of one pair from Pr(IsNext), in a unit of your choice. The widget's number.

    Parameters
    ----------
    p : float
        Pr(IsNext | h_cls), in [0, 1].
    label : int
        The gold class: 0 = IsNext, 1 = NotNext.
    unit : {"nats", "bits", "base 10"}

    Returns
    -------
    float
        ``-log p`` for IsNext, ``-log(1 - p)`` for NotNext; ``inf`` where the gold class has probability 0.

    Raises
    ------
    TypeError, ValueError
        As `nsputil.losses.nsp_loss_from_probs`; a ValueError for an unknown unit.

    Examples
    --------
    >>> round(loss_at(0.8, 0), 4), round(loss_at(0.8, 1), 4)
    (0.2231, 1.6094)
    """
    if unit not in UNITS:
        raise ValueError(f"unit is {unit!r}; expected one of {', '.join(map(repr, UNITS))}")
    return nsp_loss_from_probs([[float(p), 1 - float(p)]], [label]) / UNITS[unit]


class LossExplorer(CourseWidget):
    """A slider for Pr(IsNext), two gold labels, three units; drawn and computed in the browser.

    Attributes
    ----------
    p : float
        Pr(IsNext), from 0.001 to 0.999.
    label : int
        0 = IsNext, 1 = NotNext.
    unit : str
        A key of `UNITS`.
    own : float or None
        Pr(IsNext) of a pair that the learner wrote, marked on the curve.
    """

    _esm = browser_module("loss_explorer")
    module = "loss_explorer"
    shown = ("p", "label", "unit", "own")
    p = traitlets.Float(0.8, min=LOWEST, max=HIGHEST).tag(sync=True)
    label = traitlets.Enum([IS_NEXT, NOT_NEXT], IS_NEXT).tag(sync=True)
    unit = traitlets.Enum(list(UNITS), "nats").tag(sync=True)
    own = traitlets.Float(None, allow_none=True, min=LOWEST, max=HIGHEST).tag(sync=True)

    @property
    def loss(self) -> float:
        """The loss that the widget shows now, computed in Python, in `unit`."""
        return loss_at(self.p, self.label, self.unit)

    def picture(self) -> "Figure":
        """Return the curve of the gold label with a dot at Pr(IsNext)."""
        fig, ax = new_figure()
        grid = np.linspace(0.01, 0.99, 197)
        gold = grid if self.label == IS_NEXT else 1 - grid
        ax.plot(grid, round_data(-np.log(gold) / UNITS[self.unit]))
        ax.plot(*round_data([[self.p], [self.loss]]), "o", color="black", linestyle="none")
        label_line(ax, self.p + 0.01, self.loss + 0.1, f"{self.loss:.4f}")
        reference_line(ax, log(2) / UNITS[self.unit], f"undecided, {log(2) / UNITS[self.unit]:.4f}")
        ax.set(xlabel="Pr(IsNext)", ylabel=f"loss ({self.unit})", ylim=(0, 4.7 / UNITS[self.unit]))
        ax.set_title(f"Loss explorer: gold {LABEL_NAMES[self.label]}, Pr(IsNext) = {self.p:.3f}")
        return fig

    def __repr__(self) -> str:
        return (
            f"LossExplorer: Pr(IsNext) = {self.p:.3f}, gold {LABEL_NAMES[self.label]}, loss {self.loss:.4f} {self.unit}"
        )


def loss_explorer(p: float = 0.8, label: int = IS_NEXT, unit: str = "nats", own: float | None = None) -> LossExplorer:
    """Return a `LossExplorer`; as the last line of a cell it appears below.

    Parameters
    ----------
    p : float
        Where Pr(IsNext) starts, from 0.001 to 0.999.
    label : int
        The gold class at the start: 0 = IsNext, 1 = NotNext.
    unit : {"nats", "bits", "base 10"}
    own : float, optional
        Pr(IsNext) that a model gave to a pair that you wrote; it is marked on the curve.

    Returns
    -------
    LossExplorer

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """
    for name, value in (("p", p), ("own", own)):
        if value is not None and not LOWEST <= value <= HIGHEST:
            raise ValueError(f"{name} is {value}; expected a probability from {LOWEST} to {HIGHEST}")
    if label not in (IS_NEXT, NOT_NEXT):
        raise ValueError(f"label is {label!r}; expected 0 = IsNext or 1 = NotNext")
    if unit not in UNITS:
        raise ValueError(f"unit is {unit!r}; expected one of {', '.join(map(repr, UNITS))}")
    return LossExplorer(p=float(p), label=int(label), unit=unit, own=None if own is None else float(own))
