"""Three classes in place of two: next, the same document but not next, another document. Introduced in notebook 12.

The loss is still ``-log Pr(gold)``; `nsputil.pretraining_losses.mlm_loss_and_grad` has it for any number of classes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from nsputil._types import Floats, Ints
from nsputil.corpus import Document, check_documents
from nsputil.heads import Linear
from nsputil.model import NSPModel
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.sentence_pairs import between_documents

#: The three classes: ``CLASS_NAMES[class]``.
CLASS_NAMES = ("next", "same document", "other document")
NEXT, SAME_DOCUMENT, OTHER_DOCUMENT = range(3)
MIDDLES = ("previous", "elsewhere")


def three_way_pairs(
    documents: Sequence[Document], rng: Generator, middle: str = "previous"
) -> tuple[list[SentencePair], Ints]:
    """Return pairs of sentences and their classes, each class with probability one third.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    middle : {"previous", "elsewhere"}
        What the second class is: the sentence before A, so that only the order differs from the first class, as in
        StructBERT; or a sentence of the same document that is not beside A.

    Returns
    -------
    pairs : list of SentencePair
        With the label of the course: 0 = IsNext for the first class, 1 = NotNext for the two others.
    classes : ndarray of int, shape (len(pairs),)
        0 = next, 1 = same document, 2 = other document.

    Raises
    ------
    TypeError
        If `rng` is not a numpy Generator, or `documents` holds something other than Documents.
    ValueError
        If `middle` is unknown, no document has four sentences, or there is no second document.

    Notes
    -----
    Wang et al., StructBERT, arXiv 1908.04577, section 2.3. Introduced in notebook 12.
    """
    check_documents(documents, rng)
    if middle not in MIDDLES:
        raise ValueError(f"middle is {middle!r}; expected one of {', '.join(map(repr, MIDDLES))}")
    lengths = [len(document.sentences) for document in documents]
    places = [(d, i) for d, length in enumerate(lengths) if length > 3 for i in range(1, length - 1)]
    if not places:
        raise ValueError("no document has four sentences; expected running text")
    others = between_documents(np.array([d for d, _ in places]), rng)
    classes = rng.integers(0, 3, len(places))
    pairs = []
    for (d, i), other, name in zip(places, others, classes, strict=True):
        if name == NEXT:
            source, j = d, i + 1
        elif name == OTHER_DOCUMENT:
            source, j = places[other][0], places[other][1] + 1
        else:
            source, j = d, i - 1 if middle == "previous" else _elsewhere(i, lengths[d], rng)
        label = IS_NEXT if name == NEXT else NOT_NEXT
        pairs.append(SentencePair(documents[d].sentences[i], documents[source].sentences[j], label, d, source, i, j))
    return pairs, classes


def _elsewhere(i: int, length: int, rng: Generator) -> int:
    """Return a position of the document that is neither i nor beside it; four sentences have one."""
    free = [j for j in range(length) if abs(j - i) > 1]
    return int(free[rng.integers(len(free))])


class ClassModel(NSPModel):
    """An `NSPModel` whose head has as many logits as there are classes.

    Parameters
    ----------
    model : NSPModel
        Its encoder and pooler are used, and trained, as they are; only the head is new.
    classes : int
    rng : numpy.random.Generator
        For the weights of the head.

    Raises
    ------
    ValueError
        If there are fewer than two classes.
    """

    def __init__(self, model: NSPModel, classes: int, rng: Generator) -> None:
        if classes < 2:
            raise ValueError(f"classes is {classes}; expected at least 2")
        self.encoder, self.vocabulary, self.pooler = model.encoder, model.vocabulary, model.pooler
        self.max_length, self.encode = model.max_length, model.encode
        width = len(model.pooler.parameters["bias"])
        self.head = Linear(width, classes, rng, width**-0.5, model.pooler.parameters["bias"].dtype)  # type: ignore[assignment]

    def logits(self, pairs: Sequence[SentencePair], batch_size: int = 32) -> Floats:
        """Return the logits of any number of pairs, shape (len(pairs), classes)."""
        order = np.argsort([len(pair.sentence_a) + len(pair.sentence_b) for pair in pairs], kind="stable")
        logits = np.empty((len(pairs), len(self.head.parameters["bias"])))
        for start in range(0, len(pairs), batch_size):
            chosen = order[start : start + batch_size]
            batch = self.encode([pairs[k] for k in chosen], self.vocabulary, self.max_length)
            logits[chosen] = self.forward(batch)[0]
        return logits
