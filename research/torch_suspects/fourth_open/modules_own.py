"""Sane trainings of small modules of one's own: averages, recurrent, convolutional, kernels."""

from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, StepLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ._own import (
    Apart,
    Dan,
    Joined,
    Kernels,
    Twin,
    compare,
    draw_weights,
    feed,
    groups,
    material,

    table,
    to_dict,
    to_tuple,
    to_two,
    warm_linear,
)

N = 200


def _joined(seed, collate=to_dict, size=16, **more):
    pairs, others, text = material(seed)
    return text | {
        "train": feed(Joined(pairs), size, seed, collate=collate),
        "held_out": feed(Joined(others), 64, seed, False, collate),
        "steps": N,
    } | more


def _apart(seed, collate=to_two, size=16, **more):
    pairs, others, text = material(seed)
    return text | {
        "train": feed(Apart(pairs), size, seed, collate=collate),
        "held_out": feed(Apart(others), 64, seed, False, collate),
        "steps": N,
    } | more


# 1 log-probabilities and NLLLoss, a tuple as batch
class LogDan(Dan):
    def forward(self, ids, segs, mask):
        return F.log_softmax(super().forward(ids, segs, mask), dim=1)


def nll_tuple(seed):
    return _joined(
        seed, to_tuple, model=LogDan(seed), loss=nn.NLLLoss(),
        optimizer=lambda m: torch.optim.Adagrad(m.parameters(), lr=0.03),
    )  # fmt: skip


# 2 one logit, an LSTM over packed rows
def lstm_bce(seed):
    def collate(rows):
        return to_two(rows) | {"label": torch.tensor([[float(r[2])] for r in rows])}

    return _apart(
        seed, collate, model=Twin(seed, "lstm", out=1), loss=nn.BCEWithLogitsLoss(),
        optimizer=lambda m: torch.optim.Adam(m.parameters(), lr=2e-3),
    )  # fmt: skip


# 3 GRU, RMSprop, clipping in a step of one's own
def gru_rmsprop(seed):
    criterion = nn.CrossEntropyLoss()

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad(set_to_none=False)
        out = model(batch["premise"], batch["hypothesis"])
        value = loss(out, batch["label"])
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return value.item()

    return _apart(
        seed, model=Twin(seed, "gru"), loss=criterion, step=step,
        optimizer=lambda m: torch.optim.RMSprop(m.parameters(), lr=1e-3, alpha=0.95),
    )  # fmt: skip


# 4 convolution, NAdam, one cycle
def conv_onecycle(seed):
    return _apart(
        seed, model=Twin(seed, "conv"), loss=F.cross_entropy,
        optimizer=lambda m: torch.optim.NAdam(groups(m), lr=1e-3),
        schedule=lambda o: OneCycleLR(o, max_lr=2e-3, total_steps=N + 1, pct_start=0.2),
    )  # fmt: skip


# 5 kernels, RAdam
def kernels_radam(seed):
    def score(model, held_out):
        model.eval()
        right = total = 0
        with torch.inference_mode():
            for batch in held_out:
                z = model(batch["premise"], batch["hypothesis"])
                right += (z.argmax(-1) == batch["label"]).sum().item()
                total += len(z)
        model.train()
        return right / total

    return _apart(
        seed, model=Kernels(seed), loss=F.cross_entropy, evaluate=score,
        optimizer=lambda m: torch.optim.RAdam(m.parameters(), lr=5e-3),
    )  # fmt: skip


# 6 probabilities out of a softmax, loss on their logarithm
class SoftTwin(Twin):
    def forward(self, premise, hypothesis):
        return torch.softmax(super().forward(premise, hypothesis), -1)


def log_of_softmax(seed):
    def loss(p, y):
        return F.nll_loss(torch.log(p + 1e-9), y)

    return _apart(
        seed, model=SoftTwin(seed, "linear"), loss=loss,
        optimizer=lambda m: torch.optim.AdamW(m.parameters(), lr=2e-3, weight_decay=0.05),
    )  # fmt: skip


# 7 one probability, BCELoss
class Odds(Dan):
    gives_probability = True

    def forward(self, input_ids, token_type_ids, attention_mask):
        return torch.sigmoid(super().forward(input_ids, token_type_ids, attention_mask)).squeeze(-1)


def bce_probability(seed):
    return _joined(
        seed, model=Odds(seed, out=1), loss=lambda p, y: F.binary_cross_entropy(p, y.float()),
        optimizer=lambda m: torch.optim.AdamW(m.parameters(), lr=3e-3),
        schedule=lambda o: CosineAnnealingLR(o, N),
    )  # fmt: skip


