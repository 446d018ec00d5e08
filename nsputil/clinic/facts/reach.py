"""Does a word count wherever it is in its text? Notebook 10.

A word is exchanged for another, place by place. Under a mask that shows it, an encoder that reads all words gives
another h_cls. At the start each place counts, because nothing was learned yet about which words matter.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone

PLACE = "model"
ROWS = 16
PLACES = 40  # that are asked, spread over both texts
ENOUGH = 3  # rows with a word there, so that one that the vocabulary hardly knows does not decide
LOST = 0.05  # of the places of one text
READ = 0.5  # of the places; all sane variations of the tests have 1


def places_read(recording: Any) -> list[Finding]:
    """At which places of A and of B, counted in words, does another word change h_cls?"""
    pairs = recording.first_pairs(ROWS)
    if not pairs or recording.start is None:
        return [unknown("model.reach", PLACE, "There is no copy of the start, or no pair to show it.")]
    model = clone(recording.start)
    batch = recording.experiment.encode(pairs, recording.vocabulary, model.max_length)
    ids, mask = np.asarray(batch.input_ids), np.asarray(batch.attention_mask)
    special = [0, *(int(getattr(recording.vocabulary, name, 0)) for name in ("cls_id", "sep_id", "mask_id"))]
    words = ~np.isin(ids, special) & (mask > 0)
    segments = np.asarray(batch.token_type_ids)
    asked = [
        (segment, found)
        for segment in (0, 1)
        for k in range(ids.shape[1])
        if (found := _at(words & (segments == segment), k)).any(axis=1).sum() >= ENOUGH
    ]
    asked = asked[:: max(1, -(-len(asked) // PLACES))]
    places = [found for _, found in asked]
    if len(places) < 8:
        return [unknown("model.reach", PLACE, "The texts are too short to ask at which places words count.")]
    before, pool = h_cls_of(model, batch), np.unique(ids[words])
    rng, moved = np.random.default_rng(0), []
    for chosen in places:
        other = ids.copy()
        other[chosen] = rng.permutation(pool)[: chosen.sum()]
        moved.append(not np.allclose(h_cls_of(model, replace(batch, input_ids=other)), before, rtol=1e-5, atol=1e-7))
    share = float(np.mean(moved))
    numbers = {"read": share, "places": float(len(places))}
    sides = np.array([side for side, _ in asked])
    of_each = [float(np.mean(np.array(moved)[sides == k])) if (sides == k).any() else 1.0 for k in (0, 1)]
    if min(of_each) < LOST and max(of_each) > READ:
        side, cause = ("A", "first-sentence-lost") if of_each[0] < of_each[1] else ("B", "second-sentence-lost")
        text = (
            f"Another word changes h_cls at {max(of_each):.3f} of the places of the other text, and at none of {side}."
        )
        if side == "A" and _exchanged(model, batch, words):
            text = f"{text} Words are read where the segment id is 1, whatever the mask says: the two were exchanged."
            cause = "segments-as-mask"
        return [violated("model.reach", PLACE, text, cause, numbers=numbers)]
    if 0 < share < READ:  # where no place counts, h_cls is the same for all, and other facts say so
        text = f"Another word changes h_cls at {sum(moved)} of {len(places)} places of A and B: most are not read."
        return [violated("model.reach", PLACE, text, None, numbers=numbers)]
    return [holds("model.reach", PLACE, f"Words count at {share:.3f} of the places of A and B.", numbers=numbers)]


def _exchanged(model: Any, batch: Any, words: np.ndarray) -> bool:
    """Whether the segment ids are taken for the mask: they show A if they are 1, and the mask does not hide B."""
    segments, mask, ids = (np.asarray(x) for x in (batch.token_type_ids, batch.attention_mask, batch.input_ids))
    rng, other = np.random.default_rng(0), []
    for segment in (0, 1):
        changed, at = ids.copy(), words & (segments == segment)
        changed[at] = rng.permutation(ids[at])
        other.append(changed)

    def reads(one: Any, changed: np.ndarray) -> bool:
        return not np.allclose(
            h_cls_of(model, one), h_cls_of(model, replace(one, input_ids=changed)), rtol=1e-5, atol=1e-7
        )

    shown, hidden = replace(batch, token_type_ids=mask), replace(batch, attention_mask=np.where(words, 0, mask))
    return reads(shown, other[0]) and reads(hidden, other[1])


def _at(words: np.ndarray, k: int) -> np.ndarray:
    """Return where the k-th word of each row is, counted from 0."""
    return words & (np.cumsum(words, axis=1) == k + 1)


def h_cls_of(model: Any, batch: Any) -> np.ndarray:
    """Return h_cls of a batch, shape (batch, width), or the logits of a model that does not show it."""
    logits, cache = model.forward(batch)
    h = getattr(getattr(cache, "pooler", None), "h_cls", None)
    return np.asarray(logits if h is None else h, np.float64)
