"""Do rows hold a word that their pair does not, and that tells the label? A label that is read as text is one."""

from collections import Counter
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.torch_suspect.as_recording import AsRecording

ROWS = 40
MANY = 0.3  # of the rows of a label: in so many at least it is
PURE = 0.99  # of the rows that hold it have one label


def words_added(seen: AsRecording) -> Finding:
    """Is there a word that many rows of one label hold, none of the other, and that their pairs do not?"""
    fact, place, words = "arrays.added", "encoding", seen.words
    special = {0, getattr(words, "cls_id", -1), getattr(words, "sep_id", -1), getattr(words, "mask_id", -1)}
    special |= getattr(words, "more", frozenset())
    added: list[Counter] = []
    labels: list[int] = []
    for step in seen.kept:
        if step.labels is None or words is None:
            continue
        for ids, pair, label in zip(step.batch.input_ids, step.pairs, step.labels, strict=False):
            own: Any = Counter(words.ids(pair.sentence_a).tolist()) + Counter(words.ids(pair.sentence_b).tolist())
            added.append(Counter(x for x in ids.tolist() if x not in special) - own)
            labels.append(int(label))
    truth = np.array(labels)
    if len(truth) < ROWS or len(set(labels)) < 2:
        return unknown(fact, place, "Too few rows show their words beside those of their pairs.")
    common = Counter(word for found in added for word in found)
    for word, _ in common.most_common(20):
        here = np.array([word in found for found in added])
        label = int(round(float(truth[here].mean())))
        pure, many = float((truth[here] == label).mean()), float(here[truth == label].mean())
        if pure > PURE and many > MANY and here.sum() >= ROWS / 2:
            text = (
                f"{int(here.sum())} rows hold a word (id {word}) that their pairs do not, and {pure:.3f} of them have "
                f"the label {label}: it gives the label away."
            )
            return violated(fact, place, text, "label-in-text", pure=pure, many=many)
    return holds(fact, place, "No word is in the rows of one label alone that their pairs do not hold.")
