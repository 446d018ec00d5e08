"""Defects that are near to a cause of the catalogue and are another one, beside a few that are that cause.

Name -> (edit, place, causes). None among the causes means that a place is told and no name.
"""

from dataclasses import replace
from functools import partial as P

import numpy as np
from fact_mutants import encoded, evaluated, modelled, optimized, pairs_changed, reported, right

from nsputil.corpus import Document, split_documents
from nsputil.encoders import RowGradient
from nsputil.losses import log_softmax
from nsputil.optimizers import AdamW
from nsputil.pairs import IS_NEXT, NOT_NEXT


def given_twice(pairs, documents, rng):
    return [replace(pair, sentence_b=pair.sentence_a) for pair in pairs]


def exchanged(pairs, documents, rng):
    return [replace(pair, sentence_a=pair.sentence_b, sentence_b=pair.sentence_a) for pair in pairs]


def next_but_one(pairs, documents, rng):
    """In half of the pairs IsNext a sentence is left out."""
    text = {d.sentences[k]: d.sentences[k + 2] for d in documents for k in range(len(d.sentences) - 2)}
    return [
        replace(p, sentence_b=text.get(p.sentence_a, p.sentence_b)) if p.label == IS_NEXT and rng.random() < 0.5 else p
        for p in pairs
    ]


def long_ones_wrong(pairs, documents, rng):
    sizes = [len(pair.sentence_a) + len(pair.sentence_b) for pair in pairs]
    limit = np.quantile(sizes, 0.7)
    return [replace(p, label=1 - p.label) if n > limit else p for p, n in zip(pairs, sizes, strict=True)]


def labels_where_a_word_is(pairs, documents, rng):
    return [replace(p, label=1 - p.label) if "our" in p.sentence_b.lower().split() else p for p in pairs]


def late_pairs_negative(pairs, documents, rng):
    return [replace(p, label=NOT_NEXT) if p.position_a > 9 else p for p in pairs]


def typing_errors(pairs, documents, rng):
    """A letter is doubled in one word of seven of the B of NotNext."""

    def spoilt(text):
        return " ".join(w[:1] + w if rng.random() < 0.15 else w for w in text.split())

    return [replace(p, sentence_b=spoilt(p.sentence_b)) if p.label == NOT_NEXT else p for p in pairs]


def b_hidden_in_every_third_row(batch, pairs, vocabulary):
    lost = (np.arange(len(pairs)) % 3 == 0)[:, None] & (batch.token_type_ids == 1)
    return replace(batch, input_ids=np.where(lost, 0, batch.input_ids), attention_mask=batch.attention_mask * ~lost)


def written(change):
    """Encode other texts in the place of B."""

    def edit(experiment):
        def encode(pairs, vocabulary, max_length):
            own = [replace(pair, sentence_b=change(pair.sentence_b)) for pair in pairs]
            return experiment.encode(own, vocabulary, max_length)

        return replace(experiment, encode=encode)

    return edit


def unknown_at_random(batch, pairs, vocabulary):
    drawn = np.random.default_rng(int(batch.input_ids.sum())).random(batch.input_ids.shape) < 0.3
    return replace(batch, input_ids=np.where(drawn & (batch.input_ids > 4), 1, batch.input_ids))


def noisy(rng, gradients, state):
    def drawn(x):
        return x + (np.abs(x).max() * rng.standard_normal(x.shape)).astype(x.dtype)

    return {
        name: RowGradient(g.rows, drawn(g.values)) if isinstance(g, RowGradient) else drawn(g)
        for name, g in gradients.items()
    }


def mixed_up(gradients, state):
    """The entries of each gradient change places."""
    rng = np.random.default_rng(0)

    def moved(x):
        return rng.permutation(x.ravel()).reshape(x.shape)

    return {
        name: RowGradient(g.rows, moved(g.values)) if isinstance(g, RowGradient) else moved(g)
        for name, g in gradients.items()
    }


def growing(experiment):
    """A rate that is far too high in the end, as it doubles in every step."""

    def built(model, steps):
        optimizer = experiment.optimizer(model, steps)
        optimizer.schedule = lambda step: 1e4 * 2.0 ** (step - steps)
        return optimizer

    return replace(experiment, optimizer=built)


def a_large_constant(experiment):
    return replace(experiment, optimizer=lambda model, steps: AdamW(model.parameters, 2e-3, epsilon=10.0))


def put_back(gradients, state):
    """Every eight steps the weights of the start return."""
    own = state["model"].parameters
    kept = state.setdefault("kept", {name: array.copy() for name, array in own.items()})
    if state["count"] % 8 == 0:
        for name, array in own.items():
            array[...] = kept[name]
        return None
    return gradients


