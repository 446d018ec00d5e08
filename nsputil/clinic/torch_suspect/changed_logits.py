"""Is something done to logits that belongs before the last layer: a rectifier, or dropout?

A logit of a trained layer is hardly ever exactly 0. A rectifier makes one of many, which then have no gradient; dropout
makes some in training mode alone.
"""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.torch_suspect.as_recording import AsRecording

ROWS = 60
ZERO = 0.1  # of the logits
VARIED = 1e-6


def exact_zeros(seen: AsRecording) -> Finding:
    """Are many logits of the later steps exactly 0, and others not?"""
    fact, place = "model.zeros", "model"
    if seen.parts.form.name != "logits":
        return unknown(fact, place, "The model does not answer with two logits.")
    steps = [step.logits for step in seen.steps if step.logits is not None]
    later: Any = [x for x in steps[len(steps) // 2 :] if np.isfinite(x).all() and x.ndim == 2 and x.shape[1] == 2]
    logits = np.concatenate(later) if later else np.zeros((0, 2))
    if len(logits) < ROWS:
        return unknown(fact, place, "Too few steps show finite logits.")
    none = logits == 0
    share, numbers = float(none.mean()), {"zeros": float(none.mean())}
    if share > ZERO and share < 1 - ZERO and float(logits[~none].std()) > VARIED:
        if bool((logits >= 0).all()):
            text = f"{share:.3f} of the logits are exactly 0, and none is below it: they are rectified."
            return violated(fact, place, text, "logits-rectified", numbers=numbers)
        if float(none.any(axis=0).mean()) == 1:
            text = f"{share:.3f} of the logits are exactly 0: something sets them to it, such as dropout."
            return violated(fact, place, text, "dropout-on-logits", numbers=numbers)
    return holds(fact, place, f"{share:.3f} of the logits are exactly 0.", numbers=numbers)
