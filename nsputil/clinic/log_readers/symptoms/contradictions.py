"""Two numbers of one log that cannot both be true."""

import math

import numpy as np

from nsputil.clinic.log_readers.symptoms.curves import Curves
from nsputil.clinic.log_readers.symptoms.groups import CONTRADICTION, Symptom
from nsputil.clinic.log_readers.symptoms.limits import FEW, LN2, SAME
from nsputil.clinic.log_readers.trends import rises

NOTHING = 1e-12  # nats: zero, with the rounding of a sum
POOR = 0.25  # an accuracy that no label by itself has
FAR = 0.12  # of what the wrong rows cost at least: so far below, two rows are enough


def contradictory(of: Curves) -> list[Symptom]:
    """A wrong row costs at least ln 2: its gold class has a probability of one half at most."""
    for loss in (of.loss, of.held_loss):
        if len(loss) and loss.min() < -1e-6:
            text = f"A loss is {loss.min():.4g}: minus the logarithm of a probability is never negative."
            # a cosine, or an overlap with its sign changed, lies between -1 and 0; beside an accuracy it is neither
            bounded = loss.min() >= -1.01 and loss.max() <= 0.1 and not len(of.accuracy) + len(of.held_accuracy)
            bounded = bounded and (rises(-loss, 0.05) or len(loss) < FEW or not of.from_start)
            return [Symptom(CONTRADICTION, text, firm=not (bounded or of.free))]
    found = []
    if len(of.held_loss) == len(of.held_accuracy) and len(of.held_loss):
        short = (1 - of.held_accuracy) * LN2 - of.held_loss
        worst = int(short.argmax())
        if short[worst] > 0.01:
            least, right = float(of.held_loss[worst]), float(of.held_accuracy[worst])
            firm = _cannot_be(least, right, of.held_loss, of.held_accuracy, of)
            found.append(_beneath("held out", least, right, firm))
    losses, accuracies = of.paired
    if not of.running and len(losses) >= 2:
        mean, right, which = float(losses.mean()), float(accuracies.mean()), ", in the mean of all rows,"
        if of.by_epoch and len(losses) >= 3 and losses[-1] < mean:  # each row is a mean of many
            mean, right, which = float(losses[-1]), float(accuracies[-1]), ", in the last row,"
        if (1 - right) * LN2 - mean > 0.02 and not found:
            firm = _cannot_be(mean, right, losses, accuracies, of)
            found.append(_beneath(f"of training{which}", mean, right, firm))
    return found + _no_row_right(of) + _zero_losses(of)


def _cannot_be(loss: float, accuracy: float, losses: np.ndarray, accuracies: np.ndarray, of: Curves) -> bool:
    """Whether a loss beneath its wrong rows is a contradiction, and not a loss of smaller parts than the accuracy.

    A loss by token or by label beside an accuracy by row, and a focal loss, may lie beneath, and then both learn. An
    accuracy that stays where it was while the loss is small is not of that loss.
    """
    if of.two:
        return True
    if _of_another_kind(of):
        return False
    far = loss < 0.5 * (1 - accuracy) * LN2
    late = 1 < of.first_epoch < math.inf and not of.from_start
    if (len(losses) < 3 and 0 < len(of.loss) < 3) or late:  # not enough to see whether they learn
        return far and (accuracy < POOR or loss < FAR * (1 - accuracy) * LN2)
    learns = rises(accuracies, 0.05) or rises(of.accuracy, 0.05)
    return far and not (learns and rises(-losses, 0.05 * abs(float(losses[0]))))


def _of_another_kind(of: Curves) -> bool:
    """Whether training and held-out rows agree on a loss and an accuracy that some rows reach: a squared error."""
    if min(len(of.loss), len(of.held_loss), len(of.accuracy), len(of.held_accuracy)) < 2:
        return False
    losses, scores = (of.loss[-1], of.held_loss[-1]), (of.accuracy[-1], of.held_accuracy[-1])
    alike = abs(scores[0] - scores[1]) < 0.05 and 0 < max(losses) < 1.5 * min(losses)
    return bool(alike and min(scores) > POOR)


def _no_row_right(of: Curves) -> list[Symptom]:
    """An accuracy of exactly 0 beside a loss at which the right class has a tenth of the probability, or more."""
    for part, loss, accuracy in (
        ("held-out", of.held_loss, of.held_accuracy),
        ("training", of.loss, of.accuracy),
    ):
        even = len(loss) > 0 and np.abs(loss - LN2).max() < SAME  # ties, which count as wrong
        if len(accuracy) >= 3 and not accuracy.any() and not even and len(loss) and 0 <= float(loss.mean()) < 2:
            text = (
                f"The {part} accuracy is 0 in each of {len(accuracy)} rows with a loss of {loss.mean():.4f}, which "
                f"gives the right class a probability of {math.exp(-loss.mean()):.2f}: they are not of the same rows."
            )
            return [Symptom(CONTRADICTION, text)]
    return []


def _zero_losses(of: Curves) -> list[Symptom]:
    if len(of.loss) >= 3 and np.abs(of.loss).max() < NOTHING:
        return [Symptom(CONTRADICTION, "All losses are exactly 0: nothing was measured.", firm=not of.free)]
    if len(of.loss) >= 4 and not of.loss[-3:].any():
        before = float(of.loss[np.flatnonzero(of.loss)[-1]])
        return [
            Symptom(
                CONTRADICTION,
                "The last losses are exactly 0 after others that were not: nothing was measured, or NaN was hidden.",
                firm=before > 0.02,  # smaller ones were rounded
            )
        ]
    return []


def _beneath(part: str, loss: float, accuracy: float, firm: bool) -> Symptom:
    least = (1 - accuracy) * LN2
    text = (
        f"The loss {part} is {loss:.4f} with an accuracy of {accuracy:.4f}; the wrong rows alone cost {least:.4f}, so "
        "the two are not of the same rows, or one is not what its name says."
    )
    return Symptom(CONTRADICTION, text, firm)
