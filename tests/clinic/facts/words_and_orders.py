"""Defects of words, orders and gradients that are lost on the way: relatives of those that strangers wrote.

Name -> (edit, place, causes), as in `near_misses`.
"""

from copy import deepcopy
from dataclasses import replace
from functools import partial as P

import numpy as np
from fact_mutants import modelled, pairs_changed
from modes_and_rules import bounded
from reads_and_rows import Around, around

from nsputil.corpus import Document
from nsputil.encoders import RowGradient
from nsputil.losses import nsp_loss_and_grad
from nsputil.model import NSPModel
from nsputil.optimizers import SGD, AdamW
from nsputil.pairs import NOT_NEXT
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import encode_pairs


class Wrapped(Around):
    """Ids beyond 150 begin again at 5."""

    def seen(self, batch):
        ids = batch.input_ids
        return replace(batch, input_ids=np.where(ids < 150, ids, 5 + ids % 145))


class Hashed(Around):
    """Ids are hashed over the whole table, as people choose: few words share a row."""

    def seen(self, batch):
        rows = len(self.parameters["embeddings"])
        ids = batch.input_ids
        return replace(batch, input_ids=np.where(ids < 5, ids, 5 + ids * 7919 % (rows - 5)))


class ByRows(Around):
    """h_cls is divided by the number of rows of the batch, times the usual one."""

    def told(self, h, rng):
        factor = h.dtype.type(32 / len(h))
        return h * factor, lambda dh: dh * factor


class OneMask(Around):
    """Half of the units are dropped in training, always the same ones, beside the words that are dropped."""

    def told(self, h, rng):
        if rng is None:
            return h, lambda dh: dh
        mask = ((np.arange(h.shape[1]) % 2) * 2).astype(h.dtype)
        return h * mask, lambda dh: dh * mask


class EvenWidths(Around):
    """Rows of an even width give twice as long a vector as others."""

    def forward(self, batch, rng=None):
        h, cache = self.inner.forward(batch, rng)
        factor = h.dtype.type(2 - batch.input_ids.shape[1] % 2)
        return h * factor, (cache, lambda dh: dh * factor)


class IdsForMask(Around):
    """The segment ids are taken for the mask."""

    def seen(self, batch):
        return replace(batch, attention_mask=batch.token_type_ids)


class Kept(Around):
    """Each gradient is added to those before it, and the sum is returned."""

    def __init__(self, inner):
        super().__init__(inner)
        self.sums = {}

    def backward(self, dh, cache):
        for name, g in super().backward(dh, cache).items():
            dense = g.dense(self.parameters[name].shape) if isinstance(g, RowGradient) else g
            self.sums[name] = self.sums.get(name, 0) + dense
        return dict(self.sums)


class Backwards(NSPModel):
    """The logits of pairs come back in the opposite order."""

    def logits(self, pairs, batch_size=32):
        return super().logits(pairs, batch_size)[::-1]


class Frozen(NSPModel):
    """The logits of pairs are those of the model as it was made."""

    def logits(self, pairs, batch_size=32):
        live = {name: array.copy() for name, array in self.parameters.items()}
        for name, array in self.first.items():
            self.parameters[name][...] = array
        found = super().logits(pairs, batch_size)
        for name, array in live.items():
            self.parameters[name][...] = array
        return found


def of_class(kind):
    def change(model):
        model.first = {name: array.copy() for name, array in model.parameters.items()}
        model.__class__ = kind
        return model

    return P(modelled, change)


class InFours:
    """Gradients of four batches are one step; `added` says whether they are added up or each replaces the last."""

    def __init__(self, inner, added):
        self.inner, self.added, self.steps, self.sums = inner, added, 0, {}

    def __getattr__(self, name):
        return getattr(self.__dict__["inner"], name)

    def step(self, gradients):
        self.steps += 1
        for name, g in gradients.items():
            dense = g.dense(self.inner.parameters[name].shape) if isinstance(g, RowGradient) else g
            self.sums[name] = dense / 4 + (self.sums.get(name, 0) if self.added else 3 * dense / 4)
        if self.steps % 4 == 0:
            self.inner.step(self.sums)
            self.sums = {}


