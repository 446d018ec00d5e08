"""Who moves the weights: the optimizer that was given, another one, a new one in each step, or the user's own line?

An optimizer remembers: averages of gradients, and how many steps it has taken. One that is made in each step, or whose
state is put back, has taken one step for ever. Every optimizer of PyTorch tells when it steps.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from nsputil.clinic.facts.finding import Finding, violated

ENOUGH = 5  # steps


class Stepping:
    """Listens to all optimizers.

    Attributes
    ----------
    known : list
        The optimizers that stepped, the first dozen.
    steps : int
        Steps of any of them.
    oldest : float
        The most steps that one of them says that it has taken for a tensor; 0 if none counts.
    """

    def __init__(self, model: Any) -> None:
        self.own = {id(p) for p in model.parameters()}
        self.known: list[Any] = []
        self.steps, self.oldest = 0, 0.0
        handle: Any = register_optimizer_step_post_hook(self._after)
        self.close: Callable[[], None] = handle.remove

    def _after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        held = [p for group in optimizer.param_groups for p in group["params"]]
        if not any(id(p) in self.own for p in held):
            return
        self.steps += 1
        if len(self.known) < 12 and not any(other is optimizer for other in self.known):
            self.known.append(optimizer)
        for state in list(optimizer.state.values())[:3]:
            count = state.get("step", 0.0) if isinstance(state, dict) else 0.0
            self.oldest = max(self.oldest, float(count))


def renewed(stepping: Stepping | None) -> Finding | None:
    """Does an optimizer that counts its steps never get beyond the first?"""
    if stepping is None or stepping.steps < ENOUGH or not stepping.known:
        return None
    new = len(stepping.known) >= min(12, stepping.steps)
    if stepping.oldest > 1.5 or (stepping.oldest == 0 and not (new and _remembers(stepping.known[-1]))):
        return None
    how = "each of them is made by an optimizer of its own" if new else "the state of the optimizer is put back"
    text = f"After {stepping.steps} steps the optimizer still is in its first one: {how}, so it remembers nothing."
    return violated("optimizer.renewed", "optimizer", text, "optimizer-rebuilt-every-step")


def _remembers(optimizer: Any) -> bool:
    """Whether an optimizer keeps something from step to step, as momentum does; plain SGD may be made at any time."""
    return any(isinstance(x, torch.Tensor) for state in optimizer.state.values() if isinstance(state, dict)
               for x in state.values())  # fmt: skip
