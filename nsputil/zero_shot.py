"""A next sentence model as a classifier that was never trained for it: the classes are sentences, offered as B.

Introduced in notebook 12.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nsputil._types import Floats
from nsputil.corpus import Document
from nsputil.evaluation import PairClassifier
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.tokenization import tokenize


class Item(NamedTuple):
    """A text to classify, its class, and the document that it comes from."""

    text: str
    topic: int
    document: int


def prompt_log_odds(model: PairClassifier, texts: Sequence[str], prompts: Sequence[str]) -> Floats:
    """Return the log-odds of IsNext of each text with each prompt as its B.

    Parameters
    ----------
    model : PairClassifier
        Such as `nsputil.model.NSPModel.mini()`.
    texts : sequence of str
    prompts : sequence of str
        One for each class.

    Returns
    -------
    ndarray, shape (len(texts), len(prompts))

    Raises
    ------
    ValueError
        If there is no text or no prompt.

    Notes
    -----
    Sun et al., NSP-BERT, arXiv 2109.03564. Introduced in notebook 12.
    """
    if not texts or not prompts:
        raise ValueError(f"{len(texts)} texts and {len(prompts)} prompts; expected at least one of each")
    logits = model.logits([SentencePair(text, prompt, IS_NEXT, 0, 0, 0, 1) for text in texts for prompt in prompts])
    return (logits[:, IS_NEXT] - logits[:, NOT_NEXT]).reshape(len(texts), len(prompts))


def best_threshold(scores: ArrayLike, positive: ArrayLike) -> float:
    """Return the threshold above which to answer yes, chosen for the mean of the two recalls.

    Parameters
    ----------
    scores : array_like of float, shape (count,)
        Of validation data, never of the data that the report is about.
    positive : array_like of bool, shape (count,)

    Returns
    -------
    float
        The middle between two neighboring scores, or just outside all of them; the lowest of equally good ones.

    Raises
    ------
    ValueError
        If the shapes differ, or there are not both yes and no among them.
    """
    x, yes = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    if x.ndim != 1 or x.shape != yes.shape:
        raise ValueError(f"scores have shape {x.shape} and positive {yes.shape}; expected (count,) twice")
    if yes.all() or not yes.any():
        raise ValueError("all of positive are the same; expected both True and False")
    values = np.unique(x)
    cuts = np.concatenate([[values[0] - 1], (values[1:] + values[:-1]) / 2, [values[-1] + 1]])
    return float(cuts[np.argmax([balanced_accuracy(x > cut, yes) for cut in cuts])])


def balanced_accuracy(answers: ArrayLike, positive: ArrayLike) -> float:
    """Return the mean of the recall of yes and the recall of no: one half for any constant answer."""
    said, yes = np.asarray(answers, dtype=bool), np.asarray(positive, dtype=bool)
    return float((said[yes].mean() + (~said[~yes]).mean()) / 2)


def topic_items(
    documents: Sequence[Document], words: Mapping[str, Sequence[str]], shortest: int = 12, longest: int = 60
) -> list[Item]:
    """Return sentences whose topic is told by one word, without that word.

    Parameters
    ----------
    documents : sequence of Document
    words : mapping of str to sequence of str
        For each topic the words that tell it, in lower case.
    shortest, longest : int
        Of the sentences, in tokens.

    Returns
    -------
    list of Item
        The sentences that hold words of exactly one topic, all of which are taken out. `topic` is its index in `words`.
    """
    sets = [set(told_by) for told_by in words.values()]
    items = []
    for number, document in enumerate(documents):
        for sentence in document.sentences:
            tokens = tokenize(sentence)
            found = [k for k, told_by in enumerate(sets) if told_by & set(tokens)]
            if len(found) == 1 and shortest <= len(tokens) <= longest:
                rest = " ".join(token for token in tokens if token not in sets[found[0]])
                items.append(Item(rest, found[0], number))
    return items
