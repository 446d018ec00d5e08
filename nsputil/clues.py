"""Clues of a pair: numbers such as lengths, punctuation or years, and a small model that sees these numbers alone.

Introduced in notebook 11.
"""

import re
from collections.abc import Callable, Sequence
from math import log
from typing import Self

import numpy as np

from nsputil._types import Floats
from nsputil.losses import nsp_loss, sigmoid
from nsputil.pairs import IS_NEXT, SentencePair, check_pairs
from nsputil.tokenization import tokenize

#: What a `ClueModel` sees of a pair: always the same number of numbers.
Clue = Callable[[SentencePair], Sequence[float]]

_YEAR = re.compile(r"\b(1\d{3}|20[0-2]\d)s?\b")


def lengths(pair: SentencePair) -> tuple[float, float, float]:
    """Return the log of the number of tokens of A, that of B, and how far apart the two are.

    Notes
    -----
    No word is read, so a model that sees these alone cannot know whether B follows A. Introduced in notebook 11.
    """
    a, b = (log(1 + len(tokenize(text))) for text in (pair.sentence_a, pair.sentence_b))
    return a, b, abs(a - b)


def punctuation(pair: SentencePair) -> tuple[float, ...]:
    """Return five numbers of each text: how it begins and ends, and its commas, quotation marks and digits.

    Notes
    -----
    In the order A, B: begins with a capital, ends with a full stop, ends with another mark, then 1 or 0 for whether
    there is a comma, and a quotation mark or a digit.
    """
    return *_marks(pair.sentence_a), *_marks(pair.sentence_b)


def _marks(text: str) -> tuple[float, ...]:
    text = text.strip()
    stop = text.endswith(".")
    other = bool(text) and not stop and not text[-1].isalnum()
    found = (text[:1].isupper(), stop, other, "," in text, any(c in '"“”' or c.isdigit() for c in text))
    return tuple(float(each) for each in found)


def latest_year(text: str) -> int | None:
    """Return the latest year from 1000 to 2029 that a text names, or None.

    "1990s" counts as 1990. A number of four digits that is no year ("1500 men") is taken for one.
    """
    years = [int(year) for year in _YEAR.findall(text)]
    return max(years) if years else None


def later_year(pair: SentencePair) -> tuple[float]:
    """Return 1 if the latest year of B is later than that of A, -1 if it is earlier, 0 if nothing can be compared.

    Notes
    -----
    A clue to order: exchange A and B, and it changes its sign. Introduced in notebook 11.
    """
    a, b = latest_year(pair.sentence_a), latest_year(pair.sentence_b)
    return (0.0 if a is None or b is None else float(np.sign(b - a)),)


class ClueModel:
    """Logistic regression on the clues of a pair; it sees nothing else of the texts.

    Attributes
    ----------
    clues : tuple of callable
        Each ``SentencePair -> numbers``.
    weights : ndarray, shape (numbers,)
        How much the log-odds of IsNext rise when a number rises by one standard deviation of the training pairs.
    bias : float
    loss : float
        The training loss in nats.
    """

    def __init__(self, clues: Sequence[Clue], center: Floats, scale: Floats, theta: Floats) -> None:
        self.clues = tuple(clues)
        self._center, self._scale = center, scale
        self.bias, self.weights = float(theta[0]), theta[1:]
        self.loss = log(2)

    @classmethod
    def fit(cls, pairs: Sequence[SentencePair], clues: Sequence[Clue]) -> Self:
        """Fit by minimizing `nsputil.losses.nsp_loss` with Newton's method.

        Parameters
        ----------
        pairs : sequence of SentencePair
            Training pairs of both labels.
        clues : sequence of callable
            Such as `lengths`, `punctuation` and `later_year`; one that is not a function of the pair alone, such as
            an overlap, is made with ``lambda pair: (model.overlap(pair.sentence_a, pair.sentence_b),)``.

        Returns
        -------
        ClueModel

        Raises
        ------
        TypeError
            If an item is not a SentencePair.
        ValueError
            If there are no pairs, all have the same label, there are no clues, or a clue is not finite.

        Notes
        -----
        Deterministic, float64. A penalty of half the sum of the squared weights, divided by the number of pairs,
        keeps the weights finite if a clue separates the labels. Introduced in notebook 11.
        """
        check_pairs(pairs)
        if not clues:
            raise ValueError("clues is empty; expected at least one function of a pair")
        labels = np.array([pair.label for pair in pairs])
        if len(set(labels.tolist())) < 2:
            raise ValueError(f"{len(labels)} pairs with labels {sorted(set(labels.tolist()))}; expected both 0 and 1")
        numbers = _numbers(pairs, clues)
        center, scale = numbers.mean(axis=0), numbers.std(axis=0)
        scale[scale == 0] = 1
        x = np.column_stack([np.ones(len(numbers)), (numbers - center) / scale])
        penalty = np.append(0.0, np.ones(numbers.shape[1]))
        is_next = (labels == IS_NEXT).astype(float)
        theta = np.zeros(x.shape[1])
        for _ in range(30):
            p = sigmoid((x * theta).sum(axis=1))
            gradient = (x * (p - is_next)[:, None]).sum(axis=0) + penalty * theta
            hessian = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty + 1e-9)
            step = np.linalg.solve(hessian, gradient)
            theta = theta - step
            if np.abs(step).max() < 1e-10:
                break
        model = cls(clues, center, scale, theta)
        model.loss = nsp_loss(model._logits(numbers), labels)
        return model

    def logits(self, pairs: Sequence[SentencePair]) -> Floats:
        """Return the logits of some pairs, shape (batch, 2), columns [IsNext, NotNext]; float64.

        Raises
        ------
        TypeError, ValueError
            If an item is not a SentencePair, or there are none.
        """
        check_pairs(pairs)
        return self._logits(_numbers(pairs, self.clues))

    def _logits(self, numbers: Floats) -> Floats:
        half_log_odds = (self.bias + ((numbers - self._center) / self._scale * self.weights).sum(axis=1)) / 2
        return np.column_stack([half_log_odds, -half_log_odds])


def _numbers(pairs: Sequence[SentencePair], clues: Sequence[Clue]) -> Floats:
    rows = [[float(number) for clue in clues for number in clue(pair)] for pair in pairs]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("a clue gives more numbers for one pair than for another; expected always the same count")
    numbers = np.array(rows)
    if not np.isfinite(numbers).all():
        raise ValueError("a clue gives NaN or infinity; expected finite numbers")
    return numbers
