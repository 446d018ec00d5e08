"""Calibration to play with: a temperature, a number of bins, the reliability diagram. Introduced in notebook 07."""

from typing import NamedTuple

import numpy as np
import traitlets

from nsputil.losses import nsp_loss, sigmoid
from nsputil.metrics import calibration_error
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.widgets.base import CourseWidget, browser_module

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.25, 8.0
FEWEST_BINS, MOST_BINS = 2, 20


class Calibration(NamedTuple):
    """Mean loss in nats, expected calibration error, and of each bin of Pr(IsNext): mean, fraction IsNext, count.

    A bin without pairs has mean and fraction 0.
    """

    loss: float
    error: float
    probability: tuple
    fraction: tuple
    count: tuple


def calibration_at(logits, labels, temperature=1.0, bins=10):
    """Divide the logits by a temperature and compare predictions with what turned out. The widget's numbers.

    Parameters
    ----------
    logits : array_like of float, shape (batch, 2)
        Columns [IsNext, NotNext].
    labels : array_like of int, shape (batch,)
        0 = IsNext, 1 = NotNext.
    temperature : float
        Above 0. More than 1 makes every prediction more timid, less than 1 bolder; accuracy stays.
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
    Guo et al., ICML 2017, arXiv 1706.04599, sections 2 and 4.2. Introduced in notebook 07.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a number above 0")
    scaled = np.asarray(logits) / temperature
    loss = nsp_loss(scaled, labels)
    gaps = np.asarray(logits, dtype=np.float64)
    probs = sigmoid((gaps[:, IS_NEXT] - gaps[:, NOT_NEXT]) / temperature)
    error = calibration_error(probs, labels, bins)
    index = np.minimum((probs * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins)
    kept = np.maximum(count, 1)
    probability = np.bincount(index, probs, minlength=bins) / kept
    fraction = np.bincount(index, np.asarray(labels) == IS_NEXT, minlength=bins) / kept
    return Calibration(loss, error, *(tuple(values.tolist()) for values in (probability, fraction, count)))


class CalibrationExplorer(CourseWidget):
    """Sliders on temperature and bins over a reliability diagram; drawn and computed in the browser.

    Attributes
    ----------
    gaps : list of float
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
    shown = ("gaps", "labels", "temperature", "bins")
    gaps = traitlets.List(traitlets.Float()).tag(sync=True)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    temperature = traitlets.Float(1.0, min=LOWEST_TEMPERATURE, max=HIGHEST_TEMPERATURE).tag(sync=True)
    bins = traitlets.Int(10, min=FEWEST_BINS, max=MOST_BINS).tag(sync=True)

    @property
    def reading(self):
        """What is now shown, computed in Python: a `Calibration`."""
        return calibration_at([[gap, 0.0] for gap in self.gaps], self.labels, self.temperature, self.bins)

    def __repr__(self):
        now = self.reading
        return (
            f"CalibrationExplorer: {len(self.gaps)} pairs, temperature {self.temperature:.2f}, "
            f"calibration error {now.error:.4f}, loss {now.loss:.4f} nats"
        )


def calibration_explorer(logits, labels, temperature=1.0, bins=10):
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
    if len(labels) > 5_000:
        raise ValueError(f"{len(labels)} pairs; expected at most 5,000, so that the picture answers at once")
    logits = np.asarray(logits, dtype=np.float64)
    gaps = (logits[:, IS_NEXT] - logits[:, NOT_NEXT]).tolist()
    labels = np.asarray(labels).tolist()
    return CalibrationExplorer(gaps=gaps, labels=labels, temperature=float(temperature), bins=int(bins))
