"""What the curves of any training can show: groups of symptoms, not causes.

A cause is named only from numbers that were compared with trainings of the same kind; a log of another size or task has
none. Each group is one small function with its limits beside it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nsputil.clinic.log_readers.reading import LogReading

NAN = "not a number"
CONTRADICTION = "contradictory numbers"
RISES = "falls, then rises"
STUCK = "never falls"
WORSE = "held-out worse than training"
BETTER = "held-out better than training"
PERFECT = "too good"
GROUPS = (NAN, CONTRADICTION, RISES, STUCK, WORSE, BETTER, PERFECT)
LN2 = math.log(2)
LEVEL = 0.05  # nats below ln K; a model that is nearer has hardly learned
CHANCE = 0.06  # accuracy above 1 / K, likewise
SAME = 1e-4  # two numbers that are printed with four digits
MOST_OF_ONE_CLASS = 0.95  # with a larger accuracy F1 is near 2a / (1 + a) anyway
ERRORS = 2  # standard errors that a limit is away from its mean
BEGUN = 0.1  # of an epoch
MOMENT = 0.01  # of all steps
MANY = 20  # rows of training from which their sampling error is known
NO_LOSS = 5e-4  # a loss below it: each row is right, and the model is sure
FEW = 5  # rows of training, below which "learns" is not said


@dataclass(frozen=True)
class Symptom:
    """What is unusual about the numbers.

    Attributes
    ----------
    group : str
        One of `GROUPS`.
    statement : str
        One sentence with the numbers.
    firm : bool
        False: worth a look, but seen in good trainings, too.
    """

    group: str
    statement: str
    firm: bool = True


@dataclass(frozen=True)
class Curves:
    """The numbers of a log by part, finite ones only; NaN is looked for before.

    Attributes
    ----------
    loss, accuracy : ndarray
        Of training.
    held_loss, held_accuracy : ndarray
        Of the evaluations while training; of the test if there are none.
    classes : int
    summed : bool
        Whether the loss seems to be a sum with another task: it begins far above ln K, so its level says nothing.
    running, running_loss : bool
        Whether the accuracy of training, or its loss, is a running mean.
    first_step, last_step : int
    begun : bool
        Whether the rows are known to be the first of a training, less than `BEGUN` of an epoch.
    """

    loss: np.ndarray
    accuracy: np.ndarray
    held_loss: np.ndarray
    held_accuracy: np.ndarray
    classes: int
    summed: bool
    running: bool
    last_step: int = 0
    first_step: int = 0
    running_loss: bool = False
    begun: bool = False

    @property
    def level(self) -> float:
        """The loss of a model that knows nothing, in nats."""
        return math.log(self.classes)


def curves(reading: LogReading) -> Curves:
    """Return the curves of a log."""

    def of(part: str, quantity: str) -> np.ndarray:
        values = np.array(reading.series(part, quantity), float)
        return values[np.isfinite(values)]

    held = "held_out" if any(row["part"] == "held_out" for row in reading.rows) else "test"
    loss, held_loss = of("train", "loss"), of(held, "loss")
    counted = "step" in reading.columns
    first = loss[:3] if len(loss) else held_loss[:1]
    summed = bool(len(first)) and float(first.min()) > 3 * math.log(reading.classes) + 1
    return Curves(
        loss, of("train", "accuracy"), held_loss, of(held, "accuracy"), reading.classes, summed,
        "accuracy of train" in reading.running, reading.rows[-1]["step"] if reading.rows else 0,
        reading.rows[0]["step"] if reading.rows else 0, "loss of train" in reading.running,
        0 < reading.epochs < BEGUN and len(loss) < MANY and not (counted and reading.rows[-1]["step"] >= 1000),
    )  # fmt: skip


def symptoms(reading: LogReading) -> list[Symptom]:
    """Return what is unusual, in the order of `GROUPS`; firm symptoms first."""
    with np.errstate(all="ignore"):
        of = curves(reading)
        found = _not_a_number(reading) + _one_class(reading) + _no_correlation(reading)
        for look in LOOKS:
            found += look(of)
    return sorted(found, key=lambda s: (not s.firm, GROUPS.index(s.group)))


def _not_a_number(reading: LogReading) -> list[Symptom]:
    for name, quantity in (("loss", "loss"), ("accuracy", "accuracy")):
        for index, row in enumerate(reading.rows):
            if quantity in row and not math.isfinite(row[quantity]):
                before = [r[quantity] for r in reading.rows[:index] if r["part"] == row["part"] and quantity in r]
                was = f"; before it was {before[-1]:.4g}" if before else ", from the first row on"
                part = {"train": "of training", "held_out": "held out", "test": "of the test"}[row["part"]]
                return [Symptom(NAN, f"At step {row['step']} the {name} {part} is {row[quantity]}{was}.")]
    return []


def _one_class(reading: LogReading) -> list[Symptom]:
    """One class is never answered right: with an accuracy of a, F1 is 2a / (1 + a) only if TN is 0, and 0 if TP is."""
    rows = [row for row in reading.rows if "f1" in row and row["part"] != "train"]
    if not rows or not 0 < rows[-1]["accuracy"] < MOST_OF_ONE_CLASS:
        return []
    accuracy, f1 = rows[-1]["accuracy"], rows[-1]["f1"]
    if f1 != 0 and abs(f1 - 2 * accuracy / (1 + accuracy)) > SAME:
        return []
    algebra = "F1 is 0" if f1 == 0 else f"F1 is {f1:.4f} = 2a / (1 + a)"
    text = f"The accuracy a is {accuracy:.4f} and {algebra}: no row of one of the classes is answered right."
    return [Symptom(STUCK, text)]


def _no_correlation(reading: LogReading) -> list[Symptom]:
    """Matthews' correlation is 0 if all rows get one answer; other answers hardly ever give exactly 0."""
    rows = [row for row in reading.rows if "mcc" in row]
    last = [row["mcc"] for row in rows[-3:]]
    if not last or any(last) or len(rows) == 2:
        return []
    if rows[-1].get("loss", 1.0) < NO_LOSS:
        text = f"The loss is {rows[-1]['loss']:.2g}, which is all rows right, and Matthews' correlation is 0."
        return [Symptom(CONTRADICTION, text)]
    count = "the last" if len(rows) > 1 else "its"
    return [Symptom(STUCK, f"Matthews' correlation is 0 in {count} {len(last)} rows: one answer for all.")]


