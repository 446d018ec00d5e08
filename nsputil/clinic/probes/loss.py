"""The probe of the loss function. Introduced in notebook 09."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nsputil.clinic.probes.registry import Probe, log10, number
from nsputil.clinic.probes.suspect import Suspect
from nsputil.clinic.signals.base import Number
from nsputil.losses import nsp_loss_and_grad


@dataclass(frozen=True)
class LossUnits:
    """What the loss function says of logits whose loss is known."""

    certain: Number = number("unit.certain", "nats", "loss of two certain right answers", 0, 0)
    undecided: Number = number("unit.undecided", "nats", "loss of four undecided answers", 0.6931, 0.6932)
    size: Number = number("unit.size", "ratio", "loss of eight undecided answers over that of four", 1, 1)
    is_next: Number = number("unit.is_next", "nats", "loss of a wrong answer to IsNext, gap -4", 4.018, 4.019)
    not_next: Number = number("unit.not_next", "nats", "loss of a wrong answer to NotNext, gap -4", 4.018, 4.019)
    large: Number = number("unit.large", "log10", "loss of a wrong answer, gap -1000", 3, 3)
    direction: Number = number("unit.direction", "ratio", "cosine between its gradient and p - y", 1, 1)
    length: Number = number("unit.length", "log10", "length of its gradient over that of (p - y) / batch", 0, 0)


def loss_unit_test(suspect: Suspect) -> LossUnits:
    """Give the loss function logits whose loss and gradient are known."""
    loss_and_gradient = suspect.experiment.loss

    def loss(rows: ArrayLike, labels: Sequence[int]) -> float:
        return float(loss_and_gradient(np.array(rows, np.float32), np.array(labels))[0])

    rng = np.random.default_rng(1)
    logits, labels = rng.standard_normal((16, 2)).astype(np.float32), np.arange(16) % 2
    gradient, right = loss_and_gradient(logits, labels)[1], nsp_loss_and_grad(logits, labels)[1]
    length, right_length = np.linalg.norm(gradient), np.linalg.norm(right)
    try:
        large = log10(abs(loss([[1000, 0], [0, 1000]], [1, 0])))
    except FloatingPointError:
        large = np.nan
    return LossUnits(
        certain=loss([[20, 0], [0, 20]], [0, 1]),
        undecided=loss(np.zeros((4, 2)), [0, 1, 0, 1]),
        size=loss(np.zeros((8, 2)), [0, 1] * 4) / loss(np.zeros((4, 2)), [0, 1, 0, 1]),
        is_next=loss([[-2, 2]], [0]),
        not_next=loss([[2, -2]], [1]),
        large=large,
        direction=float((gradient * right).sum() / max(length * right_length, 1e-12)),
        length=log10(length / right_length),
    )


PROBES = (
    Probe(
        "loss-unit-test",
        "What does the loss function say of logits whose loss is known?",
        1,
        LossUnits,
        loss_unit_test,
    ),
)
