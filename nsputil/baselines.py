"""A first real model: how many rare words two sentences share. Every later model must beat it.

Introduced in notebook 00.
"""

from collections import Counter
from collections.abc import Sequence
from math import fsum, log, sqrt
from typing import Self

import numpy as np

from nsputil._types import Floats
from nsputil.losses import nsp_loss, sigmoid
from nsputil.pairs import IS_NEXT, SentencePair, check_pairs
from nsputil.tokenization import tokenize


class OverlapModel:
    """Logistic regression on one feature, the idf-weighted overlap of the words of A and B.

    ``overlap = sum of idf over shared words / sqrt(idf mass of A * idf mass of B)``, and the log-odds of IsNext,
    ``z_IsNext - z_NotNext = bias + slope * overlap``. It knows no grammar, no meaning and no order.

    Attributes
    ----------
    bias, slope : float
        The two fitted parameters.
    loss : float
        The training loss in nats.
    """

    def __init__(self, idf: dict[str, float], unseen: float, bias: float, slope: float, loss: float) -> None:
        self._idf, self._unseen = idf, unseen
        self.bias, self.slope, self.loss = bias, slope, loss

    @classmethod
    def fit(cls, pairs: Sequence[SentencePair]) -> Self:
        """Fit the two parameters by minimizing `nsputil.losses.nsp_loss` with Newton's method.

        Parameters
        ----------
        pairs : sequence of SentencePair
            Training pairs of both labels. The idf weights are counted in their sentences, too.

        Returns
        -------
        OverlapModel

        Raises
        ------
        TypeError
            If an item is not a SentencePair.
        ValueError
            If there are no pairs, if all have the same label, or if all have the same overlap.

        Notes
        -----
        Deterministic, float64. If some overlap separates the two labels without a mistake, the loss has no minimum;
        the fit then stops after 30 steps with finite, steep parameters and a loss near 0.
        """
        check_pairs(pairs)
        labels = np.array([pair.label for pair in pairs])
        if len(set(labels.tolist())) < 2:
            raise ValueError(f"{len(labels)} pairs with labels {sorted(set(labels.tolist()))}; expected both 0 and 1")
        sentences = _sentences(pairs)
        counts: Counter[str] = Counter(word for sentence in sentences for word in set(tokenize(sentence)))
        idf = {word: log(len(sentences) / count) for word, count in counts.items()}
        model = cls(idf, log(len(sentences)), 0.0, 0.0, log(2))
        x = model._features(pairs)
        if np.ptp(x) == 0:
            raise ValueError("the overlap is the same for every pair, so nothing can be learned from it")
        design = np.column_stack([np.ones_like(x), x])
        is_next = (labels == IS_NEXT).astype(float)
        theta = np.zeros(2)
        for _ in range(30):
            p = sigmoid((design * theta).sum(axis=1))
            gradient = (design * (p - is_next)[:, None]).sum(axis=0)
            w = p * (1 - p)
            a, b, c = w.sum(), (w * x).sum(), (w * x * x).sum()  # Hessian [[a, b], [b, c]], with a little ridge
            determinant = (a + 1e-9) * (c + 1e-9) - b * b
            step = np.array([(c + 1e-9) * gradient[0] - b * gradient[1], (a + 1e-9) * gradient[1] - b * gradient[0]])
            theta = theta - step / determinant
            if np.abs(step / determinant).max() < 1e-12:
                break
        model.bias, model.slope = float(theta[0]), float(theta[1])
        model.loss = nsp_loss(model._logits(x), labels)
        return model

    def overlap(self, sentence_a: str, sentence_b: str) -> float:
        """Return the idf-weighted overlap of two sentences, from 0 (no shared word) to 1 (the same words)."""
        a, b = set(tokenize(sentence_a)), set(tokenize(sentence_b))
        return self._overlap(a, self._mass(a), b, self._mass(b))

    def logits(self, pairs: Sequence[SentencePair]) -> Floats:
        """Return the logits of some pairs, shape (batch, 2), columns [IsNext, NotNext]; float64.

        Raises
        ------
        TypeError, ValueError
            If an item is not a SentencePair, or there are none.
        """
        check_pairs(pairs)
        return self._logits(self._features(pairs))

    def predict(self, sentence_a: str, sentence_b: str) -> tuple[float, float]:
        """Return Pr(IsNext) for two sentences, and the loss in nats if the gold label is IsNext.

        Parameters
        ----------
        sentence_a, sentence_b : str

        Returns
        -------
        (float, float)

        Raises
        ------
        ValueError
            If a sentence holds no word.
        """
        for name, sentence in (("sentence_a", sentence_a), ("sentence_b", sentence_b)):
            if not tokenize(sentence):
                raise ValueError(f"{name} is {sentence!r}; expected a sentence with at least one word")
        logits = self.logits([SentencePair(sentence_a, sentence_b, IS_NEXT, 0, 0, 0, 1)])
        return float(sigmoid(logits[0, 0] - logits[0, 1])), nsp_loss(logits, [IS_NEXT])

    def _logits(self, overlaps: Floats) -> Floats:
        half_log_odds = (self.bias + self.slope * overlaps) / 2
        return np.column_stack([half_log_odds, -half_log_odds])

    def _features(self, pairs: Sequence[SentencePair]) -> Floats:
        """Return the overlap of each pair. The sets of words are not stored: those of a whole corpus take 100 MB."""
        mass = {sentence: self._mass(set(tokenize(sentence))) for sentence in _sentences(pairs)}
        texts = ((pair.sentence_a, pair.sentence_b) for pair in pairs)
        return np.array([self._overlap(set(tokenize(a)), mass[a], set(tokenize(b)), mass[b]) for a, b in texts])

    def _overlap(self, a: set[str], mass_a: float, b: set[str], mass_b: float) -> float:
        return self._mass(a & b) / sqrt(mass_a * mass_b) if mass_a > 0 and mass_b > 0 else 0.0

    def _mass(self, words: set[str]) -> float:
        """Return the sum of the idf weights. fsum rounds once, at the end, so the order of a set changes nothing."""
        return fsum([self._idf.get(word, self._unseen) for word in words])


def _sentences(pairs: Sequence[SentencePair]) -> set[str]:
    return {sentence for pair in pairs for sentence in (pair.sentence_a, pair.sentence_b)}
