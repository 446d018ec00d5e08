"""Labeled pairs of single sentences: random, harder and length-matched negatives, and swapped order (SOP).

Introduced in notebook 02.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from nsputil._types import Ints
from nsputil.corpus import Document, check_documents
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.tokenization import tokenize

NEGATIVES = ("other_document", "same_document", "length_matched", "permuted")
Position = tuple[int, int]  # of a sentence: the index of its document, and its index within the document


def sentence_level_pairs(
    documents: Sequence[Document], rng: Generator, negatives: str = "other_document"
) -> list[SentencePair]:
    """Return pairs of single sentences.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    negatives : {"other_document", "same_document", "length_matched", "permuted"}
        Where the B of a NotNext pair comes from. With the first three, a fair coin decides each adjacent pair:
        any sentence of another document; another sentence of the same document; a sentence of another document whose
        number of tokens is as near as possible to that of the true next one (within 20 %, unless no other document has
        one). None of these reads the same as the true next sentence. With "permuted" each adjacent pair is kept as
        IsNext, and every B is used once more as the NotNext of an A from another document: exactly half of the labels
        are IsNext, and B alone tells nothing.

    Returns
    -------
    list of SentencePair

    Raises
    ------
    TypeError
        If `rng` is not a numpy Generator, or `documents` holds something other than Documents.
    ValueError
        If `negatives` is unknown, there is no adjacent pair, or no negative can be made: the rule needs another
        document and there is none, or (same document) no document has a third sentence.

    Notes
    -----
    Introduced in notebook 02. With "other_document" a first sentence of a document can be a negative B but never a
    positive one, so B alone gives some labels away; "permuted" closes this leak. With "same_document", a pair is left
    out if its document has no other sentence to use as B, because it could only be IsNext. A few short sentences
    ("[Applause]") occur many times, so with "permuted" the same two texts can, rarely, come up with both labels.
    """
    check_documents(documents, rng)
    if negatives not in NEGATIVES:
        raise ValueError(f"negatives is {negatives!r}; expected one of {', '.join(map(repr, NEGATIVES))}")
    positions = _positions_with_a_next(documents)
    if negatives == "permuted":
        return _permuted_pairs(documents, positions, rng)
    draw: Callable[[Sequence[Document], int, int, Generator], Position]
    if negatives == "same_document":
        positions = _positions_with_another_sentence(documents, positions)
        draw = _draw_same_document
    else:
        _need_another_document(documents, negatives)
        draw = _ByLength(documents).draw if negatives == "length_matched" else _draw_other_document
    coins = rng.random(len(positions)) < 0.5
    return [
        _pair(documents, NOT_NEXT, (d, i), draw(documents, d, i, rng))
        if random_next
        else _pair(documents, IS_NEXT, (d, i), (d, i + 1))
        for (d, i), random_next in zip(positions, coins, strict=True)
    ]


def sentence_order_pairs(
    documents: Sequence[Document], rng: Generator, random_share: float = 0.0
) -> list[SentencePair]:
    """Return adjacent sentences, half of them swapped: ALBERT's sentence order prediction (SOP).

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    random_share : float
        Fraction of the pairs, drawn at random, that get a B from another document and the label of a swapped pair.
        Such pairs ask for the topic. ALBERT's code makes them where a chunk of text cannot be cut in two
        (google-research/albert#234).

    Returns
    -------
    list of SentencePair
        Label 0 (IsNext) for the order of the text, 1 (NotNext) for the swapped order.

    Raises
    ------
    TypeError, ValueError
        As `sentence_level_pairs`; also if `random_share` is not in [0, 1].

    Notes
    -----
    Lan et al., ALBERT, arXiv 1909.11942, section 3.1. Both sentences come from one document, so topic cannot help.
    """
    check_documents(documents, rng)
    if not 0 <= random_share <= 1:
        raise ValueError(f"random_share is {random_share}; expected a fraction in [0, 1]")
    positions = _positions_with_a_next(documents)
    swapped = rng.random(len(positions)) < 0.5
    pairs = [
        _pair(documents, NOT_NEXT, (d, i + 1), (d, i)) if swap else _pair(documents, IS_NEXT, (d, i), (d, i + 1))
        for (d, i), swap in zip(positions, swapped, strict=True)
    ]
    if random_share > 0:
        _need_another_document(documents, "random_share")
        for k in rng.permutation(len(pairs))[: round(random_share * len(pairs))]:
            d, i = positions[k]
            pairs[k] = _pair(documents, NOT_NEXT, (d, i), _draw_other_document(documents, d, i, rng))
    return pairs


def _positions_with_a_next(documents: Sequence[Document]) -> list[Position]:
    """Return the positions of all sentences but the last of each document."""
    positions = [(d, i) for d, document in enumerate(documents) for i in range(len(document.sentences) - 1)]
    if not positions:
        raise ValueError("no document has two sentences, so there is no adjacent pair; expected running text")
    return positions


def _need_another_document(documents: Sequence[Document], rule: str) -> None:
    if sum(len(document.sentences) > 0 for document in documents) < 2:
        raise ValueError(f"negatives={rule!r} need a second document that has text; found fewer than two")


def _pair(documents: Sequence[Document], label: int, a: Position, b: Position) -> SentencePair:
    return SentencePair(documents[a[0]].sentences[a[1]], documents[b[0]].sentences[b[1]], label, a[0], b[0], a[1], b[1])


def _positions_with_another_sentence(documents: Sequence[Document], positions: list[Position]) -> list[Position]:
    """Keep the positions (d, i) whose document has a sentence that is neither i, nor i + 1, nor reads like i + 1."""
    counts = [Counter(document.sentences) for document in documents]
    usable = []
    for d, i in positions:
        sentences = documents[d].sentences
        excluded = counts[d][sentences[i + 1]] + (sentences[i] != sentences[i + 1])
        if len(sentences) > excluded:
            usable.append((d, i))
    if not usable:
        raise ValueError("negatives='same_document' need a document of three different sentences; found none")
    return usable


def _draw_same_document(documents: Sequence[Document], d: int, i: int, rng: Generator) -> Position:
    sentences = documents[d].sentences
    while True:
        j = int(rng.integers(len(sentences)))
        if j != i and sentences[j] != sentences[i + 1]:
            return d, j


def _draw_other_document(documents: Sequence[Document], d: int, i: int, rng: Generator) -> Position:
    for _ in range(10_000):
        other = int(rng.integers(len(documents)))
        if other != d and documents[other].sentences:
            j = int(rng.integers(len(documents[other].sentences)))
            if documents[other].sentences[j] != documents[d].sentences[i + 1]:
                return other, j
    raise ValueError(f"no sentence differs from {documents[d].sentences[i + 1]!r}; expected more varied text")


def _permuted_pairs(documents: Sequence[Document], positions: list[Position], rng: Generator) -> list[SentencePair]:
    _need_another_document([documents[d] for d in {d for d, _ in positions}], "permuted")
    order = between_documents(np.array([d for d, _ in positions]), rng)
    pairs = []
    for (d, i), k in zip(positions, order, strict=True):
        pairs.append(_pair(documents, IS_NEXT, (d, i), (d, i + 1)))
        pairs.append(_pair(documents, NOT_NEXT, (d, i), (positions[k][0], positions[k][1] + 1)))
    return pairs


def between_documents(owner: Ints, rng: Generator) -> Ints:
    """Return a random permutation that moves each item to a position whose item belongs to another document.

    Parameters
    ----------
    owner : ndarray of int, shape (items,)
        The document of each item.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (items,)
        ``owner[order]`` and ``owner`` differ everywhere.

    Raises
    ------
    ValueError
        If there is only one document, or one owns more than half of the items.
    """
    if len(set(owner.tolist())) < 2:
        raise ValueError("negatives='permuted' need a second document that has text; found fewer than two")
    counts = np.bincount(owner)
    if 2 * counts.max() > len(owner):
        raise ValueError(
            f"document {int(counts.argmax())} holds more than half of all adjacent pairs, so its sentences cannot all "
            "be paired with other documents; expected several documents of similar length"
        )
    order = rng.permutation(len(owner))
    # Repair the clashes: exchange each with a random item where the exchange makes no new clash.
    for k in np.flatnonzero(owner[order] == owner):
        while owner[order[k]] == owner[k]:
            other = int(rng.integers(len(owner)))
            if owner[order[other]] != owner[k] and owner[order[k]] != owner[other]:
                order[k], order[other] = order[other], order[k]
    return order


class _ByLength:
    """All sentences in the order of their number of tokens, to draw one of about a given length."""

    CHOICE = 50  # widen the range of lengths until it holds this many sentences, or reaches 20 %

    def __init__(self, documents: Sequence[Document]) -> None:
        self.length_of = [[len(tokenize(sentence)) for sentence in document.sentences] for document in documents]
        by_length = sorted((n, d, i) for d, lengths in enumerate(self.length_of) for i, n in enumerate(lengths))
        self.positions = [(d, i) for _, d, i in by_length]
        # first[n]: where the sentences of n tokens or more begin
        longest = by_length[-1][0]
        self.first = np.searchsorted([n for n, _, _ in by_length], np.arange(longest + 2)).tolist()

    def draw(self, documents: Sequence[Document], d: int, i: int, rng: Generator) -> Position:
        """Return the position of a sentence of another document, about as long as the one after (d, i)."""
        length, true_next = self.length_of[d][i + 1], documents[d].sentences[i + 1]
        reach = 0
        while True:
            low = self.first[min(len(self.first) - 1, max(0, length - reach))]
            high = self.first[min(len(self.first) - 1, length + reach + 1)]
            if high - low >= self.CHOICE or 5 * (reach + 1) > length:
                for _ in range(4 if high > low else 0):
                    other, j = self.positions[int(rng.integers(low, high))]
                    if other != d and documents[other].sentences[j] != true_next:
                        return other, j
                allowed = [
                    (other, j)
                    for other, j in self.positions[low:high]
                    if other != d and documents[other].sentences[j] != true_next
                ]
                if allowed:
                    return allowed[int(rng.integers(len(allowed)))]
            if high - low == len(self.positions):
                raise ValueError(f"no sentence differs from {true_next!r}; expected more varied text")
            reach += 1
