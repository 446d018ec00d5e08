"""Readings from inside a training step: how far the logits spread, how large each gradient and each update is."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from nsputil._types import Floats, Ints
from nsputil.encoders import Gradient, RowGradient
from nsputil.heads import PoolerCache
from nsputil.optimizers import values
from nsputil.pairs import IS_NEXT, NOT_NEXT


class CacheWithPooler(Protocol):
    """What the instruments read of a model's cache."""

    @property
    def pooler(self) -> PoolerCache: ...


def read_instruments(
    logits: Floats,
    labels: Ints,
    cache: CacheWithPooler,
    gradients: Mapping[str, Gradient],
    before: Mapping[str, Floats],
    parameters: Mapping[str, Floats],
) -> dict[str, float | None]:
    """Return what one training step looks like from inside, as a dict of numbers.

    Parameters
    ----------
    logits, labels : ndarray
    cache : ModelCache
        Of `NSPModel.forward`.
    gradients : dict of ndarray or RowGradient
    before : dict of ndarray
        The parameters before the step (for a `RowGradient` its rows only).
    parameters : dict of ndarray
        After it.

    Returns
    -------
    dict
        log_odds_std (standard deviation of the log-odds of IsNext, in nats); saturation (fraction of pooled units
        beyond 0.99); label_is_next and says_is_next (fractions); recall_is_next, recall_not_next (None if the class is
        absent); gradient.NAME and update.NAME (norms).
    """
    log_odds = (logits[:, IS_NEXT] - logits[:, NOT_NEXT]).astype(np.float64)
    predicted, labels = log_odds < 0, np.asarray(labels)
    reading: dict[str, float | None] = {
        "log_odds_std": float(log_odds.std()),
        "saturation": float((np.abs(cache.pooler.pooled) > 0.99).mean()),
        "label_is_next": float((labels == IS_NEXT).mean()),
        "says_is_next": float((~predicted).mean()),
    }
    for name, label in (("recall_is_next", IS_NEXT), ("recall_not_next", NOT_NEXT)):
        chosen = labels == label
        reading[name] = float((predicted[chosen] == label).mean()) if chosen.any() else None
    for name, gradient in gradients.items():
        rows = gradient.rows if isinstance(gradient, RowGradient) else slice(None)
        reading[f"gradient.{name}"] = float(np.linalg.norm(values(gradient)))
        reading[f"update.{name}"] = float(np.linalg.norm(parameters[name][rows] - before[name]))
    return reading
