"""Texts, encodings and small modules that the trainings of this package share."""

import random
from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from nsputil.model import NSPModel
from nsputil.pairs import SentencePair
from research.torch_suspects.base import bert, draw, texts, vocabulary

CLS, SEP = 2, 3
WIDTH = 96


def material(seed, count=1600, held=384):
    """Return (pairs, held-out pairs, what `examine` is told about the text)."""
    train_docs, test_docs = texts()
    pairs, others = draw(train_docs, seed, count), draw(test_docs, seed + 1000, held)
    return pairs, others, told(pairs, others, seed)


def told(pairs, others, seed):
    train_docs, test_docs = texts()
    return dict(
        tokenizer=vocabulary(), pairs=pairs, held_out_pairs=others,
        documents=list(train_docs), held_out_documents=list(test_docs), seed=seed,
    )  # fmt: skip


def relabel(pair, label):
    return SentencePair(
        pair.sentence_a, pair.sentence_b, label, pair.document_a, pair.document_b, pair.position_a, pair.position_b
    )


def with_b(pair, other, label=None):
    """Return `pair` with the B of `other`."""
    return SentencePair(
        pair.sentence_a, other.sentence_b, pair.label if label is None else label,
        pair.document_a, other.document_b, pair.position_a, other.position_b,
    )  # fmt: skip


def cut(a, b, room):
    a, b = list(a), list(b)
    while len(a) + len(b) > room:
        (a if len(a) >= len(b) else b).pop()
    return a, b


def joined(pair, max_len=64, vocab=None):
    """Return ids and segments of [CLS] A [SEP] B [SEP]."""
    vocab = vocab or vocabulary()
    a, b = cut(vocab.ids(pair.sentence_a).tolist(), vocab.ids(pair.sentence_b).tolist(), max_len - 3)
    return [CLS, *a, SEP, *b, SEP], [0] * (len(a) + 2) + [1] * (len(b) + 1)


class Joined(Dataset):
    """Rows (ids, segments, label) made once."""

    def __init__(self, pairs, max_len=64, encode=joined):
        self.rows = [(*encode(p, max_len), p.label) for p in pairs]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


class Apart(Dataset):
    """Rows (ids of A, ids of B, label) without special tokens."""

    def __init__(self, pairs, max_len=40):
        v = vocabulary()
        self.rows = [(v.ids(p.sentence_a).tolist()[:max_len], v.ids(p.sentence_b).tolist()[:max_len], p.label) for p in pairs]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def block(lists, fill=0):
    n = max(map(len, lists))
    return torch.tensor([list(x) + [fill] * (n - len(x)) for x in lists])


def to_dict(rows):
    ids = block([r[0] for r in rows])
    return {
        "input_ids": ids, "token_type_ids": block([r[1] for r in rows]),
        "attention_mask": (ids != 0).long(), "labels": torch.tensor([r[2] for r in rows]),
    }  # fmt: skip


def to_tuple(rows):
    d = to_dict(rows)
    return d["input_ids"], d["token_type_ids"], d["attention_mask"], d["labels"]


def to_two(rows):
    return {
        "premise": block([r[0] for r in rows]), "hypothesis": block([r[1] for r in rows]),
        "label": torch.tensor([r[2] for r in rows]),
    }  # fmt: skip


def feed(data, size=16, seed=0, train=True, collate=to_dict, **more):
    if train and "sampler" not in more and "batch_sampler" not in more:
        more["shuffle"] = True
    if "batch_sampler" not in more:
        more["batch_size"] = size
    g = torch.Generator()
    g.manual_seed(seed + 17)
    return DataLoader(data, collate_fn=collate, generator=g, **more)


def word_vectors():
    return torch.tensor(NSPModel.mini().parameters["encoder.words"]).float()


def table(freeze=False):
    return nn.Embedding.from_pretrained(word_vectors(), freeze=freeze, padding_idx=0)


def draw_weights(module, seed, std=None):
    """Start every matrix but the embeddings from a generator, vectors as they are made (biases at zero)."""
    g = torch.Generator().manual_seed(1000 + seed)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if "words" in name:
                continue
            if p.ndim >= 2:
                s = std or (2.0 / (p.shape[0] + p[0].numel())) ** 0.5
                p.copy_(torch.randn(p.shape, generator=g) * s)
            elif "bias" in name:
                p.zero_()
    return module


