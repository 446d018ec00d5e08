"""Training and held-out rows that part in few rows, and numbers that get worse."""

import numpy as np

from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.curves import Curves, late_mean, trained_until_scored
from nsputil.clinic.log_readers.symptoms.groups import BETTER, RISES, WORSE, Symptom
from nsputil.clinic.log_readers.symptoms.limits import FEW
from nsputil.clinic.log_readers.trends import Z_OF_FEW, Z, kendall

SMALL_GAP = 0.08  # of accuracy
RISE = 0.1  # of the lowest loss


def better_in_each_row(reading: LogReading, of: Curves) -> list[Symptom]:
    """In each of three rows, or more, the held-out rows are more often right, and cost less than a third."""
    same = len(of.loss) == len(of.held_loss) and len(of.accuracy) == len(of.held_accuracy)
    if not same or min(len(of.loss), len(of.accuracy)) < 3 or not (of.held_accuracy > of.accuracy).all():
        return []
    if np.median(of.held_loss / np.maximum(of.loss, 1e-9)) >= 1 / 3:
        return []
    text = "In each row the held-out accuracy is above that of training, with less than a third of its loss."
    return [Symptom(BETTER, text, firm=False)]


def overfits(reading: LogReading, of: Curves) -> list[Symptom]:
    """The held-out loss turns while that of training goes on falling, which is a sign of two groups."""
    held = of.held_loss
    low = int(held.argmin()) if len(held) else 0
    if len(held) - low < 3 or len(of.loss) < 3 or of.free or of.loss[-1] >= of.loss[0]:
        return []
    if held[-1] - held[low] <= RISE * abs(held[low]) or kendall(held[low:]) < 1:
        return []
    text = f"The held-out loss rises from {held[low]:.4f} to {held[-1]:.4f}, while that of training falls."
    return [Symptom(RISES, text, firm=False), Symptom(WORSE, text, firm=False)]


def gap_of_accuracy(reading: LogReading, of: Curves) -> list[Symptom]:
    """A gap of accuracy that is small, or that few rows show."""
    accuracy = trained_until_scored(of)
    if not len(accuracy) or not len(of.held_accuracy) or of.running:
        return []
    train, held = late_mean(accuracy), float(of.held_accuracy[-1])
    text = f"The accuracy ends at {train:.4f} in training and at {held:.4f} held out."
    return [Symptom(WORSE, text, firm=False)] if train - held > SMALL_GAP else []


def gap_of_loss(reading: LogReading, of: Curves) -> list[Symptom]:
    """A held-out loss of twice that of training."""
    if not len(of.loss) or not len(of.held_loss) or of.summed or of.free:
        return []
    train, held = late_mean(of.loss[: of.until_held or None]), float(of.held_loss[-1])
    text = f"The loss ends at {train:.4f} in training and at {held:.4f} held out."
    return [Symptom(WORSE, text, firm=False)] if held - train > 0.15 and held > 2 * train > 0 else []


def held_out_accuracy_falls(reading: LogReading, of: Curves) -> list[Symptom]:
    """A held-out accuracy that leaves its best row, for two rows at least."""
    values = of.held_accuracy
    best = int(values.argmax()) if len(values) >= 3 else len(values)
    if len(values) - best < 3 or values[best + 1 :].max() > values[best] - 0.05:
        return []
    return [Symptom(RISES, f"The held-out accuracy was {values[best]:.4f} and ends at {values[-1]:.4f}.", firm=False)]


def gets_worse(reading: LogReading, of: Curves) -> list[Symptom]:
    """Loss and accuracy of training both get worse, and beyond the scatter of their rows."""
    loss, accuracy = of.loss, of.accuracy
    if len(loss) != len(accuracy) or len(loss) < FEW or of.free or kendall(loss) < Z or kendall(-accuracy) < Z:
        return []
    text = f"From the first row to the last the loss of training goes from {loss[0]:.4f} to {loss[-1]:.4f}, and its"
    return [Symptom(RISES, f"{text} accuracy from {accuracy[0]:.4f} to {accuracy[-1]:.4f}.", firm=False)]


def loss_grows(reading: LogReading, of: Curves) -> list[Symptom]:
    """A loss of training that grows from the first row on."""
    loss = of.loss
    if len(loss) < 3 or of.free or loss[0] <= 0 or loss[-1] < (1 + RISE) * loss[0] or kendall(loss) < Z_OF_FEW:
        return []
    return [Symptom(RISES, f"The loss of training grows from {loss[0]:.4f} to {loss[-1]:.4f}.", firm=False)]