def in_fours(added):
    return lambda e: replace(e, optimizer=lambda m, n: InFours(AdamW(m.parameters, 3e-3), added), max_steps=80)


def betas(first, second):
    return lambda e: replace(e, optimizer=lambda m, n: AdamW(m.parameters, 1e-3, betas=(first, second)), max_steps=80)


def other_labels(choose):
    """A loss that pairs logits with labels in another order."""

    def loss(logits, labels):
        rows, of = choose(np.arange(len(labels)), labels)
        value, gradient = nsp_loss_and_grad(logits[rows], of)
        whole = np.zeros_like(logits)
        whole[rows] = gradient
        return value, whole

    return lambda e: replace(e, loss=loss)


def towards_is_next(logits, labels):
    """A fifth of each target is given to IsNext, whatever the label is."""
    value, gradient = nsp_loss_and_grad(logits, labels)
    other, towards = nsp_loss_and_grad(logits, np.zeros_like(labels))
    return 0.8 * value + 0.2 * other, logits.dtype.type(0.8) * gradient + logits.dtype.type(0.2) * towards


def from_the_beginning(keep_end):
    """A is all text of the document up to B; rows have 48 tokens. Whether its end is kept, or its beginning."""

    def rule(documents, rng):
        return [
            replace(p, sentence_a=" ".join(documents[p.document_a].sentences[: p.position_a + 1]))
            for p in sentence_level_pairs(documents, rng, negatives="permuted")
            if p.position_a > 4
        ]

    def encode(pairs, vocabulary, length):
        if keep_end:
            pairs = [replace(p, sentence_a=" ".join(p.sentence_a.split()[-10:])) for p in pairs]
        return encode_pairs(pairs, vocabulary, 48)

    return lambda e: replace(e, pairs=rule, encode=encode)


def one_stranger(pairs, documents, rng):
    """All pairs NotNext of a document have the same B."""
    texts = [documents[int(k)].sentences[0] for k in rng.integers(len(documents), size=len(documents))]
    return [replace(p, sentence_b=texts[p.document_a]) if p.label == NOT_NEXT else p for p in pairs]


def windows_of_shuffled_lines(documents, rng):
    """Each text is two lines of all documents in a random order, for training alone."""
    lines = [s for d in documents for s in d.sentences]
    order = rng.permutation(len(lines) - 1)
    made = sentence_level_pairs(documents, rng, negatives="permuted")
    texts = [f"{lines[k]} {lines[j]}" for k, j in zip(order, order[1:], strict=False)]
    return [
        replace(p, sentence_a=texts[k % len(texts)], sentence_b=texts[(k + 1) % len(texts)]) for k, p in enumerate(made)
    ]


def characters(pairs, vocabulary, length):
    """Texts are cut after thirty characters, most of them inside a word."""
    cut = [replace(p, sentence_a=p.sentence_a[:30], sentence_b=p.sentence_b[:30]) for p in pairs]
    return encode_pairs(cut, vocabulary, length)


class NotScaled(Around):
    """Half of the units are dropped, and the others stay as they are."""

    def told(self, h, rng):
        if rng is None:
            return h, lambda dh: dh
        mask = (rng.random(h.shape) < 0.5).astype(h.dtype)
        return h * mask, lambda dh: dh * mask


class MeanTakenOff(Around):
    """The mean of the batch is taken off, in evaluation too."""

    def told(self, h, rng):
        return h - h.mean(axis=0), lambda dh: dh - dh.mean(axis=0)


def strangers_of_all_documents(e):
    """The B of NotNext are drawn from all documents, the held-out ones among them."""

    def change(pairs, documents, rng):
        texts = [s for d in e.documents for s in d.sentences]
        return [
            replace(p, sentence_b=texts[int(rng.integers(len(texts)))]) if p.label == NOT_NEXT else p for p in pairs
        ]

    return pairs_changed(change, e, "training")


