"""The family "optimizer": steps of the wrong size, of the wrong tensors, or no steps at all."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nsputil._types import Floats
from nsputil.clinic.faults.base import EVERYWHERE, Fault, around
from nsputil.encoders import Gradient, RowGradient
from nsputil.experiment import Experiment, OptimizerMaker
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW, Optimizer, values


def faster(optimizer: OptimizerMaker, exponent: float, model: NSPModel, steps: int) -> Optimizer:
    """The severity is log10 of the factor by which the rate is too large."""
    built: Any = optimizer(model, steps)
    built.learning_rate *= 10**exponent
    return built


def slower(optimizer: OptimizerMaker, exponent: float, model: NSPModel, steps: int) -> Optimizer:
    """The severity is log10 of the factor by which the rate is too small."""
    return faster(optimizer, -exponent, model, steps)


def ends_early(optimizer: OptimizerMaker, share: float, model: NSPModel, steps: int) -> Optimizer:
    """The severity is the share of the training after which the schedule has reached zero."""
    built: Any = optimizer(model, steps)
    schedule, end = built.schedule, max(2.0, share * steps)
    built.schedule = lambda step: schedule(step) * max(0.0, 1 - step / end)
    return built


def clipped(optimizer: OptimizerMaker, exponent: float, model: NSPModel, steps: int) -> Optimizer:
    """The severity is minus log10 of the clipping norm."""
    built: Any = optimizer(model, steps)
    built.clip = 10**-exponent
    return built


class WithOtherGradients:
    """An optimizer that gets changed gradients instead of those of the model.

    Parameters
    ----------
    optimizer : object
    change : callable
        From gradients to gradients.
    """

    def __init__(
        self, optimizer: Optimizer, change: Callable[[Mapping[str, Gradient]], Mapping[str, Gradient]]
    ) -> None:
        self.optimizer, self.change = optimizer, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["optimizer"], name)

    def step(self, gradients: Mapping[str, Gradient]) -> None:
        """Change the gradients, then take a step."""
        self.optimizer.step(self.change(gradients))


def _only(known: Callable[[str], bool], optimizer: Optimizer) -> Optimizer:
    return WithOtherGradients(optimizer, lambda gradients: {name: g for name, g in gradients.items() if known(name)})


def only_biases(optimizer: OptimizerMaker, severity: float, model: NSPModel, steps: int) -> Optimizer:
    """The optimizer knows the biases only."""
    return _only(lambda name: name.endswith("bias"), optimizer(model, steps))


def without_encoder(optimizer: OptimizerMaker, severity: float, model: NSPModel, steps: int) -> Optimizer:
    """The optimizer knows pooler and head only."""
    return _only(lambda name: not name.startswith("encoder"), optimizer(model, steps))


def without_head(optimizer: OptimizerMaker, severity: float, model: NSPModel, steps: int) -> Optimizer:
    """The optimizer knows encoder and pooler only."""
    return _only(lambda name: not name.startswith("head"), optimizer(model, steps))


def of_other_arrays(optimizer: OptimizerMaker, severity: float, model: NSPModel, steps: int) -> Optimizer:
    """The optimizer knows none of the arrays that the model uses."""
    return _only(lambda name: False, optimizer(model, steps))


class Sum:
    """Adds up all gradients so far, as if they were never set to zero."""

    def __init__(self, parameters: Mapping[str, Floats]) -> None:
        self.parameters = parameters
        self.total: dict[str, Floats] = {}

    def __call__(self, gradients: Mapping[str, Gradient]) -> Mapping[str, Gradient]:
        """Return the sum so far."""
        for name, g in gradients.items():
            total = self.total.setdefault(name, np.zeros_like(self.parameters[name]))
            total[g.rows if isinstance(g, RowGradient) else ...] += values(g)
        return {
            name: RowGradient(g.rows, self.total[name][g.rows]) if isinstance(g, RowGradient) else self.total[name]
            for name, g in gradients.items()
        }


def never_zeroed(optimizer: OptimizerMaker, severity: float, model: NSPModel, steps: int) -> Optimizer:
    """Gradients add up from step to step."""
    return WithOtherGradients(optimizer(model, steps), Sum(model.parameters))


def decayed(optimizer: OptimizerMaker, share: float, model: NSPModel, steps: int) -> Optimizer:
    """The severity is the share of every weight that each step removes."""

    def shrink(gradients: Mapping[str, Gradient]) -> Mapping[str, Gradient]:
        for array in model.parameters.values():
            if array.ndim > 1:
                array *= array.dtype.type(1 - share)
        return gradients

    return WithOtherGradients(optimizer(model, steps), shrink)


def steps_left(experiment: Experiment, share: float) -> Experiment:
    """The severity is the share of the steps that are taken."""
    if experiment.max_steps is None:
        raise ValueError("the experiment has no max_steps; expected a number, of which only a share is taken")
    steps = max(4, round(share * experiment.max_steps))
    return replace(experiment, max_steps=steps, evaluate_every=max(1, steps // 8), instrument_every=max(1, steps // 24))


def small_batches(experiment: Experiment, size: float) -> Experiment:
    """The severity is the number of pairs in a batch; the number of steps stays the same."""
    return replace(experiment, batch_size=round(size))


def delayed(optimizer: OptimizerMaker, count: float, model: NSPModel, steps: int) -> Optimizer:
    """The severity is the number of steps by which gradients come too late, as from slow workers."""
    waiting: list[Mapping[str, Gradient]] = []

    def late(gradients: Mapping[str, Gradient]) -> Mapping[str, Gradient]:
        waiting.append(gradients)
        return waiting.pop(0) if len(waiting) > round(count) else {}

    return WithOtherGradients(optimizer(model, steps), late)


def heavy_momentum(optimizer: OptimizerMaker, momentum: float, model: NSPModel, steps: int) -> Optimizer:
    """The severity is the momentum."""
    built: Any = optimizer(model, steps)
    built.momentum = momentum
    return built


class Uncorrected(AdamW):
    """Adam without bias correction, as in google-research/bert."""

    def _update(self, name: str, rows: Any, g: Floats, rate: float) -> None:
        beta1, beta2 = self.betas
        correction = (1 - beta1**self.steps) / np.sqrt(1 - beta2**self.steps)
        super()._update(name, rows, g, rate * correction)


def uncorrected(optimizer: OptimizerMaker, severity: float, model: NSPModel, steps: int) -> Optimizer:
    """The averages of Adam are used without correction."""
    built: Any = optimizer(model, steps)
    built.__class__ = Uncorrected
    return built


_fault = partial(Fault, family="optimizer")

FAULTS = [
    _fault(
        name="learning-rate-too-high",
        group="unstable",
        mechanism="Steps are so long that they overshoot every minimum.",
        fix="Divide the rate by ten until the loss falls; warm up.",
        source="graykode/nlp-tutorial#77",
        edit=around("optimizer", faster),
        severity=(1.5, 2.5),
    ),
    _fault(
        name="learning-rate-too-low",
        group="stuck-at-ln2",
        mechanism="Steps are so short that the training ends before anything is learned.",
        fix="Raise the rate until the loss becomes unstable, then take a tenth.",
        source="",
        edit=around("optimizer", slower),
        severity=(2.0, 3.5),
        harmless=("bert-sgd-sotu",),
    ),
    _fault(
        name="schedule-ends-early",
        group="weak-ceiling",
        mechanism="The schedule was made for fewer steps, so the rate is zero for most of the training.",
        fix="Give the schedule the real number of steps; log the rate.",
        source="",
        edit=around("optimizer", ends_early),
        severity=(0.04, 0.12),
    ),
    _fault(
        name="stopped-too-early",
        group="weak-ceiling",
        mechanism="The training is over after a few steps.",
        fix="Train until the held-out loss no longer falls.",
        source="Mosbach et al. 2020, arXiv 2006.04884",
        edit=steps_left,
        severity=(0.06, 0.15),
        harmless=("bert-sgd-sotu",),
        undecided=("bert-adamw-sotu",),
    ),
    _fault(
        name="clip-too-small",
        group="stuck-at-ln2",
        mechanism="Gradients are clipped to a norm far below their own, so the steps of SGD become tiny.",
        fix="Clip near the ninetieth percentile of the norm.",
        source="",
        edit=around("optimizer", clipped),
        severity=(2.0, 3.5),
        optimizers=("sgd",),
        harmless=("bert-sgd-sotu",),
    ),
    _fault(
        name="clip-too-small-under-adam",
        group="silent",
        mechanism="Gradients are clipped to a tiny norm; Adam divides by their size, so nothing changes.",
        fix="Nothing to repair here; a norm of 1 is clearer.",
        source="Kingma and Ba 2014, arXiv 1412.6980",
        edit=around("optimizer", clipped),
        severity=(2.0, 3.5),
        harmless=EVERYWHERE,
        optimizers=("adamw",),
    ),
    _fault(
        name="only-biases-trained",
        group="stuck-at-ln2",
        mechanism="The optimizer was given the biases only.",
        fix="Give it all parameters; compare every tensor before and after a step.",
        source="",
        edit=around("optimizer", only_biases),
        undecided=("bert-sgd-sotu",),
    ),
    _fault(
        name="updates-not-applied",
        group="stuck-at-ln2",
        mechanism="The optimizer changes arrays that the model no longer uses, so nothing is learned.",
        fix="Build the optimizer after the model is complete; a checksum of the weights must change.",
        source="aws-samples/deep-learning-models#45",
        edit=around("optimizer", of_other_arrays),
    ),
    _fault(
        name="encoder-frozen",
        group="silent",
        mechanism="The optimizer knows pooler and head only; with good word vectors that is enough.",
        fix="Give the optimizer all parameters.",
        source="",
        edit=around("optimizer", without_encoder),
        harmless=EVERYWHERE,
        encoders=("bag",),
    ),
    _fault(
        name="head-frozen",
        group="silent",
        mechanism="The head keeps its random start; the layers before it adapt to it.",
        fix="Give the optimizer all parameters.",
        source="Hoffer et al. 2018, arXiv 1801.04540",
        edit=around("optimizer", without_head),
        harmless=tuple(name for name in EVERYWHERE if name != "bert-sgd-sotu"),
        undecided=("bert-sgd-sotu",),
    ),
    _fault(
        name="no-zero-grad",
        group="unstable",
        mechanism="Gradients are never set to zero, so each step repeats all earlier gradients.",
        fix="Call zero_grad before every backward pass.",
        source="",
        edit=around("optimizer", never_zeroed),
    ),
    _fault(
        name="weight-decay-too-high",
        group="stuck-at-ln2",
        mechanism="Weight decay shrinks the weights faster than the gradient can build them.",
        fix="Use a decay of 0.01, and none on biases.",
        source="Loshchilov and Hutter 2017, arXiv 1711.05101",
        edit=around("optimizer", decayed),
        severity=(0.05, 0.2),
    ),
    _fault(
        name="batch-too-small",
        group="weak-ceiling",
        mechanism="With batches of one or two pairs the steps are mostly noise, and few pairs are seen.",
        fix="Use sixteen pairs or more, or sum the gradients of several batches.",
        source="",
        edit=small_batches,
        severity=(1.0, 2.0),
    ),
    _fault(
        name="adam-without-bias-correction",
        group="unstable",
        mechanism="Adam's averages are not corrected, so early steps are several times too long for a Transformer.",
        fix="Use the bias correction.",
        source="Mosbach et al. 2020, arXiv 2006.04884",
        edit=around("optimizer", uncorrected),
        harmless=("bag-adamw-sotu", "bag-adamw-factbook"),
        optimizers=("adamw",),
    ),
    _fault(
        name="gradients-delayed",
        group="unstable",
        mechanism="Gradients of slow workers arrive many steps late, when the weights have changed.",
        fix="Wait for all workers before each step.",
        source="",
        edit=around("optimizer", delayed),
        severity=(30.0, 60.0),
        outside=True,
    ),
    _fault(
        name="momentum-too-high",
        group="unstable",
        mechanism="The average over gradients is so long that steps follow gradients that are out of date.",
        fix="Use a momentum of 0.9.",
        source="",
        edit=around("optimizer", heavy_momentum),
        severity=(0.995, 0.999),
        optimizers=("sgd",),
    ),
]
