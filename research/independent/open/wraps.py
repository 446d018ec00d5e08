"""Small ways to edit an Experiment, as a person would edit a script."""

from copy import copy
from dataclasses import replace

import numpy as np

from nsputil.encoders import RowGradient
from nsputil.losses import log_softmax
from nsputil.tokenization import EncodedPairs


def train_pairs(e, change):
    """Change the training pairs only: `change(pairs, rng) -> pairs`."""
    return replace(e, pairs=lambda d, r: change(e.pairs(d, r), r), held_out_pairs=e.held_out_pairs or e.pairs)


def all_pairs(e, change):
    held = e.held_out_pairs or e.pairs
    return replace(e, pairs=lambda d, r: change(e.pairs(d, r), r), held_out_pairs=lambda d, r: change(held(d, r), r))


def held_pairs(e, change):
    held = e.held_out_pairs or e.pairs
    return replace(e, held_out_pairs=lambda d, r: change(held(d, r), r))


def all_encode(e, change):
    """`change(EncodedPairs) -> EncodedPairs` wherever pairs become arrays."""
    return replace(e, encode=lambda p, v, n: change(e.encode(p, v, n)))


def train_encode(e, encode):
    """Another `encode` in training; the evaluation has the old one."""
    return replace(e, encode=encode, evaluation=lambda m, p: e.evaluation(m.with_encoding(e.encode), p))


def held_encode(e, encode):
    return replace(e, evaluation=lambda m, p: e.evaluation(m.with_encoding(encode), p))


def all_documents(e, change):
    return replace(e, documents=[change(d) for d in e.documents])


def train_documents(e, change):
    """`change(list of documents, rng) -> list`, of the training part."""

    def split(documents, rng):
        a, b, c = e.split(documents, rng)
        return change(a, rng), b, c

    return replace(e, split=split)


def on_model(e, change):
    """`change(model, rng) -> model or None` after the model was built."""

    def build(documents, vocabulary, rng):
        model = e.model(documents, vocabulary, rng)
        return change(model, rng) or model

    return replace(e, model=build)


def on_optimizer(e, make):
    return replace(e, optimizer=make)


class Around:
    """An optimizer around another."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.__dict__["inner"], name)

    def step(self, gradients):
        self.inner.step(gradients)


def around(e, change):
    """`change(gradients, step) -> gradients` before the optimizer."""

    class Changed(Around):
        def step(self, gradients):
            self.inner.step(change(gradients, self.inner.steps))

    return replace(e, optimizer=lambda m, s: Changed(e.optimizer(m, s)))


def times(gradients, factor):
    return {n: RowGradient(g.rows, g.values * g.values.dtype.type(factor)) if isinstance(g, RowGradient)
            else g * g.dtype.type(factor) for n, g in gradients.items()}


def dense(gradients, parameters):
    return {n: g.dense(parameters[n].shape) if isinstance(g, RowGradient) else g for n, g in gradients.items()}


def softmax(z, axis=1):
    return np.exp(log_softmax(np.asarray(z, np.float64), axis))


def onehot(labels):
    y = np.zeros((len(labels), 2))
    y[np.arange(len(labels)), labels] = 1
    return y


def cross_entropy(z, target):
    """Loss and gradient of -mean sum target log softmax."""
    lp = log_softmax(np.asarray(z, np.float64), 1)
    return float(-(target * lp).sum(1).mean()), ((np.exp(lp) * target.sum(1, keepdims=True) - target) / len(z)).astype(z.dtype)


def with_ids(b, ids):
    return EncodedPairs(ids, b.token_type_ids, b.attention_mask, b.labels)


def with_types(b, types):
    return EncodedPairs(b.input_ids, types, b.attention_mask, b.labels)


def with_mask(b, mask):
    return EncodedPairs(b.input_ids, b.token_type_ids, mask, b.labels)


def with_labels(b, labels):
    return EncodedPairs(b.input_ids, b.token_type_ids, b.attention_mask, np.asarray(labels, dtype=np.int64))


def pad_rows(rows, types, labels):
    """Lists of ids and of types to arrays."""
    length = max(map(len, rows))
    ids, tt, mask = (np.zeros((len(rows), length), np.int64) for _ in range(3))
    for k, (r, t) in enumerate(zip(rows, types)):
        ids[k, : len(r)], tt[k, : len(r)], mask[k, : len(r)] = r, t, 1
    return EncodedPairs(ids, tt, mask, np.asarray(labels, dtype=np.int64))


def subclass(model, **methods):
    """A copy of a model with methods of its own (parameters shared)."""
    other = copy(model)
    other.__class__ = type("Own" + type(model).__name__, (type(model),), methods)
    return other
