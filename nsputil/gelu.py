"""GELU, the activation of BERT, and its derivative, to the last digits and without SciPy."""

import numpy as np

from nsputil._types import Floats


def gelu(x: Floats, out: Floats | None = None) -> tuple[Floats, Floats]:
    """Return ``(x Phi(x), its derivative)``: the exact GELU of Hendrycks and Gimpel, arXiv 1606.08415, which BERT uses.

    With ``out=x`` the values replace x, which saves a large array.

    Notes
    -----
    numpy has no error function, and a library for one function would double the learner's installation. The tail
    ``1 - Phi(|x|)`` is ``exp(-x^2 / 2)`` times a function (Mills' ratio) that is a polynomial in ``1 / (|x| + shift)``,
    to 1e-15 in float64 and 1e-7 in float32.
    """
    value, slope = np.empty(x.shape, x.dtype) if out is None else out, np.empty(x.shape, x.dtype)
    block = _BLOCK_BYTES // x.itemsize
    flat_x, flat_value, flat_slope = x.reshape(-1), value.reshape(-1), slope.reshape(-1)
    buffers = np.empty((3, min(block, x.size)), x.dtype)
    for start in range(0, x.size, block):
        part = slice(start, start + block)
        _gelu_block(flat_x[part], flat_value[part], flat_slope[part], buffers)
    return value, slope


_BLOCK_BYTES = 65_536  # of each array, handled at a time: the intermediate arrays stay in the processor's cache
# The shift, and the coefficients, highest power first; there is no constant. Fitted to 0 <= |x| <= 6 so that the
# largest error of the tail is minimal (Lawson), and interpolated at Chebyshev nodes of 0 <= |x| <= 9.
_MILLS: dict[np.dtype, tuple[float, tuple[float, ...]]] = {
    np.dtype(np.float32): (3.5, (-177.111296, 172.559851, -22.5899381, 9.15266685, 1.08407979, 0.407279828)),
    np.dtype(np.float64): (4.0, (
        11019598.081958232, -32304749.079143953, 42428058.879400484, -32754518.65517718, 16410461.915763155,
        -5603227.66781101, 1363563.3310211245, -252314.4823712111, 35594.05575620577, -3370.2282817439027,
        482.6283557906877, 46.39627152782482, 21.570102551883387, 5.9590696488383825, 1.5962362644432664,
        0.398938253136272,
    )),
}  # fmt: skip
# As arrays: numpy is quicker with them than with numbers.
_CONSTANTS = {
    real: [np.array(number, real) for number in (1, 0.5, -0.5, 1 / np.sqrt(2 * np.pi), shift, *coefficients)]
    for real, (shift, coefficients) in _MILLS.items()
}


def _gelu_block(x: Floats, value: Floats, slope: Floats, buffers: Floats) -> None:
    one, half, minus_half, peak, shift, first, *others = _CONSTANTS[x.dtype]
    t, phi, density = buffers[:, : len(x)]
    np.abs(x, out=t)
    t += shift
    np.divide(one, t, out=t)
    np.multiply(t, first, out=phi)
    for coefficient in others:
        phi += coefficient
        phi *= t
    np.multiply(x, x, out=density)
    density *= minus_half
    np.exp(density, out=density)
    phi *= density  # 1 - Phi(|x|)
    np.subtract(half, phi, out=phi)
    np.copysign(phi, x, out=phi)
    phi += half  # Phi(x)
    np.multiply(x, density, out=slope)
    slope *= peak
    slope += phi
    np.multiply(x, phi, out=value)
