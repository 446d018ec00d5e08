"""Sane trainings that were written while `examine` was mended: choices of loss, sampler, schedule and evaluation."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, CyclicLR, ExponentialLR, LambdaLR
from torch.utils.data import Sampler, Subset, WeightedRandomSampler

from research.torch_suspects.base import (
    Loop, PairData, adamw, bert, collate, collate_tuple, draw, healthy, linear, loader, texts,
)  # fmt: skip

ARRAYS = ("input_ids", "token_type_ids", "attention_mask")


def plain(seed, **more):
    return healthy("loop", seed) | more


def stepping(value, after=lambda model: None, norm=None):
    """Return a step that minimises ``value(model, batch)``."""

    def step(model, batch, loss, optimizer, schedule):
        found = value(model, batch)
        optimizer.zero_grad()
        found.backward()
        if norm:
            nn.utils.clip_grad_norm_(model.parameters(), norm)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        after(model)
        return found.detach()

    return step


def poly(seed):
    def loss(z, y):
        p = z.softmax(-1).gather(1, y[:, None]).squeeze(1)
        return (-p.log() + 2.0 * (1 - p)).mean()

    return plain(seed, loss=loss)


def smoothed_fifth(seed):
    return plain(seed, loss=nn.CrossEntropyLoss(label_smoothing=0.2))


def confident_penalty(seed):
    def loss(z, y):
        log_p = z.log_softmax(-1)
        return F.cross_entropy(z, y) + 0.1 * (log_p.exp() * log_p).sum(-1).mean()

    return plain(seed, loss=loss)


def half_loss(seed):
    return plain(seed, loss=lambda z, y: 0.5 * F.cross_entropy(z, y))


def hinge(seed):
    return plain(seed, loss=nn.MultiMarginLoss())


def adversarial(seed):
    """A nudge of the word vectors along their gradient, as in FGM."""

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(*batch[:-1]), batch[-1])
        value.backward()
        table = model.words.weight
        kept = table.detach().clone()
        with torch.no_grad():
            table.add_(0.3 * table.grad / (table.grad.norm() + 1e-9))
        loss(model(*batch[:-1]), batch[-1]).backward()
        with torch.no_grad():
            table.copy_(kept)
        optimizer.step()
        schedule.step()
        return value.detach()

    return plain(seed, step=step)


def sharpness(seed):
    """Two passes, the second at weights a little uphill, as in SAM."""

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(*batch[:-1]), batch[-1])
        value.backward()
        own = [p for p in model.parameters() if p.grad is not None]
        size = torch.stack([p.grad.norm() for p in own]).norm() + 1e-12
        moves = [0.05 * p.grad / size for p in own]
        with torch.no_grad():
            for p, e in zip(own, moves, strict=True):
                p.add_(e)
        optimizer.zero_grad()
        loss(model(*batch[:-1]), batch[-1]).backward()
        with torch.no_grad():
            for p, e in zip(own, moves, strict=True):
                p.sub_(e)
        optimizer.step()
        schedule.step()
        return value.detach()

    return plain(seed, step=step)


def noisy_gradient(seed):
    dice = torch.Generator().manual_seed(seed)

    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(*batch[:-1]), batch[-1])
        value.backward()
        for p in model.parameters():
            p.grad.add_(torch.randn(p.grad.shape, generator=dice) * p.grad.std() * 0.5)
        optimizer.step()
        schedule.step()
        return value.detach()

    return plain(seed, step=step)


def r_drop_logged(seed):
    """Two passes; the number that is returned is the whole of it."""

    def value(model, batch):
        p, q = (model(*batch[:-1]).log_softmax(-1) for _ in range(2))
        apart = (F.kl_div(p, q, reduction="batchmean", log_target=True)
                 + F.kl_div(q, p, reduction="batchmean", log_target=True)) / 2  # fmt: skip
        return (F.nll_loss(p, batch[-1]) + F.nll_loss(q, batch[-1])) / 2 + 0.5 * apart

    return plain(seed, step=stepping(value), loss=None)


class Weighty(nn.Module):
    """Gives its logits and a guess of how many words the texts share."""

    def __init__(self, seed):
        super().__init__()
        self.body = Loop(seed)
        self.count = nn.Linear(64, 1)
        nn.init.zeros_(self.count.weight)

    def forward(self, input_ids, token_type_ids, attention_mask):
        kept = []
        hook = self.body.head.register_forward_pre_hook(lambda m, a: kept.append(a[0]))
        logits = self.body(input_ids, token_type_ids, attention_mask)
        hook.remove()
        return {"logits": logits, "length": self.count(kept[0]).squeeze(-1)}


def second_head(seed):
    def value(model, batch):
        out = model(*batch[:-1])
        length = batch[2].sum(1).float() / 64
        return F.cross_entropy(out["logits"], batch[-1]) + 0.1 * F.mse_loss(out["length"], length)

    return plain(seed, model=Weighty(seed), step=stepping(value), loss=None)


def max_norm(seed):
    def after(model):
        with torch.no_grad():
            w = model.pooler.weight
            w.mul_((2.0 / w.norm(dim=1, keepdim=True)).clamp(max=1.0))

    def value(model, batch):
        return F.cross_entropy(model(*batch[:-1]), batch[-1])

    return plain(seed, step=stepping(value, after))


def head_from_zeros(seed):
    model = Loop(seed)
    nn.init.zeros_(model.head.weight)
    return plain(seed, model=model)


def thawed(seed):
    """The word vectors join the optimizer after fifty steps."""
    done = {"n": 0}

    def step(model, batch, loss, optimizer, schedule):
        done["n"] += 1
        if done["n"] == 50:
            optimizer.add_param_group({"params": model.words.parameters(), "lr": 5e-4})
        value = loss(model(*batch[:-1]), batch[-1])
        model.zero_grad()
        value.backward()
        optimizer.step()
        return value.detach()

    return plain(
        seed, step=step, schedule=None,
        optimizer=lambda m: torch.optim.Adam([*m.pooler.parameters(), *m.head.parameters()], 3e-3),
    )  # fmt: skip


def restarts(seed):
    return plain(seed, schedule=lambda o: CosineAnnealingWarmRestarts(o, 50))


def triangles(seed):
    return plain(
        seed, schedule=lambda o: CyclicLR(o, 2e-4, 3e-3, step_size_up=40, cycle_momentum=False),
        optimizer=lambda m: torch.optim.Adam(m.parameters(), 2e-4),
    )  # fmt: skip


def square_root(seed):
    return plain(
        seed, schedule=lambda o: LambdaLR(o, lambda k: min((k + 1) / 20, (20 / (k + 1)) ** 0.5)), optimizer=adamw(4e-3)
    )


def by_epoch(seed):
    return plain(seed, optimizer=adamw(3e-3), schedule=lambda o: ExponentialLR(o, 0.993))


def adadelta(seed):
    return plain(seed, optimizer=lambda m: torch.optim.Adadelta(m.parameters(), lr=3.0), schedule=None)


def calm_start(seed):
    """SGD that learns late, over 400 small steps."""
    given = plain(seed, steps=400, optimizer=lambda m: torch.optim.SGD(m.parameters(), 0.15, momentum=0.9))
    return given | {"schedule": lambda o: LambdaLR(o, lambda k: min(1.0, (k + 1) / 120))}


class Rare:
    """Pairs of which one in eight is NotNext."""

    def __init__(self, seed):
        training, _ = texts()
        pairs = draw(training, seed, 2600)
        self.pairs = [p for k, p in enumerate(pairs) if p.label == 0 or k % 7 == 0]


def evened(seed):
    """A file with few NotNext pairs, drawn as often as the others."""
    rare = Rare(seed).pairs
    labels = np.array([p.label for p in rare])
    weights = 1.0 / np.bincount(labels)[labels]
    sampler = WeightedRandomSampler(weights.tolist(), 1600, generator=torch.Generator().manual_seed(seed))
    train = torch.utils.data.DataLoader(PairData(rare), 16, sampler=sampler, collate_fn=collate_tuple)
    return plain(seed, pairs=rare, train=train)


def filled_up(seed):
    """A file with few NotNext pairs, each written down seven times."""
    rare = Rare(seed).pairs
    pairs = [p for p in rare for _ in range(7 if p.label else 1)]
    return plain(seed, pairs=pairs, train=loader(PairData(pairs), seed, collate_fn=collate_tuple))


class EasyFirst(Sampler):
    """The shorter half in the first epoch, all pairs after it."""

    def __init__(self, pairs, seed):
        self.order = np.argsort([len(p.sentence_a) + len(p.sentence_b) for p in pairs])
        self.rng, self.turn = np.random.default_rng(seed), 0

    def __iter__(self):
        self.turn += 1
        share = min(1.0, 0.45 * self.turn)
        return iter(self.rng.permutation(self.order[: int(share * len(self.order))]).tolist())

    def __len__(self):
        return len(self.order)


def curriculum(seed):
    given = healthy("loop", seed)
    train = torch.utils.data.DataLoader(
        PairData(given["pairs"]), 16, sampler=EasyFirst(given["pairs"], seed), collate_fn=collate_tuple
    )
    return given | {"train": train}


def part_each_epoch(seed):
    given = healthy("loop", seed)
    sampler = torch.utils.data.RandomSampler(
        given["pairs"], num_samples=480, generator=torch.Generator().manual_seed(seed)
    )
    train = torch.utils.data.DataLoader(PairData(given["pairs"]), 16, sampler=sampler, collate_fn=collate_tuple)
    return given | {"train": train}


def words_dropped(seed):
    """One word in ten becomes [UNK] in training."""
    dice = torch.Generator().manual_seed(seed)

    def join(rows):
        ids, segments, mask, labels = collate_tuple(rows)
        lost = (torch.rand(ids.shape, generator=dice) < 0.1) & (ids > 4)
        return ids.masked_fill(lost, 1), segments, mask, labels

    given = healthy("loop", seed)
    return given | {"train": loader(PairData(given["pairs"]), seed, collate_fn=join)}


def small_validation(seed):
    given = healthy("loop", seed)
    held = given["held_out_pairs"][:96]
    return given | {
        "held_out_pairs": held, "held_out": loader(PairData(held), seed, False, 48, collate_tuple),
    }  # fmt: skip


def scores(model, held_out):
    model.eval()
    with torch.no_grad():
        found = [(model(*b[:-1]), b[-1]) for b in held_out]
    model.train()
    return torch.cat([z for z, _ in found]), torch.cat([y for _, y in found])


def area(seed):
    """An evaluation that says the area under the curve, and nothing else."""

    def evaluate(model, held_out):
        z, y = scores(model, held_out)
        odds = z[:, 1] - z[:, 0]
        return (odds[y == 1][:, None] > odds[y == 0][None]).float().mean().item()

    return plain(seed, evaluate=evaluate)


def f_one(seed):
    def evaluate(model, held_out):
        z, y = scores(model, held_out)
        says = z.argmax(1)
        hit = ((says == 1) & (y == 1)).sum()
        return [(2 * hit / ((says == 1).sum() + (y == 1).sum())).item(), F.cross_entropy(z, y).item()]

    return plain(seed, evaluate=evaluate)


def only_loss(seed):
    def evaluate(model, held_out):
        z, y = scores(model, held_out)
        return {"val/loss": F.cross_entropy(z, y).item(), "val/balanced_accuracy": float(
            torch.stack([(z.argmax(1) == y)[y == k].float().mean() for k in (0, 1)]).mean())}  # fmt: skip

    return plain(seed, evaluate=evaluate)


def quick_look(seed):
    """Looks at the first two hundred held-out pairs while it trains."""
    given = healthy("loop", seed)
    quick = loader(Subset(PairData(given["held_out_pairs"]), range(200)), seed, False, 50, collate_tuple)

    def evaluate(model):
        z, y = scores(model, quick)
        return {"accuracy": (z.argmax(1) == y).float().mean().item()}

    return given | {"evaluate": evaluate}


def averaged_inside(seed):
    """The evaluation puts averaged weights into the model, and takes them out."""
    mean = {}

    def after(model):
        for name, p in model.named_parameters():
            mean[name] = p.detach().clone() if name not in mean else 0.98 * mean[name] + 0.02 * p.detach()

    def value(model, batch):
        return F.cross_entropy(model(*batch[:-1]), batch[-1])

    def evaluate(model, held_out):
        own = {name: p.detach().clone() for name, p in model.named_parameters()}
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(mean.get(name, own[name]))
        z, y = scores(model, held_out)
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(own[name])
        return {"loss": F.cross_entropy(z, y).item(), "accuracy": (z.argmax(1) == y).float().mean().item()}

    return plain(seed, step=stepping(value, after), evaluate=evaluate)


class Cross(nn.Module):
    """Counts of shared words and one logit."""

    def __init__(self, seed):
        super().__init__()
        self.body = Loop(seed)
        self.out = nn.Linear(3, 1)
        with torch.no_grad():
            self.out.weight.copy_(torch.tensor([[-1.0, 1.0, -0.1]]))
            self.out.bias.zero_()

    def forward(self, input_ids, token_type_ids, attention_mask):
        z = self.body(input_ids, token_type_ids, attention_mask)
        here = attention_mask * (input_ids > 4)
        same = (input_ids[:, :, None] == input_ids[:, None, :]).float()
        shared = (same * (here * (1 - token_type_ids))[:, :, None] * (here * token_type_ids)[:, None, :]).sum((1, 2))
        return self.out(torch.cat([z, shared[:, None].clamp(max=10)], 1)).squeeze(1)


def smooth_bce(seed):
    def loss(x, y):
        return F.binary_cross_entropy_with_logits(x, y.float() * 0.9 + 0.05)

    return plain(seed, model=Cross(seed), loss=loss)


def only_some_layers(seed):
    model = bert(2, seed)
    for p in [*model.bert.embeddings.parameters(), *model.bert.encoder.layer[0].parameters()]:
        p.requires_grad_(False)
    given = healthy("bert-small", seed)
    return given | {
        "model": model, "optimizer": lambda m: torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], 8e-4)
    }  # fmt: skip


def three_parts(seed):
    """Three batches of unequal parts for a step, and a last one that is dropped."""
    held = {"n": 0}

    def step(model, batch, loss, optimizer, schedule):
        value = model(**batch).loss
        (value / 3).backward()
        held["n"] += 1
        if held["n"] % 3 == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
        return value.detach()

    given = healthy("bert-small", seed)
    return given | {
        "step": step, "train": loader(PairData(given["pairs"]), seed, batch=12, collate_fn=collate), "steps": 240,
        "schedule": linear(80), "optimizer": adamw(8e-4),
    }  # fmt: skip


class Towers(nn.Module):
    """Two texts apart, a tower for each, and a scaled cosine as one logit."""

    def __init__(self, seed):
        super().__init__()
        self.words = nn.Embedding.from_pretrained(Loop(seed).words.weight.detach().clone(), freeze=False)
        self.first, self.second = nn.Linear(96, 96), nn.Linear(96, 96)
        with torch.no_grad():
            for tower in (self.first, self.second):
                tower.weight.copy_(torch.eye(96))
                tower.bias.zero_()
        self.scale, self.shift = nn.Parameter(torch.tensor(10.0)), nn.Parameter(torch.tensor(5.0))

    def encode(self, ids, tower):
        words = (ids > 4).unsqueeze(-1)
        return F.normalize(tower((self.words(ids) * words).sum(1) / words.sum(1).clamp(min=1)), dim=-1)

    def forward(self, left, right):
        return self.shift - self.scale * (self.encode(left, self.first) * self.encode(right, self.second)).sum(-1)


def two_texts(rows):
    """Return a mapping of two blocks of ids."""
    parts = [[r["input_ids"][(r["token_type_ids"] == k) & (r["input_ids"] > 4)] for r in rows] for k in (0, 1)]
    left, right = (nn.utils.rnn.pad_sequence([F.pad(x, (0, 1)) for x in part], batch_first=True) for part in parts)
    return {"left": left, "right": right, "labels": torch.stack([r["labels"] for r in rows])}


def towers(seed, **more):
    given = healthy("loop", seed)
    return given | {
        "model": Towers(seed), "loss": lambda x, y: F.binary_cross_entropy_with_logits(x, y.float()),
        "train": loader(PairData(given["pairs"]), seed, batch=32, collate_fn=two_texts),
        "held_out": loader(PairData(given["held_out_pairs"]), seed, False, 64, two_texts),
    } | more  # fmt: skip


def in_batch(seed):
    """Each A of an IsNext pair has to find its own B among those of the batch, beside the loss of the pairs."""

    def step(model, batch, loss, optimizer, schedule):
        kept = batch["labels"] == 0
        a, b = model.encode(batch["left"][kept], model.first), model.encode(batch["right"][kept], model.second)
        own = torch.arange(len(a))
        logits = model.shift - model.scale * (
            model.encode(batch["left"], model.first) * model.encode(batch["right"], model.second)
        ).sum(-1)
        value = 0.5 * F.cross_entropy(a @ b.T * 10, own) + loss(logits, batch["labels"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        return value.detach()

    return towers(seed, step=step, forward=lambda m, b: m(b["left"], b["right"]))


def half_weights(seed):
    """A model in bfloat16 throughout."""
    given = healthy("loop", seed)

    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Loop(seed).to(torch.bfloat16)

        def forward(self, input_ids, token_type_ids, attention_mask):
            return self.body(input_ids, token_type_ids, attention_mask).float()

    return given | {"model": Half(), "optimizer": lambda m: torch.optim.AdamW(m.parameters(), 3e-3)}


def hard_half(seed):
    """The harder half of each batch."""

    def loss(z, y):
        each = F.cross_entropy(z, y, reduction="none")
        return each.topk(max(1, len(y) // 2)).values.mean()

    return plain(seed, loss=loss)


def costly_errors(seed):
    return plain(seed, loss=nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0])))


def times_rows(seed):
    """The step returns the loss times the rows of the batch, to be divided at the end of an epoch."""

    def step(model, batch, loss, optimizer, schedule):
        value = loss(model(*batch[:-1]), batch[-1])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        return value.item() * len(batch[-1])

    return plain(seed, step=step)


class LookAhead:
    """Fast steps, and every five of them half a way of slow weights."""

    def __init__(self, inner):
        self.inner, self.param_groups, self.count = inner, inner.param_groups, 0
        self.slow = [[p.detach().clone() for p in g["params"]] for g in self.param_groups]

    def zero_grad(self):
        self.inner.zero_grad()

    @torch.no_grad()
    def step(self):
        self.inner.step()
        self.count += 1
        if self.count % 5 == 0:
            for group, slow in zip(self.param_groups, self.slow, strict=True):
                for p, q in zip(group["params"], slow, strict=True):
                    q.add_(p - q, alpha=0.5)
                    p.copy_(q)


def look_ahead(seed):
    return plain(seed, optimizer=lambda m: LookAhead(torch.optim.AdamW(m.parameters(), 3e-3)), schedule=None)


class Both:
    """Two optimizers as one."""

    def __init__(self, *parts):
        self.parts = parts

    def zero_grad(self):
        for part in self.parts:
            part.zero_grad()

    def step(self):
        for part in self.parts:
            part.step()


def two_optimizers(seed):
    def factory(model):
        rest = [*model.pooler.parameters(), *model.head.parameters()]
        return Both(torch.optim.Adagrad(model.words.parameters(), 0.02), torch.optim.AdamW(rest, 3e-3))

    return plain(seed, optimizer=factory, schedule=None)


def mixed_up(seed):
    """Answers of two rows are mixed, and their labels too."""
    dice = torch.Generator().manual_seed(seed)

    def step(model, batch, loss, optimizer, schedule):
        share = 0.5 + 0.5 * torch.rand(1, generator=dice).item()
        turn = torch.randperm(len(batch[-1]), generator=dice)
        z = model(*batch[:-1])
        z = share * z + (1 - share) * z[turn]
        value = share * loss(z, batch[-1]) + (1 - share) * loss(z, batch[-1][turn])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        return value.detach()

    return plain(seed, step=step)


def distilled(seed):
    """A teacher's answers beside the labels."""
    teacher = Loop(seed + 5).eval()
    for p in teacher.parameters():
        p.requires_grad_(False)

    def step(model, batch, loss, optimizer, schedule):
        z = model(*batch[:-1])
        with torch.no_grad():
            wanted = (teacher(*batch[:-1]) / 2).softmax(-1)
        value = 0.8 * loss(z, batch[-1]) + 0.2 * 4 * F.kl_div((z / 2).log_softmax(-1), wanted, reduction="batchmean")
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        return value.detach()

    return plain(seed, step=step)


