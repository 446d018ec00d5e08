"""Preparation of pairs and ids, as a student's repository has it."""

import torch

from nsputil.pairs import LABEL_NAMES
from research.torch_suspects.base import PairData, adamw, collate_tuple, draw, healthy, linear, loader, texts


class Named(PairData):
    """The labels are names; numbers are given in the order in which the names are first met."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.number = {}
        for p in pairs:
            self.number.setdefault(LABEL_NAMES[p.label], len(self.number))

    def __getitem__(self, k):
        return super().__getitem__(k) | {"labels": torch.tensor(self.number[LABEL_NAMES[self.pairs[k].label]])}


def first_met(seed):
    """training-labels-inverted, in another way: numbers by first meeting: training meets NotNext first, held-out IsNext."""
    given = healthy("bert", seed)
    pairs, others = list(given["pairs"]), list(given["held_out_pairs"])
    k = next(k for k, p in enumerate(pairs) if p.label == 1)
    pairs[0], pairs[k] = pairs[k], pairs[0]
    k = next(k for k, p in enumerate(others) if p.label == 0)
    others[0], others[k] = others[k], others[0]
    return given | {
        "pairs": pairs, "held_out_pairs": others, "train": loader(Named(pairs), seed),
        "held_out": loader(Named(others), seed, shuffle=False, batch=64),
    }


def drawn_twice(seed):
    """tested-on-training-text, in another way: nothing is copied; pairs are drawn twice, with two seeds, of the same speeches."""
    given = healthy("loop", seed)
    speeches, count = [], 0
    for document in texts()[0]:
        if count + len(document.sentences) <= 900:
            speeches.append(document)
            count += len(document.sentences)
    pairs, others = draw(speeches, seed, 1800), draw(speeches, seed + 1, 384)
    return given | {
        "pairs": pairs, "held_out_pairs": others, "train": loader(PairData(pairs), seed, collate_fn=collate_tuple),
        "held_out": loader(PairData(others), seed, shuffle=False, batch=64, collate_fn=collate_tuple),
        "documents": speeches, "held_out_documents": speeches, "optimizer": adamw(5e-3), "schedule": linear(400), "steps": 400,
    }


class Reserved(PairData):
    """The special tokens were added a second time in front: every word's id is five too high."""

    def __getitem__(self, k):
        row = super().__getitem__(k)
        ids = row["input_ids"]
        return row | {"input_ids": torch.where(ids >= 5, (ids + 5).clamp(max=23_999), ids)}


def specials_twice(seed):
    """wrong-vocabulary, in another way: the right words, five places further."""
    given = healthy("bert-small", seed)
    return given | {
        "train": loader(Reserved(given["pairs"]), seed),
        "held_out": loader(Reserved(given["held_out_pairs"]), seed, shuffle=False, batch=64),
    }


class LastWindow(PairData):
    """Too long pairs keep the last tokens: [CLS] and the end."""

    def __init__(self, pairs, keep=64):
        super().__init__(pairs, 512)
        self.keep = keep

    def __getitem__(self, k):
        row = super().__getitem__(k)
        b = int((row["token_type_ids"] == 1).nonzero()[0])
        half = {name: torch.cat([row[name][:1], row[name][b - 1 :]])[: self.keep] for name in ("input_ids", "token_type_ids", "attention_mask")}
        return half | {"labels": row["labels"]}


def from_the_separator(seed):
    """first-sentence-lost: the window begins at the separator of A."""
    given = healthy("trainer", seed)
    given["model"].train_dataset, given["model"].eval_dataset = LastWindow(given["pairs"]), LastWindow(given["held_out_pairs"])
    return given


DEFECTS = [
    ("first-met", first_met, "training-labels-inverted", "encoding"),
    ("drawn-twice", drawn_twice, "tested-on-training-text", "split"),
    ("specials-twice", specials_twice, "wrong-vocabulary", "encoding"),
    ("from-the-separator", from_the_separator, "first-sentence-lost", "encoding"),
]
