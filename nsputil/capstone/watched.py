"""Models that keep a diary of what a training script does to them, called as in PyTorch. Introduced in notebook 12.

The diary is what a script is judged by: not its text, but the arrays that it passed, the gradients that it asked for,
and the rates of its steps.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nsputil._types import Bools, Floats, Ints
from nsputil.corpus import Document
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.tokenization import PAD_ID, SEP_ID, EncodedPairs, Vocabulary, truncate_pair


class Call(NamedTuple):
    """One call of the model: the three arrays, (batch, length) each, the logits, and the step before which it came."""

    input_ids: Ints
    attention_mask: Ints
    token_type_ids: Ints
    logits: Floats
    step: int


class Diary:
    """What both models share: they are called with arrays, as Hugging Face's models are, and write down what happens.

    Attributes
    ----------
    vocabulary : Vocabulary
    calls : list of Call
    gradients : list of ndarray, shape (batch, 2)
        What `backward` was given, one for each step.
    answered : list of int
        For each gradient the number of the call that it belongs to, counted from 0.
    rates : list of float
        What `step` was given.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.calls: list[Call] = []
        self.gradients: list[Floats] = []
        self.answered: list[int] = []
        self.rates: list[float] = []

    def __call__(
        self, input_ids: Ints, attention_mask: Ints | None = None, token_type_ids: Ints | None = None
    ) -> Floats:
        """Return the logits, shape (batch, 2), columns [IsNext, NotNext].

        Parameters
        ----------
        input_ids : ndarray of int, shape (batch, length)
        attention_mask : ndarray of int, optional
            1 for a token, 0 for padding; all 1 if left out.
        token_type_ids : ndarray of int, optional
            0 for A, 1 for B; all 0 if left out.
        """
        ids = np.asarray(input_ids)
        mask = np.ones_like(ids) if attention_mask is None else np.asarray(attention_mask)
        types = np.zeros_like(ids) if token_type_ids is None else np.asarray(token_type_ids)
        logits = self._logits(EncodedPairs(ids, types, mask, np.zeros(len(ids), dtype=np.int64)))
        self.calls.append(Call(ids, mask, types, logits.copy(), len(self.rates)))
        return logits

    def backward(self, dlogits: Floats) -> None:
        """Compute all gradients from the gradient in the logits of the last call.

        Raises a ValueError if the model was not called before.
        """
        if not self.calls:
            raise ValueError("backward was called before the model; expected logits = model(...) first")
        self.gradients.append(np.array(dlogits, dtype=np.float64))
        self.answered.append(len(self.calls) - 1)

    def step(self, rate: float) -> None:
        """Take one step with this learning rate.

        Raises a ValueError if `backward` was not called since the last step.
        """
        if len(self.gradients) == len(self.rates):
            raise ValueError("step was called before backward; expected model.backward(...) first")
        self.rates.append(float(rate))

    def _logits(self, batch: EncodedPairs) -> Floats:
        raise NotImplementedError


class WatchedModel(Diary):
    """An `NSPModel` that is trained in place, with AdamW, and keeps a diary.

    Parameters
    ----------
    model : NSPModel
    """

    def __init__(self, model: NSPModel) -> None:
        super().__init__(model.vocabulary)
        self.model = model
        self._optimizer = AdamW(model.parameters, 1.0)
        self._cache: Any = None
        self._gradients: Any = None

    def _logits(self, batch: EncodedPairs) -> Floats:
        logits, self._cache = self.model.forward(batch)
        return logits

    def backward(self, dlogits: Floats) -> None:
        """Compute the gradients of all parameters; see `Diary.backward`."""
        super().backward(dlogits)
        self._gradients = self.model.backward(np.asarray(dlogits, dtype=self.calls[-1].logits.dtype), self._cache)

    def step(self, rate: float) -> None:
        """Take one step of AdamW; see `Diary.step`. A rate of 0 changes nothing."""
        super().step(rate)
        if rate > 0:
            self._optimizer.learning_rate = float(rate)
            self._optimizer.step(self._gradients)


class KnownModel(Diary):
    """A model whose answers are known: right on about three rows of four, whatever it is trained with.

    It looks its answers up in the documents. So a script can be examined without a training, and a defect in one part
    cannot hide one in another.

    Parameters
    ----------
    documents : sequence of Document
    vocabulary : Vocabulary
    """

    def __init__(self, documents: Sequence[Document], vocabulary: Vocabulary) -> None:
        super().__init__(vocabulary)
        self.truth = Truth(documents, vocabulary)

    def _logits(self, batch: EncodedPairs) -> Floats:
        sums = batch.input_ids.sum(axis=1)
        right = np.where(sums % 4 == 0, -1.0, 1.0) * (0.5 + sums % 7 / 4)  # half of the gap toward the true label
        half = np.where(self.truth.labels(batch.input_ids) == IS_NEXT, right, -right)
        return np.stack([half, -half], axis=1)


class Truth:
    """Which pairs of texts follow each other, by the ids of their words: what an array is held against.

    Parameters
    ----------
    documents : sequence of Document
    vocabulary : Vocabulary
    max_length : int
        Of a row; longer pairs were truncated as `encode_pairs` does it.
    """

    def __init__(self, documents: Sequence[Document], vocabulary: Vocabulary, max_length: int = 128) -> None:
        self.following = set()
        self.sentences: set[tuple[int, ...]] = set()
        for document in documents:
            ids = [vocabulary.ids(sentence).tolist() for sentence in document.sentences]
            self.sentences.update(map(tuple, ids))
            for a, b in zip(ids, ids[1:], strict=False):
                a, b = truncate_pair(a, b, max_length - 3)
                self.following.add((tuple(a), tuple(b)))

    def labels(self, input_ids: Ints) -> Ints:
        """Return 0 where B follows A in the documents and 1 elsewhere, from rows of ``[CLS] A [SEP] B [SEP]``."""
        return np.array(
            [IS_NEXT if pair in self.following else NOT_NEXT for pair in map(_texts, np.asarray(input_ids))]
        )

    def holds(self, input_ids: Ints) -> Bools:
        """Return True where A or B is a sentence of the documents; a text that was truncated is none."""
        return np.array([not self.sentences.isdisjoint(_texts(row)) for row in np.asarray(input_ids)], dtype=bool)


def _texts(row: Ints) -> tuple[tuple[int, ...], ...]:
    """Return the ids of A and B of a row ``[CLS] A [SEP] B [SEP]``; nothing if it is no such row."""
    ends = np.flatnonzero(row == SEP_ID)
    if len(ends) < 2:
        return ()
    return tuple(row[1 : ends[0]].tolist()), tuple(row[ends[0] + 1 : ends[1]].tolist())


def right_arrays(call: Call) -> bool:
    """Return True if mask and segments of a call are those of its rows ``[CLS] A [SEP] B [SEP]``."""
    is_token = call.input_ids != PAD_ID
    is_sep = call.input_ids == SEP_ID
    in_b = is_token & (np.cumsum(is_sep, axis=1) - is_sep >= 1)
    return np.array_equal(call.attention_mask, is_token) and np.array_equal(call.token_type_ids, in_b)
