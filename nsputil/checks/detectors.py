"""Mistakes that can be seen in the numbers of any exercise: a sign, a base, a factor, another order, a constant.

Each detector gets what the answer returned in every case and what was expected, as arrays of equal size, and says
whether the same thing is wrong in all of them. The misconceptions of an exercise are asked first; they know more.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsputil.checks.misconceptions import COMMON
from nsputil.checks.values import as_numbers

Floats = NDArray[np.float64]
#: From the expected numbers of a case, and its arguments, to what somebody with this mistake returns.
Mistake = Callable[[Floats, tuple[Any, ...]], Floats]


def _batch(args: tuple[Any, ...]) -> int:
    """The length of the first argument that has one."""
    return next((len(a) for a in args if isinstance(a, np.ndarray | list | tuple) and np.ndim(a)), 1)


def _entries(args: tuple[Any, ...]) -> int:
    return next((int(np.size(a)) for a in args if isinstance(a, np.ndarray)), 1)


#: name: what the mistake makes of the expected numbers. The texts are in `COMMON`.
TRANSFORMS: dict[str, Mistake] = {
    "sign_reversed": lambda x, args: -x,
    "factor_100": lambda x, args: 100 * x,
    "hundredth": lambda x, args: x / 100,
    "log_base_2": lambda x, args: x / np.log(2),
    "log_base_10": lambda x, args: x / np.log(10),
    "times_ln_2": lambda x, args: x * np.log(2),
    "times_ln_10": lambda x, args: x * np.log(10),
    "doubled": lambda x, args: 2 * x,
    "halved": lambda x, args: x / 2,
    "times_batch": lambda x, args: x * _batch(args),
    "divided_by_batch": lambda x, args: x / _batch(args),
    "divided_by_all_entries": lambda x, args: x / _entries(args),
    "complement": lambda x, args: 1 - x,
    "one_too_large": lambda x, args: x + 1,
    "one_too_small": lambda x, args: x - 1,
    "reciprocal": lambda x, args: 1 / x,
    "exp_taken": lambda x, args: np.exp(x),
    "exp_of_minus": lambda x, args: np.exp(-x),
    "minus_log_taken": lambda x, args: -np.log(x),
    "squared": lambda x, args: x**2,
    "root_taken": lambda x, args: np.sqrt(x),
    "absolute": lambda x, args: np.abs(x),
}


def numbers_of(values: Sequence[Any]) -> list[Floats] | None:
    """Return the values of all cases as arrays, or None if one of them is not made of numbers.

    Parameters
    ----------
    values : sequence of object

    Returns
    -------
    list of ndarray or None
    """
    arrays = [as_numbers(value) for value in values]
    if any(array is None or array.size > 100_000 for array in arrays):
        return None
    return [np.asarray(array, dtype=np.float64) for array in arrays]


def alike(found: Sequence[Floats], other: Sequence[Floats], rtol: float = 1e-5, atol: float = 1e-7) -> bool:
    """Return True if the arrays of all cases agree, and none holds NaN.

    Parameters
    ----------
    found, other : sequence of ndarray
    rtol, atol : float

    Returns
    -------
    bool
    """
    return all(
        a.shape == b.shape and not np.isnan(b).any() and np.allclose(a, b, rtol, atol)
        for a, b in zip(found, other, strict=True)
    )


def recognized(
    values: Sequence[Any], expected: Sequence[Any], args: Sequence[tuple[Any, ...]]
) -> tuple[str, str, str] | None:
    """Name what is wrong with the numbers of all cases.

    Parameters
    ----------
    values, expected : sequence of object
        What the answer returned in each case, and the reference.
    args : sequence of tuple
        The arguments of each case.

    Returns
    -------
    tuple of str or None
        Name, message and question.
    """
    found, wanted = numbers_of(values), numbers_of(expected)
    if found is None or wanted is None or len(found) < 2 or alike(found, wanted):
        return None
    wanted = [w.reshape(f.shape) if w.size == f.size == 1 else w for f, w in zip(found, wanted, strict=True)]
    name = _shape_or_order(found, wanted) or _constant(found, wanted) or transformed(found, wanted, args)
    name = name or _rounded(found, wanted)
    return (name, *COMMON[name]) if name else None


def transformed(found: Sequence[Floats], wanted: Sequence[Floats], args: Sequence[tuple[Any, ...]]) -> str:
    """Return the name of the transform that explains all cases, or ""."""
    if len(found) != len(wanted) or not any((np.abs(w) > 1e-6).any() for w in wanted):
        return ""
    with np.errstate(all="ignore"):
        for name, mistake in TRANSFORMS.items():
            other = [mistake(w, a) for w, a in zip(wanted, args, strict=True)]
            if not alike(wanted, other) and alike(found, other):
                return name
    return ""


def _shape_or_order(found: Sequence[Floats], wanted: Sequence[Floats]) -> str:
    if any(f.ndim > 1 for f in found) and alike([f.T for f in found], wanted):
        return "transposed"
    sizes_agree = all(f.size == w.size for f, w in zip(found, wanted, strict=True))
    if sizes_agree and any(f.size > 2 for f in found) and all(_varied(w) for w in wanted):
        if alike([np.sort(f, axis=None) for f in found], [np.sort(w, axis=None) for w in wanted]):
            return "another_order"
    if sizes_agree and any(f.shape != w.shape for f, w in zip(found, wanted, strict=True)):
        if alike([f.ravel() for f in found], [w.ravel() for w in wanted]):
            return "another_shape"
    return ""


def _varied(array: Floats) -> bool:
    return array.size < 2 or len(np.unique(array.round(9))) > 1


def _constant(found: Sequence[Floats], wanted: Sequence[Floats]) -> str:
    if len({f.shape for f in found}) > 1 or not alike(found, [found[0]] * len(found)):
        return ""
    if len({w.shape for w in wanted}) == 1 and alike(wanted, [wanted[0]] * len(wanted)):
        return ""
    same = found[0].shape == wanted[0].shape and np.allclose(found[0], wanted[0], 1e-3, 1e-4)
    return "example_returned" if same else "constant"


def _rounded(found: Sequence[Floats], wanted: Sequence[Floats]) -> str:
    if any(f.shape != w.shape for f, w in zip(found, wanted, strict=True)):
        return ""
    for digits in range(7):
        near = [np.round(w, digits) for w in wanted]
        if not alike(wanted, near, 1e-7, 1e-9) and alike(found, near, 1e-9, 1e-9):
            return "rounded"
    return ""
