"""The training script of the capstone, with five defects. Which five? That is the question of notebook 12.

`broken_script` is plain numpy in the style of a PyTorch loop. `nsputil.capstone.repairs` holds the edits that repair
it, so do not look there before you have looked here. Introduced in notebook 12.
"""

from collections.abc import Sequence

import numpy as np

from nsputil.capstone.watched import Diary
from nsputil.corpus import Document
from nsputil.experiment import permuted
from nsputil.tokenization import PAD_ID, encode_pairs


# The text of this function is printed in a notebook, so its lines keep to 96 characters.
def broken_script(documents: Sequence[Document], model: Diary, seed: int, epochs: int = 2) -> tuple[Diary, float]:
    """Train on three quarters of the documents; return the model and its test accuracy."""
    rng, cut = np.random.default_rng(seed), 3 * len(documents) // 4
    pairs, test = permuted(documents[:cut], rng), permuted(documents[cut:], rng)
    steps = epochs * len(pairs) // 32
    for step in range(steps):
        chosen = [pairs[k] for k in rng.choice(len(pairs), 32)]
        labels = np.array([int(pair.document_a == pair.document_b) for pair in chosen])
        batch = encode_pairs(chosen, model.vocabulary)
        logits = model(batch.input_ids, batch.token_type_ids, batch.attention_mask)
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        keep = (labels != PAD_ID).astype(float)
        slope = (probs - np.eye(2)[labels]) * keep[:, None] / max(1.0, keep.sum())
        model.backward(slope)
        model.step(0.004 * max(0.0, 1 - step / epochs))
    batch = encode_pairs(test, model.vocabulary)
    logits = model(batch.input_ids, batch.token_type_ids, batch.attention_mask)
    says_next = logits[:, 1] > logits[:, 0]
    follows = np.array([pair.document_a == pair.document_b for pair in test])
    return model, float((says_next == follows).mean())
