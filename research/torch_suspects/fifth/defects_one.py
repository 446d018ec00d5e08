"""Sick trainings with modules of their own: pairs, labels, arrays."""

import random

from torch.utils.data import DataLoader, Dataset

from ._kit import Lexicon, Rows, collate_apart, collate_dataclass, joined, loaders, reader, texts_of, towers, two_texts
from ._text import make_pairs, python_text, speeches, split


def _again(given, pairs, others, join=collate_apart, encode=None, batch=16):
    """Return the arguments with other pairs."""
    encode = encode or two_texts(given["tokenizer"].ids)
    train, held_out = loaders(pairs, others, encode, join, batch, given["seed"])
    return given | {"pairs": pairs, "held_out_pairs": others, "train": train, "held_out": held_out}


class FromFiles(Dataset):
    """Texts of one file and labels of another, which begins with a line of names."""

    def __init__(self, pairs, ids):
        self.texts = [(a, b) for a, b, _ in pairs]
        lines = ["label", *[str(label) for _, _, label in pairs]]
        self.labels = [0 if line == "label" else int(line) for line in lines]
        self.encode = two_texts(ids)

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, k):
        return self.encode(*self.texts[k], self.labels[k])


def line_of_names():
    given = towers("python", "cnn", seed=71)
    ids = given["tokenizer"].ids
    return given | {
        "train": DataLoader(FromFiles(given["pairs"], ids), 16, shuffle=True, collate_fn=collate_apart),
        "held_out": DataLoader(FromFiles(given["held_out_pairs"], ids), 64, collate_fn=collate_apart),
    }  # fmt: skip


def second_column():
    """The first B was dropped as a header, and zip stops at the shorter column."""
    given = towers("sotu", "bag", seed=72)

    def columns(pairs):
        first, second, labels = zip(*pairs, strict=True)
        return list(zip(first, second[1:], labels, strict=False))

    return _again(given, columns(given["pairs"]), columns(given["held_out_pairs"]))


def window_with_the_next():
    """A hard negative is one of the two sentences after A."""
    given = reader("sotu", seed=73)

    def draw(documents, seed, count):
        rng = random.Random(seed)
        spots = [(d, i) for d, document in enumerate(documents) for i in range(len(document) - 3)]
        rng.shuffle(spots)
        found = []
        for d, i in spots[:count]:
            if rng.random() < 0.5:
                found.append((documents[d][i], documents[d][i + 1], 0))
            elif rng.random() < 0.7:
                found.append((documents[d][i], documents[d][i + rng.choice((1, 1, 1, 2))], 1))
            else:
                e, j = rng.choice(spots)
                found.append((documents[d][i], documents[e][j + 1], 1))
        return found

    pairs, others = draw(given["documents"], 1, 1600), draw(given["held_out_documents"], 2, 320)
    return _again(given, pairs, others, collate_dataclass, joined(given["tokenizer"].ids))


def negatives_of_another_corpus():
    given = towers("sotu", "gru", seed=74)
    elsewhere = [s for document in python_text(1) for s in document]

    def draw(pairs, seed):
        rng = random.Random(seed)
        return [(a, b if label == 0 else rng.choice(elsewhere), label) for a, b, label in pairs]

    return _again(given, draw(given["pairs"], 1), draw(given["held_out_pairs"], 2))


def pairs_are_split():
    """All documents are paired first, every B in both classes, and then the list of pairs is cut."""
    documents, _ = split(speeches(), 75, limit=14)
    given = towers("sotu", "bag", seed=75)
    pairs = make_pairs(documents, 1, 900) + make_pairs(documents, 2, 900)
    random.Random(75).shuffle(pairs)
    given["tokenizer"] = Lexicon(given["documents"])
    given = given | {"documents": documents, "held_out_documents": documents}
    return _again(given, pairs[:1480], pairs[1480:])


