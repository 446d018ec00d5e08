"""Does the encoder tell words apart? Different words in one place give different h_cls. Notebook 10."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone

PLACE = "model"
WORDS = 160  # that are put in one place
FEW = 60
ALIKE = 0.3  # of the words share their h_cls with others; a table hashed to a thousand rows has 0.15


def words_apart(recording: Any) -> list[Finding]:
    """Put one word after another in the same place: how many of them give an h_cls that another word gives too?

    Words that are left out on purpose all give the same h_cls, that of no word. So the largest group counts for
    nothing; but ids that wrap around, or words that are looked up by their length, make many groups.
    """
    name = "model.words"
    pairs = recording.first_pairs(64)
    if not pairs or recording.start is None:
        return [unknown(name, PLACE, "There is no copy of the start, or no pair to show it.")]
    model = clone(recording.start)
    batch = recording.experiment.encode(pairs, recording.vocabulary, model.max_length)
    ids, mask = np.asarray(batch.input_ids), np.asarray(batch.attention_mask)
    special = [0, *(int(getattr(recording.vocabulary, key, 0)) for key in ("unk_id", "cls_id", "sep_id", "mask_id"))]
    words = ~np.isin(ids, special) & (mask > 0)
    pool = np.random.default_rng(0).permutation(np.unique(ids[words]))[:WORDS]
    longest = int(words.sum(axis=1).argmax())
    if len(pool) < FEW or words[longest].sum() < 2:
        return [unknown(name, PLACE, "The batches show too few words.")]
    place = int(np.flatnonzero(words[longest])[1])
    rows = {
        key: np.repeat(np.asarray(value)[longest : longest + 1], len(pool), axis=0)
        for key in ("input_ids", "token_type_ids", "attention_mask", "labels")
        if (value := getattr(batch, key, None)) is not None
    }
    rows["input_ids"][:, place] = pool
    logits, cache = model.forward(replace(batch, **rows))
    h = np.asarray(getattr(getattr(cache, "pooler", None), "h_cls", logits), np.float64)
    size = float(np.abs(h - h.mean(axis=0)).max())
    groups = Counter(row.tobytes() for row in np.round(h / (1e-5 * size))) if size else Counter()
    if not size or len(groups) < 3:
        return [unknown(name, PLACE, "This place of the text does not change h_cls.")]
    often = sorted(groups.values())[::-1]
    alike = sum(n for n in often[1:] if n > 1) / max(1, len(pool) - often[0])
    numbers = {"words": float(len(pool)), "different": float(len(groups)), "alike": alike}
    if alike > ALIKE and len(groups) < len(pool) - often[0]:
        text = f"In one place of a text, {len(pool)} different words give {len(groups)} different h_cls."
        return [violated(name, PLACE, f"{text} The model takes words for one another.", None, numbers=numbers)]
    return [holds(name, PLACE, f"{len(pool)} words give {len(groups)} different h_cls.", numbers=numbers)]