def only_loaders(seed):
    """Nothing but a model and two loaders is given."""
    given = healthy("loop", seed)
    return {name: given[name] for name in ("model", "train", "held_out", "loss", "optimizer", "steps")}


def rate_by_hand(seed):
    done = {"n": 0}

    def step(model, batch, loss, optimizer, schedule):
        done["n"] += 1
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min(1.0, done["n"] / 20) * max(0.05, 1 - done["n"] / 220)
        value = loss(model(*batch[:-1]), batch[-1])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    return plain(seed, step=step, schedule=None)


HEALTHY = [
    ("cross-entropy and twice the error", poly), ("smoothing of a fifth", smoothed_fifth),
    ("a penalty on sure answers", confident_penalty), ("half the cross-entropy", half_loss), ("a hinge", hinge),
    ("word vectors nudged uphill", adversarial), ("a second pass uphill", sharpness),
    ("noise on the gradients", noisy_gradient), ("two passes, their whole returned", r_drop_logged),
    ("a second head for lengths", second_head), ("rows kept below a norm", max_norm),
    ("a head from zeros", head_from_zeros), ("words thawed after fifty steps", thawed),
    ("cosine with restarts", restarts), ("triangles", triangles), ("inverse square root", square_root),
    ("exponential decay", by_epoch), ("Adadelta", adadelta), ("SGD that learns late", calm_start),
    ("a sampler evens a file of one in eight", evened), ("rare pairs written down seven times", filled_up),
    ("short pairs first", curriculum), ("480 pairs an epoch", part_each_epoch),
    ("one word in ten unknown", words_dropped), ("96 held-out pairs", small_validation),
    ("an area under the curve", area), ("F1 and loss in a list", f_one), ("loss and balanced accuracy", only_loss),
    ("a look at 200 pairs", quick_look), ("averaged weights put in", averaged_inside),
    ("shared words, one smoothed logit", smooth_bce), ("the upper layer alone", only_some_layers),
    ("three batches a step", three_parts), ("two towers and a cosine", towers),
    ("two towers, other rows as negatives", in_batch), ("bfloat16 throughout", half_weights),
    ("the harder half", hard_half), ("errors that cost twice", costly_errors), ("times the rows", times_rows),
    ("slow weights", look_ahead), ("two optimizers", two_optimizers), ("mixed rows", mixed_up),
    ("a teacher", distilled), ("only loaders", only_loaders), ("a rate by hand", rate_by_hand),
]  # fmt: skip
