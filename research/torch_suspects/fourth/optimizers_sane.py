"""Optimizers, schedules and step functions."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LinearLR, CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau, SequentialLR

from research.torch_suspects.base import Loop, bert

from ._kit import OnBert, Towers, as_dict, as_object, as_tuple, distil
from .descents import adam, given

STEPS = 200


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_((m * b1 + p.grad * (1 - b1)).sign(), alpha=-group["lr"])
                m.mul_(b2).add_(p.grad, alpha=1 - b2)
        return value


def lion(seed):
    return given(
        seed, bert(1, seed), optimizer=adam(1e-4, Lion, weight_decay=0.1), schedule=lambda o: CosineAnnealingLR(o, STEPS)
    )


def nesterov(seed):
    return given(
        seed, Towers(seed, "conv"), as_tuple, loss=F.cross_entropy,
        optimizer=adam(0.05, torch.optim.SGD, momentum=0.9, nesterov=True), schedule=lambda o: CosineAnnealingLR(o, STEPS),
    )


def adagrad(seed):
    return given(seed, Towers(seed, "conv"), as_tuple, loss=F.cross_entropy, optimizer=adam(0.01, torch.optim.Adagrad))


def accumulation(seed):
    every = 4

    class Accumulating:
        def __init__(self):
            self.calls = 0

        def __call__(self, model, batch, loss, optimizer, schedule):
            value = loss(model(*batch[:-1]), batch[-1])
            (value / every).backward()
            self.calls += 1
            if self.calls % every == 0:
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
            return value.item()

    return given(
        seed, Towers(seed, "mlp"), as_tuple, size=8, steps=480, loss=F.cross_entropy, step=Accumulating(),
        optimizer=adam(3e-3), schedule=lambda o: LinearLR(o, 1.0, 0.1, 120),
    )


def average_of_weights(seed):
    """An average of the weights is kept on the module and reported."""

    class Averaged(nn.Module):
        def __init__(self, body):
            super().__init__()
            self.body = body
            self.shadow = torch.optim.swa_utils.AveragedModel(
                body, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.95)
            ).requires_grad_(False)

        def forward(self, input_ids, token_type_ids, attention_mask):
            net = self.body if self.training else self.shadow
            return net(input_ids, token_type_ids, attention_mask)

    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"]), batch["labels"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        model.shadow.update_parameters(model.body)
        return value

    return given(
        seed, Averaged(Towers(seed, "mlp")), loss=F.cross_entropy, step=step,
        optimizer=lambda m: torch.optim.Adam(m.body.parameters(), lr=3e-3), schedule=lambda o: LinearLR(o, 1, 0.2, STEPS),
    )


def plateau(seed):
    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(batch.input_ids, batch.token_type_ids, batch.attention_mask), batch.labels)
        value.backward()
        optimizer.step()
        schedule.step(value.item())
        return value.item()

    return given(
        seed, Towers(seed, "mlp"), as_object, loss=F.cross_entropy, step=step, optimizer=adam(2e-3),
        schedule=lambda o: ReduceLROnPlateau(o, factor=0.5, patience=30, threshold=1e-3),
    )


def rates_by_layer(seed):
    def optimizer(model):
        groups = [
            dict(params=list(model.bert.embeddings.parameters()), lr=1e-4),
            dict(params=list(model.bert.encoder.layer[0].parameters()), lr=2e-4),
            dict(params=list(model.bert.encoder.layer[1].parameters()), lr=4e-4),
            dict(params=[*model.bert.pooler.parameters(), *model.cls.parameters()], lr=8e-4),
        ]
        return torch.optim.AdamW(groups, weight_decay=0.01)

    return given(seed, bert(2, seed), optimizer=optimizer, schedule=lambda o: LinearLR(o, 1.0, 0.0, STEPS))


def frozen_words(seed):
    net = bert(1, seed)
    for p in net.bert.embeddings.parameters():
        p.requires_grad = False
    return given(
        seed, net, optimizer=lambda m: torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], 6e-4),
        schedule=lambda o: OneCycleLR(o, 6e-4, total_steps=STEPS),
    )


def autocast(seed):
    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            z = model(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"])
        value = loss(z.float(), batch["labels"])
        value.backward()
        optimizer.step()
        return value.item()

    return given(seed, Towers(seed, "mlp"), loss=F.cross_entropy, step=step, optimizer=adam(2e-3))


def two_passes_agree(seed):
    """Two dropout masks, and a term that pulls the two answers together."""

    def step(model, batch, loss, optimizer, schedule):
        *x, y = batch
        p, q = model(*x), model(*x)
        lp, lq = p.log_softmax(-1), q.log_softmax(-1)
        agree = F.kl_div(lp, lq, log_target=True, reduction="batchmean") + F.kl_div(
            lq, lp, log_target=True, reduction="batchmean"
        )
        value = (loss(p, y) + loss(q, y)) / 2
        optimizer.zero_grad()
        (value + 0.25 * agree).backward()
        optimizer.step()
        return value.item()

    return given(seed, Towers(seed, "mlp", drop=0.2), as_tuple, loss=F.cross_entropy, step=step, optimizer=adam(2e-3))


def double_precision(seed):
    return given(
        seed, Towers(seed, "mlp").double(), as_tuple, loss=F.cross_entropy, optimizer=adam(2e-3), steps=150,
    )


DEFECTS = []
HEALTHY = [
    ("lion", lion), ("nesterov", nesterov), ("adagrad", adagrad),
    ("accumulation", accumulation), ("average of weights", average_of_weights),
    ("plateau", plateau), ("rates by layer", rates_by_layer), ("frozen words", frozen_words), ("autocast", autocast),
    ("two passes", two_passes_agree),
]