def _contradiction(of: Curves) -> list[Symptom]:
    """A wrong row costs at least ln 2: its gold class has a probability of one half at most."""
    for loss in (of.loss, of.held_loss):
        if len(loss) and loss.min() < -1e-6:
            return [
                Symptom(
                    CONTRADICTION,
                    f"A loss is {loss.min():.4g}: minus the logarithm of a probability is never negative.",
                )
            ]
    found = []
    if len(of.held_loss) == len(of.held_accuracy) and len(of.held_loss):
        short = (1 - of.held_accuracy) * LN2 - of.held_loss
        worst = int(short.argmax())
        if short[worst] > 0.01:
            found.append(_beneath("held out", of.held_loss[worst], of.held_accuracy[worst]))
    if not of.running and len(of.loss) == len(of.accuracy) >= 2:
        mean, right = float(of.loss.mean()), float(of.accuracy.mean())
        if (1 - right) * LN2 - mean > 0.02 and not found:
            found.append(_beneath("of training, in the mean of all rows,", mean, right))
    if len(of.loss) >= 3 and not of.loss.any():
        found.append(Symptom(CONTRADICTION, "All losses are exactly 0: nothing was measured."))
    elif len(of.loss) >= 4 and not of.loss[-3:].any():
        found.append(
            Symptom(
                CONTRADICTION,
                "The last losses are exactly 0 after others that were not: nothing was measured, or NaN was hidden.",
            )
        )
    return found


