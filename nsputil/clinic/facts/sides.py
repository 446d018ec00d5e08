"""Does h_cls tell as much of A alone as of B alone? Notebook 10."""

from dataclasses import replace
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone

PLACE = "model"
NAME = "model.sides"
ROWS = 24
HARDLY = 0.15  # of what hiding the other text changes; encoders that treat both alike have 1
APART = 0.6  # of the spread of all units; encoders that treat both texts alike have up to 0.5, most of them none


def both_sides(recording: Any) -> list[Finding]:
    """Give the same texts as A and as B, and hide one of the two: how much do units of h_cls vary?

    Most encoders treat the two alike, so the units vary as much whichever is hidden, in some order. If they do not, a
    line may have been copied and not changed, or the place of one text holds the other too. It may also be meant, as
    where one text is read in the light of the other. So a violation is doubtful.
    """
    pairs = recording.first_pairs(ROWS)
    if recording.start is None or len(pairs) < ROWS:
        return [unknown(NAME, PLACE, "There is no copy of the start, or no pair to show it.")]
    model = clone(recording.start)
    twice = [replace(pair, sentence_b=pair.sentence_a) for pair in pairs]
    batch = recording.experiment.encode(twice, recording.vocabulary, model.max_length)
    ids, segments, mask = (np.asarray(x) for x in (batch.input_ids, batch.token_type_ids, batch.attention_mask))
    special = [0, *(int(getattr(recording.vocabulary, key, 0)) for key in ("cls_id", "sep_id", "mask_id"))]
    words, found = ~np.isin(ids, special), []
    for hidden in (np.zeros_like(words), words & (segments == 0), words & (segments == 1)):
        shown = replace(batch, attention_mask=np.where(hidden, 0, mask))
        h = getattr(getattr(model.forward(shown)[1], "pooler", None), "h_cls", None)
        if h is None or not np.isfinite(h).all():
            return [unknown(NAME, PLACE, "The model shows no finite h_cls of one text.")]
        found.append(np.asarray(h, np.float64))
    both, *alone = found
    moved = [float(np.linalg.norm(h - both)) for h in alone]
    spreads = [np.sort(h.std(axis=0)) for h in alone]
    size = max(float(np.linalg.norm(spread)) for spread in spreads)
    apart = float(np.linalg.norm(spreads[0] - spreads[1])) / max(size, 1e-12)
    numbers = {"apart": apart, "without_a": moved[0], "without_b": moved[1]}
    if min(moved) < HARDLY * max(moved) and apart > APART:
        one, two = ("A", "B") if moved[0] < moved[1] else ("B", "A")
        text = (
            f"Where both texts are the same, it hardly matters whether {one} is hidden ({min(moved):.3g} against "
            f"{max(moved):.3g} without {two}): what is computed of {one} holds {two} too."
        )
        return [violated(NAME, PLACE, text, None, numbers=numbers)]
    if size and apart > APART:
        text = f"The units of h_cls vary otherwise with A alone than with the same texts as B alone ({apart:.3f})."
        return [violated(NAME, PLACE, f"{text} The two are not treated alike.", None, False, numbers=numbers)]
    return [holds(NAME, PLACE, f"A alone and B alone are treated alike ({apart:.3f}).", numbers=numbers)]
