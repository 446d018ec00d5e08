"""Do the word vectors of a pretrained model know the words whose numbers they are given?

Trained word vectors tell how often a word is used, whatever they were trained for. Read by the numbers of another
vocabulary, they tell nothing of the words that come. Random vectors tell nothing either, and are left alone.
"""

from collections import Counter
from typing import Any

import numpy as np
import torch

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.torch_suspect.as_recording import AsRecording

DIRECTIONS = 12  # of the vectors, those in which they differ most
TRAINED = 1.5  # times the largest spread of random vectors of the same size
TOLD = 0.05  # of the variance of the logarithm of counts, beyond chance: trained vectors tell 0.2 and more
WORDS = 400  # different ones: fewer are few


def table_fits(seen: AsRecording) -> Finding:
    """Are frequent words of the pairs where the vectors differ from those of rare ones?"""
    fact, place = "model.words", "encoding"
    if seen.words is None or not seen.parts.pairs:
        return unknown(fact, place, "Without tokenizer and pairs it is not known which words come.")
    kinds = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    tables = [m.weight.detach() for m in seen.parts.model.modules() if isinstance(m, kinds)]
    tables = [table for table in tables if len(table) >= len(seen.words)]
    if not tables or len(tables[0]) < 2 * WORDS:
        return unknown(fact, place, "No table holds a vector for each word.")
    count: Counter = Counter()
    for pair in seen.parts.pairs[:2000]:
        count.update(seen.words.ids(pair.sentence_a).tolist() + seen.words.ids(pair.sentence_b).tolist())
    table = tables[0].double().numpy()
    special = {0, seen.words.cls_id, seen.words.sep_id, seen.words.unk_id, seen.words.mask_id}
    known = [word for word in count if word not in special and word < len(table) and table[word].any()]
    if len(known) < WORDS:
        return unknown(fact, place, f"Only {len(known)} different words come.")
    spread, told = _told(table, np.array(known), np.log([count[word] for word in known]))
    numbers = {"spread": spread, "told": told, "words": float(len(known))}
    if spread > TRAINED and told < TOLD:
        text = (
            f"The word vectors were trained, and tell {max(0.0, told):.3f} of how often the {len(known)} words of the "
            "pairs come: their numbers are those of another vocabulary."
        )
        return violated(fact, place, text, "wrong-vocabulary", False, numbers=numbers)
    return holds(fact, place, f"Word vectors tell {told:.3f} of how often words come.", numbers=numbers)


def _told(table: Any, known: np.ndarray, often: np.ndarray) -> tuple[float, float]:
    """Return how much wider a table is than a random one, and how much it tells of some numbers of its words."""
    rows = table[table.any(axis=1)]
    rows = (rows - rows.mean(0)) / max(1e-12, float(rows.std()))
    values, directions = np.linalg.eigh(rows.T @ rows / len(rows))
    edge = (1 + np.sqrt(rows.shape[1] / len(rows))) ** 2
    vectors = table[known]
    parts = vectors @ directions[:, -min(DIRECTIONS, rows.shape[1]) :]
    size = np.linalg.norm(vectors, axis=1, keepdims=True)
    basis = np.concatenate([np.ones_like(size), size, parts], axis=1)
    left = often - basis @ np.linalg.lstsq(basis, often, rcond=None)[0]
    n, k = basis.shape
    explained = 1 - float(np.vdot(left, left)) / (n - k) / float(often.var(ddof=1))
    return float(values[-1]) / float(edge), explained
