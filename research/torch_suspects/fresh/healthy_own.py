"""Healthy trainings of models of one's own."""

import torch
import torch.nn.functional as F

from research.torch_suspects.base import healthy, linear
from research.torch_suspects.fresh.common import (
    Aligned, DistilNSP, Kernels, Siamese, adamw, distil_state, electra, loaders, pad_tuple, read_all, strip,
)  # fmt: skip

DEFECTS = []


def distil(seed):
    torch.manual_seed(seed)
    given = loaders(strip(healthy("loop", seed)))
    return given | {
        "model": DistilNSP(distil_state()).train(), "loss": None, "optimizer": adamw(3e-4), "schedule": linear(150),
        "steps": 150,
    }  # fmt: skip


def electra_one(seed):
    given = loaders(strip(healthy("loop", seed)))
    return given | {
        "model": electra(seed), "loss": None, "optimizer": adamw(5e-4, weight_decay=0.0), "schedule": None,
        "steps": 150,
    }  # fmt: skip


def aligned(seed):
    given = loaders(strip(healthy("loop", seed)), pad_tuple)
    return given | {
        "model": Aligned(seed), "loss": torch.nn.CrossEntropyLoss(), "optimizer": adamw(2e-3),
        "schedule": linear(200), "steps": 200,
    }  # fmt: skip


def kernels(seed):
    """NLLLoss over log_softmax, as PyTorch's oldest tutorials have it; Adam without decay, no schedule."""
    given = loaders(strip(healthy("loop", seed)), pad_tuple, batch=32)

    def nll(logits, labels):
        return F.nll_loss(F.log_softmax(logits, dim=-1), labels)

    def optimizer(model):
        return torch.optim.Adam(model.parameters(), lr=2e-3)

    return given | {"model": Kernels(seed), "loss": nll, "optimizer": optimizer, "schedule": None, "steps": 200}


def gru(seed):
    """Gradients clipped at 1, cosine schedule, own step and own evaluation."""
    given = loaders(strip(healthy("loop", seed)), pad_tuple)

    def step(model, batch, loss, optimizer, scheduler):
        model.train()
        optimizer.zero_grad(set_to_none=True)
        value = loss(model(*batch[:-1]), batch[-1])
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return value.detach()

    def evaluate(model):
        model.eval()
        logits, labels = read_all(model, given["held_out"])
        model.train()
        return {
            "loss": F.cross_entropy(logits, labels).item(),
            "accuracy": (logits.argmax(-1) == labels).float().mean().item(),
        }

    return given | {
        "model": Siamese("gru", seed), "loss": F.cross_entropy, "optimizer": adamw(2e-3),
        "schedule": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 200), "steps": 200,
        "step": step, "evaluate": evaluate,
    }  # fmt: skip


def cnn(seed):
    given = loaders(strip(healthy("loop", seed)), lambda rows: pad_tuple(rows, 64), batch=32)
    return given | {
        "model": Siamese("cnn", seed, dropout=0.0), "loss": F.cross_entropy, "optimizer": adamw(1.5e-3),
        "schedule": linear(150), "steps": 150,
    }  # fmt: skip


HEALTHY = [
    ("DistilBERT with nsp-mini's layers, dropout .1", distil),
    ("Electra for sequence classification, one layer, no schedule", electra_one),
    ("decomposable attention, frozen word vectors", aligned),
    ("kernel pooling, NLLLoss over log_softmax, plain Adam, batches of 32", kernels),
    ("siamese GRU, clip 1.0, cosine, own step and evaluation", gru),
    ("siamese CNN, padded to 64 always, batches of 32, no dropout", cnn),
]
