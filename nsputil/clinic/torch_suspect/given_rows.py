"""Are the rows that the model is given those that the loader gives, or the same ones in every step?"""

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.torch_suspect.as_recording import AsRecording
from nsputil.clinic.torch_suspect.watching import SeenBatch

FEW = 4  # batches
SAME = 0.4  # of the rows different: fewer return


def rows_given(seen: AsRecording) -> Finding:
    """Within one epoch, in which the loader gives other rows in every batch, does the model see other rows too?"""
    fact, place = "batches.given", "batching"
    steps = [
        s for s in seen.training.seen if s.epoch == 0 and ("input_ids" in s.arrays or (seen.text_apart and s.texts))
    ]
    if len(steps) < FEW or any(s.rows is None for s in steps):
        return unknown(fact, place, "It is not known which rows the model should be given.")
    own = [tuple(row[row != 0].tolist()) for s in steps for row in _given(s)]
    asked = [k for s in steps for k in s.rows]
    texts = {k: (seen.parts.pairs[k].sentence_a, seen.parts.pairs[k].sentence_b) if k < len(seen.parts.pairs) else k
             for k in asked}  # fmt: skip
    share, other = len(set(own)) / max(1, len(own)), len({texts[k] for k in asked}) / max(1, len(asked))
    numbers = {"different": share, "asked": other}
    if share < SAME and other > 2 * share:
        text = (
            f"In {len(steps)} steps of the first epoch {share:.3f} of the rows that the model is given are different, "
            f"and {other:.3f} of those that the loader gives: the same ones return."
        )
        return violated(fact, place, text, "same-pairs-again", numbers=numbers)
    return holds(fact, place, f"Of the rows that the model is given {share:.3f} are different.", numbers=numbers)


def _given(step: SeenBatch) -> np.ndarray:
    """Return the words that the model was given, A beside B."""
    return np.asarray(step.arrays["input_ids"]) if "input_ids" in step.arrays else np.concatenate(step.texts, axis=1)
