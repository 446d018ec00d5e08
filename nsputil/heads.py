"""What stands on the encoder: the tanh pooler, the two-logit NSP head, the MLM head. Forward and backward by hand.

Every part of the model speaks one small language. ``parameters`` is a dict of named arrays. ``forward(x)`` returns the
output and a cache; ``backward(d_output, cache)`` returns the gradient in x and a dict of gradients with the names of
``parameters``. Weights have shape (out, in), as in PyTorch and in BERT's checkpoints.
Introduced in notebooks 01 (the shapes), 05 (the gradient) and 07 (training).
"""

import numpy as np


def check_width(name, value):
    """Raise a ValueError unless `value` is a positive integer."""
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is {value!r}; expected a positive integer")


class Linear:
    """``y = x W^T + b``.

    Parameters
    ----------
    width_in, width_out : int
    rng : numpy.random.Generator
    std : float
        Standard deviation of the weights at the start; BERT's is 0.02.
    dtype : numpy dtype

    Raises
    ------
    ValueError
        If a width is not a positive integer.
    """

    def __init__(self, width_in, width_out, rng, std=0.02, dtype=np.float32):
        check_width("width_in", width_in)
        check_width("width_out", width_out)
        self.parameters = {
            "weight": (rng.standard_normal((width_out, width_in)) * std).astype(dtype),
            "bias": np.zeros(width_out, dtype),
        }

    def forward(self, x):
        """Return ``(y, cache)`` for x of shape (..., width_in)."""
        y = x.reshape(-1, x.shape[-1]) @ self.parameters["weight"].T  # one large product, not one for each row
        y += self.parameters["bias"]
        return y.reshape(*x.shape[:-1], -1), x

    def backward(self, dy, x):
        """Return ``(dx, gradients)``."""
        flat_x, flat_dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        dx = (flat_dy @ self.parameters["weight"]).reshape(x.shape)
        return dx, {"weight": flat_dy.T @ flat_x, "bias": column_sums(flat_dy)}


class Pooler(Linear):
    """``pooled = tanh(W_p h_cls + b_p)`` (google-research/bert, modeling.py, pooler)."""

    def forward(self, h_cls):
        """Return ``(pooled, cache)``, shape (batch, width_out)."""
        y, x = super().forward(h_cls)
        pooled = np.tanh(y)
        return pooled, (x, pooled)

    def backward(self, dpooled, cache):
        """Return ``(dh_cls, gradients)``. The gate ``1 - pooled^2`` closes where tanh is saturated."""
        x, pooled = cache
        return super().backward(dpooled * (1 - pooled * pooled), x)


class NSPHead(Linear):
    """``logits = W pooled + b``, shape (batch, 2), columns [IsNext, NotNext] (BERT's cls/seq_relationship)."""

    def __init__(self, width, rng, std=0.02, dtype=np.float32):
        super().__init__(width, 2, rng, std, dtype)


def gelu(x, out=None):
    """Return ``(x Phi(x), its derivative)``: the exact GELU of Hendrycks and Gimpel, arXiv 1606.08415, as BERT has it.

    With ``out=x`` the values take the place of x, which saves a large array.

    Notes
    -----
    numpy has no error function, and a library for one function would double the learner's installation. The tail
    ``1 - Phi(|x|)`` is ``exp(-x^2 / 2)`` times a function (Mills' ratio) that is a polynomial in ``1 / (|x| + shift)``,
    to 1e-15 in float64 and 1e-7 in float32.
    """
    value, slope = np.empty(x.shape, x.dtype) if out is None else out, np.empty(x.shape, x.dtype)
    block = _BLOCK_BYTES // x.itemsize
    flat = x.reshape(-1), value.reshape(-1), slope.reshape(-1)
    buffers = np.empty((3, min(block, x.size)), x.dtype)
    for start in range(0, x.size, block):
        _gelu_block(*(array[start : start + block] for array in flat), buffers)
    return value, slope


