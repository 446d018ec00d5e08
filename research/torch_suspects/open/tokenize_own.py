"""Somebody wrote the tokenization again, for speed."""

import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from nsputil.tokenization import CLS_ID, SEP_ID, tokenize, truncate_pair
from research.torch_suspects.base import collate, collate_tuple, healthy, loader, vocabulary


def layout(a, b, label, max_length=64):
    a, b = truncate_pair(list(a), list(b), max_length - 3)
    ids = [CLS_ID, *a, SEP_ID, *b, SEP_ID]
    types = [0] * (len(a) + 2) + [1] * (len(b) + 1)
    return {
        "input_ids": torch.tensor(ids), "token_type_ids": torch.tensor(types),
        "attention_mask": torch.ones(len(ids), dtype=torch.long), "labels": torch.tensor(label),
    }


class Words(Dataset):
    def __init__(self, pairs):
        self.pairs = list(pairs)

    def __len__(self):
        return len(self.pairs)

    def ids(self, text):
        return vocabulary().ids(text).tolist()

    def __getitem__(self, k):
        p = self.pairs[k]
        return layout(self.ids(p.sentence_a), self.ids(p.sentence_b), p.label)


class Bytes(Words):
    def ids(self, text):
        return [vocabulary().id(str(word.encode("utf-8"))) for word in tokenize(text)]


class Clipped(Words):
    def ids(self, text):
        return vocabulary().ids(text[:20]).tolist()


class Late(Words):
    """Two getters made in a loop; both see the last name."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.columns = []
        for name in ("sentence_b", "sentence_a"):
            self.columns.append(lambda pair: getattr(pair, name))

    def __getitem__(self, k):
        b, a = (column(self.pairs[k]) for column in self.columns)
        return layout(self.ids(a), self.ids(b), self.pairs[k].label)


class Joined(Words):
    """A and B are joined by the separator, and read until the separator."""

    def __getitem__(self, k):
        p = self.pairs[k]
        tokens = [*tokenize(p.sentence_a), "[SEP]", *tokenize(p.sentence_b), "[SEP]"]
        ids = [CLS_ID]
        for token in tokens[:63]:
            ids.append(vocabulary().id(token))
            if token == "[SEP]":
                break
        return {
            "input_ids": torch.tensor(ids), "token_type_ids": torch.zeros(len(ids), dtype=torch.long),
            "attention_mask": torch.ones(len(ids), dtype=torch.long), "labels": torch.tensor(p.label),
        }


def _with(kind, seed, data):
    given = healthy(kind, seed)
    if kind == "trainer":
        given["model"].train_dataset, given["model"].eval_dataset = data(given["pairs"]), data(given["held_out_pairs"])
        return given
    join = collate_tuple if kind == "loop" else collate
    return given | {
        "train": loader(data(given["pairs"]), seed, collate_fn=join),
        "held_out": loader(data(given["held_out_pairs"]), seed, shuffle=False, batch=64, collate_fn=join),
    }


DEFECTS = [
    # str(b"the") is "b'the'", which no vocabulary holds
    ("bytes-as-text", lambda seed: _with("bert-small", seed, Bytes), "unknown-words", "encoding"),
    # the texts are cut by characters, not by tokens
    ("cut-by-characters", lambda seed: _with("loop", seed, Clipped), "max-length-short", "encoding"),
    ("late-binding", lambda seed: _with("bert", seed, Late), "a-given-twice", "encoding"),
    # the reading stops at the first separator
    ("stop-at-separator", lambda seed: _with("trainer", seed, Joined), "second-sentence-lost", "encoding"),
]
