"""Arrays that the parts of a model hold beside its parameters, such as the running averages of batch normalization."""

from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

DEEPEST = 4  # parts within parts
LARGEST = 1_000_000  # numbers; what is larger is data, no average


def buffers(model: Any) -> dict[str, np.ndarray]:
    """Return copies of these arrays.

    Parameters
    ----------
    model : NSPModel

    Returns
    -------
    dict of str to ndarray
        By a path that begins with a dot, such as ``".encoder.mean"``; no parameter has such a name.
    """
    known = {id(array) for array in model.parameters.values()}
    known.add(id(getattr(model, "vocabulary", None)))
    return {path: array.copy() for path, array in _within(model, "", known, 0)}


def put_back(model: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Give the parts of a model the arrays that `buffers` returned."""
    for path, array in arrays.items():
        *parts, name = path.split(".")[1:]
        owner = model
        for part in parts:
            owner = getattr(owner, part)
        vars(owner)[name] = array.copy()


def _within(owner: Any, path: str, known: set[int], depth: int) -> Iterator[tuple[str, np.ndarray]]:
    for name, value in list(getattr(owner, "__dict__", {}).items()):
        if id(value) in known or isinstance(value, type | ModuleType | FunctionType):
            continue
        known.add(id(value))
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "f" and 0 < value.size <= LARGEST:
                yield f"{path}.{name}", value
        elif depth < DEEPEST:
            yield from _within(value, f"{path}.{name}", known, depth + 1)
