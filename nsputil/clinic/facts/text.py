"""What the documents themselves show: are neighbours about the same, and does a line return in every sentence?"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.text_index import spread
from nsputil.tokenization import tokenize

PLACE = "pairs"
DOCUMENTS, SENTENCES = 80, 60  # looked at, of each document from its beginning
OTHERS = 5  # sentences of the same document to compare with, for each pair of neighbours
NEIGHBOURS = 0.02  # least excess in likeness of neighbours: texts of five kinds have 0.02 to 0.07, shuffled ones 0.00
SURE = 2.5  # standard errors, on either side
HEADER = 0.5  # of the sentences of a document begin, or end, with the same two words


def text_facts(recording: Any) -> list[Finding]:
    """Both facts, on a spread of the documents."""
    documents = [d for d in recording.experiment.documents if hasattr(d, "sentences") and len(d.sentences) >= 4]
    texts = [[tokenize(s) for s in d.sentences[:SENTENCES]] for d in spread(documents, DOCUMENTS)]
    if len(texts) < 8:
        return [unknown("text.order", PLACE, "There are too few documents to look at their text.")]
    return [_order(texts), _header(texts)]


def likeness(a: frozenset, b: frozenset, weight: dict[str, float]) -> float:
    """Return the cosine of two sets of words, each word weighted by minus the log of its share of sentences."""
    shared = sum(weight[word] for word in a & b)
    size = sum(weight[word] for word in a) * sum(weight[word] for word in b)
    return shared / float(np.sqrt(size)) if size > 0 else 0.0


def _order(texts: Sequence[Sequence[list[str]]]) -> Finding:
    """Are neighbours more alike than two sentences of a document at random?

    Text has topics that last longer than a sentence, so neighbours share more rare words. The mean is over documents,
    and so is its standard error.
    """
    sentences = [[frozenset(sentence) for sentence in text] for text in texts]
    count = Counter(word for text in sentences for sentence in text for word in sentence)
    number = sum(len(text) for text in sentences)
    weight = {word: float(np.log(number / n)) for word, n in count.items()}
    rng, excess = np.random.default_rng(0), []
    for text in sentences:
        near = [likeness(a, b, weight) for a, b in zip(text[:-1], text[1:], strict=True)]
        far = [
            likeness(text[k], text[j], weight)
            for k in range(len(text))
            for j in rng.integers(len(text), size=OTHERS)
            if abs(int(j) - k) > 1
        ]
        if far:
            excess.append(float(np.mean(near) - np.mean(far)))
    mean, error = float(np.mean(excess)), float(np.std(excess) / np.sqrt(len(excess)))
    numbers = {"excess": mean, "error": error, "expected": NEIGHBOURS}
    if SURE * error > NEIGHBOURS / 2:
        return unknown("text.order", PLACE, "There is too little text to see its order.", numbers)
    if mean < NEIGHBOURS / 2 and mean + SURE * error < NEIGHBOURS:
        words = (
            f"Neighbouring sentences are no more alike than two sentences of a document at random (a difference of "
            f"{mean:.4f}, standard error {error:.4f}; ordered text has 0.02 and more): the order was lost."
        )
        return violated("text.order", PLACE, words, "sentences-shuffled", numbers=numbers)
    return holds("text.order", PLACE, f"Neighbours are more alike than others, by {mean:.4f}.", numbers)


def _header(texts: Sequence[Sequence[list[str]]]) -> Finding:
    """Do the sentences of a document begin, or end, with the same words?"""
    hit, example = 0, ""
    for text in texts:
        for ends in ([tuple(s[:2]) for s in text], [tuple(s[-3:-1]) for s in text]):
            words, often = Counter(ends).most_common(1)[0]
            if often > HEADER * len(text) and len(words) == 2 and all(word.isalnum() for word in words):
                hit, example = hit + 1, " ".join(words)
                break
    share = hit / len(texts)
    if share > 0.3:
        found = f"In {share:.3f} of the documents most sentences begin or end alike, such as with {example!r}."
        return violated("text.header", PLACE, found, "page-headers", share=share)
    return holds("text.header", PLACE, f"Sentences begin and end alike in {share:.3f} of the documents.", share=share)
