"""Batches, texts, reports, and the Trainer."""

import random

import numpy as np
import torch
import torch.nn.functional as F
from nsputil.corpus import load_corpus
from nsputil.sentence_pairs import sentence_order_pairs
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, Sampler, WeightedRandomSampler
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback

from research.torch_suspects.base import Loop, bert, draw, texts, vocabulary

from ._kit import OnBert, Rows, Towers, as_dict, as_object, as_tuple, data, distil, encode, load, triples
from .descents import adam, given
from .gathered import trainer

STEPS = 200


def cosine(o):
    return torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS)


class Stream(IterableDataset):
    """Rows in another order in each pass."""

    def __init__(self, rows, seed):
        self.rows, self.seed, self.passes = rows, seed, 0

    def __iter__(self):
        self.passes += 1
        order = list(range(len(self.rows)))
        random.Random(1000 * self.seed + self.passes).shuffle(order)
        for k in order:
            a, b, y = self.rows[k]
            yield (*encode(a, b), torch.tensor(y))


def stream(seed):
    tr, kept_out, extra = data(seed)
    return dict(
        model=bert(1, seed), train=DataLoader(Stream(tr, seed), 16, collate_fn=as_dict),
        held_out=load(kept_out, shuffle=False, size=64), optimizer=adam(5e-4, torch.optim.AdamW), schedule=cosine, steps=STEPS,
        pairs=tr, held_out_pairs=kept_out, **extra,
    )


def nested(items):
    ids, types, mask, y = as_tuple(items)
    return {"x": {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}, "labels": y}


def parts_within_parts(seed):
    def step(model, batch, loss, optimizer, schedule):
        optimizer.zero_grad()
        value = loss(model(**batch["x"]), batch["labels"])
        value.backward()
        optimizer.step()
        schedule.step()
        return value

    return given(
        seed, Towers(seed, "conv"), nested, loss=F.cross_entropy, step=step, optimizer=adam(1.5e-3), schedule=cosine,
        forward=lambda m, b: m(**b["x"]),
    )


