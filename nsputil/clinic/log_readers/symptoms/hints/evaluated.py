"""Evaluations that do not fit the training beside them: other weights, other rows, or another mode were evaluated."""

import math

import numpy as np

from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.curves import Curves, late_mean
from nsputil.clinic.log_readers.symptoms.groups import CONTRADICTION, RISES, WORSE, Symptom
from nsputil.clinic.log_readers.symptoms.limits import NO_LOSS
from nsputil.clinic.log_readers.symptoms.standing import digits

OF_EXPECTED = 0.6  # a held-out accuracy below that share of what the training loss lets expect
MOVES = 0.1  # of a training loss
LEFT = 0.6  # of the lowest accuracy before


def right_less_often(reading: LogReading, of: Curves) -> list[Symptom]:
    """The held-out rows are right far less often than the training loss lets expect.

    The mean probability of the right class is at least exp(-loss), by Jensen's inequality, and a model that is no surer
    than it is right has at least that accuracy. Where held-out loss and accuracy do not keep to that, the loss is of
    another kind.
    """
    scores = [float(values[-1]) for values in (of.held_accuracy, of.test_accuracy) if len(values)]
    if not scores or not len(of.loss) or len(of.accuracy) or of.free or of.per_word:
        return []
    right, loss = min(scores), late_mean(of.loss[: of.until_scored or of.until_held or None])
    if loss < 0 or right >= OF_EXPECTED * math.exp(-loss):
        return []
    if len(of.held_loss) and right < OF_EXPECTED * math.exp(-float(of.held_loss[-1])):
        return []
    text = f"The loss of training is {loss:.4f}, which {math.exp(-loss):.4f} of right answers go with; held out it is"
    return [Symptom(WORSE, f"{text} {right:.4f}.", firm=False)]


def evaluations_repeat(reading: LogReading, of: Curves) -> list[Symptom]:
    """Each evaluation gives the same loss to the last digit, while the training loss moves: of weights that do not."""
    held, loss = of.held_loss, of.loss
    if min(len(held), len(loss)) < 3 or np.ptp(held) or digits(held) < 3 or held[-1] < NO_LOSS:
        return []
    if np.ptp(loss) < MOVES * abs(float(loss.mean())):
        return []
    text = f"The held-out loss is {held[-1]:.4f} in each of {len(held)} evaluations, while that of training is between"
    return [Symptom(CONTRADICTION, f"{text} {loss.min():.4f} and {loss.max():.4f}.", firm=False)]


def last_falls_off(reading: LogReading, of: Curves) -> list[Symptom]:
    """The last evaluation is far below all before it."""
    series = {"held-out accuracy": of.held_accuracy, "accuracy of the test": of.test_accuracy}
    series |= {name: np.array(values) for name, values in reading.areas.items()}
    for name, values in series.items():
        before = float(values[:-1].min()) if len(values) >= 3 else 0.0
        if before > 0.5 and values[-1] < LEFT * before:
            text = f"The {name} was {before:.4f} and more in {len(values) - 1} rows, and is {values[-1]:.4f} in the"
            return [Symptom(RISES, f"{text} last.", firm=False)]
    return []
