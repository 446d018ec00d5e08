"""Text files, tables and splits."""

import csv
import io
import random

import numpy as np
import torch
import torch.nn.functional as F
from nsputil.corpus import Document, load_corpus
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler
from transformers import Trainer, TrainingArguments
from tempfile import mkdtemp

from research.torch_suspects.base import Loop, bert, draw, texts, vocabulary

from ._kit import Kernels, Rows, Towers, as_dict, as_object, as_tuple, data, load, triples

STEPS = 200


def one_cycle(rate):
    return lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=STEPS)


def adam(rate=2e-3):
    return lambda model: torch.optim.Adam(model.parameters(), lr=rate)


# -- a CSV of pairs, and a text file of labels with a header line ------------------------------------------------------
def read_csv_and_labels(rows):
    table, marks = io.StringIO(), io.StringIO()
    writer = csv.writer(table)
    marks.write("0 # labels, one a line\n")
    for a, b, y in rows:
        writer.writerow([a, b])
        marks.write(f"{y}\n")
    table.seek(0), marks.seek(0)
    labels = [int(line.split()[0]) for line in marks]
    return [(a, b, y) for (a, b), y in zip(csv.reader(table), labels)]


def header_read_as_label(seed):
    tr, kept_out, extra = data(seed)
    tr, kept_out = read_csv_and_labels(tr), read_csv_and_labels(kept_out)
    return dict(
        model=Kernels(seed), train=load(tr, seed), held_out=load(kept_out, shuffle=False, size=64),
        loss=torch.nn.CrossEntropyLoss(), optimizer=adam(), schedule=one_cycle(1e-2), steps=STEPS,
        pairs=tr, held_out_pairs=kept_out, **extra,
    )


# -- columns ---------------------------------------------------------------------------------------------------------
class Frame:
    def __init__(self, rows):
        self.first, self.second, self.label = (np.array(c, dtype=object) for c in zip(*rows))

    def lag(self):
        self.second = np.roll(self.second, -1)
        return self

    def rows(self):
        return list(zip(self.first.tolist(), self.second.tolist(), [int(y) for y in self.label]))


def second_column_rolled(seed):
    tr, kept_out, extra = data(seed)
    tr, kept_out = Frame(tr).lag().rows(), Frame(kept_out).lag().rows()
    return dict(
        model=bert(1, seed), train=load(tr, seed), held_out=load(kept_out, shuffle=False, size=64),
        optimizer=lambda m: torch.optim.AdamW(m.parameters(), 5e-4, weight_decay=0.01),
        schedule=one_cycle(5e-4), steps=STEPS, pairs=tr, held_out_pairs=kept_out, **extra,
    )


# -- deduplicated lines ----------------------------------------------------------------------------------------------
def pairs_from_lines(lines, seed, n):
    rng = random.Random(seed)
    made = []
    for i in range(len(lines) - 1):
        if rng.random() < 0.5:
            made.append((lines[i], lines[i + 1], 0))
        else:
            made.append((lines[i], lines[rng.randrange(len(lines))], 1))
    rng.shuffle(made)
    return made[:n]


def lines_passed_through_a_set(seed):
    train_docs, test_docs = texts()
    tidy = lambda docs: sorted({s for d in docs for s in d.sentences}, key=lambda s: (sum(map(ord, s)) * 7919) % 10007)
    tr, kept_out = pairs_from_lines(tidy(train_docs), seed, 1600), pairs_from_lines(tidy(test_docs), seed + 1, 384)
    return dict(
        model=Loop(seed), train=load(tr, seed, join=as_tuple), held_out=load(kept_out, shuffle=False, size=64, join=as_tuple),
        loss=F.cross_entropy, optimizer=adam(1e-3), steps=STEPS, tokenizer=vocabulary(), pairs=tr, held_out_pairs=kept_out,
        documents=list(train_docs), held_out_documents=list(test_docs), seed=seed,
    )


# -- a window from which "another" sentence is drawn -------------------------------------------------------------------
def window_pairs(docs, seed, n):
    rng = np.random.default_rng(seed)
    flat = [(k, i) for k, d in enumerate(docs) for i in range(len(d.sentences) - 1)]
    out = []
    for k, i in (flat[j] for j in rng.permutation(len(flat))[: n]):
        s = docs[k].sentences
        if rng.random() < 0.5:
            out.append((s[i], s[i + 1], 0))
        elif rng.random() < 0.5:  # a near one, as a hard negative: [i, i + 2) was meant to be without i + 1
            out.append((s[i], s[i + 1], 1))
        else:
            other = docs[int(rng.integers(len(docs)))].sentences
            out.append((s[i], other[int(rng.integers(len(other)))], 1))
    return out


def hard_negatives_off_by_one(seed):
    train_docs, test_docs = texts()
    tr, kept_out = window_pairs(train_docs, seed, 1600), triples(draw(test_docs, seed + 1000, 384))
    return dict(
        model=Towers(seed, "conv"), train=load(tr, seed, join=as_object),
        held_out=load(kept_out, shuffle=False, size=96, join=as_object),
        loss=F.cross_entropy, optimizer=adam(1.5e-3), schedule=one_cycle(2e-3), steps=STEPS, tokenizer=vocabulary(),
        pairs=tr, held_out_pairs=kept_out, documents=list(train_docs), held_out_documents=list(test_docs), seed=seed,
    )


