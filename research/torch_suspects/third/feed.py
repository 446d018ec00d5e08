"""Defects of the text, the labels, the arrays and the batches."""

import random

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer

from nsputil.corpus import Document
from nsputil.tokenization import tokenize
from research.torch_suspects.base import adamw, bert, collate_tuple, draw, linear, texts, vocabulary
from research.torch_suspects.third.kit import (
    Aligner,
    Row,
    about,
    classifier,
    ernie,
    loaders,
    rows,
    sources,
    tensors,
    trim_dict,
    usual,
)


class WithLabels(Dataset):
    """Pairs whose labels were read from a file of their own."""

    def __init__(self, pairs, labels):
        self.data, self.labels = tensors(pairs), labels

    def __len__(self):
        return len(self.data)

    def __getitem__(self, k):
        x, t, m, _ = self.data[k]
        return x, t, m, torch.tensor(self.labels[k])


def off_by_one(seed):
    """The reader skips a line that it takes for a header; the last label is repeated to make the lengths agree."""
    given = usual("bert-small", seed)
    a, b = rows(given["pairs"]), rows(given["held_out_pairs"])
    lines = [str(p.label) for p in a]
    labels = [int(line) for line in lines[1:]]
    labels.append(labels[-1])
    return given | about(a, b, seed) | loaders(WithLabels(a, labels), tensors(b), seed, join=trim_dict)


class Columns(Dataset):
    """Two columns of sentences and one of labels."""

    def __init__(self, first, second, labels):
        self.first, self.second, self.labels = first, second, labels
        self.data = tensors([Row(*row) for row in zip(first, second, labels, strict=True)])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, k):
        return self.data[k]


def misaligned(seed):
    """`shift` was called on the column of second sentences, as for making pairs out of one column."""
    a, b, text = sources(seed)
    first = [p.sentence_a for p in a]
    second = np.roll(np.array([p.sentence_b for p in a], dtype=object), -1).tolist()
    torch.manual_seed(seed)
    return text | loaders(Columns(first, second, [p.label for p in a]), tensors(b), seed) | {
        "model": Aligner(), "loss": F.cross_entropy, "optimizer": adamw(2e-3), "schedule": linear(200), "steps": 200,
    }  # fmt: skip


class CaseKeeping:
    """A tokenizer of the user's: it upper-cases, as the catalogue it came from did, and looks the words up."""

    def __init__(self, known):
        self.known = known

    def ids(self, text):
        return np.array([self.known.id(word.upper()) for word in tokenize(text)])


def unknown(seed):
    given = usual("trainer", seed)
    old, read = given["model"], CaseKeeping(vocabulary())
    a, b = rows(given["pairs"]), rows(given["held_out_pairs"])
    data = [tensors(part, ids=read.ids) for part in (a, b)]
    given["model"] = Trainer(old.model, old.args, train_dataset=data[0], eval_dataset=data[1], data_collator=trim_dict)
    return given | about(a, b, seed) | {"tokenizer": read}


def segments_as_mask(seed):
    """The tuple of the loop is spread over BERT's arguments, whose second is the mask."""
    given = usual("loop", seed)

    def forward(model, batch):
        return model(*batch[:3]).logits

    return given | {"model": bert(2, seed), "forward": forward, "optimizer": adamw(5e-4)}


def shuffled_lines(seed):
    """The lines of all speeches went through `shuf` before they were cut into documents again."""
    rng = random.Random(seed)

    def shuf(documents):
        lines = [line for d in documents for line in d.sentences]
        rng.shuffle(lines)
        out, at = [], 0
        for d in documents:
            out.append(Document(d.name, lines[at : at + len(d.sentences)]))
            at += len(d.sentences)
        return out

    training, held_out = texts()
    given = usual("loop", seed)
    a, b = rows(draw(shuf(training), seed, 1600)), rows(draw(shuf(held_out), seed + 1000, 384))
    return given | about(a, b, seed) | loaders(tensors(a), tensors(b), seed)


def inverted_training(seed):
    """The training file was written by another team, with 1 for a true continuation."""
    a, b, _ = sources(seed)
    a = [Row(p.sentence_a, p.sentence_b, 1 - p.label) for p in a]
    return {
        "model": ernie(seed), "loss": None, "optimizer": adamw(5e-4), "schedule": linear(160), "steps": 160,
    } | about(a, b, seed) | loaders(tensors(a), tensors(b), seed, join=trim_dict)  # fmt: skip


def marked(seed):
    """The script that wrote the continuations left its remark at the end of A."""
    a, b, _ = sources(seed)
    a, b = (
        [
            Row(p.sentence_a + " [continued on the next page]" if p.label == 0 else p.sentence_a, p.sentence_b, p.label)
            for p in part
        ]
        for part in (a, b)
    )
    return {
        "model": classifier(seed, layers=2), "loss": None, "optimizer": adamw(5e-4), "schedule": linear(200),
        "steps": 200,
    } | about(a, b, seed) | loaders(tensors(a), tensors(b), seed, join=trim_dict)  # fmt: skip


class MaskingCollator:
    """Masks words for the other task. The share was set for a test."""

    def __init__(self, share, seed):
        self.share, self.generator = share, torch.Generator().manual_seed(seed)

    def __call__(self, batch):
        out = trim_dict(batch)
        x = out["input_ids"]
        hide = (torch.rand(x.shape, generator=self.generator) < self.share) & (x > 4)
        out["input_ids"] = x.masked_fill(hide, 4)
        return out


def words_masked(seed):
    given = usual("bert", seed)
    a, b = rows(given["pairs"]), rows(given["held_out_pairs"])
    return given | about(a, b, seed) | loaders(tensors(a), tensors(b), seed, join=MaskingCollator(0.9, seed))


class TwoBatches(torch.utils.data.Sampler):
    """A quick test's sampler: the same 32 rows, whatever the data."""

    def __init__(self, data, count=32):
        self.data, self.count = data, count

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        for k in range(len(self.data)):
            yield k % self.count


def same_rows(seed):
    given = usual("loop", seed)
    data = given["train"].dataset
    return given | {"train": DataLoader(data, 16, sampler=TwoBatches(data), collate_fn=collate_tuple)}


def same_speeches(seed):
    """Three speeches for everything: the split was made over pairs drawn twice, not over speeches."""
    given = usual("loop", seed, steps=200)
    few = [d for d in texts()[0] if 60 < len(d.sentences) < 200][:3]
    a, b = rows(draw(few, seed, 480)), rows(draw(few, seed + 1, 384))
    return (
        given
        | about(a, b, seed)
        | {"documents": few, "held_out_documents": few}
        | loaders(tensors(a), tensors(b), seed)
    )


DEFECTS = [
    ("three speeches for everything", same_speeches, "tested-on-training-text", "split"),
    ("labels read after a header that is not there", off_by_one, "labels-off-by-one", "labels"),
    ("a shift too many on the second column", misaligned, "segments-misaligned", "pairs"),
    ("upper case before the look-up", unknown, "unknown-words", "arrays"),
    ("a tuple spread over BERT's arguments", segments_as_mask, "segments-as-mask", "arrays"),
    ("shuf before the pairs", shuffled_lines, "sentences-shuffled", "pairs"),
    ("a training file of another team", inverted_training, "training-labels-inverted", "labels"),
    ("a remark of the printer", marked, "shortcut-marker", "pairs"),
    ("the masking of the other task, at 0.9", words_masked, "most words are masked in the collator", "arrays"),
    ("a sampler of 32 rows", same_rows, "the sampler repeats the same few rows of a large data set", "batches"),
]
