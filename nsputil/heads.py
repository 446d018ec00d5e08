"""The parts on top of the encoder: the tanh pooler, the two-logit NSP head, the MLM head. Forward and backward by hand.

Every part of the model has the same three members. ``parameters`` is a dict of named arrays. ``forward(x)`` returns the
output and a cache; ``backward(d_output, cache)`` returns the gradient in x and a dict of gradients with the names of
``parameters``. Weights have shape (out, in), as in PyTorch and in BERT's checkpoints.
Notebook 01 explains the shapes, notebook 05 the gradient.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from nsputil._types import Floats
from nsputil.gelu import gelu

Cache = Any  # what `forward` hands to `backward` of the same part; each part has a type of its own


class PoolerCache(NamedTuple):
    """What `Pooler.forward` keeps for `Pooler.backward`: input and output, (batch, width) and (batch, width_out)."""

    h_cls: Floats
    pooled: Floats


class NormCache(NamedTuple):
    """What `LayerNorm.forward` keeps: the normalized rows, and 1 / their standard deviation."""

    normal: Floats
    inverse: Floats


class MLMCache(NamedTuple):
    """What `MLMHead.forward` keeps."""

    dense: Floats  # input of the dense layer
    slope: Floats  # derivative of GELU
    norm: NormCache
    normal: Floats  # what the embeddings are multiplied with
    embeddings: Floats  # the table tied to that of the encoder


def check_width(name: str, value: object) -> None:
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

    def __init__(
        self, width_in: int, width_out: int, rng: Generator, std: float = 0.02, dtype: DTypeLike = np.float32
    ) -> None:
        check_width("width_in", width_in)
        check_width("width_out", width_out)
        self.parameters: dict[str, Floats] = {
            "weight": (rng.standard_normal((width_out, width_in)) * std).astype(dtype),
            "bias": np.zeros(width_out, dtype),
        }

    def forward(self, x: Floats) -> tuple[Floats, Cache]:
        """Return ``(y, x)`` for x of shape (..., width_in): the cache is x itself."""
        y = x.reshape(-1, x.shape[-1]) @ self.parameters["weight"].T  # one large product, not one for each row
        y += self.parameters["bias"]
        return y.reshape(*x.shape[:-1], -1), x

    def backward(self, dy: Floats, x: Cache) -> tuple[Floats, dict[str, Floats]]:
        """Return ``(dx, gradients)``."""
        flat_x, flat_dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        dx = (flat_dy @ self.parameters["weight"]).reshape(x.shape)
        return dx, {"weight": flat_dy.T @ flat_x, "bias": column_sums(flat_dy)}


class Pooler(Linear):
    """``pooled = tanh(W_p h_cls + b_p)`` (google-research/bert, modeling.py, pooler)."""

    def forward(self, h_cls: Floats) -> tuple[Floats, PoolerCache]:
        """Return ``(pooled, cache)``; pooled has shape (batch, width_out)."""
        y, x = super().forward(h_cls)
        pooled = np.tanh(y)
        return pooled, PoolerCache(x, pooled)

    def backward(self, dpooled: Floats, cache: PoolerCache) -> tuple[Floats, dict[str, Floats]]:
        """Return ``(dh_cls, gradients)``. The gate ``1 - pooled^2`` closes where tanh is saturated."""
        gate = 1 - cache.pooled * cache.pooled
        return super().backward(dpooled * gate, cache.h_cls)


class NSPHead(Linear):
    """``logits = W pooled + b``, shape (batch, 2), columns [IsNext, NotNext] (BERT's cls/seq_relationship)."""

    def __init__(self, width: int, rng: Generator, std: float = 0.02, dtype: DTypeLike = np.float32) -> None:
        super().__init__(width, 2, rng, std, dtype)


class LayerNorm:
    """Normalize the last axis to mean 0 and variance 1, then scale and shift; BERT's epsilon is 1e-12.

    Parameters
    ----------
    width : int
    dtype : numpy dtype
    epsilon : float
    """

    def __init__(self, width: int, dtype: DTypeLike = np.float32, epsilon: float = 1e-12) -> None:
        check_width("width", width)
        self.epsilon = epsilon
        self.parameters: dict[str, Floats] = {"weight": np.ones(width, dtype), "bias": np.zeros(width, dtype)}

    def forward(self, x: Floats) -> tuple[Floats, NormCache]:
        """Return ``(y, cache)``; y has the shape of x, (..., width)."""
        flat = x.reshape(-1, x.shape[-1])
        normal = flat - _row_means(flat)
        inverse = 1 / np.sqrt(_row_products(normal, normal) / normal.dtype.type(x.shape[-1]) + self.epsilon)
        normal *= inverse
        y = normal * self.parameters["weight"]
        y += self.parameters["bias"]
        return y.reshape(x.shape), NormCache(normal.reshape(x.shape), inverse.reshape(*x.shape[:-1], 1))

    def backward(self, dy: Floats, cache: NormCache) -> tuple[Floats, dict[str, Floats]]:
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


def column_sums(x: Floats) -> Floats:
    """Return the sum of the rows of x, shape (count, width), as one product: faster than ``x.sum(axis=0)``."""
    return np.ones(len(x), x.dtype) @ x


def _row_means(x: Floats) -> Floats:
    return (x @ np.full(x.shape[1], 1 / x.shape[1], x.dtype))[:, None]


def _row_products(x: Floats, y: Floats) -> Floats:
    return np.einsum("ij,ij->i", x, y)[:, None]


class MLMHead:
    """BERT's masked-word head: dense, GELU, LayerNorm, then scores of all words with the embedding table, tied.

    Parameters
    ----------
    width, vocabulary_size : int
    rng : numpy.random.Generator
    dtype : numpy dtype
    """

    def __init__(self, width: int, vocabulary_size: int, rng: Generator, dtype: DTypeLike = np.float32) -> None:
        check_width("vocabulary_size", vocabulary_size)
        self.dense = Linear(width, width, rng, dtype=dtype)
        self.norm = LayerNorm(width, dtype)
        self.bias: Floats = np.zeros(vocabulary_size, dtype)

    @property
    def parameters(self) -> dict[str, Floats]:
        """Named arrays; the embedding table belongs to the encoder."""
        return join({"dense": self.dense.parameters, "norm": self.norm.parameters}) | {"bias": self.bias}

    def forward(self, hidden: Floats, embeddings: Floats) -> tuple[Floats, MLMCache]:
        """Return ``(scores, cache)`` for hidden of shape (count, width): scores (count, vocabulary_size)."""
        y, dense_cache = self.dense.forward(hidden)
        activated, slope = gelu(y)
        normal, norm_cache = self.norm.forward(activated)
        return normal @ embeddings.T + self.bias, MLMCache(dense_cache, slope, norm_cache, normal, embeddings)

    def backward(self, dscores: Floats, cache: MLMCache) -> tuple[Floats, Floats, dict[str, Floats]]:
        """Return ``(dhidden, dembeddings, gradients)``."""
        dactivated, norm_gradients = self.norm.backward(dscores @ cache.embeddings, cache.norm)
        dhidden, dense_gradients = self.dense.backward(dactivated * cache.slope, cache.dense)
        gradients = join({"dense": dense_gradients, "norm": norm_gradients}) | {"bias": dscores.sum(axis=0)}
        return dhidden, dscores.T @ cache.normal, gradients


T = TypeVar("T")


def join(parts: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    """Return ``{"part.name": array}`` for a dict of dicts."""
    return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
