"""An `Experiment` says all that training needs, and what each part is unless another is given.

Every replaceable part of training is a field. To change one part, or to break it on purpose, take
``dataclasses.replace(experiment, loss=my_loss)``; `nsputil.training.train` does the rest. Introduced in notebook 07.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nsputil.corpus import split_documents
from nsputil.encoders import BagEncoder, idf_weights, ppmi_embeddings
from nsputil.evaluation import evaluate
from nsputil.losses import nsp_loss_and_grad
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW, warmup_linear
from nsputil.pretraining_losses import mlm_loss_and_grad
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import encode_pairs


def permuted(documents, rng):
    """The default pairs: adjacent sentences, and every B once more under an A of another document."""
    return sentence_level_pairs(documents, rng, negatives="permuted")


def bag_model(documents, vocabulary, rng, dim=64, pooled_width=64, dtype=np.float32, word_dropout=0.2):
    """The default model: a `BagEncoder` that starts from counted word vectors of the training documents."""
    embeddings = ppmi_embeddings(documents, vocabulary, dim, rng)
    encoder = BagEncoder(embeddings, idf_weights(documents, vocabulary), dtype, word_dropout)
    return NSPModel(encoder, vocabulary, rng, pooled_width)


def adamw(model, steps, rate=2e-3):
    """The default optimizer: AdamW with a warm-up over the first tenth, then a linear decay to 0."""
    return AdamW(model.parameters, rate, schedule=warmup_linear(max(1, steps // 10), steps + 1))


def bucketed(lengths, batch_size, rng):
    """The default batching: pairs of like length together, in a random order.

    Parameters
    ----------
    lengths : ndarray of int
    batch_size : int
    rng : numpy.random.Generator

    Returns
    -------
    list of ndarray
        Indices; each pair stands in one batch.
    """
    order = rng.permutation(len(lengths))
    pool = 20 * batch_size  # sort within pools only, so that batches stay mixed
    batches = []
    for start in range(0, len(order), pool):
        part = order[start : start + pool]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches.extend(part[k : k + batch_size] for k in range(0, len(part), batch_size))
    return [batches[k] for k in rng.permutation(len(batches))]


@dataclass(frozen=True)
class Experiment:
    """All that training needs; every field can be replaced.

    Attributes
    ----------
    documents : sequence of Document
    pairs : callable
        ``(documents, rng) -> list of SentencePair``; called anew for every epoch on the training documents.
    held_out_pairs : callable, optional
        The same for the held-out documents, called once for each part; None: `pairs` serves there too.
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
        ``(model, steps) -> optimizer``.
    batching : callable
        ``(lengths, batch_size, rng) -> list of index arrays``.
    evaluation : callable
        ``(model, pairs) -> dict of float``.
    masking : callable, optional
        ``(batch, vocabulary, rng) -> MaskedPairs``, such as `nsputil.masking.mask_tokens`. With it the model learns
        masked words too, and ``mlm_factor * MLM loss + NSP loss`` is minimized; it must be a `PretrainingModel`.
    mlm_loss : callable
        ``(scores, labels) -> (loss, gradient in the scores)``.
    mlm_factor : float
    batch_size, epochs, max_steps : int
        `max_steps`, if not None, ends training early.
    evaluate_every : int, optional
        Steps between evaluations on held-out pairs; None: at the end of each epoch only.
    watch : int
        How many held-out pairs these evaluations use at most.
    instrument_every : int
        Steps between two readings of the instruments; 0 switches them off.
    seed : int
    """

    documents: list
    pairs: Callable = permuted
    held_out_pairs: Callable | None = None
    split: Callable = split_documents
    vocabulary_size: int = 16_000
    model: Callable = bag_model
    encode: Callable = encode_pairs
    loss: Callable = nsp_loss_and_grad
    optimizer: Callable = adamw
    batching: Callable = bucketed
    evaluation: Callable = evaluate
    masking: Callable | None = None
    mlm_loss: Callable = mlm_loss_and_grad
    mlm_factor: float = 1.0
    batch_size: int = 128
    epochs: int = 2
    max_steps: int | None = None
    evaluate_every: int | None = None
    watch: int = 1000
    instrument_every: int = 20
    seed: int = 0
