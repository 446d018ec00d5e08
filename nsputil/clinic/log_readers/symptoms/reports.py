"""What single rows say by themselves: a number that is none, one answer for all rows."""

import math

import numpy as np

from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.groups import CONTRADICTION, NAN, STUCK, Symptom
from nsputil.clinic.log_readers.symptoms.limits import LN2, NO_LOSS, SAME
from nsputil.clinic.log_readers.trends import Z, kendall

MOST_OF_ONE_CLASS = 0.95  # with a larger accuracy F1 is near 2a / (1 + a) anyway
ROWS_OF_ZERO = 10
ROWS_AGAIN = 5  # different losses that come again in the same order


def not_a_number(reading: LogReading) -> list[Symptom]:
    """The first loss or accuracy that is not finite."""
    for name, quantity in (("loss", "loss"), ("accuracy", "accuracy")):
        for index, row in enumerate(reading.rows):
            if quantity in row and not math.isfinite(row[quantity]):
                before = [r[quantity] for r in reading.rows[:index] if r["part"] == row["part"] and quantity in r]
                was = f"; before it was {before[-1]:.4g}" if before else ", from the first row on"
                part = {"train": "of training", "held_out": "held out", "test": "of the test"}[row["part"]]
                return [Symptom(NAN, f"At step {row['step']} the {name} {part} is {row[quantity]}{was}.")]
    return []


def computes_nan(reading: LogReading) -> list[Symptom]:
    """Two lines, or more, print what the model computes, and every number in them is NaN."""
    if len(reading.nan_arrays) < 2:
        return []
    return [
        Symptom(NAN, f"What the model computes is NaN in {len(reading.nan_arrays)} lines: {reading.nan_arrays[0]!r}.")
    ]


def no_correlation_at_all(reading: LogReading) -> list[Symptom]:
    """A correlation that ends as NaN: answers that are all the same have none."""
    if not reading.undefined:
        return []
    return [Symptom(NAN, f"{reading.undefined[0]} is NaN at the end: all answers are the same, or one is NaN.")]


def one_class(reading: LogReading) -> list[Symptom]:
    """One class is never answered right: F1 and accuracy tell it together.

    With an accuracy of a, the F1 of one class is 2a / (1 + a) only if TN is 0, and 0 if TP is. If all rows get one
    answer, the mean over K classes is 2a / (1 + a) / K, and the mean weighted by their sizes 2a² / (1 + a).
    """
    rows = [row for row in reading.rows if {"f1", "accuracy"} <= row.keys() and row["part"] != "train"]
    if not rows or not 0 < rows[-1]["accuracy"] < MOST_OF_ONE_CLASS:
        return []
    accuracy, f1 = rows[-1]["accuracy"], rows[-1]["f1"]
    whole = 2 * accuracy / (1 + accuracy)
    forms = {
        "": 0.0,
        " = 2a / (1 + a)": whole,
        " = a / (1 + a), the mean of two classes": whole / 2,
        " = 2a² / (1 + a), a weighted mean": whole * accuracy,
    }
    if reading.classes > 2:
        forms[f" = 2a / (1 + a) / {reading.classes}, the mean of {reading.classes} classes"] = whole / reading.classes
    near = {form: value for form, value in forms.items() if f1 == value or (value and abs(f1 - value) <= SAME)}
    if not near:
        return _at_first_one_class(rows)
    form = next(iter(near))
    algebra = f"F1 is {f1:.4f}{form}" if form else "F1 is 0"
    text = f"The accuracy a is {accuracy:.4f} and {algebra}: no row of one of the classes is answered right."
    return [Symptom(STUCK, text)]


def _at_first_one_class(rows: list[dict]) -> list[Symptom]:
    """One answer for all in the first evaluation, and a loss that has not fallen in any since."""
    first, losses = rows[0], [row["loss"] for row in rows if "loss" in row]
    accuracy = first["accuracy"]
    one = len(rows) > 1 and abs(first["f1"] - 2 * accuracy / (1 + accuracy)) <= SAME < first["f1"]
    if not one or len(losses) < 2 or min(losses) < losses[0] or accuracy >= MOST_OF_ONE_CLASS:
        return []
    text = f"At first the accuracy is {accuracy:.4f} and F1 {first['f1']:.4f}: one answer for all."
    return [Symptom(STUCK, f"{text} The loss has not fallen since.", firm=False)]