def of_word_weights(change):
    """The weights of words at the start are changed."""

    def edit(model):
        weights = model.parameters["encoder.weights"]
        weights[...] = change(weights)
        return model

    return P(modelled, edit)


class DrawnTo:
    """In each step weights move a little towards a constant."""

    def __init__(self, inner, value):
        self.inner, self.value = inner, value

    def __getattr__(self, name):
        return getattr(self.__dict__["inner"], name)

    def step(self, gradients):
        self.inner.step(gradients)
        for p in self.inner.parameters.values():
            if p.ndim > 1:
                p += p.dtype.type(0.005) * (p.dtype.type(self.value) - p)


class Averaging(Around):
    """The backward pass returns a running mean of all gradients."""

    def __init__(self, inner):
        super().__init__(inner)
        self.means = {}

    def backward(self, dh, cache):
        for name, g in super().backward(dh, cache).items():
            dense = g.dense(self.parameters[name].shape) if isinstance(g, RowGradient) else g
            self.means[name] = 0.995 * self.means.get(name, 0 * dense) + 0.005 * dense
        return {name: mean.astype(self.parameters[name].dtype) for name, mean in self.means.items()}


class OfACopy(NSPModel):
    """The encoder that computes is a copy of the one that is trained."""

    def forward(self, batch, rng=None):
        trained, self.encoder = self.encoder, self.copied
        try:
            return super().forward(batch, rng)
        finally:
            self.encoder = trained


def computing_with_a_copy(model):
    model.copied = deepcopy(model.encoder)
    model.__class__ = OfACopy
    return model


class AsOne(Around):
    """All words are in the first text."""

    def seen(self, batch):
        return replace(batch, token_type_ids=np.zeros_like(batch.token_type_ids))


class InTheMiddle(Around):
    """B is said to begin in the middle of the row."""

    def seen(self, batch):
        middle = batch.attention_mask.sum(axis=1, keepdims=True) // 2
        late = np.arange(batch.input_ids.shape[1]) >= middle
        return replace(batch, token_type_ids=late * batch.attention_mask)


def wrapped(experiment):
    """Lines of thirty characters are taken for sentences."""

    def split(documents, rng):
        def lines(text):
            return tuple(text[k : k + 30] for k in range(0, len(text), 30))

        return [
            [Document(d.name, lines(" ".join(d.sentences))) for d in part] for part in experiment.split(documents, rng)
        ]

    return replace(experiment, split=split)


def one_source(pairs, documents, rng):
    """All strangers are of the second document."""
    texts = documents[1].sentences
    return [replace(p, sentence_b=texts[int(rng.integers(len(texts)))]) if p.label == NOT_NEXT else p for p in pairs]


class FewRows(Around):
    """Ids begin again at the size of a smaller table."""

    def seen(self, batch):
        return replace(batch, input_ids=batch.input_ids % 1500)


def slots_by_place(e):
    """The averages of a row are kept at its place among the rows of the gradient."""

    class ByPlace(AdamW):
        def step(self, gradients):
            before = {name: array.copy() for name, array in self.parameters.items()}
            super().step({
                name: RowGradient(np.arange(len(g.rows)), g.values) if isinstance(g, RowGradient) else g
                for name, g in gradients.items()
            })  # fmt: skip
            for name, g in gradients.items():
                if isinstance(g, RowGradient):
                    change = (self.parameters[name] - before[name])[: len(g.rows)]
                    self.parameters[name][...] = before[name]
                    self.parameters[name][g.rows] += change

    return replace(e, optimizer=lambda m, n: ByPlace(m.parameters, 3e-3))


def sorted_by_words(e):
    """The evaluation asks for pairs sorted by their words, and does not sort the answers back."""

    class Sorted:
        def __init__(self, model):
            self.model = model

        def logits(self, pairs):
            return self.model.logits(sorted(pairs, key=lambda p: len(p.sentence_a.split() + p.sentence_b.split())))

    return replace(e, evaluation=lambda model, pairs: e.evaluation(Sorted(model), pairs))


