"""An `Experiment` is everything that training needs; each part has a default.

Every replaceable part of training is a field. To change one part, or to break it on purpose, take
``dataclasses.replace(experiment, loss=my_loss)``; `nsputil.training.train` does the rest. Introduced in notebook 07.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from nsputil._types import Floats, Ints
from nsputil.corpus import Document, split_documents
from nsputil.encoders import BagEncoder, idf_weights, ppmi_embeddings
from nsputil.evaluation import evaluate
from nsputil.losses import nsp_loss_and_grad
from nsputil.masking import MaskedPairs
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW, Optimizer, warmup_linear
from nsputil.pairs import SentencePair
from nsputil.pretraining_losses import mlm_loss_and_grad
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import EncodedPairs, Encoding, Vocabulary, encode_pairs

# The types of the parts that can be replaced; `Experiment` says what each of them is for.
Documents = Sequence[Document]
PairSampler = Callable[[Documents, Generator], list[SentencePair]]
Split = Callable[[Documents, Generator], Sequence[Documents]]
ModelMaker = Callable[[Documents, Vocabulary, Generator], NSPModel]
Loss = Callable[[Floats, Ints], tuple[float, Floats]]
OptimizerMaker = Callable[[NSPModel, int], Optimizer]
Batching = Callable[[Ints, int, Generator], Sequence[Ints]]
Evaluation = Callable[[Any, list[SentencePair]], dict[str, Any]]  # the first Any: what the ModelMaker makes
Masking = Callable[[EncodedPairs, Vocabulary, Generator], MaskedPairs]


def permuted(documents: Documents, rng: Generator) -> list[SentencePair]:
    """The default pairs: adjacent sentences, and every B once more after an A of another document."""
    return sentence_level_pairs(documents, rng, negatives="permuted")


def bag_model(
    documents: Documents,
    vocabulary: Vocabulary,
    rng: Generator,
    dim: int = 64,
    pooled_width: int = 64,
    dtype: DTypeLike = np.float32,
    word_dropout: float = 0.2,
) -> NSPModel:
    """The default model: a `BagEncoder` that starts from counted word vectors of the training documents."""
    embeddings = ppmi_embeddings(documents, vocabulary, dim, rng)
    encoder = BagEncoder(embeddings, idf_weights(documents, vocabulary), dtype, word_dropout)
    return NSPModel(encoder, vocabulary, rng, pooled_width)


def adamw(model: NSPModel, steps: int, rate: float = 2e-3) -> AdamW:
    """The default optimizer: AdamW with a warm-up over the first tenth, then a linear decay to 0."""
    return AdamW(model.parameters, rate, schedule=warmup_linear(max(1, steps // 10), steps + 1))


def bucketed(lengths: Ints, batch_size: int, rng: Generator) -> list[Ints]:
    """The default batching: pairs of similar length together, in a random order.

    Parameters
    ----------
    lengths : ndarray of int
    batch_size : int
    rng : numpy.random.Generator

    Returns
    -------
    list of ndarray
        Indices; each pair is in exactly one batch.
    """
    order = rng.permutation(len(lengths))
    pool = 20 * batch_size  # sort within pools only, so that batches stay mixed
    batches: list[Ints] = []
    for start in range(0, len(order), pool):
        part = order[start : start + pool]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches.extend(part[k : k + batch_size] for k in range(0, len(part), batch_size))
    return [batches[k] for k in rng.permutation(len(batches))]


@dataclass(frozen=True)
class Experiment:
    """Everything that training needs; every field can be replaced.

    Attributes
    ----------
    documents : sequence of Document
    pairs : callable
        ``(documents, rng) -> list of SentencePair``; called for every epoch with the training documents.
    held_out_pairs : callable, optional
        The same for the held-out documents, called once for each part; None: `pairs` is used there too.
    split : callable
        ``(documents, rng) -> (train, valid, test)``.
    vocabulary_size : int
    model : callable
        ``(documents, vocabulary, rng) -> NSPModel``.
    encode : callable
        ``(pairs, vocabulary, max_length) -> EncodedPairs``; the trained model keeps it for its predictions.
    loss : callable
        ``(logits, labels) -> (loss, gradient in the logits)``.
    optimizer : callable
        ``(model, steps) -> Optimizer``, with the number of steps that training will take.
    batching : callable
        ``(lengths, batch_size, rng) -> list of index arrays``.
    evaluation : callable
        ``(model, pairs) -> dict``, numbers by name, such as `nsputil.evaluation.evaluate`.
    masking : callable, optional
        ``(batch, vocabulary, rng) -> MaskedPairs``, such as `nsputil.masking.mask_tokens`. With it the model learns
        masked words too, and ``mlm_factor * MLM loss + NSP loss`` is minimized; it must be a `PretrainingModel`.
    mlm_loss : callable
        ``(scores, labels) -> (loss, gradient in the scores)``.
    mlm_factor : float
    batch_size, epochs : int
    max_steps : int, optional
        Ends training early.
    evaluate_every : int, optional
        Steps between evaluations on held-out pairs; None: at the end of each epoch only.
    watch : int
        How many held-out pairs these evaluations use at most.
    instrument_every : int
        Steps between two readings of the instruments; 0 switches them off.
    seed : int
    """

    documents: Documents
    pairs: PairSampler = permuted
    held_out_pairs: PairSampler | None = None
    split: Split = split_documents
    vocabulary_size: int = 16_000
    model: ModelMaker = bag_model
    encode: Encoding = encode_pairs
    loss: Loss = nsp_loss_and_grad
    optimizer: OptimizerMaker = adamw
    batching: Batching = bucketed
    evaluation: Evaluation = evaluate
    masking: Masking | None = None
    mlm_loss: Loss = mlm_loss_and_grad
    mlm_factor: float = 1.0
    batch_size: int = 128
    epochs: int = 2
    max_steps: int | None = None
    evaluate_every: int | None = None
    watch: int = 1000
    instrument_every: int = 20
    seed: int = 0