def _beneath(part: str, loss: float, accuracy: float) -> Symptom:
    least = (1 - accuracy) * LN2
    text = (
        f"The loss {part} is {loss:.4f} with an accuracy of {accuracy:.4f}; the wrong rows alone cost {least:.4f}, so "
        "the two are not of the same rows, or one is not what its name says."
    )
    return Symptom(CONTRADICTION, text)


def _rises(of: Curves) -> list[Symptom]:
    found = []
    loss = of.loss
    if len(loss) >= 3:
        width = max(1, len(loss) // 10)
        smooth = np.convolve(loss, np.ones(width) / width, mode="valid")
        low, tail = int(smooth.argmin()), float(loss[-max(width, min(3, len(loss) // 3)) :].mean())
        noise = 0.0 if of.running_loss else _noise(loss) / math.sqrt(width)  # a mean of many batches has little
        if low < 0.8 * len(smooth) and tail - smooth[low] > max(0.1, 0.25 * smooth[low], 4 * noise):
            found.append(Symptom(RISES, f"The loss of training fell to {smooth[low]:.4f} and ends at {tail:.4f}."))
    elif len(loss) == 2 and loss[1] > 1.5 * loss[0] + 0.5:
        found.append(Symptom(RISES, f"The loss of training rose from {loss[0]:.4f} to {loss[1]:.4f}."))
    held = of.held_loss
    if len(held) >= 2 and not found:
        least, last = float(held.min()), float(held[-1])
        holds = (
            len(of.held_accuracy) > 0
            and of.held_accuracy[-1] >= max(0.8, of.held_accuracy.max() - 0.02)
            and last < of.level
        )
        if last - least > max(0.05, 0.25 * least):
            text = f"The held-out loss fell to {least:.4f} and ends at {last:.4f}."
            if holds:
                text = f"{text[:-1]}, while its accuracy holds at {of.held_accuracy[-1]:.4f}: the model grows too sure."
            found.append(Symptom(RISES, text, firm=not holds))
    return found


def _noise(values: np.ndarray) -> float:
    """The standard deviation of one value about a smooth curve."""
    return float(np.diff(values).std() / math.sqrt(2)) if len(values) > 2 else 0.0


def _stuck(of: Curves) -> list[Symptom]:
    last = of.loss[-max(FEW, len(of.loss) // 3) :]
    if len(of.loss) >= FEW and np.abs(last - of.level).max() < SAME:  # no batch gives exactly that by chance
        text = f"The loss of training is {of.level:.4f} = ln {of.classes} in each of the last {len(last)} rows."
        return [Symptom(STUCK, f"{text} All classes get the same probability.")]
    found = _loss_at_level(of) + _accuracy_at_chance(of)
    if _may_have_learned(of):  # a training that is slow, or was short: worth a look
        found = [replace(symptom, firm=False) for symptom in found]
    if (
        of.summed
        and any("accuracy" in s.statement for s in found)
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
    return _trend(accuracy) > ERRORS or _trend(-loss) > ERRORS


def _later_half(values: np.ndarray) -> tuple[float, float]:
    """Return the mean of the later half of the rows, and its standard error."""
    half = values[-(len(values) // 2) :]
    return float(half.mean()), float(half.std(ddof=1)) / math.sqrt(len(half))


def _trend(values: np.ndarray) -> float:
    """Return the slope of the line through the rows, in its standard errors."""
    if len(values) < MANY:
        return 0.0
    time = np.arange(len(values)) - (len(values) - 1) / 2
    slope = float(time @ values / (time @ time))
    rest = values - values.mean() - slope * time
    error = math.sqrt(float(rest @ rest) / (len(values) - 2) / float(time @ time))
    return slope / error if error > 0 else 0.0


def _loss_at_level(of: Curves) -> list[Symptom]:
    known = f"knowing nothing costs ln {of.classes} = {of.level:.4f}"
    if len(of.loss) >= 4 and not of.summed and not of.begun:
        share = max(1, len(of.loss) // 5)
        head, tail = float(of.loss[:share].mean()), float(of.loss[-share:].mean())
        if abs(tail - of.level) < LEVEL and not _above_chance(of):
            return [Symptom(STUCK, f"The loss of training ends at {tail:.4f}; {known}.")]
        if _a_moment(of) or _above_chance(of):
            return []
        if (
            1.5 * head + 0.5
            > tail
            > max(head - max(0.02 * head, 2 * _noise(of.loss) / math.sqrt(share)), 0.8 * of.level)
        ):
            return [Symptom(STUCK, f"The loss of training begins at {head:.4f} and ends at {tail:.4f}; {known}.")]
    if len(of.loss) >= 4 and of.summed and len(of.accuracy) == 0 == len(of.held_accuracy):
        share = max(1, len(of.loss) // 5)
        head, tail = float(of.loss[:share].mean()), float(of.loss[-share:].mean())
        if tail > 0.97 * head:
            return [Symptom(STUCK, f"The loss of training begins at {head:.4f} and ends at {tail:.4f}.")]
    if len(of.held_loss) and not (of.summed and len(of.loss)):
        last = float(of.held_loss[-1])
        fell = (
            len(of.held_loss) >= 3 and of.held_loss[0] - last > 2 * LEVEL and last > of.level + LEVEL
        )  # more classes?
        if of.level - LEVEL < last < of.level + 0.5 and not (fell or _few(of) or _above_chance(of)):
            return [Symptom(STUCK, f"The held-out loss ends at {last:.4f}; {known}.")]
    return []


def _a_moment(of: Curves) -> bool:
    """Whether the rows are of a moment late in a training: a loss that does not fall there may have fallen before."""
    return of.first_step > 0 and of.last_step - of.first_step < MOMENT * of.last_step


def _above_chance(of: Curves) -> bool:
    """Whether the last accuracies are clearly better than guessing, whatever the loss is."""
    accuracy = of.held_accuracy if len(of.held_accuracy) else of.accuracy
    return len(accuracy) > 0 and float(accuracy[-3:].mean()) > 1 / of.classes + 0.15


def _few(of: Curves) -> bool:
    """Whether a training is seen, but only its first rows."""
    return 0 < len(of.loss) < 4 and of.last_step < 1000 and max(len(of.held_loss), len(of.held_accuracy)) < 3


def _accuracy_at_chance(of: Curves) -> list[Symptom]:
    accuracy, part = (of.held_accuracy, "held-out") if len(of.held_accuracy) else (of.accuracy, "training")
    if not len(accuracy) or (part == "training" and len(accuracy) < 3) or _few(of):
        return []
    last, chance = float(accuracy[-3:].mean()), 1 / of.classes
    if len(accuracy) >= 3 and np.ptp(accuracy[-3:]) < 1e-9 and np.ptp(accuracy) < 1e-9 and accuracy[-1] < 0.9:
        return [
            Symptom(
                STUCK,
                f"The {part} accuracy is {accuracy[-1]:.4f} in each of {len(accuracy)} rows: one answer for all.",
            )
        ]
    if of.classes == 2 and last < 0.4 and _gap(of) < 0.15:
        loss = of.held_loss if part == "held-out" else of.loss
        if not of.summed and len(loss) and loss[-1] < 1.5:
            return [
                Symptom(
                    CONTRADICTION,
                    f"The {part} accuracy ends at {last:.4f}, below chance: labels or columns are exchanged, or there "
                    "are more than two classes (--classes).",
                )
            ]
        return [
            Symptom(
                STUCK, f"The {part} accuracy ends at {last:.4f}; there seem to be more than two classes (--classes)."
            )
        ]
    if last < chance + CHANCE and _gap(of) < 0.15:
        return [Symptom(STUCK, f"The {part} accuracy ends at {last:.4f}; chance is {chance:.4f}.")]
    if len(accuracy) >= 5 and last < 0.5 and last - accuracy[:3].mean() < 0.01:
        return [Symptom(STUCK, f"The {part} accuracy begins at {accuracy[:3].mean():.4f} and ends at {last:.4f}.")]
    return []


def _gap(of: Curves) -> float:
    """How much higher the accuracy of training ends than that of the held-out rows."""
    if of.running or not len(of.accuracy) or not len(of.held_accuracy):
        return 0.0
    return float(of.accuracy[-max(1, len(of.accuracy) // 5) :].mean() - of.held_accuracy[-1])


def _late(loss: np.ndarray) -> float:
    """The mean of the last three rows; of fewer, if there are few: they are far apart."""
    return float(loss[-max(1, min(3, len(loss) // 3)) :].mean())


def _worse(of: Curves) -> list[Symptom]:
    if len(of.accuracy) and len(of.held_accuracy) and not of.running:
        gap = _gap(of)
        if gap > 0.15 and len(of.accuracy) > 1:
            return [
                Symptom(
                    WORSE, f"The accuracy ends {gap:.3f} higher in training than held out ({of.held_accuracy[-1]:.4f})."
                )
            ]
    if len(of.loss) and len(of.held_loss) and not of.summed:
        train, held = _late(of.loss), float(of.held_loss[-1])
        good = len(of.held_accuracy) > 0 and of.held_accuracy[-1] >= 0.8
        no_answer_is_better = held > of.level + 0.1 and held - train > 0.2 and train < of.level - LEVEL
        far_apart = (held > of.level and train < 0.5 * of.level) or (held - train > 0.5 and held > 2 * train)
        if no_answer_is_better or (far_apart and len(of.loss) >= 3):
            return [
                Symptom(WORSE, f"The loss ends at {train:.4f} in training and at {held:.4f} held out.", firm=not good)
            ]
    return []


def _better(of: Curves) -> list[Symptom]:
    if len(of.accuracy) >= 3 and len(of.held_accuracy) >= 3 and not of.running:
        tail = of.accuracy[-max(3, len(of.accuracy) // 5) :]
        train, held = float(tail.mean()), float(of.held_accuracy[-3:].mean())
        gap = held - train - 2 * float(tail.std()) / math.sqrt(len(tail))
        if gap > 0.08:
            return [
                Symptom(
                    BETTER,
                    f"The accuracy ends at {train:.4f} in training and at {held:.4f} held out.",
                    firm=gap > 0.15,
                )
            ]
    if len(of.loss) >= 3 and len(of.held_loss) >= 2 and not of.summed:
        train, held = _late(of.loss), float(of.held_loss[-1])
        if train - held > 0.15 and held < 0.7 * train:
            return [
                Symptom(
                    BETTER,
                    f"The loss ends at {held:.4f} held out and at {train:.4f} in training.",
                    firm=held < 0.5 * train and train - held > 0.2,
                )
            ]
    return []


def _perfect(of: Curves) -> list[Symptom]:
    if len(of.held_accuracy) and of.held_accuracy[-1] > 0.99995:
        if not len(of.held_loss) or of.held_loss[-1] < 0.1:
            return [Symptom(PERFECT, "The held-out accuracy is 1: each row is right.")]
        if len(of.held_accuracy) >= 2 and of.held_accuracy.min() > 0.99995:
            text = f"The held-out accuracy is 1 from the first row on, with a loss of {of.held_loss[-1]:.4f}."
            return [Symptom(PERFECT, text)]
    if len(of.held_loss) and 0 <= of.held_loss[-1] < NO_LOSS:
        return [
            Symptom(
                PERFECT,
                f"The held-out loss is {of.held_loss[-1]:.2g}.",
                firm=not len(of.held_accuracy) or of.held_accuracy[-1] > 0.999,
            )
        ]
    if len(of.accuracy) >= 5 and of.accuracy[-3:].min() > 0.99995:
        return [Symptom(PERFECT, "The accuracy of training is 1.", firm=not len(of.held_accuracy))]
    return []


LOOKS: tuple[Callable[[Curves], list[Symptom]], ...] = (_contradiction, _rises, _stuck, _worse, _better, _perfect)
