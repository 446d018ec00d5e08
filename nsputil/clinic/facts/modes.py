"""Evaluation mode against training mode: on the same pairs, and on pairs that were trained on."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone
from nsputil.losses import log_softmax, nsp_loss_and_grad
from nsputil.optimizers import values

PLACE = "model"
PAIRS = 768
SCREENED = 256  # pairs that are asked first
DRAWS = 4
SURE = 4.0  # standard errors of a mean of paired differences
WORSE = 0.02  # of accuracy
ROWS, TIMES = 8, 16  # pairs, and draws
NEVER = 0.3  # of the entries of a tensor; dropout of nine tenths leaves out 0.19 of them in sixteen draws


def drawn_anew(recording: Any) -> list[Finding]:
    """Is what training mode drops drawn for each step? Then every weight has a gradient in some of several draws.

    At the start, the gradients of a few pairs are compared with those in evaluation mode, entry by entry.
    """
    name, model = "model.drawn", clone(recording.start) if recording.start is not None else None
    pairs = recording.first_pairs(ROWS)
    if model is None or len(pairs) < ROWS:
        return [unknown(name, PLACE, "There is no copy of the start, or no pair to show it.")]
    batch = recording.experiment.encode(pairs, recording.vocabulary, model.max_length)
    plain = _touched(model, batch, None)
    drawn = [_touched(model, batch, seed) for seed in range(TIMES)]
    worst, tensor = 0.0, ""
    for key, alive in plain.items():
        ever = np.any([one[key] for one in drawn if key in one and one[key].shape == alive.shape] or [alive], axis=0)
        share = float((alive & ~ever).sum()) / max(1, int(alive.sum()))
        if share > worst and alive.sum() >= ROWS:
            worst, tensor = share, key
    if worst > NEVER:
        text = (
            f"In {TIMES} draws of training mode, {worst:.3f} of the entries of {tensor} never have a gradient, and in "
            "evaluation mode they have one: what is dropped is always the same."
        )
        return [violated(name, PLACE, text, None, never=worst)]
    return [holds(name, PLACE, "What training mode drops is drawn for each step.", never=worst)]


def _touched(model: Any, batch: Any, seed: int | None) -> dict[str, np.ndarray]:
    """Return which entries of each tensor have a gradient, in evaluation mode or with numbers of a seed."""
    logits, cache = model.forward(batch, None if seed is None else np.random.default_rng(seed))
    slope = nsp_loss_and_grad(np.asarray(logits), np.arange(len(logits)) % 2)[1]
    found = model.backward(slope.astype(np.asarray(logits).dtype), cache)
    return {key: np.asarray(values(gradient)) != 0 for key, gradient in found.items()}


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
