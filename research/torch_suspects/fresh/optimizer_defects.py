"""What goes wrong between a gradient and a weight."""

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch.optim.lr_scheduler import LambdaLR, StepLR

from research.torch_suspects.base import adamw as groups
from research.torch_suspects.base import healthy, linear
from research.torch_suspects.fresh.common import (
    Aligned, DistilNSP, Kernels, Siamese, adamw, distil_state, electra, loaders, pad_tuple, shorter, strip,
)  # fmt: skip

HEALTHY = []


def own(seed, model, join=pad_tuple, batch=16, **more):
    given = loaders(strip(healthy("loop", seed)), join, batch)
    return given | {
        "model": model, "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(200), "steps": 200,
    } | more  # fmt: skip


def rate_of_sgd(seed):
    """Adam with lr=0.3, a rate for SGD."""
    return shorter(loaders(healthy("bert", seed)), 120) | {"optimizer": groups(0.3)}


def warm_up_by_epochs(seed):
    """The scheduler is told epochs (2), and stepped by batches."""
    return loaders(healthy("bert-small", seed)) | {"schedule": linear(2)}


def step_lr_each_batch(seed):
    """StepLR(step_size=1, gamma=0.5), meant for epochs, stepped in each batch."""

    def step(model, batch, loss, optimizer, scheduler):
        optimizer.zero_grad()
        value = loss(model(*batch[:-1]), batch[-1])
        value.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return value.detach()

    return own(seed, Siamese("gru", seed), step=step, schedule=lambda o: StepLR(o, step_size=1, gamma=0.5))


def no_decay_turned_round(seed):
    """The list of names without decay ('bias', 'LayerNorm') became the only list."""

    def optimizer(model):
        chosen = [p for n, p in model.named_parameters() if n.endswith("bias")]
        return torch.optim.AdamW(chosen, lr=5e-4, weight_decay=0.0)

    return loaders(healthy("loop", seed), pad_tuple) | {"optimizer": optimizer}


def optimizer_before_surgery(seed):
    """The optimizer was made from the model as loaded; the model in use is a copy made after it."""
    given = loaders(healthy("bert-small", seed))
    loaded = deepcopy(given["model"])
    return given | {"optimizer": lambda model: torch.optim.AdamW(loaded.parameters(), lr=5e-4)}


def grads_never_zeroed(seed):
    """No zero_grad in the loop, SGD with momentum."""

    def step(model, batch, loss, optimizer, scheduler):
        value = loss(model(*batch[:-1]), batch[-1])
        value.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return value.detach()

    def sgd(model):
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    return own(seed, Siamese("cnn", seed), step=step, optimizer=sgd, schedule=None)


def grads_never_zeroed_adam(seed):
    """The same in a loop with BERT: zero_grad is called after the epoch only."""

    def step(model, batch, loss, optimizer, scheduler):
        out = model(**batch)
        out.loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return out.loss.detach()

    return loaders(healthy("bert-small", seed)) | {"step": step, "optimizer": adamw(1e-3)}


def decay_ten(seed):
    """weight_decay=10 in Adam, where it is added to the gradient."""
    return loaders(healthy("loop", seed), pad_tuple) | {
        "optimizer": lambda model: torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=10.0)
    }


def decay_in_trainer(seed):
    """TrainingArguments(weight_decay=100): a percentage."""
    given = healthy("trainer", seed)
    given["model"].args.weight_decay = 100.0
    return given


def momentum_998(seed):
    """momentum=0.998, the decay of an average of weights."""

    def optimizer(model):
        return torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.998)

    return own(seed, Kernels(seed), optimizer=optimizer)


DEFECTS = [
    ("StepLR halves in each batch (GRU)", step_lr_each_batch, "schedule-ends-early", "schedule"),
    ("only names that end in bias", no_decay_turned_round, "only-biases-trained", "optimizer"),
    ("optimizer of the model before it was copied", optimizer_before_surgery, "updates-not-applied", "optimizer"),
    ("no zero_grad, AdamW", grads_never_zeroed_adam, "no-zero-grad", "optimizer"),
    ("TrainingArguments(weight_decay=100)", decay_in_trainer, "weight-decay-too-high", "optimizer"),
]

# Checked in the same way, kept out for brevity.
MORE = [
    ("AdamW with 0.3", rate_of_sgd, "learning-rate-too-high", "optimizer"),
    ("a schedule of 2 epochs stepped by batches", warm_up_by_epochs, "schedule-ends-early", "schedule"),
    ("no zero_grad, SGD with momentum (CNN)", grads_never_zeroed, "no-zero-grad", "optimizer"),
    ("Adam with weight_decay=10", decay_ten, "weight-decay-too-high", "optimizer"),
    ("momentum .998 (kernel pooling)", momentum_998, "momentum-too-high", "optimizer"),
]