def evaluation_that_shrinks(experiment):
    def changed(model, pairs):
        report = experiment.evaluation(model, pairs)
        for array in model.parameters.values():
            array *= array.dtype.type(0.9)
        return report

    return replace(experiment, evaluation=changed)


def sure_from_the_start(model):
    model.head.parameters["bias"][0] = 8


def in_the_order_of_the_text(experiment):
    def contiguous(lengths, size, rng):
        return [np.arange(k, k + size) for k in range(0, len(lengths) - size + 1, size)]

    return replace(experiment, batching=contiguous, batch_size=16)


def short_pairs_only(experiment):
    def chosen(lengths, size, rng):
        order = rng.permutation(np.argsort(lengths)[: len(lengths) // 3])
        return [order[k : k + size] for k in range(0, len(order) - size + 1, size)]

    return replace(experiment, batching=chosen)


class Rounded:
    """An encoder whose features are whole numbers."""

    def __init__(self, encoder):
        self.encoder = encoder

    def __getattr__(self, name):
        return getattr(self.__dict__["encoder"], name)

    def forward(self, batch, rng=None):
        features, cache = self.encoder.forward(batch, rng)
        return np.round(features), cache


def whole_numbers(model):
    model.encoder = Rounded(model.encoder)


def rounded(experiment):
    def changed(model, pairs):
        report = experiment.evaluation(model, pairs)
        return report | {"accuracy": round(20 * report["accuracy"]) / 20}

    return replace(experiment, evaluation=changed)


def one_accuracy_for_ever(experiment):
    first = []

    def changed(model, pairs):
        report = experiment.evaluation(model, pairs)
        first.append(report["accuracy"])
        return report | {"accuracy": first[0] - 0.1}

    return replace(experiment, evaluation=changed)


def one_pair_at_a_time(experiment):
    """A batch holds one pair, many times."""

    def repeated(lengths, size, rng):
        return [np.full(size, k) for k in rng.permutation(len(lengths))[: len(lengths) // size]]

    return replace(experiment, batching=repeated)


def one_class_read(pairs):
    return [pair for pair in pairs if pair.label == IS_NEXT]


def drawn_report(rng, logits, labels):
    return {"accuracy": float(right(logits, labels)[rng.permutation(len(labels))[:60]].mean())}


def one_a_for_all(pairs, documents, rng):
    return [replace(pair, sentence_a=pairs[-1].sentence_a) for pair in pairs]


def a_and_b_in_one_list(pairs, documents, rng):
    both = [f"{pair.sentence_a} {pair.sentence_b}" for pair in pairs]
    return [replace(pair, sentence_a=text, sentence_b=text) for pair, text in zip(pairs, both, strict=True)]


def negatives_that_are_a(pairs, documents, rng):
    return [replace(pair, sentence_b=pair.sentence_a) if pair.label == NOT_NEXT else pair for pair in pairs]


def labels_a_row_down(pairs, documents, rng):
    """Labels are out of step, and a third of the texts is in no document."""
    order = [pairs[k] for k in rng.permutation(len(pairs))]
    spoilt = [replace(p, sentence_b=p.sentence_b + " indeed") if rng.random() < 0.3 else p for p in order]
    return [replace(pair, label=order[k - 1].label) for k, pair in enumerate(spoilt)]


def parts_rewritten(change):
    """Change each sentence of the parts; the documents keep theirs."""

    def edit(experiment):
        def split(documents, rng):
            parts = experiment.split(documents, rng)
            return tuple([Document(d.name, tuple(change(d, s) for s in d.sentences)) for d in part] for part in parts)

        return replace(experiment, split=split)

    return edit


def spaced(document, sentence):
    return " ".join(word[k : k + 2] for word in sentence.split() for k in range(0, len(word), 2))


def title_for_text(document, sentence):
    return f"This is the document {document.name}, and no more."


class Around:
    """An encoder around another one."""

    def __init__(self, encoder):
        self.encoder = encoder

    def __getattr__(self, name):
        return getattr(self.__dict__["encoder"], name)


class WithLabels(Around):
    """An encoder that takes the column of labels for a feature."""

    def forward(self, batch, rng=None):
        features, cache = self.encoder.forward(batch, rng)
        return np.concatenate([features[:, :-1], 3.0 * batch.labels[:, None].astype(features.dtype)], axis=1), cache


class Overwriting(Around):
    """An encoder whose rectifier writes into the weights."""

    def forward(self, batch, rng=None):
        for array in self.encoder.parameters.values():
            np.maximum(array, 0, out=array)
        return self.encoder.forward(batch, rng)


def around_encoder(kind):
    def change(model):
        model.encoder = kind(model.encoder)

    return P(modelled, change)


def rows_by_labels(logits, labels):
    """The loss of the first two rows of a batch, in the place of the columns of every row."""
    log_p = log_softmax(logits)
    rows = np.minimum(labels, len(labels) - 1)
    weight = np.bincount(rows, minlength=len(labels)) / (2 * len(labels))
    return float(-log_p[rows].mean()), (weight[:, None] * (2 * np.exp(log_p) - 1)).astype(logits.dtype)


def always_right(logits, labels):
    return {"accuracy": 1.0}


def flat_tensors_only(gradients, state):
    return {name: g for name, g in gradients.items() if not isinstance(g, RowGradient) and np.ndim(g) < 2}


NEAR_MISSES = {
    "pairs: one A for all": (P(pairs_changed, one_a_for_all), "pairs", {None}),
    "pairs: A and B in one list": (P(pairs_changed, a_and_b_in_one_list), "pairs", {None}),
    "pairs: negatives that are A": (P(pairs_changed, negatives_that_are_a), "pairs", {None}),
    "labels a row down, with gaps": (P(pairs_changed, labels_a_row_down), "pairs", {"labels-off-by-one"}),
    "parts with spaces in the words": (parts_rewritten(spaced), "split", {None}),
    "parts with a title for each sentence": (parts_rewritten(title_for_text), "split", {None}),
    "labels among the features": (around_encoder(WithLabels), "model", {None}),
    "a forward pass that writes": (around_encoder(Overwriting), "model", {None}),
    "rows by labels": (lambda e: replace(e, loss=rows_by_labels), "loss", {None}),
    "always right": (lambda e: reported(always_right, e), "evaluation", {None}),
    "flat tensors only": (lambda e: optimized(flat_tensors_only, e), "optimizer", {"only-biases-trained"}),
    "pairs: A twice": (P(pairs_changed, given_twice), "pairs", {"a-given-twice"}),
    "pairs: A after B": (P(pairs_changed, exchanged), "pairs", {"a-and-b-swapped"}),
    "pairs: A after B held out": (P(pairs_changed, exchanged, where="held out"), "pairs", {"swapped-in-evaluation"}),
    "pairs: a sentence left out": (P(pairs_changed, next_but_one), "pairs", {None}),
    "labels of long pairs": (P(pairs_changed, long_ones_wrong), "pairs", {None}),
    "labels where a word is": (P(pairs_changed, labels_where_a_word_is), "pairs", {None}),
    "late pairs of a document": (P(pairs_changed, late_pairs_negative, where="training"), "pairs", {None}),
    "typing errors in NotNext": (P(pairs_changed, typing_errors), "pairs", {None}),
    "[UNK] at random": (P(encoded, unknown_at_random), "encoding", {None}),
    "B hidden in a third": (P(encoded, b_hidden_in_every_third_row), "encoding", {None}),
    "words of B sorted": (written(lambda text: " ".join(sorted(text.split()))), "encoding", {None}),
    "one word of B": (written(lambda text: " ".join(text.split()[:1])), "encoding", {None}),
    "gradients mixed up": (lambda e: optimized(mixed_up, e), "optimizer", {None}),
    "a rate that grows": (growing, "optimizer", {None}),
    "a constant larger than the gradients": (a_large_constant, "optimizer", {None}),
    "whole numbers": (P(modelled, whole_numbers), "model", {None}),
    "an accuracy that is rounded": (rounded, "evaluation", {None}),
    "one accuracy for ever": (one_accuracy_for_ever, "evaluation", {None}),
    "noise in the gradients": (lambda e: optimized(P(noisy, np.random.default_rng(0)), e), "optimizer", {None}),
    "weights put back": (P(optimized, put_back), "optimizer", {None}),
    "an evaluation that trains": (evaluation_that_shrinks, "evaluation", {None}),
    "sure from the start": (P(modelled, sure_from_the_start), "model", {None}),
    "never shuffled": (in_the_order_of_the_text, "batching", {None}),
    "one pair at a time": (one_pair_at_a_time, "batching", {"same-pairs-again"}),
    "short pairs only": (short_pairs_only, "batching", {None}),
    "parts of the wrong size": (
        lambda e: replace(e, split=P(split_documents, fractions=(0.1, 0.1, 0.8))),
        "split",
        {None},
    ),
    "one class read": (P(evaluated, one_class_read), "evaluation", {None}),
    "a report on pairs that are drawn": (
        lambda e: reported(P(drawn_report, np.random.default_rng(0)), e),
        "evaluation",
        {None},
    ),
}
