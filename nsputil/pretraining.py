"""BERT's two tasks on one encoder: masked words and next sentence.

A `PretrainingModel` is an `NSPModel` with one more head, so it can be used wherever an `NSPModel` can. To train it,
give `nsputil.training.Experiment` a ``model`` that returns one and ``masking=mask_tokens``. Introduced in notebook 08.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from nsputil._types import Floats
from nsputil.bert import BertCache, BertEncoder
from nsputil.encoders import Gradient, RowGradient
from nsputil.evaluation import evaluate
from nsputil.heads import Cache, MLMCache, MLMHead, PoolerCache, join
from nsputil.masking import MaskedPairs, mask_tokens
from nsputil.model import NSPModel
from nsputil.pairs import SentencePair
from nsputil.pretraining_losses import mlm_loss
from nsputil.tokenization import Encoding, Vocabulary, encode_pairs


class PretrainingCache(NamedTuple):
    """What `PretrainingModel.forward_both` keeps: the caches of the model's four parts, and the batch."""

    encoder: BertCache
    pooler: PoolerCache
    head: Cache
    mlm_head: MLMCache
    batch: MaskedPairs


class PretrainingModel(NSPModel):
    """An encoder with two heads: the pooler and NSP head at [CLS], the MLM head at the hidden words.

    Parameters
    ----------
    encoder : BertEncoder
        Its word vectors are also the output weights of the MLM head, as in BERT.
    vocabulary, rng, pooled_width, max_length, std, encode
        As for `NSPModel`.

    Raises
    ------
    TypeError
        If the encoder is not a BertEncoder: a bag of words has no vector for each position.
    """

    encoder: BertEncoder
    parts = (*NSPModel.parts, "mlm_head")

    def __init__(
        self,
        encoder: BertEncoder,
        vocabulary: Vocabulary,
        rng: Generator,
        pooled_width: int | None = None,
        max_length: int = 128,
        std: float | None = None,
        encode: Encoding = encode_pairs,
    ) -> None:
        if not isinstance(encoder, BertEncoder):
            raise TypeError(f"the encoder is a {type(encoder).__name__}; expected a BertEncoder, with a vector a word")
        super().__init__(encoder, vocabulary, rng, pooled_width, max_length, std, encode)
        words = encoder.tables["words"]
        self.mlm_head = MLMHead(encoder.width, len(words), rng, words.dtype)

    def forward_both(self, batch: MaskedPairs, rng: Generator | None = None) -> tuple[Floats, Floats, PretrainingCache]:
        """Return ``(scores, logits, cache)``: of the hidden words, (count, vocabulary), and of the pairs, (batch, 2).

        Parameters
        ----------
        batch : MaskedPairs
        rng : numpy.random.Generator, optional
            For dropout.

        Raises
        ------
        TypeError
            If the batch is not masked.
        """
        if not isinstance(batch, MaskedPairs):
            raise TypeError(f"batch is a {type(batch).__name__}; expected MaskedPairs, as mask_tokens gives")
        logits, cache = self.forward(batch, rng)
        hidden = cache.encoder.hidden[batch.mlm_rows, batch.mlm_places]
        scores, mlm_cache = self.mlm_head.forward(hidden, self.encoder.tables["words"])
        return scores, logits, PretrainingCache(*cache, mlm_cache, batch)

    def backward_both(self, dscores: Floats, dlogits: Floats, cache: PretrainingCache) -> dict[str, Gradient]:
        """Return the gradients of all parameters by name, from the gradients in the scores and in the logits."""
        dpooled, head = self.head.backward(dlogits, cache.head)
        dh_cls, pooler = self.pooler.backward(dpooled, cache.pooler)
        dmasked, dwords, mlm_head = self.mlm_head.backward(dscores, cache.mlm_head)
        dhidden = np.zeros_like(cache.encoder.hidden)
        dhidden[cache.batch.mlm_rows, cache.batch.mlm_places] = dmasked
        encoder = self.encoder.backward(dh_cls, cache.encoder, dhidden)
        at_input = encoder["words"]
        assert isinstance(at_input, RowGradient)  # as BertEncoder makes it; this is for the type checker
        encoder["words"] = at_input.dense(dwords.shape) + dwords  # the same vectors are input and output weights
        return join({"encoder": encoder, "pooler": pooler, "head": head, "mlm_head": mlm_head})


def evaluate_both(model: PretrainingModel, pairs: Sequence[SentencePair], batch_size: int = 64) -> dict[str, float]:
    """`nsputil.training.evaluate`, and the loss and accuracy of guessing hidden words in the same pairs.

    Parameters
    ----------
    model : PretrainingModel
    pairs : list of SentencePair
    batch_size : int

    Returns
    -------
    dict
        As `evaluate` (the pairs are read unmasked), and mlm_loss and mlm_accuracy. The same words are hidden each time.
    """
    rng, losses, right = np.random.default_rng(0), [], []
    ordered = sorted(pairs, key=lambda pair: len(pair.sentence_a) + len(pair.sentence_b))  # little padding
    for start in range(0, len(pairs), batch_size):
        batch = encode_pairs(ordered[start : start + batch_size], model.vocabulary, model.max_length)
        masked = mask_tokens(batch, model.vocabulary, rng)
        scores = model.forward_both(masked)[0]
        losses.append(mlm_loss(scores, masked.mlm_labels, reduction="none"))
        right.append(scores.argmax(axis=1) == masked.mlm_labels)
    mlm = {"mlm_loss": np.concatenate(losses).mean(), "mlm_accuracy": np.concatenate(right).mean()}
    return evaluate(model, pairs) | {name: float(value) for name, value in mlm.items()}
