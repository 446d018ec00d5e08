"""Where in their documents the B of both classes are: a place can give the label away as a word does. Notebook 10."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.ranks import rank_area
from nsputil.clinic.text_index import spread
from nsputil.pairs import NOT_NEXT

PLACE = "pairs"
AREA = 0.25  # of the area under the curve beyond one half; the sane variations of the tests have 0.05 and less
ONE_SOURCE = 0.5  # of the B of a class
CLOSE = 3  # sentences
MOST = 0.9  # of the pairs NotNext


def places_of_b(recording: Any) -> list[Finding]:
    """Are the B of NotNext pairs in all parts of documents, as those of IsNext pairs are, and apart from their A?

    Text before A, as in sentence order prediction, is another task and no finding. All of it may be meant, so a
    violation is doubtful.
    """
    pairs = spread([pair for epoch in recording.pairs["train"][:1] for pair in epoch], 1200)
    index = recording.text
    starts = np.flatnonzero(index.tokens == -1)
    labels, where, after, sources = [], [], [], []
    for pair in pairs:
        at_b, at_a = index.places(pair.sentence_b), index.places(pair.sentence_a)
        if len(at_b) != 1:  # a text that is in several places says nothing
            continue
        k = int(np.searchsorted(starts, at_b[0]))
        if k == 0 or k == len(starts):
            continue
        labels.append(pair.label)
        sources.append(int(index.document[at_b[0]]))
        where.append((at_b[0] - starts[k - 1]) / (starts[k] - starts[k - 1]))
        if pair.label == NOT_NEXT and len(at_a) == 1:
            after.append(_sentences_after(index, int(at_a[0]), len(index.read(pair.sentence_a)), int(at_b[0])))
    if min(np.bincount(np.array(labels, int), minlength=2)) < 40:
        return [unknown("pairs.places", PLACE, "Too few B are in one place of the documents.")]
    if (source := _source(np.array(labels), np.array(sources))).state == "violated":
        return [source]
    area, error = rank_area(np.array(where), np.array(labels))
    beside = float(np.mean([step is not None and 0 < step <= CLOSE for step in after])) if after else 0.0
    numbers = {"area": area, "error": error, "beside": beside}
    if abs(area) > max(AREA, 5 * error):
        later = "later" if area > 0 else "earlier"
        text = (
            f"The B of the pairs NotNext are {later} in their documents than those of IsNext: in {0.5 + abs(area):.3f}"
        )
        return [violated("pairs.places", PLACE, f"{text} of all comparisons.", None, False, numbers=numbers)]
    if beside > MOST:
        text = f"In {beside:.3f} of the pairs NotNext B comes at most {CLOSE} sentences after the next one."
        return [violated("pairs.places", PLACE, text, None, False, numbers=numbers)]
    return [
        source,
        holds("pairs.places", PLACE, "The B of both classes are in all parts of documents.", numbers=numbers),
    ]


def _source(labels: np.ndarray, sources: np.ndarray) -> Finding:
    """Do the B of each class come from many documents?"""
    most = [float(np.bincount(sources[labels == label]).max() / (labels == label).sum()) for label in (0, 1)]
    numbers = {"is_next": most[0], "not_next": most[1]}
    if max(most) > ONE_SOURCE and min(most) < ONE_SOURCE / 2:
        name = ("IsNext", "NotNext")[int(np.argmax(most))]
        text = f"{max(most):.3f} of the B of the pairs {name} come from one document; of the others {min(most):.3f}."
        return violated("pairs.source", PLACE, text, None, numbers=numbers)
    return holds("pairs.source", PLACE, f"One document has {max(most):.3f} of the B of a class.", numbers=numbers)


def _sentences_after(index: Any, a: int, size: int, b: int) -> int | None:
    """Return how many sentences after the next one B begins; None in another document."""
    if index.document[a] != index.document[b]:
        return None
    ends = a + size
    return int(index.starts[ends : b + 1].sum()) - 1 if b >= ends else -1
