"""Defects that are near to a cause of the catalogue and are another one, beside a few that are that cause.

Name -> (edit, place, causes). None among the causes means that a place is told and no name.
"""

from dataclasses import replace
from functools import partial as P

import numpy as np
from fact_mutants import encoded, evaluated, modelled, optimized, pairs_changed, reported, right

from nsputil.corpus import split_documents
from nsputil.encoders import RowGradient
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


def typing_errors(pairs, documents, rng):
    """A letter is doubled in one word of seven of the B of NotNext."""

    def spoilt(text):
        return " ".join(w[:1] + w if rng.random() < 0.15 else w for w in text.split())

    return [replace(p, sentence_b=spoilt(p.sentence_b)) if p.label == NOT_NEXT else p for p in pairs]


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


def one_class_read(pairs):
    return [pair for pair in pairs if pair.label == IS_NEXT]


def drawn_report(rng, logits, labels):
    return {"accuracy": float(right(logits, labels)[rng.permutation(len(labels))[:60]].mean())}


NEAR_MISSES = {
    "pairs: A twice": (P(pairs_changed, given_twice), "pairs", {"a-given-twice"}),
    "pairs: A after B": (P(pairs_changed, exchanged), "pairs", {"a-and-b-swapped"}),
    "pairs: A after B held out": (P(pairs_changed, exchanged, where="held out"), "pairs", {"swapped-in-evaluation"}),
    "pairs: a sentence left out": (P(pairs_changed, next_but_one), "pairs", {None}),
    "labels of long pairs": (P(pairs_changed, long_ones_wrong), "pairs", {None}),
    "typing errors in NotNext": (P(pairs_changed, typing_errors), "pairs", {None}),
    "[UNK] at random": (P(encoded, unknown_at_random), "encoding", {None}),
    "noise in the gradients": (lambda e: optimized(P(noisy, np.random.default_rng(0)), e), "optimizer", {None}),
    "weights put back": (P(optimized, put_back), "optimizer", {None}),
    "an evaluation that trains": (evaluation_that_shrinks, "evaluation", {None}),
    "sure from the start": (P(modelled, sure_from_the_start), "model", {None}),
    "never shuffled": (in_the_order_of_the_text, "batching", {None}),
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
