"""Rates, schedules and their constants."""

import torch
from torch.optim.lr_scheduler import LambdaLR

from research.torch_suspects.base import STEPS, healthy, linear


def warm_up_not_divided(seed):
    """learning-rate-too-high, in another way: the warm-up's factor is the step, not its share (20 times the rate at the peak)."""

    def schedule(optimizer):
        def factor(step):
            return float(step) if step < 40 else 40.0 * max(0.0, (STEPS - step) / (STEPS - 40))

        return LambdaLR(optimizer, factor)

    return healthy("bert", seed) | {"schedule": schedule}


def noam_on_top(seed):
    """learning-rate-too-low, in another way: the Noam rule, which gives the rate itself, multiplies 5e-4."""

    def schedule(optimizer):
        def factor(step):
            step = max(1, step)
            return 96**-0.5 * min(step**-0.5, step * 4000**-1.5)

        return LambdaLR(optimizer, factor)

    return healthy("bert-small", seed) | {"schedule": schedule}


def steps_of_other_batch(seed):
    """schedule-ends-early: total steps computed for one pass in batches of 128."""
    given = healthy("loop", seed)
    total = len(given["pairs"]) // 128
    return given | {"schedule": linear(total, warm=0.25)}


def decay_without_rate(seed):
    """weight-decay-too-high, in another way: an own decay after the step that forgets to multiply by the rate."""

    def step(model, batch, loss, optimizer, scheduler):
        value = model(**batch).loss
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        scheduler.step()
        with torch.no_grad():
            for p in model.parameters():
                if p.ndim > 1:
                    p.mul_(1 - 0.05)
        return value

    return healthy("bert", seed) | {"step": step}


DEFECTS = [
    ("warm-up-not-divided", warm_up_not_divided, "learning-rate-too-high", "optimizer"),
    ("noam-on-top", noam_on_top, "learning-rate-too-low", "optimizer"),
    ("steps-of-other-batch", steps_of_other_batch, "schedule-ends-early", "optimizer"),
    ("decay-without-rate", decay_without_rate, "weight-decay-too-high", "optimizer"),
]
