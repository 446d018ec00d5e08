"""Models and small helpers that the cases of this folder share; no cases of its own."""

from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import (
    DistilBertConfig, DistilBertModel, ElectraConfig, ElectraForSequenceClassification,
)  # fmt: skip

from nsputil.model import NSPModel
from research.torch_suspects.base import bert, vocabulary

DEFECTS, HEALTHY = [], []


def word_vectors():
    return torch.tensor(NSPModel.mini().parameters["encoder.words"]).float().clone()


# ------------------------------------------------------------------------------------------------- own reading of pairs
class Rows(Dataset):
    """All pairs tokenized beforehand. read(text) -> list of ids."""

    def __init__(self, pairs, max_len=64, read=None, labels=None):
        read = read or (lambda text: vocabulary().ids(text).tolist())
        self.rows = [
            self.one(read(p.sentence_a), read(p.sentence_b), max_len, p.label if labels is None else int(labels[k]))
            for k, p in enumerate(pairs)
        ]

    @staticmethod
    def one(a, b, max_len, label):
        a, b = list(a), list(b)
        while len(a) + len(b) > max_len - 3:
            (a if len(a) > len(b) else b).pop()
        ids = [2, *a, 3, *b, 3]
        return {"input_ids": ids, "token_type_ids": [0] * (len(a) + 2) + [1] * (len(b) + 1), "labels": label}

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        return self.rows[k]


