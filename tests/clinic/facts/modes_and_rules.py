"""Defects of evaluation mode, of rules that are not odd, of batches and of starts: relatives of strangers' defects.

Name -> (edit, place, causes), as in `near_misses`.
"""

from dataclasses import replace
from functools import partial as P

import numpy as np
from fact_mutants import BAG, modelled, pairs_changed
from reads_and_rows import Around, around

from nsputil.clinic.facts.labels import ELSEWHERE
from nsputil.clinic.programs import healthy
from nsputil.encoders import RowGradient
from nsputil.losses import nsp_loss_and_grad
from nsputil.optimizers import SGD, AdamW
from nsputil.sentence_pairs import sentence_level_pairs


class Stale(Around):
    """Evaluation mode standardizes with running statistics that move by a thousandth in each step."""

    def __init__(self, inner):
        super().__init__(inner)
        self.mean, self.scale = np.zeros(inner.width), np.ones(inner.width)

    def told(self, h, rng):
        mean, scale = h.mean(axis=0), h.std(axis=0) + 1e-3
        if rng is None:
            mean, scale = self.mean, self.scale
        else:
            self.mean += 0.001 * (mean - self.mean)
            self.scale += 0.001 * (scale - self.scale)
        mean, scale = mean.astype(h.dtype), scale.astype(h.dtype)
        return (h - mean) / scale, lambda dh: dh / scale


class ByLength(Around):
    """The vector of a row is divided by its length, padding and all."""

    def forward(self, batch, rng=None):
        h, cache = self.inner.forward(batch, rng)
        factor = h.dtype.type(20 / batch.input_ids.shape[1])
        return h * factor, (cache, lambda dh: dh * factor)


class OfTheStart(Around):
    """Evaluation mode uses the word vectors of the start."""

    def __init__(self, inner):
        super().__init__(inner)
        self.kept = {name: array.copy() for name, array in inner.parameters.items()}

    def forward(self, batch, rng=None):
        if rng is not None:
            return super().forward(batch, rng)
        live = {name: array.copy() for name, array in self.parameters.items()}
        try:
            for name, array in self.kept.items():
                self.parameters[name][...] = array
            return super().forward(batch, rng)
        finally:
            for name, array in live.items():
                self.parameters[name][...] = array


def _by_value(change, gradient):
    if isinstance(gradient, RowGradient):
        return RowGradient(gradient.rows, change(gradient.values))
    return change(gradient)


class Bounded:
    """An optimizer that is given gradients of which each entry was changed."""

    def __init__(self, inner, change):
        self.inner, self.change = inner, change

    def __getattr__(self, name):
        return getattr(self.__dict__["inner"], name)

    def step(self, gradients):
        return self.inner.step({name: _by_value(self.change, g) for name, g in gradients.items()})


def bounded(change, rule=AdamW, rate=3e-3):
    return lambda e: replace(e, optimizer=lambda m, n: Bounded(rule(m.parameters, rate), change), max_steps=40)


def zero_vectors(model):
    table = model.parameters["encoder.embeddings"]
    table[...] = table.astype(np.int64)


def a_third(lengths, size, rng):
    """Of three pairs that follow each other only the first one is in a batch."""
    order = rng.permutation(np.arange(0, len(lengths), 3))
    return [order[k : k + size] for k in range(0, len(order), size)]


def five_negatives(documents, rng):
    """Five NotNext pairs for each IsNext pair."""
    made = [sentence_level_pairs(documents, rng, negatives="permuted") for _ in range(5)]
    return made[0] + [pair for more in made[1:] for pair in more if pair.label == 1]


def weights(is_next):
    """A loss in which a pair with label 0 counts so many times."""
    return lambda logits, labels: nsp_loss_and_grad(logits, labels, weights=np.where(labels == 0, is_next, 1.0))


def uneven(e, weight):
    return replace(e, pairs=five_negatives, held_out_pairs=e.pairs, loss=weights(weight))


class Lookahead:
    """After five steps the weights are drawn back to slower ones, which follow them by a share."""

    def __init__(self, inner, parameters, share, every=5):
        self.inner, self.parameters, self.share, self.every = inner, parameters, share, every
        self.slow = {name: array.copy() for name, array in parameters.items()}

    def __getattr__(self, name):
        return getattr(self.__dict__["inner"], name)

    def step(self, gradients):
        self.inner.step(gradients)
        if self.inner.steps % self.every == 0:
            for name, array in self.parameters.items():
                self.slow[name] += array.dtype.type(self.share) * (array - self.slow[name])
                array[...] = self.slow[name]


