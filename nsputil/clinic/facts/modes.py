"""Evaluation mode against training mode, on pairs that were trained on."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.losses import log_softmax

PLACE = "model"
PAIRS = 768
SCREENED = 256  # pairs that are asked first
DRAWS = 4
SURE = 4.0  # standard errors of a mean of paired differences
WORSE = 0.02  # of accuracy


def both_modes(recording: Any) -> list[Finding]:
    """Does the trained model do as well in evaluation mode as in training mode, on pairs that it was trained on?

    Training mode drops units, so on known pairs it is worse on average. If evaluation mode is worse, it computes with
    something else: running statistics that do not follow, older weights, or units that were not scaled for what was
    dropped. Held-out pairs could not tell, because noise makes a model that is too sure of them less so.
    """
    pairs = list({id(pair): pair for step in recording.steps for pair in step.pairs}.values())[-PAIRS:]
    if len(pairs) < 64:
        return [unknown("model.modes", PLACE, "Too few pairs were trained on to compare the two modes.")]
    loss, right = _evaluation_less_training(recording, pairs[:SCREENED], 1)
    if loss.mean() > 0:  # most models are better without dropout, which a few pairs show
        loss, right = _evaluation_less_training(recording, pairs, DRAWS)
    if not np.isfinite(loss).all():
        return [unknown("model.modes", PLACE, "The trained model gives numbers that are not finite.")]
    numbers = {"loss": float(loss.mean()), "accuracy": float(right.mean()), "pairs": float(len(loss))}
    if _sure(loss) and _sure(-right) and -right.mean() > WORSE:
        text = (
            f"On {len(loss)} pairs that it was trained on, the model is right {-right.mean():.3f} less often in "
            f"evaluation mode than in training mode, and its loss is {loss.mean():.3f} higher: evaluation mode "
            "computes with something else than what was trained."
        )
        return [violated("model.modes", PLACE, text, None, numbers=numbers)]
    return [holds("model.modes", PLACE, "Evaluation mode does no worse than training mode on known pairs.",
                  numbers=numbers)]  # fmt: skip


def _evaluation_less_training(recording: Any, pairs: list, draws: int) -> np.ndarray:
    """Return, for each pair, by how much loss and correctness are higher in evaluation mode, shape (2, pairs)."""
    drawn = np.mean([_outcomes(recording, pairs, seed) for seed in range(draws)], axis=0)
    return np.asarray(_outcomes(recording, pairs, None) - drawn)


def _outcomes(recording: Any, pairs: list, seed: int | None) -> np.ndarray:
    """Return loss and correctness of each pair, shape (2, pairs), in evaluation mode or with numbers of a seed."""
    model, found = recording.twin(), []
    rng = None if seed is None else np.random.default_rng(seed)
    for start in range(0, len(pairs), 64):
        batch = recording.experiment.encode(pairs[start : start + 64], recording.vocabulary, model.max_length)
        labels = np.asarray(batch.labels)
        logits = np.asarray(model.forward(batch, rng)[0], np.float64)
        found.append([-log_softmax(logits)[np.arange(len(labels)), labels], logits.argmax(axis=1) == labels])
    return np.concatenate([np.asarray(part, np.float64) for part in found], axis=1)


def _sure(differences: np.ndarray) -> bool:
    """Whether a mean of paired differences is above 0 beyond its sampling error."""
    error = float(differences.std()) / np.sqrt(len(differences))
    return float(differences.mean()) > SURE * max(error, 1e-9)
