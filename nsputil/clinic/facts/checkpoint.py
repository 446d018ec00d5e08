"""A checkpoint that was loaded must compute what it computed when it was saved. Notebook 08.

Weights can be the right ones and be read in another way: with another number of heads, other layers first, another
activation. The course has one checkpoint of its own, so it can be asked.
"""

from functools import cache
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone
from nsputil.model import NSPModel

PLACE = "model"
SAME = 0.9  # of the weights of the checkpoint's encoder, bit for bit
APART = 0.05  # of the spread of h_cls; what computes the same is apart by the precision of a float


def checkpoint_kept(recording: Any) -> list[Finding]:
    """If the encoder holds the weights of `nsp-mini`, is its h_cls that of `nsp-mini`?

    Another vector than that of [CLS], such as the mean, can be meant, so a violation is doubtful.
    """
    start = recording.start
    saved = _saved()
    if start is None or not _holds(start, saved):
        return [unknown("model.checkpoint", PLACE, "The encoder does not hold the weights of nsp-mini.")]
    pairs = recording.first_pairs(16)
    batch = recording.experiment.encode(pairs, recording.vocabulary, start.max_length)
    h = getattr(getattr(clone(start).forward(batch)[1], "pooler", None), "h_cls", None)
    true = np.asarray(saved.encoder.forward(batch)[0], np.float64)
    if h is None or np.shape(h) != true.shape:
        return [unknown("model.checkpoint", PLACE, "The model shows no h_cls of the width of nsp-mini.")]
    spread = float(np.linalg.norm(true - true.mean(axis=0)))
    apart = float(np.linalg.norm(np.asarray(h, np.float64) - true)) / max(spread, 1e-9)
    if apart > APART:
        text = (
            f"The encoder holds the weights of nsp-mini and computes another h_cls: it differs by {apart:.3f} of its "
            "spread. A setting, such as the number of heads, is another one."
        )
        return [violated("model.checkpoint", PLACE, text, "checkpoint-read-otherwise", False, apart=apart)]
    return [holds("model.checkpoint", PLACE, "The encoder computes what nsp-mini computes.", apart=apart)]


@cache
def _saved() -> NSPModel:
    return NSPModel.mini()


def _holds(model: Any, saved: NSPModel) -> bool:
    """Whether most of the weights of a checkpoint are among those of a model."""
    by_shape: dict[tuple, list[np.ndarray]] = {}
    for array in model.parameters.values():
        by_shape.setdefault(array.shape, []).append(array)
    total = same = 0
    for array in saved.encoder.parameters.values():
        total += array.size
        same += array.size * any(np.array_equal(array, other) for other in by_shape.get(array.shape, ()))
    return same > SAME * total
