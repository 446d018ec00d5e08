"""People who make their pairs themselves."""

from dataclasses import replace

import numpy as np

from nsputil.pairs import SentencePair
from research.torch_suspects.base import PairData, collate, collate_tuple, healthy, loader, texts


def _put(given, pairs, others, seed, join=collate):
    return given | {
        "pairs": pairs, "held_out_pairs": others, "train": loader(PairData(pairs), seed, collate_fn=join),
        "held_out": loader(PairData(others), seed, shuffle=False, batch=64, collate_fn=join),
    }


def two_coins(seed):
    """false-negatives: one coin gives the label NotNext, and another, tossed again, decides whether B is replaced."""
    given = healthy("bert", seed)

    def make(documents, count, rng):
        pairs, where = [], [(d, i) for d, x in enumerate(documents) for i in range(len(x.sentences) - 1)]
        for k in rng.permutation(len(where))[:count]:
            d, i = where[k]
            e, j = d, i + 1
            label = int(rng.random() < 0.5)
            if label and rng.random() < 0.4:
                while e == d:
                    e, j = where[int(rng.integers(len(where)))]
            pairs.append(SentencePair(documents[d].sentences[i], documents[e].sentences[j], label, d, e, i, j))
        return pairs

    rng = np.random.default_rng(seed + 5)
    return _put(given, make(texts()[0], 1600, rng), make(texts()[1], 384, rng), seed)


def cut_at_the_stop(seed):
    """shortcut-marker, in another way: true pairs were cut out of running text at ". ", so their A has lost its full stop."""
    given = healthy("bert-small", seed)

    def cut(pairs):
        return [replace(p, sentence_a=p.sentence_a.rstrip(".!?;: ") or p.sentence_a) if p.label == 0 else p for p in pairs]

    return _put(given, cut(given["pairs"]), cut(given["held_out_pairs"]), seed)


def snippets(seed):
    """shortcut-length, in another way: the true B is whole, the negatives come from a search index of snippets of 9 words."""
    given = healthy("loop", seed)

    def shorten(pairs):
        return [replace(p, sentence_b=" ".join(p.sentence_b.split()[:9])) if p.label == 1 else p for p in pairs]

    return _put(given, shorten(given["pairs"]), shorten(given["held_out_pairs"]), seed, collate_tuple)


def two_annotators(seed):
    """label-noise, in another way: a third of the documents was labeled by somebody of the other convention."""
    given = healthy("bert", seed)
    pairs = [replace(p, label=1 - p.label) if p.document_a % 5 < 2 else p for p in given["pairs"]]
    return given | {"pairs": pairs, "train": loader(PairData(pairs), seed)}


DEFECTS = [
    ("two-coins", two_coins, "false-negatives", "pairs"),
    ("cut-at-the-stop", cut_at_the_stop, "shortcut-marker", "pairs"),
    ("snippets", snippets, "shortcut-length", "pairs"),
    ("two-annotators", two_annotators, "label-noise", "pairs"),
]
