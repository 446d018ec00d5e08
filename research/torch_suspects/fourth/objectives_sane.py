"""Losses, heads and outputs as people choose them."""

import torch
import torch.nn.functional as F
from torch import nn
from transformers import BatchEncoding
from transformers.modeling_outputs import SequenceClassifierOutput

from research.torch_suspects.base import Loop, bert

from ._kit import Kernels, OnBert, PairBatch, Rows, Towers, as_dict, as_object, as_tuple, data, distil, load
from .descents import TwoTasks, adam, given, joint_step

STEPS = 200


def cosine(o):
    return torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS)


def one_logit_bce(seed):
    bce = nn.BCEWithLogitsLoss()
    return given(
        seed, OnBert(seed), loss=lambda z, y: bce(z, y.float()), optimizer=adam(5e-4, torch.optim.AdamW), schedule=cosine
    )


class LogProbabilities(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body, self.last = body, nn.LogSoftmax(dim=1)

    def forward(self, ids, types, mask):
        return self.last(self.body(ids, types, mask))


def log_softmax_nll(seed):
    return given(
        seed, LogProbabilities(Towers(seed, "conv")), as_tuple, loss=nn.NLLLoss(), optimizer=adam(1.5e-3, torch.optim.NAdam)
    )


def without_types(items):
    batch = as_dict(items)
    del batch["token_type_ids"]
    return BatchEncoding(batch)


def distil_own_loss(seed):
    return given(seed, distil(seed), without_types, optimizer=adam(5e-4, torch.optim.AdamW, weight_decay=0.01), schedule=cosine)


class Sigmoid(nn.Module):
    """The probability of NotNext itself."""

    def __init__(self, seed):
        super().__init__()
        self.net = Towers(seed, "mlp", out=1)

    def forward(self, input_ids, token_type_ids, attention_mask):
        return {"prob": torch.sigmoid(self.net(input_ids, token_type_ids, attention_mask))}


def a_probability_and_bce(seed):
    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad(set_to_none=True)
        p = model(batch.input_ids, batch.token_type_ids, batch.attention_mask)["prob"]
        value = loss(p, batch.labels)
        value.backward()
        optimizer.step()
        return value.item()

    return given(
        seed, Sigmoid(seed), as_object, loss=lambda p, y: F.binary_cross_entropy(p, y.float()), optimizer=adam(),
        step=step, forward=lambda m, b: m(b.input_ids, b.token_type_ids, b.attention_mask)["prob"],
    )


def smoothed(seed):
    return given(
        seed, Towers(seed, "mlp"), loss=nn.CrossEntropyLoss(label_smoothing=0.1),
        optimizer=adam(5e-3, torch.optim.RAdam), schedule=cosine,
    )


class Focal(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, z, y):
        ce = F.cross_entropy(z, y, reduction="none")
        return ((1 - torch.exp(-ce)) ** self.gamma * ce).mean()


def focal(seed):
    return given(
        seed, Loop(seed), as_tuple, loss=Focal(1.5), optimizer=adam(2e-3, torch.optim.AdamW),
        schedule=lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 3e-3, total_steps=STEPS),
    )


def three_of_four_not_next(seed):
    """A real imbalance in both splits, and weights that make up for part of it."""
    tr, kept_out, extra = data(seed, 2200, 560)

    def thin(rows):
        kept, k = [], 0
        for a, b, y in rows:
            k += y == 0
            if y == 1 or k % 3 == 0:
                kept.append((a, b, y))
        return kept

    tr, kept_out = thin(tr), thin(kept_out)
    counts = torch.bincount(torch.tensor([y for *_, y in tr])).float()
    weights = (counts.sum() / (2 * counts)).sqrt()
    return dict(
        model=Towers(seed, "mlp"), train=load(tr, seed), held_out=load(kept_out, shuffle=False, size=64),
        loss=nn.CrossEntropyLoss(weight=weights), optimizer=adam(), schedule=cosine, steps=STEPS, pairs=tr,
        held_out_pairs=kept_out, **extra,
    )


def with_a_word_task(seed):
    return given(seed, TwoTasks(seed), loss=F.cross_entropy, step=joint_step(0.7), optimizer=adam(1.2e-3))


class Output(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.net = Kernels(seed)
        self.criterion = nn.CrossEntropyLoss()

    def forward(self, input_ids, token_type_ids, attention_mask, labels=None):
        z = self.net(input_ids, token_type_ids, attention_mask)
        return SequenceClassifierOutput(loss=None if labels is None else self.criterion(z, labels), logits=z)


def kernels_with_own_loss(seed):
    return given(seed, Output(seed), optimizer=adam(0.01, torch.optim.Adam), schedule=cosine)


def batch_norm(seed):
    return given(seed, Towers(seed, "mlp", norm=True, drop=0.3), as_tuple, loss=F.cross_entropy, optimizer=adam(1e-3), size=32, steps=100)


def recurrent(seed):
    tr, kept_out, extra = data(seed)
    tr_set, te_set = Rows(tr, 48), Rows(kept_out, 48)

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(*batch[:3]), batch[3])
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return float(value.detach())

    return dict(
        model=Towers(seed, "gru"), train=load(tr_set, seed, join=as_tuple),
        held_out=load(te_set, shuffle=False, size=64, join=as_tuple), loss=F.cross_entropy, step=step,
        optimizer=adam(2e-3), schedule=lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.05, 140), steps=140, pairs=tr, held_out_pairs=kept_out, **extra,
    )


DEFECTS = []
HEALTHY = [
    ("one logit, BCE", one_logit_bce),
    ("log-softmax, NLL", log_softmax_nll),
    ("DistilBERT, own loss", distil_own_loss),
    ("one probability, BCE", a_probability_and_bce),
    ("smoothing of a tenth", smoothed),
    ("focal", focal),
    ("weights for an imbalance", three_of_four_not_next),
    ("word task", with_a_word_task),
    ("kernels", kernels_with_own_loss),
    ("batch norm", batch_norm),
    ("recurrent", recurrent),
]
