"""How a gradient becomes a step: SGD with momentum, AdamW, warm-up and decay, clipping.

An optimizer changes the arrays of a model's ``parameters`` in place. It understands `RowGradient`: only the rows that a
batch used change (AdamW is then "lazy": the other rows keep their averages).
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from nsputil._types import Floats, Ints
from nsputil.encoders import Gradient, RowGradient

Schedule = Callable[[int], float]  # from the step, counted from 1, to a factor of the learning rate


class Optimizer(Protocol):
    """The interface of an optimizer: what training and checkpoints use of it.

    Attributes
    ----------
    steps : int
        How many steps were taken.
    state : dict of ndarray
        What it remembers from step to step, such as averages; a checkpoint stores it.
    """

    steps: int
    state: dict[str, Floats]

    def step(self, gradients: Mapping[str, Gradient]) -> None:
        """Change the parameters in place, and add 1 to `steps`."""


def constant(step: int) -> float:
    """Return 1: no schedule."""
    return 1.0


def warmup_linear(warmup: int, total: int) -> Schedule:
    """Return a schedule: a factor that rises from 0 to 1 in `warmup` steps, then falls to 0 at `total`.

    Parameters
    ----------
    warmup, total : int
        In steps, 0 <= warmup < total. BERT's own: 10,000 of 1,000,000.

    Returns
    -------
    callable
        From the step, counted from 1, to a factor in [0, 1].

    Raises
    ------
    ValueError
        If the numbers do not fit.
    """
    if not 0 <= warmup < total:
        raise ValueError(f"warmup is {warmup} and total {total}; expected 0 <= warmup < total")

    def factor(step: int) -> float:
        return step / warmup if step < warmup else max(0.0, (total - step) / (total - warmup))

    return factor


def gradient_norm(gradients: Mapping[str, Gradient]) -> float:
    """Return the Euclidean norm of all gradients together."""
    return float(np.sqrt(sum(float((values(g).astype(np.float64) ** 2).sum()) for g in gradients.values())))


def values(gradient: Gradient) -> Floats:
    """Return the array of numbers of a gradient, dense or of rows."""
    return gradient.values if isinstance(gradient, RowGradient) else gradient


class _Optimizer:
    """What both share: checks, clipping, the schedule, and the state as named arrays."""

    def __init__(
        self,
        parameters: dict[str, Floats],
        learning_rate: float,
        schedule: Schedule = constant,
        clip: float | None = None,
    ) -> None:
        if not learning_rate > 0:
            raise ValueError(f"learning_rate is {learning_rate}; expected a positive number")
        if clip is not None and not clip > 0:
            raise ValueError(f"clip is {clip}; expected a positive norm, or None")
        self.parameters = parameters
        self.learning_rate, self.schedule, self.clip = learning_rate, schedule, clip
        self.steps = 0
        self.state: dict[str, Floats] = {}

    def step(self, gradients: Mapping[str, Gradient]) -> None:
        """Change the parameters in place.

        Parameters
        ----------
        gradients : dict of ndarray or RowGradient
            By the names of the parameters.

        Raises
        ------
        KeyError
            If a gradient belongs to no parameter.
        """
        unknown = set(gradients) - set(self.parameters)
        if unknown:
            raise KeyError(f"gradients of {sorted(unknown)}, which are not parameters")
        self.steps += 1
        rate = self.learning_rate * self.schedule(self.steps)
        scale = 1.0
        if self.clip is not None:
            norm = gradient_norm(gradients)
            scale = self.clip / norm if norm > self.clip else 1.0
        for name, gradient in gradients.items():
            rows = gradient.rows if isinstance(gradient, RowGradient) else slice(None)
            g = values(gradient)
            self._update(name, rows, g if scale == 1.0 else g * g.dtype.type(scale), rate)

    def _update(self, name: str, rows: Ints | slice, g: Floats, rate: float) -> None:
        raise NotImplementedError

    def _slot(self, name: str, kind: str) -> Floats:
        """Return the array of the state that belongs to a parameter; zeros at first."""
        key = f"{name}:{kind}"
        if key not in self.state:
            self.state[key] = np.zeros_like(self.parameters[name])
        return self.state[key]


class SGD(_Optimizer):
    """Stochastic gradient descent, ``velocity = momentum * velocity + g; parameter -= rate * velocity``.

    Parameters
    ----------
    parameters : dict of ndarray
    learning_rate : float
    momentum : float
        In [0, 1).
    schedule : callable
        From the step to a factor.
    clip : float, optional
        The largest norm of all gradients together.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    adaptive = False

    def __init__(
        self,
        parameters: dict[str, Floats],
        learning_rate: float,
        momentum: float = 0.0,
        schedule: Schedule = constant,
        clip: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, schedule, clip)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum}; expected a number in [0, 1)")
        self.momentum = momentum

    def _update(self, name: str, rows: Ints | slice, g: Floats, rate: float) -> None:
        if self.momentum:
            velocity = self._slot(name, "velocity")
            g = velocity[rows] * g.dtype.type(self.momentum) + g
            velocity[rows] = g
        self.parameters[name][rows] -= g * g.dtype.type(rate)


class AdamW(_Optimizer):
    """Adam with bias correction and decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).

    Parameters
    ----------
    parameters : dict of ndarray
    learning_rate : float
    betas : (float, float)
    epsilon : float
    weight_decay : float
        Applied to matrices only, as BERT leaves biases and LayerNorm alone.
    schedule, clip
        As for `SGD`.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Notes
    -----
    google-research/bert's own AdamWeightDecayOptimizer has no bias correction; with a warm-up it matters little.
    """

    adaptive = True

    def __init__(
        self,
        parameters: dict[str, Floats],
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        schedule: Schedule = constant,
        clip: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, schedule, clip)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are {betas}; expected two numbers in [0, 1)")
        self.betas, self.epsilon, self.weight_decay = betas, epsilon, weight_decay

    def _update(self, name: str, rows: Ints | slice, g: Floats, rate: float) -> None:
        beta1, beta2 = self.betas
        real = g.dtype.type
        parameter, mean, square = self.parameters[name], self._slot(name, "mean"), self._slot(name, "square")
        # For all rows these are views, changed in place; for some rows copies, written back.
        m, s = mean[rows], square[rows]
        m *= real(beta1)
        m += g * real(1 - beta1)
        s *= real(beta2)
        squared = g * g
        squared *= real(1 - beta2)
        s += squared
        mean[rows], square[rows] = m, s
        step = np.sqrt(s, out=squared)
        step *= real(1 / np.sqrt(1 - beta2**self.steps))
        step += real(self.epsilon)
        np.divide(m, step, out=step)
        step *= real(rate / (1 - beta1**self.steps))
        if self.weight_decay and parameter.ndim > 1:
            step += parameter[rows] * real(rate * self.weight_decay)
        parameter[rows] -= step
