"""Are held-out labels those that the model learned?"""

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.torch_suspect.case import Case
from nsputil.metrics import accuracy_interval


def agreement(case: Case) -> Finding:
    """After training, are held-out labels those that the model learned, the opposite, or those of other rows?"""
    looks = case.seen.training.looks
    if not looks:
        return unknown("labels.agreement", "evaluation", "There are no held-out pairs.")
    look = looks[-1][1]
    n = len(look.labels)
    losses = np.array(case.seen.run.accuracy[-max(5, case.batches // 5) :], float)
    training = float(np.nanmean(losses)) if len(losses) else float("nan")
    low, high = accuracy_interval(round(look.accuracy * n), n)
    numbers = {"held_out": look.accuracy, "training": training}
    if high < 0.46 and training > 0.54:
        text = (
            f"At the end the model is right on {training:.3f} of the training rows and on {look.accuracy:.3f} of the "
            "held-out rows: the two have opposite labels."
        )
        return violated("labels.agreement", "encoding", text, "training-labels-inverted", numbers=numbers)
    odds = look.logits[:, 0] - look.logits[:, 1]
    signs = 1 - 2 * look.labels
    if n > 60 and odds.std() > 0:
        fits = {k: float(np.corrcoef(odds, np.roll(signs, k))[0, 1]) for k in range(-3, 4)}
        best = max(fits, key=lambda k: fits[k])
        if best != 0 and fits[best] > max(0.3, fits[0] + 0.2, 5 / np.sqrt(n)):
            text = f"Held-out labels fit the model's answers when they are moved by {-best} rows ({fits[best]:.2f})."
            return violated("labels.agreement", "encoding", text, "labels-off-by-one", numbers=numbers)
    return holds("labels.agreement", "encoding", "Held-out labels are in step with the answers.", numbers=numbers)
