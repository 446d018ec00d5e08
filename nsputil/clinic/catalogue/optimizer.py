"""Faults of the optimizer: steps of the wrong size, of the wrong tensors, or none."""

from dataclasses import replace
from functools import partial

import numpy as np

from nsputil.clinic.catalogue.fault import EVERYWHERE, Fault, around
from nsputil.encoders import RowGradient
from nsputil.optimizers import AdamW, values


def faster(optimizer, exponent, model, steps):
    """The severity is log10 of the factor by which the rate is too large."""
    built = optimizer(model, steps)
    built.learning_rate *= 10**exponent
    return built


def slower(optimizer, exponent, model, steps):
    """The severity is log10 of the factor by which the rate is too small."""
    return faster(optimizer, -exponent, model, steps)


def ends_early(optimizer, share, model, steps):
    """The severity is the share of the training after which the schedule has come down to zero."""
    built = optimizer(model, steps)
    schedule, end = built.schedule, max(2.0, share * steps)
    built.schedule = lambda step: schedule(step) * max(0.0, 1 - step / end)
    return built


def clipped(optimizer, exponent, model, steps):
    """The severity says by how many powers of ten the clipping norm lies below 1."""
    built = optimizer(model, steps)
    built.clip = 10**-exponent
    return built


class Around:
    """An optimizer that gets other gradients than those of the model.

    Parameters
    ----------
    optimizer : object
    change : callable
        From gradients to gradients.
    """

    def __init__(self, optimizer, change):
        self.optimizer, self.change = optimizer, change

    def __getattr__(self, name):
        return getattr(self.__dict__["optimizer"], name)

    def step(self, gradients):
        """Change the gradients, then take the step."""
        self.optimizer.step(self.change(gradients))


def _only(kept, optimizer):
    return Around(optimizer, lambda gradients: {name: g for name, g in gradients.items() if kept(name)})


def only_biases(optimizer, severity, model, steps):
    """The optimizer knows the biases only."""
    return _only(lambda name: name.endswith("bias"), optimizer(model, steps))


def without_encoder(optimizer, severity, model, steps):
    """The optimizer knows pooler and head only."""
    return _only(lambda name: not name.startswith("encoder"), optimizer(model, steps))


def without_head(optimizer, severity, model, steps):
    """The optimizer knows encoder and pooler only."""
    return _only(lambda name: not name.startswith("head"), optimizer(model, steps))


def of_other_arrays(optimizer, severity, model, steps):
    """The optimizer knows no array that the model uses."""
    return _only(lambda name: False, optimizer(model, steps))


class Sum:
    """Adds all gradients so far, as when nobody sets them to zero."""

    def __init__(self, parameters):
        self.parameters, self.total = parameters, {}

    def __call__(self, gradients):
        """Return the sum up to now."""
        for name, g in gradients.items():
            total = self.total.setdefault(name, np.zeros_like(self.parameters[name]))
            total[g.rows if isinstance(g, RowGradient) else ...] += values(g)
        return {
            name: RowGradient(g.rows, self.total[name][g.rows]) if isinstance(g, RowGradient) else self.total[name]
            for name, g in gradients.items()
        }


def never_zeroed(optimizer, severity, model, steps):
    """Gradients add up from step to step."""
    return Around(optimizer(model, steps), Sum(model.parameters))


def decayed(optimizer, share, model, steps):
    """The severity is the share of every weight that each step takes away."""

    def shrink(gradients):
        for array in model.parameters.values():
            if array.ndim > 1:
                array *= array.dtype.type(1 - share)
        return gradients

    return Around(optimizer(model, steps), shrink)


