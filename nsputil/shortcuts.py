"""Shortcuts: what gives the label of a pair away without a comparison of A with B, found from the pairs alone.

Introduced in notebook 11.
"""

from collections import Counter
from collections.abc import Sequence
from math import log
from typing import NamedTuple, Self

import numpy as np

from nsputil._types import Floats
from nsputil.clues import ClueModel, lengths, punctuation
from nsputil.evaluation import PairClassifier
from nsputil.metrics import document_interval
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair, check_pairs
from nsputil.tokenization import tokenize


class OneTextModel:
    """Reads the words of one text of the pair, and never sees the other one.

    The log-odds of IsNext are the sum, over the different words of the text, of ``ln(share of IsNext pairs that hold
    the word / share of NotNext pairs that hold it)``, each count raised by one; "naive Bayes" with words that occur.

    Attributes
    ----------
    text : {"a", "b"}
    """

    def __init__(self, text: str, score: dict[str, float]) -> None:
        self.text, self._score = text, score

    @classmethod
    def fit(cls, pairs: Sequence[SentencePair], text: str) -> Self:
        """Count words in training pairs.

        Parameters
        ----------
        pairs : sequence of SentencePair
        text : {"a", "b"}
            Which text it sees.

        Returns
        -------
        OneTextModel

        Raises
        ------
        TypeError, ValueError
            If an item is not a SentencePair, a label is missing, or `text` is neither "a" nor "b".
        """
        check_pairs(pairs)
        if text not in ("a", "b"):
            raise ValueError(f"text is {text!r}; expected 'a' or 'b'")
        holding: tuple[Counter[str], Counter[str]] = Counter(), Counter()
        total = Counter(pair.label for pair in pairs)
        if len(total) < 2:
            raise ValueError(f"{len(pairs)} pairs with labels {sorted(total)}; expected both 0 and 1")
        for pair in pairs:
            holding[pair.label].update(_words(pair, text))
        yes, no = total[IS_NEXT] + 2, total[NOT_NEXT] + 2
        words = sorted(set(holding[IS_NEXT]) | set(holding[NOT_NEXT]))
        score = {w: log((holding[IS_NEXT][w] + 1) / yes) - log((holding[NOT_NEXT][w] + 1) / no) for w in words}
        return cls(text, score)

    def logits(self, pairs: Sequence[SentencePair]) -> Floats:
        """Return the logits of some pairs, shape (batch, 2), columns [IsNext, NotNext]; float64."""
        check_pairs(pairs)
        odds = np.array([sum(self._score.get(w, 0.0) for w in sorted(_words(pair, self.text))) for pair in pairs])
        return np.column_stack([odds / 2, -odds / 2])


def _words(pair: SentencePair, text: str) -> set[str]:
    return set(tokenize(pair.sentence_a if text == "a" else pair.sentence_b))


class Shortcut(NamedTuple):
    """What a blind model reached on pairs of documents that it had not seen.

    Attributes
    ----------
    accuracy, low, high : float
        With the ends of its 95 % interval by document.
    found : bool
        Whether the whole interval is above the chance level plus the margin: a shortcut.
    """

    accuracy: float
    low: float
    high: float
    found: bool


def blind_models(pairs: Sequence[SentencePair]) -> dict[str, PairClassifier]:
    """Fit four models, none of which can compare what A says with what B says.

    Parameters
    ----------
    pairs : sequence of SentencePair
        Training pairs of both labels.

    Returns
    -------
    dict of str to model
        "lengths", "punctuation", "words of A" and "words of B".
    """
    return {
        "lengths": ClueModel.fit(pairs, [lengths]),
        "punctuation": ClueModel.fit(pairs, [punctuation]),
        "words of A": OneTextModel.fit(pairs, "a"),
        "words of B": OneTextModel.fit(pairs, "b"),
    }


def find_shortcuts(
    train: Sequence[SentencePair], test: Sequence[SentencePair], margin: float = 0.1
) -> dict[str, Shortcut]:
    """Fit the blind models on some documents, and test them on others.

    Parameters
    ----------
    train, test : sequence of SentencePair
        Pairs of different documents. `document_a` of the test pairs says which pairs belong together.
    margin : float
        How far above the larger share of a label the whole interval must be.

    Returns
    -------
    dict of str to Shortcut
        By the names of `blind_models`.

    Raises
    ------
    TypeError, ValueError
        If an item is not a SentencePair, the training pairs have one label only, the test pairs come from fewer than
        two documents, or the margin is negative.

    Notes
    -----
    The rule: a blind model cannot know whether B follows A. If it is right on clearly more than the larger class of
    new pairs, the way in which the pairs were made gives labels away. The margin leaves room for what neighbors
    really share: speeches of one time have sentences of similar length. Only what the four models can see is found.
    Introduced in notebook 11.
    """
    if not margin >= 0:
        raise ValueError(f"margin is {margin}; expected a number of at least 0")
    models = blind_models(train)
    check_pairs(test)
    labels = np.array([pair.label for pair in test])
    documents = [pair.document_a for pair in test]
    chance = max(np.mean(labels == IS_NEXT), np.mean(labels == NOT_NEXT))
    found = {}
    for name, model in models.items():
        right = model.logits(list(test)).argmax(axis=1) == labels
        low, high = document_interval(right, documents)
        found[name] = Shortcut(float(right.mean()), low, high, bool(low > chance + margin))
    return found
