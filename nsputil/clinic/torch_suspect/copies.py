"""Copies of a user's objects, and a frame that leaves the random numbers of the process as they were."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from types import CellType, FunctionType
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader


def copied(thing: Any, memo: dict) -> Any:
    """Return a deep copy; what cannot be copied, such as an open file, is shared.

    Parameters
    ----------
    thing : object
        Of a function the variables that it closes over are copied; its globals are not.
    memo : dict
        Of `copy.deepcopy`. With the same memo two copies share what the two originals share.
    """
    if isinstance(thing, FunctionType):
        return _function(thing, memo)
    if isinstance(thing, DataLoader):
        return _loader(thing, memo)
    try:
        return deepcopy(thing, memo)
    except Exception:
        return thing


def _function(function: FunctionType, memo: dict) -> FunctionType:
    if id(function) in memo:
        return memo[id(function)]
    if function.__dict__.get("shared"):
        return function
    if function.__closure__ is None and not function.__defaults__:
        return function
    cells = tuple(CellType() for _ in function.__closure__ or ())
    defaults = function.__defaults__ and tuple(copied(value, memo) for value in function.__defaults__)
    new = FunctionType(function.__code__, function.__globals__, function.__name__, defaults, cells)
    memo[id(function)] = new
    new.__kwdefaults__ = copied(function.__kwdefaults__, memo)
    new.__dict__.update(function.__dict__)
    for cell, own in zip(function.__closure__ or (), cells, strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # a variable that was never set
            continue
        own.cell_contents = copied(value, memo)
    return new


def _loader(loader: DataLoader, memo: dict) -> DataLoader:
    try:
        new = deepcopy(loader, memo)
    except Exception:
        return loader
    new.collate_fn = copied(loader.collate_fn, memo)
    return new


@contextmanager
def kept_state(seed: int) -> Iterator[None]:
    """Seed all random numbers inside; afterwards they, and the mode of gradients, are as they were before."""
    cpu, grad = torch.get_rng_state(), torch.is_grad_enabled()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    random.seed(seed)
    torch.set_grad_enabled(True)
    try:
        yield
    finally:
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        torch.set_grad_enabled(grad)
