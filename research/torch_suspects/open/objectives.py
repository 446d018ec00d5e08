"""Losses people write."""

import torch
import torch.nn.functional as F
from torch import nn

from research.torch_suspects.base import Loop, healthy


class Probabilities(Loop):
    """Ends in a softmax; cross_entropy takes another."""

    def forward(self, *inputs):
        return F.softmax(super().forward(*inputs), dim=-1)


def ends_in_softmax(seed):
    """double-softmax, in another way: the first one is the model's last layer."""
    return healthy("loop", seed) | {"model": Probabilities(seed)}


def expected_probability(seed):
    """negative-loss, in another way: minus the probability of the right class, by gather."""

    def loss(logits, labels):
        probabilities = logits.softmax(-1)
        return -probabilities.gather(1, labels[:, None]).mean()

    return healthy("bert-small", seed) | {"loss": loss}


def drop_padding_labels(seed):
    """ignore-index-zero, in another way: rows whose label is 0 are dropped as padding, as in token classification."""

    def loss(logits, labels):
        active = labels.view(-1) > 0
        return F.cross_entropy(logits.view(-1, 2)[active], labels.view(-1)[active]) if active.any() else logits.sum() * 0.0

    return healthy("bert", seed) | {"loss": loss}


def contrastive_habit(seed):
    """temperature-forgotten: cosine habit, logits / 0.05 in the loss only."""

    def loss(logits, labels):
        return F.cross_entropy(logits / 0.05, labels)

    return healthy("loop", seed) | {"loss": loss}


def reward_step(seed):
    """sign-flipped, in another way: the step goes up ("maximize the objective"), the number printed is right."""

    def step(model, batch, loss, optimizer, scheduler):
        objective = model(**batch).loss
        optimizer.zero_grad()
        (-objective).backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return objective.detach()

    return healthy("bert-small", seed) | {"step": step}


DEFECTS = [
    ("ends-in-softmax", ends_in_softmax, "double-softmax", "loss"),
    ("expected-probability", expected_probability, "negative-loss", "loss"),
    ("drop-padding-labels", drop_padding_labels, "ignore-index-zero", "loss"),
    ("contrastive-habit", contrastive_habit, "temperature-forgotten", "loss"),
    ("reward-step", reward_step, "sign-flipped", "loss"),
]
