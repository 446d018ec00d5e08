"""Probes of the pairs: rows, labels, their order, shortcuts, and text that training and held-out pairs share.

Introduced in notebook 09.
"""

from dataclasses import dataclass

import numpy as np

from nsputil._types import Ints
from nsputil.clinic.probes.registry import Probe, log10, number
from nsputil.clinic.probes.suspect import Suspect
from nsputil.clinic.signals.base import Number
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.tokenization import tokenize

LOOKED_AT = 600  # pairs that a look at the data covers


@dataclass(frozen=True)
class Rows:
    """What the training pairs look like."""

    true_next: Number = number("rows.true_next", "fraction", "IsNext pairs whose B does follow A in the text", 1, 1)
    hidden_next: Number = number(
        "rows.hidden_next", "fraction", "NotNext pairs whose B does follow A in the text", 0, 0.01
    )
    same_document: Number = number(
        "rows.same_document", "fraction", "NotNext pairs whose B is from the document of A", 0, 0.005
    )
    duplicates: Number = number("rows.duplicates", "fraction", "pairs that occur more than once", 0, 0.005)
    short: Number = number("rows.short", "fraction", "pairs with a side of less than two words", 0, 0.015)


def look_at_rows(suspect: Suspect) -> Rows:
    """Compare pairs and labels with what truly follows in the text."""
    pairs = suspect.pairs[:LOOKED_AT]
    home: dict[str, set[int]] = {}
    for k, document in enumerate(suspect.experiment.documents):
        for sentence in document.sentences:
            home.setdefault(sentence, set()).add(k)
    follows = np.array([p.sentence_b in suspect.next_of.get(p.sentence_a, ()) for p in pairs])
    together = np.array([bool(home.get(p.sentence_a, set()) & home.get(p.sentence_b, set())) for p in pairs])
    labels = np.array([p.label for p in pairs])
    texts = [(p.sentence_a, p.sentence_b) for p in suspect.pairs]
    short = [min(len(p.sentence_a.split()), len(p.sentence_b.split())) < 2 for p in pairs]
    positive, negative = labels == IS_NEXT, labels == NOT_NEXT
    return Rows(
        true_next=follows[positive].mean() if positive.any() else np.nan,
        hidden_next=follows[negative].mean() if negative.any() else np.nan,
        same_document=together[negative].mean() if negative.any() else np.nan,
        duplicates=1 - len(set(texts)) / len(texts),
        short=np.mean(short),
    )


@dataclass(frozen=True)
class Labels:
    """How the labels are distributed."""

    train: Number = number("labels.train", "fraction", "IsNext among the training pairs", 0.5, 0.5)
    held_out: Number = number("labels.held_out", "fraction", "IsNext among the held-out pairs", 0.5, 0.5)
    by_batch: Number = number("labels.by_batch", "fraction", "spread of IsNext from batch to batch", 0.05, 0.2)
    in_turn: Number = number(
        "labels.in_turn", "ratio", "autocorrelation of IsNext from batch to batch, lag one", -0.3, 0.35
    )


def label_histogram(suspect: Suspect) -> Labels:
    """Count the labels."""
    labels = np.array([p.label for p in suspect.pairs]) == IS_NEXT
    held_out = np.array([p.label for p in suspect.held_out]) == IS_NEXT
    share = np.array([labels[batch].mean() for batch in suspect.batches[:60]])
    centered = share - share.mean()
    power = (centered**2).sum()
    return Labels(
        train=labels.mean(),
        held_out=held_out.mean(),
        by_batch=share.std(),
        in_turn=(centered[1:] * centered[:-1]).sum() / power if power > 1e-12 else 0.0,
    )


@dataclass(frozen=True)
class Roll:
    """Whether pairs fit better if one column is shifted against the others."""

    labels: Number = number(
        "roll.labels", "fraction", "gain in overlap(IsNext) - overlap(NotNext) by the best roll of the labels", 0, 0
    )
    b: Number = number("roll.b", "fraction", "gain in overlap of A and B by the best roll of the Bs", 0.35, 0.45)
    next: Number = number(
        "roll.next", "fraction", "largest share of A whose B, rolled, does follow in the text", 0.495, 0.51
    )
    difference: Number = number(
        "roll.difference", "fraction", "overlap(IsNext) - overlap(NotNext) without a roll", 0.015, 0.04
    )


