"""Text, encoders and models that the cases of this folder share."""

from copy import deepcopy as deepcopy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    ElectraConfig,
    ElectraForSequenceClassification,
    ErnieConfig,
    ErnieForNextSentencePrediction,
)

from research.torch_suspects.base import HELD_OUT, PAIRS, adamw, bert, draw, healthy, linear, texts, vocabulary


@dataclass(frozen=True)
class Row:
    """A pair without its origin."""

    sentence_a: str
    sentence_b: str
    label: int


def rows(pairs):
    """Return bare rows of pairs."""
    return [Row(p.sentence_a, p.sentence_b, int(p.label)) for p in pairs]


def sources(seed, count=PAIRS):
    """Return training and held-out rows and the arguments that tell where they come from."""
    training, held_out = texts()
    a, b = rows(draw(training, seed, count)), rows(draw(held_out, seed + 1000, HELD_OUT))
    return a, b, about(a, b, seed)


def about(a, b, seed):
    """Return the arguments that describe the text."""
    training, held_out = texts()
    return {
        "tokenizer": vocabulary(), "pairs": a, "held_out_pairs": b,
        "documents": list(training), "held_out_documents": list(held_out), "seed": seed,
    }  # fmt: skip


def cut(a, b, room):
    """Shorten the longer of two lists until both fit."""
    a, b = list(a), list(b)
    while len(a) + len(b) > room:
        (a if len(a) > len(b) else b).pop()
    return a, b


def encode(pair, max_length=64, ids=None):
    """Return ids, segments and label of one row."""
    ids = ids or vocabulary().ids
    a, b = cut(ids(pair.sentence_a), ids(pair.sentence_b), max_length - 3)
    left, right = [2, *a, 3], [*b, 3]
    return [int(k) for k in left + right], [0] * len(left) + [1] * len(right), int(pair.label)


def tensors(pairs, max_length=64, ids=None, encoder=encode):
    """Return a TensorDataset (input_ids, token_type_ids, attention_mask, labels) of one width."""
    n = len(pairs)
    x, t, m = (torch.zeros(n, max_length, dtype=torch.long) for _ in range(3))
    y = torch.zeros(n, dtype=torch.long)
    for k, pair in enumerate(pairs):
        i, s, label = encoder(pair, max_length, ids)
        x[k, : len(i)], t[k, : len(i)], m[k, : len(i)], y[k] = torch.tensor(i), torch.tensor(s), 1, label
    return TensorDataset(x, t, m, y)


NAMES = ("input_ids", "token_type_ids", "attention_mask", "labels")


def trim(batch):
    """Return a list of tensors without columns that are padding in every row."""
    x, t, m, y = (torch.stack(column) for column in zip(*batch, strict=True))
    width = int(m.sum(1).max())
    return x[:, :width], t[:, :width], m[:, :width], y


def trim_dict(batch):
    """Return the same as a mapping."""
    return dict(zip(NAMES, trim(batch), strict=True))


def loaders(data, other, seed, batch=16, join=trim, shuffle=True):
    """Return the two loaders."""
    generator = torch.Generator().manual_seed(seed)
    return {
        "train": DataLoader(data, batch, shuffle=shuffle, collate_fn=join, generator=generator, drop_last=True),
        "held_out": DataLoader(other, 64, collate_fn=join),
    }


def words(trainable=True):
    """Return the word vectors of nsp-mini as an embedding."""
    table = bert(1).bert.embeddings.word_embeddings.weight.detach().clone()
    return nn.Embedding.from_pretrained(table, freeze=not trainable, padding_idx=0)


def pooled(vectors, here):
    """Return the mean of the vectors that are here."""
    here = here.unsqueeze(-1).to(vectors.dtype)
    return (vectors * here).sum(1) / here.sum(1).clamp(min=1)


