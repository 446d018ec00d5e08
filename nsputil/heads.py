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


def gelu(x):
    """Return ``(x Phi(x), its derivative)``: the exact GELU of Hendrycks and Gimpel, arXiv 1606.08415, as BERT has it.

    Notes
    -----
    numpy has no error function, and a library for one function would double the learner's installation. The tail
    ``1 - Phi(x)`` is the normal density times Mills' ratio, and that ratio is a polynomial in ``1 / (1 + x / 4)``, to
    1e-15 in float64 and 1e-7 in float32.
    """
    value, slope = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    flat = x.reshape(-1), value.reshape(-1), slope.reshape(-1)
    buffers = np.empty((4, min(_BLOCK, x.size)), x.dtype)
    for start in range(0, x.size, _BLOCK):
        _gelu_block(*(array[start : start + _BLOCK] for array in flat), buffers)
    return value, slope


_BLOCK = 16_384  # numbers handled at a time, so that the intermediate arrays stay in the processor's cache
# Mills' ratio, highest power first: interpolated at the Chebyshev nodes of 0 <= x <= 6 and 0 <= x <= 9.
_MILLS = {
    4: (-0.24526662804216, 0.93057815310360, -0.81609611029942, 0.86068245337272, -0.03316900397597, 0.31449026324097,
        0.24166565936481, 0.00042930835519),
    8: (0.009399020305336023, -0.10644267118598781, 0.5468223464520946, -1.6740619915540305, 3.3813527506080088,
        -4.750108503553663, 4.856892933021281, -3.8160288646764418, 2.3218249673068594, -1.0291659691389101,
        0.5091524142284489, 0.04501278697797211, 0.22780281547053768, 0.23046058988502788, 0.25042976987471566,
        0.2499708204173614, 9.228768901745973e-07),
}  # fmt: skip


def _gelu_block(x, value, slope, buffers):
    real = x.dtype.type
    size, t, tail, density = buffers[:, : len(x)]
    np.abs(x, out=size)
    np.multiply(size, real(0.25), out=t)
    t += 1
    np.reciprocal(t, out=t)
    first, *others = _MILLS[x.dtype.itemsize]
    np.multiply(t, real(first), out=tail)
    for coefficient in others[:-1]:
        tail += real(coefficient)
        tail *= t
    tail += real(others[-1])
    np.multiply(x, x, out=density)
    density *= real(-0.5)
    np.exp(density, out=density)
    density *= real(1 / np.sqrt(2 * np.pi))
    tail *= density  # 1 - Phi(|x|)
    np.add(x, size, out=value)
    value *= real(0.5)
    size *= tail
    value -= size  # max(x, 0) - |x| (1 - Phi(|x|))
    np.subtract(real(0.5), tail, out=tail)
    np.copysign(tail, x, out=tail)
    tail += real(0.5)  # Phi(x)
    np.multiply(x, density, out=slope)
    slope += tail


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