def roll(suspect: Suspect) -> Roll:
    """Shift labels, then Bs, by one to four rows in both directions."""
    pairs = suspect.pairs[: LOOKED_AT // 2]
    labels = np.array([p.label for p in pairs])
    overlap = np.array([suspect.overlap(p.sentence_a, p.sentence_b) for p in pairs])
    shifts = [k for k in range(-4, 5) if k]

    def difference(labels: Ints) -> float:
        if labels.min() == labels.max():
            return 0.0
        return float(overlap[labels == IS_NEXT].mean() - overlap[labels == NOT_NEXT].mean())

    moved, follows = [], []
    for k in shifts:
        others = [pairs[(n + k) % len(pairs)].sentence_b for n in range(len(pairs))]
        moved.append(np.mean([suspect.overlap(p.sentence_a, b) for p, b in zip(pairs, others, strict=True)]))
        follows.append(
            np.mean([b in suspect.next_of.get(p.sentence_a, ()) for p, b in zip(pairs, others, strict=True)])
        )
    return Roll(
        labels=max(difference(np.roll(labels, k)) for k in shifts) - difference(labels),
        b=max(moved) - overlap.mean(),
        next=max(follows),
        difference=difference(labels),
    )


@dataclass(frozen=True)
class SplitOverlap:
    """What training text and held-out text share."""

    sentences: Number = number(
        "split.sentences", "fraction", "held-out sentences that occur in the training pairs", 0, 0.025
    )
    pairs: Number = number("split.pairs", "fraction", "held-out pairs that occur in the training pairs", 0, 0.01)
    words: Number = number("split.words", "fraction", "words of held-out text that the training text lacks", 0, 0.15)
    size: Number = number("split.size", "log10", "distinct training pairs", 3.35, 3.8)


def split_overlap(suspect: Suspect) -> SplitOverlap:
    """Look for held-out sentences, pairs and words in the training pairs."""
    sentences = dict.fromkeys(x for p in suspect.pairs for x in (p.sentence_a, p.sentence_b))  # in order, unlike a set
    pairs = {(p.sentence_a, p.sentence_b) for p in suspect.pairs}
    words = set().union(*(suspect.words(x) for x in list(sentences)[:3000]))
    held_out = suspect.some_held_out
    held_out_words = [w for p in held_out for w in tokenize(p.sentence_b)]
    return SplitOverlap(
        sentences=np.mean([p.sentence_b in sentences for p in held_out]),
        pairs=np.mean([(p.sentence_a, p.sentence_b) in pairs for p in held_out]),
        words=np.mean([w not in words for w in held_out_words]),
        size=log10(len(pairs)),
    )


@dataclass(frozen=True)
class Shortcuts:
    """How much of the labels something trivial tells."""

    length: Number = number("shortcut.length", "fraction", "best accuracy of a threshold on a length", 0.5, 0.7)
    word: Number = number("shortcut.word", "fraction", "best accuracy of the presence of one word in B or A", 0.5, 0.65)
    prior: Number = number("shortcut.prior", "fraction", "accuracy of the more frequent label", 0.5, 0.5)


def shortcuts(suspect: Suspect) -> Shortcuts:
    """Predict the label from a length, from one word, and from nothing."""
    pairs = suspect.pairs[:LOOKED_AT]
    labels = np.array([p.label for p in pairs])
    a = np.array([len(p.sentence_a.split()) for p in pairs])
    b = np.array([len(p.sentence_b.split()) for p in pairs])
    best = 0.0
    for x in (a, b, a + b, b - a):
        for threshold in np.quantile(x, np.linspace(0.1, 0.9, 9)):
            hit = ((x > threshold) == labels).mean()
            best = max(best, hit, 1 - hit)
    rows_with: dict[tuple[str, str], list[int]] = {}
    for k, p in enumerate(pairs):
        for side, text in (("a", p.sentence_a), ("b", p.sentence_b)):
            for word in suspect.words(text):
                rows_with.setdefault((side, word), []).append(k)
    by_word = []
    for rows in rows_with.values():
        if len(rows) > 0.05 * len(pairs):
            has = np.zeros(len(pairs), bool)
            has[rows] = True
            hit = (has == labels).mean()
            by_word.append(max(hit, 1 - hit))
    return Shortcuts(
        length=best,
        word=max(by_word) if by_word else np.nan,
        prior=max(labels.mean(), 1 - labels.mean()),
    )


PROBES = (
    Probe("look-at-rows", "What do the training pairs look like, read one by one?", 6, Rows, look_at_rows),
    Probe(
        "label-histogram",
        "How many of each label are there: in training, held out, and in each batch?",
        1,
        Labels,
        label_histogram,
    ),
    Probe("roll", "Do labels, or Bs, fit better if they are shifted by one or more rows?", 11, Roll, roll),
    Probe("split-overlap", "Does held-out text occur in the training text too?", 11, SplitOverlap, split_overlap),
    Probe("shortcuts", "Can something trivial tell the label: a length, or one word?", 15, Shortcuts, shortcuts),
)