class Kernels(nn.Module):
    """Soft matches of the words of A and B at several strengths (Xiong et al. 2017), and a linear layer on them."""

    def __init__(self, outputs=2):
        super().__init__()
        self.embedding = words(trainable=False)
        self.mu = torch.linspace(-0.9, 1.0, 11)
        self.out = nn.Linear(11, outputs)

    def matches(self, input_ids, token_type_ids, attention_mask):
        content = attention_mask * (input_ids > 4)
        a, b = content * (1 - token_type_ids), content * token_type_ids
        v = F.normalize(self.embedding(input_ids), dim=-1)
        cosine = (v @ v.transpose(1, 2)).unsqueeze(-1)
        width = torch.where(self.mu > 0.95, 0.05, 0.15)
        soft = torch.exp(-((cosine - self.mu) ** 2) / (2 * width**2)) * b[:, None, :, None]
        found = torch.log1p(soft.sum(2)) * a.unsqueeze(-1)
        return found.sum(1) / a.sum(1, keepdim=True).clamp(min=1)

    def forward(self, input_ids, token_type_ids, attention_mask):
        return self.out(self.matches(input_ids, token_type_ids, attention_mask) * 3)


class Aligner(nn.Module):
    """Decomposable attention: each word of A is compared with the words of B it attends to, and back."""

    def __init__(self, width=96, hidden=48, dropout=0.1, act=nn.ReLU):
        super().__init__()
        self.emb = words()
        self.compare = nn.Sequential(nn.Linear(2 * width, hidden), act(), nn.Dropout(dropout))
        self.out = nn.Sequential(nn.Linear(2 * hidden, hidden), act(), nn.Linear(hidden, 2))

    def side(self, v, e, mine, theirs):
        weight = (e * 8).masked_fill(theirs[:, None, :] == 0, -1e4).softmax(-1)
        other = weight @ v
        return pooled(self.compare(torch.cat([v * other * 20, (v - other).abs()], -1)), mine)

    def forward(self, input_ids, token_type_ids, attention_mask):
        content = attention_mask * (input_ids > 4)
        a, b = content * (1 - token_type_ids), content * token_type_ids
        v = F.normalize(self.emb(input_ids), dim=-1)
        e = v @ v.transpose(1, 2)
        return self.out(torch.cat([self.side(v, e, a, b), self.side(v, e, b, a)], -1))


class Twins(nn.Module):
    """Two sentence vectors from one encoder (mean or GRU), their product and difference, and a small head."""

    def __init__(self, recurrent=False, hidden=64, dropout=0.1, act=nn.ReLU, norm=None):
        super().__init__()
        self.emb = words()
        self.gru = nn.GRU(96, 48, batch_first=True, bidirectional=True) if recurrent else None
        self.drop = nn.Dropout(dropout)
        self.norm = norm or nn.Identity()
        self.fc = nn.Linear(192, hidden)
        self.act = act()
        self.out = nn.Linear(hidden, 2)

    def encode(self, v, here):
        h = v + self.gru(v)[0] * 0.3 if self.gru is not None else v
        return F.normalize(pooled(h, here), dim=-1)

    def features(self, input_ids, token_type_ids, attention_mask):
        content = attention_mask * (input_ids > 4)
        v = self.emb(input_ids)
        a, b = self.encode(v, content * (1 - token_type_ids)), self.encode(v, content * token_type_ids)
        return self.norm(torch.cat([a * b * 10, (a - b).abs() * 3], -1))

    def forward(self, input_ids, token_type_ids, attention_mask):
        return self.out(self.act(self.fc(self.drop(self.features(input_ids, token_type_ids, attention_mask)))))


