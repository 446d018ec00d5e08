"""A training that learns nothing: at the level of knowing nothing, at chance, or constant."""

import math
from dataclasses import replace

import numpy as np

from nsputil.clinic.log_readers.symptoms.curves import Curves, accuracy_gap, late_mean
from nsputil.clinic.log_readers.symptoms.groups import CONTRADICTION, STUCK, Symptom
from nsputil.clinic.log_readers.symptoms.limits import CHANCE, ERRORS, FEW, LEVEL, LN2, MANY, NO_LOSS, SAME
from nsputil.clinic.log_readers.symptoms.standing import (
    EXACT_ROWS,
    GOOD,
    LATE,
    best_at_first,
    digits,
    frozen,
    knows_more,
    nothing_right,
    one_answer,
)
from nsputil.clinic.log_readers.trends import ends, kendall, most_of_a_rise, noise, rises

MOMENT = 0.01  # of all steps
LN10 = math.log(10)
EXACT = 0.002  # nats from ln K
FREQUENCIES = 6.9  # nats, a perplexity of 1000: words, or pieces of words, by their frequency cost 7 to 8
BEGINS = 100  # steps
KNOWS_WORDS = 6.0  # nats: a model of language that begins below it was trained before, and hardly has to fall


def never_falls(of: Curves) -> list[Symptom]:
    """Loss or accuracy stay where a model is that knows nothing, or do not move at all."""
    if len(of.loss) >= 3 and np.abs(of.loss - LN2).max() < SAME and len(of.accuracy) and not of.accuracy.any():
        text = f"The loss of training is {LN2:.4f} = ln 2 and its accuracy 0 in each of {len(of.loss)} rows: ties."
        return [Symptom(STUCK, text)]
    last = of.loss[-max(FEW, len(of.loss) // 3) :]
    if len(of.loss) >= FEW and np.abs(last - of.level).max() < SAME:  # no batch gives exactly that by chance
        text = f"The loss of training is {of.level:.4f} = ln {of.classes} in each of the last {len(last)} rows."
        return [Symptom(STUCK, f"{text} All classes get the same probability.")]
    if late := _knows_frequencies(of):
        return late
    if nothing := frozen(of) or one_answer(of) or nothing_right(of) or best_at_first(of):
        return nothing
    constant = _constant(of)
    if not any(symptom.firm for symptom in constant):
        constant = _both_at_chance(of) or constant or _neither_moves(of)
    found = _loss_at_level(of) + _accuracy_at_chance(of)
    if (
        of.free or _learned(of) or _may_have_learned(of) or _just_begun(of)
    ):  # a training that is slow, or was short: worth a look
        found = [replace(symptom, firm=False) for symptom in found]
    if (
        of.summed
        and any("accuracy" in s.statement and s.firm for s in constant + found)
        and len(of.loss) > 3
        and of.loss[-1] < 0.8 * of.loss[0]
    ):
        found.append(
            Symptom(
                STUCK,
                f"The loss falls from {of.loss[0]:.4f} to {of.loss[-1]:.4f} all the same: it is a sum with another "
                "task, or not the loss of this accuracy.",
            )
        )
    return constant + found


def _learned(of: Curves) -> bool:
    """Whether the rows show that something was learned, whatever the level: a fall or a rise beyond their scatter.

    Where the held-out rows are many enough, they alone count: what is learned by heart does not reach them.
    """
    if any(rises(values, CHANCE * max(1.0, float(values.max()))) for values in of.metrics):
        return True
    parts = [(of.held_loss, of.held_accuracy), (of.loss, of.accuracy)]
    seen = [(x, y) for x, y in parts if max(len(x), len(y)) >= 3] or parts[1:]
    loss, accuracy = seen[0]
    low = of.known and len(accuracy) > 0 and float(accuracy[-3:].mean()) < 1 / of.classes + CHANCE
    if rises(accuracy, CHANCE / 2) and rises(-loss, LEVEL) and len(accuracy) >= FEW:
        return True
    if (
        not low
        and len(accuracy)
        and not rises(loss, LEVEL)
        and rises(accuracy, min(CHANCE, 0.5 * float(accuracy[0]) + 1e-9))
    ):
        return True
    if len(loss) < 3:
        return False
    least = LEVEL if of.known and not of.summed else 0.05 * abs(ends(loss)[0])
    if len(accuracy) >= FEW and low:
        return False  # a loss that falls beside an accuracy that does not: the sum of two tasks, or learned by heart
    return rises(-loss, least)


def _both_at_chance(of: Curves) -> list[Symptom]:
    """Three rows are enough if in each of them loss and accuracy agree that nothing is known, late enough to tell.

    Two epochs are, if the evaluations agree, too. Of many classes, chance is a small number, so the limit is smaller.
    """
    loss, accuracy = of.loss, of.accuracy
    early = of.from_start and of.last_step < 500 and not of.by_epoch
    if not len(loss) == len(accuracy) >= 2 or not of.known or of.begun or early:
        return []
    near = min(0.02, 0.3 / of.classes)
    above = int((np.abs(loss - of.level) > 0.02).argmin())  # the first rows, if they lie above
    if of.by_epoch and 0 < above <= len(loss) - 2 and loss[:above].min() > of.level and len(of.held_loss) == len(loss):
        later = replace(of, **{k: getattr(of, k)[above:] for k in ("loss", "accuracy", "held_loss", "held_accuracy")})
        return _both_at_chance(later)
    pairs = [(loss, accuracy)] + ([(of.held_loss, of.held_accuracy)] if len(of.held_loss) else [])
    for losses, accuracies in pairs:
        if not len(losses) == len(accuracies) >= 2 or np.abs(losses - of.level).max() > 0.02:
            return []
        if np.abs(accuracies - 1 / of.classes).max() > near:
            return []
    if len(loss) == 2 and (len(pairs) == 1 or of.held_loss[-1] < of.held_loss[0] - 0.002):
        return []
    text = f"The loss is near ln {of.classes} = {of.level:.4f}, and the accuracy near {1 / of.classes:.4f}, in each of "
    return [Symptom(STUCK, f"{text}{len(loss)} rows.")]


def _neither_moves(of: Curves) -> list[Symptom]:
    """Few evaluations of many classes, whose number is not known: neither loss nor score moves, and both are poor."""
    held = of.held_loss
    poor = [m for m in (*of.metrics, of.held_accuracy) if len(m) >= 3 and 0 < m.max() < 0.5 and np.ptp(m) < 0.01]
    if len(held) < 3 or not poor or not of.from_start or of.begun or np.ptp(held) > 0.02 * held.mean():
        return []
    if len(of.loss) and of.loss[0] - of.loss[-1] > 0.05 * of.loss[0]:
        return []
    text = (
        f"The held-out loss is between {held.min():.4f} and {held.max():.4f} in each of {len(held)} rows, and a score "
        f"between {poor[0].min():.4f} and {poor[0].max():.4f}: neither moves."
    )
    return [Symptom(STUCK, text, firm=False)]


def _constant(of: Curves) -> list[Symptom]:
    """Numbers that are exactly the same in all rows, where chance alone would move them."""
    found = []
    accuracy, part = (of.held_accuracy, "held-out") if len(of.held_accuracy) else (of.accuracy, "training")
    same = len(accuracy) >= 3 and np.ptp(accuracy) < 1e-9
    nearly = part == "training" and len(accuracy) >= 4 and np.ptp(accuracy) < 0.01 * accuracy.max() < 0.005
    if (same or nearly) and accuracy[-1] < 0.9:
        early = not accuracy.any() and (of.begun or not len(of.loss) or of.loss.mean() > LN10)  # of many classes
        of_one = part == "training" and not of.by_epoch and len(accuracy) < 8 and accuracy[-1] < 0.15  # such as 1 of 32
        few = len(accuracy) < FEW and accuracy[-1] > 0
        falls = part == "held-out" and (rises(-of.held_loss, LEVEL) or (few and rises(-of.loss, LEVEL)))
        good_late = few and not of.from_start and accuracy[-1] > GOOD
        coarse = (few and digits(accuracy) <= 2) or falls or good_late or (part == "held-out" and knows_more(of))
        word = "" if same else "about "
        text = f"The {part} accuracy is {word}{accuracy[-1]:.4f} in each of {len(accuracy)} rows: one answer for all."
        found.append(Symptom(STUCK, text, firm=not early and not coarse and not (same and of_one)))
    if len(of.loss) >= 3 and np.ptp(of.loss) < SAME * abs(of.loss.mean()) and not _a_moment(of):
        if not (len(of.loss) and abs(float(of.loss.mean())) < NO_LOSS):
            fine = 10.0 ** -digits(of.loss) < 1e-3 * abs(float(of.loss.mean()))
            text = f"The loss of training is {of.loss.mean():.4f} in each of {len(of.loss)} rows."
            enough = len(of.loss) >= 8 or (fine and (len(of.loss) >= 4 or of.from_start))
            found.append(Symptom(STUCK, text, firm=not of.begun and enough))
    return found


def _may_have_learned(of: Curves) -> bool:
    """Whether the rows of training leave room for more than nothing: "never falls" is firm only where they do not.

    A row is the mean of a batch, so it has a sampling error, and so has the mean of the later half of the rows: their
    standard deviation over the root of their number. What the model knows lies within two such errors of that mean. It
    may have learned if the accuracy at the upper limit is beyond chance by more than `CHANCE`, and the loss at its
    lower limit is below ln K. Held-out rows must not say the contrary. Without them, accuracy or loss must also have
    moved: a model that has learned only which class is larger is better than chance from the first steps on.
    """
    accuracy, loss = of.accuracy, of.loss
    if len(accuracy) < MANY or of.running:
        return False
    chance = 1 / of.classes
    mean, error = _later_half(accuracy)
    if mean + ERRORS * error < chance + CHANCE:
        return False
    if not of.summed and len(loss) >= MANY:
        mean, error = _later_half(loss)
        if mean - ERRORS * error > of.level:
            return False
    held = of.held_accuracy
    if len(held) >= 3:
        return bool(np.ptp(held) > 1e-9) and float(held[-(len(held) // 2) :].mean()) > chance + CHANCE / 2
    return kendall(accuracy) > ERRORS or kendall(-loss) > ERRORS


def _later_half(values: np.ndarray) -> tuple[float, float]:
    """Return the mean of the later half of the rows, and its standard error."""
    half = values[-(len(values) // 2) :]
    return float(half.mean()), float(half.std(ddof=1)) / math.sqrt(len(half))


def _loss_at_level(of: Curves) -> list[Symptom]:
    if 0 < len(of.loss) < FEW and np.abs(of.loss - LN2).max() < SAME and not (of.begun or len(of.held_accuracy)):
        text = f"The loss of training is {of.loss[-1]:.4f} = ln 2, which is what two equal probabilities cost."
        return [Symptom(STUCK, text, firm=False)]
    known = f"knowing nothing costs ln {of.classes} = {of.level:.4f}"
    accuracy = of.held_accuracy if len(of.held_accuracy) else of.accuracy
    agrees = len(accuracy) > 0 and late_mean(accuracy) < 1 / of.classes + 0.1  # an accuracy says the same
    if len(of.loss) >= 4 and not of.summed and not of.begun and of.known:
        head, tail = ends(of.loss)
        if abs(tail - of.level) < LEVEL and not _above_chance(of):
            firm = of.from_start or agrees or of.two or _rows_of_the_level(of)
            late = of.loss[len(of.loss) // 2 :]  # the last row alone may be a single batch
            near = max(late.mean() + late.std() / math.sqrt(len(late)), np.median(late)) > of.level - LEVEL
            firm = firm and bool(of.by_epoch or near)
            return [Symptom(STUCK, f"The loss of training ends at {tail:.4f}; {known}.", firm)]
        if _a_moment(of) or _above_chance(of):
            return []
        share = max(1, len(of.loss) // 5)
        if (
            1.5 * head + 0.5
            > tail
            > max(head - max(0.02 * head, 2 * noise(of.loss) / math.sqrt(share)), 0.8 * of.level)
        ):
            fall = most_of_a_rise(-of.loss)
            middle = of.loss.mean() if len(of.loss) >= EXACT_ROWS else np.median(of.loss)  # one row moves a mean of few
            firm = of.from_start and (fall < 0.1 * of.level or float(middle) > of.level)
            off, few = float(np.median(of.loss)) - of.level, len(of.loss) < MANY and not (of.two or len(accuracy))
            firm = firm and not (of.guessed and abs(off) > LEVEL)  # the level is known from the losses alone
            firm = firm and not (few and off > LEVEL)
            text = f"The loss of training begins at {head:.4f} and ends at {tail:.4f}; {known}."
            return [Symptom(STUCK, text, firm)]
    if len(of.loss) >= 4 and (of.summed or not of.known) and not len(of.accuracy) + len(of.held_accuracy):
        head, tail = ends(of.loss)
        if 1.5 * head > tail > 0.97 * head:
            fall = most_of_a_rise(-of.loss)
            firm = len(of.loss) >= 8 and fall < 0.02 * head and of.from_start and of.counted
            firm = firm and not (of.begun or _a_moment(of) or of.running_loss)
            firm = firm and not (of.perplexity and head < KNOWS_WORDS)
            return [Symptom(STUCK, f"The loss of training begins at {head:.4f} and ends at {tail:.4f}.", firm)]
    if len(of.held_loss) and not (of.summed and len(of.loss)) and of.known:
        last = float(of.held_loss[-1])
        fell = (
            len(of.held_loss) >= 3 and of.held_loss[0] - last > 2 * LEVEL and last > of.level + LEVEL
        )  # more classes?
        if of.level - LEVEL < last < of.level + 0.5 and not (
            fell or _few(of) or _above_chance(of) or of.held_loss.min() < of.level - 2 * LEVEL
        ):
            firm = (agrees or of.two or (len(of.held_loss) >= 3 and not len(accuracy))) and not _still_falls(of)
            return [Symptom(STUCK, f"The held-out loss ends at {last:.4f}; {known}.", firm)]
    return []


def _rows_of_the_level(of: Curves) -> bool:
    """Whether rows of any time lie so near ln K, with so little scatter, that no other loss is there by chance.

    A model that knows a little lies below ln K, and batches of a task that it knows scatter more than that.
    """
    off = of.loss - of.level
    if FEW <= len(off) < EXACT_ROWS and of.last_step >= 1000:
        return bool(np.abs(off).max() < EXACT and off.mean() > -EXACT / 4)
    return bool(len(off) >= EXACT_ROWS and abs(off.mean()) < EXACT and off.mean() > -EXACT / 4) and bool(
        np.abs(off).max() < 3 * EXACT and kendall(-of.loss) < ERRORS and (of.last_step >= 1000 or not of.counted)
    )


def _knows_frequencies(of: Curves) -> list[Symptom]:
    """A loss by word that stays where a model is that knows only how frequent each word is, late in a training."""
    loss = of.loss
    late = of.first_step >= LATE and of.last_step > of.first_step
    late = late and (len(loss) >= EXACT_ROWS or (len(loss) >= FEW and np.ptp(loss) < LEVEL))
    epochs = of.by_epoch and len(loss) >= 3 and np.ptp(loss) < 0.01
    if not of.per_word or not (late or epochs):
        return []
    if loss.min() < FREQUENCIES or kendall(-loss) > ERRORS or most_of_a_rise(-loss) > LEVEL:
        return []
    text = (
        f"The loss by word stays between {loss.min():.4f} and {loss.max():.4f} in {len(loss)} rows until step "
        f"{of.last_step}; knowing only how frequent each word is costs about as much."
    )
    return [Symptom(STUCK, text)]


def _still_falls(of: Curves) -> bool:
    """Whether few rows are of a training that has begun to learn: both losses fall from row to row."""
    few = 3 <= len(of.loss) < EXACT_ROWS and 3 <= len(of.held_loss) < EXACT_ROWS and not len(of.held_accuracy)
    return (
        few
        and bool(np.diff(of.loss).max() < 0 and np.diff(of.held_loss).max() < 0)
        and bool(of.loss[0] - of.loss[-1] > 0.4 * LEVEL and of.held_loss[0] - of.held_loss[-1] > 0.04 * LEVEL)
    )


def _a_moment(of: Curves) -> bool:
    """Whether the rows are of a moment late in a training: a loss that does not fall there may have fallen before."""
    return of.first_step > 0 and of.last_step - of.first_step < MOMENT * of.last_step


def _above_chance(of: Curves) -> bool | None:
    """Whether the last accuracies are clearly better than guessing, whatever the loss is; None if there are none."""
    accuracy = of.held_accuracy if len(of.held_accuracy) else of.accuracy
    return float(accuracy[-3:].mean()) > 1 / of.classes + 0.15 if len(accuracy) else None


def _just_begun(of: Curves) -> bool:
    """Whether there are only few rows of a beginning, which a warm-up may have, too."""
    return of.counted and not of.by_epoch and of.from_start and 0 < len(of.loss) < EXACT_ROWS and of.last_step < BEGINS


def _few(of: Curves) -> bool:
    """Whether a training is seen, but only its first rows."""
    first = of.counted and not of.by_epoch and not 2 <= of.first_epoch < math.inf
    few = EXACT_ROWS if first else 4
    return 0 < len(of.loss) < few and of.last_step < 1000 and max(len(of.held_loss), len(of.held_accuracy)) < 3


def _accuracy_at_chance(of: Curves) -> list[Symptom]:
    accuracy, part = (of.held_accuracy, "held-out") if len(of.held_accuracy) else (of.accuracy, "training")
    if not len(accuracy) or (part == "training" and len(accuracy) < 3) or _few(of):
        return []
    if len(accuracy) >= 3 and np.ptp(accuracy) < 1e-9:
        return []  # `_constant` says so
    last, chance = float(accuracy[-3:].mean()), 1 / of.classes
    loss = of.held_loss if part == "held-out" else of.loss
    if of.classes == 2 and last < 0.4 and accuracy_gap(of) < 0.15:
        if not of.two and len(accuracy) < 3:
            return []
        text = f"The {part} accuracy ends at {last:.4f}"
        if of.two and not of.summed and len(loss):
            text = f"{text}, below chance: labels or columns are exchanged, or there are more than two classes."
            return [Symptom(CONTRADICTION, text)]
        text = f"{text}; there seem to be more than two classes (--classes)."
        return [Symptom(STUCK, text, firm=False)] if not _learned(of) else []
    if last < chance + min(CHANCE, chance) and accuracy_gap(of) < 0.15 and (of.known or not _learned(of)):
        agrees = len(loss) > 0 or (len(of.loss) > 0 and abs(late_mean(of.loss) - of.level) < LEVEL)
        seen = of.from_start or of.two or len(of.loss) > 0 and abs(late_mean(of.loss) - of.level) < LEVEL
        enough = len(accuracy) >= (8 if part == "training" and not of.by_epoch else 3)
        firm = of.known and seen and not of.begun and (enough or of.two or agrees and of.classes <= 10)
        return [Symptom(STUCK, f"The {part} accuracy ends at {last:.4f}; chance is {chance:.4f}.", firm)]
    if len(accuracy) >= 5 and last < 0.5 and last - accuracy[:3].mean() < 0.01:
        text = f"The {part} accuracy begins at {accuracy[:3].mean():.4f} and ends at {last:.4f}."
        firm = of.known and of.from_start and not of.begun and most_of_a_rise(accuracy) < CHANCE
        return [Symptom(STUCK, text, firm)]
    return []
