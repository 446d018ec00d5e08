"""Labeled sentence pairs and the label convention of the whole course: 0 = IsNext, 1 = NotNext.

The convention is that of google-research/bert (create_pretraining_data.py, ``next_sentence_label = 1 if is_random_next
else 0``) and of Hugging Face. Every other module of the package may import this one; it imports none of them.
Introduced in notebook 01; `measured_prior` in 02.
"""

from collections.abc import Sequence
from dataclasses import dataclass

#: The label of a pair whose B follows A in the text.
IS_NEXT = 0
#: The label of a pair whose B comes from elsewhere.
NOT_NEXT = 1
#: The names of the two labels: ``LABEL_NAMES[label]``.
LABEL_NAMES = ("IsNext", "NotNext")


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
        True if no coin was tossed: the chunk held one sentence only, so the pair had to be NotNext.
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
    """The fractions of a list of pairs, counted; `measured_prior` returns it.

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


def measured_prior(pairs: Sequence[SentencePair]) -> Prior:
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


def check_pairs(pairs: Sequence[SentencePair]) -> None:
    """Raise a ValueError if there are no pairs, a TypeError if an item is not a `SentencePair`."""
    if len(pairs) == 0:
        raise ValueError("pairs is empty; expected at least one SentencePair")
    for index, pair in enumerate(pairs):
        if not isinstance(pair, SentencePair):
            raise TypeError(f"pairs[{index}] is a {type(pair).__name__}; expected a SentencePair")
