"""The levels at which a loss of this kind can settle, in closed form. Introduced in notebook 09."""

import numpy as np

from nsputil.metrics import entropy

LN2 = float(np.log(2))


def reference_levels(
    prior: float = 0.5,
    batch_size: int = 32,
    spread: float = 0.0,
    noise: float = 0.0,
    smoothing: float = 0.0,
    one_sided: float = 0.0,
) -> dict[str, float]:
    """Return the levels at which a loss can settle, by name, in nats.

    Parameters
    ----------
    prior : float
        Fraction of IsNext.
    batch_size : int
    spread : float
        Standard deviation of the log-odds of IsNext at the start.
    noise : float
        Fraction of flipped labels.
    smoothing : float
        Label smoothing epsilon.
    one_sided : float
        Fraction of NotNext labels that are really IsNext, at a prior of one half.

    Returns
    -------
    dict of float

    Notes
    -----
    ``ln 2 + s^2/8`` is the first term of the series of E softplus(N(0, s^2)). It is right to 0.01 nats up to s = 0.9.
    """
    rho = one_sided
    return {
        "undecided, ln 2": LN2,
        "start, ln 2 + s^2/8": LN2 + spread**2 / 8,
        "prior only, H(prior)": entropy(prior),
        "label noise, H(noise)": entropy(noise),
        "one-sided noise": 0.5 * (1 + rho) * entropy(rho / (1 + rho)),
        "softmax applied twice, ln(1 + 1/e)": float(np.log1p(np.exp(-1))),
        "label smoothing, H(epsilon/2)": entropy(smoothing / 2),
        "sum for mean, B ln 2": batch_size * LN2,
        "base-2 logarithm, 1 bit": 1.0,
        "three classes, ln 3": float(np.log(3)),
        "squared error of both probabilities": 0.5,
    }


def above_entropy(loss: float, accuracy: float) -> float:
    """Return how far a loss is above the least that answers of this accuracy can cost, in nats.

    NaN if the accuracy is not a fraction.
    """
    return loss - entropy(accuracy) if 0 <= accuracy <= 1 else float("nan")
