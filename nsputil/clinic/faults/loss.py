"""The family "loss": the loss gives the wrong number, or the wrong gradient."""

from functools import partial
from typing import Any

import numpy as np

from nsputil._types import Floats, Ints
from nsputil.clinic.faults.base import EVERYWHERE, TRANSFORMERS, Fault, around
from nsputil.experiment import Evaluation, Experiment, Loss
from nsputil.losses import nsp_loss_and_grad, sigmoid
from nsputil.model import NSPModel
from nsputil.pairs import IS_NEXT, SentencePair


def _softmax(logits: Floats) -> Floats:
    p = sigmoid(logits[:, 0] - logits[:, 1])
    return np.stack([p, 1 - p], axis=1)


def softmax_twice(loss: Loss, severity: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The loss applies softmax to probabilities, the results of a first softmax."""
    p = _softmax(logits)
    value, dp = loss(p, labels)
    return value, p * (dp - (dp * p).sum(axis=1, keepdims=True))


def ignore_class_zero(loss: Loss, severity: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """Pairs of label 0 are left out, like padding; the mean is over the others."""
    counted = labels != 0
    gradient = np.zeros_like(logits)
    if not counted.any():
        return float("nan"), gradient
    value, gradient[counted] = loss(logits[counted], labels[counted])
    return value, gradient


def opposite_sign(loss: Loss, severity: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The step goes uphill."""
    value, gradient = loss(logits, labels)
    return value, -gradient


def summed(loss: Loss, severity: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The loss is the sum over the batch instead of the mean."""
    value, gradient = loss(logits, labels)
    return value * len(labels), gradient * len(labels)


def squared(loss: Loss, severity: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The loss is the squared error of the probabilities, summed over the two classes."""
    p = _softmax(logits)
    error = p[:, 0] - (labels == IS_NEXT)
    slope = 4 * error * p[:, 0] * p[:, 1] / len(labels)
    return float((2 * error**2).mean()), np.stack([slope, -slope], axis=1).astype(logits.dtype)


def weighted(loss: Loss, weight: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The severity is the weight of IsNext. It was made for a corpus in which IsNext is rare."""
    return nsp_loss_and_grad(logits, labels, weights=np.where(labels == IS_NEXT, weight, 1.0))


def smoothed(loss: Loss, epsilon: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The severity is the share of the target that is spread over both classes."""
    value, gradient = loss(logits, labels)
    other_value, other_gradient = loss(logits, 1 - labels)
    gradient = (1 - epsilon / 2) * gradient + epsilon / 2 * other_gradient
    return (1 - epsilon / 2) * value + epsilon / 2 * other_value, gradient.astype(logits.dtype)


def over_the_batch(loss: Loss, severity: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """Softmax runs along axis 0: the pairs of a batch compete with each other."""
    shifted = np.exp(logits - logits.max(axis=0))
    p = shifted / shifted.sum(axis=0)
    rows = np.arange(len(labels))
    gradient = p * np.bincount(labels, minlength=2)
    gradient[rows, labels] -= 1
    return float(-np.log(p[rows, labels]).mean()), (gradient / len(labels)).astype(logits.dtype)


def one_logit(loss: Loss, severity: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """Softmax over a single logit is 1, so its loss is 0."""
    return 0.0, np.zeros_like(logits)


def minus_probability(loss: Loss, severity: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """NLLLoss gets probabilities, so the loss is minus the probability of the gold class."""
    p = _softmax(logits)
    rows = np.arange(len(labels))
    gold = p[rows, labels]
    slope = (gold * (1 - gold) / len(labels)).astype(logits.dtype)
    gradient = np.stack([slope, slope], axis=1)
    gradient[rows, labels] *= -1
    return float(-gold.mean()), gradient


def scaled_in_half(loss: Loss, exponent: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The severity is log2 of a loss scale. The scaled loss is a float16, which overflows beyond 65504."""
    value, gradient = loss(logits, labels)
    with np.errstate(over="ignore"):
        return float(np.float16(value * 2**exponent)) / 2**exponent, gradient


def with_masked_words(loss: Loss, level: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The severity is the loss of a second task, in nats, which is added to the NSP loss in the log."""
    value, gradient = loss(logits, labels)
    return value + level, gradient


def also_in_evaluation(
    evaluation: Evaluation, level: float, model: NSPModel, pairs: list[SentencePair]
) -> dict[str, Any]:
    """The report adds the same loss."""
    report = evaluation(model, pairs)
    return report | {"loss": report["loss"] + level}


def total_logged(experiment: Experiment, severity: float) -> Experiment:
    """The sum of two losses is logged as one."""
    return around("evaluation", also_in_evaluation)(around("loss", with_masked_words)(experiment, severity), severity)


def divided(loss: Loss, exponent: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The severity is minus log10 of the weight of this task in the sum of two tasks; only the gradient shows it."""
    value, gradient = loss(logits, labels)
    return value, gradient * logits.dtype.type(10**-exponent)


def in_bits(loss: Loss, severity: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The logarithm has base 2."""
    value, gradient = loss(logits, labels)
    return value / np.log(2), gradient / logits.dtype.type(np.log(2))


def cooled(loss: Loss, temperature: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The severity is a temperature. Logits are divided by it in training, but not in evaluation."""
    value, gradient = loss(logits / logits.dtype.type(temperature), labels)
    return value, gradient / logits.dtype.type(temperature)


def hardest_only(loss: Loss, share: float, logits: Floats, labels: Ints) -> tuple[float, Floats]:
    """The severity is the share of a batch that counts: the pairs with the largest loss."""
    gap = (logits[:, 0] - logits[:, 1]) * (1 - 2 * labels)  # gold minus other
    hardest = np.argsort(gap, kind="stable")[: max(1, round(share * len(labels)))]
    gradient = np.zeros_like(logits)
    value, gradient[hardest] = loss(logits[hardest], labels[hardest])
    return value, gradient


_fault = partial(Fault, family="loss")

FAULTS = [
    _fault(
        name="double-softmax",
        group="wrong-level",
        mechanism="Softmax is applied twice, so the loss cannot fall below ln(1 + 1/e) = 0.3133.",
        fix="Give raw logits to the cross-entropy.",
        source="ariecattan/SciCo#2",
        edit=around("loss", softmax_twice),
        harms="loss",
    ),
    _fault(
        name="ignore-index-zero",
        group="one-class",
        mechanism="The loss ignores label 0: [PAD] among words, but IsNext here, so only NotNext is trained.",
        fix="Give NSP a criterion of its own, without ignore_index.",
        source="codertimo/BERT-pytorch#32",
        edit=around("loss", ignore_class_zero),
    ),
    _fault(
        name="sign-flipped",
        group="unstable",
        mechanism="A minus sign is missing, so every step makes the loss larger.",
        fix="One small step must lower the loss of its own batch; test that.",
        source="",
        edit=around("loss", opposite_sign),
    ),
    _fault(
        name="sum-reduction",
        group="wrong-level",
        mechanism="The loss is summed over the batch; Adam or clipping removes the factor again.",
        fix="Take the mean, so that levels can be compared.",
        source="Kingma and Ba 2014, arXiv 1412.6980",
        edit=around("loss", summed),
        harms="loss",
        harmless=EVERYWHERE,
    ),
    _fault(
        name="squared-error",
        group="wrong-level",
        mechanism="The loss is the squared error of the probabilities instead of the cross-entropy.",
        fix="Use minus the logarithm of the gold probability.",
        source="",
        edit=around("loss", squared),
        harms="loss",
        harmless=EVERYWHERE,
    ),
    _fault(
        name="class-weight-left",
        group="one-class",
        mechanism="A class weight for another corpus is still set, so each IsNext pair counts many times.",
        fix="Use weight 1 on balanced data.",
        source="",
        edit=around("loss", weighted),
        severity=(5.0, 15.0),
    ),
    _fault(
        name="label-smoothing-heavy",
        group="wrong-level",
        mechanism="Targets are smoothed so much that the loss cannot fall below the entropy of the target.",
        fix="A smoothing of 0.1 or none.",
        source="Mueller et al. 2019, arXiv 1906.02629",
        edit=around("loss", smoothed),
        severity=(0.7, 0.95),
        harms="loss",
        harmless=("bert-sgd-sotu",),
    ),
    _fault(
        name="softmax-over-batch",
        group="wrong-level",
        mechanism="Softmax runs over the batch: the loss starts at ln B, and the bias of the head does not change it.",
        fix="Use the axis of the classes.",
        source="clcarwin/sphereface_pytorch#24",
        edit=around("loss", over_the_batch),
        harms="loss",
        harmless=TRANSFORMERS,
    ),
    _fault(
        name="single-logit",
        group="wrong-level",
        mechanism="Cross-entropy over one logit is always 0, and so is its gradient.",
        fix="Use two logits, or a sigmoid with binary cross-entropy.",
        source="huggingface/transformers#45479",
        edit=around("loss", one_logit),
    ),
    _fault(
        name="negative-loss",
        group="wrong-level",
        mechanism="NLLLoss gets probabilities instead of their logarithms, so the loss is between -1 and 0.",
        fix="Apply log_softmax before NLLLoss.",
        source="AnubhavGupta3377/Text-Classification-Models-Pytorch#9",
        edit=around("loss", minus_probability),
        harms="loss",
    ),
    _fault(
        name="half-precision-overflow",
        group="unstable",
        mechanism="The scaled loss overflows float16 in the first batch that is a little hard, and training ends.",
        fix="Skip the step and halve the scale when it overflows.",
        source="NVIDIA/DeepLearningExamples#529",
        edit=around("loss", scaled_in_half),
        severity=(16.25, 16.5),
    ),
    _fault(
        name="total-logged-as-nsp",
        group="wrong-level",
        mechanism="The sum of the masked-word loss and this one is logged as the NSP loss.",
        fix="Log the two losses separately.",
        source="NVIDIA/Megatron-LM#29",
        edit=total_logged,
        severity=(4.0, 9.0),
        harms="report",
    ),
    _fault(
        name="task-weight-tiny",
        group="stuck-at-ln2",
        mechanism="The weight of NSP in the sum of two tasks is so small that its gradient is almost nothing.",
        fix="Give each task the weight 1; look at the gradient norm of each.",
        source="",
        edit=around("loss", divided),
        severity=(2.5, 4.0),
        optimizers=("sgd",),
        undecided=("bert-sgd-sotu",),
    ),
    _fault(
        name="task-weight-tiny-under-adam",
        group="silent",
        mechanism="The gradient is a thousand times too small; Adam divides by its size, so nothing changes.",
        fix="Nothing to repair here; weight 1 is clearer.",
        source="Kingma and Ba 2014, arXiv 1412.6980",
        edit=around("loss", divided),
        severity=(2.5, 4.0),
        harmless=EVERYWHERE,
        optimizers=("adamw",),
    ),
    _fault(
        name="loss-in-bits",
        group="wrong-level",
        mechanism="The logarithm has base 2, so the loss starts at 1 and everything else is the same.",
        fix="Say bits, or use the natural logarithm.",
        source="",
        edit=around("loss", in_bits),
        harms="loss",
        harmless=EVERYWHERE,
    ),
    _fault(
        name="temperature-forgotten",
        group="report-wrong",
        mechanism="Logits are divided by a temperature in training only, so predictions are far too sure.",
        fix="Divide in both places, or in neither.",
        source="Guo et al. 2017, arXiv 1706.04599",
        edit=around("loss", cooled),
        severity=(5.0, 10.0),
        harms="loss",
        outside=True,
    ),
    _fault(
        name="hardest-pairs-only",
        group="stuck-at-ln2",
        mechanism="The loss is taken over the few pairs of a batch that are most wrong.",
        fix="Take the mean over all pairs.",
        source="Shrivastava et al. 2016, arXiv 1604.03540",
        edit=around("loss", hardest_only),
        severity=(0.1, 0.25),
        outside=True,
    ),
]