def drawn_back(share):
    return lambda e: replace(
        e, optimizer=lambda m, n: Lookahead(AdamW(m.parameters, 3e-3), m.parameters, share), max_steps=42
    )


def rate_below_zero(e):
    def optimizer(model, steps):
        return AdamW(model.parameters, 3e-3, schedule=lambda step: 1 - step / (0.8 * steps))

    return replace(e, optimizer=optimizer, max_steps=60)


def first_pair_alone(logits, labels):
    """The loop over a batch returns too early."""
    value, gradient = nsp_loss_and_grad(logits[:1], labels[:1])
    return value, np.concatenate([gradient, np.zeros_like(logits[1:])])


def parts_mixed_up(e):
    """What should be tested on is trained on."""

    def split(documents, rng):
        train, valid, test = e.split(documents, rng)
        return test[:4], valid, [*train, *test[4:]]

    return replace(e, split=split, documents=healthy(BAG, 0).documents[:60])


def words_dropped(share):
    def change(model):
        model.encoder.word_dropout = share

    return P(modelled, change)


def report_of_the_start(e):
    """The best weights are those of the start for ever."""
    kept = {}

    def model(documents, vocabulary, rng):
        made = e.model(documents, vocabulary, rng)
        kept["start"] = {name: array.copy() for name, array in made.parameters.items()}
        return made

    def evaluation(model, pairs):
        live = {name: array.copy() for name, array in model.parameters.items()}
        for name, array in kept["start"].items():
            model.parameters[name][...] = array
        report = e.evaluation(model, pairs)
        for name, array in live.items():
            model.parameters[name][...] = array
        return report

    return replace(e, model=model, evaluation=evaluation, max_steps=120, watch=600)


def next_texts_with_letters_lost(pairs, documents, rng):
    """B of a pair NotNext is the true next text without its letters e; a text that has none stays as it is."""
    changed = []
    for pair in pairs:
        sentences = documents[pair.document_a].sentences
        if pair.label == 1 and pair.position_a + 1 < len(sentences):
            changed.append(replace(pair, sentence_b=sentences[pair.position_a + 1].replace("e", "")))
        else:
            changed.append(pair)
    return changed


def one_label_for_each_document(pairs, documents, rng):
    coin = rng.integers(2, size=len(documents))
    return [pair for pair in pairs if pair.label == coin[pair.document_a]]


MODES_AND_RULES = {
    "one label for each document": (
        P(pairs_changed, one_label_for_each_document, where="training"),
        "pairs",
        {None},
    ),
    "statistics that stay behind": (
        lambda e: around(Stale)(replace(e, max_steps=240, optimizer=lambda m, n: AdamW(m.parameters, 3e-3))),
        "model",
        {None},
    ),
    "word vectors of the start": (
        lambda e: around(OfTheStart)(replace(e, max_steps=240, optimizer=lambda m, n: AdamW(m.parameters, 1e-2))),
        "model",
        {None},
    ),
    "divided by the padded length": (around(ByLength), "model", {"padding-attended"}),
    "cut off above": (bounded(lambda g: np.minimum(g, g.dtype.type(1e-4))), "optimizer", {None}),
    "only what is above zero": (bounded(lambda g: np.maximum(g, 0)), "optimizer", {None}),
    "sizes without signs": (bounded(np.abs, SGD, 0.1), "optimizer", {None}),
    "vectors that are all zero": (P(modelled, zero_vectors), "model", {None}),
    "weights that return to slow ones": (drawn_back(0.0), "optimizer", {None}),
    "slow weights that hardly follow": (drawn_back(0.05), "optimizer", {None}),
    "a rate below zero": (rate_below_zero, "optimizer", {None}),
    "the first pair of a batch alone": (lambda e: replace(e, loss=first_pair_alone), "loss", {None}),
    "parts of a split mixed up": (parts_mixed_up, "split", {None}),
    "nearly all words dropped": (words_dropped(0.97), "model", {"dropout-too-high"}),
    "a report of the start": (report_of_the_start, "evaluation", {"stale-checkpoint"}),
    "next texts with letters lost": (P(pairs_changed, next_texts_with_letters_lost), "pairs", {None, ELSEWHERE}),
    "a third of the pairs": (
        lambda e: replace(e, batching=a_third, documents=healthy(BAG, 0).documents[:96]),
        "batching",
        {None},
    ),
    "five negatives without weights": (P(uneven, weight=1.0), "pairs", {"prior-shift"}),
    "five negatives, and the weights the other way": (P(uneven, weight=0.2), "pairs", {"prior-shift"}),
}