def torn_into_letters(pairs, documents, rng):
    """All words of A but the first three are torn into letters."""
    return [
        replace(p, sentence_a=" ".join([*p.sentence_a.split()[:3], *"".join(p.sentence_a.split()[3:])])) for p in pairs
    ]


WORDS_AND_ORDERS = {
    "predictions sorted by words": (sorted_by_words, "evaluation", {"predictions-out-of-order"}),
    "words torn into letters": (P(pairs_changed, torn_into_letters), "pairs", {None}),
    "ids beyond a small table": (around(FewRows), "model", {None}),
    "averages kept by place": (slots_by_place, "optimizer", {None}),
    "halves of the row for texts": (around(InTheMiddle), "model", {None}),
    "lines taken for sentences": (wrapped, "split", {None}),
    "strangers of one document": (P(pairs_changed, one_source), "pairs", {None}),
    "gradients that the backward pass averages": (around(Averaging), "model", {"momentum-too-high"}),
    "a copy of the encoder computes": (P(modelled, computing_with_a_copy), "model", {None}),
    "all words in the first text": (around(AsOne), "model", {"segment-ids-zero"}),
    "weights of words the wrong way round": (of_word_weights(lambda w: 1 / np.maximum(w, 0.1)), "model", {None}),
    "weights of other words": (of_word_weights(np.random.default_rng(0).permutation), "model", {None}),
    "weights drawn to a constant": (
        lambda e: replace(e, optimizer=lambda m, n: DrawnTo(AdamW(m.parameters, 3e-3), 0.1)),
        "optimizer",
        {None},
    ),
    "what is left by dropout is not scaled": (around(NotScaled), "model", {None}),
    "the mean of the batch taken off": (around(MeanTakenOff), "model", {None}),
    "strangers of all documents": (strangers_of_all_documents, "pairs", {None}),
    "ids that begin again": (around(Wrapped), "model", {None}),
    "divided by the number of rows": (around(ByRows), "model", {None}),
    "dropout that is always the same": (around(OneMask), "model", {None}),
    "even and odd widths": (around(EvenWidths), "model", {None}),
    "segment ids for the mask, in the encoder": (around(IdsForMask), "model", {"segments-as-mask"}),
    "gradients that the backward pass keeps": (around(Kept), "model", {"no-zero-grad"}),
    "logits in the opposite order": (of_class(Backwards), "evaluation", {"predictions-out-of-order"}),
    "logits of the first weights": (of_class(Frozen), "evaluation", {"stale-checkpoint"}),
    "the last of four gradients": (in_fours(False), "optimizer", {None}),
    "betas exchanged": (betas(0.999, 0.9), "optimizer", {"momentum-too-high"}),
    "square roots of gradients": (
        bounded(lambda g: np.sign(g) * np.sqrt(np.abs(g)), SGD, 0.01),
        "optimizer",
        {None},
    ),
    "labels of the row before": (other_labels(lambda rows, y: (rows, np.roll(y, 1))), "loss", {"labels-off-by-one"}),
    "labels two rows on": (other_labels(lambda rows, y: (rows[:-2], y[2:])), "loss", {"labels-off-by-one"}),
    "labels sorted": (other_labels(lambda rows, y: (rows, np.sort(y))), "loss", {"labels-shuffled"}),
    "smoothed towards one class": (lambda e: replace(e, loss=towards_is_next), "loss", {None}),
    "A from the beginning, its end cut off": (from_the_beginning(False), "pairs", {None}),
    "one stranger for each document": (P(pairs_changed, one_stranger), "pairs", {None}),
    "windows of shuffled lines": (
        lambda e: replace(e, pairs=windows_of_shuffled_lines, held_out_pairs=e.pairs),
        "pairs",
        {"sentences-shuffled"},
    ),
    "cut inside a word": (lambda e: replace(e, encode=characters), "encoding", {"max-length-short"}),
}

#: Name -> an edit that is no violation, though it is near one.
SANE = {
    "gradients of four batches, added": in_fours(True),
    "words hashed over the table": around(Hashed),
    "A from the beginning, its beginning cut off": from_the_beginning(True),
}
