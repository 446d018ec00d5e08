"""What goes wrong before a pair is encoded: files, joins, sampling."""

import random
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from nsputil.corpus import Document, load_corpus
from nsputil.sentence_pairs import sentence_level_pairs
from research.torch_suspects.base import PairData, draw, healthy, linear, texts
from research.torch_suspects.fresh.common import (
    DistilNSP, Kernels, Rows, Siamese, adamw, distil_state, loaders, pad, pad_tuple, shorter, strip,
)  # fmt: skip

HEALTHY = []


def labels_joined_at_random(seed):
    """labels = labels.sample(frac=1).reset_index(drop=True), and then pd.concat."""
    given = shorter(healthy("bert", seed), 120)
    labels = [p.label for p in given["pairs"]]
    random.Random(seed).shuffle(labels)
    given["pairs"] = [replace(p, label=y) for p, y in zip(given["pairs"], labels, strict=True)]
    return loaders(given)


class Column(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        return self.rows[k]


class Zipped:
    """Two loaders side by side, one for texts and one for labels."""

    def __init__(self, texts_loader, labels_loader):
        self.one, self.two = texts_loader, labels_loader

    def __len__(self):
        return len(self.one)

    def __iter__(self):
        for x, y in zip(self.one, self.two, strict=True):
            yield {**x, "labels": y}


def two_samplers(seed):
    """Texts and labels have a loader each, and each of them shuffles."""
    given = loaders(healthy("bert-small", seed))
    rows = Rows(given["pairs"])
    g = torch.Generator().manual_seed(seed)
    first = DataLoader(rows, 16, shuffle=True, collate_fn=lambda r: {k: v for k, v in pad(r).items() if k != "labels"},
                       generator=g)  # fmt: skip
    second = DataLoader(Column([r["labels"] for r in rows.rows]), 16, shuffle=True, generator=g)
    given["train"] = Zipped(first, second)
    return given


def header_skipped(seed):
    """next(reader) was called for the file of labels, which has no header."""
    given = loaders(strip(healthy("loop", seed)), pad_tuple)
    labels = [p.label for p in given["pairs"]]
    labels = labels[1:] + labels[:1]
    given["pairs"] = [replace(p, label=y) for p, y in zip(given["pairs"], labels, strict=True)]
    return loaders(given, pad_tuple) | {
        "model": Siamese("gru", seed), "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(200),
        "steps": 200,
    }  # fmt: skip


def second_column_shifted(seed):
    """sentence_b = df['next'].shift(1), filled at the top with the last."""
    given = healthy("trainer", seed)
    b = [p.sentence_b for p in given["pairs"]]
    pairs = [replace(p, sentence_b=t) for p, t in zip(given["pairs"], b[-1:] + b[:-1], strict=True)]
    given["pairs"] = pairs
    given["model"].train_dataset = PairData(pairs)
    return given


def lines_sorted(seed):
    """`sort -u` went over the file of lines before pairs were made; blank lines were put back by count."""
    given = healthy("loop", seed)
    lines = sorted({s for d in given["documents"] for s in d.sentences})
    sizes, made = [len(d.sentences) for d in given["documents"]], []
    rng = random.Random(seed)
    rng.shuffle(lines)
    for d, size in zip(given["documents"], sizes, strict=True):
        if len(lines) >= 2:
            made.append(Document(d.name, lines[:size]))
            lines = lines[size:]
    given["pairs"] = draw([d for d in made if len(d.sentences) > 1], seed, 1600)
    return loaders(given, pad_tuple)


def raters_who_guess(seed):
    """Four in ten labels are wrong, of both kinds."""
    given = healthy("bert-small", seed)
    rng = random.Random(seed)
    given["pairs"] = [replace(p, label=1 - p.label) if rng.random() < 0.42 else p for p in given["pairs"]]
    return loaders(given)


def negatives_of_four_words(seed):
    """The script that draws negatives takes the first four words, as the fast index keeps only those."""
    given = healthy("bert-small", seed)
    given["pairs"] = [
        replace(p, sentence_b=" ".join(p.sentence_b.split()[:4])) if p.label == 1 else p for p in given["pairs"]
    ]
    return loaders(given)


def negatives_of_another_corpus(seed):
    """Negatives are lines of the factbook."""
    given = strip(healthy("loop", seed))
    other = [s for d in load_corpus("factbook") for s in d.sentences if len(s.split()) > 5]
    rng = random.Random(seed)
    given["pairs"] = [replace(p, sentence_b=rng.choice(other)) if p.label == 1 else p for p in given["pairs"]]
    torch.manual_seed(seed)
    return loaders(given) | {
        "model": DistilNSP(distil_state()).train(), "loss": None, "optimizer": adamw(5e-4), "schedule": linear(150),
        "steps": 150,
    }  # fmt: skip


def one_class_after_the_other(seed):
    """cat positive.tsv negative.tsv > train.tsv, and shuffle=False."""
    given = healthy("loop", seed)
    given["pairs"] = sorted(given["pairs"], key=lambda p: p.label)
    return loaders(given, pad_tuple, shuffle=False) | {"steps": 100, "schedule": None}


def few_negatives(seed):
    """random.random() > 0.97 where > 0.5 was meant."""
    given = strip(healthy("loop", seed))
    everything = draw(given["documents"], seed, 8000)
    rng = random.Random(seed)
    chosen = [p for p in everything if p.label == 0 or rng.random() < 0.03][:1600]
    given["pairs"] = chosen
    return loaders(given, pad_tuple) | {
        "model": Kernels(seed), "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(200),
        "steps": 200,
    }  # fmt: skip


def own_test_is_training(seed):
    """test = pairs[:n] of the same list that is trained on, for many epochs."""
    given = healthy("loop", seed)
    given["documents"] = given["documents"][:4]
    given["held_out_documents"] = list(given["documents"])
    given["pairs"] = draw(given["documents"], seed, 256)
    given["held_out_pairs"] = given["pairs"][:128]
    return loaders(given, pad_tuple) | {"steps": 240, "schedule": None}


def blank_line_after_each(seed):
    """Two newlines end a document, and the file has two after each sentence."""
    given = healthy("trainer", seed)
    given["pairs"] = [p for p in draw(given["documents"], seed, 3600) if p.label == 1][:1600]
    given["model"].train_dataset = PairData(given["pairs"])
    return given


def factbook_for_speeches(seed):
    """Trained on the factbook, held out are speeches."""
    given = strip(healthy("loop", seed))
    given["documents"] = load_corpus("factbook")
    given["pairs"] = draw(given["documents"], seed, 1600)
    return loaders(given, pad_tuple) | {
        "model": Siamese("cnn", seed), "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(200),
        "steps": 200,
    }  # fmt: skip


DEFECTS = [
    ("labels sampled anew before the join", labels_joined_at_random, "labels-shuffled", "pairs"),
    ("column B shifted by one row", second_column_shifted, "segments-misaligned", "pairs"),
    ("lines deduplicated and shuffled before pairing", lines_sorted, "sentences-shuffled", "pairs"),
    ("42 % of labels are wrong", raters_who_guess, "label-noise", "pairs"),
    ("negatives from the factbook (DistilBERT)", negatives_of_another_corpus, "easy-negatives", "pairs"),
    ("positive file, then negative file, not shuffled", one_class_after_the_other, "pairs-sorted-by-label", "batching"),
    ("3 % of negatives kept (kernel pooling)", few_negatives, "prior-shift", "pairs"),
    ("the test list is a slice of the training list", own_test_is_training, "tested-on-training-text", "split"),
]

# Checked in the same way, kept out for brevity.
MORE = [
    ("a shuffling loader for texts and another for labels", two_samplers, "labels-shuffled", "batching"),
    ("label file read from its second line (GRU)", header_skipped, "labels-off-by-one", "pairs"),
    ("negatives keep four words", negatives_of_four_words, "shortcut-length", "pairs"),
    ("a document per sentence: NotNext only", blank_line_after_each, "one-label", "pairs"),
    ("factbook for training, speeches held out (CNN)", factbook_for_speeches, "domain-shift", "split"),
]
