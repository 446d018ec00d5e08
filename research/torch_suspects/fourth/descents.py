"""Objectives and steps."""

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import nn
from transformers import Trainer

from research.torch_suspects.base import Loop, bert

from ._kit import Kernels, OnBert, Rows, Towers, as_dict, as_object, as_tuple, data, distil, load, seeded
from .gathered import trainer

STEPS = 200


def given(seed, model, join=as_dict, size=16, **more):
    tr, kept_out, extra = data(seed)
    return dict(
        model=model, train=load(tr, seed, size=size, join=join),
        held_out=load(kept_out, shuffle=False, size=64, join=join), pairs=tr, held_out_pairs=kept_out, steps=STEPS, **extra,
    ) | more


def adam(rate=2e-3, cls=torch.optim.Adam, **k):
    return lambda m: cls(m.parameters(), lr=rate, **k)


# ---- objectives
class Probabilities(nn.Module):
    """A network that ends in a softmax, under CrossEntropyLoss."""

    def __init__(self, body):
        super().__init__()
        self.body = body
        self.last = nn.Softmax(dim=-1)

    def forward(self, input_ids, token_type_ids, attention_mask):
        return self.last(self.body(input_ids, token_type_ids, attention_mask))


def softmax_layer_and_cross_entropy(seed):
    return given(
        seed, Probabilities(Towers(seed, "conv")), loss=nn.CrossEntropyLoss(), optimizer=adam(1e-3, torch.optim.NAdam)
    )


class PaddingAware(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        y = inputs.pop("labels")
        out = model(**inputs)
        value = F.cross_entropy(out.logits.view(-1, 2), y.view(-1), ignore_index=model.config.pad_token_id or 0)
        return (value, out) if return_outputs else value


def trainer_that_ignores_padding(seed):
    tr, kept_out, extra = data(seed)
    return dict(
        model=trainer(bert(1, seed), Rows(tr), Rows(kept_out), seed, PaddingAware, warmup_steps=20, learning_rate=4e-4),
        pairs=tr, held_out_pairs=kept_out, **extra,
    )


class Contrast:
    """Cross-entropy by hand."""

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, scores, truth):
        logs = scores - scores.logsumexp(self.axis, keepdim=True)
        return -(logs * F.one_hot(truth, 2)).sum() / len(truth)


def logs_over_the_first_axis(seed):
    return given(seed, Loop(seed), as_tuple, loss=Contrast(), optimizer=adam(2e-3, torch.optim.RAdam))


def exp_then_nll(seed):
    criterion = nn.NLLLoss()
    return given(
        seed, Towers(seed, "conv"), as_object, loss=lambda z, y: criterion(torch.softmax(z, 1), y),
        optimizer=adam(0.05, torch.optim.SGD, momentum=0.9),
    )


class TwoTasks(nn.Module):
    """One logit for the pair, and a guess at a hidden word from the mean of the others."""

    def __init__(self, seed):
        super().__init__()
        self.pair = Towers(seed, "mlp")
        with seeded(seed):
            self.guess = nn.Linear(self.pair.emb.embedding_dim, 500)

    def forward(self, input_ids, token_type_ids, attention_mask):
        return self.pair(input_ids, token_type_ids, attention_mask)

    def words(self, ids):
        hidden = ids[:, 1]
        mean = F.normalize(self.pair.emb(ids[:, 2:]).mean(1), dim=-1) * 5
        return F.cross_entropy(self.guess(mean), hidden.clamp(max=499))


def joint_step(alpha):
    def step(model, batch, loss, optimizer, schedule):
        nsp = loss(model(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"]), batch["labels"])
        total = (1 - alpha) * model.words(batch["input_ids"]) + alpha * nsp
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        return nsp.item()

    return step


def a_weight_from_an_older_experiment(seed):
    return given(
        seed, TwoTasks(seed), loss=F.cross_entropy, step=joint_step(2e-5),
        optimizer=adam(0.1, torch.optim.SGD, momentum=0.9),
    )


# ---- steps
def rate_of_sgd_given_to_adam(seed):
    return given(
        seed, OnBert(seed), loss=lambda z, y: F.binary_cross_entropy_with_logits(z, y.to(z.dtype)), optimizer=adam(0.05),
        schedule=lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS),
    )


def only_ids_and_mask(items):
    ids, _, mask, y = as_tuple(items)
    return {"input_ids": ids, "attention_mask": mask, "labels": y}


def schedule_of_one_epoch_of_large_batches(seed):
    def poly(optimizer):
        return torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=1600 // 128, power=1.0)

    return given(seed, distil(seed), only_ids_and_mask, optimizer=adam(5e-4, torch.optim.AdamW), schedule=poly)


def grouped(model):
    groups = {True: [], False: []}
    for name, p in model.named_parameters():
        groups["bias" in name or p.dim() == 1].append(p)
    for p in groups[False]:
        p.requires_grad_(True)
    decay = dict(params=groups[True], weight_decay=0.0)
    return torch.optim.AdamW([decay], lr=1e-3)


def one_group_was_forgotten(seed):
    return given(seed, Towers(seed, "conv"), as_tuple, loss=F.cross_entropy, optimizer=grouped)


def optimizer_of_the_copy(seed):
    net = Towers(seed, "mlp")
    master = deepcopy(net)
    opt = torch.optim.RMSprop(master.parameters(), lr=1e-3)
    masters = dict(master.named_parameters())

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        for p in model.parameters():
            p.grad = None
        value = loss(model(batch.input_ids, batch.token_type_ids, batch.attention_mask), batch.labels)
        value.backward()
        for name, p in model.named_parameters():
            masters[name].grad = p.grad.clone()
        optimizer.step()
        return value.detach()

    return given(seed, net, as_object, loss=F.cross_entropy, optimizer=opt, step=step)


def lean_step(model, batch, loss, optimizer, schedule):
    *inputs, y = batch
    value = loss(model(*inputs), y)
    value.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 100.0)
    optimizer.step()
    schedule.step()
    return value.item()


def gradients_kept(seed):
    return given(
        seed, Towers(seed, "conv"), as_tuple, loss=F.cross_entropy, step=lean_step,
        optimizer=adam(0.05, torch.optim.SGD, momentum=0.9),
        schedule=lambda o: torch.optim.lr_scheduler.ConstantLR(o, 1.0, 1),
    )


def decay_of_ten(seed):
    return given(
        seed, bert(1, seed), optimizer=adam(1e-3, torch.optim.AdamW, weight_decay=30.0),
        schedule=lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.1, 1.0, 20),
    )


DEFECTS = [
    ("softmax layer", softmax_layer_and_cross_entropy, "double-softmax", "loss"),
    ("Trainer that ignores padding", trainer_that_ignores_padding, "ignore-index-zero", "loss"),
    ("first axis", logs_over_the_first_axis, "softmax-over-batch", "loss"),
    ("exp then nll", exp_then_nll, "negative-loss", "loss"),
    ("old weight", a_weight_from_an_older_experiment, "task-weight-tiny", "loss"),
    ("rate of another optimizer", rate_of_sgd_given_to_adam, "learning-rate-too-high", "optimizer"),
    ("polynomial of twelve", schedule_of_one_epoch_of_large_batches, "schedule-ends-early", "optimizer"),
    ("one group", one_group_was_forgotten, "only-biases-trained", "optimizer"),
    ("master copy", optimizer_of_the_copy, "updates-not-applied", "optimizer"),
    ("lean step", gradients_kept, "no-zero-grad", "optimizer"),
    ("decay of ten", decay_of_ten, "weight-decay-too-high", "optimizer"),
]
HEALTHY = []
