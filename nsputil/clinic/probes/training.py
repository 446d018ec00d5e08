"""Probes of training itself: gradients, steps, weights, and what the model can still learn.

Introduced in notebook 09.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nsputil._types import Floats
from nsputil.clinic.probes.registry import Probe, log10, number
from nsputil.clinic.probes.suspect import Suspect
from nsputil.clinic.signals.base import Number
from nsputil.encoders import Gradient, RowGradient
from nsputil.losses import nsp_loss
from nsputil.optimizers import gradient_norm, values
from nsputil.pairs import IS_NEXT, NOT_NEXT


@dataclass(frozen=True)
class FreshGradients:
    """The first batch, before any training."""

    encoder: Number = number(
        "fresh.encoder", "log10", "norm of the encoder's gradient over that of the head's weight", -0.5, 0.7
    )
    pooler: Number = number(
        "fresh.pooler", "log10", "norm of the pooler's gradient over that of the head's weight", -0.15, 0.65
    )
    zero: Number = number("fresh.zero", "fraction", "tensors whose gradient is exactly zero", 0, 0)
    spread: Number = number("fresh.spread", "log10", "spread of the log-odds of IsNext", -1.7, 0.05)
    saturation: Number = number("fresh.saturation", "fraction", "pooled units beyond 0.99", 0, 0.025)
    loss: Number = number("fresh.loss", "nats", "true loss minus ln 2", -0.2, 0.55)
    said: Number = number("fresh.said", "ratio", "loss as the suspect computes it, over ln 2", 0.75, 1.75)


def fresh_gradients(suspect: Suspect) -> FreshGradients:
    """Take the gradient of the first batch in the model as it was before training."""
    model, batch = suspect.fresh(), suspect.batch(0)
    logits, cache = model.forward(batch)
    loss, dlogits = suspect.experiment.loss(logits, batch.labels)
    gradients = model.backward(dlogits, cache)

    def norm(part: str) -> float:
        return log10(gradient_norm({name: g for name, g in gradients.items() if name.startswith(part)}))

    head = log10(_norm(values(gradients["head.weight"])))
    return FreshGradients(
        encoder=norm("encoder.") - head,
        pooler=norm("pooler.weight") - head,
        zero=np.mean([not np.any(values(g)) for g in gradients.values()]),
        spread=log10((logits[:, 0] - logits[:, 1]).std()),
        saturation=(np.abs(cache.pooler.pooled) > 0.99).mean(),
        loss=nsp_loss(logits, batch.labels) - np.log(2),
        said=float(loss) / np.log(2),
    )


@dataclass(frozen=True)
class OneStep:
    """Four steps on one batch; then, with a new optimizer, a step and a step with the opposite gradient."""

    still: Number = number("step.still", "fraction", "tensors with a gradient that do not move at all", 0, 0.025)
    length: Number = number("step.length", "log10", "update over weight of the pooler, after four steps", -2.2, -0.8)
    encoder: Number = number(
        "step.encoder", "log10", "update over weight of the encoder's largest table, after four steps", -4.1, -1.45
    )
    fall: Number = number("step.fall", "nats", "fall of the true loss on the batch over four steps on it", 0, 0.9)
    opposite: Number = number(
        "step.opposite",
        "ratio",
        "cosine between the update of a gradient and that of its opposite, right after",
        -1,
        -1,
    )


def one_step(suspect: Suspect) -> OneStep:
    """Look at what steps of the suspect's own optimizer do to the model as it was before training."""
    model, batch = suspect.fresh(), suspect.batch(0)
    parameters = model.parameters
    start = _copy(parameters)
    logits, cache = model.forward(batch)
    before = nsp_loss(logits, batch.labels)
    optimizer = suspect.experiment.optimizer(model, 20)
    for _ in range(4):
        logits, cache = model.forward(batch)
        gradients = model.backward(suspect.experiment.loss(logits, batch.labels)[1], cache)
        optimizer.step(gradients)
    moved = {name: _norm(parameters[name] - start[name]) for name in parameters}
    table = _largest_table(start)
    still = [moved[name] == 0 for name, g in gradients.items() if np.any(values(g))]
    after = nsp_loss(model.forward(batch)[0], batch.labels)

    optimizer, pooler = suspect.experiment.optimizer(model, 20), parameters["pooler.weight"]
    at = pooler.copy()
    optimizer.step(gradients)
    first, at = pooler - at, pooler.copy()
    optimizer.step({name: _opposite(g) for name, g in gradients.items()})
    second = pooler - at
    lengths = _norm(first) * _norm(second)
    return OneStep(
        still=np.mean(still) if still else np.nan,
        length=log10(moved["pooler.weight"] / max(_norm(start["pooler.weight"]), 1e-9)),
        encoder=log10(moved[table] / max(_norm(start[table]), 1e-9)),
        fall=before - after,
        opposite=float((first * second).sum() / lengths) if lengths > 1e-20 else 0.0,
    )


@dataclass(frozen=True)
class Drift:
    """What the whole training did to the weights."""

    still: Number = number("drift.still", "fraction", "tensors that did not change", 0, 0)
    encoder: Number = number("drift.encoder", "log10", "change over weight of the encoder's largest table", -2.65, -0.7)
    pooler: Number = number("drift.pooler", "log10", "change over weight of the pooler", -1, 0)
    head: Number = number("drift.head", "log10", "change over weight of the head", -1.15, 0)
    norm: Number = number("drift.norm", "log10", "norm of all weights, end over start", -0.005, 0.005)
    finite: Number = number("drift.finite", "fraction", "tensors that are finite", 1, 1)


