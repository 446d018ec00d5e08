"""From documents to labeled sentence pairs: BERT's own rule, a sentence-level rule, harder negatives, order swaps.

The label convention of the whole course is defined here, once: 0 = IsNext, 1 = NotNext, as in google-research/bert
(create_pretraining_data.py, ``next_sentence_label = 1 if is_random_next else 0``) and Hugging Face.
Introduced in notebooks 01 (the pair) and 02 (building the data).
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

IS_NEXT = 0
NOT_NEXT = 1
LABEL_NAMES = ("IsNext", "NotNext")

NEGATIVES = ("other_document", "same_document", "length_matched", "permuted")


@dataclass(frozen=True, slots=True)  # slots: a hundred thousand pairs take a third less memory
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
    TypeError
        If an item is not a SentencePair.
    ValueError
        If there are no pairs.

    Notes
    -----
    Introduced in notebook 02.
    """
    check_pairs(pairs)
    count = len(pairs)
    positive = sum(pair.label == IS_NEXT for pair in pairs)
    same = sum(pair.label == NOT_NEXT and pair.document_a == pair.document_b for pair in pairs)
    forced = sum(pair.forced for pair in pairs)
    return Prior(positive / count, (count - positive) / count, count, forced / count, same / count)


def check_pairs(pairs):
    """Raise a ValueError if there are no pairs, a TypeError if an item is not a `SentencePair`."""
    if len(pairs) == 0:
        raise ValueError("pairs is empty; expected at least one SentencePair")
    for index, pair in enumerate(pairs):
        if not isinstance(pair, SentencePair):
            raise TypeError(f"pairs[{index}] is a {type(pair).__name__}; expected a SentencePair")


def sentence_level_pairs(documents, rng, negatives="other_document"):
    """Return pairs of single sentences.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    negatives : {"other_document", "same_document", "length_matched", "permuted"}
        Where the B of a NotNext pair comes from. With the first three, a fair coin decides each adjacent pair:
        any sentence of another document; another sentence of the same document; a sentence of another document, as
        near in number of tokens to the true next one as can be (within 20 %, unless no other document has one). None
        of these reads the same as the true next sentence. With "permuted" each adjacent pair is kept as IsNext, and
        every B returns once as the NotNext of an A from another document: exactly half of the labels are IsNext, and
        B alone tells nothing.

    Returns
    -------
    list of SentencePair

    Raises
    ------
    TypeError
        If `rng` is not a numpy Generator, or `documents` holds something else than Documents.
    ValueError
        If `negatives` is unknown, there is no adjacent pair, or no negative can be made: the rule needs another
        document and there is none, or (same document) no document has a third sentence.

    Notes
    -----
    Introduced in notebook 02. With "other_document" a first sentence of a document can be a negative B but never a
    positive one, so B alone gives some labels away; "permuted" closes this leak. With "same_document", a pair that
    leaves its document nothing else to offer is not used at all, since it could only be IsNext. A few short sentences
    ("[Applause]") stand in many places, so with "permuted" the same two texts can, rarely, return with the other label.
    """
    _check(documents, rng)
    if negatives not in NEGATIVES:
        raise ValueError(f"negatives is {negatives!r}; expected one of {', '.join(map(repr, NEGATIVES))}")
    places = [(d, i) for d, document in enumerate(documents) for i in range(len(document.sentences) - 1)]
    if not places:
        raise ValueError("no document has two sentences, so there is no adjacent pair; expected running text")
    if negatives == "permuted":
        return _permuted_pairs(documents, places, rng)
    if negatives == "same_document":
        places = _places_with_another_sentence(documents, places)
        draw = _draw_same_document
    else:
        _need_another_document(documents, negatives)
        draw = _ByLength(documents).draw if negatives == "length_matched" else _draw_other_document
    coins = rng.random(len(places)) < 0.5
    return [
        _pair(documents, NOT_NEXT, (d, i), draw(documents, d, i, rng))
        if random_next
        else _pair(documents, IS_NEXT, (d, i), (d, i + 1))
        for (d, i), random_next in zip(places, coins, strict=True)
    ]


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
    _check(documents, rng)
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int | np.integer):
        raise TypeError(f"max_tokens is a {type(max_tokens).__name__}; expected an integer")
    if max_tokens < 8:
        raise ValueError(f"max_tokens is {max_tokens}; expected at least 8: three special tokens and some text")
    for name, value in (("short_seq_prob", short_seq_prob), ("random_next_prob", random_next_prob)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}; expected a probability in [0, 1]")
    from nsputil.tokenization import tokenize, truncate_pair

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


