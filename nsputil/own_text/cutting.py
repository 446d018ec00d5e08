"""Parts of long texts: training needs documents to split and to draw other sentences from."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from nsputil.corpus import Document, split_documents

#: So many documents at least: a tenth of them, the held-out part, are then three.
FEWEST = 30
#: A part has so many sentences if the text is long enough.
USUAL = 20
#: And never fewer.
SHORTEST = 3


def cut(documents: Sequence[Document]) -> tuple[list[Document], str]:
    """Return enough documents of similar length, and what was done; the same documents and "" if nothing had to be.

    Parameters
    ----------
    documents : sequence of Document

    Returns
    -------
    (list of Document, str)

    Raises
    ------
    ValueError
        If there is too little text.

    Notes
    -----
    The rule: if there are fewer than 30 documents, or one holds more than a thirtieth of all sentences and more than
    20, then each document that is longer than the limit is cut into parts of consecutive sentences. The limit is a
    thirtieth of all sentences or 20, whichever is less, where there are too few documents; a thirtieth where one is too
    long.
    """
    lengths = np.array([len(document.sentences) for document in documents])
    total, usable = int(lengths.sum()), int((lengths > 1).sum())
    if total < FEWEST * SHORTEST and usable < FEWEST:
        raise ValueError(
            f"the text has {total} sentences, in documents: {len(documents)}; expected {FEWEST} documents of two "
            f"sentences or more, or {FEWEST * SHORTEST} sentences to cut into {FEWEST} parts"
        )
    share = total // FEWEST
    if usable >= FEWEST:
        limit = max(USUAL, share)
    else:
        limit = min(max(USUAL, total // 100), share)
    if usable >= FEWEST and lengths.max() <= limit:
        return list(documents), ""
    parts = [part for document in documents for part in _parts(document, limit)]
    said = (
        f"cut into {len(parts)} parts of at most {max(len(part.sentences) for part in parts)} consecutive sentences, "
        "which count as documents; parts of one text resemble each other, so the held-out accuracy says less about "
        "other texts"
    )
    return parts, said


def balanced_split(documents: Sequence[Document], rng: Generator) -> list[list[Document]]:
    """Return training, validation and test documents, for `nsputil.experiment.Experiment`.

    As `nsputil.corpus.split_documents`; but in a part where one document is longer than all others together, its end is
    left out, since its sentences could not all be paired with other documents.
    """
    return [_shortened(part) for part in split_documents(documents, rng)]


def _shortened(documents: list[Document]) -> list[Document]:
    pairs = [max(0, len(document.sentences) - 1) for document in documents]
    longest = int(np.argmax(pairs))
    others = sum(pairs) - pairs[longest]
    if others == 0 or pairs[longest] <= others:
        return documents
    name, sentences = documents[longest].name, documents[longest].sentences
    return [*documents[:longest], Document(name, sentences[: others + 1]), *documents[longest + 1 :]]


def _parts(document: Document, limit: int) -> list[Document]:
    count = -(-len(document.sentences) // limit)
    if count < 2:
        return [document]
    ends = np.round(np.linspace(0, len(document.sentences), count + 1)).astype(int).tolist()
    return [
        Document(f"{document.name} part {k + 1}", document.sentences[start:end])
        for k, (start, end) in enumerate(zip(ends[:-1], ends[1:], strict=True))
    ]
