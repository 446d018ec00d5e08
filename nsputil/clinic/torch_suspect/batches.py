"""Batches of a loader, with the rows of the dataset that are in them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

LABELS = ("next_sentence_label", "labels", "label", "targets", "target", "y")


def epoch(loader: Any) -> Iterator[tuple[Any, Any]]:
    """Yield ``(rows, batch)``; rows is None where the loader does not say which rows are in a batch."""
    sampler: Any = getattr(loader, "batch_sampler", None)
    data: Any = getattr(loader, "dataset", None)
    if sampler is None or not hasattr(data, "__getitem__") or not hasattr(data, "__len__"):
        for batch in loader:
            yield None, batch
        return
    for rows in sampler:
        rows = [int(row) for row in rows]
        many = getattr(data, "__getitems__", None)
        yield rows, loader.collate_fn(many(rows) if callable(many) else [data[row] for row in rows])


def endless(loader: Any) -> Iterator[tuple[int, Any, Any]]:
    """Yield ``(epoch, rows, batch)`` for ever.

    Raises
    ------
    ValueError
        If the loader gives no batch.
    """
    number = 0
    while True:
        found = False
        for rows, batch in epoch(loader):
            found = True
            yield number, rows, batch
        if not found:
            raise ValueError("the train loader gives no batch")
        number += 1


def orders(loader: Any, epochs: int = 1) -> list[list[list[int]]] | None:
    """Return the rows of the batches of some epochs, without reading the data; None if the loader does not say."""
    sampler, data = getattr(loader, "batch_sampler", None), getattr(loader, "dataset", None)
    if sampler is None or not hasattr(data, "__len__"):
        return None
    return [[[int(row) for row in rows] for rows in sampler] for _ in range(epochs)]


def labels_of(batch: Any) -> Any:
    """Return the labels of a batch as a tensor of whole numbers; None if it shows none."""
    if isinstance(batch, Mapping):
        found = next((batch[name] for name in LABELS if batch.get(name) is not None and _flat(batch[name])), None)
    else:
        found = next((x for x in reversed(batch) if _flat(x)), None) if isinstance(batch, list | tuple) else None
    if found is None:
        return None
    found = torch.as_tensor(found)
    if found.ndim == 2:
        found = found.argmax(1) if found.shape[1] == 2 else found[:, 0]
    return found.long()


def _flat(value: Any) -> bool:
    shape = getattr(value, "shape", None)
    return shape is not None and (len(shape) == 1 or (len(shape) == 2 and shape[1] <= 2))


def without_labels(batch: Any) -> Any:
    """Return the inputs of a batch: a mapping, or a tuple."""
    if isinstance(batch, Mapping):
        return {name: value for name, value in batch.items() if name not in LABELS}
    labels = [k for k, x in enumerate(batch) if _flat(x)]
    return tuple(x for k, x in enumerate(batch) if not labels or k != labels[-1])


def some(batch: Any, rows: Any) -> Any:
    """Return some rows of a batch."""
    if isinstance(batch, Mapping):
        return {name: value[rows] if hasattr(value, "shape") else value for name, value in batch.items()}
    return tuple(value[rows] if hasattr(value, "shape") else value for value in batch)


def to_array(tensor: Any) -> np.ndarray:
    """Return a tensor as an array."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
