"""Calibration to play with: a temperature, a number of bins, the reliability diagram. Introduced in notebook 07."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from nsputil._types import Floats
from nsputil.losses import nsp_loss, sigmoid
from nsputil.metrics import calibration_error
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.plotting import new_figure, round_data
from nsputil.widgets.base import CourseWidget, browser_module

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.25, 8.0
FEWEST_BINS, MOST_BINS = 2, 20


class Calibration(NamedTuple):
    """Mean loss in nats, expected calibration error, and for each bin of Pr(IsNext): mean, fraction IsNext, pairs.

    A bin without pairs has mean and fraction 0.
    """

    loss: float
    error: float
    probability: tuple[float, ...]
    fraction: tuple[float, ...]
    pairs: tuple[int, ...]


def _log_odds(logits: ArrayLike) -> Floats:
    """Return the log-odds of IsNext, ``z_IsNext - z_NotNext``, of each pair."""
    z = np.asarray(logits, dtype=np.float64)
    return z[:, IS_NEXT] - z[:, NOT_NEXT]


def calibration_at(logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0, bins: int = 10) -> Calibration:
    """Divide the logits by a temperature and compare the predictions with the labels. The widget's numbers.

    Parameters
    ----------
    logits : array_like of float, shape (batch, 2)
        Columns [IsNext, NotNext].
    labels : array_like of int, shape (batch,)
        0 = IsNext, 1 = NotNext.
    temperature : float
        Above 0. A temperature above 1 makes every prediction less confident, one below 1 more confident; the accuracy
        stays the same.
    bins : int
        Equally wide bins of Pr(IsNext).

    Returns
    -------
    Calibration

    Raises
    ------
    TypeError, ValueError
        As `nsputil.losses.nsp_loss` and `nsputil.metrics.calibration_error`; a ValueError if the temperature is not
        above 0.

    Notes
    -----
    Guo et al., ICML 2017, arXiv 1706.04599, sections 2 and 4.2.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a number above 0")
    loss = nsp_loss(np.asarray(logits) / temperature, labels)
    probs = sigmoid(_log_odds(logits) / temperature)
    error = calibration_error(probs, labels, bins)
    index = np.minimum((probs * bins).astype(int), bins - 1)
    pairs = np.bincount(index, minlength=bins)
    divisor = np.maximum(pairs, 1)  # a bin without pairs has sums of 0
    probability = np.bincount(index, probs, minlength=bins) / divisor
    fraction = np.bincount(index, np.asarray(labels) == IS_NEXT, minlength=bins) / divisor
    return Calibration(loss, error, tuple(probability.tolist()), tuple(fraction.tolist()), tuple(pairs.tolist()))


class CalibrationExplorer(CourseWidget):
    """Sliders on temperature and bins over a reliability diagram; drawn and computed in the browser.

    Attributes
    ----------
    log_odds : list of float
        ``z_IsNext - z_NotNext`` of each pair.
    labels : list of int
        0 = IsNext, 1 = NotNext.
    temperature : float
        From 0.25 to 8.
    bins : int
        From 2 to 20.
    """

    _esm = browser_module("calibration_explorer")
    module = "calibration_explorer"
    shown = ("log_odds", "labels", "temperature", "bins")
    log_odds = traitlets.List(traitlets.Float()).tag(sync=True)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    temperature = traitlets.Float(1.0, min=LOWEST_TEMPERATURE, max=HIGHEST_TEMPERATURE).tag(sync=True)
    bins = traitlets.Int(10, min=FEWEST_BINS, max=MOST_BINS).tag(sync=True)

    @property
    def reading(self) -> Calibration:
        """What the widget shows now, computed in Python: a `Calibration`."""
        logits = [[log_odds, 0.0] for log_odds in self.log_odds]
        return calibration_at(logits, self.labels, self.temperature, self.bins)

    def picture(self) -> "Figure":
        """Return the reliability diagram at this temperature."""
        p = sigmoid(np.array(self.log_odds) / self.temperature)
        index = np.minimum((p * self.bins).astype(int), self.bins - 1)
        used = np.unique(index)
        is_next = np.array(self.labels) == IS_NEXT
        fig, ax = new_figure(5, 4)
        ax.plot([0, 1], [0, 1], color="0.5", linestyle=":", linewidth=1)
        means = [[values[index == k].mean() for k in used] for values in (p, is_next)]
        ax.plot(*round_data(means, 3), "o-")
        ax.set(xlabel="announced Pr(IsNext)", ylabel="fraction that is IsNext", xlim=(0, 1), ylim=(0, 1))
        ax.set_title(f"Calibration explorer: temperature {self.temperature:.2f}")
        return fig

    def __repr__(self) -> str:
        now = self.reading
        return (
            f"CalibrationExplorer: {len(self.log_odds)} pairs, temperature {self.temperature:.2f}, "
            f"calibration error {now.error:.4f}, loss {now.loss:.4f} nats"
        )


def calibration_explorer(
    logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0, bins: int = 10
) -> CalibrationExplorer:
    """Return a `CalibrationExplorer`; as the last line of a cell it appears below.

    Parameters
    ----------
    logits, labels
        As `calibration_at`; up to 5,000 pairs.
    temperature : float
        At the start, from 0.25 to 8.
    bins : int
        At the start, from 2 to 20.

    Returns
    -------
    CalibrationExplorer

    Raises
    ------
    TypeError, ValueError
        As `calibration_at`; a ValueError if an argument is outside its range.
    """
    if not LOWEST_TEMPERATURE <= temperature <= HIGHEST_TEMPERATURE:
        raise ValueError(f"temperature is {temperature}; expected {LOWEST_TEMPERATURE:g} to {HIGHEST_TEMPERATURE:g}")
    if not FEWEST_BINS <= bins <= MOST_BINS:
        raise ValueError(f"bins is {bins}; expected {FEWEST_BINS} to {MOST_BINS}")
    calibration_at(logits, labels, temperature, bins)  # says what is wrong with logits and labels, if anything is
    gold = np.asarray(labels).tolist()
    if len(gold) > 5_000:
        raise ValueError(f"{len(gold)} pairs; expected at most 5,000, so that the picture answers at once")
    return CalibrationExplorer(
        log_odds=_log_odds(logits).tolist(), labels=gold, temperature=float(temperature), bins=int(bins)
    )