# 8 a named tuple, SGD with momentum
Row = namedtuple("Row", "a b y")


class Named(Twin):
    def forward(self, a, b):
        return super().forward(a, b)


def namedtuple_sgd(seed):
    def collate(rows):
        d = to_two(rows)
        return Row(d["premise"], d["hypothesis"], d["label"])

    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(batch.a, batch.b), batch.y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        return value

    return _apart(
        seed, collate, model=Named(seed, "gate"), loss=F.cross_entropy, step=step, steps=400,
        optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=0.15, momentum=0.9, nesterov=True),
        schedule=lambda o: StepLR(o, 200, 0.3), forward=lambda m, b: m(b.a, b.b),
    )  # fmt: skip


# 9 batches as objects of a dataclass, Lion
@dataclass
class PairBatch:
    input_ids: torch.Tensor
    token_type_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=3e-4, betas=(0.9, 0.99), decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, decay=decay))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["decay"])
                p.add_((b1 * m + (1 - b1) * p.grad).sign(), alpha=-group["lr"])
                m.mul_(b2).add_(p.grad, alpha=1 - b2)


def dataclass_lion(seed):
    def collate(rows):
        return PairBatch(*to_tuple(rows))

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(batch.input_ids, batch.token_type_ids, batch.attention_mask), batch.labels)
        value.backward()
        optimizer.step()
        schedule.step()
        return value.detach()

    return _joined(
        seed, collate, model=Dan(seed), loss=nn.CrossEntropyLoss(), step=step,
        optimizer=lambda m: Lion(m.parameters(), lr=1e-3), schedule=warm_linear(N, 10),
    )  # fmt: skip


# 10 batch norm
def batch_norm(seed):
    return _joined(
        seed, model=Dan(seed, hidden=64, norm=True), loss=F.cross_entropy, size=32, steps=150,
        optimizer=lambda m: torch.optim.AdamW(groups(m, 0.02), lr=3e-3), schedule=warm_linear(150, 15),
    )  # fmt: skip


# 11 focal loss
class Focal(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, labels):
        logp = torch.log_softmax(logits, -1).gather(1, labels.view(-1, 1)).squeeze(1)
        return (-((1 - logp.exp()) ** self.gamma) * logp).mean()


def focal(seed):
    return _joined(
        seed, model=Dan(seed, act=nn.GELU), loss=Focal(), optimizer=lambda m: torch.optim.AdamW(m.parameters(), 2e-3)
    )


