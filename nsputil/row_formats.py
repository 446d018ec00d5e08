"""What a row of training text holds: a pair of sentences, a pair of segments, or running text; and what a word sees.

Introduced in notebook 11.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.random import Generator

from nsputil.corpus import Document, check_documents
from nsputil.pairs import IS_NEXT, SentencePair
from nsputil.segments import bert_segment_pairs
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import tokenize

#: The names of the formats, from the shortest context to the longest.
FORMATS = ("sentence pair", "segment pair", "running text")
Row = list[list[str]]  # its stretches of text; each holds the tokens of one place in one document


def rows_of(documents: Sequence[Document], rng: Generator, name: str, max_tokens: int = 512) -> list[Row]:
    """Return rows of text in one of three formats.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    name : {"sentence pair", "segment pair", "running text"}
        Two sentences, half of the time from two documents; BERT's pairs of segments (`bert_segment_pairs`); or whole
        sentences of one document, as many as fit, without a pair.
    max_tokens : int
        Room in a row, special tokens counted.

    Returns
    -------
    list of list of list of str
        For each row its stretches, one if all of it is one piece of text, two if B comes from elsewhere.

    Raises
    ------
    TypeError, ValueError
        As the functions that make the pairs; also if there is no format of that name.

    Notes
    -----
    Liu et al., RoBERTa, arXiv 1907.11692, section 4.2, calls them SENTENCE-PAIR, SEGMENT-PAIR and DOC-SENTENCES.
    Introduced in notebook 11.
    """
    if name not in FORMATS:
        raise ValueError(f"format is {name!r}; expected one of {', '.join(map(repr, FORMATS))}")
    check_documents(documents, rng)
    if name == "segment pair":
        return [_stretches(pair) for pair in bert_segment_pairs(documents, rng, max_tokens)]
    if name == "sentence pair":
        return [_stretches(pair) for pair in sentence_level_pairs(documents, rng)]
    return [[row] for document in documents for row in _running(document, max_tokens - 2)]


def _stretches(pair: SentencePair) -> Row:
    a, b = tokenize(pair.sentence_a), tokenize(pair.sentence_b)
    return [a + b] if pair.label == IS_NEXT else [a, b]


def _running(document: Document, room: int) -> Iterator[list[str]]:
    row: list[str] = []
    for sentence in document.sentences:
        tokens = tokenize(sentence)[:room]
        if row and len(row) + len(tokens) > room:
            yield row
            row = []
        row = row + tokens
    if row:
        yield row


def context_of_a_word(rows: Sequence[Row]) -> float:
    """Return how many tokens of the same stretch of text surround a word, the mean over all words.

    Raises
    ------
    ValueError
        If the rows hold no word.
    """
    sizes = np.array([len(stretch) for row in rows for stretch in row])
    if sizes.sum() == 0:
        raise ValueError("the rows hold no word; expected some text")
    return float((sizes * (sizes - 1)).sum() / sizes.sum())


def seen_again(rows: Sequence[Row], words: Collection[str]) -> float:
    """Return the fraction of all occurrences of `words` that come once more in the same stretch.

    If such a word is hidden, the model can find it elsewhere in the text.

    Raises
    ------
    ValueError
        If none of the words occurs.
    """
    total = again = 0
    for row in rows:
        for stretch in row:
            counts = [count for word, count in Counter(stretch).items() if word in words]
            total += sum(counts)
            again += sum(count for count in counts if count > 1)
    if total == 0:
        raise ValueError("none of the words occurs in the rows")
    return again / total
