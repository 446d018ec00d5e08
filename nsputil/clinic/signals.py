"""From a `Run` to named numbers, each with a unit and, where there is one, a reference level in closed form.

Two kinds, told apart by `Signal.tier`: "curves" needs only what every log holds (loss and accuracy, of training batches
and of held-out pairs); "instruments" needs the readings of `nsputil.training.read_instruments` and the recalls.
Introduced in notebook 09.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from nsputil.metrics import entropy

LN2 = float(np.log(2))


@dataclass(frozen=True)
class Signal:
    """What a number means.

    Attributes
    ----------
    unit : str
        "nats", "fraction", "log10", "ratio", "count" or "yes/no".
    meaning : str
    tier : {"curves", "instruments"}
    """

    unit: str
    meaning: str
    tier: str


SIGNALS = {
    "kind.attends": Signal("yes/no", "the encoder is a Transformer, not a bag of words", "curves"),
    "kind.adaptive": Signal("yes/no", "the optimizer is one of Adam's kind, not SGD", "curves"),
    "loss.first": Signal("nats", "training loss of the first three steps", "curves"),
    "loss.end": Signal("nats", "training loss of the last eighth", "curves"),
    "loss.lowest": Signal("nats", "lowest training loss of any eighth", "curves"),
    "loss.least": Signal("nats", "lowest training loss of any step", "curves"),
    "loss.fall_early": Signal("nats", "fall of the training loss from the first to the second eighth", "curves"),
    "loss.fall_late": Signal("nats", "fall of the training loss over the last half", "curves"),
    "loss.jumps": Signal("ratio", "spread of the loss from step to step, over its median", "curves"),
    "loss.highest": Signal("log10", "largest training loss over ln 2", "curves"),
    "loss.broken": Signal("yes/no", "the loss became NaN or infinite", "curves"),
    "loss.wave": Signal("ratio", "strongest autocorrelation of the training accuracy at lags 2 to 60", "curves"),
    "accuracy.first": Signal("fraction", "training accuracy of the first eighth", "curves"),
    "accuracy.end": Signal("fraction", "training accuracy of the last eighth", "curves"),
    "accuracy.spread": Signal("fraction", "spread of the training accuracy from batch to batch, late", "curves"),
    "accuracy.grain": Signal("log10", "fewest pairs a batch can have to give these training accuracies", "curves"),
    "train.surprise": Signal("nats", "late training loss above the entropy of the training accuracy", "curves"),
    "held.loss": Signal("nats", "held-out loss at the end", "curves"),
    "held.accuracy": Signal("fraction", "held-out accuracy at the end", "curves"),
    "held.first_accuracy": Signal("fraction", "held-out accuracy of the first evaluation", "curves"),
    "held.best_accuracy": Signal("fraction", "best held-out accuracy", "curves"),
    "held.rise": Signal("nats", "held-out loss at the end above its lowest", "curves"),
    "held.motion": Signal("log10", "spread of the held-out losses (-6: constant)", "curves"),
    "held.still": Signal("fraction", "evaluations with the held-out loss of the one before", "curves"),
    "held.jitter": Signal("log10", "median step of the held-out loss between evaluations, last half", "curves"),
    "held.grain": Signal("log10", "fewest pairs that can give these held-out accuracies", "curves"),
    "held.surprise": Signal("nats", "held-out loss above the entropy of the held-out accuracy", "curves"),
    "held.turns": Signal("fraction", "spread of the held-out accuracy from one evaluation to the next", "curves"),
    "gap.loss": Signal("nats", "held-out minus training loss at the end", "curves"),
    "gap.accuracy": Signal("fraction", "training minus held-out accuracy at the end", "curves"),
    "gap.early": Signal("fraction", "training minus held-out accuracy at the first evaluation", "curves"),
    "final.accuracy": Signal("fraction", "accuracy on the test pairs", "curves"),
    "final.against_held": Signal("fraction", "test accuracy minus held-out accuracy at the end", "curves"),
    "final.surprise": Signal("nats", "test loss above the entropy of the test accuracy", "curves"),
    "final.grain": Signal("log10", "fewest pairs that can give the test accuracy", "curves"),
    "prior.train": Signal("fraction", "IsNext among the training labels", "instruments"),
    "labels.spread": Signal("fraction", "spread of IsNext among the labels of a batch", "instruments"),
    "says.mean": Signal("fraction", "IsNext among the predictions on training batches, late", "instruments"),
    "says.spread": Signal("fraction", "spread of IsNext among the predictions from reading to reading", "instruments"),
    "recall.is_next": Signal("fraction", "recall of IsNext on training batches, late", "instruments"),
    "recall.not_next": Signal("fraction", "recall of NotNext on training batches, late", "instruments"),
    "held.recall_gap": Signal("fraction", "held-out recall of IsNext minus that of NotNext, last half", "instruments"),
    "held.mean_p": Signal("fraction", "mean Pr(IsNext) on held-out pairs at the end", "instruments"),
    "held.says_against_p": Signal(
        "fraction", "IsNext among held-out predictions minus mean Pr(IsNext), last half", "instruments"
    ),
    "final.recall_gap": Signal("fraction", "recall of IsNext minus that of NotNext on the test pairs", "instruments"),
    "final.says_against_p": Signal("fraction", "IsNext among test predictions minus mean Pr(IsNext)", "instruments"),
    "logits.first_spread": Signal("log10", "spread (std) of the log-odds of IsNext, first reading", "instruments"),
    "logits.spread": Signal("log10", "spread (std) of the log-odds of IsNext, last readings", "instruments"),
    "logits.first_excess": Signal("nats", "first loss minus (ln 2 + s^2/8), s the first spread", "instruments"),
    "pooler.first_saturation": Signal("fraction", "pooled units beyond 0.99, first reading", "instruments"),
    "pooler.saturation": Signal("fraction", "pooled units beyond 0.99, last readings", "instruments"),
    "gradient.first": Signal("log10", "norm of the gradient of all tensors, first reading", "instruments"),
    "gradient.end": Signal("log10", "norm of the gradient of all tensors, last readings", "instruments"),
    "gradient.growth": Signal("log10", "norm of the gradient of all tensors, last over first", "instruments"),
    "gradient.encoder_share": Signal("log10", "encoder's gradient over that of the head, first reading", "instruments"),
    "gradient.encoder_share_late": Signal(
        "log10", "encoder's gradient over that of the head, last readings", "instruments"
    ),
    "gradient.pooler_share": Signal("log10", "pooler's gradient over that of the head, first reading", "instruments"),
    "gradient.spread": Signal("log10", "spread of the gradient norm from reading to reading", "instruments"),
    "gradient.jumps": Signal("ratio", "largest over median gradient norm", "instruments"),
    "gradient.head_bias_share": Signal("log10", "gradient of the head's bias over that of its weight", "instruments"),
    "update.encoder": Signal("log10", "norm of an update of the encoder, median", "instruments"),
    "update.pooler": Signal("log10", "norm of an update of the pooler's weight, median", "instruments"),
    "update.head": Signal("log10", "norm of an update of the head's weight, median", "instruments"),
    "update.last": Signal("log10", "norm of the last update over the median", "instruments"),
    "update.none": Signal("fraction", "readings at which no tensor moved", "instruments"),
    "update.spread": Signal("log10", "spread of the update norm from reading to reading", "instruments"),
    "update.still": Signal("fraction", "tensors that did not move though they had a gradient", "instruments"),
    "update.per_gradient": Signal("log10", "update over gradient, all tensors, median", "instruments"),
    "update.head_bias": Signal("log10", "update over gradient, the head's bias, medians", "instruments"),
}


def signals(run, tier="instruments"):
    """Return the signals of a run.

    Parameters
    ----------
    run : Run
        Of any length; evaluations and instruments may be absent, and the loss may end in NaN.
    tier : {"curves", "instruments"}
        "curves" leaves out whatever an ordinary log does not hold.

    Returns
    -------
    dict of float
        All names of `SIGNALS` of that tier. NaN where the run does not hold what a signal needs.

    Raises
    ------
    ValueError
        If the run has no step or the tier is unknown.
    """
    if tier not in ("curves", "instruments"):
        raise ValueError(f"tier is {tier!r}; expected 'curves' or 'instruments'")
    if len(run.loss) == 0 or len(run.accuracy) != len(run.loss):
        raise ValueError(
            f"the run has {len(run.loss)} losses and {len(run.accuracy)} accuracies; expected one of each a step"
        )
    found = dict.fromkeys((name for name, s in SIGNALS.items() if tier == "instruments" or s.tier == tier), np.nan)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN, which is what it should be
        read = _kind(run) | _training(run) | _held_out(run)
        if tier == "instruments":
            read |= _instruments(run)
    found |= {name: float(np.clip(value, -1e4, 1e4)) for name, value in read.items() if name in found}
    return found


def reference_levels(prior=0.5, batch_size=32, spread=0.0, noise=0.0, smoothing=0.0, one_sided=0.0):
    """Return the levels that a loss of this kind can stand at, by name, in nats.

    Parameters
    ----------
    prior : float
        Fraction of IsNext.
    batch_size : int
    spread : float
        Standard deviation of the log-odds of IsNext at the start.
    noise : float
        Fraction of flipped labels.
    smoothing : float
        Label smoothing epsilon.
    one_sided : float
        Fraction of NotNext labels that are really IsNext, at a prior of one half.

    Returns
    -------
    dict of float

    Notes
    -----
    ``ln 2 + s^2/8`` is the first term of the series of E softplus(N(0, s^2)): good to 0.01 nats up to s = 0.9.
    """
    rho = one_sided
    return {
        "undecided, ln 2": LN2,
        "start, ln 2 + s^2/8": LN2 + spread**2 / 8,
        "prior only, H(prior)": entropy(prior),
        "label noise, H(noise)": entropy(noise),
        "one-sided noise": 0.5 * (1 + rho) * entropy(rho / (1 + rho)),
        "softmax applied twice, ln(1 + 1/e)": float(np.log1p(np.exp(-1))),
        "label smoothing, H(epsilon/2)": entropy(smoothing / 2),
        "sum for mean, B ln 2": batch_size * LN2,
        "base-2 logarithm, 1 bit": 1.0,
        "three classes, ln 3": float(np.log(3)),
        "squared error of both probabilities": 0.5,
    }


def _kind(run):
    return {f"kind.{name}": float(value) for name, value in run.kind.items() if value is not None}


def _training(run):
    loss, accuracy = np.asarray(run.loss, float), np.asarray(run.accuracy, float)
    finite = np.isfinite(loss)
    loss = np.where(finite, loss, np.nan)
    eighths = [part for part in np.array_split(np.arange(len(loss)), min(8, len(loss)))]
    level = np.array([np.nanmean(loss[part]) if finite[part].any() else np.nan for part in eighths])
    known = level[~np.isnan(level)]
    late = eighths[-1] if finite[eighths[-1]].any() else np.flatnonzero(finite)[-max(1, len(eighths[-1])) :]
    end_loss, end_accuracy = np.nanmean(loss[late]), accuracy[late].mean()
    second_half = accuracy[len(accuracy) // 2 :]
    return {
        "loss.first": np.nanmean(loss[:3]),
        "loss.end": end_loss,
        "loss.lowest": known.min() if len(known) else np.nan,
        "loss.least": np.nanmin(loss),
        "loss.fall_early": np.nanmean(loss[:3]) - (known[1] if len(known) > 1 else np.nan),
        "loss.fall_late": (known[len(known) // 2] - known[-1]) if len(known) > 1 else np.nan,
        "loss.jumps": np.nanmedian(np.abs(np.diff(loss))) / np.nanmedian(loss),
        "loss.highest": np.log10(max(np.nanmax(loss), 1e-6) / LN2),
        "loss.broken": float(not finite.all()),
        "loss.wave": _wave(accuracy),
        "accuracy.first": accuracy[eighths[0]].mean(),
        "accuracy.end": end_accuracy,
        "accuracy.spread": second_half.std(),
        "accuracy.grain": _grain(accuracy[:200], 200, 0.9),
        "train.surprise": _above_entropy(end_loss, end_accuracy),
    }


def _above_entropy(loss, accuracy):
    """How far a loss stands above the least that an answer of this accuracy can cost; NaN if the accuracy is none."""
    return loss - entropy(accuracy) if 0 <= accuracy <= 1 else np.nan


def _grain(fractions, most=2000, share=1.0):
    """Log10 of the smallest n of which the fractions, or a share of them, are whole multiples, for four digits' sake.

    An accuracy tells how many pairs it was counted on: 0.6875 needs sixteen. `most` if there is no such n.
    """
    fractions = np.asarray(fractions, float)
    fractions = fractions[(fractions >= 0) & (fractions <= 1)]
    if len(fractions) == 0:
        return np.nan
    n = np.arange(1, most + 1)[:, None]
    whole = np.abs(fractions * n - np.round(fractions * n)) <= 6e-5 * n
    fits = np.flatnonzero(whole.mean(axis=1) >= share)
    return np.log10(fits[0] + 1 if len(fits) else most)


def _wave(values):
    """The largest autocorrelation over lags 2 to 60, of the values minus their slow trend."""
    if len(values) < 24:
        return np.nan
    kernel = np.ones(15) / 15
    rest = values - np.convolve(np.pad(values, 7, mode="edge"), kernel, mode="valid")
    power = (rest * rest).sum()
    if power < 1e-12:
        return 0.0
    return max((rest[lag:] * rest[:-lag]).sum() / power for lag in range(2, min(60, len(values) // 2)))


def _held_out(run):
    if not run.evaluations:
        return {}
    steps = np.array([e["step"] for e in run.evaluations])
    loss = np.array([e.get("loss", np.nan) for e in run.evaluations], float)
    accuracy = np.array([e.get("accuracy", np.nan) for e in run.evaluations], float)
    train_loss, train_accuracy = np.asarray(run.loss, float), np.asarray(run.accuracy, float)
    eighth = max(1, len(train_loss) // 8)
    first = max(1, int(steps[0]))
    held_loss, held_accuracy = np.nanmean(loss[-2:]), np.nanmean(accuracy[-2:])
    final = run.final.get("accuracy", np.nan) if run.final else np.nan
    final_loss = run.final.get("loss", np.nan) if run.final else np.nan
    moves = np.abs(np.diff(loss))
    return {
        "held.loss": held_loss,
        "held.accuracy": held_accuracy,
        "held.first_accuracy": accuracy[0],
        "held.best_accuracy": np.nanmax(accuracy),
        "held.rise": held_loss - np.nanmin(loss),
        "held.motion": np.log10(max(np.nanstd(loss), 1e-6)),
        "held.still": np.mean(moves < 1e-5) if len(moves) else np.nan,
        "held.jitter": np.log10(max(np.nanmedian(moves[len(loss) // 2 :]), 1e-8)) if len(moves) > 2 else np.nan,
        "held.grain": _grain(accuracy),
        "held.surprise": _above_entropy(held_loss, held_accuracy),
        "held.turns": np.nanmean(np.abs(np.diff(accuracy))) if len(accuracy) > 1 else np.nan,
        "gap.loss": held_loss - np.nanmean(train_loss[-eighth:]),
        "gap.accuracy": train_accuracy[-eighth:].mean() - held_accuracy,
        "gap.early": train_accuracy[max(0, first - eighth) : first].mean() - accuracy[0],
        "final.accuracy": final,
        "final.against_held": final - held_accuracy,
        "final.surprise": _above_entropy(final_loss, final),
        "final.grain": _grain([final]),
    }


def _leaning(report):
    """From an evaluation: recall of IsNext minus that of NotNext; IsNext among the predictions minus mean Pr(IsNext).

    The second is near 0 whenever the prediction is the likelier class, and holds for labels in equal number.
    """
    is_next, not_next = (report.get(name, np.nan) for name in ("recall_is_next", "recall_not_next"))
    return is_next - not_next, (is_next + 1 - not_next) / 2 - report.get("mean_p_is_next", np.nan)


def _instruments(run):
    found = {"prior.train": run.prior}
    if run.evaluations and "mean_p_is_next" in run.evaluations[-1]:
        found["held.mean_p"] = run.evaluations[-1]["mean_p_is_next"]
        late = [_leaning(e) for e in run.evaluations[len(run.evaluations) // 2 :]]
        found["held.recall_gap"], found["held.says_against_p"] = np.nanmean(late, axis=0)
        found["final.recall_gap"], found["final.says_against_p"] = _leaning(run.final or {})
    readings = run.instruments
    if not readings:
        return found
    late = readings[-max(1, len(readings) // 4) :]
    first = readings[0]

    def mean(name, some):
        values = [r[name] for r in some if r.get(name) is not None]
        return float(np.mean(values)) if values else np.nan

    def norms(reading, kind, part):
        found = [v for k, v in reading.items() if k.startswith(f"{kind}.{part}") and v is not None]
        if not found and (f"{kind}.all" in reading or not any(k.startswith(f"{kind}.") for k in reading)):
            return np.nan  # a log without norms, or with that of all tensors together: unknown, not zero
        return np.sqrt(sum(v * v for v in found))

    def log(value):
        return np.log10(np.maximum(value, 1e-12))

    every = [norms(r, "gradient", "") for r in readings]
    total = np.array([value for value in every if np.isfinite(value)])
    if len(total) == 0:
        total = np.array([np.nan])
    updates = np.array([norms(r, "update", "") for r in readings])
    head = norms(first, "gradient", "head.weight")
    late_encoder, late_head = (np.median([norms(r, "gradient", p) for r in late]) for p in ("encoder", "head.weight"))
    bias = [np.median([norms(r, kind, "head.bias") for r in readings]) for kind in ("update", "gradient")]
    still = []
    for r in readings:
        pairs = [(v, r.get(k.replace("gradient", "update", 1))) for k, v in r.items() if k.startswith("gradient.")]
        moved = [update == 0 for gradient, update in pairs if gradient and update is not None]
        still += [np.mean(moved)] if moved else []
    return found | {
        "labels.spread": float(np.std([r["label_is_next"] for r in readings])),
        "says.mean": mean("says_is_next", late),
        "says.spread": float(np.std([r["says_is_next"] for r in readings])),
        "recall.is_next": mean("recall_is_next", late),
        "recall.not_next": mean("recall_not_next", late),
        "logits.first_spread": log(first["log_odds_std"]),
        "logits.spread": log(mean("log_odds_std", late)),
        "logits.first_excess": run.loss[0] - LN2 - min(first["log_odds_std"], 10) ** 2 / 8,
        "pooler.first_saturation": first["saturation"],
        "pooler.saturation": mean("saturation", late),
        "gradient.first": log(total[0]),
        "gradient.end": log(np.median(total[-max(1, len(total) // 4) :])),
        "gradient.growth": log(np.median(total[-max(1, len(total) // 4) :])) - log(total[0]),
        "gradient.encoder_share": log(norms(first, "gradient", "encoder")) - log(head),
        "gradient.encoder_share_late": log(late_encoder) - log(late_head),
        "gradient.pooler_share": log(norms(first, "gradient", "pooler")) - log(head),
        "gradient.spread": np.std(log(total)),
        "gradient.jumps": total.max() / max(np.median(total), 1e-12),
        "gradient.head_bias_share": log(np.median([norms(r, "gradient", "head.bias") for r in readings]))
        - log(np.median([norms(r, "gradient", "head.weight") for r in readings])),
        "update.encoder": log(np.median([norms(r, "update", "encoder") for r in readings])),
        "update.pooler": log(np.median([norms(r, "update", "pooler.weight") for r in readings])),
        "update.head": log(np.median([norms(r, "update", "head.weight") for r in readings])),
        "update.last": log(updates[-1]) - log(np.median(updates)),
        "update.none": np.mean(updates == 0) if np.isfinite(updates).any() else np.nan,
        "update.spread": np.std(log(updates)),
        "update.still": float(np.mean(still)) if still else np.nan,
        "update.per_gradient": log(np.median(updates)) - log(np.median(total)),
        "update.head_bias": log(bias[0]) - log(bias[1]),
    }
