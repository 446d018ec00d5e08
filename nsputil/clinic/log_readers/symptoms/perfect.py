"""Too good to be true: all rows right, or right at once."""

import math

from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.curves import Curves
from nsputil.clinic.log_readers.symptoms.groups import PERFECT, Symptom
from nsputil.clinic.log_readers.symptoms.limits import CHANCE, NO_LOSS
from nsputil.clinic.log_readers.trends import rises

ALL_RIGHT = 0.9985  # of the held-out rows from the first evaluation on: labels alone have more errors than that


def right_at_once(reading: LogReading, of: Curves) -> list[Symptom]:
    """Rows of training that are all right, with no loss, after the first batches of the first epoch."""
    rows = [row for row in reading.rows if row["part"] == "train" and {"loss", "accuracy"} <= row.keys()]
    sure = [row["accuracy"] > 0.99995 and 0 <= row["loss"] < NO_LOSS for row in rows]
    before = len(sure) - next((k for k, x in enumerate(reversed(sure)) if not x), len(sure))
    early = of.from_start and of.counted and not of.by_epoch and not 1 < reading.epochs < math.inf
    if len(rows) - before < 3 or before > 2 or not early:
        return []
    text = f"From step {rows[before]['step']} on each row of training is right, with a loss below {NO_LOSS}."
    return [Symptom(PERFECT, text, firm=rows[before]["step"] <= 500)]


def too_good(of: Curves) -> list[Symptom]:
    """All rows are right, or the loss is next to nothing, held out or in training."""
    accuracy = of.held_accuracy
    if len(accuracy) and accuracy[-1] > 0.99995:
        at_once = accuracy.min() > 0.99995
        if not len(of.held_loss) or of.held_loss[-1] < 0.1:
            learned = rises(of.accuracy, CHANCE) or 0 < len(of.accuracy) < 3 or 1 < of.first_epoch < math.inf
            few = len(accuracy) < 3 or not of.from_start
            alone = few and learned and not of.two  # a test of an easy task
            sure = len(of.held_loss) > 0 and of.held_loss[-1] < NO_LOSS
            firm = (at_once or accuracy[0] > 0.99) and (sure or not alone)  # reached step by step: an easy task
            return [Symptom(PERFECT, "The held-out accuracy is 1: each row is right.", firm)]
        if len(accuracy) >= 2 and at_once:
            text = f"The held-out accuracy is 1 from the first row on, with a loss of {of.held_loss[-1]:.4f}."
            return [Symptom(PERFECT, text)]
    if len(accuracy) >= 3 and accuracy.min() >= ALL_RIGHT and of.from_start:
        text = f"The held-out accuracy is {accuracy.min():.4f} and more from the first evaluation on."
        return [Symptom(PERFECT, text)]
    if len(of.held_loss) and 0 <= of.held_loss[-1] < NO_LOSS:
        right = len(accuracy) > 0 and accuracy[-1] > 0.999
        scale = not len(accuracy) and of.known and len(of.held_loss) + len(of.loss) > 2  # it began near ln K
        return [Symptom(PERFECT, f"The held-out loss is {of.held_loss[-1]:.2g}.", firm=right or scale)]
    if len(of.accuracy) >= 5 and of.accuracy[-3:].min() > 0.99995:
        sure = len(of.loss) > 0 and of.accuracy.min() > 0.99995 and 0 <= of.loss.max() < NO_LOSS
        return [Symptom(PERFECT, "The accuracy of training is 1.", firm=not len(accuracy) and sure)]
    return []
