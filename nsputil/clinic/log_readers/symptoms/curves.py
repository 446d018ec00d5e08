"""The numbers of a log as curves, and what is known of them: classes, beginning, kind of loss."""

import math
from dataclasses import dataclass, field

import numpy as np

from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.limits import CHANCE, FEW, LEVEL, LN2, MANY
from nsputil.clinic.log_readers.trends import ends, is_sum, rises

BEGUN = 0.1  # of an epoch


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
        Whether the loss is of a kind that need not fall, and may be negative: of a policy, of two adversaries, a sum.
    metrics : tuple of ndarray
        What else was measured held out, where more is better: F1, recall, BLEU.
    test_accuracy : ndarray
        Of the test, where there are evaluations, too.
    until_held : int
        How many losses of training there are up to the last held-out row.
    until_scored : int
        Likewise, of accuracies, up to the last held-out one.
    perplexity : bool
        Whether the loss is the logarithm of a perplexity.
    per_word : bool
        Whether the loss is known to be one of words: it is such a logarithm, or a perplexity is written beside it.
    first_epoch : float
        Which the first row names; infinite if it names none.
    guessed : bool
        Whether the number of classes is known by the first loss alone, without an accuracy.
    paired : tuple of ndarray
        Loss and accuracy of the rows of training that have both.
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
    until_scored: int = 0
    perplexity: bool = False
    per_word: bool = False
    first_epoch: float = math.inf
    guessed: bool = False
    paired: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0))

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
    free = reading.free or is_sum(loss)
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
        (two or _many(reading, losses, accuracies) or _looks_like_two(losses, accuracies, _from_start(reading)))
        and not (free or reading.perplexity),
        two and not free, _from_start(reading),
        counted or math.isfinite(reading.first_epoch), by_epoch,
        free,
        tuple(np.array(values) for values in reading.metrics.values() if np.isfinite(values).all()),
        of("test", "accuracy") if held == "held_out" else np.zeros(0), _until_held(reading, held, "loss"),
        _until_held(reading, held, "accuracy"), reading.perplexity,
        reading.perplexity or reading.per_word, reading.first_epoch,
        reading.classes_from == "guessed" and not accuracies, _paired(reading),
    )  # fmt: skip


def _paired(reading: LogReading) -> tuple[np.ndarray, np.ndarray]:
    both = [(r["loss"], r["accuracy"]) for r in reading.rows if r["part"] == "train" and {"loss", "accuracy"} <= set(r)]
    values = np.array([pair for pair in both if np.isfinite(pair).all()], float).reshape(-1, 2)
    return values[:, 0], values[:, 1]


def _until_held(reading: LogReading, held: str, quantity: str) -> int:
    last = max((row["step"] for row in reading.rows if row["part"] == held and quantity in row), default=math.inf)
    train = [row for row in reading.rows if row["part"] == "train" and np.isfinite(row.get(quantity, np.nan))]
    return sum(row["step"] <= last for row in train)


def _many(reading: LogReading, losses: list[np.ndarray], accuracies: list[np.ndarray]) -> bool:
    """Whether there are known to be more than two classes: a first loss near ln K alone may be one of another kind."""
    if reading.classes == 2:
        return False
    level = math.log(reading.classes)
    stays = any(max(abs(end - level) for end in ends(x)) < 0.015 for x in losses)
    return reading.classes_from != "guessed" or bool(accuracies) or stays


def _looks_like_two(losses: list[np.ndarray], accuracies: list[np.ndarray], start: bool) -> bool:
    """Whether a log whose number of classes is not known begins as one of two classes: near ln 2, near 1/2.

    Rows of a later time may lie anywhere; of these, only rows that stay there say so.
    """
    if not start and not (
        all(abs(np.median(x) - LN2) < LEVEL for x in losses) or all(abs(np.median(x) - 0.5) < 0.1 for x in accuracies)
    ):
        return False
    if accuracies and min(float(x[:3].mean()) for x in accuracies) < 0.35:
        return False
    if accuracies and min(float(x[-3:].mean()) for x in accuracies) < 0.35:
        return False
    if losses and ends(losses[0])[0] < 3 * LN2 + 1:
        first = float(losses[0][: max(1, min(3, len(losses[0]) // 3))].mean())
        mean = first if accuracies else float(losses[0].mean())
        return 0.35 < min(first, ends(losses[0])[0]) and max(first, ends(losses[0])[0], mean) < 1.2
    if any(x[0] < 0.5 and rises(x, CHANCE) for x in accuracies):
        return False  # what is learned from below one half on is no chance of two
    return bool(accuracies) and len(accuracies[0]) >= FEW and all(0.4 < x[:3].mean() < 0.65 for x in accuracies)


def _from_start(reading: LogReading) -> bool:
    """Whether the first row is of the first epoch, or not more than two gaps between rows from step 0."""
    if math.isfinite(reading.first_epoch) and reading.first_epoch > 1:
        return False
    if "step" not in reading.columns:
        rows = len({row["step"] for row in reading.rows})
        gap = (reading.epochs - reading.first_epoch) / (rows - 1) if rows > 1 else math.inf
        return not 0 < gap < 1 or reading.first_epoch <= max(BEGUN, 2 * gap + 1e-6)  # fractions of epochs
    steps = sorted({row["step"] for row in reading.rows})
    gap = float(np.median(np.diff(steps))) if len(steps) > 1 else math.inf
    return steps[0] <= 2 * gap + 1 if steps else True


def late_mean(values: np.ndarray) -> float:
    """The mean of the last three rows; of fewer, if there are few: they are far apart."""
    return float(values[-max(1, min(3, len(values) // 3)) :].mean())


def trained_until_scored(of: Curves) -> np.ndarray:
    """Return the accuracies of training until the last held-out one, if only one or two of these are there.

    Training may have gone on since. More held-out rows may count their steps otherwise.
    """
    return of.accuracy[: of.until_scored or None] if len(of.held_accuracy) < 3 else of.accuracy


def accuracy_gap(of: Curves) -> float:
    """How much higher the accuracy of training ends than that of the held-out rows."""
    if of.running or not len(of.accuracy) or not len(of.held_accuracy):
        return 0.0
    accuracy = trained_until_scored(of)
    return float(accuracy[-max(1, len(accuracy) // 5) :].mean() - of.held_accuracy[-1])


def best_late(of: Curves) -> bool:
    """Whether the best accuracy, or the best other metric, comes in the last third, and the last row is near it."""
    chance = 1 / of.classes if of.known else 0.0
    for values, near in [(of.held_accuracy, 0.02)] + [(m, 0.02 * max(1.0, float(m.max()))) for m in of.metrics]:
        if len(values) < 3 or np.ptp(values) < 1e-9:
            continue
        late = int(len(values) - 1 - np.argmax(values[::-1])) >= 2 * (len(values) - 1) / 3
        if late and values[-1] >= values.max() - near and values[-1] > chance + 0.15:
            return True
    return False


def more_right_than_before(of: Curves) -> bool:
    """Whether the accuracy, or another metric, gained after the lowest held-out loss: it is better, and surer."""
    where = int(of.held_loss.argmin()) if len(of.held_loss) else 0
    for values in (of.held_accuracy, *of.metrics):
        if len(values) == len(of.held_loss) >= 3 and values[-1] - values[where] > 0.02 * max(1.0, float(values.max())):
            return values[-1] >= values.max() - 0.02 * max(1.0, float(values.max()))
    return False
