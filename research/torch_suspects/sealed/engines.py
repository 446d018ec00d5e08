"""Training engines of people's own."""

from collections import deque

import torch
import torch.nn.functional as F

from research.torch_suspects.base import healthy


def betas_swapped(seed):
    """momentum-too-high, in another way: Adam's two betas in the wrong order (.999 for the mean)."""

    def factory(model):
        return torch.optim.Adam(model.parameters(), lr=5e-4, betas=(0.999, 0.9))

    return healthy("bert", seed) | {"optimizer": factory}


def queue_of_gradients(seed):
    """gradients-delayed, in another way: an asynchronous server imitated by a queue of gradients."""
    queue = deque()

    def step(model, batch, loss, optimizer, scheduler):
        value = loss(model(*batch[:-1]), batch[-1])
        optimizer.zero_grad()
        value.backward()
        queue.append([None if p.grad is None else p.grad.detach().clone() for p in model.parameters()])
        if len(queue) > 24:
            for p, g in zip(model.parameters(), queue.popleft()):
                p.grad = g
            optimizer.step()
        scheduler.step()
        return value.detach()

    def factory(model):
        return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    return healthy("loop", seed) | {"step": step, "optimizer": factory}


def rate_of_nought(seed):
    """encoder-frozen, in another way: everything is in the optimizer and asks for gradients; all below the head has lr 0."""

    def factory(model):
        below = [*model.words.parameters(), *model.pooler.parameters()]
        return torch.optim.AdamW([{"params": below, "lr": 0.0}, {"params": list(model.head.parameters()), "lr": 2e-3}])

    return healthy("loop", seed) | {"optimizer": factory}


def quiet_logits(seed):
    """task-weight-tiny, in another way: the auxiliary (logits near zero) is not large; NSP's weight is 0.001."""

    def loss(logits, labels):
        return 0.001 * F.cross_entropy(logits, labels) + logits.square().mean()

    return healthy("bert-small", seed) | {"loss": loss}


def penalty_in_the_number(seed):
    """total-logged-as-nsp, in another way: the returned number holds the weights' penalty too."""

    def step(model, batch, loss, optimizer, scheduler):
        nsp = loss(model(*batch[:-1]), batch[-1])
        penalty = 1e-3 * sum(p.square().sum() for n, p in model.named_parameters() if n.endswith("weight") and "words" not in n)
        value = nsp + penalty
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        scheduler.step()
        return value

    return healthy("loop", seed) | {"step": step}


DEFECTS = [
    ("betas-swapped", betas_swapped, "momentum-too-high", "optimizer"),
    ("queue-of-gradients", queue_of_gradients, "gradients-delayed", "optimizer"),
    ("rate-of-nought", rate_of_nought, "encoder-frozen", "optimizer"),
    ("quiet-logits", quiet_logits, "task-weight-tiny", "loss"),
    ("penalty-in-the-number", penalty_in_the_number, "total-logged-as-nsp", "loss"),
]
