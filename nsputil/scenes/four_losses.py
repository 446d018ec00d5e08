"""One head, trained four times with four loss functions that four people wrote. For the exercises of notebook 06."""

from collections.abc import Callable

import numpy as np

from nsputil._types import Floats, Ints
from nsputil.losses import nsp_loss_and_grad
from nsputil.metrics import accuracy
from nsputil.pairs import IS_NEXT, NOT_NEXT

#: From logits and labels to a loss and its gradient in the logits.
LossFunction = Callable[[Floats, Ints], tuple[float, Floats]]


def _softmax(logits: Floats) -> Floats:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _softmax_twice(logits: Floats, labels: Ints) -> tuple[float, Floats]:
    p = _softmax(logits)
    loss, slope = nsp_loss_and_grad(p, labels)
    return loss, p * (slope - (slope * p).sum(axis=1, keepdims=True))


def _not_next_left_out(logits: Floats, labels: Ints) -> tuple[float, Floats]:
    return nsp_loss_and_grad(logits, labels, weights=(labels == IS_NEXT).astype(float))


def _divided_by_entries(logits: Floats, labels: Ints) -> tuple[float, Floats]:
    loss, slope = nsp_loss_and_grad(logits, labels)
    return loss / 2, slope / 2


LOSSES: tuple[LossFunction, ...] = (_softmax_twice, nsp_loss_and_grad, _not_next_left_out, _divided_by_entries)


def train_four(steps: int = 400, pairs: int = 600, hidden: int = 8) -> list[tuple[Floats, float]]:
    """Train the same head from the same start on the same vectors, with four different losses.

    Parameters
    ----------
    steps, pairs, hidden : int

    Returns
    -------
    list of (ndarray, float)
        For each: the loss at every step as that training reports it, and the accuracy at the end.
    """
    rng = np.random.default_rng(606)
    labels = np.arange(pairs) % 2
    side = np.where(labels == NOT_NEXT, -1.0, 1.0)
    vectors = rng.standard_normal((pairs, hidden)) + 2.5 * side[:, None] * np.eye(hidden)[0] + 3.0 * np.eye(hidden)[1]
    trainings = []
    for loss_function in LOSSES:
        W, b = np.zeros((2, hidden)), np.zeros(2)
        losses = []
        for _ in range(steps):
            logits = vectors @ W.T + b
            loss, slope = loss_function(logits, labels)
            losses.append(loss)
            W -= 0.1 * slope.T @ vectors
            b -= 0.1 * slope.sum(axis=0)
        trainings.append((np.array(losses), accuracy(vectors @ W.T + b, labels)))
    return trainings
