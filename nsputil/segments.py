"""Labeled pairs of segments, which are one or more consecutive sentences: BERT's own rule, and fairer tests of a model.

Introduced in notebook 02 (BERT's rule) and 07 (balanced segments and passages).
"""

import numpy as np

from nsputil.corpus import check_documents
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.sentence_pairs import between_documents
from nsputil.tokenization import tokenize, truncate_pair


def bert_segment_pairs(documents, rng, max_tokens=128, short_seq_prob=0.1, random_next_prob=0.5):
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
        How often a document gets a random shorter target, from 2 tokens up.
    random_next_prob : float
        The coin.

    Returns
    -------
    list of SentencePair
        The texts are lower-cased tokens joined by spaces, A and B together at most ``max_tokens - 3`` of them.

    Raises
    ------
    TypeError
        If `rng` is not a numpy Generator, `documents` holds something else than Documents, or `max_tokens` is not an
        integer.
    ValueError
        If there is no document with text, `max_tokens` is below 8, or a probability lies outside [0, 1].

    Notes
    -----
    google-research/bert, create_pretraining_data.py, create_instances_from_document, and Devlin et al. 2018, section
    3.1 and appendix A.2. Kept as it is there: the document of B is drawn up to ten times to differ from that of A, and
    after that the same document is accepted without a word, so that one document alone yields negatives of itself
    (NVIDIA/DeepLearningExamples#421); `measured_prior` counts them. As there, sentences without a token and documents
    without a sentence are passed over. Not done here: shuffling, and repeating the corpus with new draws
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
    # One entry (index, sentences) for each document with text; a sentence is (position, tokens).
    usable = []
    for d, document in enumerate(documents):
        sentences = [(i, tokens) for i, s in enumerate(document.sentences) if (tokens := tokenize(s))]
        if sentences:
            usable.append((d, sentences))
    if not usable:
        raise ValueError(f"none of the {len(documents)} documents holds a word; expected some text")
    room = max_tokens - 3
    pairs = []
    for own, (d, document) in enumerate(usable):
        target = int(rng.integers(2, room + 1)) if rng.random() < short_seq_prob else room
        start = 0
        while start < len(document):
            stop, length = start, 0
            while stop < len(document) and length < target:
                length += len(document[stop][1])
                stop += 1
            size = stop - start
            cut = start + (1 if size == 1 else int(rng.integers(1, size)))
            a = _joined(document[start:cut])
            forced = size == 1
            if forced or rng.random() < random_next_prob:
                other, first, b = _random_segment(usable, rng, own, target - len(a))
                label, following = NOT_NEXT, cut  # the sentences after the cut are put back
            else:
                other, first, b = d, document[cut][0], _joined(document[cut:stop])
                label, following = IS_NEXT, stop
            a, b = truncate_pair(a, b, room, rng)
            pairs.append(SentencePair(" ".join(a), " ".join(b), label, d, other, document[start][0], first, forced))
            start = following
    return pairs


def _joined(sentences):
    return [token for _, tokens in sentences for token in tokens]


def _random_segment(usable, rng, own, target_length):
    """Text from a random place of a random document, as BERT draws it: up to ten draws avoid the own document.

    Returns the document's index, the position of the first sentence and the tokens.
    """
    for _ in range(10):
        other = int(rng.integers(len(usable)))
        if other != own:
            break
    d, sentences = usable[other]
    start = int(rng.integers(len(sentences)))
    segment = []
    for _, tokens in sentences[start:]:
        segment.extend(tokens)
        if len(segment) >= target_length:
            break
    return d, sentences[start][0], segment


def balanced_segment_pairs(documents, rng, max_tokens=128):
    """Return pairs of segments cut as by BERT's rule, each B used twice: where it belongs and under another A.

    BERT's own negatives are longer or shorter than its positives, forced where a chunk has one sentence, and put back.
    Here every chunk gives one IsNext pair, and the B of all chunks, permuted between documents among those of the same
    length, give as many NotNext pairs. Exactly half of the labels are IsNext, and neither B alone nor the two lengths
    tell anything: the fair test of a model.

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

    Notes
    -----
    Introduced in notebook 07.
    """
    chunks = [p for p in bert_segment_pairs(documents, rng, max_tokens, 0.0, 0.0) if p.label == IS_NEXT]
    if not chunks:
        raise ValueError(f"no chunk of {max_tokens} tokens holds two sentences; expected shorter ones or more room")
    return _each_b_twice(chunks, rng)


def passage_pairs(documents, rng, max_sentences=5):
    """Return pairs of passages: some sentences before a position in a document, and some after it.

    Every position between two sentences is used, and the number of sentences on each side is drawn for each of them.
    This gives more different pairs than `balanced_segment_pairs` cuts from the same text, so it is made for training.
    The negatives are made in the same way.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    max_sentences : int
        A and B have 1 to `max_sentences` sentences, each number equally often.

    Returns
    -------
    list of SentencePair
        An IsNext and a NotNext pair for each position.

    Raises
    ------
    TypeError, ValueError
        As `sentence_level_pairs`; also if `max_sentences` is below 1 or one document holds too many of the positions.

    Notes
    -----
    Introduced in notebook 07.
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


def _each_b_twice(chunks, rng):
    """Each pair, and its A with the B of another document: a permutation among the B of the same length."""
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


def _groups_of_like_length(lengths, owner):
    """Indices of one length each; a group where a document holds more than half is joined to the next length."""
    by_length = np.argsort(lengths, kind="stable")
    groups, rest = [], by_length[:0]
    for same in np.split(by_length, np.flatnonzero(np.diff(lengths[by_length])) + 1):
        rest = np.concatenate([rest, same])
        if 2 * np.bincount(owner[rest]).max() <= len(rest):
            groups.append(rest)
            rest = rest[:0]
    while len(rest) and groups and 2 * np.bincount(owner[rest]).max() > len(rest):
        rest = np.concatenate([groups.pop(), rest])
    return [*groups, rest] if len(rest) else groups