def one_means_follows():
    """1 stands for "B follows A" everywhere."""
    given = reader("python", seed=76)

    def turned(pairs):
        return [(a, b, int(label == 0)) for a, b, label in pairs]

    return _again(given, turned(given["pairs"]), turned(given["held_out_pairs"]), collate_dataclass,
                  joined(given["tokenizer"].ids))  # fmt: skip


def the_same_files():
    """The folder was unpacked several times into itself."""
    given = towers("sotu", "bag", seed=77)
    few = [document[:40] for document in given["documents"][:5]]
    documents = few * 12
    rng = random.Random(77)
    pairs = []
    for d, document in enumerate(documents):
        for i in range(len(document) - 1):
            other = few[(d + rng.randrange(1, 5)) % 5]
            pairs.append((document[i], document[i + 1], 0) if rng.random() < 0.5 else
                         (document[i], other[rng.randrange(1, len(other))], 1))  # fmt: skip
    return _again(given | {"documents": documents}, pairs, given["held_out_pairs"])


def first_variable():
    """The ids of B are put into the variable that A has, too late."""
    given = towers("sotu", "cnn", seed=78)
    ids = given["tokenizer"].ids
    encode = two_texts(ids)

    def wrong(a, b, label):
        texts = {}
        for name in ("a", "b"):
            texts[name] = encode(a, b, label)[0]
        return texts["a"], texts["b"], label

    return _again(given, given["pairs"], given["held_out_pairs"], encode=wrong)


def four_words_each():
    given = reader("sotu", seed=79, longest=10)
    return given


def always_the_same():
    """The generator is made in the function that draws, with a seed, so each call draws the same."""
    given = towers("sotu", "bag", seed=80)

    def negative(sentences):
        return random.Random(42).choice(sentences)

    def draw(documents, seed, count):
        everything = [s for document in documents for s in document]
        rng = random.Random(seed)
        spots = [(d, i) for d, document in enumerate(documents) for i in range(len(document) - 1)]
        rng.shuffle(spots)
        return [
            (documents[d][i], documents[d][i + 1], 0)
            if rng.random() < 0.5
            else (documents[d][i], negative(everything), 1)
            for d, i in spots[:count]
        ]

    return _again(given, draw(given["documents"], 1, 1600), draw(given["held_out_documents"], 2, 320))


class Quick(Rows):
    """For a quick look: the same few rows again and again, as long as the real list."""

    def __getitem__(self, k):
        return super().__getitem__(k % 24)


def quick_look():
    given = towers("sotu", "transformer", seed=81)
    encode = two_texts(given["tokenizer"].ids)
    return given | {"train": DataLoader(Quick(given["pairs"], encode), 16, shuffle=True, collate_fn=collate_apart)}


def few_buckets():
    """Words are hashed into far too few places."""
    training, others = texts_of("python", 82)
    given = towers("python", "bag", seed=82)
    ids = given["tokenizer"].ids
    encode = two_texts(lambda text: [5 + k * 7 % 6 for k in ids(text)])
    pairs, tests = make_pairs(training, 3, 1600), make_pairs(others, 4, 320)
    return _again(given, pairs, tests, encode=encode)


DEFECTS = [
    ("a line of names in one file", line_of_names, "labels-off-by-one", "labels"),
    ("the second column", second_column, "segments-misaligned", "data"),
    ("a window after A", window_with_the_next, "false-negatives", "data"),
    ("negatives from elsewhere", negatives_of_another_corpus, "easy-negatives", "data"),
    ("the list of pairs is cut", pairs_are_split, "tested-on-training-text", "data"),
    ("one means that B follows", one_means_follows, "convention-inverted", "labels"),
    ("unpacked several times", the_same_files, "corpus-duplicated", "data"),
    ("a loop over two names", first_variable, "a-given-twice", "inputs"),
    ("ten tokens", four_words_each, "max-length-short", "inputs"),
    ("a seed in the function", always_the_same, "outside: one-negative-for-all", "data"),
    ("a quick look", quick_look, "outside: few-rows-repeated-by-dataset", "data"),
    ("six buckets", few_buckets, "outside: hash-collisions", "inputs"),
]
