"""Signals of the curves: what loss and accuracy show, of training batches and of held-out pairs.

Introduced in notebook 09.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from nsputil._types import Floats
from nsputil.clinic.signals.base import Number, number
from nsputil.clinic.signals.levels import LN2, above_entropy
from nsputil.run import Run

_number = partial(number, tier="curves", default=float("nan"))


@dataclass(frozen=True)
class Kind:
    """Which kind of training it is, 0 or 1; NaN if the run does not say."""

    attends: Number = _number("kind.attends", "yes/no", "the encoder is a Transformer, not a bag of words")
    adaptive: Number = _number("kind.adaptive", "yes/no", "the optimizer is one of Adam's kind, not SGD")


@dataclass(frozen=True)
class TrainingCurve:
    """What loss and accuracy of the training batches show. An eighth is an eighth of the steps."""

    first_loss: Number = _number("loss.first", "nats", "training loss of the first three steps")
    end_loss: Number = _number("loss.end", "nats", "training loss of the last eighth")
    lowest_eighth: Number = _number("loss.lowest", "nats", "lowest training loss of any eighth")
    lowest_step: Number = _number("loss.least", "nats", "lowest training loss of any step")
    fall_early: Number = _number(
        "loss.fall_early", "nats", "fall of the training loss from the first to the second eighth"
    )
    fall_late: Number = _number("loss.fall_late", "nats", "fall of the training loss over the last half")
    jumps: Number = _number("loss.jumps", "ratio", "spread of the loss from step to step, over its median")
    highest: Number = _number("loss.highest", "log10", "largest training loss over ln 2")
    broken: Number = _number("loss.broken", "yes/no", "the loss became NaN or infinite")
    wave: Number = _number("loss.wave", "ratio", "strongest autocorrelation of the training accuracy at lags 2 to 60")
    first_accuracy: Number = _number("accuracy.first", "fraction", "training accuracy of the first eighth")
    end_accuracy: Number = _number("accuracy.end", "fraction", "training accuracy of the last eighth")
    spread: Number = _number("accuracy.spread", "fraction", "spread of the training accuracy from batch to batch, late")
    grain: Number = _number(
        "accuracy.grain", "log10", "fewest pairs a batch can have to give these training accuracies"
    )
    surprise: Number = _number(
        "train.surprise", "nats", "late training loss above the entropy of the training accuracy"
    )


@dataclass(frozen=True)
class HeldOutCurve:
    """What the evaluations show: on held-out pairs while training, and on test pairs at the end."""

    loss: Number = _number("held.loss", "nats", "held-out loss at the end")
    accuracy: Number = _number("held.accuracy", "fraction", "held-out accuracy at the end")
    first_accuracy: Number = _number("held.first_accuracy", "fraction", "held-out accuracy of the first evaluation")
    best_accuracy: Number = _number("held.best_accuracy", "fraction", "best held-out accuracy")
    rise: Number = _number("held.rise", "nats", "held-out loss at the end above its lowest")
    motion: Number = _number("held.motion", "log10", "spread of the held-out losses (-6: constant)")
    still: Number = _number("held.still", "fraction", "evaluations with the held-out loss of the one before")
    jitter: Number = _number("held.jitter", "log10", "median step of the held-out loss between evaluations, last half")
    grain: Number = _number("held.grain", "log10", "fewest pairs that can give these held-out accuracies")
    surprise: Number = _number("held.surprise", "nats", "held-out loss above the entropy of the held-out accuracy")
    turns: Number = _number("held.turns", "fraction", "spread of the held-out accuracy from one evaluation to the next")
    more_loss: Number = _number("generalization.loss", "nats", "held-out minus training loss at the end")
    less_accuracy: Number = _number(
        "generalization.accuracy", "fraction", "training minus held-out accuracy at the end"
    )
    less_early: Number = _number(
        "generalization.early", "fraction", "training minus held-out accuracy at the first evaluation"
    )
    test_accuracy: Number = _number("final.accuracy", "fraction", "accuracy on the test pairs")
    test_against_held_out: Number = _number(
        "final.against_held", "fraction", "test accuracy minus held-out accuracy at the end"
    )
    test_surprise: Number = _number("final.surprise", "nats", "test loss above the entropy of the test accuracy")
    test_grain: Number = _number("final.grain", "log10", "fewest pairs that can give the test accuracy")


def kind(run: Run) -> Kind:
    """Return the signals of the kind of training."""
    attends, adaptive = (run.kind.get(name) for name in ("attends", "adaptive"))
    return Kind(np.nan if attends is None else attends, np.nan if adaptive is None else adaptive)


def training_curve(run: Run) -> TrainingCurve:
    """Return the signals of the training batches."""
    loss, accuracy = np.asarray(run.loss, float), np.asarray(run.accuracy, float)
    finite = np.isfinite(loss)
    loss = np.where(finite, loss, np.nan)
    eighths = np.array_split(np.arange(len(loss)), min(8, len(loss)))
    level = np.array([np.nanmean(loss[part]) if finite[part].any() else np.nan for part in eighths])
    known = level[~np.isnan(level)]
    late = eighths[-1] if finite[eighths[-1]].any() else np.flatnonzero(finite)[-max(1, len(eighths[-1])) :]
    end_loss, end_accuracy = np.nanmean(loss[late]), accuracy[late].mean()
    return TrainingCurve(
        first_loss=np.nanmean(loss[:3]),
        end_loss=end_loss,
        lowest_eighth=known.min() if len(known) else np.nan,
        lowest_step=np.nanmin(loss),
        fall_early=np.nanmean(loss[:3]) - (known[1] if len(known) > 1 else np.nan),
        fall_late=(known[len(known) // 2] - known[-1]) if len(known) > 1 else np.nan,
        jumps=np.nanmedian(np.abs(np.diff(loss))) / np.nanmedian(loss),
        highest=np.log10(max(np.nanmax(loss), 1e-6) / LN2),
        broken=float(not finite.all()),
        wave=_wave(accuracy),
        first_accuracy=accuracy[eighths[0]].mean(),
        end_accuracy=end_accuracy,
        spread=accuracy[len(accuracy) // 2 :].std(),
        grain=_grain(accuracy[:200], 200, 0.9),
        surprise=above_entropy(end_loss, end_accuracy),
    )


def held_out_curve(run: Run) -> HeldOutCurve:
    """Return the signals of the evaluations; all are NaN if there was no evaluation while training."""
    if not run.evaluations:
        return HeldOutCurve()
    loss, accuracy = (np.array([e.get(n, np.nan) for e in run.evaluations], float) for n in ("loss", "accuracy"))
    train_loss, train_accuracy = np.asarray(run.loss, float), np.asarray(run.accuracy, float)
    eighth = max(1, len(train_loss) // 8)
    first = max(1, int(run.evaluations[0]["step"]))
    end_loss, end_accuracy = np.nanmean(loss[-2:]), np.nanmean(accuracy[-2:])
    test_loss, test_accuracy = (run.final.get(name, np.nan) if run.final else np.nan for name in ("loss", "accuracy"))
    moves = np.abs(np.diff(loss))
    return HeldOutCurve(
        loss=end_loss,
        accuracy=end_accuracy,
        first_accuracy=accuracy[0],
        best_accuracy=np.nanmax(accuracy),
        rise=end_loss - np.nanmin(loss),
        motion=np.log10(max(np.nanstd(loss), 1e-6)),
        still=np.mean(moves < 1e-5) if len(moves) else np.nan,
        jitter=np.log10(max(np.nanmedian(moves[len(loss) // 2 :]), 1e-8)) if len(moves) > 2 else np.nan,
        grain=_grain(accuracy),
        surprise=above_entropy(end_loss, end_accuracy),
        turns=np.nanmean(np.abs(np.diff(accuracy))) if len(accuracy) > 1 else np.nan,
        more_loss=end_loss - np.nanmean(train_loss[-eighth:]),
        less_accuracy=train_accuracy[-eighth:].mean() - end_accuracy,
        less_early=train_accuracy[max(0, first - eighth) : first].mean() - accuracy[0],
        test_accuracy=test_accuracy,
        test_against_held_out=test_accuracy - end_accuracy,
        test_surprise=above_entropy(test_loss, test_accuracy),
        test_grain=_grain([test_accuracy]),
    )


def _grain(accuracies: ArrayLike, largest: int = 2000, share: float = 1.0) -> float:
    """Return log10 of the smallest sample size that could give these accuracies, or this share of them.

    An accuracy shows how many pairs it was counted on: 0.6875 needs sixteen. It is compared to four digits, as a log
    has them. If no size fits, it is log10 of `largest`.
    """
    accuracy = np.asarray(accuracies, float)
    accuracy = accuracy[(accuracy >= 0) & (accuracy <= 1)]
    if len(accuracy) == 0:
        return np.nan
    n = np.arange(1, largest + 1)[:, None]
    whole = np.abs(accuracy * n - np.round(accuracy * n)) <= 6e-5 * n
    fits = np.flatnonzero(whole.mean(axis=1) >= share)
    return float(np.log10(fits[0] + 1 if len(fits) else largest))


def _wave(values: Floats) -> float:
    """Return the largest autocorrelation over lags 2 to 60, of the values minus their slow trend."""
    if len(values) < 24:
        return np.nan
    kernel = np.ones(15) / 15
    rest = values - np.convolve(np.pad(values, 7, mode="edge"), kernel, mode="valid")
    power = (rest * rest).sum()
    if power < 1e-12:
        return 0.0
    return float(max((rest[lag:] * rest[:-lag]).sum() / power for lag in range(2, min(60, len(values) // 2))))