def seeded(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def pooled(vectors, mask):
    m = mask.unsqueeze(-1).to(vectors.dtype)
    return (vectors * m).sum(1) / m.sum(1).clamp(min=1)


def compare(u, v):
    """Return products and distances of two unit vectors, scaled to about one."""
    u, v = F.normalize(u, dim=-1), F.normalize(v, dim=-1)
    return torch.cat([u * v * 10, (u - v).abs() * 3], -1)


class Dan(nn.Module):
    """Deep averaging network over a joined row."""

    def __init__(self, seed, hidden=48, out=2, drop=0.1, norm=False, act=nn.ReLU, freeze=False):
        super().__init__()
        self.words = table(freeze)
        self.net = nn.Sequential(
            nn.Dropout(drop), nn.Linear(2 * WIDTH, hidden), nn.BatchNorm1d(hidden) if norm else nn.Identity(),
            act(), nn.Linear(hidden, out),
        )  # fmt: skip
        draw_weights(self, seed)
        if norm:
            nn.init.ones_(self.net[2].weight)

    def sides(self, ids, segments, mask):
        real = (mask > 0) & (ids > 4)
        x = self.words(ids)
        return pooled(x, real & (segments == 0)), pooled(x, real & (segments == 1))

    def forward(self, input_ids, token_type_ids, attention_mask):
        return self.net(compare(*self.sides(input_ids, token_type_ids, attention_mask)))


class Twin(nn.Module):
    """Two texts through one encoder; `forward(premise, hypothesis)`."""

    def __init__(self, seed, kind="gru", hidden=48, out=2, drop=0.1):
        super().__init__()
        self.kind = kind
        self.words = table()
        self.drop = nn.Dropout(drop)
        if kind in ("gru", "lstm"):
            self.core = {"gru": nn.GRU, "lstm": nn.LSTM}[kind](WIDTH, WIDTH // 2, batch_first=True, bidirectional=True)
        elif kind == "conv":
            self.core = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        elif kind == "gate":
            self.core = nn.Linear(WIDTH, 1)
        else:
            self.core = nn.Linear(WIDTH, WIDTH)
        self.hidden = nn.Linear(2 * WIDTH, hidden)
        self.out = nn.Linear(hidden, out)
        draw_weights(self, seed)

    def encode(self, ids):
        here = ids > 4
        x = self.words(ids)
        if self.kind in ("gru", "lstm"):
            lengths = (ids > 0).sum(1).clamp(min=1)
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            y, _ = nn.utils.rnn.pad_packed_sequence(self.core(packed)[0], batch_first=True, total_length=ids.shape[1])
            return pooled(x + 0.5 * y, here)
        if self.kind == "conv":
            y = torch.relu(self.core((x * here.unsqueeze(-1)).transpose(1, 2))).transpose(1, 2)
            return pooled(x + 0.5 * y, here)
        if self.kind == "gate":
            weight = torch.softmax(self.core(x).squeeze(-1).masked_fill(~here, -1e4), -1)
            return (x * weight.unsqueeze(-1)).sum(1)
        return self.core(pooled(x, here))

    def forward(self, premise, hypothesis):
        h = compare(self.encode(premise), self.encode(hypothesis))
        return self.out(torch.tanh(self.hidden(self.drop(h))))


class Kernels(nn.Module):
    """Counts of word pairs by their cosine, in soft bins (as in K-NRM)."""

    def __init__(self, seed, out=2, bins=9):
        super().__init__()
        self.words = table()
        self.register_buffer("centres", torch.linspace(-0.6, 1.0, bins))
        self.register_buffer("center", word_vectors()[5:].mean(0))
        self.mix = nn.Sequential(nn.LayerNorm(2 * bins), nn.Linear(2 * bins, 32), nn.Tanh(), nn.Linear(32, out))
        draw_weights(self, seed)
        nn.init.ones_(self.mix[0].weight)

    def soft(self, s, here):
        k = torch.exp(-((s.unsqueeze(-1) - self.centres) ** 2) / 0.02)
        return k * here.unsqueeze(-1)

    def forward(self, premise, hypothesis):
        a, b = (F.normalize(self.words(x) - self.center, dim=-1) for x in (premise, hypothesis))
        here = ((premise > 4).unsqueeze(2) & (hypothesis > 4).unsqueeze(1)).float()
        k = self.soft(a @ b.transpose(1, 2), here)
        f = torch.cat([torch.log1p(k.sum(2)).mean(1), torch.log1p(k.sum(1)).mean(1)], -1)
        return self.mix(f)


def groups(model, decay=0.01):
    big = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    small = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": big, "weight_decay": decay}, {"params": small, "weight_decay": 0.0}]


def warm_linear(steps, warm=20):
    def make(opt):
        return torch.optim.lr_scheduler.LambdaLR(
            opt, lambda n: (n + 1) / warm if n < warm else max(0.0, (steps - n) / (steps - warm))
        )

    return make


def kept(model):
    return deepcopy({k: v.clone() for k, v in model.state_dict().items()})


__all__ = ["bert", "draw", "texts", "vocabulary"]