class Buckets(Sampler):
    """Batches of rows of about the same length, the batches in random order."""

    def __init__(self, lengths, size, seed):
        self.lengths, self.size, self.random = lengths, size, random.Random(seed)

    def __len__(self):
        return -(-len(self.lengths) // self.size)

    def __iter__(self):
        order = sorted(range(len(self.lengths)), key=lambda i: self.lengths[i] + self.random.random() * 8)
        batches = [order[k : k + self.size] for k in range(0, len(order), self.size)]
        self.random.shuffle(batches)
        return iter(batches)


def by_length(seed):
    tr, kept_out, extra = data(seed)
    rows = Rows(tr)
    sampler = Buckets([len(rows[i][0]) for i in range(len(rows))], 16, seed)
    return dict(
        model=Loop(seed), train=DataLoader(rows, batch_sampler=sampler, collate_fn=as_tuple),
        held_out=load(kept_out, shuffle=False, size=128, join=as_tuple), loss=nn.CrossEntropyLoss(), optimizer=adam(2e-3),
        schedule=cosine, steps=STEPS, pairs=tr, held_out_pairs=kept_out, **extra,
    )


def drawn_evenly(seed):
    """Two in five training pairs are IsNext; the sampler draws both classes alike."""
    tr, kept_out, extra = data(seed, 2400)
    kept, k = [], 0
    for row in tr:
        k += row[2] == 0
        if row[2] == 1 or k % 3 > 0:
            kept.append(row)
    y = torch.tensor([r[2] for r in kept])
    weight = 1.0 / torch.bincount(y)[y].double()
    rows = Rows(kept)
    sampler = WeightedRandomSampler(weight, len(kept), generator=torch.Generator().manual_seed(seed))
    return dict(
        model=Towers(seed, "mlp"), train=DataLoader(rows, 16, sampler=sampler, collate_fn=as_object),
        held_out=load(kept_out, shuffle=False, size=64, join=as_object), loss=F.cross_entropy, optimizer=adam(2e-3),
        schedule=cosine, steps=STEPS, pairs=kept, held_out_pairs=kept_out, **extra,
    )


def several_in_a(docs, seed, count):
    rng = np.random.default_rng(seed)
    places = [(d, i) for d, doc in enumerate(docs) for i in range(2, len(doc.sentences) - 1)]
    chosen = [places[k] for k in rng.permutation(len(places))[: count // 2]]
    nexts = [docs[d].sentences[i + 1] for d, i in chosen]
    rows = []
    for k, (d, i) in enumerate(chosen):
        a = " ".join(docs[d].sentences[i - 1 : i + 1])
        j = int(rng.integers(len(chosen)))
        while chosen[j][0] == d:
            j = int(rng.integers(len(chosen)))
        rows += [(a, nexts[k], 0), (a, nexts[j], 1)]
    return [rows[k] for k in rng.permutation(len(rows))]


def two_sentences_in_a(seed):
    x, y = texts()
    tr, kept_out = several_in_a(x, seed, 1600), several_in_a(y, seed + 5, 384)
    return dict(
        model=bert(1, seed), train=load(Rows(tr, 80), seed), held_out=load(Rows(kept_out, 80), shuffle=False, size=64),
        optimizer=adam(5e-4, torch.optim.AdamW), schedule=cosine, steps=STEPS, tokenizer=vocabulary(), pairs=tr,
        held_out_pairs=kept_out, documents=list(x), held_out_documents=list(y), seed=seed,
    )


def order_and_topic(seed):
    """Swapped neighbours among the negatives, most of them from elsewhere."""
    x, y = texts()

    def rows(docs, s, n):
        rng = np.random.default_rng(s)
        p = sentence_order_pairs(docs, rng, random_share=0.4)
        return triples([p[k] for k in rng.permutation(len(p))[:n]])

    tr, kept_out = rows(x, seed, 1600), rows(y, seed + 1, 400)
    return dict(
        model=Towers(seed, "mlp"), train=load(tr, seed), held_out=load(kept_out, shuffle=False, size=64),
        loss=F.cross_entropy, optimizer=adam(2e-3), schedule=cosine, steps=STEPS, tokenizer=vocabulary(), pairs=tr,
        held_out_pairs=kept_out, documents=list(x), held_out_documents=list(y), seed=seed,
    )


# -- reports
@torch.no_grad()
def full_report(model, held_out):
    was = model.training
    model.eval()
    scores, labels = [], []
    for batch in held_out:
        scores.append(model(*batch[:-1]))
        labels.append(batch[-1])
    model.train(was)
    z, y = torch.cat(scores), torch.cat(labels)
    p = z.softmax(1)[:, 1]
    guess = p > 0.5
    order = p.argsort()
    ranks = torch.empty_like(p)
    ranks[order] = torch.arange(1, len(p) + 1, dtype=p.dtype)
    n1 = int(y.sum())
    n0 = len(y) - n1
    hits = int((guess & (y == 1)).sum())
    return {
        "loss": float(F.cross_entropy(z, y)),
        "accuracy": float((guess == (y == 1)).float().mean()),
        "f1": 2 * hits / max(int(guess.sum()) + n1, 1),
        "auc": float((ranks[y == 1].sum() - n1 * (n1 + 1) / 2) / (n0 * n1)),
    }


def with_a_full_report(seed):
    return given(seed, Towers(seed, "conv"), as_tuple, loss=F.cross_entropy, optimizer=adam(1.5e-3), evaluate=full_report)


class Judge:
    """The loss and the accuracy, weighted by the size of the batches."""

    def __init__(self, batches):
        self.batches = batches

    def __call__(self, model):
        model.eval()
        sizes, losses, hits = [], [], []
        with torch.inference_mode():
            for b in self.batches:
                out = model(b["input_ids"], attention_mask=b["attention_mask"], token_type_ids=b["token_type_ids"])
                sizes.append(len(b["labels"]))
                losses.append(nn.functional.cross_entropy(out.logits, b["labels"]).item())
                hits.append((out.logits.argmax(-1) == b["labels"]).double().mean().item())
        model.train()
        return tuple(np.average([losses, hits], axis=1, weights=sizes).tolist())


def judged(seed):
    g = given(seed, bert(1, seed), optimizer=adam(5e-4, torch.optim.AdamW), schedule=cosine)
    return g | {"evaluate": Judge(g["held_out"])}


# -- Trainers
def accuracy(p):
    return {"accuracy": float((np.argmax(p.predictions, -1) == p.label_ids).mean())}


class Quiet(TrainerCallback):
    def __init__(self):
        self.seen = []

    def on_step_end(self, args, state, control, **kwargs):
        self.seen.append(state.global_step)


def trainer_with_callbacks(seed):
    tr, kept_out, extra = data(seed)
    return dict(
        model=trainer(
            bert(1, seed), Rows(tr), Rows(kept_out), seed, compute_metrics=accuracy, callbacks=[Quiet()],
            warmup_steps=20, weight_decay=0.01, lr_scheduler_type="cosine",
        ),
        pairs=tr, held_out_pairs=kept_out, **extra,
    )


def trainer_that_accumulates(seed):
    tr, kept_out, extra = data(seed)
    return dict(
        model=trainer(
            bert(1, seed), Rows(tr), Rows(kept_out), seed, compute_metrics=accuracy, warmup_steps=10,
            per_device_train_batch_size=8, gradient_accumulation_steps=2, label_smoothing_factor=0.05, max_grad_norm=0.5,
        ),
        pairs=tr, held_out_pairs=kept_out, **extra,
    )


class Margin(Trainer):
    """The usual loss and a small price for large logits."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        y = inputs["labels"]
        out = model(**{k: v for k, v in inputs.items() if k != "labels"})
        value = F.cross_entropy(out.logits, y) + 1e-3 * out.logits.logsumexp(-1).square().mean()
        return (value, out) if return_outputs else value


def trainer_with_a_price(seed):
    tr, kept_out, extra = data(seed)
    return dict(
        model=trainer(bert(1, seed), Rows(tr), Rows(kept_out), seed, Margin, warmup_steps=20, learning_rate=6e-4),
        pairs=tr, held_out_pairs=kept_out, **extra,
    )


DEFECTS = []
HEALTHY = [
    ("stream", stream), ("parts within parts", parts_within_parts), ("by length", by_length),
    ("drawn evenly", drawn_evenly), ("two sentences in A", two_sentences_in_a),
    ("order and topic", order_and_topic), ("full report", with_a_full_report), ("judged", judged),
    ("Trainer with callbacks", trainer_with_callbacks), ("Trainer that accumulates", trainer_that_accumulates),
    ("Trainer with a price", trainer_with_a_price),
]
