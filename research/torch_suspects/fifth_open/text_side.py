"""Defects of labels, data and inputs, and healthy trainings beside them."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from nsputil.corpus import load_corpus
from nsputil.tokenization import Vocabulary
from research.torch_suspects.base import MAX_LENGTH, PairData, collate, healthy, loader, vocabulary

from . import _kit as kit
from ._text import docstrings

# ---- labels ----


class FromFile(PairData):
    """Texts and labels are kept in two lists, as two files would be."""

    def __init__(self, pairs, header):
        super().__init__(pairs)
        self.labels = ([0] if header else []) + [pair.label for pair in pairs]

    def __getitem__(self, k):
        return super().__getitem__(k) | {"labels": torch.tensor(self.labels[k])}


def header_counted():
    given = healthy("bert-small")
    return given | {"train": loader(FromFile(given["pairs"], header=True))}


def two_lists():
    given = healthy("bert-small")
    return given | {"train": loader(FromFile(given["pairs"], header=False))}


def arrays(rows, limit=96):
    """Return a TensorDataset of rows of one width."""
    ids, types, mask = [], [], []
    for a, b, _ in rows:
        x, t = kit.encode(a, b, limit)
        ids.append(x + [0] * (limit - len(x)))
        types.append(t + [0] * (limit - len(x)))
        mask.append([1] * len(x) + [0] * (limit - len(x)))
    labels = [label for *_, label in rows]
    return TensorDataset(*(torch.tensor(x) for x in (ids, types, mask, labels)))


def frame(seeds):
    """Train on columns that are shuffled, the texts by one seed and the labels by another."""
    documents, others_documents, pairs, others = kit.guide()
    texts, labels = [(a, b) for a, b, _ in pairs], [label for *_, label in pairs]
    np.random.default_rng(seeds[0]).shuffle(texts)
    np.random.default_rng(seeds[1]).shuffle(labels)
    pairs = [(a, b, label) for (a, b), label in zip(texts, labels, strict=True)]
    return kit.training(kit.guide, kit.fresh(kit.Windows), steps=300) | {
        "train": DataLoader(arrays(pairs), 16, shuffle=True, generator=torch.Generator().manual_seed(1)),
        "held_out": DataLoader(arrays(others), 128),
        "pairs": pairs,
    }


def two_seeds():
    return frame((3, 4))


def one_seed():
    return frame((3, 3))


def is_next_means_one():
    given = kit.training(kit.guide, kit.fresh(kit.Recurrent), kit.as_dict)
    pairs = [(a, b, int(label == 0)) for a, b, label in given["pairs"]]
    return given | {"train": kit.loaders(pairs, pairs, kit.as_dict)[0], "pairs": pairs}


def hurried_annotators():
    given = healthy("loop")
    rng = np.random.default_rng(11)
    wrong = rng.random(len(given["pairs"])) < 0.35
    pairs = [replace(p, label=1 - p.label) if w else p for p, w in zip(given["pairs"], wrong, strict=True)]
    return given | {"train": kit.loaders(pairs, pairs)[0], "pairs": pairs}


# ---- data ----


def column_shifted():
    given = kit.training(kit.guide, kit.fresh(kit.Kernels), kit.as_features, rate=5e-3)
    seconds = [b for _, b, _ in given["pairs"]]
    seconds = seconds[-1:] + seconds[:-1]
    pairs = [(a, b, label) for (a, _, label), b in zip(given["pairs"], seconds, strict=True)]
    return given | {"train": kit.loaders(pairs, pairs, kit.as_features)[0], "pairs": pairs}


def short_documents(seed=0):
    """Return documents of a few sentences and their pairs."""
    training, held_out = docstrings()
    return training, held_out, kit.tuples(training, seed, 1600), kit.tuples(held_out, seed + 1, 384)


def one_long_list(seed=0):
    """Return the same documents, and pairs from the list of all their sentences."""
    training, held_out, _, others = short_documents(seed)
    rng = np.random.default_rng(seed)
    lines = [sentence for document in training for sentence in document]
    starts = rng.permutation(len(lines) - 1)[:800]
    rows = [(lines[i], lines[i + 1], 0) for i in starts]
    rows += [(lines[i], lines[j + 1], 1) for i, j in zip(starts, np.roll(starts, 17), strict=True)]
    return training, held_out, [rows[k] for k in rng.permutation(len(rows))], others


def all_lines_in_one():
    return kit.training(one_long_list, kit.fresh(kit.Sums), kit.as_nested)


def docstring_pairs():
    return kit.training(short_documents, kit.fresh(kit.Windows), kit.as_nested, steps=300)


def other_corpus():
    given = healthy("bert-small")
    foreign = [s for document in load_corpus("factbook") for s in document.sentences]
    rng = np.random.default_rng(2)

    def exchanged(pairs):
        return [p if p.label == 0 else replace(p, sentence_b=foreign[rng.integers(len(foreign))]) for p in pairs]

    pairs, others = exchanged(given["pairs"]), exchanged(given["held_out_pairs"])
    return given | {
        "train": loader(PairData(pairs)), "held_out": loader(PairData(others), shuffle=False, batch=64),
        "pairs": pairs, "held_out_pairs": others,
    }  # fmt: skip


def window_of_negatives(seed=0):
    """Return pairs of the manual; the second sentence of NotNext is searched near the first."""
    documents, held, pairs, others = kit.guide(seed)
    rng = np.random.default_rng(seed + 7)
    place = {(d[i], d[i + 1]): d for d in documents for i in range(len(d) - 1)}
    follows = {a: b for a, b in place}
    rows = []
    for a, b, label in pairs:
        if label == 1 and rng.random() < 0.4 and a in follows:
            b = follows[a]
        rows.append((a, b, label))
    return documents, held, rows, others


def negatives_nearby():
    return kit.training(window_of_negatives, kit.fresh(kit.Recurrent), kit.as_object)


def file_order():
    given = kit.training(kit.speeches, kit.fresh(kit.Sums), kit.as_dict, steps=200)
    pairs = sorted(given["pairs"], key=lambda p: p.label)
    return given | {"train": DataLoader(kit.Rows(pairs), 16, collate_fn=kit.as_dict), "pairs": pairs}


class Stream(IterableDataset):
    """Rows in a stream, with a buffer that mixes them."""

    def __init__(self, pairs, buffer=400):
        self.rows, self.buffer, self.epoch = kit.Rows(pairs), buffer, 0

    def __iter__(self):
        rng = np.random.default_rng(self.epoch)
        self.epoch += 1
        kept = []
        for k in range(len(self.rows)):
            kept.append(self.rows[k])
            if len(kept) > self.buffer:
                yield kept.pop(rng.integers(len(kept)))
        for k in rng.permutation(len(kept)):
            yield kept[k]


def stream():
    given = kit.training(kit.speeches, kit.fresh(kit.Sums), kit.as_dict)
    return given | {"train": DataLoader(Stream(given["pairs"]), 16, collate_fn=kit.as_dict)}


class ByLength:
    """Batches of pairs of like length, in random order."""

    def __init__(self, rows, size, seed=0):
        self.lengths, self.size = [len(rows[k][0]) for k in range(len(rows))], size
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return -(-len(self.lengths) // self.size)

    def __iter__(self):
        order = np.argsort(np.array(self.lengths) + self.rng.normal(0, 3, len(self.lengths)))
        batches = [order[k : k + self.size].tolist() for k in range(0, len(order), self.size)]
        yield from (batches[k] for k in self.rng.permutation(len(batches)))


def like_lengths():
    given = kit.training(kit.speeches, kit.fresh(kit.Recurrent))
    rows = kit.Rows(given["pairs"])
    return given | {"train": DataLoader(rows, batch_sampler=ByLength(rows, 16), collate_fn=kit.as_tuple)}


class Prefetcher:
    """Keeps a batch ready, as a loader of a GPU does."""

    def __init__(self):
        self.ready = None

    def take(self, batch):
        """Return the batch that is ready."""
        if self.ready is None:
            self.ready = tuple(x.clone() for x in batch)
        return self.ready


def prefetched():
    keep = Prefetcher()

    def step(model, batch, loss, optimizer, schedule):
        *inputs, labels = keep.take(batch)
        optimizer.zero_grad()
        value = loss(model(*inputs), labels)
        value.backward()
        optimizer.step()
        return value

    return kit.training(kit.speeches, kit.fresh(kit.Recurrent)) | {"step": step}


# ---- inputs ----


def in_a_row(a, b, limit):
    """Join both texts, then cut."""
    ids, types = kit.encode(a, b, 400)
    return ids[:limit], types[:limit]


def longer_ones(seed=0):
    """Return the speeches without pairs whose first sentence is short."""
    documents, held, pairs, others = kit.speeches(seed)
    read = vocabulary().ids
    return documents, held, *([p for p in part if len(read(p.sentence_a)) > 14] for part in (pairs, others))


def cut_at_the_end():
    pairs, others = longer_ones()[2:]
    train, held_out = kit.loaders(pairs, others, kit.as_dict, limit=15, how=in_a_row)
    return kit.training(longer_ones, kit.fresh(kit.Kernels), kit.as_dict, rate=5e-3) | {
        "train": train,
        "held_out": held_out,
    }


def positional():
    def forward(model, batch):
        return model(batch["input_ids"], batch["token_type_ids"]).logits

    def step(model, batch, loss, optimizer, schedule):
        value = F.cross_entropy(forward(model, batch), batch["labels"])
        value.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        return value

    return healthy("bert-small") | {"step": step, "forward": forward}


class Reading:
    """A collate function with a vocabulary of its own."""

    def __init__(self, words, limit=MAX_LENGTH):
        self.words, self.limit = words, limit

    def __call__(self, pairs):
        rows = [(*kit.encode(p.sentence_a, p.sentence_b, self.limit, self.words.ids), p.label) for p in pairs]
        return kit.as_dict(rows)


def in_alphabetical_order():
    given = healthy("bert")
    words = Vocabulary(sorted(vocabulary().tokens[5:]))
    read = Reading(words)
    return given | {
        "train": loader(given["pairs"], collate_fn=read),
        "held_out": loader(given["held_out_pairs"], shuffle=False, batch=64, collate_fn=read),
        "tokenizer": words,
    }


def read_in_collate():
    given = healthy("bert-small")
    read = Reading(vocabulary())
    return given | {
        "train": loader(given["pairs"], collate_fn=read),
        "held_out": loader(given["held_out_pairs"], shuffle=False, batch=64, collate_fn=read),
    }


def the_first_again(a, b, limit):
    """Encode both sentences."""
    first = kit.vocabulary().ids(a)
    second = kit.vocabulary().ids(a)
    return kit.encode(first, second, limit, list)


def copy_and_paste():
    return kit.training(kit.guide, kit.fresh(kit.Attentive)) | dict(
        zip(("train", "held_out"), kit.loaders(*kit.guide()[2:], how=the_first_again), strict=True)
    )


def collate_with_padding_mask(rows):
    """Mark padding, as the layers of torch.nn want it."""
    batch = collate(rows)
    return batch | {"attention_mask": (batch["input_ids"] == 0).long()}


def padding_marked():
    given = healthy("bert-small")
    return given | {
        "train": loader(PairData(given["pairs"]), collate_fn=collate_with_padding_mask),
        "held_out": loader(
            PairData(given["held_out_pairs"]), shuffle=False, batch=64, collate_fn=collate_with_padding_mask
        ),
    }


class Lines(kit.Rows):
    """Lines of a file with tabs."""

    def __init__(self, pairs, parts):
        super().__init__(pairs)
        self.lines, self.parts = ["\t".join(map(str, row)) for row in self.rows], parts

    def __getitem__(self, k):
        line = self.lines[k]
        a, b = line.split("\t", 1) if self.parts == 2 else line.split("\t")[:2]
        return (*kit.encode(a, b), int(line[-1]))


def from_lines(parts):
    """Train from a file with tabs."""
    given = kit.training(kit.speeches, kit.fresh(kit.Sums), kit.as_dict)
    generator = torch.Generator().manual_seed(0)
    return given | {
        "train": DataLoader(
            Lines(given["pairs"], parts), 16, shuffle=True, collate_fn=kit.as_dict, generator=generator
        ),
        "held_out": DataLoader(Lines(given["held_out_pairs"], parts), 64, collate_fn=kit.as_dict),
    }


def split_once():
    return from_lines(2)


def split_everywhere():
    return from_lines(3)


def without_separator(rows):
    """Join the two texts with a space."""
    out = []
    for row in rows:
        keep = row["input_ids"] != kit.SEP
        keep[-1] = True
        out.append(
            {name: row[name][keep] for name in ("input_ids", "attention_mask")}
            | {"token_type_ids": torch.zeros(int(keep.sum()), dtype=torch.long), "labels": row["labels"]}
        )
    return collate(out)


def joined_by_a_space():
    given = healthy("bert-small")
    return given | {
        "train": loader(PairData(given["pairs"]), collate_fn=without_separator),
        "held_out": loader(PairData(given["held_out_pairs"]), shuffle=False, batch=64, collate_fn=without_separator),
    }


DEFECTS = [
    ("The header of the file of labels is counted as a label", header_counted, "labels-off-by-one", "labels"),
    ("Texts and labels are shuffled by two seeds", two_seeds, "labels-shuffled", "labels"),
    ("The training rows write IsNext as 1", is_next_means_one, "training-labels-inverted", "labels"),
    ("A third of the training labels is wrong", hurried_annotators, "label-noise", "labels"),
    ("The second column begins one row later", column_shifted, "segments-misaligned", "data"),
    ("All docstrings in one list of lines", all_lines_in_one, "boundaries-lost", "data"),
    ("NotNext from another book", other_corpus, "easy-negatives", "data"),
    ("NotNext is searched near A", negatives_nearby, "false-negatives", "data"),
    ("The file holds IsNext first and is not shuffled", file_order, "pairs-sorted-by-label", "data"),
    ("The batch that is kept ready is never exchanged", prefetched, "outside: same-batch-always", "data"),
    ("Both texts are joined and cut at fifteen", cut_at_the_end, "second-sentence-lost", "inputs"),
    ("The second argument by position", positional, "segments-as-mask", "inputs"),
    ("Ids of words in alphabetical order", in_alphabetical_order, "wrong-vocabulary", "inputs"),
    ("The second text is read from the first", copy_and_paste, "a-given-twice", "inputs"),
    ("The mask of torch.nn for transformers", padding_marked, "outside: mask-inverted", "inputs"),
    ("The line is split once", split_once, "outside: label-in-text", "inputs"),
]

HEALTHY = [
    ("Texts and labels shuffled by one seed", one_seed),
    ("Docstrings, each a document", docstring_pairs),
    ("A stream with a buffer", stream),
    ("Batches of like length", like_lengths),
    ("Lines with tabs", split_everywhere),
]
