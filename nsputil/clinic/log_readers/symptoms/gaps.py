"""Training and held-out text apart: held-out worse, and held-out better."""

import math

import numpy as np

from nsputil.clinic.log_readers.symptoms.curves import (
    Curves,
    accuracy_gap,
    best_late,
    late_mean,
    more_right_than_before,
)
from nsputil.clinic.log_readers.symptoms.groups import BETTER, WORSE, Symptom
from nsputil.clinic.log_readers.symptoms.limits import ERRORS, LEVEL, LN2
from nsputil.clinic.log_readers.trends import Z_OF_FEW, kendall, noise, restarts

MOST_CLASSES = 100  # where their number is not known
ONE_ROW = 0.4  # of accuracy: a gap that a single row proves, if that of training is no small batch
GAP_OF_ONE = 0.25  # likewise, if the held-out loss is larger than honest probabilities cost
FAR = 3.0  # nats
BY_HEART = 0.01  # a loss of training


def held_out_worse(of: Curves) -> list[Symptom]:
    """Held-out rows end below those of training, in accuracy or in loss, by more than their scatter."""
    of_one: list[Symptom] = []
    if len(of.accuracy) and len(of.held_accuracy) and not of.running:
        gap = accuracy_gap(of)
        if gap > 0.15 and len(of.accuracy) == 1:
            small = abs(of.accuracy[0] * 64 - round(of.accuracy[0] * 64)) < 0.01  # a batch, or all rows
            text = f"The accuracy is {gap:.3f} higher in training than held out ({of.held_accuracy[-1]:.4f})."
            sure = of.by_epoch and _too_sure(of)
            firm = gap > ONE_ROW or (gap > GAP_OF_ONE and _too_sure(of))
            of_one = [
                Symptom(
                    WORSE, text, firm=firm and (not small or sure) and len(of.held_accuracy) == 1 and not _before(of)
                )
            ]
        elif gap > 0.15:
            firm = gap - ERRORS * _gap_error(of) > 0.1 and not (
                _still_follows(of) or _gap_of_many_classes(of) or _honest(of) or _before(of)
            )
            text = f"The accuracy ends {gap:.3f} higher in training than held out ({of.held_accuracy[-1]:.4f})."
            return [Symptom(WORSE, text, firm)]
    if len(of.loss) and len(of.held_loss) and not of.summed:
        pieces = restarts(of.loss)
        until = of.until_held if of.until_held >= 3 else None
        train = float(pieces[-2].mean()) if pieces else late_mean(of.loss[:until])
        held = float(of.held_loss[-1])
        if within := _within_an_epoch(of):
            train = float(of.loss[:until].mean())
        good = len(of.held_accuracy) > 0 and of.held_accuracy[-1] >= 0.8
        no_answer_is_better = held > of.level + 0.1 and held - train > 0.2 and train < of.level - LEVEL
        far_apart = (held > of.level and train < 0.5 * of.level) or (held - train > 0.5 and held > 2 * train)
        classified = of.two or len(of.accuracy) + len(of.held_accuracy) > 0
        if (no_answer_is_better and of.known and classified) or far_apart:
            firm = len(of.loss) >= 3 or (no_answer_is_better and of.known and classified)
            firm = firm and not (
                good
                or pieces
                or within
                or _as_good(of)
                or _still_follows(of)
                or more_right_than_before(of)
                or (not len(of.held_accuracy) and best_late(of))
            )
            firm = firm and (of.known or _same_scale(of))
            if firm or not of_one:
                return [Symptom(WORSE, f"The loss ends at {train:.4f} in training and at {held:.4f} held out.", firm)]
        elif 0 <= train < BY_HEART and held > 10 * BY_HEART and held > 20 * train and not of_one:
            text = f"The loss ends at {train:.2g} in training, which is learned by heart, and at {held:.4f} held out."
            return [Symptom(WORSE, text, firm=False)]
    return of_one


def _before(of: Curves) -> bool:
    """Whether one evaluation was made before all rows of training that are seen."""
    return len(of.held_accuracy) < 3 and not of.until_scored


def _within_an_epoch(of: Curves) -> bool:
    """Whether the rows are of a later epoch, and fall from above the held-out loss: batches in an order, or a mean."""
    late = 2 <= of.first_epoch < math.inf and not of.by_epoch and len(of.loss) >= 3
    return late and bool(of.loss[0] > of.held_loss.max())


