"""Do the word vectors at the start know the words of the text? Notebook 10."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.text_index import spread

PLACE = "model"
WORDS = 300  # the most frequent ones
SENTENCES = 4000
SURE = 5.0  # standard errors of a correlation
SLACK = 1.5  # times the spread of eigenvalues that random vectors have (Marchenko and Pastur, 1967)


def word_vectors(recording: Any) -> list[Finding]:
    """Are the vectors of words that occur together more alike?

    For vectors that know nothing of the text, the correlation of likeness and co-occurrence is 0 within
    ``1 / sqrt(number of pairs of words)``. If their eigenvalues spread no more than those of random vectors, nothing
    was loaded; if they spread more, they hold knowledge, and it is of other words.
    """
    table = _table(recording)
    if table is None:
        return [unknown("model.start", PLACE, "The model shows no table with a vector for each word.")]
    name, vectors = table
    words, together = _together(recording)
    if len(words) < 100:
        return [unknown("model.start", PLACE, "The text has too few frequent words to compare vectors with.")]
    chosen = vectors[words] - vectors.mean(axis=0)
    chosen /= np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-12)
    above = np.triu_indices(len(words), 1)
    alike = (chosen @ chosen.T)[above]
    if alike.std() == 0:
        return [unknown("model.start", PLACE, "The vectors of all words are the same.")]
    correlation = float(np.corrcoef(alike, together[above])[0, 1])
    error = 1 / np.sqrt(len(alike))
    ratio, random_ratio = _eigenvalues(vectors)
    numbers = {"correlation": correlation, "error": float(error), "spread": ratio, "random": random_ratio}
    if correlation > SURE * error:
        text = f"Likeness of word vectors and co-occurrence of words correlate by {correlation:.3f}."
        return [holds("model.start", PLACE, text, numbers)]
    known = f"the vectors in {name} are no more alike for words that occur together (correlation {correlation:.3f})"
    if ratio <= SLACK * random_ratio:
        text = f"The encoder starts from random vectors: {known}, and they spread alike in all directions."
        return [violated("model.start", PLACE, text, "pretrained-not-loaded", False, numbers=numbers)]
    text = f"The encoder starts from vectors of other words: {known}, though they are not random."
    return [violated("model.start", PLACE, text, "wrong-vocabulary", False, numbers=numbers)]


def _table(recording: Any) -> tuple[str, np.ndarray] | None:
    """Return the name and a copy of the parameter with a row for each word of the vocabulary."""
    start, vocabulary = recording.start, recording.vocabulary
    if start is None or not hasattr(vocabulary, "ids"):
        return None
    for name, array in start.parameters.items():
        if array.ndim == 2 and len(array) == len(vocabulary) and array.shape[1] > 4:
            return name, np.asarray(array, np.float64)
    return None


def _together(recording: Any) -> tuple[Sequence[int], np.ndarray]:
    """Return ids of frequent words and, for each two, their positive pointwise mutual information by sentence."""
    vocabulary = recording.vocabulary
    documents = [d for d in recording.experiment.documents if hasattr(d, "sentences")]
    sentences = spread([s for document in documents for s in document.sentences], SENTENCES)
    rows = [np.unique(vocabulary.ids(sentence)) for sentence in sentences]
    special = {int(getattr(vocabulary, f"{name}_id", 0)) for name in ("pad", "unk", "cls", "sep", "mask")}
    count = np.bincount(np.concatenate(rows), minlength=len(vocabulary)) if rows else np.zeros(len(vocabulary))
    count[list(special)] = 0
    words = [int(k) for k in np.argsort(-count)[:WORDS] if count[k] >= 5]
    place = {word: k for k, word in enumerate(words)}
    seen = np.zeros((len(rows), len(words)))
    for k, row in enumerate(rows):
        seen[k, [place[int(word)] for word in row if int(word) in place]] = 1
    n = seen.sum(axis=0)
    expected = np.outer(n, n) / max(1, len(rows))
    with np.errstate(divide="ignore"):
        information = np.log((seen.T @ seen) / np.maximum(expected, 1e-12))
    return words, np.maximum(information, 0)


def _eigenvalues(vectors: np.ndarray) -> tuple[float, float]:
    """Return the ratio of the largest to the smallest eigenvalue of the covariance, and that of random vectors."""
    rows, columns = vectors.shape
    values = np.linalg.eigvalsh(np.cov(vectors.T))
    edge = np.sqrt(columns / rows)
    return float(values[-1] / max(values[0], 1e-300)), float(((1 + edge) / max(1 - edge, 1e-3)) ** 2)
