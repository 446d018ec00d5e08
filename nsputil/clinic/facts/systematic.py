"""Do wrong labels fall on pairs at random, or on pairs of one kind? Only what falls at random is noise."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from nsputil.clinic.facts.ranks import rank_area
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.tokenization import tokenize

SURE = 4.5  # standard errors, and besides them:
AREA = 0.3  # of the area under the curve beyond one half
RATE = 0.4  # of the labels: wrong so much more often where a word is
FEW = 12  # pairs with a word, and without it


def kind_of_pairs(pairs: Sequence, truth: np.ndarray, wrong: np.ndarray) -> str:
    """Return words for what the pairs with wrong labels have in common; "" if they could be any pairs.

    The pairs of each true class are judged alone, since the two classes differ in text and, often, in their noise.

    Parameters
    ----------
    pairs : sequence
    truth : ndarray of int
        What the labels should be.
    wrong : ndarray of bool
    """
    for label in (IS_NEXT, NOT_NEXT):
        chosen = [int(k) for k in np.flatnonzero(truth == label)]
        hit = wrong[chosen]
        if len(chosen) < 2 * FEW or min(hit.sum(), (~hit).sum()) < FEW:
            continue
        words = _by_number([pairs[k] for k in chosen], hit) or _by_word([pairs[k] for k in chosen], hit)
        if words:
            return f"; they are those of {words}, so they are not noise"
    return ""


def _by_number(pairs: Sequence, wrong: np.ndarray) -> str:
    """Is a label wrong where a text is long, or late in its document?"""
    numbers = {
        ("short pairs", "long pairs"): [len(p.sentence_a) + len(p.sentence_b) for p in pairs],
        ("short A", "long A"): [len(p.sentence_a) for p in pairs],
        ("short B", "long B"): [len(p.sentence_b) for p in pairs],
        ("pairs with B soon after A", "pairs with B far from A"): [_steps(p) for p in pairs],
        ("early pairs of a document", "late pairs of a document"): [getattr(p, "position_a", 0) for p in pairs],
    }
    for (low, high), values in numbers.items():
        area, error = rank_area(np.array(values, float), wrong.astype(int))
        if abs(area) > max(AREA, SURE * error):
            return high if area > 0 else low
    return ""


def _steps(pair: Any) -> int:
    """Return how far apart A and B are by their positions; 1000 if they are of two documents."""
    if getattr(pair, "document_a", None) != getattr(pair, "document_b", None):
        return 1000
    return abs(getattr(pair, "position_b", 0) - getattr(pair, "position_a", 0))


def _by_word(pairs: Sequence, wrong: np.ndarray) -> str:
    """Is a label wrong where a text has a certain word, or a digit?"""
    for side in ("A", "B"):
        texts = [getattr(pair, f"sentence_{side.lower()}") for pair in pairs]
        sets = [set(tokenize(text)) | ({"a digit"} if any(c.isdigit() for c in text) else set()) for text in texts]
        with_ = Counter(word for words in sets for word in words)
        hits: Counter = Counter()
        for words, bad in zip(sets, wrong, strict=True):
            hits.update(words if bad else ())
        for word, n in with_.items():
            m = len(pairs) - n
            if min(n, m) < FEW:
                continue
            here, there = hits[word] / n, (int(wrong.sum()) - hits[word]) / m
            mean = float(wrong.mean())
            if here - there > max(RATE, (SURE + 1) * float(np.sqrt(mean * (1 - mean) * (1 / n + 1 / m)))):
                return f"pairs with {word if word == 'a digit' else repr(word)} in {side}"
    return ""