# 12 EMA of weights, read by the evaluation
def ema(seed):
    given = _joined(seed, model=Dan(seed), loss=F.cross_entropy)
    model = given["model"]
    shadow = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))

    def step(model, batch, loss, optimizer, schedule):
        out = model(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"])
        value = loss(out, batch["labels"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        shadow.update_parameters(model)
        return value

    def evaluate(model, held_out):
        shadow.eval()
        losses, hits, n = 0.0, 0, 0
        with torch.no_grad():
            for batch in held_out:
                z = shadow(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"])
                losses += F.cross_entropy(z, batch["labels"], reduction="sum").item()
                hits += (z.argmax(1) == batch["labels"]).sum().item()
                n += len(z)
        return {"loss": losses / n, "accuracy": hits / n}

    return given | {
        "step": step, "evaluate": evaluate, "optimizer": lambda m: torch.optim.AdamW(m.parameters(), lr=2e-3)
    }  # fmt: skip


# 13 flat ids and offsets in an EmbeddingBag
class Bags(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.words = nn.EmbeddingBag.from_pretrained(table().weight.detach().clone(), freeze=False, mode="mean")
        self.net = nn.Sequential(nn.Linear(192, 40), nn.SiLU(), nn.Linear(40, 2))
        draw_weights(self, seed)

    def forward(self, flat_a, start_a, flat_b, start_b):
        return self.net(compare(self.words(flat_a, start_a), self.words(flat_b, start_b)))


def embedding_bag(seed):
    def flat(lists):
        starts = [0]
        for x in lists[:-1]:
            starts.append(starts[-1] + len(x))
        return torch.tensor([i for x in lists for i in x]), torch.tensor(starts)

    def collate(rows):
        fa, sa = flat([r[0] for r in rows])
        fb, sb = flat([r[1] for r in rows])
        return dict(flat_a=fa, start_a=sa, flat_b=fb, start_b=sb, labels=torch.tensor([r[2] for r in rows]))

    return _apart(
        seed, collate, model=Bags(seed), loss=F.cross_entropy,
        optimizer=lambda m: torch.optim.Adamax(m.parameters(), lr=4e-3),
    )  # fmt: skip


# 14 attention gates, gradient accumulation over two batches
def accumulate(seed):
    seen = {"n": 0}

    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(batch["premise"], batch["hypothesis"]), batch["label"])
        (value / 2).backward()
        seen["n"] += 1
        if seen["n"] % 2 == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            optimizer.zero_grad()
        return value

    return _apart(
        seed, model=Twin(seed, "gate"), loss=F.cross_entropy, step=step, size=8, steps=400,
        optimizer=lambda m: torch.optim.AdamW(m.parameters(), lr=2e-3),
    )  # fmt: skip


# 15 frozen word vectors, the rest trained
def frozen_words(seed):
    return _joined(
        seed, model=Dan(seed, hidden=96, freeze=True), loss=F.cross_entropy,
        optimizer=lambda m: torch.optim.Adam([p for p in m.parameters() if p.requires_grad], lr=5e-3),
    )  # fmt: skip


# 16 R-Drop: two passes and their divergence
def r_drop(seed):
    def step(model, batch, loss, optimizer, schedule):
        x = batch["input_ids"], batch["token_type_ids"], batch["attention_mask"]
        p, q = model(*x), model(*x)
        lp, lq = F.log_softmax(p, -1), F.log_softmax(q, -1)
        kl = 0.5 * (
            F.kl_div(lp, lq, log_target=True, reduction="batchmean")
            + F.kl_div(lq, lp, log_target=True, reduction="batchmean")
        )
        ce = 0.5 * (loss(p, batch["labels"]) + loss(q, batch["labels"]))
        optimizer.zero_grad()
        (ce + kl).backward()
        optimizer.step()
        return ce

    return _joined(
        seed, model=Dan(seed, drop=0.2), loss=F.cross_entropy, step=step,
        optimizer=lambda m: torch.optim.AdamW(m.parameters(), lr=2e-3),
    )  # fmt: skip


# 17 a rate for the words and another for the rest, plateau
def plateau(seed):
    def step(model, batch, loss, optimizer, schedule):
        out = model(batch["pair"]["ids"], batch["pair"]["sides"], batch["pair"]["mask"])
        value = loss(out, batch["target"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step(value.item())
        return value

    def collate(rows):
        a, b, c, y = to_tuple(rows)
        return {"pair": {"ids": a, "sides": b, "mask": c}, "target": y}

    return _joined(
        seed, collate, model=Dan(seed), loss=F.cross_entropy, step=step,
        optimizer=lambda m: torch.optim.Adam(
            [{"params": m.words.parameters(), "lr": 1e-3}, {"params": m.net.parameters(), "lr": 4e-3}]
        ),
        schedule=lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=50),
        forward=lambda m, b: m(b["pair"]["ids"], b["pair"]["sides"], b["pair"]["mask"]),
    )  # fmt: skip


# 18 an output object with .logits, cosine after warm-up, label smoothing
class Answering(Dan):
    def forward(self, input_ids, token_type_ids, attention_mask):
        return SimpleNamespace(logits=super().forward(input_ids, token_type_ids, attention_mask))


def smoothing(seed):
    return _joined(
        seed, model=Answering(seed), loss=nn.CrossEntropyLoss(label_smoothing=0.1),
        optimizer=lambda m: torch.optim.AdamW(groups(m), lr=3e-3),
        schedule=lambda o: torch.optim.lr_scheduler.SequentialLR(
            o,
            [torch.optim.lr_scheduler.LinearLR(o, 0.1, 1.0, 20), CosineAnnealingLR(o, N - 20)],
            [20],
        ),
    )  # fmt: skip


HEALTHY = [
    ("log-probabilities with NLLLoss, tuples, Adagrad", nll_tuple),
    ("LSTM of one logit with BCE, labels as a column", lstm_bce),
    ("GRU, RMSprop, clipping at 1", gru_rmsprop),
    ("convolution, NAdam, one cycle", conv_onecycle),
    ("kernels over word pairs, RAdam, evaluation of one number", kernels_radam),
    ("softmax in the model, logarithm in the loss", log_of_softmax),
    ("one probability with BCELoss, cosine", bce_probability),
    ("named tuples, SGD with Nesterov momentum, steps", namedtuple_sgd),
    ("objects of a dataclass, Lion", dataclass_lion),
    ("batch norm, batches of 32", batch_norm),
    ("focal loss", focal),
    ("EMA of the weights, which the evaluation uses", ema),
    ("embedding bags of flat ids, Adamax", embedding_bag),
    ("attention weights, two small batches a step", accumulate),
    ("frozen word vectors", frozen_words),
    ("two passes and their divergence", r_drop),
    ("a rate for each part, plateau, nested batches", plateau),
    ("label smoothing, warm-up and cosine, an output object", smoothing),
]
