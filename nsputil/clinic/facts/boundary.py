"""Does it matter to the encoder where A ends and B begins? Notebook 10."""

from dataclasses import replace
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.reach import h_cls_of
from nsputil.clinic.recording import clone

PLACE = "model"
NAME = "model.boundary"
SHARE, LEAST = 1 / 3, 3  # of the words of A are given to B, and at least so many words
STILL = 0.001  # of what other texts change: nothing
HARDLY = 0.1  # encoders that find the boundary have 0.45 and more


def boundary_seen(recording: Any) -> list[Finding]:
    """Give the last third of A to B, by segment ids and by the separator: does h_cls change?

    The words stay in their order. An encoder that takes both texts for one gives the same h_cls, whether it finds the
    boundary by segment ids or by itself.
    """
    pairs = recording.first_pairs(32)
    if not pairs or recording.start is None:
        return [unknown(NAME, PLACE, "There is no copy of the start, or no pair to show it.")]
    model = clone(recording.start)
    batch = recording.experiment.encode(pairs, recording.vocabulary, model.max_length)
    ids, segments, mask = (np.asarray(x) for x in (batch.input_ids, batch.token_type_ids, batch.attention_mask))
    separator = int(getattr(recording.vocabulary, "sep_id", -1))
    moved_ids, moved_segments, rows = ids.copy(), segments.copy(), []
    for k in range(len(ids)):
        first = np.flatnonzero((segments[k] == 1) & (mask[k] > 0))
        if not len(first) or first[0] < LEAST + 3:
            continue
        end = int(first[0])  # where B begins
        given = max(LEAST, round(SHARE * end))
        own = slice(end - given - 1, end)
        if ids[k, end - 1] == separator:  # ... a a a [SEP] | b becomes ... [SEP] | a a a b
            moved_ids[k, own] = np.concatenate([[separator], ids[k, own][:-1]])
            moved_segments[k, end - given : end] = 1
        else:
            moved_segments[k, own] = 1
        rows.append(k)
    if len(rows) < 8:
        return [unknown(NAME, PLACE, "Too few rows have words of A in front of B.")]
    before = h_cls_of(model, batch)[rows]
    after = h_cls_of(model, replace(batch, input_ids=moved_ids, token_type_ids=moved_segments))[rows]
    spread = float(np.abs(before - before.mean(axis=0)).mean())
    share = float(np.abs(after - before).mean()) / max(spread, 1e-12)
    if share < STILL:
        text = "h_cls stays the same when the last words of A become the first of B: both texts are read as one."
        return [violated(NAME, PLACE, text, "segment-ids-zero", moved=share)]
    if share < HARDLY:
        text = (
            f"When the last third of A becomes the beginning of B, h_cls moves by {share:.3f} of what other texts move "
            "it: the encoder does not look where B begins."
        )
        return [violated(NAME, PLACE, text, None, moved=share)]
    return [holds(NAME, PLACE, "It matters where A ends and B begins.", moved=share)]
