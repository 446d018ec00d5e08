"""Shared by the cases: text to rows, three kinds of batches, and some small networks."""

from copy import deepcopy
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from nsputil.model import NSPModel
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from research.torch_suspects.base import bert, draw, texts, vocabulary

CLS, SEP = 2, 3


def triples(pairs):
    return [(p.sentence_a, p.sentence_b, p.label) for p in pairs]


def data(seed, n=1600, m=384):
    """(training triples, held-out triples, what else to hand over)"""
    train_docs, test_docs = texts()
    tr = triples(draw(train_docs, seed, n))
    kept_out = triples(draw(test_docs, seed + 1000, m))
    extra = dict(documents=list(train_docs), held_out_documents=list(test_docs), tokenizer=vocabulary(), seed=seed)
    return tr, kept_out, extra


def encode(a, b, limit=64, vocab=None):
    vocab = vocab or vocabulary()
    a, b = list(vocab.ids(a)), list(vocab.ids(b))
    while len(a) + len(b) > limit - 3:
        (a if len(a) > len(b) else b).pop()
    ids = [CLS, *a, SEP, *b, SEP]
    return torch.tensor(ids), torch.tensor([0] * (len(a) + 2) + [1] * (len(b) + 1))


class Rows(Dataset):
    """Encoded once, then kept."""

    def __init__(self, rows, limit=64, vocab=None):
        self.items = [(*encode(a, b, limit, vocab), torch.tensor(int(y))) for a, b, y in rows]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def as_tuple(items):
    ids, types, y = zip(*items)
    ids = pad_sequence(ids, batch_first=True)
    return ids, pad_sequence(types, batch_first=True), (ids != 0).long(), torch.stack(y)


def as_dict(items):
    return dict(zip(("input_ids", "token_type_ids", "attention_mask", "labels"), as_tuple(items)))


@dataclass
class PairBatch:
    input_ids: torch.Tensor
    token_type_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor


def as_object(items):
    return PairBatch(*as_tuple(items))


def load(rows, seed=0, shuffle=True, size=16, join=as_dict):
    dataset = rows if isinstance(rows, Dataset) else Rows(rows)
    return DataLoader(dataset, size, shuffle=shuffle, collate_fn=join, generator=torch.Generator().manual_seed(seed))


@cache
def vectors():
    return torch.tensor(NSPModel.mini().parameters["encoder.words"]).float()


class seeded:
    """Run a block of module creation under a seed and put the old state back."""

    def __init__(self, seed):
        self.seed = seed

    def __enter__(self):
        self.state = torch.get_rng_state()
        torch.manual_seed(self.seed)

    def __exit__(self, *_):
        torch.set_rng_state(self.state)


