"""A loss that fell, and rises for good: in training, or held out."""

import math

import numpy as np

from nsputil.clinic.log_readers.symptoms.curves import Curves, best_late, more_right_than_before
from nsputil.clinic.log_readers.symptoms.groups import RISES, Symptom
from nsputil.clinic.log_readers.symptoms.limits import ERRORS, FEW
from nsputil.clinic.log_readers.trends import Z_OF_FEW, kendall, noise, restarts, rises, steady

BEYOND_WORDS = 16.0  # nats: e to that power is 9 million, more than any vocabulary has words
LOST = 0.15  # of accuracy: more than batches scatter
LEAST_OF_TWO = 0.2  # nats: two evaluations of a good model may differ by less
SURE = 1.5  # times ln K: what a model that is right in four of five and too sure of it still costs


def falls_then_rises(of: Curves) -> list[Symptom]:
    """A loss that leaves its best rows for good; the scatter of the rows says what is a rise."""
    found = []
    loss = of.loss
    if len(loss) >= 3 and not restarts(loss):
        width = max(1, len(loss) // 10)
        smooth = np.convolve(loss, np.ones(width) / width, mode="valid")
        last = max(width, min(3, len(loss) // 3))
        low, tail = int(smooth.argmin()), float(loss[-last:].mean())
        rise = tail - float(smooth[low])
        least = 0.1 if of.known or len(of.accuracy) + len(of.held_accuracy) else 0.0  # nats; or of an unknown scale
        if low < 0.8 * len(smooth) and rise > max(least, 0.25 * abs(smooth[low])):
            firm = _is_no_noise(of, float(smooth[low]), tail, width, last) and not (
                best_late(of) or _falls_again(loss) or of.free
            )
            found.append(
                Symptom(
                    RISES,
                    f"The loss of training fell to {smooth[low]:.4f} and ends at {tail:.4f}.",
                    firm
                    or _left_for_good(of)
                    or _explodes(of)
                    or (of.perplexity and tail > max(BEYOND_WORDS, smooth[low] + 4)),
                )
            )
    elif len(loss) == 2 and loss[1] > 1.5 * loss[0] + 0.5:
        text = f"The loss of training rose from {loss[0]:.4f} to {loss[1]:.4f}."
        found.append(
            Symptom(
                RISES,
                text,
                firm=not of.free and (of.by_epoch or not 2 <= of.first_epoch < math.inf or loss[1] > 5 * loss[0]),
            )
        )
    held = [] if any(symptom.firm for symptom in found) else _held_out_rises(of)
    return held or [symptom for symptom in found if symptom.firm] or _accuracy_collapses(of) or found


def _accuracy_collapses(of: Curves) -> list[Symptom]:
    """An accuracy, where there is no loss beside it, that was good and stays below 0.6 of its best."""
    for loss, accuracy in ((of.held_loss, of.held_accuracy), (of.loss, of.accuracy)):
        best = int(accuracy.argmax()) if len(accuracy) >= 4 and not len(loss) else 0
        after = accuracy[best + 1 :]
        if best and len(after) >= 2 and after[-2:].max() < 0.6 * accuracy[best] and accuracy[best] - after[-1] > 0.3:
            text = f"The accuracy rose to {accuracy[best]:.4f} and ends at {accuracy[-1]:.4f}."
            return [Symptom(RISES, text, firm=bool(after[-2:].max() < accuracy[: best + 1].min()))]
    for part, accuracy in (("held-out", of.held_accuracy), ("training", of.accuracy)):
        for at, high, low in _apart(-accuracy, 3, 3):  # whatever the loss does: all rows of training go at once
            if -high > 0.2 and -low < 0.3 * -high:
                text = (
                    f"The {part} accuracy was {-high:.4f} and more in {at} rows, and is {-low:.4f} and less in the "
                    f"{len(accuracy) - at} rows after them."
                )
                return [Symptom(RISES, text)]
    return []


def _falls_again(loss: np.ndarray, jump: int = 0) -> bool:
    """Whether the loss falls surely after a jump, by a quarter of it: other weights, or a loss that was added."""
    jump = jump or int(np.diff(loss).argmax()) + 1
    after, height = loss[jump:], float(loss[jump] - loss[jump - 1])
    if 3 <= len(after) < FEW:
        return bool(np.diff(after).max() < 0 and after[0] - after[-1] > 0.1 * height)
    sure = ERRORS if len(after) >= 8 else Z_OF_FEW
    return len(after) >= FEW and rises(-after, 0.25 * height) and kendall(after) < -sure


def _left_for_good(of: Curves) -> bool:
    """Whether the training loss jumps and stays, each later row above twice the highest earlier one."""
    loss = of.loss
    if of.free or best_late(of) or _falls_again(loss) or loss.min() <= 0:
        return False
    apart = _apart(loss, 4, FEW)
    return any(low > 2 * high + 0.5 and not _falls_again(loss, jump) for jump, high, low in apart)


def _apart(values: np.ndarray, before: int, after: int) -> list[tuple[int, float, float]]:
    """Return, for each place with enough rows on both sides, the highest row before it and the lowest after it."""
    return [(at, float(values[:at].max()), float(values[at:].min())) for at in range(before, len(values) - after + 1)]


def _explodes(of: Curves) -> bool:
    """Whether few rows are enough: each from the lowest on is higher, to ten times the first; or two stay high."""
    loss = of.loss
    if of.free or loss.min() <= 0 or _falls_again(loss) or best_late(of):
        return False
    stays = any(low > 2.5 * high + 1 and loss[-1] >= loss[jump] for jump, high, low in _apart(loss, 2, 2))
    rise = loss[int(loss.argmin()) :]
    grows = len(rise) >= 3 and np.diff(rise).min() > 0 and rise[-1] > 10 * loss[0] + 5
    grows = grows and rise[-1] - rise[-2] > 3 * (rise[1] - rise[0])  # a sum over batches grows evenly
    return bool(grows or stays)


def _is_no_noise(of: Curves, low: float, tail: float, width: int, last: int) -> bool:
    """Whether a rise of the training loss is beyond the scatter of its rows.

    The lowest of many windows lies low by chance, too, so their number is in the limit. A running mean, and the mean
    of an epoch, has little scatter; of fewer than eight batches it is not known.
    """
    loss, rise = of.loss, tail - low
    if of.running_loss:  # it begins again in each epoch, which is a small rise
        agrees = len(of.accuracy) > 0 and float(of.accuracy.max() - of.accuracy[-1]) > LOST
        least = 0.5 if len(loss) >= FEW or agrees else 1.0  # times the lowest row: means of few batches scatter, too
        return rise > least * low and tail > float(loss[: max(1, int(loss.argmin()))].max())
    error = (steady(loss) if of.by_epoch else noise(loss)) * math.sqrt(1 / width + 1 / last)
    limit = math.sqrt(2 * math.log(max(2.0, len(loss) / width))) + 1
    if of.by_epoch:
        return rise > limit * error and float(np.median(loss[-3:])) > low + 0.25 * rise
    if len(loss) < 8:
        return tail > 2 * low and rise > 4 * limit * error
    wide = max(3, len(loss) // 5)
    lasting = tail - float(np.convolve(loss, np.ones(wide) / wide, mode="valid").min())
    ends_high = float(np.median(loss[-max(3, len(loss) // 10) :])) > low + 0.5 * rise
    return ends_high and rise > limit * error and lasting > max(0.15 * abs(low), limit * error)


def _held_out_rises(of: Curves) -> list[Symptom]:
    held, accuracy = of.held_loss, of.held_accuracy
    if len(held) < 2:
        return []
    least, last, where = float(held.min()), float(held[-1]), int(held.argmin())
    if last - least <= max(0.05, 0.25 * least):
        return []
    text = f"The held-out loss fell to {least:.4f} and ends at {last:.4f}."
    holds = len(accuracy) > 0 and bool(accuracy[-1] >= max(0.8, accuracy.max() - 0.02)) and last < SURE * of.level
    if holds:
        text = f"{text[:-1]}, while its accuracy holds at {accuracy[-1]:.4f}: the model grows too sure."
    after = held[where + 1 :]
    # one row after the lowest may be an outlier, two rows are no curve, and the best metric may come late
    lasting = len(after) >= 2 and float(np.median(after[-3:])) > least + 0.25 * (last - least)
    good = len(accuracy) > 0 and accuracy[-1] >= 0.8
    leaps = last > 2 * least and (last - least > LEAST_OF_TWO or not good)
    proved = leaps if len(held) == 2 or not lasting else last - least > _scatter(held, where)
    if len(after) == 1 and len(held) > 2:
        proved = last - least > max(least, 4 * noise(held[:-1]))
    if len(held) >= 6 and last < 2 * least and kendall(held[where:]) < ERRORS:  # no trend: it must leave the scatter
        proved = proved and last - least > noise(held) * (1 + math.sqrt(4 * math.log(len(held))))
    late = more_right_than_before(of) or (last < 2 * least and best_late(of))
    return [Symptom(RISES, text, firm=proved and not holds and not late)]


def _scatter(held: np.ndarray, low: int) -> float:
    """The noise of the rows after the lowest, about the line through them."""
    after = held[low:]
    if len(after) < 4:
        return 0.0
    time = np.arange(len(after))
    return float((after - np.polyval(np.polyfit(time, after, 1), time)).std())
