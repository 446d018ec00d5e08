"""A course project: pairs were written to a table once and are read back by an own Dataset."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from nsputil.tokenization import encode_pairs
from research.torch_suspects.base import PairData, collate, healthy, loader, vocabulary


def _columns(pairs):
    return [(p.sentence_a, p.document_a, p.position_a) for p in pairs], [(p.sentence_b, p.document_b, p.position_b) for p in pairs]


def _rows(a, b, labels, like):
    return [
        replace(p, sentence_a=x[0], document_a=x[1], position_a=x[2], sentence_b=y[0], document_b=y[1], position_b=y[2], label=z)
        for p, x, y, z in zip(like, a, b, labels)
    ]


def missing_cell(seed):
    """segments-misaligned, in another way: one empty cell of B is dropped (dropna on the column), all rows below it move up."""
    given = healthy("bert-small", seed)

    def read(pairs, hole):
        a, b = _columns(pairs)
        b = b[:hole] + b[hole + 1 :] + b[hole : hole + 1]
        return _rows(a, b, [p.label for p in pairs], pairs)

    pairs, others = read(given["pairs"], 90), read(given["held_out_pairs"], 20)
    return given | {
        "pairs": pairs, "held_out_pairs": others, "train": loader(PairData(pairs), seed),
        "held_out": loader(PairData(others), seed, shuffle=False, batch=64),
    }


class TableData(Dataset):
    """Rows of text cells, as csv.DictReader gives them."""

    def __init__(self, pairs):
        self.rows = [{"a": p.sentence_a, "b": p.sentence_b, "label": str(p.label)} for p in pairs]
        self.pairs = pairs

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        batch = encode_pairs([self.pairs[k]], vocabulary(), 64)
        item = {n: torch.tensor(np.asarray(getattr(batch, n))[0]) for n in ("input_ids", "token_type_ids", "attention_mask")}
        item["labels"] = torch.tensor(int(bool(self.rows[k]["label"])))
        return item


def truthy_cell(seed):
    """one-label, in another way: bool("0") is True, so every row is NotNext."""
    given = healthy("bert", seed)
    return given | {
        "train": loader(TableData(given["pairs"]), seed),
        "held_out": loader(TableData(given["held_out_pairs"]), seed, shuffle=False, batch=64),
    }


def sort_for_packing(seed):
    """labels-shuffled, in another way: collate sorts the texts by length (longest first), the labels stay as they came."""
    given = healthy("loop", seed)

    def packed(rows):
        labels = torch.stack([row["labels"] for row in rows])
        rows = sorted(rows, key=lambda row: len(row["input_ids"]), reverse=True)
        batch = collate(rows)
        return batch["input_ids"], batch["token_type_ids"], batch["attention_mask"], labels

    return given | {"train": loader(PairData(given["pairs"]), seed, collate_fn=packed)}


class HeadedData(PairData):
    """The labels stand in a file of their own, read without skipping the header line."""

    def __init__(self, pairs):
        super().__init__(pairs)
        lines = ["label", *[str(p.label) for p in pairs]]
        self.labels = [0 if line == "label" else int(line) for line in lines]

    def __getitem__(self, k):
        return super().__getitem__(k) | {"labels": torch.tensor(self.labels[k])}


def header_counted(seed):
    """labels-off-by-one."""
    given = healthy("trainer", seed)
    trainer = given["model"]
    trainer.train_dataset, trainer.eval_dataset = HeadedData(given["pairs"]), HeadedData(given["held_out_pairs"])
    return given


DEFECTS = [
    ("missing-cell", missing_cell, "segments-misaligned", "pairs"),
    ("truthy-cell", truthy_cell, "one-label", "encoding"),
    ("sort-for-packing", sort_for_packing, "labels-shuffled", "encoding"),
    ("header-counted", header_counted, "labels-off-by-one", "encoding"),
]