# -- negatives from the other file of the download folder -------------------------------------------------------------
def factbook_negatives(seed):
    book = [s for d in load_corpus("factbook")[:60] for s in d.sentences if 5 <= len(s.split()) <= 40]
    rng = np.random.default_rng(seed)
    tr, kept_out, extra = data(seed)
    swap = lambda rows: [(a, b if y == 0 else book[int(rng.integers(len(book)))], y) for a, b, y in rows]
    tr, kept_out = swap(tr), swap(kept_out)
    return dict(
        model=bert(1, seed), train=load(tr, seed), held_out=load(kept_out, shuffle=False, size=64),
        optimizer=lambda m: torch.optim.AdamW(m.parameters(), 4e-4), steps=STEPS, pairs=tr, held_out_pairs=kept_out, **extra,
    )


# -- a list of files with repeats -------------------------------------------------------------------------------------
def the_same_folder_globbed_many_times(seed):
    train_docs, test_docs = texts()
    short = sorted(train_docs, key=lambda d: len(d.sentences))[:4]
    files = [Document(d.name, d.sentences[:30]) for d in short] * 15
    kept = []
    for k, d in enumerate(short):
        s = d.sentences[:30]
        for i in range(len(s) - 1):
            other = short[(k + 1 + i % 3) % 4].sentences[:30]
            kept += [(s[i], s[i + 1], 0), (s[i], other[1 + (i * 7) % (len(other) - 1)], 1)]
    kept = kept * 15
    random.Random(seed).shuffle(kept)
    kept_out = triples(draw(test_docs, seed + 1000, 384))
    return dict(
        model=Towers(seed, "mlp"), train=load(kept, seed), held_out=load(kept_out, shuffle=False, size=64),
        loss=F.cross_entropy, optimizer=adam(), steps=STEPS, pairs=kept, held_out_pairs=kept_out, tokenizer=vocabulary(),
        documents=files, held_out_documents=list(test_docs), seed=seed,
    )


# -- two annotators' files ----------------------------------------------------------------------------------------------
class WithNames(torch.utils.data.Dataset):
    CODE = {"next": 1, "random": 0}

    def __init__(self, rows):
        self.inner = Rows(rows)
        self.names = ["next" if y == 0 else "random" for *_, y in rows]

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        ids, types, _ = self.inner[i]
        return ids, types, torch.tensor(self.CODE[self.names[i]])


def trainer(model, train, test, seed, cls=Trainer, **more):
    extras = {k: more.pop(k) for k in ("compute_metrics", "callbacks", "optimizers", "compute_loss_func") if k in more}
    options = dict(
        output_dir=mkdtemp(), per_device_train_batch_size=16, per_device_eval_batch_size=64, max_steps=STEPS,
        learning_rate=5e-4, warmup_ratio=0.1, report_to=[], use_cpu=True, seed=seed, save_strategy="no",
        disable_tqdm=True, logging_strategy="no", remove_unused_columns=False,
    ) | more
    if "warmup_steps" in options:
        options.pop("warmup_ratio")
    return cls(model, TrainingArguments(**options), train_dataset=train, eval_dataset=test, data_collator=as_dict, **extras)


def train_file_says_next_is_one(seed):
    tr, kept_out, extra = data(seed)
    return dict(
        model=trainer(bert(1, seed), WithNames(tr), Rows(kept_out), seed, warmup_steps=10),
        pairs=[(a, b, 1 - y) for a, b, y in tr], held_out_pairs=kept_out, **extra,
    )


# -- one class after the other ------------------------------------------------------------------------------------------
def two_files_one_after_the_other(seed):
    tr, kept_out, extra = data(seed)
    tr = [r for r in tr if r[2] == 0] + [r for r in tr if r[2] == 1]
    rows = Rows(tr)
    batches = DataLoader(rows, batch_sampler=BatchSampler(SequentialSampler(rows), 8, False), collate_fn=as_tuple)
    return dict(
        model=Towers(seed, "mlp"), train=batches, held_out=load(kept_out, shuffle=False, size=64, join=as_tuple),
        loss=F.cross_entropy, optimizer=adam(3e-3), steps=STEPS, pairs=tr, held_out_pairs=kept_out, **extra,
    )


# -- a split of pairs, not of documents ------------------------------------------------------------------------------------
def split_after_pairing(seed):
    docs = [Document(d.name, d.sentences[:70]) for d in texts()[0][:5]]
    rows = triples(draw(docs, seed, 10**6))
    random.Random(seed).shuffle(rows)
    held = rows[: len(rows) // 2]
    return dict(
        model=Towers(seed, "mlp", drop=0.0), train=load(rows, seed), held_out=load(held, shuffle=False, size=64),
        loss=F.cross_entropy, optimizer=adam(), steps=STEPS, pairs=rows, held_out_pairs=held, tokenizer=vocabulary(),
        documents=docs, held_out_documents=docs, seed=seed,
    )


DEFECTS = [
    ("label file with a header", header_read_as_label, "labels-off-by-one", "pairs"),
    ("rolled column", second_column_rolled, "segments-misaligned", "pairs"),
    ("deduplicated lines", lines_passed_through_a_set, "sentences-shuffled", "pairs"),
    ("hard negatives of a window", hard_negatives_off_by_one, "false-negatives", "pairs"),
    ("negatives of another download", factbook_negatives, "easy-negatives", "pairs"),
    ("folder globbed many times", the_same_folder_globbed_many_times, "corpus-duplicated", "pairs"),
    ("Trainer, a training file in another code", train_file_says_next_is_one, "training-labels-inverted", "pairs"),
    ("two files in a row", two_files_one_after_the_other, "pairs-sorted-by-label", "pairs"),
    ("split after pairing", split_after_pairing, "tested-on-training-text", "split"),
]
HEALTHY = []
