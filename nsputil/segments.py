"""Labeled pairs of segments, which are one or more consecutive sentences: BERT's own rule, and fairer tests of a model.

Introduced in notebook 02.
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from nsputil._types import Ints
from nsputil.corpus import Document, check_documents
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.sentence_pairs import between_documents
from nsputil.tokenization import tokenize, truncate_pair

Sentence = tuple[int, list[str]]  # its position in the document, and its tokens
UsableDocument = tuple[int, list[Sentence]]  # its index, and its sentences that have tokens


def bert_segment_pairs(
    documents: Sequence[Document],
    rng: Generator,
    max_tokens: int = 128,
    short_seq_prob: float = 0.1,
    random_next_prob: float = 0.5,
) -> list[SentencePair]:
    """Return pairs of segments by BERT's own rule; a segment is one or more consecutive sentences.

    A chunk of consecutive sentences is collected up to a target length and cut at a random place: A is the part before.
    B is the rest (IsNext), or text from a random place of a random document (NotNext), if a coin says so or if the
    chunk has only one sentence. After a NotNext the unused rest of the chunk is put back. Pairs that are too long are
    trimmed word by word.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    max_tokens : int
        Room for A, B and the three special tokens, at least 8. Tokens here are those of `nsputil.tokenization`.
    short_seq_prob : float
        Probability that a document gets a random shorter target, of at least 2 tokens.
    random_next_prob : float
        Probability that the coin says NotNext.

    Returns
    -------
    list of SentencePair
        The texts are lower-cased tokens joined by spaces, A and B together at most ``max_tokens - 3`` of them.

    Raises
    ------
    TypeError
        If `rng` is not a numpy Generator, `documents` holds something other than Documents, or `max_tokens` is not an
        integer.
    ValueError
        If there is no document with text, `max_tokens` is below 8, or a probability lies outside [0, 1].

    Notes
    -----
    google-research/bert, create_pretraining_data.py, create_instances_from_document, and Devlin et al. 2018, section
    3.1 and appendix A.2. Two details are copied from that code. The document of B is drawn up to ten times until it
    differs from that of A; after that the same document is silently accepted, so a single document yields negatives of
    itself (NVIDIA/DeepLearningExamples#421); `measured_prior` counts them. Sentences without a token are skipped, and
    so are documents without a sentence. Not done here: shuffling, and repeating the corpus with new draws
    (``dupe_factor``). Introduced in notebook 02.
    """
    check_documents(documents, rng)
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int | np.integer):
        raise TypeError(f"max_tokens is a {type(max_tokens).__name__}; expected an integer")
    if max_tokens < 8:
        raise ValueError(f"max_tokens is {max_tokens}; expected at least 8: three special tokens and some text")
    for name, value in (("short_seq_prob", short_seq_prob), ("random_next_prob", random_next_prob)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}; expected a probability in [0, 1]")
    usable: list[UsableDocument] = []
    for d, document in enumerate(documents):
        sentences = [(i, tokens) for i, s in enumerate(document.sentences) if (tokens := tokenize(s))]
        if sentences:
            usable.append((d, sentences))
    if not usable:
        raise ValueError(f"none of the {len(documents)} documents holds a word; expected some text")
    room = max_tokens - 3
    pairs = []
    for own, (d, sentences) in enumerate(usable):
        target = int(rng.integers(2, room + 1)) if rng.random() < short_seq_prob else room
        start = 0
        while start < len(sentences):
            stop, length = start, 0
            while stop < len(sentences) and length < target:
                length += len(sentences[stop][1])
                stop += 1
            size = stop - start
            cut = start + (1 if size == 1 else int(rng.integers(1, size)))
            a = _joined(sentences[start:cut])
            forced = size == 1
            if forced or rng.random() < random_next_prob:
                other, first, b = _random_segment(usable, rng, own, target - len(a))
                label, following = NOT_NEXT, cut  # the sentences after the cut are put back
            else:
                other, first, b = d, sentences[cut][0], _joined(sentences[cut:stop])
                label, following = IS_NEXT, stop
            a, b = truncate_pair(a, b, room, rng)
            pairs.append(SentencePair(" ".join(a), " ".join(b), label, d, other, sentences[start][0], first, forced))
            start = following
    return pairs


def _joined(sentences: list[Sentence]) -> list[str]:
    return [token for _, tokens in sentences for token in tokens]


def _random_segment(
    usable: list[UsableDocument], rng: Generator, own: int, target_length: int
) -> tuple[int, int, list[str]]:
    """Draw text from a random position of a random document as BERT does: up to ten draws avoid the own document.

    Returns the document's index, the position of the first sentence and the tokens.
    """
    for _ in range(10):
        other = int(rng.integers(len(usable)))
        if other != own:
            break
    d, sentences = usable[other]
    start = int(rng.integers(len(sentences)))
    segment: list[str] = []
    for _, tokens in sentences[start:]:
        segment.extend(tokens)
        if len(segment) >= target_length:
            break
    return d, sentences[start][0], segment


def balanced_segment_pairs(documents: Sequence[Document], rng: Generator, max_tokens: int = 128) -> list[SentencePair]:
    """Return pairs of segments cut as by BERT's rule; each B is used twice, after its own A and after another A.

    By BERT's rule a NotNext pair can be longer or shorter than an IsNext pair, and a chunk of one sentence is always
    NotNext. Here every chunk gives one IsNext pair. The B of all chunks, permuted between documents among those of the
    same length, give as many NotNext pairs. Exactly half of the labels are IsNext, and neither B alone nor the two
    lengths tell anything about the label: this is a fair test of a model.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    max_tokens : int
        Room for A, B and the three special tokens, at least 8.

    Returns
    -------
    list of SentencePair

    Raises
    ------
    TypeError, ValueError
        As `bert_segment_pairs`; also if no chunk has two sentences, or one document holds more than half of them.
    """
    chunks = [p for p in bert_segment_pairs(documents, rng, max_tokens, 0.0, 0.0) if p.label == IS_NEXT]
    if not chunks:
        raise ValueError(f"no chunk of {max_tokens} tokens holds two sentences; expected shorter ones or more room")
    return _each_b_twice(chunks, rng)


def passage_pairs(documents: Sequence[Document], rng: Generator, max_sentences: int = 5) -> list[SentencePair]:
    """Return pairs of passages: some sentences before a position in a document, and some after it.

    Every position between two sentences is used, and the number of sentences on each side is drawn for each of them.
    This gives more different pairs than `balanced_segment_pairs` cuts from the same text, so it is meant for training.
    The negatives are made in the same way.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    max_sentences : int
        A and B have 1 to `max_sentences` sentences; each number is equally likely.

    Returns
    -------
    list of SentencePair
        An IsNext and a NotNext pair for each position.

    Raises
    ------
    TypeError, ValueError
        As `sentence_level_pairs`; also if `max_sentences` is below 1 or one document holds too many of the positions.
    """
    check_documents(documents, rng)
    if max_sentences < 1:
        raise ValueError(f"max_sentences is {max_sentences}; expected at least 1")
    positions = [(d, i) for d, document in enumerate(documents) for i in range(1, len(document.sentences))]
    if not positions:
        raise ValueError("no document has two sentences, so there is no adjacent pair; expected running text")
    chunks = []
    for (d, i), (before, after) in zip(
        positions, rng.integers(1, max_sentences + 1, (len(positions), 2)).tolist(), strict=True
    ):
        sentences, start = documents[d].sentences, max(0, i - before)
        a, b = " ".join(sentences[start:i]), " ".join(sentences[i : i + after])
        chunks.append(SentencePair(a, b, IS_NEXT, d, d, start, i))
    return _each_b_twice(chunks, rng)


def _each_b_twice(chunks: list[SentencePair], rng: Generator) -> list[SentencePair]:
    """Return each pair, and its A with the B of another document: a permutation among the B of the same length."""
    owner = np.array([pair.document_a for pair in chunks])
    lengths = np.array([len(pair.sentence_b.split()) for pair in chunks])
    order = np.arange(len(chunks))
    for group in _groups_of_like_length(lengths, owner):
        order[group] = group[between_documents(owner[group], rng)]
    pairs = []
    for pair, k in zip(chunks, order, strict=True):
        other = chunks[k]
        b, documents = other.sentence_b, (pair.document_a, other.document_b)
        pairs += [pair, SentencePair(pair.sentence_a, b, NOT_NEXT, *documents, pair.position_a, other.position_b)]
    return pairs


def _groups_of_like_length(lengths: Ints, owner: Ints) -> list[Ints]:
    """Return indices grouped by length; a group that one document holds more than half of joins the next length."""
    by_length = np.argsort(lengths, kind="stable")
    groups: list[Ints] = []
    rest = by_length[:0]
    for same in np.split(by_length, np.flatnonzero(np.diff(lengths[by_length])) + 1):
        rest = np.concatenate([rest, same])
        if 2 * np.bincount(owner[rest]).max() <= len(rest):
            groups.append(rest)
            rest = rest[:0]
    while len(rest) and groups and 2 * np.bincount(owner[rest]).max() > len(rest):
        rest = np.concatenate([groups.pop(), rest])
    return [*groups, rest] if len(rest) else groups
