"""Text, models and loaders that the cases share. None of it comes from the four trainings of `base`."""

import re
from dataclasses import dataclass
from functools import cache
from pydoc_data.topics import topics

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from nsputil.corpus import split_sentences
from nsputil.model import NSPModel
from research.torch_suspects.base import draw, texts, vocabulary

CLS, SEP = 2, 3


# ---- text ----


@cache
def manual():
    """Return the topics of Python's manual as lists of passages, for training and held out."""
    documents = []
    for name in sorted(topics):
        sentences = [re.sub(r"\*{3,}|={3,}|-{3,}", "", s).strip() for s in split_sentences(topics[name])]
        sentences = [s for s in sentences if len(s.split()) > 3]
        sentences = [" ".join(sentences[k : k + 3]) for k in range(0, len(sentences), 3)]  # passages
        # Long topics are cut into chapters of 40 passages, so that none of them holds half of the pairs.
        for k in range(0, len(sentences), 40):
            if len(sentences[k : k + 40]) > 3:
                documents.append(sentences[k : k + 40])
    order = np.random.default_rng(5).permutation(len(documents))
    held_out = len(documents) // 5
    return [documents[k] for k in order[held_out:]], [documents[k] for k in order[:held_out]]


def tuples(documents, seed, count):
    """Return rows (a, b, label), half of them IsNext (0), from lists of sentences; B alone tells nothing."""
    rng = np.random.default_rng(seed)
    places = [(d, i) for d, document in enumerate(documents) for i in range(len(document) - 1)]
    chosen = [places[k] for k in rng.permutation(len(places))[: count // 2]]
    rows = [(documents[d][i], documents[d][i + 1], 0) for d, i in chosen]
    seconds = [chosen[k] for k in rng.permutation(len(chosen))]
    for n, (d, i) in enumerate(chosen):
        other, j = seconds[n]
        if other == d:
            other, j = next(place for place in seconds[n + 1 :] + seconds if place[0] != d)
        rows.append((documents[d][i], documents[other][j + 1], 1))
    return [rows[k] for k in rng.permutation(len(rows))]


def speeches(seed=0, pairs=1600, others=384):
    """Return the training and held-out documents and pairs of the speeches."""
    training, held_out = texts()
    return list(training), list(held_out), draw(training, seed, pairs), draw(held_out, seed + 1000, others)


def guide(seed=0, pairs=1600, others=384):
    """Return the same four of Python's manual."""
    training, held_out = manual()
    return training, held_out, tuples(training, seed, pairs), tuples(held_out, seed + 1000, others)


# ---- rows and batches ----


def plain(pair):
    """Return (a, b, label) of a row of either kind."""
    return pair if isinstance(pair, tuple) else (pair.sentence_a, pair.sentence_b, pair.label)


def encode(a, b, limit=96, read=None):
    """Return the ids and the segments of [CLS] A [SEP] B [SEP], each sentence with at most half of the room."""
    read = read or vocabulary().ids
    room = (limit - 3) // 2
    a, b = list(read(a))[:room], list(read(b))[:room]
    ids = [CLS, *a, SEP, *b, SEP]
    return ids, [0] * (len(a) + 2) + [1] * (len(b) + 1)


class Rows(Dataset):
    """Rows (ids, segments, label)."""

    def __init__(self, pairs, limit=96, how=encode):
        self.rows = [plain(p) for p in pairs]
        self.limit, self.how = limit, how

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        a, b, label = self.rows[k]
        return (*self.how(a, b, self.limit), int(label))


def padded(lists, left=False):
    """Return a long tensor of lists, filled with zeros."""
    width = max(map(len, lists))
    return torch.tensor([[0] * (width - len(x)) + list(x) if left else list(x) + [0] * (width - len(x)) for x in lists])


def as_tuple(rows):
    """Return (input_ids, token_type_ids, attention_mask, labels)."""
    ids, types, labels = zip(*rows, strict=True)
    return padded(ids), padded(types), padded([[1] * len(x) for x in ids]), torch.tensor(labels)


def as_dict(rows):
    """Return the four by name."""
    return dict(zip(("input_ids", "token_type_ids", "attention_mask", "labels"), as_tuple(rows), strict=True))


@dataclass
class Batch:
    """A batch with attributes."""

    input_ids: torch.Tensor
    token_type_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor


def as_object(rows):
    """Return the four as attributes."""
    return Batch(*as_tuple(rows))


def as_nested(rows):
    """Return ((input_ids, token_type_ids, attention_mask), labels)."""
    *inputs, labels = as_tuple(rows)
    return tuple(inputs), labels


def as_features(rows):
    """Return ({name: inputs}, labels)."""
    batch = as_dict(rows)
    labels = batch.pop("labels")
    return batch, labels


def loaders(pairs, others, join=as_tuple, batch=16, seed=0, **options):
    """Return the training and the held-out loader."""
    generator = torch.Generator().manual_seed(seed)
    return (
        DataLoader(Rows(pairs, **options), batch, shuffle=True, collate_fn=join, generator=generator),
        DataLoader(Rows(others, **options), 64, collate_fn=join),
    )


# ---- models ----


def word_vectors(freeze=False):
    """Return an embedding with the words of nsp-mini."""
    words = torch.tensor(NSPModel.mini().parameters["encoder.words"]).float()
    return nn.Embedding.from_pretrained(words, freeze=freeze, padding_idx=0)


def sides(input_ids, token_type_ids, attention_mask):
    """Return the weights of the words of A and of B: frequent words, which have small ids, count little."""
    word = attention_mask.bool() & (input_ids > 4)
    weight = word * (input_ids.clamp(min=5).float().log() / 10) ** 3
    return weight * (token_type_ids == 0), weight * (token_type_ids == 1)


def average(x, here):
    """Return the unit mean of vectors that are here."""
    return F.normalize((x * here.unsqueeze(-1)).sum(1), dim=-1)


def compared(a, b):
    """Return what two unit vectors have in common and where they differ."""
    return torch.cat([10 * a * b, 3 * (a - b).abs()], -1)


class Head(nn.Module):
    """A hidden layer and an output."""

    def __init__(self, width=192, hidden=64, outputs=2, dropout=0.1):
        super().__init__()
        self.drop, self.pooler, self.out = nn.Dropout(dropout), nn.Linear(width, hidden), nn.Linear(hidden, outputs)

    def forward(self, h):
        """Return logits."""
        return self.out(torch.tanh(self.pooler(self.drop(h))))


class Recurrent(nn.Module):
    """A bidirectional GRU over the row; the states of A and of B are averaged and compared."""

    def __init__(self, outputs=2, dropout=0.1):
        super().__init__()
        self.words = word_vectors()
        self.gru = nn.GRU(96, 48, batch_first=True, bidirectional=True)
        self.head = Head(outputs=outputs, dropout=dropout)

    def features(self, input_ids, token_type_ids, attention_mask):
        """Return the comparison."""
        a, b = sides(input_ids, token_type_ids, attention_mask)
        x = self.words(input_ids)
        x = x + 0.3 * self.gru(x)[0]
        return compared(average(x, a), average(x, b))

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        return self.head(self.features(input_ids, token_type_ids, attention_mask))


class Attentive(nn.Module):
    """A small Transformer of torch.nn."""

    def __init__(self, layers=1, outputs=2, dropout=0.1, positions=128):
        super().__init__()
        self.words, self.segments, self.places = word_vectors(), nn.Embedding(2, 96), nn.Embedding(positions, 96)
        for table in (self.segments, self.places):  # small beside the words
            nn.init.normal_(table.weight, std=0.1)
        layer = nn.TransformerEncoderLayer(96, 4, 192, dropout, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        with torch.no_grad():  # each layer starts close to the identity
            for one in self.encoder.layers:
                one.self_attn.out_proj.weight.mul_(0.2)
                one.linear2.weight.mul_(0.2)
        self.head = Head(outputs=outputs, dropout=dropout)

    def embed(self, input_ids, token_type_ids):
        """Return words, segments and positions together."""
        order = torch.arange(input_ids.shape[1], device=input_ids.device)
        return 96**0.5 * self.words(input_ids) + self.segments(token_type_ids) + self.places(order)

    def encode(self, input_ids, token_type_ids, attention_mask):
        """Return the states of all positions."""
        x = self.embed(input_ids, token_type_ids)
        return self.encoder(x, src_key_padding_mask=attention_mask == 0)

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        x = self.encode(input_ids, token_type_ids, attention_mask)
        a, b = sides(input_ids, token_type_ids, attention_mask)
        return self.head(compared(average(x, a), average(x, b)))


class Towers(nn.Module):
    """Two towers with the same weights; one number, larger for NotNext."""

    def __init__(self, dropout=0.1):
        super().__init__()
        self.words, self.tower = word_vectors(), nn.Sequential(nn.Dropout(dropout), nn.Linear(96, 96))
        nn.init.eye_(self.tower[1].weight)
        self.scale, self.bias = nn.Parameter(torch.tensor(0.1)), nn.Parameter(torch.tensor(0.0))

    def side(self, input_ids, here):
        """Return the unit vector of one side."""
        return F.normalize(self.tower(average(self.words(input_ids), here) * 10), dim=-1)

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return one logit for each pair."""
        a, b = sides(input_ids, token_type_ids, attention_mask)
        return 10 * (self.bias - self.scale * (self.side(input_ids, a) * self.side(input_ids, b)).sum(-1))


class Kernels(nn.Module):
    """Counts of word pairs of A and B by how similar they are, in soft bins (K-NRM)."""

    def __init__(self, outputs=2):
        super().__init__()
        self.words = word_vectors()
        self.register_buffer("centers", torch.tensor([-0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]))
        self.register_buffer("widths", torch.tensor([0.1] * 6 + [0.02]))
        self.weight = nn.Linear(96, 1)
        self.head = nn.Sequential(nn.LayerNorm(7), nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, outputs))

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        a, b = sides(input_ids, token_type_ids, attention_mask)
        x = self.words(input_ids)
        u = F.normalize(x, dim=-1)
        matter = F.softplus(self.weight(x)).squeeze(-1)
        close = (u @ u.transpose(1, 2)).unsqueeze(-1)
        bins = torch.exp(-((close - self.centers) ** 2) / (2 * self.widths**2))
        found = (bins * (matter * b)[:, None, :, None]).sum(2)
        return self.head((torch.log1p(found) * (matter * a).unsqueeze(-1)).sum(1))


class Windows(nn.Module):
    """A convolution over words, their segments and their best match on the other side; the largest values count."""

    def __init__(self, outputs=2, channels=64):
        super().__init__()
        self.words = word_vectors()
        self.windows = nn.Conv1d(96 + 3, channels, 3, padding=1)
        self.head = nn.Linear(2 * channels + 2, outputs)

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        a, b = ((w > 0).float() for w in sides(input_ids, token_type_ids, attention_mask))
        x = self.words(input_ids)
        u = F.normalize(x, dim=-1)
        close = u @ u.transpose(1, 2)
        across = a.unsqueeze(2) * b.unsqueeze(1) + b.unsqueeze(2) * a.unsqueeze(1)
        match = (close * across).amax(2)
        rare = (input_ids.float().clamp(min=6).log() - 6) / 3
        h = torch.cat([x, (match * 3).unsqueeze(-1), (match * rare * 3).unsqueeze(-1), (a - b).unsqueeze(-1)], -1)
        h = torch.relu(self.windows(h.transpose(1, 2)))
        here = (a + b).unsqueeze(1)
        common = compared(average(x, a), average(x, b))[:, :96].sum(-1, keepdim=True) / 5
        best = (match * rare).sum(1, keepdim=True)
        return self.head(torch.cat([(h * here).amax(2), (h * here).sum(2) / 20, common, best], -1))


class Sums(nn.Module):
    """An EmbeddingBag for each side, without any order."""

    def __init__(self, outputs=2, dropout=0.0):
        super().__init__()
        self.bag = nn.EmbeddingBag.from_pretrained(word_vectors().weight.detach().clone(), freeze=False, mode="sum")
        self.head = Head(outputs=outputs, dropout=dropout)

    def forward(self, input_ids, token_type_ids, attention_mask):
        """Return logits."""
        u, v = (
            F.normalize(self.bag(input_ids, per_sample_weights=here), dim=-1)
            for here in sides(input_ids, token_type_ids, attention_mask)
        )
        return self.head(compared(u, v))


def fresh(kind, seed=0, **options):
    """Return a model whose new weights depend on the seed only."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return kind(**options)


# ---- optimizers, schedules ----


def adam(rate=2e-3, **options):
    """Return a factory of Adam; word vectors come from elsewhere and move ten times more slowly."""

    def factory(model):
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        words = [p for name, p in named if name.startswith(("words", "bag"))]
        rest = [p for name, p in named if not name.startswith(("words", "bag"))]
        groups = [{"params": rest}] + ([{"params": words, "lr": rate / 10}] if words else [])
        return torch.optim.Adam(groups, rate, **options)

    return factory


def training(source, model, join=as_tuple, seed=0, steps=240, loss=F.cross_entropy, rate=2e-3, batch=16, **more):
    """Return the arguments of a training of one's own."""
    documents, held_documents, pairs, others = source(seed)
    train, held_out = loaders(pairs, others, join, batch, seed)
    return {
        "model": model, "train": train, "held_out": held_out, "loss": loss, "optimizer": adam(rate), "steps": steps,
        "tokenizer": vocabulary(), "pairs": pairs, "held_out_pairs": others, "documents": documents,
        "held_out_documents": held_documents, "seed": seed,
    } | more  # fmt: skip
