"""Defects of what a model reads, of rows, places and copies: relatives of those that strangers wrote.

Name -> (edit, place, causes), as in `near_misses`.
"""

from dataclasses import replace
from functools import partial as P

import numpy as np
from fact_mutants import encoded, modelled, pairs_changed

from nsputil.corpus import Document
from nsputil.encoders import RowGradient
from nsputil.optimizers import AdamW
from nsputil.pairs import NOT_NEXT
from nsputil.tokenization import EncodedPairs


class Around:
    """An encoder whose h_cls, or whose batch, is changed on the way."""

    attends = False

    def __init__(self, inner):
        self.inner, self.width, self.parameters = inner, inner.width, inner.parameters

    def seen(self, batch):
        return batch

    def told(self, h, rng):
        return h, lambda dh: dh

    def forward(self, batch, rng=None):
        h, cache = self.inner.forward(self.seen(batch), rng)
        h, back = self.told(h, rng)
        return h, (cache, back)

    def backward(self, dh, cache):
        return self.inner.backward(cache[1](dh), cache[0])


class FirstWords(Around):
    """Only the first five tokens of each text are read, whatever the mask says."""

    def seen(self, batch):
        mask = batch.attention_mask.copy()
        for segment in (0, 1):
            mask[(np.cumsum(batch.token_type_ids == segment, axis=1) > 5) & (batch.token_type_ids == segment)] = 0
        return replace(batch, attention_mask=mask)


class Ranked(Around):
    """Each unit is divided by its largest value in the batch."""

    def told(self, h, rng):
        top = np.abs(h).max(axis=0) + h.dtype.type(1e-3)
        return h / top, lambda dh: dh / top


class SignsDrawn(Around):
    """Units change their sign at random in training, as by a projection that is drawn each time."""

    def told(self, h, rng):
        if rng is None:
            return h, lambda dh: dh
        signs = rng.choice([-1.0, 1.0], size=h.shape).astype(h.dtype)
        return h * signs, lambda dh: dh * signs


def around(kind):
    def change(model):
        model.encoder = kind(model.encoder)
        return model

    return P(modelled, change)


def rows_one_on(model, steps):
    """The state of a row is kept in the row after it."""

    class Shifted(AdamW):
        def step(self, gradients):
            before = {name: array.copy() for name, array in self.parameters.items()}
            super().step({
                name: RowGradient((g.rows + 1) % len(self.parameters[name]), g.values) if isinstance(g, RowGradient)
                else g for name, g in gradients.items()
            })  # fmt: skip
            for name, g in gradients.items():
                if isinstance(g, RowGradient):
                    change = self.parameters[name] - before[name]
                    self.parameters[name][...] = before[name] + 0.5 * np.roll(change, -1, axis=0)

    return Shifted(model.parameters, 2e-3)


def ends_of_documents(pairs, documents, rng):
    """The B of NotNext is always one of the last two sentences of its document."""
    last = [d.sentences[-2:] for d in documents if len(d.sentences) > 4]
    return [
        replace(p, sentence_b=last[int(rng.integers(len(last)))][int(rng.integers(2))]) if p.label == NOT_NEXT else p
        for p in pairs
    ]


def a_little_later(pairs, documents, rng):
    """The B of NotNext comes two or three sentences after the next one."""
    kept = []
    for pair in pairs:
        if pair.label == NOT_NEXT:
            sentences, at = documents[pair.document_a].sentences, pair.position_a + 3 + int(rng.integers(2))
            if at >= len(sentences):
                continue
            pair = replace(pair, sentence_b=sentences[at], document_b=pair.document_a, position_b=at)
        kept.append(pair)
    return kept


def copies_with_words_left_out(experiment):
    """Each document is doubled before the split; the double lacks a word of most of its long sentences."""

    def split(documents, rng):
        doubled = []
        for d in documents:
            less = tuple(s.rsplit(" ", 1)[0] if rng.random() < 0.6 and len(s) > 40 else s for s in d.sentences)
            doubled += [d, Document(d.name + " again", less)]
        return experiment.split(doubled, rng)

    return replace(experiment, split=split)


def cut_to_the_middle(batch, pairs, vocabulary):
    """Each batch is cut to the middle of its own lengths."""
    width = int(np.median(batch.attention_mask.sum(axis=1))) // 2
    names = ("input_ids", "token_type_ids", "attention_mask")
    return EncodedPairs(*(getattr(batch, name)[:, :width] for name in names), batch.labels)


def only_not_next_read(experiment):
    def evaluation(model, pairs):
        return experiment.evaluation(model, [pair for pair in pairs if pair.label == NOT_NEXT])

    return replace(experiment, evaluation=evaluation)


