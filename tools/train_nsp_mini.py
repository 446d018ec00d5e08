"""Train `nsp-mini`, the small Transformer that comes with the course, and write its model card.

    python tools/train_nsp_mini.py [--steps 9000] [--out nsputil/data]

Deterministic for a version of numpy and a kind of processor. One core, about a quarter of an hour for 9,000 steps.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from nsputil.bert import BertEncoder
from nsputil.corpus import load_corpus
from nsputil.encoders import ppmi_embeddings
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW, warmup_linear
from nsputil.sentence_pairs import balanced_segment_pairs, sentence_level_pairs
from nsputil.training import Experiment, evaluate, train

WIDTH, LAYERS, HEADS, VOCABULARY = 64, 2, 4, 16_000


def mini(documents, vocabulary, rng, dropout=0.1):
    """A BertEncoder that starts with counted word vectors, and with queries and keys that compare words as they are.

    From random numbers alone such a model hardly leaves chance on so little text (notebook 07).
    """
    encoder = BertEncoder(len(vocabulary), WIDTH, LAYERS, HEADS, rng, max_positions=128, dropout=dropout)
    vectors = ppmi_embeddings(documents, vocabulary, WIDTH, rng)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    encoder.tables["words"][:] += vectors / np.where(length > 0, length, 1)
    for layer in encoder.layers:
        for name in ("query", "key"):
            layer.parts[name].parameters["weight"] += np.eye(WIDTH, dtype=np.float32)
    return NSPModel(encoder, vocabulary, rng)


def mixed(documents, rng):
    """Sentence pairs and longer segments, in about equal numbers of tokens."""
    pairs = sentence_level_pairs(documents, rng, negatives="permuted")
    segments = balanced_segment_pairs(documents, rng, max_tokens=int(rng.integers(64, 129)))
    keep = rng.permutation(len(pairs) // 2)[: len(segments)]
    return [pair for k in keep for pair in pairs[2 * k : 2 * k + 2]] + segments


def watched(model, pairs):
    """Evaluate and say so: training takes a while."""
    report = evaluate(model, pairs)
    print(f"loss {report['loss']:.4f} accuracy {report['accuracy']:.4f} on {len(pairs)} pairs", flush=True)
    return report


def main():
    """Train, evaluate, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--out", type=Path, default=Path("nsputil/data"))
    options = parser.parse_args()
    experiment = Experiment(
        load_corpus("sotu"),
        pairs=mixed,
        vocabulary_size=VOCABULARY,
        model=mini,
        optimizer=lambda model, steps: AdamW(
            model.parameters, options.rate, weight_decay=0.01, schedule=warmup_linear(steps // 20, steps + 1), clip=1.0
        ),
        batch_size=64,
        epochs=1000,
        max_steps=options.steps,
        evaluate_every=500,
        evaluation=watched,
        instrument_every=0,
    )
    start = time.process_time()
    run = train(experiment)
    print(f"{time.process_time() - start:.0f} s of one core; final {run.final}")
    options.out.mkdir(parents=True, exist_ok=True)
    run.model.encoder.options["dropout"] = 0.0
    run.model.save(options.out / "nsp-mini.safetensors", recipe=f"tools/train_nsp_mini.py --steps {options.steps}")
    curve = [{key: round(row[key], 4) for key in ("step", "loss", "accuracy")} for row in run.evaluations]
    (options.out / "nsp-mini-curve.json").write_text(json.dumps(curve) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
