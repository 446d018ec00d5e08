"""Compare what a function returned with what is expected, and say where and how they differ first."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Difference:
    """The first part of a value that is not as expected.

    Attributes
    ----------
    kind : str
        ``"type"``, ``"shape"``, ``"nan"`` or ``"value"``.
    where : str
        The part, as Python writes it: ``""`` for the whole value, else such as ``[1][0]`` or ``['is_next']``.
    text : str
        What is there, and what kind is expected; never the expected value. It completes a sentence that names the
        part, such as "is the string 'a'; expected one number".
    """

    kind: str
    where: str
    text: str

    def inside(self, part: str) -> "Difference":
        """Return the same difference, seen from the value that holds this part."""
        return Difference(self.kind, part + self.where, self.text)


def compare(
    value: Any, expected: Any, rtol: float = 1e-6, atol: float = 1e-9, integers: bool = False
) -> Difference | None:
    """Return the first difference between a value and what is expected, or None.

    Parameters
    ----------
    value : object
    expected : number, str, bool, None, ndarray, or list, tuple or dict of these
        Lists, tuples and arrays of numbers are compared as arrays. One number may be any numeric scalar, a Fraction, a
        Decimal, or an array or list that holds one number.
    rtol, atol : float
        As in ``numpy.isclose``. NaN equals NaN.
    integers : bool
        Numbers have to be integers: no floats and no booleans.

    Returns
    -------
    Difference or None
    """
    if isinstance(expected, str | bool | np.bool_) or expected is None:
        return _compare_single(value, expected)
    if isinstance(expected, Mapping):
        return _compare_mapping(value, expected, rtol, atol, integers)
    wanted = as_numbers(expected)
    if wanted is None:
        return _compare_items(value, expected, rtol, atol, integers)
    array = as_numbers(value)
    if array is None:
        return _not_numbers(value, wanted)
    if wanted.shape == () and array.size == 1:
        array = array.reshape(())
    if array.shape != wanted.shape:
        return Difference("shape", "", f"is {describe(value)}; expected {kind_of(expected)}")
    if integers and (wrong := _not_integer(value)):
        return wrong
    return _compare_numbers(array.astype(np.float64), wanted.astype(np.float64), rtol, atol)


def difference(value: Any, expected: Any, rtol: float = 1e-6, atol: float = 1e-9) -> str:
    """Return the kind of the first difference, or "" if there is none; see `compare`."""
    found = compare(value, expected, rtol, atol)
    return found.kind if found else ""


def as_numbers(value: Any) -> NDArray[Any] | None:
    """Return a value as an array of numbers, or None if it is not made of numbers.

    Parameters
    ----------
    value : object

    Returns
    -------
    ndarray or None
        Its dtype stays, since it may be huge. Fractions and Decimals become float64.
    """
    if isinstance(value, str | bool | np.bool_ | dict | set | frozenset) or value is None or callable(value):
        return None
    if isinstance(value, Fraction | Decimal):
        return np.asarray(float(value))
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and array.size <= 10_000:
            if not all(isinstance(x, int | float | np.number | Fraction | Decimal) for x in array.ravel()):
                return None
            array = np.array([float(x) for x in array.ravel()]).reshape(array.shape)
    except Exception:  # rows of unequal length, a number too large, or an object that only looks like an array
        return None
    return array if array.dtype.kind in "fiub" else None


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
        array = as_numbers(value)
        if array is None:
            return all(map(finite, value)) if isinstance(value, list | tuple) else True
        return bool(np.isfinite(array).all())
    except (MemoryError, RecursionError):  # far larger than what is asked for, or a list that holds itself
        return True


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


def kind_of(expected: Any) -> str:
    """Return what kind of value is expected, in a few words that do not say which value.

    Parameters
    ----------
    expected : object

    Returns
    -------
    str
    """
    if isinstance(expected, bool | np.bool_):
        return "True or False"
    if isinstance(expected, str):
        return "a string"
    if isinstance(expected, int | float | np.number):
        return "one number"
    if isinstance(expected, Mapping):
        return "a dictionary with the keys " + ", ".join(map(repr, expected))
    if isinstance(expected, np.ndarray):
        return f"an array of shape {expected.shape}" if expected.ndim else "one number"
    if isinstance(expected, list | tuple):
        sort = type(expected).__name__
        kinds = {kind_of(item) for item in expected}
        if len(kinds) == 1 and len(expected) > 1:
            plural = {"one number": "numbers", "a string": "strings", "True or False": "booleans"}
            if (only := kinds.pop()) in plural:
                return f"a {sort} of {len(expected)} {plural[only]}"
        return f"a {sort} of length {len(expected)}"
    return describe(expected)


def _compare_single(value: Any, expected: Any) -> Difference | None:
    """Compare with a string, a truth value or None."""
    if isinstance(expected, str):
        alike, equal = isinstance(value, str), isinstance(value, str) and str.__eq__(value, expected)
    else:
        alike = isinstance(value, bool | np.bool_ | None)
        equal = alike and value == expected
    if not alike:
        return Difference("type", "", f"is {describe(value)}; expected {kind_of(expected)}")
    return None if equal else Difference("value", "", f"is {describe(value)}; another is expected")


def _compare_mapping(value: Any, expected: Any, rtol: float, atol: float, integers: bool) -> Difference | None:
    if not isinstance(value, Mapping):
        return Difference("type", "", f"is {describe(value)}; expected {kind_of(expected)}")
    missing = [key for key in expected if key not in value]
    if missing or len(value) != len(expected):
        extra = [key for key in value if key not in expected]
        found = f"lacks the key {missing[0]!r}" if missing else f"has the key {str(extra[0])[:40]!r} too many"
        found += f"; it has {str(extra[0])[:40]!r}" if missing and extra else ""
        return Difference("shape", "", f"{found}; expected {kind_of(expected)}")
    for key in expected:
        found_here = compare(value[key], expected[key], rtol, atol, integers)
        if found_here:
            return found_here.inside(f"[{key!r}]")
    return None


def _compare_items(value: Any, expected: Any, rtol: float, atol: float, integers: bool) -> Difference | None:
    """Compare with a list or tuple whose items are not all numbers."""
    if not isinstance(value, list | tuple):
        return Difference("type", "", f"is {describe(value)}; expected {kind_of(expected)}")
    items = list(iter(value))  # the learner's class may define a wrong __len__
    if len(items) != len(expected):
        return Difference("shape", "", f"has {_entries(len(items))}; expected {kind_of(expected)}")
    first = None
    for index, pair in enumerate(zip(items, expected, strict=True)):
        found = compare(*pair, rtol, atol, integers)
        if found and found.kind in ("type", "shape"):  # a wrong kind explains more than a wrong value before it
            return found.inside(f"[{index}]")
        first = first or (found.inside(f"[{index}]") if found else None)
    return first


def _not_numbers(value: Any, wanted: NDArray[Any]) -> Difference:
    """Name the first part that is no number."""
    expected = kind_of(wanted if wanted.ndim == 0 else list(wanted)) if wanted.ndim < 2 else kind_of(wanted)
    if isinstance(value, list | tuple) and wanted.ndim and type(value).__len__ in (list.__len__, tuple.__len__):
        if len(value) != len(wanted):
            return Difference("shape", "", f"has {_entries(len(value))}; expected {expected}")
        for index, item in enumerate(value):
            if wanted.ndim == 1 and as_numbers(item) is None:
                return Difference("type", f"[{index}]", f"is {describe(item)}; expected one number")
    return Difference("type", "", f"is {describe(value)}; expected {expected}")


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _not_integer(value: Any) -> Difference | None:
    items = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if not isinstance(items, list | tuple):
        wrong = isinstance(items, bool | np.bool_) or not isinstance(items, int | np.integer)
        return (
            Difference("integer", "", f"is {describe(value)}, {_sort(value)}; expected an integer") if wrong else None
        )
    for index, item in enumerate(items):
        if found := _not_integer(item):
            return found.inside(f"[{index}]")
    return None


def _sort(value: Any) -> str:
    return "a boolean" if isinstance(value, bool | np.bool_) else f"a {type(value).__name__}"


def _compare_numbers(
    array: NDArray[np.float64], wanted: NDArray[np.float64], rtol: float, atol: float
) -> Difference | None:
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf, where both are infinite and equal
        close = np.isfinite(wanted) & (np.abs(array - wanted) <= atol + rtol * np.abs(wanted))
    wrong = ~(close | (array == wanted) | (np.isnan(array) & np.isnan(wanted)))
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = "".join(f"[{i}]" for i in index)
    number, right = array[index], wanted[index]
    if np.isnan(number):
        return Difference("nan", where, "is NaN, not a number")
    size = "large" if number > right else "small"
    text = f"is {number:.6g}: that is too {size}"
    if f"{number:.6g}" == f"{right:.6g}":
        text = f"is {number:.12g}: that is right to some digits only, and a little too {size}"
    return Difference("value", where, text + (f" ({int(wrong.sum())} of {wrong.size} differ)" if index else ""))


def _described(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the string {value!r}" if len(value) <= 40 else f"a string of {len(value)} characters"
    if isinstance(value, bool | np.bool_):
        return f"{bool(value)}"
    if isinstance(value, int | float | np.number):
        return f"the number {value:.6g}"
    if isinstance(value, Fraction | Decimal):
        return f"the {type(value).__name__} {str(value)[:40]}"
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"an array of shape {tuple(shape)}"
    if isinstance(value, list | tuple | dict | set | frozenset):
        return f"a {type(value).__name__} of length {len(value)}"
    if callable(value):
        return f"the function {getattr(value, '__name__', '')}".strip()
    return f"a {type(value).__name__}"
