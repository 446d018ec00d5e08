"""The body of the loop, written by hand."""

import copy

import torch
from torch import nn

from research.torch_suspects.base import STEPS, adamw, healthy, linear


def no_parentheses(seed):
    """no-zero-grad, in another way: the method is named, not called."""

    def step(model, batch, loss, optimizer, scheduler):
        optimizer.zero_grad
        value = loss(model(*batch[:-1]), batch[-1])
        value.backward()
        optimizer.step()
        scheduler.step()
        return value

    def sgd(model):
        return torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)

    return healthy("loop", seed) | {"step": step, "optimizer": sgd}


def safe_copy(seed):
    """updates-not-applied, in another way: the optimizer holds the tensors of a copy."""

    def factory(model):
        return torch.optim.AdamW(copy.deepcopy(model).parameters(), lr=5e-4, weight_decay=0.01)

    return healthy("bert", seed) | {"optimizer": factory}


def exhausted_generator(seed):
    """parameter-missing, in another way: named_parameters() is a generator; the second comprehension finds nothing."""

    def factory(model):
        named = model.named_parameters()
        plain = [p for n, p in named if n.endswith("bias") or "LayerNorm" in n]
        rest = [p for n, p in named if not (n.endswith("bias") or "LayerNorm" in n)]
        groups = [{"params": plain, "weight_decay": 0.0}, {"params": rest, "weight_decay": 0.01}]
        return torch.optim.AdamW([g for g in groups if g["params"]], lr=5e-4)

    return healthy("bert", seed) | {"optimizer": factory}


def per_micro_batch(seed):
    """scheduler-order, in another way: eight micro-batches a step, and the schedule is stepped in the inner loop."""

    def step(model, batch, loss, optimizer, scheduler):
        optimizer.zero_grad()
        count, total = len(batch["labels"]), 0.0
        for start in range(0, count, 2):
            part = {k: v[start : start + 2] for k, v in batch.items()}
            value = model(**part).loss * len(part["labels"]) / count
            value.backward()
            scheduler.step()
            total = total + value.detach()
        optimizer.step()
        return total

    return healthy("bert-small", seed) | {"step": step}


DEFECTS = [
    ("no-parentheses", no_parentheses, "no-zero-grad", "optimizer"),
    ("safe-copy", safe_copy, "updates-not-applied", "optimizer"),
    ("exhausted-generator", exhausted_generator, "parameter-missing", "optimizer"),
    ("per-micro-batch", per_micro_batch, "scheduler-order", "optimizer"),
]
