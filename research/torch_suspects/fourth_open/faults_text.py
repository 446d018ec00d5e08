"""Trainings with something wrong in the pairs or in what is made of them."""

from collections import OrderedDict
from tempfile import mkdtemp

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset, SequentialSampler, TensorDataset, DataLoader
from transformers import Trainer, TrainingArguments

from nsputil.pairs import SentencePair

from ._own import (
    CLS, SEP, Apart, Dan, Joined, Twin, bert, block, cut, draw, feed, groups, joined, material, relabel, told, to_dict,
    to_tuple, to_two, vocabulary, warm_linear, with_b,
)  # fmt: skip
from research.torch_suspects.base import texts


class Recipe:
    """Puts the parts of a training together."""

    def __init__(self, seed, rate=2e-3, steps=200, size=16):
        self.seed, self.rate, self.steps, self.size = seed, rate, steps, size

    def __call__(self, model, pairs, others, data=Apart, held=None, collate=to_two, loss=F.cross_entropy, **more):
        held = held or data
        return told(pairs, others, self.seed) | {
            "model": model, "loss": loss, "steps": self.steps,
            "train": feed(data(pairs), self.size, self.seed, collate=collate),
            "held_out": feed(held(others), 64, self.seed, False, collate),
            "optimizer": lambda m: torch.optim.AdamW(groups(m), lr=self.rate),
            "schedule": warm_linear(self.steps, 15),
        } | more  # fmt: skip


# labels come from a table that was sorted by another key
def joined_by_wrong_key(seed):
    pairs, others, _ = material(seed)
    rng = np.random.default_rng(seed + 3)

    def merge(rows):
        column = [p.label for p in rows]
        keys = rng.random(len(rows)).argsort()
        return [relabel(p, column[k]) for p, k in zip(rows, keys, strict=True)]

    pairs, others = merge(pairs), merge(others)
    return Recipe(seed)(Twin(seed, "gru"), pairs, others)


# the file of labels has a header that was taken for a row
def header_line(seed):
    pairs, others, _ = material(seed)

    class FromColumns(Dataset):
        def __init__(self, rows):
            self.text = Apart(rows)
            self.y = [0, *(p.label for p in rows)][: len(rows)]

        def __len__(self):
            return len(self.y)

        def __getitem__(self, i):
            a, b, _ = self.text[i]
            return a, b, self.y[i]

    return Recipe(seed)(Twin(seed, "conv"), pairs, others, data=FromColumns)


# B is read one row too late
def second_column(seed):
    pairs, others, _ = material(seed)

    def roll(rows):
        return [with_b(p, rows[(k + 1) % len(rows)]) for k, p in enumerate(rows)]

    data = lambda rows: Joined(roll(rows))
    return Recipe(seed, 5e-4)(bert(1, seed), pairs, others, data=data, collate=to_dict, loss=None)


# annotators who press any key two times in five... in both directions
def hasty_annotators(seed):
    pairs, others, _ = material(seed)
    rng = np.random.default_rng(seed + 8)
    noisy = [relabel(p, 1 - p.label) if rng.random() < 0.36 else p for p in pairs]
    return Recipe(seed, 5e-4)(bert(1, seed), noisy, others, data=Joined, collate=to_dict, loss=None)


# the negative is drawn from a window that holds the true next sentence
def careless_negatives(seed):
    pairs, others, _ = material(seed)
    a, _ = texts()
    rng = np.random.default_rng(seed + 4)
    rows = []
    for p in pairs:
        if p.label == 1 and rng.random() < 0.6:
            d, i = p.document_a, p.position_a
            p = SentencePair(p.sentence_a, a[d].sentences[i + 1], 1, d, d, i, i + 1)
        rows.append(p)
    return Recipe(seed)(Twin(seed, "gate"), rows, others)


# 9 of 10 are IsNext in training
def rare_negatives(seed):
    pairs, others, _ = material(seed, 3000)
    rows, n = [], 0
    for p in pairs:
        n += p.label
        if p.label == 0 or n % 14 == 0:
            rows.append(p)
    return Recipe(seed)(Twin(seed, "linear"), rows, others)


# one class after the other
def one_class_first(seed):
    pairs, others, _ = material(seed)
    pairs = sorted(pairs, key=lambda p: p.label)
    return Recipe(seed, 5e-4)(bert(1, seed), pairs, others, data=Joined, collate=to_dict, loss=None) | {
        "train": DataLoader(Joined(pairs), 16, sampler=SequentialSampler(pairs), collate_fn=to_dict),
    }  # fmt: skip


