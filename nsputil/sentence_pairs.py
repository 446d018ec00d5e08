"""From documents to labeled sentence pairs: BERT's own rule, a sentence-level rule, harder negatives, order swaps.

The label convention of the whole course is defined here, once: 0 = IsNext, 1 = NotNext, as in google-research/bert
(create_pretraining_data.py, ``next_sentence_label = 1 if is_random_next else 0``) and Hugging Face.
Introduced in notebooks 01 (the pair) and 02 (building the data).
"""

from dataclasses import dataclass

import numpy as np

IS_NEXT = 0
NOT_NEXT = 1
LABEL_NAMES = ("IsNext", "NotNext")

NEGATIVES = ("other_document", "same_document", "length_matched", "permuted")


@dataclass(frozen=True)
class SentencePair:
    """Two stretches of text, a label, and where each came from, so that leaks can be measured.

    Attributes
    ----------
    sentence_a, sentence_b : str
        One sentence, or several joined by spaces (BERT's "sentence" is a span of text).
    label : int
        0 = IsNext, 1 = NotNext.
    document_a, document_b : int
        Index of the document in the list the pairs were sampled from.
    position_a, position_b : int
        Index, within its document, of the first sentence of each.
    forced : bool
        True if no coin was thrown: the chunk held one sentence only, so the pair had to be NotNext.
    """

    sentence_a: str
    sentence_b: str
    label: int
    document_a: int
    document_b: int
    position_a: int
    position_b: int
    forced: bool = False


@dataclass(frozen=True)
class Prior:
    """What a list of pairs really holds, counted; `measured_prior` returns it.

    Attributes
    ----------
    is_next, not_next : float
        Fractions of the labels; they sum to 1.
    count : int
        Number of pairs.
    forced : float
        Fraction of all pairs that had to be NotNext.
    same_document_negatives : float
        Fraction of all pairs that are labeled NotNext although A and B come from the same document.
    """

    is_next: float
    not_next: float
    count: int
    forced: float
    same_document_negatives: float


def measured_prior(pairs):
    """Count the labels of a list of pairs, instead of trusting the coin that made them.

    Parameters
    ----------
    pairs : sequence of SentencePair

    Returns
    -------
    Prior

    Raises
    ------
    ValueError
        If there are no pairs.

    Notes
    -----
    Introduced in notebook 02.
    """
    if len(pairs) == 0:
        raise ValueError("pairs is empty; expected at least one SentencePair to count")
    count = len(pairs)
    positive = sum(pair.label == IS_NEXT for pair in pairs)
    same = sum(pair.label == NOT_NEXT and pair.document_a == pair.document_b for pair in pairs)
    forced = sum(pair.forced for pair in pairs)
    return Prior(positive / count, (count - positive) / count, count, forced / count, same / count)


def sentence_level_pairs(documents, rng, negatives="other_document"):
    """Return pairs of single sentences.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    negatives : {"other_document", "same_document", "length_matched", "permuted"}
        Where the B of a NotNext pair comes from. With the first three, a fair coin decides each adjacent pair:
        any sentence of another document; another sentence of the same document (never the true next one); a sentence
        of another document, as near in number of words as can be drawn. With "permuted" each adjacent pair is kept as
        IsNext, and every B returns once as the NotNext of an A from another document: exactly half of the labels are
        IsNext, and B alone tells nothing.

    Returns
    -------
    list of SentencePair

    Raises
    ------
    TypeError
        If `rng` is not a numpy Generator.
    ValueError
        If `negatives` is unknown, there is no adjacent pair, or the rule needs another document and there is none.

    Notes
    -----
    Introduced in notebook 02. With "other_document" a first sentence of a document can be a negative B but never a
    positive one, so B alone gives some labels away; "permuted" closes this leak.
    """
    _check(documents, rng)
    if negatives not in NEGATIVES:
        raise ValueError(f"negatives is {negatives!r}; expected one of {', '.join(map(repr, NEGATIVES))}")
    places = [(d, i) for d, document in enumerate(documents) for i in range(len(document.sentences) - 1)]
    if not places:
        raise ValueError("no document has two sentences, so there is no adjacent pair; expected running text")
    if negatives == "permuted":
        return _permuted_pairs(documents, places, rng)
    if negatives != "same_document":
        _need_another_document(documents, negatives)
    by_length = _ByLength(documents) if negatives == "length_matched" else None
    coins = rng.random(len(places)) < 0.5
    pairs = []
    for (d, i), random_next in zip(places, coins, strict=True):
        if not random_next:
            pairs.append(_pair(documents, IS_NEXT, (d, i), (d, i + 1)))
            continue
        if negatives == "same_document":
            allowed = [j for j in range(len(documents[d].sentences)) if j not in (i, i + 1)]
            if not allowed:  # a document of two sentences has nothing else to offer
                continue
            b = (d, int(rng.choice(allowed)))
        elif negatives == "length_matched":
            b = by_length.draw(len(documents[d].sentences[i + 1].split()), d, rng)
        else:
            b = _random_place(documents, rng, other_than=d)
        pairs.append(_pair(documents, NOT_NEXT, (d, i), b))
    return pairs


