"""Signals of the instruments: labels and predictions by class, logits, pooled units, gradients, updates.

They need the readings of `nsputil.instruments.read_instruments` and evaluations with recalls. Introduced in notebook
09.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nsputil._types import Floats
from nsputil.clinic.signals.base import Number, number
from nsputil.clinic.signals.levels import LN2
from nsputil.run import Run

_number = partial(number, tier="instruments", default=float("nan"))
Reading = dict[str, Any]


@dataclass(frozen=True)
class InstrumentSignals:
    """What the instruments show. First and last are readings; "last" is the last quarter of them."""

    prior: Number = _number("prior.train", "fraction", "IsNext among the training labels")
    labels_spread: Number = _number("labels.spread", "fraction", "spread of IsNext among the labels of a batch")
    says_mean: Number = _number("says.mean", "fraction", "IsNext among the predictions on training batches, late")
    says_spread: Number = _number(
        "says.spread", "fraction", "spread of IsNext among the predictions from reading to reading"
    )
    recall_is_next: Number = _number("recall.is_next", "fraction", "recall of IsNext on training batches, late")
    recall_not_next: Number = _number("recall.not_next", "fraction", "recall of NotNext on training batches, late")
    held_out_recalls: Number = _number(
        "held.recall_difference", "fraction", "held-out recall of IsNext minus that of NotNext, last half"
    )
    held_out_mean_p: Number = _number("held.mean_p", "fraction", "mean Pr(IsNext) on held-out pairs at the end")
    held_out_says: Number = _number(
        "held.says_against_p", "fraction", "IsNext among held-out predictions minus mean Pr(IsNext), last half"
    )
    test_recalls: Number = _number(
        "final.recall_difference", "fraction", "recall of IsNext minus that of NotNext on the test pairs"
    )
    test_says: Number = _number(
        "final.says_against_p", "fraction", "IsNext among test predictions minus mean Pr(IsNext)"
    )
    first_logits_spread: Number = _number(
        "logits.first_spread", "log10", "spread (std) of the log-odds of IsNext, first reading"
    )
    logits_spread: Number = _number("logits.spread", "log10", "spread (std) of the log-odds of IsNext, last readings")
    first_excess: Number = _number("logits.first_excess", "nats", "first loss minus (ln 2 + s^2/8), s the first spread")
    first_saturation: Number = _number("pooler.first_saturation", "fraction", "pooled units beyond 0.99, first reading")
    saturation: Number = _number("pooler.saturation", "fraction", "pooled units beyond 0.99, last readings")
    first_gradient: Number = _number("gradient.first", "log10", "norm of the gradient of all tensors, first reading")
    end_gradient: Number = _number("gradient.end", "log10", "norm of the gradient of all tensors, last readings")
    gradient_growth: Number = _number(
        "gradient.growth", "log10", "norm of the gradient of all tensors, last over first"
    )
    encoder_share: Number = _number(
        "gradient.encoder_share", "log10", "encoder's gradient over that of the head, first reading"
    )
    encoder_share_late: Number = _number(
        "gradient.encoder_share_late", "log10", "encoder's gradient over that of the head, last readings"
    )
    pooler_share: Number = _number(
        "gradient.pooler_share", "log10", "pooler's gradient over that of the head, first reading"
    )
    gradient_spread: Number = _number("gradient.spread", "log10", "spread of the gradient norm from reading to reading")
    gradient_jumps: Number = _number("gradient.jumps", "ratio", "largest over median gradient norm")
    head_bias_share: Number = _number(
        "gradient.head_bias_share", "log10", "gradient of the head's bias over that of its weight"
    )
    encoder_update: Number = _number("update.encoder", "log10", "norm of an update of the encoder, median")
    pooler_update: Number = _number("update.pooler", "log10", "norm of an update of the pooler's weight, median")
    head_update: Number = _number("update.head", "log10", "norm of an update of the head's weight, median")
    last_update: Number = _number("update.last", "log10", "norm of the last update over the median")
    no_update: Number = _number("update.none", "fraction", "readings at which no tensor moved")
    update_spread: Number = _number("update.spread", "log10", "spread of the update norm from reading to reading")
    still: Number = _number("update.still", "fraction", "tensors that did not move though they had a gradient")
    update_per_gradient: Number = _number("update.per_gradient", "log10", "update over gradient, all tensors, median")
    head_bias_update: Number = _number("update.head_bias", "log10", "update over gradient, the head's bias, medians")


def instrument_signals(run: Run) -> InstrumentSignals:
    """Return the signals of the instruments; NaN where the run does not hold what one needs."""
    return InstrumentSignals(prior=run.prior, **_from_evaluations(run), **_from_readings(run))


def _from_evaluations(run: Run) -> dict[str, float]:
    if not run.evaluations or "mean_p_is_next" not in run.evaluations[-1]:
        return {}
    late = [_leaning(e) for e in run.evaluations[len(run.evaluations) // 2 :]]
    held_out_recalls, held_out_says = np.nanmean(late, axis=0)
    test_recalls, test_says = _leaning(run.final or {})
    return {
        "held_out_mean_p": run.evaluations[-1]["mean_p_is_next"],
        "held_out_recalls": held_out_recalls,
        "held_out_says": held_out_says,
        "test_recalls": test_recalls,
        "test_says": test_says,
    }


def _leaning(report: Reading) -> tuple[float, float]:
    """Return recall of IsNext minus that of NotNext, and IsNext among the predictions minus mean Pr(IsNext).

    The second is near 0 if the prediction is always the likelier class; it assumes as many labels of each class.
    """
    is_next, not_next = (report.get(name, np.nan) for name in ("recall_is_next", "recall_not_next"))
    return is_next - not_next, (is_next + 1 - not_next) / 2 - report.get("mean_p_is_next", np.nan)


def _from_readings(run: Run) -> dict[str, Any]:
    readings: list[Reading] = run.instruments
    if not readings:
        return {}
    first, late = readings[0], readings[-max(1, len(readings) // 4) :]
    total = np.array([value for value in _norms(readings, "gradient", "") if np.isfinite(value)])
    if len(total) == 0:
        total = np.array([np.nan])
    end = np.median(total[-max(1, len(total) // 4) :])
    updates = _norms(readings, "update", "")
    head = _norm(first, "gradient", "head.weight")
    head_bias = np.median(_norms(readings, "gradient", "head.bias"))
    still = _share_still(readings)
    return {
        "labels_spread": np.std([r["label_is_next"] for r in readings]),
        "says_mean": _mean(late, "says_is_next"),
        "says_spread": np.std([r["says_is_next"] for r in readings]),
        "recall_is_next": _mean(late, "recall_is_next"),
        "recall_not_next": _mean(late, "recall_not_next"),
        "first_logits_spread": _log(first["log_odds_std"]),
        "logits_spread": _log(_mean(late, "log_odds_std")),
        "first_excess": run.loss[0] - LN2 - min(first["log_odds_std"], 10) ** 2 / 8,
        "first_saturation": first["saturation"],
        "saturation": _mean(late, "saturation"),
        "first_gradient": _log(total[0]),
        "end_gradient": _log(end),
        "gradient_growth": _log(end) - _log(total[0]),
        "encoder_share": _log(_norm(first, "gradient", "encoder")) - _log(head),
        "encoder_share_late": _log(np.median(_norms(late, "gradient", "encoder")))
        - _log(np.median(_norms(late, "gradient", "head.weight"))),
        "pooler_share": _log(_norm(first, "gradient", "pooler")) - _log(head),
        "gradient_spread": np.std(_log(total)),
        "gradient_jumps": total.max() / max(np.median(total), 1e-12),
        "head_bias_share": _log(head_bias) - _log(np.median(_norms(readings, "gradient", "head.weight"))),
        "encoder_update": _log(np.median(_norms(readings, "update", "encoder"))),
        "pooler_update": _log(np.median(_norms(readings, "update", "pooler.weight"))),
        "head_update": _log(np.median(_norms(readings, "update", "head.weight"))),
        "last_update": _log(updates[-1]) - _log(np.median(updates)),
        "no_update": np.mean(updates == 0) if np.isfinite(updates).any() else np.nan,
        "update_spread": np.std(_log(updates)),
        "still": np.mean(still) if still else np.nan,
        "update_per_gradient": _log(np.median(updates)) - _log(np.median(total)),
        "head_bias_update": _log(np.median(_norms(readings, "update", "head.bias"))) - _log(head_bias),
    }


def _norm(reading: Reading, what: str, part: str) -> float:
    """Return the norm of the gradient or update of a part in one reading; NaN if the reading does not hold it."""
    norms = [v for k, v in reading.items() if k.startswith(f"{what}.{part}") and v is not None]
    if not norms and (f"{what}.all" in reading or not any(k.startswith(f"{what}.") for k in reading)):
        return np.nan  # a log without norms, or with the norm of all tensors together: unknown, not zero
    return float(np.sqrt(sum(v * v for v in norms)))


def _norms(readings: list[Reading], what: str, part: str) -> Floats:
    return np.array([_norm(reading, what, part) for reading in readings])


def _mean(readings: list[Reading], name: str) -> float:
    values = [r[name] for r in readings if r.get(name) is not None]
    return float(np.mean(values)) if values else np.nan


def _log(value: Any) -> Any:
    return np.log10(np.maximum(value, 1e-12))


def _share_still(readings: list[Reading]) -> list[Any]:
    """Return for each reading the share of the tensors with a gradient that did not move."""
    shares = []
    for r in readings:
        pairs = [(v, r.get(k.replace("gradient", "update", 1))) for k, v in r.items() if k.startswith("gradient.")]
        still = [update == 0 for gradient, update in pairs if gradient and update is not None]
        shares += [np.mean(still)] if still else []
    return shares
