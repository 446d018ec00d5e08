"""Each gradient that the optimizer is given moves the weights at some time: none is thrown away."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated

PLACE = "optimizer"
PULSES = 8
LATER = 40  # steps in which a gradient that is collected has to be used
NOTHING = 1e-6  # of the longest change
MOST = 0.2  # of the gradients: a rate of 0 at the turn of a cycle loses one, and dropped spikes are few


def every_gradient(bench: Any, moving: np.ndarray, count: int) -> Finding:
    """Does each of several gradients have an effect, at once or later?

    Parameters
    ----------
    bench : Bench
        Of `nsputil.clinic.facts.optimizer`.
    moving : ndarray of int
        The steps, counted from 0, in which the weights move under a constant gradient.
    count : int
        How many steps can be asked.

    Returns
    -------
    Finding
        Optimizers that collect the gradients of several batches pass, if they add them.
    """
    gap = int(np.diff(moving).max(initial=1))
    first, period = int(moving[0]) + 1, max(gap, PULSES)
    length = first + period + max(LATER, gap)
    if length > count or period > LATER:
        return unknown("optimizer.every", PLACE, "The training is too short to follow several gradients.")
    nothing = bench.push([0.0] * length).sum(axis=1)
    asked = np.unique(np.linspace(0, period - 1, PULSES).round().astype(int))
    effects = []
    for k in asked:
        pulse = [0.0] * length
        pulse[first + k] = bench.size
        effects.append(float(np.abs(bench.push(pulse).sum(axis=1) - nothing).max()))
    lost = int(np.sum(np.array(effects) <= NOTHING * max(effects)))
    numbers = {"lost": float(lost), "asked": float(len(asked))}
    if max(effects) and lost > MOST * len(asked):
        text = f"Of {len(asked)} gradients that were given one after the other, {lost} move no weight at any time."
        return violated("optimizer.every", PLACE, text, None, numbers=numbers)
    return holds("optimizer.every", PLACE, f"{len(asked) - lost} of {len(asked)} gradients act.", numbers=numbers)
