"""Single numbers that are odd: NaN beside a loss, all rows right at once, two losses at one accuracy."""

import math

from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.curves import Curves
from nsputil.clinic.log_readers.symptoms.groups import CONTRADICTION, NAN, PERFECT, Symptom
from nsputil.clinic.log_readers.symptoms.limits import NO_LOSS

ALL_RIGHT = 0.9995  # an accuracy
NEARLY = 0.99  # likewise, of held-out rows
AS_GOOD = 0.05  # between two accuracies
TIMES = 10  # one loss the other


def nan_beside(reading: LogReading, of: Curves) -> list[Symptom]:
    """A warning, or an array, says that something is NaN, though no loss is."""
    return [Symptom(NAN, f"The log says {reading.nans[0]!r}.", firm=False)] if reading.nans else []


def beyond_all_rows(reading: LogReading, of: Curves) -> list[Symptom]:
    """An accuracy above 1, or above 100 %."""
    if not reading.beyond:
        return []
    text = f"An accuracy is {reading.beyond[0]:g}, more than all rows: it is divided by too few."
    return [Symptom(CONTRADICTION, text, firm=False)]


def below_zero(reading: LogReading, of: Curves) -> list[Symptom]:
    """A precision, a recall or an F1 below 0: it was set so before the first was measured, and none was."""
    for name, values in reading.scores.items():
        if min(values) < 0:
            text = f"{name} is {min(values):g}, which no share of rows can be: nothing was measured there."
            return [Symptom(CONTRADICTION, text, firm=False)]
    return []


def no_loss_at_first(reading: LogReading, of: Curves) -> list[Symptom]:
    """After the first rows of a training the loss is next to nothing: one class only, or the answer is in the rows."""
    loss = of.loss
    first = of.from_start and of.counted and not of.by_epoch and not 1 < reading.epochs < math.inf
    if len(loss) < 4 or not first or of.free or len(of.accuracy) + len(of.held_accuracy):
        return []
    if loss[0] < NO_LOSS or loss.min() < 0 or loss[2:].max() >= NO_LOSS:
        return []
    text = f"The loss of training is {loss[0]:.4f} at first and below {NO_LOSS} from the third row on: easy rows, one"
    return [Symptom(PERFECT, f"{text} class only, or the answer is in the rows.", firm=False)]


def right_at_first(reading: LogReading, of: Curves) -> list[Symptom]:
    """All rows are right in the first row of a training, or in the only row of a test; held out, nearly all."""
    for part, values, least in (("training", of.accuracy, ALL_RIGHT), ("the held-out rows", of.held_accuracy, NEARLY)):
        alone = len(values) == 1 and values[0] > ALL_RIGHT and not 1 < of.first_epoch < math.inf
        first = of.from_start and (of.counted or part != "training")
        if len(values) and values.min() > least and (alone or first):
            text = f"The accuracy of {part} is {values[0]:.4f} from the first row on: easy rows, one class only, or"
            return [Symptom(PERFECT, f"{text} the answer is in the rows.", firm=False)]
    return []


def all_right_at_a_cost(reading: LogReading, of: Curves) -> list[Symptom]:
    """All held-out rows are right, and the loss is still that of a model that is not sure."""
    if not len(of.held_accuracy) or of.held_accuracy[-1] <= ALL_RIGHT or not len(of.held_loss):
        return []
    text = f"The held-out accuracy is {of.held_accuracy[-1]:.4f}: each row is right, at a loss of"
    return [Symptom(PERFECT, f"{text} {of.held_loss[-1]:.4f}.", firm=False)]


def perfect_score(reading: LogReading, of: Curves) -> list[Symptom]:
    """An area under the curve, a precision, a recall or an F1 of exactly 1."""
    nothing = any(values[-1] <= 0 for values in reading.scores.values())  # of what is never found, none is wrong
    for name, values in {**reading.areas, **({} if nothing else reading.scores)}.items():
        if values and min(values[-2:]) == 1.0:
            return [Symptom(PERFECT, f"{name} is exactly 1.", firm=False)]
    return []


def losses_of_two_kinds(reading: LogReading, of: Curves) -> list[Symptom]:
    """At the same accuracy one loss is ten times the other: one is divided once more, or is not of the same rows."""
    series = (of.loss, of.held_loss, of.accuracy, of.held_accuracy)
    if not all(len(values) for values in series):
        return []
    train, held, right, right_held = (float(values[len(values) // 2 :].mean()) for values in series)
    if abs(right - right_held) > AS_GOOD or right > 1 - AS_GOOD / 2:
        return []
    if min(train, held) <= 0 or max(train, held) < TIMES * min(train, held):
        return []
    text = f"The loss is {train:.4f} in training and {held:.4f} held out, at accuracies of {right:.4f} and"
    return [Symptom(CONTRADICTION, f"{text} {right_held:.4f}.", firm=False)]


def zeros_between(reading: LogReading, of: Curves) -> list[Symptom]:
    """A held-out accuracy of exactly 0 between others that are not: these rows were of nothing, or of one class."""
    values = of.held_accuracy
    zeros = int((values == 0).sum())
    if len(values) < 3 or not zeros or values[0] == 0 or values.max() < 0.3:
        return []
    text = f"The held-out accuracy is exactly 0 in {zeros} of {len(values)} rows, and {values.max():.4f} in another."
    return [Symptom(CONTRADICTION, text, firm=False)]