def _gap_error(of: Curves) -> float:
    """The standard error of that gap: the scatter of the rows of training, and of the held-out ones."""
    count = max(1, len(of.accuracy) // 5)
    return math.hypot(noise(of.accuracy) / math.sqrt(count), noise(of.held_accuracy))


def _gap_of_many_classes(of: Curves) -> bool:
    """Whether held-out rows are good, and best late, with a loss that does not rise: by heart, and no worse for it."""
    held, good = of.held_loss, 0.8 if of.two else 0.75
    return len(held) >= 3 and bool(of.held_accuracy[-1] >= good and held[-1] < 1.1 * held.min()) and best_late(of)


def _honest(of: Curves) -> bool:
    """Whether the held-out rows are good, and their loss no larger than that of honest probabilities.

    A model that is right in a share a of the rows, and says so, costs the entropy of a, and for each wrong row up to
    the logarithm of the other classes. Rows learned by heart are then no harm: few labels, many classes.
    """
    held, accuracy = of.held_loss, float(of.held_accuracy[-1])
    if of.known and of.classes == 2:
        return False
    if not 0.7 <= accuracy < 1 or len(held) != len(of.held_accuracy) or len(held) < 2 or held[-1] > 1.1 * held.min():
        return False
    return bool(held[-1] < _honest_cost(of, accuracy) and accuracy > of.held_accuracy.max() - 0.03)


def _honest_cost(of: Curves, accuracy: float) -> float:
    others = math.log(max(2, of.classes if of.known else MOST_CLASSES) - 1)
    return -accuracy * math.log(accuracy) - (1 - accuracy) * math.log(1 - accuracy) + (1 - accuracy) * others


def _too_sure(of: Curves) -> bool:
    """Whether the last held-out loss is larger than honest probabilities cost with that accuracy, of a known loss."""
    accuracy = float(of.held_accuracy[-1])
    if not 0 < accuracy < 1 or not len(of.held_loss) or of.free or of.summed:
        return False
    return bool(of.held_loss[-1] > _honest_cost(of, accuracy))


def _as_good(of: Curves) -> bool:
    """Whether the held-out accuracy is that of training: then the two losses are of different kinds."""
    return min(len(of.accuracy), len(of.held_accuracy)) >= 3 and not of.running and accuracy_gap(of) < 0.02


def _still_follows(of: Curves) -> bool:
    """Whether the held-out rows still get better, and the gap to training closes: the training is not over."""
    pairs = [(of.accuracy, of.held_accuracy), (-of.loss, -of.held_loss)]
    for train, held in pairs if len(of.held_accuracy) >= 3 or len(of.accuracy) == 2 else pairs[1:]:
        if len(train) == len(held) == 2:
            return bool(held[1] > held[0] and train[1] - held[1] < 0.8 * (train[0] - held[0]))
        if min(len(train), len(held)) < 3:
            continue
        gaps = [float(train[int(at * (len(train) - 1))] - held[int(at * (len(held) - 1))]) for at in (0.5, 1)]
        return bool(held[-1] >= held.max() and kendall(held) >= Z_OF_FEW and gaps[1] < 0.8 * gaps[0])
    return False


def _same_scale(of: Curves) -> bool:
    """Whether losses of training and held out can be compared: they were near each other once, or the latter rises."""
    held, loss = of.held_loss, of.loss
    if len(held) == 1 and len(of.accuracy) >= 3 and of.accuracy.mean() > 0.7:  # the loss of training is of its rows
        return bool(held[0] - loss.mean() > FAR)
    return len(held) >= 2 and bool(held[0] < 1.5 * loss[:3].max() or held[-1] > held[0])


def _better_in_few_rows(of: Curves) -> list[Symptom]:
    """A held-out accuracy above that of training, or a test above both: worth a look, however few rows show it."""
    accuracy, held = of.accuracy, of.held_accuracy
    if len(of.test_accuracy) and len(accuracy) and len(held):
        test = float(of.test_accuracy[-1])
        others = max(float(accuracy[-max(3, len(accuracy) // 5) :].mean()), float(held[-3:].mean()))
        if test - others > 0.08:
            text = f"The test has an accuracy of {test:.4f}, training and validation at most {others:.4f}."
            return [Symptom(BETTER, text, firm=False)]
    if len(accuracy) and len(held) and min(len(accuracy), len(held)) < 3:
        train, last = float(accuracy[-3:].mean()), float(held[-1])
        train = max(train, float(accuracy[-1]))
        if last - train > 0.05 or (last - train > 0.02 and last > 1.25 * train):
            text = f"The accuracy ends at {train:.4f} in training and at {last:.4f} held out."
            return [Symptom(BETTER, text, firm=False)]
    return []


def _wrong_in_training(of: Curves) -> bool:
    """Whether the accuracy of training does not move, while its loss falls to less than its wrong rows would cost."""
    accuracy, loss = of.accuracy, of.loss
    if not of.by_epoch or len(loss) != len(accuracy) or len(loss) < 3 or loss[-1] < 0 or of.free:
        return False
    costs = (1 - float(accuracy[-1])) * LN2
    return bool(loss[-1] < 0.5 * costs and loss[-1] < 0.7 * loss[0] and np.ptp(accuracy) < 0.05)


def held_out_better(of: Curves) -> list[Symptom]:
    """Dropout, MixUp, label smoothing, weights and augmentation make training look worse: never firm by the loss."""
    if few := _better_in_few_rows(of):
        return few
    if len(of.accuracy) >= 3 and len(of.held_accuracy) >= 3 and not of.running:
        tail = of.accuracy[-max(3, len(of.accuracy) // 5) :]
        train, held = float(tail.mean()), float(of.held_accuracy[-3:].mean())
        gap = held - train - 2 * float(tail.std()) / math.sqrt(len(tail))
        if gap > 0.08:
            text = f"The accuracy ends at {train:.4f} in training and at {held:.4f} held out."
            firm = gap > 0.15 and of.known and train < 1 / of.classes + 0.15
            return [Symptom(BETTER, text, firm or (gap > 0.15 and _wrong_in_training(of)))]
    if len(of.loss) >= 3 and len(of.held_loss) >= 2 and not of.summed:
        train, held = late_mean(of.loss), float(of.held_loss[-1])
        if train - held > 0.15 and held < 0.7 * train:
            text = f"The loss ends at {held:.4f} held out and at {train:.4f} in training."
            return [Symptom(BETTER, text, firm=False)]
    return []
