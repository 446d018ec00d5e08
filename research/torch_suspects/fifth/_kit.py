"""What the trainings of this folder share: words, batches, modules, loops."""

import math
import re
from collections import Counter
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

from research.torch_suspects.base import vocabulary

WORD = re.compile(r"[a-z]+|[0-9]+|[^\sa-z0-9]")


class Lexicon:
    """Words with ids; the first five are special."""

    def __init__(self, documents, size=6000, least=2, lower=True):
        self.lower = lower
        counts = Counter(word for document in documents for s in document for word in WORD.findall(s.lower()))
        words = [word for word, n in counts.most_common(size) if n >= least]
        self.tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
        self.index = {word: k for k, word in enumerate(self.tokens)}
        total = sum(counts.values())
        self.rarity = torch.tensor([0.0] * 5 + [math.log(total / counts[w]) for w in words]) / math.log(total)

    def __len__(self):
        return len(self.tokens)

    def vectors(self):
        """Return a vector for each word: nsp-mini's, or a short random one."""
        known, mini = vocabulary(), mini_words()
        generator = torch.Generator().manual_seed(5)
        found = torch.randn(len(self), mini.shape[1], generator=generator) * mini[5:3000].std()
        for k, word in enumerate(self.tokens):
            if k < 5 or word in known:
                found[k] = mini[known.id(word)]
        found[0] = 0
        return found

    def random_vectors(self, width=96):
        """Return random vectors, longer for rarer words."""
        generator = torch.Generator().manual_seed(6)
        return torch.randn(len(self), width, generator=generator) * (self.rarity.unsqueeze(1) ** 2)

    def ids(self, text):
        """Return the ids of the words of a text."""
        return [self.index.get(word, 1) for word in WORD.findall(text.lower() if self.lower else text)]


def mini_ids(text):
    """Return the ids of a text in the vocabulary of nsp-mini."""
    return vocabulary().ids(text).tolist()


def mini_words():
    """Return nsp-mini's word vectors."""
    from nsputil.model import NSPModel

    return torch.tensor(NSPModel.mini().parameters["encoder.words"]).float()


class Rows(Dataset):
    """Pairs read when they are asked for."""

    def __init__(self, pairs, encode):
        self.pairs, self.encode = list(pairs), encode

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, k):
        return self.encode(*self.pairs[k])


def joined(ids, longest=64):
    """Return an encode: ``[CLS] A [SEP] B [SEP]`` with segments, as lists."""

    def encode(a, b, label):
        a, b = list(ids(a)), list(ids(b))
        while len(a) + len(b) > longest - 3:
            (a if len(a) > len(b) else b).pop()
        return [2, *a, 3, *b, 3], [0] * (len(a) + 2) + [1] * (len(b) + 1), label

    return encode


def two_texts(ids, longest=48):
    """Return an encode: A and B apart."""

    def encode(a, b, label):
        return torch.tensor(ids(a)[:longest]), torch.tensor(ids(b)[:longest]), label

    return encode


def collate_joined(rows):
    """Return a dict of padded tensors."""
    ids = pad_sequence([torch.tensor(r[0]) for r in rows], batch_first=True)
    segments = pad_sequence([torch.tensor(r[1]) for r in rows], batch_first=True)
    mask = pad_sequence([torch.ones(len(r[0]), dtype=torch.long) for r in rows], batch_first=True)
    return {
        "input_ids": ids, "token_type_ids": segments, "attention_mask": mask,
        "labels": torch.tensor([r[2] for r in rows]),
    }  # fmt: skip


@dataclass
class Batch:
    """A batch with names of its own."""

    tokens: torch.Tensor
    sides: torch.Tensor
    real: torch.Tensor
    target: torch.Tensor


def collate_dataclass(rows):
    """Return a `Batch`."""
    return Batch(*collate_joined(rows).values())


def collate_apart(rows):
    """Return ``((a, b), label)``, with labels as whole numbers."""
    a = pad_sequence([r[0] for r in rows], batch_first=True)
    b = pad_sequence([r[1] for r in rows], batch_first=True)
    return (a, b), torch.tensor([r[2] for r in rows])


def collate_apart_float(rows):
    """Return ``(a, b, label)``, with labels as floats."""
    (a, b), y = collate_apart(rows)
    return a, b, y.float()


def loaders(pairs, others, encode, join, batch=16, seed=0, held=64):
    """Return the two loaders."""
    return (
        DataLoader(Rows(pairs, encode), batch, shuffle=True, collate_fn=join,
                   generator=torch.Generator().manual_seed(seed)),
        DataLoader(Rows(others, encode), held, collate_fn=join),
    )  # fmt: skip


