"""Do the words of a batch, and no others, have a gradient in the table of word vectors? Notebook 10."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone
from nsputil.encoders import RowGradient
from nsputil.losses import nsp_loss_and_grad

PLACE = "model"
NAME = "model.rows"
MOST = 0.02  # of the rows
REACHED = 0.9  # of the highest id in the batch
WHOLE = 0.5  # of the table: such a gradient is that of an output layer, which all rows take part in


def rows_of_words(recording: Any) -> list[Finding]:
    """Which rows of a table with a row for each word have a gradient, though their words are not in the batch?

    A table that is read at other rows than those of the words gives words the vectors of others. That may be meant, as
    where ids are hashed over a whole table. It is a mistake where the table has rows beyond those that are ever read.
    """
    pairs = recording.first_pairs(64)
    vocabulary = recording.vocabulary
    if recording.start is None or not pairs or not hasattr(vocabulary, "__len__"):
        return [unknown(NAME, PLACE, "There is no copy of the start, or no pair to show it.")]
    model = clone(recording.start)
    batch = recording.experiment.encode(pairs, vocabulary, model.max_length)
    ids = np.unique(np.asarray(batch.input_ids))
    logits, cache = model.forward(batch)
    slope = nsp_loss_and_grad(np.asarray(logits), np.arange(len(logits)) % 2)[1].astype(np.asarray(logits).dtype)
    foreign, asked, where, top = 0, 0, "", 0
    for name, gradient in model.backward(slope, cache).items():
        array = model.parameters.get(name)
        if np.ndim(array) not in (1, 2) or len(array) != len(vocabulary):
            continue
        if isinstance(gradient, RowGradient):
            rows = gradient.rows[gradient.values.reshape(len(gradient.rows), -1).any(axis=1)]
        else:
            rows = np.flatnonzero(np.asarray(gradient).reshape(len(array), -1).any(axis=1))
        if not len(rows) or len(rows) > WHOLE * len(array):
            continue
        asked, top = asked + len(rows), max(top, int(rows.max()))
        if (here := int((~np.isin(rows, ids)).sum())) > 0:
            foreign, where = foreign + here, where or name
    if not asked:
        return [unknown(NAME, PLACE, "No table with a row for each word has a gradient of few rows.")]
    numbers = {"foreign": foreign / asked, "rows": float(asked), "top": float(top)}
    if foreign > MOST * asked:
        text = (
            f"{foreign} of {asked} rows that have a gradient, in {where} and such tables, belong to words that are not "
            "in the batch: the model reads other rows than those of its words."
        )
        unused = top < REACHED * int(ids.max())
        if unused:
            text = f"{text} It reads no row beyond {top}, and words have ids up to {int(ids.max())}."
        return [violated(NAME, PLACE, text, None, unused, numbers=numbers)]
    return [holds(NAME, PLACE, "Only words of the batch have a gradient.", numbers=numbers)]
