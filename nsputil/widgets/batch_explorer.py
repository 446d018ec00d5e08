"""A batch to drag: eight gold probabilities, their mean loss, accuracy, geometric mean. Introduced in notebook 04."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from nsputil.plotting import label_line, new_figure, round_data
from nsputil.widgets.base import CourseWidget, browser_module

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOWEST, HIGHEST = 0.01, 0.99


class Batch(NamedTuple):
    """Mean loss in nats, accuracy, and two means of the gold probabilities: ``geometric_mean = exp(-loss)``."""

    loss: float
    accuracy: float
    geometric_mean: float
    arithmetic_mean: float


def batch_at(gold: ArrayLike) -> Batch:
    """Return the numbers that the widget shows for a batch, from its gold probabilities.

    Parameters
    ----------
    gold : array_like of float, shape (batch,)
        The probability of each pair's gold label, in (0, 1].

    Returns
    -------
    Batch
        A pair counts as right where its gold probability is above one half.

    Raises
    ------
    ValueError
        If `gold` is empty, not one-dimensional, or holds a value outside (0, 1].

    Notes
    -----
    Introduced in notebook 04.

    Examples
    --------
    >>> round(batch_at([0.9, 0.1]).loss, 4), round(batch_at([0.9, 0.1]).geometric_mean, 4)
    (1.204, 0.3)
    """
    p = np.asarray(gold, dtype=np.float64)
    if p.ndim != 1 or len(p) == 0:
        raise ValueError(f"gold has shape {p.shape}; expected (batch,) with at least one probability")
    if not ((p > 0) & (p <= 1)).all():
        raise ValueError(f"gold is {p.tolist()}; expected probabilities above 0 and at most 1")
    loss = float(-np.log(p).mean()) + 0.0  # no -0.0
    return Batch(loss, float((p > 0.5).mean()), float(np.exp(-loss)), float(p.mean()))


class BatchExplorer(CourseWidget):
    """A slider for the gold probability of each pair; drawn and computed in the browser.

    Attributes
    ----------
    gold : list of float
        The gold probabilities, each from 0.01 to 0.99.
    """

    _esm = browser_module("batch_explorer")
    module = "batch_explorer"
    shown = ("gold",)
    gold = traitlets.List(traitlets.Float(min=LOWEST, max=HIGHEST), minlen=1).tag(sync=True)

    @property
    def reading(self) -> Batch:
        """What the widget shows now, computed in Python: a `Batch`."""
        return batch_at(self.gold)

    def picture(self) -> "Figure":
        """Return the curve ``-log p`` with a dot for each pair and one for the batch."""
        now = self.reading
        fig, ax = new_figure()
        grid = np.linspace(0.01, 1, 199)
        ax.plot(grid, round_data(-np.log(grid)))
        for p, count in sorted({p: self.gold.count(p) for p in self.gold}.items()):
            ax.plot(*round_data([[p], [-np.log(p)]]), "o", color="black", linestyle="none")
            label_line(ax, p + 0.01, -np.log(p) + 0.08, "1 pair" if count == 1 else f"{count} pairs", va="bottom")
        ax.plot(*round_data([[now.geometric_mean], [now.loss]]), "D", color="#D55E00", linestyle="none")
        label_line(ax, now.geometric_mean + 0.01, now.loss + 0.3, f"the batch, {now.loss:.4f}", "vermillion")
        ax.set(xlabel="probability of the gold label", ylabel="loss (nats)", ylim=(0, 4.7))
        ax.set_title("Batch explorer: the batch is at the geometric mean")
        return fig

    def __repr__(self) -> str:
        now = self.reading
        return f"BatchExplorer: {len(self.gold)} pairs, mean loss {now.loss:.4f} nats, accuracy {now.accuracy:.3f}"


def batch_explorer(gold: Sequence[float] = (0.9, 0.9, 0.9, 0.9, 0.9, 0.4, 0.4, 0.4)) -> BatchExplorer:
    """Return a `BatchExplorer`; as the last line of a cell it appears below.

    Parameters
    ----------
    gold : sequence of float
        The gold probabilities at the start, from 1 to 16 of them, each from 0.01 to 0.99.

    Returns
    -------
    BatchExplorer

    Raises
    ------
    ValueError
        If there are none or too many, or one is outside its range.
    """
    probabilities = [float(p) for p in gold]
    if not 1 <= len(probabilities) <= 16:
        raise ValueError(f"gold has {len(probabilities)} probabilities; expected 1 to 16")
    if not all(LOWEST <= p <= HIGHEST for p in probabilities):
        raise ValueError(f"gold is {probabilities}; expected probabilities from {LOWEST} to {HIGHEST}")
    return BatchExplorer(gold=probabilities)
