"""The family "model": how a model starts, and what it computes."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from nsputil._types import Floats
from nsputil.clinic.faults.base import Fault, around
from nsputil.encoders import BagEncoder, Gradient
from nsputil.experiment import Documents, ModelMaker
from nsputil.heads import NSPHead, Pooler, PoolerCache
from nsputil.model import NSPModel
from nsputil.tokenization import EncodedPairs, Vocabulary


def saturated(
    model: ModelMaker, factor: float, documents: Documents, vocabulary: Vocabulary, rng: Generator
) -> NSPModel:
    """The severity is the factor by which the weights of the pooler are too large at the start."""
    built = model(documents, vocabulary, rng)
    size = np.abs(built.pooler.parameters["weight"]).mean() * np.sqrt(built.encoder.width)
    built.pooler.parameters["weight"] *= built.pooler.parameters["weight"].dtype.type(factor / size)
    return built


def zero_start(
    model: ModelMaker, severity: float, documents: Documents, vocabulary: Vocabulary, rng: Generator
) -> NSPModel:
    """Pooler and head start from zeros."""
    built = model(documents, vocabulary, rng)
    for part in (built.pooler, built.head):
        part.parameters["weight"][...] = 0
    return built


def not_loaded(
    model: ModelMaker, severity: float, documents: Documents, vocabulary: Vocabulary, rng: Generator
) -> NSPModel:
    """The numbers of each pretrained array are permuted, so the encoder keeps only shapes and scales."""
    built = model(documents, vocabulary, rng)
    for array in built.encoder.parameters.values():
        if array.ndim > 1:
            array[...] = rng.permuted(array.reshape(-1)).reshape(array.shape)
    return built


def dropout(model: ModelMaker, share: float, documents: Documents, vocabulary: Vocabulary, rng: Generator) -> NSPModel:
    """The severity is the fraction of units, or of words, that a training step drops."""
    built = model(documents, vocabulary, rng)
    encoder: Any = built.encoder
    if isinstance(encoder, BagEncoder):
        encoder.word_dropout = share
    else:
        encoder.dropout = share
    return built


class AlwaysTraining:
    """An encoder that never leaves training mode; its dropout draws from a generator of its own."""

    def __init__(self, encoder: Any, rng: Generator) -> None:
        self.encoder, self.rng, self.attends = encoder, rng, encoder.attends
        self.parameters, self.width, self.backward = encoder.parameters, encoder.width, encoder.backward

    def forward(self, batch: EncodedPairs, rng: Generator | None = None) -> tuple[Floats, Any]:
        """Return ``(h_cls, cache)`` with units dropped."""
        return self.encoder.forward(batch, rng or self.rng)


def dropout_left_on(
    model: ModelMaker, share: float, documents: Documents, vocabulary: Vocabulary, rng: Generator
) -> NSPModel:
    """The severity is the fraction that is dropped, in evaluation too."""
    built = dropout(model, share, documents, vocabulary, rng)
    built.encoder = AlwaysTraining(built.encoder, np.random.default_rng(rng.integers(2**63)))
    return built


class WithoutComparison:
    """A bag whose h_cls holds u and v but nothing that compares them."""

    def __init__(self, encoder: Any) -> None:
        self.encoder, self.attends = encoder, encoder.attends
        self.parameters, self.width = encoder.parameters, encoder.width
        dim = (encoder.width - 2) // 4
        self.u_and_v = np.zeros(encoder.width, next(iter(encoder.parameters.values())).dtype)
        self.u_and_v[2 * dim : 4 * dim] = 1

    def forward(self, batch: EncodedPairs, rng: Generator | None = None) -> tuple[Floats, Any]:
        """Return ``(h_cls, cache)``."""
        h_cls, cache = self.encoder.forward(batch, rng)
        return h_cls * self.u_and_v, cache

    def backward(self, dh_cls: Floats, cache: Any) -> Mapping[str, Gradient]:
        """Return the gradients by name."""
        return self.encoder.backward(dh_cls * self.u_and_v, cache)


def no_comparison(
    model: ModelMaker, severity: float, documents: Documents, vocabulary: Vocabulary, rng: Generator
) -> NSPModel:
    """h_cls is [u, v]: the vectors of the two texts side by side."""
    built = model(documents, vocabulary, rng)
    built.encoder = WithoutComparison(built.encoder)
    return built


def narrow(model: ModelMaker, width: float, documents: Documents, vocabulary: Vocabulary, rng: Generator) -> NSPModel:
    """The severity is the number of pooled units that reach the head; all others count as zero."""
    built: Any = model(documents, vocabulary, rng)
    built.head = Narrow(built.head, round(width))
    return built


class Narrow:
    """A head that reads the first few pooled units only."""

    def __init__(self, head: NSPHead, width: float) -> None:
        self.head, self.width, self.parameters = head, width, head.parameters

    def _cut(self, x: Floats) -> Floats:
        x = x.copy()
        x[:, self.width :] = 0
        return x

    def forward(self, pooled: Floats) -> tuple[Floats, Any]:
        """Return ``(logits, cache)``."""
        return self.head.forward(self._cut(pooled))

    def backward(self, dlogits: Floats, cache: Any) -> tuple[Floats, Mapping[str, Gradient]]:
        """Return ``(dpooled, gradients)``."""
        dpooled, gradients = self.head.backward(dlogits, cache)
        return self._cut(dpooled), gradients


class WrongSignPooler(Pooler):
    """A pooler whose backward pass has a sign error in the derivative of tanh."""

    def backward(self, dpooled: Floats, cache: PoolerCache) -> tuple[Floats, dict[str, Floats]]:
        """Return ``(dh_cls, gradients)``, wrong."""
        return super().backward(-dpooled, cache)


def wrong_gradient(
    model: ModelMaker, severity: float, documents: Documents, vocabulary: Vocabulary, rng: Generator
) -> NSPModel:
    """The gradients of pooler and encoder have the wrong sign; the gradient of the head is right."""
    built = model(documents, vocabulary, rng)
    built.pooler.__class__ = WrongSignPooler
    return built


class Rectified(Pooler):
    """A pooler with a rectifier instead of tanh."""

    def forward(self, h_cls: Floats) -> tuple[Floats, PoolerCache]:
        """Return ``(pooled, cache)``."""
        y, x = super(Pooler, self).forward(h_cls)
        return np.maximum(y, 0), PoolerCache(x, (y > 0).astype(y.dtype))

    def backward(self, dpooled: Floats, cache: PoolerCache) -> tuple[Floats, dict[str, Floats]]:
        """Return ``(dh_cls, gradients)``."""
        return super(Pooler, self).backward(dpooled * cache.pooled, cache.h_cls)


def dead_units(
    model: ModelMaker, offset: float, documents: Documents, vocabulary: Vocabulary, rng: Generator
) -> NSPModel:
    """The severity is how far below zero the biases of a rectified pooler start."""
    built = model(documents, vocabulary, rng)
    built.pooler.__class__ = Rectified
    built.pooler.parameters["bias"][...] = -offset
    return built


_fault = partial(Fault, family="model")

FAULTS = [
    _fault(
        name="pooler-saturated",
        group="unstable",
        mechanism="The pooler starts with weights so large that tanh is flat and passes hardly any gradient.",
        fix="Start from a standard deviation of 0.02, or one over the root of the width.",
        source="Glorot and Bengio 2010, proceedings.mlr.press/v9/glorot10a",
        edit=around("model", saturated),
        severity=(20.0, 80.0),
        harms="loss",
    ),
    _fault(
        name="zero-init",
        group="stuck-at-ln2",
        mechanism="Pooler and head start from zeros, so no gradient passes and only a bias moves.",
        fix="Start from random weights.",
        source="",
        edit=around("model", zero_start),
    ),
    _fault(
        name="pretrained-not-loaded",
        group="weak-ceiling",
        mechanism="The checkpoint has other names for the encoder's weights, so they were not loaded and stay random.",
        fix="Read the list of missing keys; test the encoder before training.",
        source="huggingface/transformers#2308",
        edit=around("model", not_loaded),
    ),
    _fault(
        name="dropout-too-high",
        group="weak-ceiling",
        mechanism="Training drops almost everything, so little is learned from each pair.",
        fix="A dropout of 0.1.",
        source="Srivastava et al. 2014, jmlr.org/papers/v15/srivastava14a",
        edit=around("model", dropout),
        severity=(0.85, 0.95),
    ),
    _fault(
        name="dropout-in-evaluation",
        group="weak-ceiling",
        mechanism="The model was never set to evaluation mode, so the same pair gets another prediction each time.",
        fix="Switch dropout off; the same pair must get the same number twice.",
        source="huggingface/transformers#679",
        edit=around("model", dropout_left_on),
        severity=(0.5, 0.8),
    ),
    _fault(
        name="no-comparison",
        group="stuck-at-ln2",
        mechanism="h_cls holds the two texts side by side and nothing that compares them.",
        fix="Add the product or the difference, or attention between the two.",
        source="Reimers and Gurevych 2019, arXiv 1908.10084",
        edit=around("model", no_comparison),
        encoders=("bag",),
    ),
    _fault(
        name="pooler-narrow",
        group="weak-ceiling",
        mechanism="Only one or two pooled units reach the head: enough for two classes, if they learn in time.",
        fix="Widen the pooler until a wider one no longer helps.",
        source="",
        edit=around("model", narrow),
        severity=(1.0, 2.0),
        harmless=("bag-adamw-sotu", "bert-adamw-sotu"),
    ),
    _fault(
        name="backward-wrong",
        group="stuck-at-ln2",
        mechanism="A hand-written backward pass has a sign error, so the head learns and the pooler unlearns.",
        fix="Check every gradient with finite differences.",
        source="",
        edit=around("model", wrong_gradient),
    ),
    _fault(
        name="dead-units",
        group="stuck-at-ln2",
        mechanism="Rectified units start so far below zero that none of them is ever active.",
        fix="Biases of zero; tanh or a leaky unit.",
        source="Lu et al. 2019, arXiv 1903.06733",
        edit=around("model", dead_units),
        severity=(5.0, 20.0),
        outside=True,
    ),
]