def no_correlation(reading: LogReading) -> list[Symptom]:
    """Matthews' correlation is 0 if all rows get one answer; other answers hardly ever give exactly 0."""
    rows = [row for row in reading.rows if "mcc" in row]
    last = [row["mcc"] for row in rows[-3:]]
    if not last or any(last):
        return []
    if rows[-1].get("loss", 1.0) < NO_LOSS:
        text = f"The loss is {rows[-1]['loss']:.2g}, which is all rows right, and Matthews' correlation is 0."
        return [Symptom(CONTRADICTION, text)]
    count = "the last" if len(rows) > 1 else "its"
    text = f"Matthews' correlation is 0 in {count} {len(last)} rows: one answer for all."
    trained = any(row["part"] == "train" for row in reading.rows)
    firm = len(rows) >= 3 or (len(rows) == 1 and not trained)  # one or two may be of a warm-up
    return [Symptom(STUCK, text, firm=firm)]


def no_order(reading: LogReading) -> list[Symptom]:
    """An area under the curve of exactly one half: all rows get one score, so that none is before another."""
    for name, values in reading.areas.items():
        if not any(round(x, 4) - 0.5 for x in values[-3:]):
            text = f"{name} is 0.5 in the last {len(values[-3:])} rows: one score for all."
            return [Symptom(STUCK, text, firm=len(values) >= 3)]
    return []


def one_answer(reading: LogReading) -> list[Symptom]:
    """One recall of 1 and others of 0 in the last reports; an early one may be of a training that has just begun."""
    last = reading.one_answer[-2:]
    if not last or not all(last):
        return []
    text = f"In the last {len(last)} reports" if len(last) > 1 else "In the last report"
    text = f"{text} one class has a recall of 1 and all others have 0: one answer for all rows."
    return [Symptom(STUCK, text, firm=len(last) > 1)]


def f1_stays_zero(reading: LogReading) -> list[Symptom]:
    """An F1 of exactly 0 in row after row, with a loss above ln 2 that does not fall: nothing is found, or learned."""
    zero = [name for name, values in reading.scores.items() if len(values) >= ROWS_OF_ZERO and not any(values)]
    loss = np.array([x for x in reading.series("train", "loss") if math.isfinite(x)])
    others = any(any(values) for values in reading.scores.values())
    if not zero or others or len(loss) < ROWS_OF_ZERO or any(row.get("accuracy", 0) for row in reading.rows):
        return []
    if loss.mean() < LN2 or kendall(-loss) > Z or reading.first_epoch > 1 and math.isfinite(reading.first_epoch):
        return []
    text = f"{zero[0]} is 0 in each of {len(reading.scores[zero[0]])} rows, and the loss stays near {loss.mean():.4f}."
    return [Symptom(STUCK, text)]


def all_zero(reading: LogReading) -> list[Symptom]:
    """Precision, recall and F1 of exactly 0 in each report: no row is given the class that they are of."""
    zero = [name for name, values in reading.scores.items() if not any(values)]
    others = [name for name, values in reading.scores.items() if any(values)]
    if len(zero) < 2 or others or any(row.get("accuracy", 0) for row in reading.rows):
        return []
    count = min(len(reading.scores[name]) for name in zero)
    text = f"{', '.join(zero[:3])} are 0 in each of {count} reports: nothing is found."
    return [Symptom(STUCK, text, firm=count >= 4)]


def epoch_again(reading: LogReading) -> list[Symptom]:
    """An epoch has all losses of the one before, to the last digit: the weights did not change."""
    if not reading.again:
        return []
    text = f"The {len(reading.again)} losses of the last epoch are those of the epoch before, to the last digit: the"
    return [Symptom(STUCK, f"{text} weights do not change.", firm=len(set(reading.again)) >= ROWS_AGAIN)]
