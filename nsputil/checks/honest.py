"""NumPy, math and Python's own functions as they were when the package was imported, while a check runs.

A learner's cell can assign to ``np.allclose`` or ``builtins.all``, by accident or not. A check compares with the
functions that were bound first, and gives the learner's own back at its end.
"""

import builtins
import contextlib
import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

_BUILTINS = (
    "abs all any bool dict enumerate float getattr hasattr int isinstance iter len list map max min next range repr "
    "reversed round set sorted str sum tuple type zip"
).split()


def _bound() -> list[tuple[ModuleType, dict[str, Any]]]:
    modules: list[ModuleType] = [np, np.linalg, np.random, math]
    found = [(module, {name: value for name, value in vars(module).items() if name[0] != "_"}) for module in modules]
    return [*found, (builtins, {name: getattr(builtins, name) for name in _BUILTINS})]


_BOUND = _bound()


def bind(*modules: ModuleType) -> None:
    """Bind the functions of more modules as they are now.

    Parameters
    ----------
    modules : module
    """
    for module in modules:
        _BOUND.append((module, {name: value for name, value in vars(module).items() if callable(value)}))


@contextlib.contextmanager
def honest_functions() -> Iterator[None]:
    """Bind the functions again that a learner's cell has assigned to, and give the learner's back at the end."""
    changed = []
    for module, bound in _BOUND:
        now = vars(module)
        for name, function in bound.items():
            if now.get(name) is not function:
                changed.append((now, name, now.get(name)))
                now[name] = function
    try:
        yield
    finally:
        for names, name, value in changed:
            names[name] = value