class Towers(nn.Module):
    """One encoder for both texts, a comparison, a perceptron. The encoder is a bag, a GRU, a CNN or a Transformer."""

    def __init__(self, kind="bag", words=None, rarity=None, width=128, hidden=16, outputs=1, drop=0.1, seed=0,
                 answer=None):  # fmt: skip
        super().__init__()
        torch.manual_seed(seed)
        self.kind, self.answer = kind, answer
        if words is not None:
            self.table = nn.Embedding.from_pretrained(words.clone(), freeze=False, padding_idx=0)
            width = words.shape[1]
        else:
            self.table = nn.Embedding(len(rarity), width, padding_idx=0)
            with torch.no_grad():  # rare words are long
                self.table.weight.mul_(rarity.unsqueeze(1) ** 2)
        self.squeeze = 0.2
        if kind == "gru":
            self.encoder = nn.GRU(width, width // 4, batch_first=True, bidirectional=True)
            self.up = nn.Linear(2 * (width // 4), width)
        elif kind == "cnn":
            self.encoder = nn.Conv1d(width, width, 3, padding=1)
        elif kind == "transformer":
            layer = nn.TransformerEncoderLayer(width, 4, width, drop, batch_first=True, norm_first=True)
            self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.project = nn.Linear(width, 8)
        self.drop = nn.Dropout(drop)
        self.perceptron = nn.Sequential(nn.Linear(9, hidden), nn.Tanh(), nn.Linear(hidden, outputs))

    def encode(self, ids):
        """Return one vector for each text."""
        here = (ids != 0).float().unsqueeze(-1)
        x = self.table(ids)
        if self.kind == "gru":
            lengths = (ids != 0).sum(1).clamp(min=1)
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            y, _ = pad_packed_sequence(self.encoder(packed)[0], batch_first=True, total_length=ids.shape[1])
            x = x + self.squeeze * self.up(y)
        elif self.kind == "cnn":
            x = x + self.squeeze * torch.relu(self.encoder((x * here).transpose(1, 2)).transpose(1, 2))
        elif self.kind == "transformer":
            y = self.encoder(x, src_key_padding_mask=ids == 0)
            x = x + self.squeeze * (y - x)
        return (x * here).sum(1) / here.sum(1).clamp(min=1)

    def compare(self, a, b):
        """Return the cosine and eight numbers of the product."""
        a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
        common = a * b
        return torch.cat([common.sum(-1, keepdim=True) * 5, self.project(self.drop(common) * 10)], -1)

    def forward(self, a, b):
        """Return logits, or what `answer` makes of them."""
        z = self.perceptron(self.compare(self.encode(a), self.encode(b)))
        if z.shape[-1] == 1:
            z = z.squeeze(-1)
        return self.answer(z) if self.answer else z


class OneText(nn.Module):
    """A reader of joined rows: word and side vectors, one attention of B over A and A over B, a perceptron."""

    def __init__(self, words, hidden=48, outputs=2, drop=0.1, seed=0, sides=2):
        super().__init__()
        torch.manual_seed(seed)
        width = words.shape[1]
        self.words = nn.Embedding.from_pretrained(words.clone(), freeze=False, padding_idx=0)
        self.side = nn.Embedding(sides, width)
        nn.init.normal_(self.side.weight, std=0.02)
        self.key, self.query = nn.Linear(width, width), nn.Linear(width, width)
        for module in (self.key, self.query):
            nn.init.eye_(module.weight)
            nn.init.zeros_(module.bias)
        self.drop = nn.Dropout(drop)
        self.out = nn.Sequential(nn.Linear(4 * width + 2, hidden), nn.Tanh(), nn.Linear(hidden, outputs))

    def forward(self, tokens, sides, real):
        """Return logits (batch, outputs)."""
        words = (real > 0) & (tokens > 4)
        first, second = words & (sides == 0), words & (sides > 0)
        x = self.words(tokens)
        x = F.normalize(x, dim=-1) * 3 + self.side(sides)
        scores = self.query(x) @ self.key(x).transpose(1, 2)

        def match(own, other):
            s = scores.masked_fill(~other[:, None, :], -1e4)
            seen = s.softmax(-1) @ x
            n = own.sum(1, keepdim=True).clamp(min=1)
            alike = (F.normalize(seen, dim=-1) * F.normalize(x, dim=-1)).sum(-1)
            mean = (x * own.unsqueeze(-1)).sum(1) / n
            return mean, (alike * own).sum(1, keepdim=True) / n

        a, alike_a = match(first, second)
        b, alike_b = match(second, first)
        return self.out(self.drop(torch.cat([a, b, a * b, (a - b).abs(), 3 * alike_a, 3 * alike_b], -1)))


def batch_logits(model, batch):
    """Forward for `OneText` and `Batch`."""
    return model(batch.tokens, batch.sides, batch.real)


def plain_step(model, batch, loss, optimizer, schedule):
    """The body of a loop for ``((a, b), y)`` or ``(a, b, y)``."""
    y = batch[-1]
    texts = batch[0] if len(batch) == 2 else batch[:2]
    value = loss(model(*texts), y)
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    if schedule is not None:
        schedule.step()
    return value


def bce(z, y):
    """Binary cross-entropy of one logit."""
    return F.binary_cross_entropy_with_logits(z.reshape(-1), y.float())


def decide(z):
    """Return the label that logits or one logit stand for."""
    return z.argmax(-1) if z.ndim == 2 and z.shape[-1] == 2 else (z.reshape(-1) > 0).long()


def adam(rate, decay=0.01, **more):
    """Return a factory of AdamW."""
    return lambda model: torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay, **more)


def report(call=None, bs_loss=bce):
    """Return a sound evaluate for batches whose last part is the label."""

    def evaluate(model, held_out):
        was = model.training
        model.eval()
        total = right = seen = 0.0
        with torch.no_grad():
            for batch in held_out:
                y = batch[-1]
                z = call(model, batch) if call else model(*(batch[0] if len(batch) == 2 else batch[:2]))
                total += float(bs_loss(z, y)) * len(y)
                right += float((decide(z) == y).sum())
                seen += len(y)
        model.train(was)
        return {"loss": total / seen, "accuracy": right / seen}

    return evaluate


def texts_of(source, seed=0):
    """Return training and held-out documents of "python", "factbook" or "sotu"."""
    from . import _text

    if source == "python":
        return _text.split(_text.python_text(), seed)
    if source == "factbook":
        return _text.split(_text.factbook(), seed)
    return _text.split(_text.speeches(), seed, limit=60)


def towers(source="sotu", kind="bag", seed=0, count=2400, held=320, join=collate_apart, batch=16, rate=3e-3, steps=150,
           next_share=0.5, **more):  # fmt: skip
    """Return the arguments for a training of `Towers`."""
    from ._text import make_pairs

    training, others = texts_of(source, seed)
    lexicon = Lexicon(training)
    pairs = make_pairs(training, seed + 1, count, next_share)
    tests = make_pairs(others, seed + 2, held, next_share)
    words = lexicon.random_vectors() if source == "python" else lexicon.vectors()
    train, held_out = loaders(pairs, tests, two_texts(lexicon.ids), join, batch, seed)
    return {
        "model": Towers(kind, words=words, seed=seed, **more), "train": train, "held_out": held_out, "loss": bce,
        "optimizer": adam(rate), "step": plain_step, "steps": steps, "tokenizer": lexicon, "pairs": pairs,
        "held_out_pairs": tests, "documents": training, "held_out_documents": others, "seed": seed,
    }  # fmt: skip


def reader(source="sotu", seed=0, count=2400, held=320, batch=16, rate=3e-3, steps=150, longest=64, **more):
    """Return the arguments for a training of `OneText`, with batches as objects."""
    from ._text import make_pairs

    training, others = texts_of(source, seed)
    lexicon = Lexicon(training)
    pairs, tests = make_pairs(training, seed + 1, count), make_pairs(others, seed + 2, held)
    words = lexicon.random_vectors() if source == "python" else lexicon.vectors()
    train, held_out = loaders(pairs, tests, joined(lexicon.ids, longest), collate_dataclass, batch, seed)
    return {
        "model": OneText(words, seed=seed, **more), "train": train, "held_out": held_out, "loss": F.cross_entropy,
        "optimizer": adam(rate), "forward": batch_logits, "step": object_step, "steps": steps, "tokenizer": lexicon,
        "pairs": pairs, "held_out_pairs": tests, "documents": training, "held_out_documents": others, "seed": seed,
    }  # fmt: skip


def object_step(model, batch, loss, optimizer, schedule):
    """The body of a loop for `Batch`."""
    optimizer.zero_grad(set_to_none=True)
    value = loss(model(batch.tokens, batch.sides, batch.real), batch.target)
    value.backward()
    optimizer.step()
    if schedule is not None:
        schedule.step()
    return value


def hf_step(model, batch, loss, optimizer, schedule):
    """The body of a loop for models of transformers."""
    out = model(**batch)
    value = out.loss if loss is None else loss(out.logits, batch["labels"])
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if schedule is not None:
        schedule.step()
    optimizer.zero_grad()
    return value
