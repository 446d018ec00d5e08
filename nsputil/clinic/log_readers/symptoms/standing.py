"""Proofs from few rows that nothing is learned: numbers that stand still, or are as bad as at first."""

import math

import numpy as np

from nsputil.clinic.log_readers.symptoms.curves import Curves
from nsputil.clinic.log_readers.symptoms.groups import STUCK, Symptom
from nsputil.clinic.log_readers.symptoms.limits import ERRORS, FEW, NO_LOSS
from nsputil.clinic.log_readers.trends import kendall

EXACT_ROWS = 8
LATE = 10_000  # steps
GOOD = 0.7  # an accuracy that a training may end with
NONE_RIGHT = 0.01  # an accuracy
BELOW = 0.01  # nats
EVENLY = 3  # Kendall's statistic, in its standard errors


def frozen(of: Curves) -> list[Symptom]:
    """Three rows, or more, in which loss and accuracy of all parts are the same to the last digit, and not good."""
    pairs = [(x, y) for x, y in ((of.loss, of.accuracy), (of.held_loss, of.held_accuracy)) if len(x) or len(y)]
    for losses, accuracies in pairs:
        if len(losses) != len(accuracies) or len(losses) < 3 or np.ptp(losses) or np.ptp(accuracies):
            return []
    if not pairs or any(x[0] < NO_LOSS or y[0] > GOOD or digits(x) < 3 for x, y in pairs):
        return []
    loss, accuracy = pairs[0]
    text = f"The loss is {loss[0]:.4f} and the accuracy {accuracy[0]:.4f} in each of {len(loss)} rows: nothing moves."
    return [Symptom(STUCK, text)]


def one_answer(of: Curves) -> list[Symptom]:
    """Three epochs of one held-out accuracy, with the loss that one answer costs which knows only how frequent it is.

    With a share a of the rows in the larger class that is - a log a - (1 - a) log (1 - a).
    """
    loss, accuracy = of.held_loss, of.held_accuracy
    if not len(loss) == len(accuracy) >= 3 or np.ptp(accuracy) > 1e-9 or not 0.4 < accuracy[0] < GOOD:
        return []
    share, costs = float(accuracy[0]), entropy(float(accuracy[0]))
    if np.abs(loss - costs).max() > 0.02 or np.ptp(loss) > 0.01 or (len(of.loss) and np.ptp(of.loss) > 0.02):
        return []
    text = (
        f"The held-out accuracy is {share:.4f} in each of {len(loss)} rows, and the loss near {costs:.4f}, which one "
        "answer for all rows costs that knows how frequent it is."
    )
    return [Symptom(STUCK, text)]


def entropy(share: float) -> float:
    """The least that one answer for all costs, in nats, if a share of the rows is of its class."""
    return -share * math.log(share) - (1 - share) * math.log(1 - share) if 0 < share < 1 else 0.0


def knows_more(of: Curves) -> bool:
    """Whether the held-out loss is less than any one answer for all costs that is right as often as the accuracy."""
    loss, accuracy = of.held_loss, of.held_accuracy
    same = len(loss) == len(accuracy) > 0
    return same and 0 <= float(loss[-1]) < entropy(float(accuracy[-1])) - BELOW


def digits(values: np.ndarray) -> int:
    """With how many digits after the point numbers were printed, as far as they show it."""
    return next((k for k in range(6) if np.allclose(values, np.round(values, k), atol=1e-9)), 6)


def nothing_right(of: Curves) -> list[Symptom]:
    """After the first epoch, or many steps: next to no row is right in row after row, and no loss falls."""
    accuracy = of.accuracy
    late = 2 <= of.first_epoch < math.inf or of.first_step >= LATE
    if not late or len(accuracy) < FEW or len(of.held_accuracy) >= 3 or of.free:
        return []
    if np.median(accuracy) > NONE_RIGHT or accuracy.max() > 5 * NONE_RIGHT or kendall(accuracy) >= ERRORS:
        return []
    if len(of.loss) >= 3 and kendall(-of.loss) >= ERRORS or any(m.max() > NONE_RIGHT for m in of.metrics if len(m)):
        return []
    text = f"The accuracy of training is {np.median(accuracy):.4f} in the middle of {len(accuracy)} late rows, and"
    return [Symptom(STUCK, f"{text} neither it nor a loss gets better.")]


def best_at_first(of: Curves) -> list[Symptom]:
    """A held-out score that is poor, was best in the first rows and falls from there on, while its loss rises."""
    held = of.held_loss
    for values in (of.held_accuracy, *of.metrics):
        if len(values) != len(held) or len(held) < EXACT_ROWS or not of.from_start:
            continue
        low = int(held.argmin())
        falls = values.argmax() < 2 and kendall(values) < -EVENLY and values.max() < 0.5
        if falls and low <= len(held) // 4 and kendall(held[low:]) > EVENLY:
            text = (
                f"The held-out score is best at first, {values.max():.4f}, and falls to {values[-1]:.4f} in "
                f"{len(values)} rows, while the loss rises from {held.min():.4f} to {held[-1]:.4f}."
            )
            return [Symptom(STUCK, text)]
    return []
