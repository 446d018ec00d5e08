"""What the curves of any training can show: groups of symptoms, not causes.

A cause is named only from numbers that were compared with trainings of the same kind; a log of another size or task has
none. Each group is one small function with its limits beside it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.trends import Z_OF_FEW, ends, kendall, most_of_a_rise, noise, restarts, rises, steady

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
ALL_RIGHT = 0.9985  # of the held-out rows from the first evaluation on: labels alone have more errors than that
LN10 = math.log(10)
KNOWS_WORDS = 6.0  # nats: a model of language that begins below it was trained before, and hardly has to fall
BEYOND_WORDS = 16.0  # nats: e to that power is 9 million, more than any vocabulary has words
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
    known : bool
        Whether the number of classes is known: given, found in the numbers, or two by the name of the task. If not,
        ln K and 1 / K are levels of nothing.
    two : bool
        Whether it is known that there are two: given, or named.
    summed : bool
        Whether the loss seems to be a sum with another task: it begins far above ln K, so its level says nothing.
    running, running_loss : bool
        Whether the accuracy of training, or its loss, is a running mean.
    first_step, last_step : int
    begun : bool
        Whether the rows are known to be the first of a training, less than `BEGUN` of an epoch.
    from_start, counted : bool
        Whether the first row seems to be near the beginning of the training, and whether a step or epoch says so.
    by_epoch : bool
        Whether each row is a whole epoch.
    free : bool
        Whether the loss is of a kind that need not fall, and may be negative: of a policy, of two adversaries.
    metrics : tuple of ndarray
        What else was measured held out, where more is better: F1, recall, BLEU.
    test_accuracy : ndarray
        Of the test, where there are evaluations, too.
    until_held : int
        How many losses of training there are up to the last held-out row.
    perplexity : bool
        Whether the loss is the logarithm of a perplexity.
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
    known: bool = True
    two: bool = False
    from_start: bool = True
    counted: bool = True
    by_epoch: bool = False
    free: bool = False
    metrics: tuple[np.ndarray, ...] = ()
    test_accuracy: np.ndarray = field(default_factory=lambda: np.zeros(0))
    until_held: int = 0
    perplexity: bool = False

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
    loss, held_loss, accuracy, held_accuracy = (
        of("train", "loss"),
        of(held, "loss"),
        of("train", "accuracy"),
        of(held, "accuracy"),
    )
    counted = "step" in reading.columns
    first = loss[:3] if len(loss) else held_loss[:1]
    summed = bool(len(first)) and float(first.min()) > 3 * math.log(reading.classes) + 1
    named = any(parse_name(raw).task == "nsp" for raw in reading.columns.values())
    two = reading.classes == 2 and (named or reading.classes_from == "given")
    by_epoch = not counted and 0 < len(loss) <= reading.epochs - reading.first_epoch + 1 < math.inf
    losses = [x for x in (loss, held_loss) if len(x)]
    accuracies = [x for x in (accuracy, held_accuracy) if len(x)]
    return Curves(
        loss, accuracy, held_loss, held_accuracy, reading.classes, summed,
        "accuracy of train" in reading.running, reading.rows[-1]["step"] if reading.rows else 0,
        reading.rows[0]["step"] if reading.rows else 0, "loss of train" in reading.running,
        0 < reading.epochs < BEGUN and len(loss) < MANY and not (counted and reading.rows[-1]["step"] >= 1000),
        (two or _many(reading, losses, accuracies) or _looks_like_two(losses, accuracies))
        and not (reading.free or reading.perplexity),
        two and not reading.free, _from_start(reading),
        counted or math.isfinite(reading.first_epoch), by_epoch,
        reading.free,
        tuple(np.array(values) for values in reading.metrics.values() if np.isfinite(values).all()),
        of("test", "accuracy") if held == "held_out" else np.zeros(0), _until_held(reading, held), reading.perplexity,
    )  # fmt: skip


def _until_held(reading: LogReading, held: str) -> int:
    last = max((row["step"] for row in reading.rows if row["part"] == held and "loss" in row), default=math.inf)
    return sum(
        row["part"] == "train" and row["step"] <= last and np.isfinite(row.get("loss", np.nan)) for row in reading.rows
    )


def _many(reading: LogReading, losses: list[np.ndarray], accuracies: list[np.ndarray]) -> bool:
    """Whether there are known to be more than two classes: a first loss near ln K alone may be one of another kind."""
    if reading.classes == 2:
        return False
    level = math.log(reading.classes)
    stays = any(max(abs(end - level) for end in ends(x)) < 0.015 for x in losses)
    return reading.classes_from != "guessed" or bool(accuracies) or stays


def _looks_like_two(losses: list[np.ndarray], accuracies: list[np.ndarray]) -> bool:
    """Whether a log whose number of classes is not known begins as one of two classes: near ln 2, near 1/2."""
    if accuracies and min(float(x[:3].mean()) for x in accuracies) < 0.35:
        return False
    if accuracies and min(float(x[-3:].mean()) for x in accuracies) < 0.35:
        return False
    if losses and ends(losses[0])[0] < 3 * LN2 + 1:
        first = float(losses[0][: max(1, min(3, len(losses[0]) // 3))].mean())
        mean = first if accuracies else float(losses[0].mean())
        return 0.35 < min(first, ends(losses[0])[0]) and max(first, ends(losses[0])[0], mean) < 1.2
    return bool(accuracies) and len(accuracies[0]) >= FEW and all(0.4 < x[:3].mean() < 0.65 for x in accuracies)


def _from_start(reading: LogReading) -> bool:
    """Whether the first row is of the first epoch, or not more than two gaps between rows from step 0."""
    if math.isfinite(reading.first_epoch) and reading.first_epoch > 1:
        return False
    if "step" not in reading.columns:
        return True
    steps = sorted({row["step"] for row in reading.rows})
    gap = float(np.median(np.diff(steps))) if len(steps) > 1 else math.inf
    return steps[0] <= 2 * gap + 1 if steps else True


def symptoms(reading: LogReading) -> list[Symptom]:
    """Return what is unusual, in the order of `GROUPS`; firm symptoms first."""
    with np.errstate(all="ignore"):
        of = curves(reading)
        found = _not_a_number(reading) + _one_class(reading) + _no_correlation(reading) + _all_zero(reading)
        found += _right_at_once(reading, of) + _one_answer(reading)
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
    if not last or any(last):
        return []
    if rows[-1].get("loss", 1.0) < NO_LOSS:
        text = f"The loss is {rows[-1]['loss']:.2g}, which is all rows right, and Matthews' correlation is 0."
        return [Symptom(CONTRADICTION, text)]
    count = "the last" if len(rows) > 1 else "its"
    text = f"Matthews' correlation is 0 in {count} {len(last)} rows: one answer for all."
    return [Symptom(STUCK, text, firm=len(rows) != 2)]  # two may be of a warm-up


def _one_answer(reading: LogReading) -> list[Symptom]:
    """One recall of 1 and others of 0 in the last reports; an early one may be of a training that has just begun."""
    last = reading.one_answer[-2:]
    if not last or not all(last):
        return []
    text = f"In the last {len(last)} reports" if len(last) > 1 else "In the last report"
    text = f"{text} one class has a recall of 1 and all others have 0: one answer for all rows."
    return [Symptom(STUCK, text, firm=len(last) > 1)]


def _all_zero(reading: LogReading) -> list[Symptom]:
    """Precision, recall and F1 of exactly 0 in each report: no row is given the class that they are of."""
    zero = [name for name, values in reading.scores.items() if len(values) >= 4 and not any(values)]
    others = [name for name, values in reading.scores.items() if any(values)]
    if len(zero) < 2 or others or any(row.get("accuracy", 0) for row in reading.rows):
        return []
    count = min(len(reading.scores[name]) for name in zero)
    return [Symptom(STUCK, f"{', '.join(zero[:3])} are 0 in each of {count} reports: nothing is found.")]


def _right_at_once(reading: LogReading, of: Curves) -> list[Symptom]:
    """Rows of training that are all right, with no loss, after the first batches of the first epoch."""
    rows = [row for row in reading.rows if row["part"] == "train" and {"loss", "accuracy"} <= row.keys()]
    sure = [row["accuracy"] > 0.99995 and 0 <= row["loss"] < NO_LOSS for row in rows]
    before = len(sure) - next((k for k, x in enumerate(reversed(sure)) if not x), len(sure))
    early = of.from_start and of.counted and not of.by_epoch and not 1 < reading.epochs < math.inf
    if len(rows) - before < 3 or before > 2 or not early:
        return []
    text = f"From step {rows[before]['step']} on each row of training is right, with a loss below {NO_LOSS}."
    return [Symptom(PERFECT, text, firm=rows[before]["step"] <= 500)]


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


def _contradiction(of: Curves) -> list[Symptom]:
    """A wrong row costs at least ln 2: its gold class has a probability of one half at most."""
    for loss in (of.loss, of.held_loss):
        if len(loss) and loss.min() < -1e-6:
            text = f"A loss is {loss.min():.4g}: minus the logarithm of a probability is never negative."
            # a cosine, or an overlap with its sign changed, lies between -1 and 0; beside an accuracy it is neither
            bounded = loss.min() >= -1.01 and loss.max() <= 0.1 and not len(of.accuracy) + len(of.held_accuracy)
            bounded = bounded and rises(-loss, 0.05)
            return [Symptom(CONTRADICTION, text, firm=not (bounded or of.free))]
    found = []
    if len(of.held_loss) == len(of.held_accuracy) and len(of.held_loss):
        short = (1 - of.held_accuracy) * LN2 - of.held_loss
        worst = int(short.argmax())
        if short[worst] > 0.01:
            least, right = float(of.held_loss[worst]), float(of.held_accuracy[worst])
            firm = _cannot_be(least, right, of.held_loss, of.held_accuracy, of)
            found.append(_beneath("held out", least, right, firm))
    if not of.running and len(of.loss) == len(of.accuracy) >= 2:
        mean, right = float(of.loss.mean()), float(of.accuracy.mean())
        if (1 - right) * LN2 - mean > 0.02 and not found:
            firm = _cannot_be(mean, right, of.loss, of.accuracy, of)
            found.append(_beneath("of training, in the mean of all rows,", mean, right, firm))
    return found + _no_row_right(of) + _zero_losses(of)


def _cannot_be(loss: float, accuracy: float, losses: np.ndarray, accuracies: np.ndarray, of: Curves) -> bool:
    """Whether a loss beneath its wrong rows is a contradiction, and not a loss of smaller parts than the accuracy.

    A loss by token or by label beside an accuracy by row, and a focal loss, may lie beneath, and then both learn. An
    accuracy that stays where it was while the loss is small is not of that loss.
    """
    if of.two:
        return True
    far = loss < 0.5 * (1 - accuracy) * LN2
    learns = rises(accuracies, 0.05) or rises(of.accuracy, 0.05)
    return far and not (learns and rises(-losses, 0.05 * abs(float(losses[0]))))


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
    if len(of.loss) >= 3 and not of.loss.any():
        return [Symptom(CONTRADICTION, "All losses are exactly 0: nothing was measured.")]
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


def _rises(of: Curves) -> list[Symptom]:
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
                _late_best(of) or _falls_again(loss) or of.free
            )
            found.append(
                Symptom(
                    RISES,
                    f"The loss of training fell to {smooth[low]:.4f} and ends at {tail:.4f}.",
                    firm or _left_for_good(of) or (of.perplexity and tail > max(BEYOND_WORDS, smooth[low] + 4)),
                )
            )
    elif len(loss) == 2 and loss[1] > 1.5 * loss[0] + 0.5:
        found.append(Symptom(RISES, f"The loss of training rose from {loss[0]:.4f} to {loss[1]:.4f}."))
    held = [] if any(symptom.firm for symptom in found) else _held_out_rises(of)
    return held or found


def _falls_again(loss: np.ndarray) -> bool:
    """Whether the loss falls surely after a jump, by a quarter of it: other weights, or a loss that was added."""
    jump = int(np.diff(loss).argmax()) + 1
    after, height = loss[jump:], float(loss[jump] - loss[jump - 1])
    return len(after) >= FEW and rises(-after, 0.25 * height) and kendall(after) < -ERRORS


def _left_for_good(of: Curves) -> bool:
    """Whether the training loss jumps once and stays, each later row above twice the highest earlier one."""
    loss = of.loss
    jump = int(np.diff(loss).argmax()) + 1
    before, after = loss[:jump], loss[jump:]
    if of.free or _late_best(of) or _falls_again(loss) or len(before) < 4 or len(after) < FEW or before.min() <= 0:
        return False
    return bool(after.min() > 2 * before.max() + 0.5 and loss[jump] - loss[jump - 1] > 0.5 * (loss[-1] - before.min()))


def _is_no_noise(of: Curves, low: float, tail: float, width: int, last: int) -> bool:
    """Whether a rise of the training loss is beyond the scatter of its rows.

    The lowest of many windows lies low by chance, too, so their number is in the limit. A running mean, and the mean
    of an epoch, has little scatter; of fewer than eight batches it is not known.
    """
    loss, rise = of.loss, tail - low
    if of.running_loss:  # it begins again in each epoch, which is a small rise
        return rise > 0.5 * low
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
    holds = len(accuracy) > 0 and accuracy[-1] >= max(0.8, accuracy.max() - 0.02) and last < of.level
    if holds:
        text = f"{text[:-1]}, while its accuracy holds at {accuracy[-1]:.4f}: the model grows too sure."
    after = held[where + 1 :]
    # one row after the lowest may be an outlier, two rows are no curve, and the best metric may come late
    lasting = len(after) >= 2 and float(np.median(after[-3:])) > least + 0.25 * (last - least)
    proved = last > 2 * least if len(held) == 2 or not lasting else last - least > _scatter(held, where)
    if len(after) == 1 and len(held) > 2:
        proved = last - least > max(least, 4 * noise(held[:-1]))
    if len(held) >= 6 and last < 2 * least and kendall(held[where:]) < ERRORS:  # no trend: it must leave the scatter
        proved = proved and last - least > noise(held) * (1 + math.sqrt(4 * math.log(len(held))))
    late = _gained(of) or (last < 2 * least and _late_best(of))
    return [Symptom(RISES, text, firm=proved and not holds and not late)]


def _scatter(held: np.ndarray, low: int) -> float:
    """The noise of the rows after the lowest, about the line through them."""
    after = held[low:]
    if len(after) < 4:
        return 0.0
    time = np.arange(len(after))
    return float((after - np.polyval(np.polyfit(time, after, 1), time)).std())


def _late_best(of: Curves) -> bool:
    """Whether the best accuracy, or the best other metric, comes in the last third, and the last row is near it."""
    chance = 1 / of.classes if of.known else 0.0
    for values, near in [(of.held_accuracy, 0.02)] + [(m, 0.02 * max(1.0, float(m.max()))) for m in of.metrics]:
        if len(values) < 3 or np.ptp(values) < 1e-9:
            continue
        late = int(len(values) - 1 - np.argmax(values[::-1])) >= 2 * (len(values) - 1) / 3
        if late and values[-1] >= values.max() - near and values[-1] > chance + 0.15:
            return True
    return False


def _gained(of: Curves) -> bool:
    """Whether the accuracy, or another metric, gained after the lowest held-out loss: it is better, and surer."""
    where = int(of.held_loss.argmin()) if len(of.held_loss) else 0
    for values in (of.held_accuracy, *of.metrics):
        if len(values) == len(of.held_loss) >= 3 and values[-1] - values[where] > 0.02 * max(1.0, float(values.max())):
            return values[-1] >= values.max() - 0.02 * max(1.0, float(values.max()))
    return False


def _stuck(of: Curves) -> list[Symptom]:
    if len(of.loss) >= 3 and np.abs(of.loss - LN2).max() < SAME and len(of.accuracy) and not of.accuracy.any():
        text = f"The loss of training is {LN2:.4f} = ln 2 and its accuracy 0 in each of {len(of.loss)} rows: ties."
        return [Symptom(STUCK, text)]
    last = of.loss[-max(FEW, len(of.loss) // 3) :]
    if len(of.loss) >= FEW and np.abs(last - of.level).max() < SAME:  # no batch gives exactly that by chance
        text = f"The loss of training is {of.level:.4f} = ln {of.classes} in each of the last {len(last)} rows."
        return [Symptom(STUCK, f"{text} All classes get the same probability.")]
    constant = _constant(of) or _both_at_chance(of) or _neither_moves(of)
    found = _loss_at_level(of) + _accuracy_at_chance(of)
    if of.free or _learned(of) or _may_have_learned(of):  # a training that is slow, or was short: worth a look
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


def _both_at_chance(of: Curves) -> list[Symptom]:
    """Three rows are enough if in each of them loss and accuracy agree that nothing is known, late enough to tell."""
    loss, accuracy = of.loss, of.accuracy
    if not len(loss) == len(accuracy) >= 3 or not of.known or of.begun or (of.from_start and of.last_step < 500):
        return []
    if np.abs(loss - of.level).max() > 0.02 or np.abs(accuracy - 1 / of.classes).max() > 0.02:
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
        coarse = few and (
            _digits(accuracy) <= 2 or (part == "held-out" and (rises(-of.held_loss, LEVEL) or rises(-of.loss, LEVEL)))
        )
        word = "" if same else "about "
        text = f"The {part} accuracy is {word}{accuracy[-1]:.4f} in each of {len(accuracy)} rows: one answer for all."
        found.append(Symptom(STUCK, text, firm=not early and not coarse and not (same and of_one)))
    if len(of.loss) >= 4 and np.ptp(of.loss) < SAME * abs(of.loss.mean()) and not _a_moment(of):
        if not (len(of.loss) and abs(float(of.loss.mean())) < NO_LOSS):
            fine = 10.0 ** -_digits(of.loss) < 1e-3 * abs(float(of.loss.mean()))
            text = f"The loss of training is {of.loss.mean():.4f} in each of {len(of.loss)} rows."
            found.append(Symptom(STUCK, text, firm=not of.begun and (fine or len(of.loss) >= 8)))
    return found


def _digits(values: np.ndarray) -> int:
    """With how many digits after the point numbers were printed, as far as they show it."""
    return next((k for k in range(6) if np.allclose(values, np.round(values, k), atol=1e-9)), 6)


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
    agrees = len(accuracy) > 0 and float(accuracy[-3:].mean()) < 1 / of.classes + 0.1  # an accuracy says the same
    if len(of.loss) >= 4 and not of.summed and not of.begun and of.known:
        head, tail = ends(of.loss)
        if abs(tail - of.level) < LEVEL and not _above_chance(of):
            firm = of.from_start or agrees or of.two
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
            firm = of.from_start and (fall < 0.1 * of.level or float(of.loss.mean()) > of.level)
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
            firm = agrees or of.two or (len(of.held_loss) >= 3 and not len(accuracy))
            return [Symptom(STUCK, f"The held-out loss ends at {last:.4f}; {known}.", firm)]
    return []


def _a_moment(of: Curves) -> bool:
    """Whether the rows are of a moment late in a training: a loss that does not fall there may have fallen before."""
    return of.first_step > 0 and of.last_step - of.first_step < MOMENT * of.last_step


def _above_chance(of: Curves) -> bool | None:
    """Whether the last accuracies are clearly better than guessing, whatever the loss is; None if there are none."""
    accuracy = of.held_accuracy if len(of.held_accuracy) else of.accuracy
    return float(accuracy[-3:].mean()) > 1 / of.classes + 0.15 if len(accuracy) else None


def _few(of: Curves) -> bool:
    """Whether a training is seen, but only its first rows."""
    return 0 < len(of.loss) < 4 and of.last_step < 1000 and max(len(of.held_loss), len(of.held_accuracy)) < 3


def _accuracy_at_chance(of: Curves) -> list[Symptom]:
    accuracy, part = (of.held_accuracy, "held-out") if len(of.held_accuracy) else (of.accuracy, "training")
    if not len(accuracy) or (part == "training" and len(accuracy) < 3) or _few(of):
        return []
    if len(accuracy) >= 3 and np.ptp(accuracy) < 1e-9:
        return []  # `_constant` says so
    last, chance = float(accuracy[-3:].mean()), 1 / of.classes
    loss = of.held_loss if part == "held-out" else of.loss
    if of.classes == 2 and last < 0.4 and _gap(of) < 0.15:
        if not of.two and len(accuracy) < 3:
            return []
        text = f"The {part} accuracy ends at {last:.4f}"
        if of.two and not of.summed and len(loss):
            text = f"{text}, below chance: labels or columns are exchanged, or there are more than two classes."
            return [Symptom(CONTRADICTION, text)]
        text = f"{text}; there seem to be more than two classes (--classes)."
        return [Symptom(STUCK, text, firm=False)] if not _learned(of) else []
    if last < chance + min(CHANCE, chance) and _gap(of) < 0.15 and (of.known or not _learned(of)):
        agrees = len(loss) > 0 or (len(of.loss) > 0 and abs(_late(of.loss) - of.level) < LEVEL)
        seen = of.from_start or of.two or len(of.loss) > 0 and abs(_late(of.loss) - of.level) < LEVEL
        enough = len(accuracy) >= (8 if part == "training" and not of.by_epoch else 3)
        firm = of.known and seen and not of.begun and (enough or of.two or agrees and of.classes <= 10)
        return [Symptom(STUCK, f"The {part} accuracy ends at {last:.4f}; chance is {chance:.4f}.", firm)]
    if len(accuracy) >= 5 and last < 0.5 and last - accuracy[:3].mean() < 0.01:
        text = f"The {part} accuracy begins at {accuracy[:3].mean():.4f} and ends at {last:.4f}."
        firm = of.known and of.from_start and not of.begun and most_of_a_rise(accuracy) < CHANCE
        return [Symptom(STUCK, text, firm)]
    return []


def _gap(of: Curves) -> float:
    """How much higher the accuracy of training ends than that of the held-out rows."""
    if of.running or not len(of.accuracy) or not len(of.held_accuracy):
        return 0.0
    return float(of.accuracy[-max(1, len(of.accuracy) // 5) :].mean() - of.held_accuracy[-1])


def _gap_error(of: Curves) -> float:
    """The standard error of that gap: the scatter of the rows of training, and of the held-out ones."""
    count = max(1, len(of.accuracy) // 5)
    return math.hypot(noise(of.accuracy) / math.sqrt(count), noise(of.held_accuracy))


def _late(loss: np.ndarray) -> float:
    """The mean of the last three rows; of fewer, if there are few: they are far apart."""
    return float(loss[-max(1, min(3, len(loss) // 3)) :].mean())


def _worse(of: Curves) -> list[Symptom]:
    if len(of.accuracy) and len(of.held_accuracy) and not of.running:
        gap = _gap(of)
        if gap > 0.15 and len(of.accuracy) > 1:
            firm = gap - ERRORS * _gap_error(of) > 0.1 and not (_still_follows(of) or _gap_of_many_classes(of))
            text = f"The accuracy ends {gap:.3f} higher in training than held out ({of.held_accuracy[-1]:.4f})."
            return [Symptom(WORSE, text, firm)]
    if len(of.loss) and len(of.held_loss) and not of.summed:
        pieces = restarts(of.loss)
        train = float(pieces[-2].mean()) if pieces else _late(of.loss[: of.until_held if of.until_held >= 3 else None])
        held = float(of.held_loss[-1])
        good = len(of.held_accuracy) > 0 and of.held_accuracy[-1] >= 0.8
        no_answer_is_better = held > of.level + 0.1 and held - train > 0.2 and train < of.level - LEVEL
        far_apart = (held > of.level and train < 0.5 * of.level) or (held - train > 0.5 and held > 2 * train)
        classified = of.two or len(of.accuracy) + len(of.held_accuracy) > 0
        if (no_answer_is_better and of.known and classified) or (far_apart and len(of.loss) >= 3):
            firm = not (good or pieces or _as_good(of) or _still_follows(of) or _gained(of)) and (
                of.known or _same_scale(of)
            )
            return [Symptom(WORSE, f"The loss ends at {train:.4f} in training and at {held:.4f} held out.", firm)]
    return []


def _gap_of_many_classes(of: Curves) -> bool:
    """Whether held-out rows are good, and best late, with a loss that does not rise: by heart, and no worse for it."""
    held, good = of.held_loss, 0.8 if of.two else 0.75
    return len(held) >= 3 and bool(of.held_accuracy[-1] >= good and held[-1] < 1.1 * held.min()) and _late_best(of)


def _as_good(of: Curves) -> bool:
    """Whether the held-out accuracy is that of training: then the two losses are of different kinds."""
    return min(len(of.accuracy), len(of.held_accuracy)) >= 3 and not of.running and _gap(of) < 0.02


def _still_follows(of: Curves) -> bool:
    """Whether the held-out rows still get better, and the gap to training closes: the training is not over."""
    pairs = [(of.accuracy, of.held_accuracy), (-of.loss, -of.held_loss)]
    for train, held in pairs if len(of.held_accuracy) >= 3 else pairs[1:]:
        if min(len(train), len(held)) < 3:
            continue
        gaps = [float(train[int(at * (len(train) - 1))] - held[int(at * (len(held) - 1))]) for at in (0.5, 1)]
        return bool(held[-1] >= held.max() and kendall(held) >= Z_OF_FEW and gaps[1] < 0.8 * gaps[0])
    return False


def _same_scale(of: Curves) -> bool:
    """Whether losses of training and held out can be compared: they were near each other once, or the latter rises."""
    held, loss = of.held_loss, of.loss
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
        if last - train > 0.08 or (last - train > 0.02 and last > 1.25 * train):
            text = f"The accuracy ends at {train:.4f} in training and at {last:.4f} held out."
            return [Symptom(BETTER, text, firm=False)]
    return []


def _better(of: Curves) -> list[Symptom]:
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
            return [Symptom(BETTER, text, firm)]
    if len(of.loss) >= 3 and len(of.held_loss) >= 2 and not of.summed:
        train, held = _late(of.loss), float(of.held_loss[-1])
        if train - held > 0.15 and held < 0.7 * train:
            text = f"The loss ends at {held:.4f} held out and at {train:.4f} in training."
            return [Symptom(BETTER, text, firm=False)]
    return []


def _perfect(of: Curves) -> list[Symptom]:
    accuracy = of.held_accuracy
    if len(accuracy) and accuracy[-1] > 0.99995:
        at_once = accuracy.min() > 0.99995
        if not len(of.held_loss) or of.held_loss[-1] < 0.1:
            alone = len(accuracy) == 1 and rises(of.accuracy, CHANCE) and not of.two  # a test of an easy task
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


LOOKS: tuple[Callable[[Curves], list[Symptom]], ...] = (_contradiction, _rises, _stuck, _worse, _better, _perfect)
