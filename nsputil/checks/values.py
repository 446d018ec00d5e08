"""Compare what a function returned with what is expected, and say in a few words how they differ."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_allclose, _isclose = np.allclose, np.isclose  # a learner's cell may assign to np.allclose and np.isclose


def difference(value: Any, expected: Any, rtol: float = 1e-6, atol: float = 1e-9) -> str:
    """Return the kind of difference between a value and what is expected.

    Parameters
    ----------
    value : object
    expected : number, str, bool, None, ndarray, or list, tuple or dict of these
        Lists and tuples of numbers are compared as arrays, and a number equals an array of shape ().
    rtol, atol : float
        As in ``numpy.isclose``. NaN equals NaN.

    Returns
    -------
    str
        ``""`` if they agree, else ``"type"``, ``"shape"``, ``"nan"`` or ``"value"``.
    """
    if isinstance(expected, str | bool | np.bool_) or expected is None:
        alike = isinstance(value, str) if isinstance(expected, str) else isinstance(value, bool | np.bool_ | None)
        if not alike:
            return "type"
        if isinstance(expected, str):
            return "" if str.__eq__(value, expected) else "value"
        return "" if value == expected else "value"
    if isinstance(expected, dict):
        if not isinstance(value, dict):
            return "type"
        if value.keys() != expected.keys():
            return "shape"
        differences = (difference(value[key], expected[key], rtol, atol) for key in expected)
        return next(filter(None, differences), "")
    wanted = _numbers(expected)
    if wanted is None:  # a sequence of items that are not all numbers
        if not isinstance(value, list | tuple):
            return "type"
        value = [item for item in value]  # noqa: C416, the learner's class may define a wrong __len__
        if len(value) != len(expected):
            return "shape"
        differences = (difference(a, b, rtol, atol) for a, b in zip(value, expected, strict=True))
        return next(filter(None, differences), "")
    array = _numbers(value)
    if array is None:
        return "type"
    if array.shape != wanted.shape:
        return "shape"
    array, wanted = array.astype(np.float64), wanted.astype(np.float64)
    if (np.isnan(array) & ~np.isnan(wanted)).any():
        return "nan"
    return "" if _allclose(array, wanted, rtol, atol, equal_nan=True) else "value"


def finite(value: Any) -> bool:
    """Return False if a value holds a NaN or an infinity anywhere.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool
    """
    try:
        if isinstance(value, dict):
            return all(map(finite, value.values()))
        array = _numbers(value)
        if array is None:
            return all(map(finite, value)) if isinstance(value, list | tuple) else True
        return bool(np.isfinite(array).all())
    except (MemoryError, RecursionError):  # far larger than what is asked for, or a list that holds itself
        return True


def first_difference(value: Any, expected: Any, rtol: float = 1e-6, atol: float = 1e-9) -> str:
    """Say where numbers differ first, and whether they are too large or too small; never what they should be.

    Parameters
    ----------
    value, expected : array_like of float
        Of the same shape.
    rtol, atol : float

    Returns
    -------
    str
        Such as "entry [1, 0] is 0.2500, too small (2 of 6 entries differ)"; "" if they are not numbers.
    """
    array, wanted = _numbers(value), _numbers(expected)
    if array is None or wanted is None or array.shape != wanted.shape:
        return ""
    array, wanted = array.astype(np.float64), wanted.astype(np.float64)
    wrong = ~_isclose(array, wanted, rtol, atol, equal_nan=True)
    if not wrong.any():
        return ""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    size = "not a number" if np.isnan(array[index]) else "too large" if array[index] > wanted[index] else "too small"
    if not index:
        return f"that is {size}"
    return f"entry {list(index)} is {array[index]:.6g}, {size} ({int(wrong.sum())} of {wrong.size} entries differ)"


def describe(value: object) -> str:
    """Return a value in a few words, never a whole array.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
        Also for an object whose own methods fail.
    """
    try:
        return _described(value)
    except Exception:
        return f"a {type(value).__name__}"


def _described(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the string {value!r}" if len(value) <= 40 else f"a string of {len(value)} characters"
    if isinstance(value, bool | np.bool_):
        return f"{bool(value)}"
    if isinstance(value, int | float | np.number):
        return f"the number {value:.6g}"
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"an array of shape {tuple(shape)}"
    if isinstance(value, list | tuple | dict | set):
        return f"a {type(value).__name__} of length {len(value)}"
    if callable(value):
        return f"the function {getattr(value, '__name__', '')}".strip()
    return f"a {type(value).__name__}"


def _numbers(value: Any) -> NDArray[Any] | None:
    """Return a value as an array, or None if it is not made of numbers. Its dtype stays, since it may be huge."""
    if isinstance(value, str | bool | np.bool_ | dict | set) or value is None or callable(value):
        return None
    try:
        array = np.asarray(value)
    except Exception:  # rows of unequal length, or an object that only looks like an array
        return None
    return array if array.dtype.kind in "fiub" else None