def pad(rows, fixed=None):
    width = fixed or max(len(r["input_ids"]) for r in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    types, mask = ids.clone(), ids.clone()
    for k, r in enumerate(rows):
        n = len(r["input_ids"])
        ids[k, :n] = torch.tensor(r["input_ids"])
        types[k, :n] = torch.tensor(r["token_type_ids"])
        mask[k, :n] = 1
    return {
        "input_ids": ids, "token_type_ids": types, "attention_mask": mask,
        "labels": torch.tensor([r["labels"] for r in rows]),
    }  # fmt: skip


def pad_tuple(rows, fixed=None):
    return tuple(pad(rows, fixed).values())


def loaders(given, join=pad, batch=16, train=None, held_out=None, **options):
    """Put fast loaders into the arguments."""
    seed = given["seed"]
    train = Rows(given["pairs"]) if train is None else train
    held_out = Rows(given["held_out_pairs"]) if held_out is None else held_out
    g = torch.Generator().manual_seed(seed + 7)
    options = {"shuffle": True, "collate_fn": join} | options
    given["train"] = DataLoader(train, batch, generator=g, **options)
    given["held_out"] = DataLoader(held_out, 64, shuffle=False, collate_fn=join)
    return given


def strip(given):
    """Keep only the texts; the rest is set anew."""
    keep = ("tokenizer", "pairs", "held_out_pairs", "documents", "held_out_documents", "seed")
    return {name: given[name] for name in keep}


# ------------------------------------------------------------------------------------------------------------ own models
class DistilNSP(nn.Module):
    """DistilBERT (two layers of nsp-mini) with segments added to the word vectors, tanh layer, two labels."""

    def __init__(self, state=None, dropout=0.1):
        super().__init__()
        config = DistilBertConfig(
            vocab_size=24000, dim=96, n_layers=2, n_heads=4, hidden_dim=384, dropout=dropout, attention_dropout=0.0,
            max_position_embeddings=512,
        )  # fmt: skip
        self.distilbert = DistilBertModel(config)
        self.segments = nn.Embedding(2, 96)
        self.pre_classifier = nn.Linear(96, 96)
        self.classifier = nn.Linear(96, 2)
        for layer in (self.pre_classifier, self.classifier):
            nn.init.normal_(layer.weight, std=0.05)
            nn.init.zeros_(layer.bias)
        if state is not None:
            self.load_state_dict(state, strict=False)

    def forward(self, input_ids, token_type_ids, attention_mask, labels=None):
        x = self.distilbert.embeddings.word_embeddings(input_ids) + self.segments(token_type_ids)
        x = self.distilbert(inputs_embeds=x, attention_mask=attention_mask).last_hidden_state[:, 0]
        logits = self.classifier(torch.tanh(self.pre_classifier(x)))
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return SimpleNamespace(loss=loss, logits=logits)


def distil_state():
    """nsp-mini under the names of DistilBERT."""
    renamed = {}
    for name, value in bert(2).bert.state_dict().items():
        if name.startswith("pooler"):
            continue
        if name == "embeddings.token_type_embeddings.weight":
            renamed["segments.weight"] = value
            continue
        for old, new in (
            ("encoder.layer", "transformer.layer"), ("attention.self.query", "attention.q_lin"),
            ("attention.self.key", "attention.k_lin"), ("attention.self.value", "attention.v_lin"),
            ("attention.output.dense", "attention.out_lin"), ("attention.output.LayerNorm", "sa_layer_norm"),
            ("intermediate.dense", "ffn.lin1"), ("output.dense", "ffn.lin2"), ("output.LayerNorm", "output_layer_norm"),
        ):  # fmt: skip
            name = name.replace(old, new)
        renamed["distilbert." + name] = value
    return renamed


def electra(seed, layers=1, dropout=0.0):
    """transformers' Electra with nsp-mini's layers and a fresh head."""
    torch.manual_seed(seed)
    config = ElectraConfig(
        vocab_size=24000, embedding_size=96, hidden_size=96, num_hidden_layers=layers, num_attention_heads=4,
        intermediate_size=384, num_labels=2, hidden_dropout_prob=dropout, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = ElectraForSequenceClassification(config)
    model.electra.load_state_dict(
        {k: v for k, v in bert(layers).bert.state_dict().items() if not k.startswith("pooler")}, strict=False
    )
    for layer in (model.classifier.dense, model.classifier.out_proj):
        nn.init.normal_(layer.weight, std=0.08)
    return model.train()


def texts_of(ids, types, mask):
    """The masks of the words of A and of B."""
    words = mask.bool() & (ids > 4)
    return words & (types == 0), words & (types == 1)


class Aligned(nn.Module):
    """Decomposable attention: each word beside what it finds in the other text."""

    def __init__(self, seed=0, hidden=64, dropout=0.1, frozen=True):
        super().__init__()
        torch.manual_seed(seed)
        self.emb = nn.Embedding.from_pretrained(F.normalize(word_vectors(), dim=-1), freeze=frozen)
        self.compare = nn.Sequential(nn.Linear(3 * 96, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.out = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2))

    def side(self, x, y, here, there):
        scores = 8 * x @ y.transpose(1, 2)
        scores = scores.masked_fill(~there[:, None, :], -1e4)
        found = scores.softmax(-1) @ y
        v = self.compare(torch.cat([3 * x, 30 * x * found, 3 * (x - found).abs()], -1))
        return (v * here[..., None]).sum(1) / here.sum(1, keepdim=True).clamp(min=1)

    def features(self, input_ids, token_type_ids, attention_mask):
        a, b = texts_of(input_ids, token_type_ids, attention_mask)
        x = self.emb(input_ids)
        return torch.cat([self.side(x, x, a, b), self.side(x, x, b, a)], -1)

    def forward(self, input_ids, token_type_ids, attention_mask):
        return self.out(self.features(input_ids, token_type_ids, attention_mask))


class Kernels(nn.Module):
    """K-NRM: soft counts of how alike the words of A and B are."""

    def __init__(self, seed=0, hidden=32):
        super().__init__()
        torch.manual_seed(seed)
        self.emb = nn.Embedding.from_pretrained(word_vectors(), freeze=True, padding_idx=0)
        self.register_buffer("mu", torch.tensor([1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0, -0.2]))
        self.register_buffer("sigma", torch.tensor([0.05] + [0.08] * 9))
        self.norm = nn.LayerNorm(20)
        self.dense = nn.Linear(20, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, input_ids, token_type_ids, attention_mask, labels=None):
        a, b = texts_of(input_ids, token_type_ids, attention_mask)
        x = F.normalize(self.emb(input_ids), dim=-1)
        alike = (x @ x.transpose(1, 2)).unsqueeze(-1)
        k = torch.exp(-((alike - self.mu) ** 2) / (2 * self.sigma**2))
        k = k * (a[:, :, None] & b[:, None, :]).unsqueeze(-1)
        one = torch.log1p(k.sum(2)) * a.unsqueeze(-1)
        two = torch.log1p(k.sum(1)) * b.unsqueeze(-1)
        f = torch.cat([one.sum(1) / a.sum(1, True).clamp(min=1), two.sum(1) / b.sum(1, True).clamp(min=1)], -1)
        return self.out(torch.tanh(self.dense(self.norm(f))))


class Siamese(nn.Module):
    """A recurrent net or a convolution reads each text; the two vectors are compared."""

    def __init__(self, kind="gru", seed=0, width=64, dropout=0.1, compare=True, functional=None):
        super().__init__()
        torch.manual_seed(seed)
        self.kind, self.compare, self.functional = kind, compare, functional
        self.emb = nn.Embedding.from_pretrained(word_vectors(), freeze=True, padding_idx=0)
        if kind == "gru":
            self.enc = nn.GRU(96, width // 2, batch_first=True, bidirectional=True)
        elif kind == "lstm":
            self.enc = nn.LSTM(96, width // 2, batch_first=True, bidirectional=True)
        else:
            self.enc = nn.Conv1d(96, width, 3, padding=1)
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(2 * (96 + width), 64)
        self.out = nn.Linear(64, 2)

    def read(self, ids, here):
        x = F.normalize(self.emb(ids), dim=-1) * 3
        h = self.enc(x.transpose(1, 2)).transpose(1, 2).tanh() if self.kind == "cnn" else self.enc(x)[0]
        h = torch.cat([x, h], -1) * here[..., None]
        h = h.sum(1) / here.sum(1, keepdim=True).clamp(min=1)
        return torch.cat([F.normalize(h[:, :96], dim=-1), F.normalize(h[:, 96:], dim=-1)], -1)

    def forward(self, input_ids, token_type_ids, attention_mask):
        a, b = texts_of(input_ids, token_type_ids, attention_mask)
        u, v = self.read(input_ids, a), self.read(input_ids, b)
        h = torch.cat([10 * u * v, 3 * (u - v).abs()] if self.compare else [3 * u, 3 * v], -1)
        h = self.drop(h) if self.functional is None else F.dropout(h, self.functional)
        return self.out(torch.tanh(self.fc(h)))


def adamw(rate, **options):
    return lambda model: torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, **options)


def read_all(model, loader):
    """logits and labels of a loader, as one has them in one's own evaluation."""
    out, gold = [], []
    with torch.no_grad():
        for batch in loader:
            if isinstance(batch, dict):
                x = model(**{k: v for k, v in batch.items() if k != "labels"})
                y = batch["labels"]
            else:
                x, y = model(*batch[:-1]), batch[-1]
            out.append(getattr(x, "logits", x))
            gold.append(y)
    return torch.cat(out), torch.cat(gold)


def shorter(given, steps):
    """Fewer steps, and the schedule for them."""
    from research.torch_suspects.base import linear

    return given | {"steps": steps, "schedule": linear(steps)}