def sentence_order_pairs(documents, rng):
    """Return adjacent sentences, half of them swapped: ALBERT's sentence order prediction (SOP).

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator

    Returns
    -------
    list of SentencePair
        Label 0 (IsNext) for the order of the text, 1 (NotNext) for the swapped order.

    Raises
    ------
    TypeError, ValueError
        As `sentence_level_pairs`.

    Notes
    -----
    Lan et al., ALBERT, arXiv 1909.11942, section 3.1. Both sentences come from one document, so topic cannot help.
    Introduced in notebook 02.
    """
    _check(documents, rng)
    places = [(d, i) for d, document in enumerate(documents) for i in range(len(document.sentences) - 1)]
    if not places:
        raise ValueError("no document has two sentences, so there is no adjacent pair; expected running text")
    swapped = rng.random(len(places)) < 0.5
    return [
        _pair(documents, NOT_NEXT, (d, i + 1), (d, i)) if swap else _pair(documents, IS_NEXT, (d, i), (d, i + 1))
        for (d, i), swap in zip(places, swapped, strict=True)
    ]


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
        If `rng` is not a numpy Generator.
    ValueError
        If there are no documents, `max_tokens` is below 8, or a probability lies outside [0, 1].

    Notes
    -----
    google-research/bert, create_pretraining_data.py, create_instances_from_document, and Devlin et al. 2018, section
    3.1 and appendix A.2. Kept as it is there: the document of B is drawn up to ten times to differ from that of A, and
    after that the same document is accepted without a word, so that one document alone yields negatives of itself
    (NVIDIA/DeepLearningExamples#421). Introduced in notebook 02.
    """
    _check(documents, rng)
    if max_tokens < 8:
        raise ValueError(f"max_tokens is {max_tokens}; expected at least 8: three special tokens and some text")
    for name, value in (("short_seq_prob", short_seq_prob), ("random_next_prob", random_next_prob)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}; expected a probability in [0, 1]")
    from nsputil.tokenization import tokenize, truncate_pair

    tokens = [[tokenize(sentence) for sentence in document.sentences] for document in documents]
    room = max_tokens - 3
    pairs = []
    for d, document in enumerate(tokens):
        target = int(rng.integers(2, room + 1)) if rng.random() < short_seq_prob else room
        start = 0
        while start < len(document):
            stop, length = start, 0
            while stop < len(document) and length < target:
                length += len(document[stop])
                stop += 1
            size = stop - start
            cut = start + (1 if size == 1 else int(rng.integers(1, size)))
            a = [token for sentence in document[start:cut] for token in sentence]
            forced = size == 1
            if forced or rng.random() < random_next_prob:
                b, place = _random_segment(tokens, rng, d, target - len(a))
                label, following = NOT_NEXT, cut  # the sentences after the cut are put back
            else:
                b = [token for sentence in document[cut:stop] for token in sentence]
                place, label, following = (d, cut), IS_NEXT, stop
            if a and b:
                a, b = truncate_pair(a, b, room, rng)
                pairs.append(SentencePair(" ".join(a), " ".join(b), label, d, place[0], start, place[1], forced))
            start = following
    return pairs


def split_documents(documents, rng, fractions=(0.8, 0.1, 0.1)):
    """Split a list of documents at random, so that no document has sentences in two parts.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    fractions : sequence of float
        Positive, summing to 1.

    Returns
    -------
    list of list of Document
        One list for each fraction; none is empty.

    Raises
    ------
    TypeError
        If `rng` is not a numpy Generator.
    ValueError
        If the fractions are not positive or do not sum to 1, or there are too few documents to give each part one.

    Notes
    -----
    Introduced in notebook 02.
    """
    _check(documents, rng)
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions are {tuple(fractions)}; expected positive numbers that sum to 1")
    if len(documents) < len(fractions):
        raise ValueError(f"{len(documents)} documents cannot be split into {len(fractions)} parts of at least one each")
    ends = np.round(np.cumsum(fractions) * len(documents)).astype(int)
    for part in range(len(fractions)):  # at least one document each, from the left and from the right
        ends[part] = max(ends[part], part + 1)
    for part in range(len(fractions) - 1, -1, -1):
        ends[part] = min(ends[part], len(documents) - (len(fractions) - 1 - part))
    order = rng.permutation(len(documents))
    starts = [0, *ends[:-1]]
    return [[documents[k] for k in sorted(order[a:b])] for a, b in zip(starts, ends, strict=True)]


def _check(documents, rng):
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is a {type(rng).__name__}; expected a generator such as numpy.random.default_rng(0)")
    if len(documents) == 0:
        raise ValueError("documents is empty; expected at least one Document")
    for index, document in enumerate(documents):
        if not hasattr(document, "sentences"):
            raise TypeError(
                f"documents[{index}] is a {type(document).__name__}; expected Documents, as load_corpus or "
                "read_documents give them"
            )


def _need_another_document(documents, rule):
    if sum(len(document.sentences) > 0 for document in documents) < 2:
        raise ValueError(f"negatives={rule!r} need a second document that has text; found fewer than two")


def _pair(documents, label, a, b):
    return SentencePair(documents[a[0]].sentences[a[1]], documents[b[0]].sentences[b[1]], label, a[0], b[0], a[1], b[1])


def _random_place(documents, rng, other_than):
    while True:
        d = int(rng.integers(len(documents)))
        if d != other_than and documents[d].sentences:
            return d, int(rng.integers(len(documents[d].sentences)))


def _permuted_pairs(documents, places, rng):
    _need_another_document([documents[d] for d in {d for d, _ in places}], "permuted")
    owner = np.array([d for d, _ in places])
    counts = np.bincount(owner)
    if 2 * counts.max() > len(owner):
        raise ValueError(
            f"document {int(counts.argmax())} holds more than half of all adjacent pairs, so its sentences cannot all "
            "be paired with other documents; expected several documents of similar length"
        )
    order = rng.permutation(len(places))
    # Mend the clashes: exchange each with a random place where the exchange makes no new clash.
    for k in np.flatnonzero(owner[order] == owner):
        while owner[order[k]] == owner[k]:
            other = int(rng.integers(len(places)))
            if owner[order[other]] != owner[k] and owner[order[k]] != owner[other]:
                order[k], order[other] = order[other], order[k]
    pairs = []
    for (d, i), k in zip(places, order, strict=True):
        pairs.append(_pair(documents, IS_NEXT, (d, i), (d, i + 1)))
        pairs.append(_pair(documents, NOT_NEXT, (d, i), (places[k][0], places[k][1] + 1)))
    return pairs


class _ByLength:
    """All sentences in the order of their length, to draw one of about a given length."""

    WINDOW = 50

    def __init__(self, documents):
        found = [
            (len(s.split()), d, i) for d, document in enumerate(documents) for i, s in enumerate(document.sentences)
        ]
        found.sort()
        self.lengths = np.array([length for length, _, _ in found])
        self.places = [(d, i) for _, d, i in found]

    def draw(self, length, other_than, rng):
        middle, width = int(np.searchsorted(self.lengths, length)), self.WINDOW
        while True:
            low, high = max(0, middle - width), min(len(self.places), middle + width)
            allowed = [place for place in self.places[low:high] if place[0] != other_than]
            if allowed:
                return allowed[int(rng.integers(len(allowed)))]
            width *= 2


def _random_segment(tokens, rng, own, target_length):
    """Text from a random place of a random document, as BERT draws it: up to ten draws avoid the own document."""
    for _ in range(10):
        d = int(rng.integers(len(tokens)))
        if d != own and tokens[d]:
            break
    else:
        d = own if not tokens[d] else d
    start = int(rng.integers(len(tokens[d])))
    segment = []
    for sentence in tokens[d][start:]:
        segment.extend(sentence)
        if len(segment) >= target_length:
            break
    return segment, (d, start)