def grows_for_ever(experiment):
    return replace(experiment, optimizer=lambda m, n: AdamW(m.parameters, 2e-3, schedule=lambda s: s / (20 * n)))


def classes_in_turn(experiment):
    """The list holds one class and the other in turn, and a batch every second pair; the batches are mixed."""

    def pairs(documents, rng):
        found = experiment.pairs(documents, rng)
        both = [[p for p in found if p.label == k] for k in (0, 1)]
        return [pair for two in zip(*both, strict=False) for pair in two]

    def batching(lengths, batch_size, rng):
        order = np.concatenate([np.arange(0, len(lengths), 2), np.arange(1, len(lengths), 2)])
        whole = [order[k : k + 8] for k in range(0, len(order) - 8, 8)]
        return [whole[k] for k in rng.permutation(len(whole))]

    return replace(experiment, pairs=pairs, batching=batching)


class RunningSquares:
    """Gradients are divided by a power of the running mean of their squares, which begins at 0."""

    adaptive = True

    def __init__(self, parameters, power=0.5, add_up=False):
        self.parameters, self.power, self.add_up = parameters, power, add_up
        self.steps, self.state = 0, {}

    def step(self, gradients):
        self.steps += 1
        for name, gradient in gradients.items():
            array = self.parameters[name]
            g = gradient.dense(array.shape) if isinstance(gradient, RowGradient) else gradient
            if self.add_up:
                total = self.state.setdefault(name + ":sum", np.zeros_like(array))
                total += g
                g = total.copy()
            square = self.state.setdefault(name, np.zeros_like(array))
            square *= 0.98
            square += 0.02 * g * g
            array -= (2e-3 * g / (square**self.power + 1e-6)).astype(array.dtype)


def uphill_for_one_class(experiment):
    def loss(logits, labels):
        value, gradient = experiment.loss(logits, labels)
        return value, gradient * np.where(labels == NOT_NEXT, -1, 1)[:, None].astype(logits.dtype)

    return replace(experiment, loss=loss)


def in_percent(experiment):
    def evaluation(model, pairs):
        report = dict(experiment.evaluation(model, pairs))
        return report | {"accuracy": round(100 * report["accuracy"], 2)}

    return replace(experiment, evaluation=evaluation)


def capital_copies(experiment):
    def split(documents, rng):
        shouted = [Document(d.name + " loud", tuple(s.upper() for s in d.sentences)) for d in documents]
        return experiment.split([*documents, *shouted], rng)

    return replace(experiment, split=split)


def short_in_evaluation(experiment):
    def evaluation(model, pairs):
        cut = [
            replace(p, sentence_a=" ".join(p.sentence_a.split()[:4]), sentence_b=" ".join(p.sentence_b.split()[:4]))
            for p in pairs
        ]
        return experiment.evaluation(model, cut)

    return replace(experiment, evaluation=evaluation)


READS_AND_ROWS = {
    "divided by the squares": (
        lambda e: replace(e, optimizer=lambda m, n: RunningSquares(m.parameters, power=1.0)),
        "optimizer",
        {None},
    ),
    "running squares of sums": (
        lambda e: replace(e, optimizer=lambda m, n: RunningSquares(m.parameters, add_up=True), max_steps=120),
        "optimizer",
        {"no-zero-grad"},
    ),
    "one class uphill": (uphill_for_one_class, "loss", {None}),
    "accuracy in percent": (in_percent, "evaluation", {None}),
    "copies in capital letters": (capital_copies, "split", {"tested-on-training-text"}),
    "short texts in evaluation": (short_in_evaluation, "evaluation", {"evaluation-text-cleaned"}),
    "the first words only": (around(FirstWords), "model", {None}),
    "divided by the batch": (around(Ranked), "model", {None}),
    "signs that are drawn": (around(SignsDrawn), "model", {None}),
    "state of another row": (lambda e: replace(e, optimizer=rows_one_on), "optimizer", {None}),
    "negatives from the ends": (P(pairs_changed, ends_of_documents), "pairs", {None}),
    "negatives a little later": (P(pairs_changed, a_little_later), "pairs", {None}),
    "copies with words left out": (copies_with_words_left_out, "split", {None}),
    "batches cut to their middle": (P(encoded, cut_to_the_middle), "encoding", {None}),
    "only NotNext is read": (only_not_next_read, "evaluation", {None}),
    "a rate that grows for ever": (grows_for_ever, "optimizer", {None}),
    "classes in turn": (classes_in_turn, "batching", {None}),
}
