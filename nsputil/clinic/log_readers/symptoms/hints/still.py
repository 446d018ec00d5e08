"""Few rows that stand still, or that are where a model is which knows nothing."""

import math

import numpy as np

from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.curves import Curves, late_mean
from nsputil.clinic.log_readers.symptoms.groups import STUCK, Symptom
from nsputil.clinic.log_readers.symptoms.limits import FEW, LN2, NO_LOSS, SAME
from nsputil.clinic.log_readers.symptoms.standing import digits
from nsputil.clinic.log_readers.trends import Z, kendall, rises

STILL = 0.003  # of a loss: the most that rows differ which do not move
POOR = 0.5  # an accuracy
NEAR_HALF = 0.6  # likewise
LATER = 200  # steps
NEAR = 0.005  # nats
ABOVE = 1.15  # times ln K: what a model that knows nothing costs, and is a little too sure of it
#: What -ln of the smallest number is that tools put for 0: 1e-6 and so on; of Keras, Caffe and PyTorch.
LIMITS = (*(-math.log(10.0**-k) for k in (6, 7, 8, 9, 10, 12, 15)), 15.9424, 15.3332, 87.3365, 100.0)


def nothing_moves(reading: LogReading, of: Curves) -> list[Symptom]:
    """Loss and accuracy of a part, or the accuracies of both, are the same to the last digit, row by row."""
    pairs = (
        (of.held_loss, of.held_accuracy, 3),
        (of.loss, of.accuracy, 2 if of.by_epoch else 3),
        (of.accuracy, of.held_accuracy, 2),
    )
    for first, second, least in pairs:
        rows = max(least, len(first) // 2)
        if len(first) != len(second) or len(first) < rows or min(first[-1], second[-1]) < NO_LOSS:
            continue
        if not np.ptp(first[-rows:]) and not np.ptp(second[-rows:]) and second[-1] < 1 and digits(first) >= 3:
            text = f"The numbers are {first[-1]:.4f} and {second[-1]:.4f} in each of the last {rows} rows: those of a"
            return [_stuck(f"{text} training differ in the last digit.")]
    return []


def same_loss(reading: LogReading, of: Curves) -> list[Symptom]:
    """Two evaluations, of two places, give the same loss to five digits, or more."""
    held = "held_out" if len(reading.series("held_out", "loss")) else "test"
    rows = [row for row in reading.rows if row["part"] == held and math.isfinite(row.get("loss", math.nan))][-2:]
    losses = np.array([row["loss"] for row in rows])
    if len(rows) < 2 or rows[0]["step"] == rows[1]["step"] or np.ptp(losses) or losses[0] < NO_LOSS:
        return []
    if digits(losses) < 5:
        return []
    return [_stuck(f"The last two evaluations give the same loss, {losses[0]:.6f}: those of a training differ.")]


def near_even(reading: LogReading, of: Curves) -> list[Symptom]:
    """Two losses of training, or more, after the first steps, which all lie at ln 2, without an accuracy."""
    late = of.last_step >= LATER or 1 < of.first_epoch < math.inf
    if len(of.loss) < 2 or not late or of.free or of.perplexity or len(of.accuracy) + len(of.held_accuracy):
        return []
    if np.abs(of.loss - LN2).max() > NEAR or abs(float(of.loss.mean()) - LN2) > NEAR / 2:
        return []
    return [_stuck(f"The loss is within {NEAR} of ln 2 = {LN2:.4f}, two equal probabilities, in {len(of.loss)} rows.")]


def same_score(reading: LogReading, of: Curves) -> list[Symptom]:
    """A score that is exactly the same in three evaluations, and not good."""
    for name, values in reading.metrics.items():
        best = 100.0 if max(values) > 1 else 1.0
        if len(values) >= 3 and len(set(values[-3:])) == 1 and 0 < values[-1] < POOR * best:
            return [_stuck(f"{name} is {values[-1]:g} in each of the last three evaluations.")]
    return []


def loss_stands(reading: LogReading, of: Curves) -> list[Symptom]:
    """A loss that does not move, beside an accuracy that is poor and does not rise."""
    for losses, accuracies in ((of.loss, of.accuracy), (of.held_loss, of.held_accuracy)):
        if min(len(losses), len(accuracies)) < 3 or of.free or losses[-1] < NO_LOSS:
            continue
        still = np.ptp(losses) < STILL * abs(losses.mean())
        if still and late_mean(accuracies) < POOR and not rises(accuracies, 0.01):
            text = f"The loss is between {losses.min():.4f} and {losses.max():.4f} in {len(losses)} rows, with an"
            return [_stuck(f"{text} accuracy of {late_mean(accuracies):.4f}: it does not move.")]
    return []


def poor_and_still(reading: LogReading, of: Curves) -> list[Symptom]:
    """An accuracy of evaluations, or of whole epochs, that is poor and does not move."""
    whole = of.accuracy if of.by_epoch else of.accuracy[:0]
    for part, values in (("held-out", of.held_accuracy), ("training", whole)):
        if len(values) >= 2 and 0 < values.max() < POOR and np.ptp(values) < 0.05 * values.max():
            text = f"The {part} accuracy is between {values.min():.4f} and {values.max():.4f} in {len(values)} rows."
            return [_stuck(text)]
    for name, found in reading.metrics.items():
        values, best = np.array(found), 100.0 if max(found) > 1 else 1.0
        if len(values) < 3 or not 0 < values.max() < POOR * best or np.ptp(values) >= 0.05 * values.max():
            continue
        if len(of.held_loss) >= 3 and kendall(-of.held_loss) < 1:
            return [_stuck(f"{name} is between {values.min():g} and {values.max():g} in {len(values)} rows.")]
    return []


def hardly_better(reading: LogReading, of: Curves) -> list[Symptom]:
    """Evaluations from the beginning on whose accuracy stays near one half, and whose loss hardly falls."""
    values, losses = of.held_accuracy, of.held_loss
    if min(len(values), len(losses)) < FEW or not of.from_start or of.free:
        return []
    if values.max() >= NEAR_HALF or np.ptp(values) > 0.05 or kendall(values) >= Z or np.ptp(losses) > 0.05 * losses[0]:
        return []
    text = f"The held-out accuracy stays between {values.min():.4f} and {values.max():.4f} in {len(values)} rows, and"
    return [_stuck(f"{text} the loss hardly moves, from {losses[0]:.4f} to {losses[-1]:.4f}.")]


def knows_nothing(reading: LogReading, of: Curves) -> list[Symptom]:
    """One answer of K: the loss is ln K and the accuracy 1 / K, for whatever K; or the accuracy is exactly 1 / K."""
    accuracy = of.held_accuracy if len(of.held_accuracy) else of.accuracy
    if not len(accuracy) or of.free or reading.rows[-1]["step"] == 0:
        return []
    last = float(accuracy[-1])
    for losses in (of.held_loss, of.loss):
        if len(losses) and 0.6 < losses[-1] < 15:
            classes = round(math.exp(float(losses[-1])))
            if abs(float(losses[-1]) - math.log(classes)) < 0.02 and abs(last * classes - 1) < 0.25:
                text = f"The loss ends at {losses[-1]:.4f}, near ln {classes}, and the accuracy at {last:.4f}, near"
                return [_stuck(f"{text} 1 / {classes}.")]
    share = 1 / last if last > 0.009 else 0.0
    classes = round(share)
    for losses in (of.held_loss, of.loss):
        if not len(losses) or classes < 2 or abs(last * classes - 1) > 0.04:
            continue
        if math.log(classes) - 0.02 < losses[-1] < ABOVE * math.log(classes):
            text = (
                f"The accuracy ends at {last:.4f}, near 1 / {classes}, and the loss at {losses[-1]:.4f}, no less than"
            )
            return [_stuck(f"{text} ln {classes}.")]
    if len(accuracy) < 3 and share > 1.5 and abs(share - round(share)) < SAME * share:
        return [_stuck(f"The accuracy is {last:.4f}, exactly 1 / {round(share)}: one answer of {round(share)}?")]
    return []


def wrong_for_sure(reading: LogReading, of: Curves) -> list[Symptom]:
    """Each wrong row costs the most that a logarithm can cost which is kept from infinity: one sure answer for all."""
    for losses, accuracies in ((of.held_loss, of.held_accuracy), (of.loss, of.accuracy)):
        right = float(accuracies[-1]) if len(accuracies) else 0.0
        if not len(losses) or of.free or right > 0.8:
            continue
        each = float(losses[-1]) / (1 - right)
        near = 0.005 if len(accuracies) else 1e-5
        if any(abs(each - limit) < near * limit for limit in LIMITS):
            text = f"The loss is {losses[-1]:.4f}: each wrong row costs {each:.2f}, the most that this loss can cost."
            return [_stuck(text)]
    return []


def finds_nothing(reading: LogReading, of: Curves) -> list[Symptom]:
    """A recall or an F1 that is 0 in each report, whatever the precision of what was never said is taken for."""
    for name, values in reading.scores.items():
        if ("recall" in name or "f1" in name) and values and not any(values):
            return [_stuck(f"{name} is 0 in each of {len(values)} reports: nothing is found.")]
    return []


def no_trend(reading: LogReading, of: Curves) -> list[Symptom]:
    """Neither loss nor accuracy of training gets better in five rows, and the accuracy is poor."""
    if min(len(of.loss), len(of.accuracy)) < FEW or of.free or late_mean(of.accuracy) > 0.3:
        return []
    if kendall(-of.loss) >= 1 or kendall(of.accuracy) >= 1:
        return []
    text = f"The accuracy is {late_mean(of.accuracy):.4f} after {len(of.accuracy)} rows, and neither it nor the loss"
    return [_stuck(f"{text} gets better.")]


def _stuck(text: str) -> Symptom:
    return Symptom(STUCK, text, firm=False)