# the split is by pair, over a handful of speeches that are seen many times
def split_by_pair(seed):
    a, _ = texts()
    few = list(a[:4])
    rows = draw(few, seed, 520)
    pairs, others = rows, rows[:260]
    given = Recipe(seed, 3e-3)(Dan(seed), pairs, others, data=Joined, collate=to_dict)
    return given | {"documents": few, "held_out_documents": few}


# the training file was exported with 1 = follows
def export_of_training(seed):
    pairs, others, _ = material(seed)
    pairs = [relabel(p, int(p.label == 0)) for p in pairs]
    args = TrainingArguments(
        output_dir=mkdtemp(prefix="exp"), max_steps=150, per_device_train_batch_size=16, per_device_eval_batch_size=64,
        learning_rate=5e-4, warmup_steps=10, report_to=[], use_cpu=True, seed=seed, save_strategy="no",
        disable_tqdm=True, remove_unused_columns=False,
    )  # fmt: skip
    trainer = Trainer(
        bert(1, seed), args, train_dataset=Joined(pairs), eval_dataset=Joined(others), data_collator=to_dict
    )
    return told(pairs, others, seed) | {"model": trainer}


# truncation takes from the end of the joined row
def long_first_text(seed):
    pairs, others, _ = material(seed)
    a, b = texts()

    def lead(p, documents):
        text = [s for s in documents[p.document_a].sentences[: p.position_a + 1]][-3:]
        return SentencePair(" ".join(text), p.sentence_b, p.label, p.document_a, p.document_b, p.position_a, p.position_b)

    pairs, others = [lead(p, a) for p in pairs], [lead(p, b) for p in others]
    v = vocabulary()

    def encode(p, room):
        x, y = v.ids(p.sentence_a).tolist(), v.ids(p.sentence_b).tolist()
        ids = [CLS, *x, SEP, *y, SEP]
        return ids[:24], ([0] * (len(x) + 2) + [1] * (len(y) + 1))[:24]

    data = lambda rows: Joined(rows, 24, encode)
    return Recipe(seed, 5e-4)(bert(1, seed), pairs, others, data=data, collate=to_dict, loss=None)


# positional arguments in the wrong order
def positional(seed):
    pairs, others, _ = material(seed)

    def step(model, batch, loss, optimizer, schedule):
        ids, sides, mask, y = batch
        optimizer.zero_grad()
        value = loss(model(ids, sides, mask)[0], y)  # BERT's second argument is the mask
        value.backward()
        optimizer.step()
        schedule.step()
        return value

    return Recipe(seed, 5e-4)(
        bert(1, seed), pairs, others, data=Joined, collate=to_tuple, step=step,
        forward=lambda m, b: m(b[0], b[1], b[2]).logits,
    )  # fmt: skip


# rows are cut to ten tokens
def ten_tokens(seed):
    pairs, others, _ = material(seed)

    class Short(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Dan(seed)

        def forward(self, input_ids, token_type_ids, attention_mask):
            return self.body(input_ids, token_type_ids, attention_mask)

    return Recipe(seed)(Short(), pairs, others, data=lambda rows: Joined(rows, 9), collate=to_dict)


# the vocabulary file of another release
def other_release(seed):
    pairs, others, _ = material(seed)
    v = vocabulary()
    order = np.random.default_rng(99).permutation(len(v) - 5) + 5

    def encode(p, room):
        ids, sides = joined(p, room)
        return [i if i < 5 else int(order[i - 5]) for i in ids], sides

    return Recipe(seed, 5e-4)(
        bert(1, seed), pairs, others, data=lambda r: Joined(r, 64, encode), collate=to_dict, loss=None
    )


DEFECTS = [
    ("labels merged by another key", joined_by_wrong_key, "labels-shuffled", "pairs"),
    ("a header among the labels", header_line, "labels-off-by-one", "pairs"),
    ("B one row late", second_column, "segments-misaligned", "pairs"),
    ("hasty annotators", hasty_annotators, "label-noise", "pairs"),
    ("careless negatives", careless_negatives, "false-negatives", "pairs"),
    ("few negatives in training", rare_negatives, "prior-shift", "split"),
    ("one class first", one_class_first, "pairs-sorted-by-label", "pairs"),
    ("split by pair over four speeches", split_by_pair, "tested-on-training-text", "split"),
    ("training file exported the other way", export_of_training, "training-labels-inverted", "pairs"),
    ("cut from the end", long_first_text, "second-sentence-lost", "encoding"),
    ("arguments by position", positional, "segments-as-mask", "encoding"),
    ("nine tokens a row", ten_tokens, "max-length-short", "encoding"),
    ("vocabulary of another release", other_release, "wrong-vocabulary", "encoding"),
]
