"""Hints in few rows: numbers that are unusual, and that good trainings show, too, so that they are worth a look only.

A thread often shows one to five rows. They prove little, but a number that is exactly 1 at the first step, or exactly
the same in each row, is worth a question. Each function names one such hint; `hints` leaves out the groups that other
rules have named already.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.curves import Curves, curves, late_mean
from nsputil.clinic.log_readers.symptoms.groups import (
    BETTER,
    CONTRADICTION,
    NAN,
    PERFECT,
    RISES,
    STUCK,
    WORSE,
    Symptom,
)
from nsputil.clinic.log_readers.symptoms.limits import FEW, NO_LOSS, SAME
from nsputil.clinic.log_readers.symptoms.standing import digits
from nsputil.clinic.log_readers.trends import kendall, rises

STILL = 0.003  # of a loss: the most that rows differ which do not move
AS_GOOD = 0.05  # two accuracies that are the same
TIMES = 10  # two losses that are not of the same kind
SMALL_GAP = 0.08  # of accuracy
POOR = 0.5  # an accuracy
ALL_RIGHT = 0.9995  # an accuracy
#: What the logarithm of the smallest number costs that tools put for 0: 1e-6 and so on; of Keras, Caffe and PyTorch.
LIMITS = (*(-math.log(10.0**-k) for k in (6, 7, 8, 9, 10, 12, 15)), 15.9424, 15.3332, 87.3365, 100.0)


def hints(reading: LogReading, found: Sequence[Symptom]) -> list[Symptom]:
    """Return one hint for each group that was not found, the likeliest first."""
    named = {symptom.group for symptom in found}
    first: dict[str, Symptom] = {}
    with np.errstate(all="ignore"):
        of = curves(reading)
        for symptom in (symptom for hint in HINTS for symptom in hint(reading, of)):
            if symptom.group not in named:
                first.setdefault(symptom.group, symptom)
    return list(first.values())


def nan_beside(reading: LogReading, of: Curves) -> list[Symptom]:
    """A warning, or an array, says that something is NaN, though no loss is."""
    return [_hint(NAN, f"The log says {reading.nans[0]!r}.")] if reading.nans else []


def nothing_moves(reading: LogReading, of: Curves) -> list[Symptom]:
    """Loss and accuracy of a part, or the accuracies of both, are the same to the last digit, row by row."""
    pairs = ((of.held_loss, of.held_accuracy, 3), (of.loss, of.accuracy, 3), (of.accuracy, of.held_accuracy, 2))
    for first, second, least in pairs:
        rows = max(least, len(first) // 2)
        if len(first) != len(second) or len(first) < rows or min(first[-1], second[-1]) < NO_LOSS:
            continue
        if not np.ptp(first[-rows:]) and not np.ptp(second[-rows:]) and second[-1] < 1 and digits(first) >= 3:
            text = f"The numbers are {first[-1]:.4f} and {second[-1]:.4f} in each of the last {rows} rows: those of a"
            return [_hint(STUCK, f"{text} training differ in the last digit.")]
    return []


def same_score(reading: LogReading, of: Curves) -> list[Symptom]:
    """A score that is exactly the same in three evaluations, and not good."""
    for name, values in reading.metrics.items():
        best = 100.0 if max(values) > 1 else 1.0
        if len(values) >= 3 and len(set(values[-3:])) == 1 and 0 < values[-1] < POOR * best:
            return [_hint(STUCK, f"{name} is {values[-1]:g} in each of the last three evaluations.")]
    return []


def beyond_all_rows(reading: LogReading, of: Curves) -> list[Symptom]:
    """An accuracy above 1, or above 100 %."""
    if not reading.beyond:
        return []
    return [_hint(CONTRADICTION, f"An accuracy is {reading.beyond[0]:g}, more than all rows: it is divided by too few.")]


def loss_stands(reading: LogReading, of: Curves) -> list[Symptom]:
    """A loss that does not move, beside an accuracy that is poor."""
    for losses, accuracies in ((of.loss, of.accuracy), (of.held_loss, of.held_accuracy)):
        if len(losses) >= 3 and len(accuracies) >= 3 and late_mean(accuracies) < POOR and not of.free:
            if np.ptp(losses) < STILL * abs(losses.mean()) and losses[-1] > NO_LOSS and not rises(accuracies, 0.01):
                text = f"The loss is between {losses.min():.4f} and {losses.max():.4f} in {len(losses)} rows, with an"
                return [_hint(STUCK, f"{text} accuracy of {late_mean(accuracies):.4f}: it does not move.")]
    return []


def poor_and_still(reading: LogReading, of: Curves) -> list[Symptom]:
    """An accuracy of whole epochs, or of evaluations, that is poor and does not move."""
    for part, accuracies in (("held-out", of.held_accuracy), ("training", of.accuracy if of.by_epoch else of.accuracy[:0])):
        if len(accuracies) < 2 or not accuracies.any() or accuracies.max() >= POOR:
            continue
        if np.ptp(accuracies) < 0.05 * accuracies.max():
            return [_hint(STUCK, f"The {part} accuracy is {accuracies[-1]:.4f} in the last of {len(accuracies)} rows, as before.")]
    return []


def knows_nothing(reading: LogReading, of: Curves) -> list[Symptom]:
    """One answer of K: the loss is ln K, and the accuracy 1 / K, for whatever K."""
    after = of.held_accuracy if len(of.held_accuracy) else of.accuracy
    if not len(after) or of.free or reading.rows[-1]["step"] == 0:
        return []
    for losses in (of.held_loss, of.loss):
        if len(losses) and 0.6 < losses[-1] < 15:
            classes = round(math.exp(float(losses[-1])))
            if abs(float(losses[-1]) - math.log(classes)) < 0.02 and abs(after[-1] * classes - 1) < 0.25:
                text = f"The loss ends at {losses[-1]:.4f}, near ln {classes}, and the accuracy at {after[-1]:.4f}, near"
                return [_hint(STUCK, f"{text} 1 / {classes}.")]
    share = 1 / float(after[-1]) if after[-1] > 0.009 else 0.0
    if len(after) < 3 and share > 1.5 and abs(share - round(share)) < SAME * share:
        return [_hint(STUCK, f"The accuracy is {after[-1]:.4f}, exactly 1 / {round(share)}: one answer of {round(share)}?")]
    return []


def wrong_for_sure(reading: LogReading, of: Curves) -> list[Symptom]:
    """Each wrong row costs the most that a logarithm can cost which is kept from infinity: one sure answer for all."""
    for losses, accuracies in ((of.held_loss, of.held_accuracy), (of.loss, of.accuracy)):
        right = float(accuracies[-1]) if len(accuracies) else 0.0
        if not len(losses) or of.free or right > 0.8 or not (len(accuracies) or reading.classes_from == "assumed"):
            continue
        each = float(losses[-1]) / (1 - right)
        limits = [limit for limit in LIMITS if abs(each - limit) < (0.005 if len(accuracies) else 1e-5) * limit]
        if limits:
            text = f"The loss is {losses[-1]:.4f}: each wrong row costs {limits[0]:.2f}, the most that this loss can cost."
            return [_hint(STUCK, text)]
    return []


def no_trend(reading: LogReading, of: Curves) -> list[Symptom]:
    """Neither loss nor accuracy of training gets better, and the accuracy is poor."""
    if len(of.loss) >= FEW and len(of.accuracy) >= FEW and late_mean(of.accuracy) < 0.3 and not of.free:
        if kendall(-of.loss) < 1 and kendall(of.accuracy) < 1:
            text = f"The accuracy is {late_mean(of.accuracy):.4f} after {len(of.accuracy)} rows, and neither it nor the"
            return [_hint(STUCK, f"{text} loss gets better.")]
    return []


def right_at_first(reading: LogReading, of: Curves) -> list[Symptom]:
    """All rows are right in the first row of a training, or in the only row of a test."""
    for part, values in (("training", of.accuracy), ("the held-out rows", of.held_accuracy)):
        alone = len(values) == 1 and not 1 < of.first_epoch < math.inf
        if len(values) and values.min() > ALL_RIGHT and (alone or (of.from_start and of.counted)):
            text = f"The accuracy of {part} is {values[0]:.4f} from the first row on: easy rows, one class only, or"
            return [_hint(PERFECT, f"{text} the answer is in the rows.")]
    return []


def nearly_right(reading: LogReading, of: Curves) -> list[Symptom]:
    values = of.held_accuracy
    if len(values) and values.min() > 0.99 and of.from_start:
        return [_hint(PERFECT, f"The held-out accuracy is {values.min():.4f} and more from the first row on.")]
    return []


def perfect_score(reading: LogReading, of: Curves) -> list[Symptom]:
    for name, values in {**reading.areas, **reading.scores}.items():
        if values and min(values[-2:]) == 1.0:
            return [_hint(PERFECT, f"{name} is exactly 1.")]
    return []


def better_held_out(reading: LogReading, of: Curves) -> list[Symptom]:
    """In each row the held-out rows are better than training, and their loss is less than a third."""
    n = min(len(of.loss), len(of.held_loss), len(of.accuracy), len(of.held_accuracy))
    if n >= 3 and len(of.loss) == len(of.held_loss) and len(of.accuracy) == len(of.held_accuracy):
        if (of.held_accuracy > of.accuracy).all() and np.median(of.held_loss / np.maximum(of.loss, 1e-9)) < 1 / 3:
            return [_hint(BETTER, "In each row the held-out accuracy is above that of training, with less than a third of its loss.")]
    return []


def gap_accuracy(reading: LogReading, of: Curves) -> list[Symptom]:
    if len(of.accuracy) and len(of.held_accuracy):
        train, held = late_mean(of.accuracy), float(of.held_accuracy[-1])
        if train - held > SMALL_GAP and not of.running:
            return [_hint(WORSE, f"The accuracy ends at {train:.4f} in training and at {held:.4f} held out.")]
    return []


def gap_loss(reading: LogReading, of: Curves) -> list[Symptom]:
    if len(of.loss) and len(of.held_loss) and not of.summed and not of.free:
        until = of.until_held if of.until_held >= 3 else None
        train, held = late_mean(of.loss[:until]), float(of.held_loss[-1])
        if held - train > 0.15 and held > 2 * train > 0:
            return [_hint(WORSE, f"The loss ends at {train:.4f} in training and at {held:.4f} held out.")]
    return []


def overfits(reading: LogReading, of: Curves) -> list[Symptom]:
    """The held-out loss turns while that of training goes on falling: both groups."""
    n = len(of.held_loss)
    if n < 3 or len(of.loss) < 3 or of.free:
        return []
    low = int(of.held_loss.argmin())
    rise = float(of.held_loss[-1] - of.held_loss[low])
    if n - 1 - low >= 2 and rise > 0.1 * of.held_loss[low] > 0 and of.loss[-1] < of.loss[0] and kendall(of.held_loss[low:]) > 1:
        text = f"The held-out loss rises from {of.held_loss[low]:.4f} to {of.held_loss[-1]:.4f}, while that of training falls."
        return [_hint(RISES, text), _hint(WORSE, text)]
    return []


def held_accuracy_falls(reading: LogReading, of: Curves) -> list[Symptom]:
    values = of.held_accuracy
    if len(values) >= 3:
        best = int(values.argmax())
        if len(values) - 1 - best >= 2 and values[best + 1 :].max() < values[best] - 0.05:
            return [_hint(RISES, f"The held-out accuracy was {values[best]:.4f} and ends at {values[-1]:.4f}.")]
    return []


def loss_grows(reading: LogReading, of: Curves) -> list[Symptom]:
    values = of.loss
    if len(values) >= 3 and not of.free and values[0] > 0:
        if values[-1] > 1.1 * values[0] and kendall(values) > 1.5:
            return [_hint(RISES, f"The loss of training grows from {values[0]:.4f} to {values[-1]:.4f}.")]
    return []


def losses_of_two_kinds(reading: LogReading, of: Curves) -> list[Symptom]:
    """At the same accuracy one loss is ten times the other: one is divided once more, or is not of the same rows."""
    if len(of.loss) and len(of.held_loss) and len(of.accuracy) and len(of.held_accuracy):
        train, held, right, right_held = (
            float(values[len(values) // 2 :].mean()) for values in (of.loss, of.held_loss, of.accuracy, of.held_accuracy)
        )
        if abs(right - right_held) < AS_GOOD and right < 0.98 and min(train, held) > 0 and max(train, held) > TIMES * min(train, held):
            text = f"The loss is {train:.4f} in training and {held:.4f} held out, at accuracies of {right:.4f} and {right_held:.4f}."
            return [_hint(CONTRADICTION, text)]
    return []


def zeros_between(reading: LogReading, of: Curves) -> list[Symptom]:
    values = of.held_accuracy
    if len(values) >= 3 and 0 < (values == 0).sum() and values.max() > 0.3 and values[0] > 0:
        return [_hint(CONTRADICTION, f"The held-out accuracy is exactly 0 in {(values == 0).sum()} rows, and {values.max():.4f} in another.")]
    return []


def _hint(group: str, text: str) -> Symptom:
    return Symptom(group, text, firm=False)


HINTS: tuple[Callable[[LogReading, Curves], list[Symptom]], ...] = (
    nan_beside, beyond_all_rows, nothing_moves, same_score, loss_stands, poor_and_still, knows_nothing, wrong_for_sure, no_trend, right_at_first, nearly_right,
    perfect_score, better_held_out, overfits, gap_accuracy, gap_loss, held_accuracy_falls, loss_grows,
    losses_of_two_kinds, zeros_between,
)
