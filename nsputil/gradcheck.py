"""Check an analytic gradient against central differences. Introduced in notebook 05."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nsputil._types import Floats


@dataclass(frozen=True)
class GradientCheck:
    """The result of `check_gradient`.

    Attributes
    ----------
    ok : bool
        Whether the largest error is within the tolerance.
    max_error : float
        The largest ``|analytic - numeric| / max(1, |analytic|, |numeric|)``.
    worst_index : tuple of int
        Its position in the array.
    analytic, numeric : float
        The two values at that position.
    """

    ok: bool
    max_error: float
    worst_index: tuple[int, ...]
    analytic: float
    numeric: float

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "WRONG"
        return (
            f"gradient {verdict}: worst entry {self.worst_index}, analytic {self.analytic:.6f}, "
            f"numeric {self.numeric:.6f}"
        )


def numerical_gradient(f: Callable[[Floats], float], x: ArrayLike, step: float = 1e-6) -> Floats:
    """Return the gradient of `f` at `x` by central differences, ``(f(x + step) - f(x - step)) / (2 step)``.

    Parameters
    ----------
    f : callable
        Takes an array shaped like `x`, returns one number.
    x : array_like of float64
        The point at which to differentiate; it is not changed.
    step : float
        How far to move each entry. The error of the formula shrinks as step^2, that of rounding grows as 1/step.

    Returns
    -------
    ndarray
        float64, same shape as `x`.

    Raises
    ------
    TypeError
        If `x` is not float64 (a step of 1e-6 is lost in float32) or `f` does not return one number.
    ValueError
        If `step` is not a positive finite number or `x` is empty.

    Notes
    -----
    Introduced in notebook 05.
    """
    x = np.array(x)
    if x.dtype != np.float64:
        raise TypeError(f"x has dtype {x.dtype}; expected float64, because small steps vanish in anything coarser")
    if x.size == 0:
        raise ValueError(f"x is empty (shape {x.shape}); expected at least one entry to move")
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step is {step}; expected a small positive number such as 1e-6")
    grad = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + step
        above = _number(f(x.copy()))
        x[index] = value - step
        below = _number(f(x.copy()))
        x[index] = value
        grad[index] = (above - below) / (2 * step)
    return grad


def check_gradient(
    f: Callable[[Floats], float], x: ArrayLike, grad: ArrayLike, step: float = 1e-6, tolerance: float = 1e-6
) -> GradientCheck:
    """Compare an analytic gradient with central differences and name the worst entry.

    Parameters
    ----------
    f : callable
        Takes an array shaped like `x`, returns one number.
    x : array_like of float64
        The point at which the gradient was computed.
    grad : array_like
        The analytic gradient of `f` at `x`, same shape.
    step, tolerance : float
        Step of the differences; largest error allowed.

    Returns
    -------
    GradientCheck

    Raises
    ------
    TypeError, ValueError
        As `numerical_gradient`; also a ValueError if the shape of `grad` is not that of `x`.

    Notes
    -----
    Introduced in notebook 05.
    """
    x, grad = np.asarray(x), np.asarray(grad)
    if grad.shape != x.shape:
        raise ValueError(f"grad has shape {grad.shape}; expected that of x, {x.shape}")
    numeric = numerical_gradient(f, x, step)
    error = np.abs(grad - numeric) / np.maximum(1, np.maximum(np.abs(grad), np.abs(numeric)))
    error = np.where(np.isfinite(error), error, np.inf)
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(error), x.shape))
    largest = float(error[worst])
    return GradientCheck(largest <= tolerance, largest, worst, float(grad[worst]), float(numeric[worst]))


def _number(value: ArrayLike) -> float:
    if np.ndim(value) != 0 or np.asarray(value).dtype.kind not in "fiu":
        raise TypeError(f"f returned {type(value).__name__} of shape {np.shape(value)}; expected one number")
    return float(np.asarray(value))
