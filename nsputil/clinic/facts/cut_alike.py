"""Are different A still different when they have been cut to the length of a row? Notebook 10."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.text_index import spread

COUNT = 300
CHUNK = 50
LEFT = 0.5  # of the different texts; rows of eight tokens leave 0.8
BEGIN = 4  # words


def cut_alike(recording: Any) -> list[Finding]:
    """Encode many different A: how many different texts are left of them, if their ends are cut off?

    If hardly any are, the A of a document begin alike and are cut behind what they share: then the mistake is in the
    pairs. Where they begin in different ways, it is in the encoding.
    """
    name, place = "arrays.alike", "encoding"
    pairs = [pair for epoch in recording.pairs["train"][:1] for pair in epoch]
    pairs = spread(list({pair.sentence_a: pair for pair in pairs}.values()), COUNT)
    if len(pairs) < 60 or recording.start is None:
        return [unknown(name, place, "There are too few different A.")]
    vocabulary, seen, ended = recording.vocabulary, [], []
    special = [0, *(int(getattr(vocabulary, key, 0)) for key in ("cls_id", "sep_id", "mask_id"))]
    for k in range(0, len(pairs), CHUNK):
        batch = recording.experiment.encode(pairs[k : k + CHUNK], vocabulary, recording.start.max_length)
        arrays = [np.asarray(getattr(batch, key)) for key in ("input_ids", "token_type_ids", "attention_mask")]
        for pair, ids, segments, mask in zip(pairs[k : k + CHUNK], *arrays, strict=True):
            shown = ids[(segments == 0) & (mask > 0) & ~np.isin(ids, special)].tolist()
            whole = vocabulary.ids(pair.sentence_a).tolist()
            seen.append(tuple(shown))
            ended.append(bool(shown) and whole[-len(shown) :] == shown)
    in_order = sorted(seen)  # a text that is the beginning of another one comes just before it
    count = sum(text != other[: len(text)] for text, other in zip(in_order, [*in_order[1:], (-1,)], strict=True))
    left = count / len(pairs)
    begins = len({tuple(vocabulary.ids(pair.sentence_a)[:BEGIN].tolist()) for pair in pairs}) / len(pairs)
    numbers = {"left": left, "begin": begins, "ended": float(np.mean(ended))}
    if left < LEFT and count > 1 and np.mean(ended) < LEFT:
        text = f"Of {len(pairs)} different A {count} texts are left in the rows that are no beginning of one another"
        if begins < LEFT:
            text = f"{text}: most begin alike, and what comes later is cut off."
            return [violated(name, "pairs", text, None, numbers=numbers)]
        return [violated(name, place, f"{text}.", None, numbers=numbers)]
    return [holds(name, place, f"Of {len(pairs)} different A {count} are left in the rows.", numbers=numbers)]
