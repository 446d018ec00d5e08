"""What goes wrong between logits and a gradient."""

import torch
import torch.nn.functional as F
from torch import nn

from research.torch_suspects.base import healthy, linear
from research.torch_suspects.fresh.common import (
    Aligned, Kernels, Siamese, adamw, electra, loaders, pad_tuple, shorter, strip,
)  # fmt: skip

HEALTHY = []


def own(seed, model, join=pad_tuple, **more):
    given = loaders(strip(healthy("loop", seed)), join)
    return given | {
        "model": model, "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(200), "steps": 200,
    } | more  # fmt: skip


def sgd(model):
    return torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.02, momentum=0.9)


def softmax_before(seed):
    """CrossEntropyLoss gets softmax(logits); plain SGD, which feels a gradient four times smaller."""
    criterion = nn.CrossEntropyLoss()
    return own(
        seed, Aligned(seed), loss=lambda logits, y: criterion(logits.softmax(dim=-1), y), optimizer=sgd,
        schedule=linear(150), steps=150,
    )  # fmt: skip


def ignore_zero(seed):
    """ignore_index=0 copied from the loss over words."""
    return shorter(loaders(healthy("bert", seed)), 120) | {"loss": nn.CrossEntropyLoss(ignore_index=0)}


def no_minus(seed):
    """The mean log-likelihood, minimized."""

    def log_likelihood(logits, labels):
        return F.log_softmax(logits, -1).gather(1, labels.view(-1, 1)).mean()

    return own(seed, Aligned(seed), loss=log_likelihood)


def weights_of_another_corpus(seed):
    """weight=[count_1 / count_0] of a corpus with 4 % IsNext."""
    return loaders(healthy("bert-small", seed)) | {"loss": nn.CrossEntropyLoss(weight=torch.tensor([24.0, 1.0]))}


def one_column(seed):
    """gather picks the logit of the label, and the entropy over that single column is zero."""

    def loss(logits, labels):
        picked = logits.gather(1, labels.unsqueeze(1))
        return F.cross_entropy(picked, torch.zeros_like(labels))

    return loaders(healthy("bert-small", seed)) | {"loss": loss}


def probabilities_in_nll(seed):
    """NLLLoss of softmax, the log forgotten."""
    nll = nn.NLLLoss()
    return own(
        seed, Aligned(seed), loss=lambda logits, y: nll(logits.softmax(-1), y), optimizer=sgd,
        schedule=linear(150), steps=150,
    )  # fmt: skip


def half_and_scaled(seed):
    """The loss is cast to half and scaled by 2 ** 16; gradients are unscaled and never checked."""

    def step(model, batch, loss, optimizer, scheduler):
        optimizer.zero_grad()
        value = loss(model(*batch[:-1]), batch[-1])
        (value.half() * 2**16).backward()
        for p in model.parameters():
            if p.grad is not None:
                p.grad.div_(2**16)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return value.detach()

    return own(seed, Kernels(seed), step=step)


def one_percent_of_one_percent(seed):
    """The masked-word loss has the weight 1 and the loss of the pair 1e-4, by SGD."""
    given = loaders(healthy("bert-small", seed))

    def step(model, batch, loss, optimizer, scheduler):
        optimizer.zero_grad()
        ids = batch["input_ids"].clone()
        hidden = model.bert(ids, attention_mask=batch["attention_mask"], token_type_ids=batch["token_type_ids"])
        logits = model.cls(hidden.pooler_output)
        pair = F.cross_entropy(logits, batch["labels"])
        at = torch.rand(ids.shape) < 0.05
        at &= ids > 4
        table = model.bert.embeddings.word_embeddings.weight[:2000]
        near = at & (ids < 2000)
        words = F.cross_entropy(hidden.last_hidden_state[near] @ table.T, ids[near])
        (words * 0.1 + 1e-5 * pair).backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return pair.detach()

    def optimizer(model):
        return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    return given | {"loss": F.cross_entropy, "step": step, "optimizer": optimizer}


DEFECTS = [
    ("softmax, then CrossEntropyLoss (decomposable attention)", softmax_before, "double-softmax", "loss"),
    ("ignore_index=0", ignore_zero, "ignore-index-zero", "loss"),
    ("log-likelihood without its minus (decomposable attention)", no_minus, "sign-flipped", "loss"),
    ("weight=[24, 1]", weights_of_another_corpus, "class-weight-left", "loss"),
]

# Checked in the same way, kept out for brevity.
MORE = [
    ("entropy over the gathered logit alone", one_column, "single-logit", "loss"),
    ("NLLLoss of probabilities (decomposable attention)", probabilities_in_nll, "negative-loss", "loss"),
    ("loss in half times 2 ** 16 (kernel pooling)", half_and_scaled, "half-precision-overflow", "loss"),
    ("1e-5 of the pair's loss beside masked words", one_percent_of_one_percent, "task-weight-tiny", "loss"),
]
