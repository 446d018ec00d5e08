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
        return dx, {"weight": flat_dy.T @ flat_x, "bias": flat_dy.sum(axis=0)}


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
    ``erf`` comes from a table and a Taylor step of order five from the nearest entry: exact to 2e-14 in float64. numpy
    has no ``erf``, and a library for one function would double the learner's installation.
    """
    half = np.dtype(x.dtype).type(0.5)
    density = np.exp(-half * x * x) * x.dtype.type(1 / np.sqrt(2 * np.pi))
    phi = half + half * _erf(x * x.dtype.type(np.sqrt(0.5)))
    return x * phi, phi + x * density


_STEP = 1 / 64
_GRID = np.arange(0, 6 + _STEP, _STEP)


def _table():
    from math import erf

    return np.array([erf(value) for value in _GRID])


_ERF = _table()
_SLOPE = 2 / np.sqrt(np.pi) * np.exp(-_GRID * _GRID)


def _erf(x):
    """The error function, odd, 1 beyond 6."""
    size = np.minimum(np.abs(x), x.dtype.type(6))
    nearest = np.rint(size * x.dtype.type(64)).astype(np.intp)
    at = _GRID.astype(x.dtype)[nearest]
    d = size - at
    # Derivatives of erf are slope * (1, -2a, 4a^2 - 2, ...): Hermite polynomials.
    a2 = at * at
    series = d * (a2 * (a2 * 4 - 12) + 3) * x.dtype.type(1 / 30)
    series = d * (series + at * (3 - 2 * a2) * x.dtype.type(1 / 6))
    series = d * (series + (2 * a2 - 1) * x.dtype.type(1 / 3))
    series = d * (series - at)
    series = d * (series + 1)
    return np.copysign(_ERF.astype(x.dtype)[nearest] + _SLOPE.astype(x.dtype)[nearest] * series, x)


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
        centered = x - x.mean(axis=-1, keepdims=True)
        inverse = 1 / np.sqrt(np.mean(centered * centered, axis=-1, keepdims=True) + self.epsilon)
        normal = centered * inverse
        return normal * self.parameters["weight"] + self.parameters["bias"], (normal, inverse)

    def backward(self, dy, cache):
        """Return ``(dx, gradients)``."""
        normal, inverse = cache
        width = normal.shape[-1]
        flat = dy.reshape(-1, width)
        gradients = {"weight": (flat * normal.reshape(-1, width)).sum(axis=0), "bias": flat.sum(axis=0)}
        dnormal = dy * self.parameters["weight"]
        mean = dnormal.mean(axis=-1, keepdims=True)
        along = np.mean(dnormal * normal, axis=-1, keepdims=True)
        return (dnormal - mean - normal * along) * inverse, gradients


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