_BLOCK_BYTES = 65_536  # of each array, handled at a time: the intermediate arrays stay in the processor's cache
# The shift, and the coefficients, highest power first; there is no constant. Fitted to 0 <= |x| <= 6 with the least
# largest error of the tail (Lawson), and interpolated at Chebyshev nodes of 0 <= |x| <= 9.
_MILLS = {
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


def _gelu_block(x, value, slope, buffers):
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


class LayerNorm:
    """Normalize the last axis to mean 0 and variance 1, then scale and shift; BERT's epsilon is 1e-12.

    Parameters
    ----------
    width : int
    dtype : numpy dtype
    epsilon : float
    """

    def __init__(self, width, dtype=np.float32, epsilon=1e-12):
        check_width("width", width)
        self.epsilon = epsilon
        self.parameters = {"weight": np.ones(width, dtype), "bias": np.zeros(width, dtype)}

    def forward(self, x):
        """Return ``(y, cache)``."""
        flat = x.reshape(-1, x.shape[-1])
        normal = flat - _row_means(flat)
        inverse = 1 / np.sqrt(_row_products(normal, normal) / normal.dtype.type(x.shape[-1]) + self.epsilon)
        normal *= inverse
        y = normal * self.parameters["weight"]
        y += self.parameters["bias"]
        return y.reshape(x.shape), (normal.reshape(x.shape), inverse.reshape(*x.shape[:-1], 1))

    def backward(self, dy, cache):
        """Return ``(dx, gradients)``."""
        normal, inverse = (array.reshape(-1, array.shape[-1]) for array in cache)
        flat = dy.reshape(normal.shape)
        dx = flat * normal
        gradients = {"weight": column_sums(dx), "bias": column_sums(flat)}
        dnormal = flat * self.parameters["weight"]
        along = _row_products(dnormal, normal) / normal.dtype.type(normal.shape[-1])
        np.multiply(normal, along, out=dx)
        dx += _row_means(dnormal)
        np.subtract(dnormal, dx, out=dx)
        dx *= inverse
        return dx.reshape(dy.shape), gradients


def column_sums(x):
    """Return the sum of the rows of x, shape (count, width), as one product: faster than ``x.sum(axis=0)``."""
    return np.ones(len(x), x.dtype) @ x


def _row_means(x):
    return (x @ np.full(x.shape[1], 1 / x.shape[1], x.dtype))[:, None]


def _row_products(x, y):
    return np.einsum("ij,ij->i", x, y)[:, None]


class MLMHead:
    """BERT's masked-word head: dense, GELU, LayerNorm, then scores of all words with the embedding table, tied.

    Parameters
    ----------
    width, vocabulary_size : int
    rng : numpy.random.Generator
    dtype : numpy dtype
    """

    def __init__(self, width, vocabulary_size, rng, dtype=np.float32):
        check_width("vocabulary_size", vocabulary_size)
        self.dense = Linear(width, width, rng, dtype=dtype)
        self.norm = LayerNorm(width, dtype)
        self.bias = np.zeros(vocabulary_size, dtype)

    @property
    def parameters(self):
        """Named arrays; the embedding table belongs to the encoder."""
        return join({"dense": self.dense.parameters, "norm": self.norm.parameters}) | {"bias": self.bias}

    def forward(self, hidden, embeddings):
        """Return ``(scores, cache)`` for hidden of shape (count, width): scores (count, vocabulary_size)."""
        y, dense_cache = self.dense.forward(hidden)
        activated, slope = gelu(y)
        normal, norm_cache = self.norm.forward(activated)
        return normal @ embeddings.T + self.bias, (dense_cache, slope, norm_cache, normal, embeddings)

    def backward(self, dscores, cache):
        """Return ``(dhidden, dembeddings, gradients)``."""
        dense_cache, slope, norm_cache, normal, embeddings = cache
        dactivated, norm_gradients = self.norm.backward(dscores @ embeddings, norm_cache)
        dhidden, dense_gradients = self.dense.backward(dactivated * slope, dense_cache)
        gradients = join({"dense": dense_gradients, "norm": norm_gradients}) | {"bias": dscores.sum(axis=0)}
        return dhidden, dscores.T @ normal, gradients


def join(parts):
    """Return ``{"part.name": array}`` for a dict of dicts."""
    return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