def passage_pairs(documents, rng, most=5):
    """Return pairs of passages: some sentences before a place in a document, and some after it.

    Every place between two sentences serves, and how many sentences stand on each side is drawn anew: more different
    pairs than `balanced_segment_pairs` cuts from the same text, made for training. The negatives are made as there.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    most : int
        A and B have 1 to so many sentences, each number as often as any other.

    Returns
    -------
    list of SentencePair
        An IsNext and a NotNext pair for each place.

    Raises
    ------
    TypeError, ValueError
        As `sentence_level_pairs`; also if `most` is below 1 or one document holds too many of the places.

    Notes
    -----
    Introduced in notebook 07.
    """
    _check(documents, rng)
    if most < 1:
        raise ValueError(f"most is {most}; expected at least one sentence")
    places = [(d, i) for d, document in enumerate(documents) for i in range(1, len(document.sentences))]
    if not places:
        raise ValueError("no document has two sentences, so there is no adjacent pair; expected running text")
    chunks = []
    for (d, i), (before, after) in zip(places, rng.integers(1, most + 1, (len(places), 2)).tolist(), strict=True):
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
        order[group] = group[_between_documents(owner[group], rng)]
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


def _places_with_another_sentence(documents, places):
    """Keep the places (d, i) whose document has a sentence that is neither i, nor i + 1, nor reads like i + 1."""
    counts = [Counter(document.sentences) for document in documents]
    kept = []
    for d, i in places:
        sentences = documents[d].sentences
        same = counts[d][sentences[i + 1]] + (sentences[i] != sentences[i + 1])
        if len(sentences) > same:
            kept.append((d, i))
    if not kept:
        raise ValueError("negatives='same_document' need a document of three different sentences; found none")
    return kept


def _draw_same_document(documents, d, i, rng):
    sentences = documents[d].sentences
    while True:
        j = int(rng.integers(len(sentences)))
        if j != i and sentences[j] != sentences[i + 1]:
            return d, j


def _draw_other_document(documents, d, i, rng):
    for _ in range(10_000):
        other = int(rng.integers(len(documents)))
        if other != d and documents[other].sentences:
            j = int(rng.integers(len(documents[other].sentences)))
            if documents[other].sentences[j] != documents[d].sentences[i + 1]:
                return other, j
    raise ValueError(f"found no sentence to differ from {documents[d].sentences[i + 1]!r}; expected more varied text")


def _permuted_pairs(documents, places, rng):
    _need_another_document([documents[d] for d in {d for d, _ in places}], "permuted")
    order = _between_documents(np.array([d for d, _ in places]), rng)
    pairs = []
    for (d, i), k in zip(places, order, strict=True):
        pairs.append(_pair(documents, IS_NEXT, (d, i), (d, i + 1)))
        pairs.append(_pair(documents, NOT_NEXT, (d, i), (places[k][0], places[k][1] + 1)))
    return pairs


def _between_documents(owner, rng):
    """Return a random order in which no place is taken by one of the same owner."""
    if len(set(owner.tolist())) < 2:
        raise ValueError("negatives='permuted' need a second document that has text; found fewer than two")
    counts = np.bincount(owner)
    if 2 * counts.max() > len(owner):
        raise ValueError(
            f"document {int(counts.argmax())} holds more than half of all adjacent pairs, so its sentences cannot all "
            "be paired with other documents; expected several documents of similar length"
        )
    order = rng.permutation(len(owner))
    # Mend the clashes: exchange each with a random place where the exchange makes no new clash.
    for k in np.flatnonzero(owner[order] == owner):
        while owner[order[k]] == owner[k]:
            other = int(rng.integers(len(owner)))
            if owner[order[other]] != owner[k] and owner[order[k]] != owner[other]:
                order[k], order[other] = order[other], order[k]
    return order


class _ByLength:
    """All sentences in the order of their number of tokens, to draw one of about a given length."""

    CHOICE = 50  # widen the range of lengths until it holds so many sentences, or reaches 20 %

    def __init__(self, documents):
        from nsputil.tokenization import tokenize

        self.length_of = [[len(tokenize(sentence)) for sentence in document.sentences] for document in documents]
        found = sorted((n, d, i) for d, lengths in enumerate(self.length_of) for i, n in enumerate(lengths))
        self.places = [(d, i) for _, d, i in found]
        # first[n]: where the sentences of n tokens or more begin
        longest = found[-1][0]
        self.first = np.searchsorted([n for n, _, _ in found], np.arange(longest + 2)).tolist()

    def draw(self, documents, d, i, rng):
        length, true_next = self.length_of[d][i + 1], documents[d].sentences[i + 1]
        reach = 0
        while True:
            low = self.first[min(len(self.first) - 1, max(0, length - reach))]
            high = self.first[min(len(self.first) - 1, length + reach + 1)]
            if high - low >= self.CHOICE or 5 * (reach + 1) > length:
                for _ in range(4 if high > low else 0):
                    other, j = self.places[int(rng.integers(low, high))]
                    if other != d and documents[other].sentences[j] != true_next:
                        return other, j
                allowed = [
                    (other, j)
                    for other, j in self.places[low:high]
                    if other != d and documents[other].sentences[j] != true_next
                ]
                if allowed:
                    return allowed[int(rng.integers(len(allowed)))]
            if high - low == len(self.places):
                raise ValueError(f"found no sentence to differ from {true_next!r}; expected more varied text")
            reach += 1


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