class MeanBert(nn.Module):
    """BERT's vectors, averaged over A and over B, compared by a linear layer."""

    def __init__(self, dropout=0.1):
        super().__init__()
        self.encoder = BertModel(BertConfig(**sizes()), add_pooling_layer=False)
        self.encoder.load_state_dict(bert(1).bert.state_dict(), strict=False)
        self.head = nn.Sequential(
            nn.LayerNorm(192), nn.Dropout(dropout), nn.Linear(192, 64), nn.Tanh(), nn.Linear(64, 2)
        )

    def forward(self, input_ids, token_type_ids=None, attention_mask=None):
        h = self.encoder(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state
        a = F.normalize(pooled(h, attention_mask * (1 - token_type_ids)), dim=-1)
        b = F.normalize(pooled(h, attention_mask * token_type_ids), dim=-1)
        return {"logits": self.head(torch.cat([a * b * 10, (a - b).abs() * 3], -1))}


def sizes(layers=1, dropout=0.0):
    """Return the sizes of nsp-mini for a config of transformers."""
    return {
        "vocab_size": 24000, "hidden_size": 96, "num_hidden_layers": layers, "num_attention_heads": 4,
        "intermediate_size": 384, "max_position_embeddings": 512, "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
    }  # fmt: skip


def loaded(model, name, layers=1, seed=0):
    """Load nsp-mini's encoder into a model of transformers that calls it by another name."""
    state = {
        k.replace("bert.", name + ".", 1): v for k, v in bert(layers, seed).state_dict().items() if k[:4] == "bert"
    }
    missing, _ = model.load_state_dict(state, strict=False)
    return model.train()


def wide_head(*layers):
    """Give linear layers a start large enough to learn in a short training."""
    for layer in layers:
        nn.init.normal_(layer.weight, std=0.05)
        nn.init.zeros_(layer.bias)


def ernie(seed, layers=1, dropout=0.0):
    """Return ERNIE for next sentence prediction, started from nsp-mini."""
    torch.manual_seed(seed)
    model = loaded(ErnieForNextSentencePrediction(ErnieConfig(**sizes(layers, dropout))), "ernie", layers, seed)
    wide_head(model.cls.seq_relationship)
    return model


def electra(seed, layers=1, dropout=0.1):
    """Return ELECTRA's classifier, started from nsp-mini."""
    torch.manual_seed(seed)
    config = ElectraConfig(**sizes(layers, dropout), embedding_size=96)
    model = loaded(ElectraForSequenceClassification(config), "electra", layers, seed)
    wide_head(model.classifier.dense, model.classifier.out_proj)
    return model


def classifier(seed, layers=1, dropout=0.0):
    """Return BERT's classifier, started from nsp-mini."""
    torch.manual_seed(seed)
    model = loaded(BertForSequenceClassification(BertConfig(**sizes(layers, dropout))), "bert", layers, seed)
    wide_head(model.classifier)
    return model


def mine(model, seed, rate=2e-3, steps=130, join=trim, data=None, **more):
    """Return the arguments of a training of a module of one's own on the usual pairs."""
    a, b, text = sources(seed)
    first, second = data(a, b) if data else (tensors(a), tensors(b))
    return text | loaders(first, second, seed, join=join) | {
        "model": model, "loss": F.cross_entropy, "optimizer": adamw(rate), "schedule": linear(steps), "steps": steps,
    } | more  # fmt: skip


def usual(kind, seed, steps=120):
    """Return a healthy training of the base, somewhat shorter unless it is the Trainer's."""
    given = healthy(kind, seed)
    return given if kind == "trainer" else given | {"steps": steps, "schedule": linear(steps)}


def counted(model, held_out, forward=None):
    """Return logits and labels of all held-out pairs, in evaluation mode."""
    was = model.training
    model.eval()
    logits, labels = [], []
    with torch.no_grad():
        for batch in held_out:
            if isinstance(batch, dict):
                out = model(**{k: v for k, v in batch.items() if k != "labels"})
                y = batch["labels"]
            else:
                out = model(*batch[:-1])
                y = batch[-1]
            out = out["logits"] if isinstance(out, dict) else out
            logits.append(out)
            labels.append(y)
    model.train(was)
    return torch.cat(logits), torch.cat(labels)
