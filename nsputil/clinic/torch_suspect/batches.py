"""Batches of a loader, whatever they are made of, with the rows of the dataset that are in them."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

LABELS = ("next_sentence_label", "labels", "label", "targets", "target", "y")
LIKE_LABELS = ("label", "target", "is_next", "isnext", "gold")


def indexed(loader: Any) -> bool:
    """Whether a loader says which rows of its dataset are in a batch, and the dataset gives each row."""
    data = getattr(loader, "dataset", None)
    if getattr(loader, "batch_sampler", None) is None or isinstance(data, torch.utils.data.IterableDataset):
        return False
    return hasattr(data, "__getitem__") and hasattr(data, "__len__")


def length(loader: Any) -> int:
    """Return the number of batches of an epoch; 0 if the loader does not say."""
    try:
        return len(loader)
    except TypeError:  # a stream
        return 0


def epoch(loader: Any) -> Iterator[tuple[Any, Any]]:
    """Yield ``(rows, batch)``; rows is None where the loader does not say which rows are in a batch."""
    if not indexed(loader):
        for batch in loader:
            yield None, batch
        return
    data = loader.dataset
    for rows in loader.batch_sampler:
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
    if not indexed(loader):
        return None
    return [[[int(row) for row in rows] for rows in loader.batch_sampler] for _ in range(epochs)]


def items(thing: Any) -> dict | None:
    """Return what a batch, or the output of a model, is made of: mappings, sequences, objects; None for a leaf."""
    if isinstance(thing, torch.Tensor | np.ndarray | str | bytes) or thing is None:
        return None
    if isinstance(thing, Mapping):
        return dict(thing.items())
    if hasattr(thing, "_asdict"):  # a named tuple
        return thing._asdict()
    if isinstance(thing, tuple | list):
        return None if _plain(thing) else dict(enumerate(thing))
    fields = getattr(thing, "__dict__", {})
    if dataclasses.is_dataclass(thing) or any(isinstance(part, torch.Tensor) for part in fields.values()):
        return dict(fields)
    return None


def _plain(thing: Any) -> bool:
    """Whether a sequence is a row of numbers or texts, one for each pair: a leaf."""
    return len(thing) > 0 and all(isinstance(part, int | float | str) for part in thing)


def leaves(thing: Any, path: tuple = ()) -> dict[tuple, Any]:
    """Return the leaves of a batch by their paths."""
    parts = items(thing)
    if parts is None:
        return {path: thing}
    found: dict[tuple, Any] = {}
    for name, part in parts.items():
        found |= leaves(part, (*path, name))
    return found


def mapped(thing: Any, change: Callable[[tuple, Any], Any], path: tuple = ()) -> Any:
    """Return a batch of the same kind, each leaf of it exchanged for ``change(path, leaf)``."""
    parts = items(thing)
    if parts is None:
        return change(path, thing)
    new = {name: mapped(part, change, (*path, name)) for name, part in parts.items()}
    if type(thing) is dict:
        return new
    if hasattr(thing, "_asdict"):
        return type(thing)(*new.values())
    if isinstance(thing, tuple | list):
        return type(thing)(new.values())
    other = copy(thing)
    for name, part in new.items():
        if isinstance(thing, Mapping):
            other[name] = part
        else:
            object.__setattr__(other, name, part)
    return other


def label_place(batch: Any) -> tuple | None:
    """Return the path of the labels in a batch: by name, or else the last row of zeros and ones; None if none is."""
    flat = {path: leaf for path, leaf in leaves(batch).items() if _flat(leaf)}
    for names in (LABELS, LIKE_LABELS):
        for name in names:
            for path in flat:
                own = str(path[-1]).lower() if path else ""
                if own == name or (names is LIKE_LABELS and name in own):
                    return path
    unnamed = [path for path in flat if not path or not isinstance(path[-1], str)]
    found = max(reversed(unnamed or list(flat)), key=lambda path: _like_labels(flat[path]), default=None)
    known = found is not None and (isinstance(batch, list | tuple) or _like_labels(flat[found])[0])
    return found if known else None


def own_labels(batch: Any) -> Any:
    """Return the labels of a batch as they are in it; None if it shows none."""
    place = label_place(batch)
    return None if place is None else leaves(batch)[place]


def labels_of(batch: Any) -> Any:
    """Return the labels of a batch as a tensor of whole numbers; None if it shows none."""
    found = own_labels(batch)
    if found is None:
        return None
    found = torch.as_tensor(found)
    if found.ndim == 2:
        found = found.argmax(1) if found.shape[1] == 2 else found[:, 0]
    return found.long()


def _flat(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return _plain(value) and not isinstance(value[0], str)
    shape = getattr(value, "shape", None)
    return shape is not None and (len(shape) == 1 or (len(shape) == 2 and shape[1] <= 2))


def _like_labels(value: Any) -> tuple:
    found = torch.as_tensor(value)
    return bool(((found == 0) | (found == 1)).all()), not found.is_floating_point()


def with_labels_like(labels: Any, own: Any) -> Any:
    """Return labels in the form of the user's own: their kind of number, in a row, a column, or two columns."""
    if isinstance(own, tuple | list):
        return type(own)(np.asarray(labels).tolist())
    own, found = torch.as_tensor(own), torch.as_tensor(labels)
    if own.ndim == 2:
        found = F.one_hot(found.long(), 2) if own.shape[1] == 2 else found.unsqueeze(1)
    return found.to(own.dtype)


def without_labels(batch: Any) -> Any:
    """Return the inputs of a batch: a mapping, or a tuple; what is alone in a tuple comes without it."""
    place = label_place(batch)
    parts: Any = items(batch)
    if isinstance(batch, tuple | list):
        kept = [part for name, part in enumerate(parts.values()) if place is None or name != _number(batch, place)]
        return kept[0] if len(kept) == 1 and items(kept[0]) is not None else tuple(kept)
    return {name: part for name, part in parts.items() if name not in LABELS and (place is None or name != place[0])}


def _number(batch: Any, place: tuple) -> Any:
    names = list(items(batch) or ())
    return names.index(place[0]) if len(place) == 1 else -1


def some(batch: Any, rows: Any) -> Any:
    """Return some rows of a batch."""
    chosen, size = torch.as_tensor(rows), size_of(batch)

    def take(path: tuple, value: Any) -> Any:
        if isinstance(value, tuple | list) and len(value) == size:
            return type(value)(value[k] for k in chosen.tolist())
        if getattr(value, "ndim", 0) < 1:
            return value
        return value[chosen if isinstance(value, torch.Tensor) else chosen.numpy()]

    return mapped(batch, take)


def size_of(batch: Any) -> int:
    """Return the number of rows of a batch."""
    return next((len(leaf) for leaf in leaves(batch).values() if getattr(leaf, "ndim", 0) >= 1), 0)


def to_array(tensor: Any) -> np.ndarray:
    """Return a tensor as an array."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