def weights(suspect: Suspect) -> Drift:
    """Compare the weights at the end of the training with those at its start."""
    now, then = suspect.model.parameters, suspect.fresh().parameters

    def relative(name: str) -> float:
        return log10(_norm(now[name] - then[name]) / max(_norm(then[name]), 1e-9))

    end, start = (np.sqrt(sum(float((a.astype(float) ** 2).sum()) for a in p.values())) for p in (now, then))
    return Drift(
        still=np.mean([np.array_equal(now[name], then[name]) for name in now]),
        encoder=relative(_largest_table(then)),
        pooler=relative("pooler.weight"),
        head=relative("head.weight"),
        norm=log10(end / start),
        finite=np.mean([np.isfinite(a).all() for a in now.values()]),
    )


@dataclass(frozen=True)
class OverfitEight:
    """A fresh model after 32 steps on the same eight pairs."""

    loss: Number = number("overfit.loss", "nats", "true loss on the eight after 32 steps", 0, 0.7)
    said: Number = number(
        "overfit.said", "nats", "loss on the eight after 32 steps, as the suspect computes it", 0, 0.7
    )
    fall: Number = number("overfit.fall", "nats", "fall of the loss on the eight, as the suspect computes it", 0, 1.15)


def overfit_eight(suspect: Suspect) -> OverfitEight:
    """Train a fresh model on four pairs of each label."""
    labels = np.array([p.label for p in suspect.pairs])
    chosen = [*np.flatnonzero(labels == IS_NEXT)[:4], *np.flatnonzero(labels == NOT_NEXT)[:4]]
    batch = suspect.encode([suspect.pairs[k] for k in chosen])
    reported, true = suspect.learn(suspect.fresh(), [batch] * 32, steps=320)
    return OverfitEight(
        loss=true[-3:].mean(),
        said=reported[-3:].mean(),
        fall=reported[0] - reported[-3:].mean(),
    )


@dataclass(frozen=True)
class LearningRates:
    """The change of the true loss over 18 steps: the last 6 minus the first 3."""

    as_is: Number = number(
        "rate.as_is", "nats", "true loss of the last 6 of 18 steps, minus that of the first 3", -0.4, 0.15
    )
    tenth: Number = number("rate.tenth", "nats", "change of the true loss over 18 steps of a tenth", -0.35, 0.15)
    tenfold: Number = number(
        "rate.tenfold", "nats", "change of the true loss over 18 steps of ten times the length", -0.35, 0.8
    )


def learning_rates(suspect: Suspect) -> LearningRates:
    """Train a fresh model for 18 steps with updates of the suspect's length, a tenth of it, and ten times of it."""
    batches = [suspect.batch(k) for k in range(18)]

    def change(factor: float) -> float:
        _, true = suspect.learn(suspect.fresh(), batches, factor, steps=200)
        return min(5.0, true[-6:].mean() - true[:3].mean()) if len(true) == len(batches) else 5.0

    return LearningRates(as_is=change(1.0), tenth=change(0.1), tenfold=change(10.0))


@dataclass(frozen=True)
class TrainOn:
    """The trained model during 30 further steps."""

    change: Number = number(
        "on.change", "nats", "true loss of the last 10 of 30 further steps minus that of the first 5", -0.3, 0.15
    )
    said: Number = number(
        "on.said", "nats", "change of the loss over 30 further steps, as the suspect computes it", -0.3, 0.15
    )
    still: Number = number("on.still", "fraction", "tensors that these steps do not move", 0, 0)


def train_on(suspect: Suspect) -> TrainOn:
    """Train the trained model a little further, and put its weights back."""
    before = _copy(suspect.model.parameters)
    try:
        batches = [suspect.batch(k + 7) for k in range(30)]
        reported, true = suspect.learn(suspect.model, batches, steps=200)
        still = np.mean([np.array_equal(array, before[name]) for name, array in suspect.model.parameters.items()])
    finally:
        for name, array in suspect.model.parameters.items():
            array[...] = before[name]
    return TrainOn(
        change=true[-10:].mean() - true[:5].mean(),
        said=reported[-10:].mean() - reported[:5].mean(),
        still=still,
    )


def _copy(parameters: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: array.copy() for name, array in parameters.items()}


def _norm(array: Floats) -> Any:
    return np.linalg.norm(array)


def _largest_table(parameters: Mapping[str, Floats]) -> str:
    """Return the name of the largest array of the encoder."""
    return max(parameters, key=lambda name: parameters[name].size if name.startswith("encoder") else 0)


def _opposite(gradient: Gradient) -> Gradient:
    return RowGradient(gradient.rows, -gradient.values) if isinstance(gradient, RowGradient) else -gradient


PROBES = (
    Probe(
        "fresh-gradients",
        "Before any training, on one batch: how large is the gradient, and where?",
        8,
        FreshGradients,
        fresh_gradients,
    ),
    Probe(
        "one-step",
        "What does one step move, and how far? And a gradient followed by its opposite?",
        13,
        OneStep,
        one_step,
    ),
    Probe("weights", "Which tensors did the training change, and how far?", 8, Drift, weights),
    Probe("overfit-eight", "Can a fresh model learn eight pairs by heart?", 31, OverfitEight, overfit_eight),
    Probe(
        "learning-rates",
        "What would steps of a tenth of their length, and of ten times their length, have done?",
        84,
        LearningRates,
        learning_rates,
    ),
    Probe("train-on", "Does the trained model still learn when training goes on?", 34, TrainOn, train_on),
)