class Towers(nn.Module):
    """Two sentences through one tower, compared by product and difference."""

    def __init__(self, seed=0, tower="gru", out=2, hidden=64, drop=0.1, norm=False):
        super().__init__()
        with seeded(seed):
            self.emb = nn.Embedding.from_pretrained(vectors().clone(), freeze=False, padding_idx=0)
            d = self.emb.embedding_dim
            self.kind = tower
            if tower == "gru":
                self.tower = nn.GRU(d, d // 2, batch_first=True, bidirectional=True)
            elif tower == "conv":
                self.tower = nn.Conv1d(d, d, 3, padding=1)
            elif tower == "mlp":
                self.tower = nn.Sequential(nn.Linear(d, d), nn.GELU())
            self.mix = nn.Sequential(
                nn.BatchNorm1d(2 * d) if norm else nn.Identity(), nn.Dropout(drop), nn.Linear(2 * d, hidden), nn.Tanh()
            )
            self.out = nn.Linear(hidden, out)

    def read(self, ids, here):
        e = self.emb(ids)
        if self.kind == "gru":
            t = self.tower(e)[0]
        elif self.kind == "conv":
            t = torch.relu(self.tower(e.transpose(1, 2))).transpose(1, 2)
        else:
            t = self.tower(e)
        return F.normalize(((e + 0.5 * t * e.std()) * here.unsqueeze(-1)).sum(1), dim=-1)

    def features(self, input_ids, token_type_ids, attention_mask):
        real = attention_mask * (input_ids > 4)
        a = self.read(input_ids, (real * (1 - token_type_ids)).float())
        b = self.read(input_ids, (real * token_type_ids).float())
        return torch.cat([10 * a * b, 3 * (a - b).abs()], -1)

    def forward(self, input_ids, token_type_ids, attention_mask):
        z = self.out(self.mix(self.features(input_ids, token_type_ids, attention_mask)))
        return z.squeeze(-1) if z.shape[-1] == 1 else z


class Kernels(nn.Module):
    """All words of A against all words of B, counted in soft bins of their cosine."""

    def __init__(self, seed=0, out=2):
        super().__init__()
        with seeded(seed):
            self.emb = nn.Embedding.from_pretrained(vectors().clone(), freeze=False, padding_idx=0)
            self.register_buffer("mu", torch.linspace(-0.5, 1.0, 11))
            self.gain = nn.Parameter(torch.ones(self.emb.num_embeddings))
            self.fc1 = nn.Linear(22, 32)
            self.fc2 = nn.Linear(32, out)

    def forward(self, input_ids, token_type_ids, attention_mask):
        e = F.normalize(self.emb(input_ids), dim=-1)
        w = self.gain[input_ids] * (input_ids > 4) * attention_mask
        a, b = w * (1 - token_type_ids), w * token_type_ids
        sim = e @ e.transpose(1, 2)
        k = torch.exp(-((sim.unsqueeze(-1) - self.mu) ** 2) / 0.02)
        ab = torch.einsum("bijk,bi,bj->bk", k, a, b) / (a.abs().sum(1) * b.abs().sum(1) + 1).unsqueeze(-1)
        mean_a = F.normalize((e * a.unsqueeze(-1)).sum(1), dim=-1)
        mean_b = F.normalize((e * b.unsqueeze(-1)).sum(1), dim=-1)
        cos = (mean_a * mean_b).sum(-1, keepdim=True)
        x = torch.cat([torch.log1p(ab.clamp(min=0) * 50), torch.exp(-((cos - self.mu) ** 2) / 0.05)], -1)
        return self.fc2(torch.tanh(self.fc1(x)))


def distil(seed=0, layers=1):
    """nsp-mini's layers under the names of DistilBERT, which has no segment ids."""
    source = bert(layers, seed)
    c = source.config
    config = DistilBertConfig(
        vocab_size=c.vocab_size, max_position_embeddings=c.max_position_embeddings, n_layers=layers,
        n_heads=c.num_attention_heads, dim=c.hidden_size, hidden_dim=c.intermediate_size, num_labels=2,
        dropout=0.1, attention_dropout=0.1, seq_classif_dropout=0.1,
    )
    with seeded(seed):
        model = DistilBertForSequenceClassification(config)
    e = source.bert.embeddings
    with torch.no_grad():
        inner = model.distilbert.embeddings
        inner.word_embeddings.weight.copy_(e.word_embeddings.weight)
        inner.position_embeddings.weight.copy_(e.position_embeddings.weight)
        inner.LayerNorm.load_state_dict(e.LayerNorm.state_dict())
        for new, old in zip(model.distilbert.transformer.layer, source.bert.encoder.layer):
            for mine, theirs in (
                (new.attention.q_lin, old.attention.self.query), (new.attention.k_lin, old.attention.self.key),
                (new.attention.v_lin, old.attention.self.value), (new.attention.out_lin, old.attention.output.dense),
                (new.sa_layer_norm, old.attention.output.LayerNorm), (new.ffn.lin1, old.intermediate.dense),
                (new.ffn.lin2, old.output.dense), (new.output_layer_norm, old.output.LayerNorm),
            ):
                mine.load_state_dict(theirs.state_dict())
        model.pre_classifier.weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(seed))
        model.classifier.weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(seed + 1))
    return model.train()


class OnBert(nn.Module):
    """A bare encoder of transformers with a head of one's own."""

    def __init__(self, seed=0, layers=1, out=1, drop=0.1):
        super().__init__()
        self.encoder = deepcopy(bert(layers, seed).bert)
        with seeded(seed):
            self.drop = nn.Dropout(drop)
            self.classify = nn.Linear(self.encoder.config.hidden_size, out)
            nn.init.normal_(self.classify.weight, std=0.05)
            nn.init.zeros_(self.classify.bias)

    def forward(self, input_ids, token_type_ids=None, attention_mask=None):
        h = self.encoder(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).pooler_output
        z = self.classify(self.drop(h))
        return z.squeeze(-1) if z.shape[-1] == 1 else z
