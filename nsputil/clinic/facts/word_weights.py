"""If each word has a weight of its own at the start, do rare words weigh more than frequent ones? Notebook 10."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.text_index import spread

PLACE = "model"
SENTENCES = 4000
OFTEN = 5  # times a word has to occur
VARIED = 0.1  # of their mean size: weights that vary less are all alike
RANKS = 0.5  # a correlation of ranks; weights by the inverse frequency have -0.9 and less, random ones 0
LIKE = 0.9  # a correlation of sorted weights with sorted inverse frequencies
SKEWED = -0.5  # few words are frequent, so their small weights are the long tail; random weights have 0


def word_weights(recording: Any) -> list[Finding]:
    """Compare the weights with how often words occur.

    Inverse frequencies fall with the frequency. Weights that rise with it were turned round. Weights that are inverse
    frequencies in every respect but for the order belong to other words. Random weights are a choice.
    """
    name, vocabulary = "model.weights", recording.vocabulary
    weights = _weights(recording)
    if weights is None or not hasattr(vocabulary, "ids"):
        return [unknown(name, PLACE, "The model shows no weight for each word.")]
    documents = [d for d in recording.experiment.documents if hasattr(d, "sentences")]
    ids = [vocabulary.ids(s) for s in spread([s for d in documents for s in d.sentences], SENTENCES)]
    count = np.bincount(np.concatenate(ids), minlength=len(weights)).astype(float)
    special = {int(getattr(vocabulary, f"{key}_id", 0)) for key in ("pad", "unk", "cls", "sep", "mask")}
    words = np.array([k for k in np.flatnonzero(count >= OFTEN) if k not in special])
    if len(words) < 100:
        return [unknown(name, PLACE, "The text has too few frequent words to compare weights with.")]
    own, rare = weights[words], -np.log(count[words])
    if own.std() < VARIED * max(float(np.abs(own).mean()), 1e-12):
        return [unknown(name, PLACE, "The weights of all words are alike.")]
    ranks = -float(np.corrcoef(_ranks(own), _ranks(rare))[0, 1])  # with the frequency
    alike = float(np.corrcoef(np.sort(own), np.sort(rare))[0, 1])
    skew = float(np.mean((own - own.mean()) ** 3) / own.std() ** 3)
    numbers = {"ranks": ranks, "alike": alike, "skew": skew, "words": float(len(words))}
    text = f"The weights of {len(words)} words and how often these occur have a correlation of ranks of {ranks:.3f}"
    if ranks > RANKS:
        return [violated(name, PLACE, f"{text}: frequent words weigh more than rare ones.", None, numbers=numbers)]
    if alike > LIKE and skew < SKEWED and abs(ranks) < RANKS / 2:
        text = f"{text}, and they are distributed as inverse frequencies are: they are those of other words."
        return [violated(name, PLACE, text, None, numbers=numbers)]
    return [holds(name, PLACE, f"{text}.", numbers=numbers)]


def _weights(recording: Any) -> np.ndarray | None:
    """Return the parameter of the encoder that has one number for each word."""
    start, size = recording.start, len(recording.vocabulary) if hasattr(recording.vocabulary, "__len__") else -1
    for key, array in getattr(start, "parameters", {}).items():
        if key.startswith("encoder.") and array.shape in ((size,), (size, 1)):
            return np.asarray(array, np.float64).ravel()
    return None


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks of values; equal ones share their middle rank."""
    order = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(order[2])
    return np.asarray((last - (order[2] - 1) / 2)[order[1]])