def steps_left(experiment, share):
    """The severity is the share of the steps that is taken."""
    steps = max(4, round(share * experiment.max_steps))
    return replace(experiment, max_steps=steps, evaluate_every=max(1, steps // 8), instrument_every=max(1, steps // 24))


def small_batches(experiment, size):
    """The severity is the number of pairs in a batch; the number of steps stays."""
    return replace(experiment, batch_size=round(size))


def delayed(optimizer, count, model, steps):
    """The severity is by how many steps gradients come too late, as from slow workers."""
    waiting = []

    def late(gradients):
        waiting.append(gradients)
        return waiting.pop(0) if len(waiting) > round(count) else {}

    return Around(optimizer(model, steps), late)


def heavy_momentum(optimizer, momentum, model, steps):
    """The severity is the momentum."""
    built = optimizer(model, steps)
    built.momentum = momentum
    return built


class Uncorrected(AdamW):
    """Adam without bias correction, as in google-research/bert."""

    def _update(self, name, rows, g, rate):
        beta1, beta2 = self.betas
        correction = (1 - beta1**self.steps) / np.sqrt(1 - beta2**self.steps)
        super()._update(name, rows, g, rate * correction)


def uncorrected(optimizer, severity, model, steps):
    """The averages of Adam are used as they are."""
    built = optimizer(model, steps)
    built.__class__ = Uncorrected
    return built


_fault = partial(Fault, family="optimizer")

FAULTS = [
    _fault(
        name="learning-rate-too-high",
        group="unstable",
        mechanism="Steps are so long that they leave every valley.",
        fix="Divide the rate by ten until the loss falls; warm up.",
        source="graykode/nlp-tutorial#77",
        edit=around("optimizer", faster),
        severity=(1.5, 2.5),
    ),
    _fault(
        name="learning-rate-too-low",
        group="stuck-at-ln2",
        mechanism="Steps are so short that the training ends before it has begun.",
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
        mechanism="Gradients are clipped to a norm far below their own, so plain steps become tiny.",
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
        mechanism="Gradients are clipped to a tiny norm; Adam divides by their size and does not care.",
        fix="Nothing to mend here; a norm of 1 is clearer.",
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
        fix="Build the optimizer after the model is final; a checksum of the weights must change.",
        source="aws-samples/deep-learning-models#45",
        edit=around("optimizer", of_other_arrays),
    ),
    _fault(
        name="encoder-frozen",
        group="silent",
        mechanism="Only pooler and head are in the optimizer; on good word vectors that is enough.",
        fix="Give the optimizer all parameters.",
        source="",
        edit=around("optimizer", without_encoder),
        harmless=EVERYWHERE,
        encoders=("bag",),
    ),
    _fault(
        name="head-frozen",
        group="silent",
        mechanism="The head stays as it was drawn; all before it learns to suit it.",
        fix="Give the optimizer all parameters.",
        source="Hoffer et al. 2018, arXiv 1801.04540",
        edit=around("optimizer", without_head),
        harmless=tuple(name for name in EVERYWHERE if name != "bert-sgd-sotu"),
        undecided=("bert-sgd-sotu",),
    ),
    _fault(
        name="no-zero-grad",
        group="unstable",
        mechanism="Gradients are never set to zero, so each step repeats all steps before.",
        fix="zero_grad before every backward pass.",
        source="",
        edit=around("optimizer", never_zeroed),
    ),
    _fault(
        name="weight-decay-too-high",
        group="stuck-at-ln2",
        mechanism="Weight decay shrinks the weights faster than the gradient can build them.",
        fix="A decay of 0.01, none on biases.",
        source="Loshchilov and Hutter 2017, arXiv 1711.05101",
        edit=around("optimizer", decayed),
        severity=(0.05, 0.2),
    ),
    _fault(
        name="batch-too-small",
        group="weak-ceiling",
        mechanism="Batches of one or two pairs make steps of noise, and few pairs are seen.",
        fix="Sixteen pairs or more, or sum the gradients of several batches.",
        source="",
        edit=small_batches,
        severity=(1.0, 2.0),
    ),
    _fault(
        name="adam-without-bias-correction",
        group="unstable",
        mechanism="Adam's averages are not corrected, so early steps are several times too long for a Transformer.",
        fix="Correct them.",
        source="Mosbach et al. 2020, arXiv 2006.04884",
        edit=around("optimizer", uncorrected),
        harmless=("bag-adamw-sotu", "bag-adamw-factbook"),
        optimizers=("adamw",),
    ),
    _fault(
        name="gradients-delayed",
        group="unstable",
        mechanism="Gradients of slow workers are applied many steps after the weights they were made for.",
        fix="Wait for all workers.",
        source="",
        edit=around("optimizer", delayed),
        severity=(30.0, 60.0),
        outside=True,
    ),
    _fault(
        name="momentum-too-high",
        group="unstable",
        mechanism="The average over gradients is so long that steps follow gradients long out of date.",
        fix="0.9.",
        source="",
        edit=around("optimizer", heavy_momentum),
        severity=(0.995, 0.999),
        optimizers=("sgd",),
    ),
]
