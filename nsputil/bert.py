"""A BERT encoder in numpy, forward and backward by hand: the layout of google-research/bert, layer for layer.

Token, segment and position embeddings, LayerNorm (epsilon 1e-12), then layers of multi-head attention and a GELU
feed-forward part, each with a residual and a LayerNorm after it. Introduced in notebook 07; the joint objective in 08.
"""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from nsputil._types import Floats
from nsputil.encoders import Gradient, sum_rows
from nsputil.gelu import gelu
from nsputil.heads import LayerNorm, Linear, NormCache, check_width, column_sums, join
from nsputil.tokenization import EncodedPairs

Dropped = Floats | None  # the factors of dropout, 0 or 1 / (1 - rate); None if nothing is dropped


class LayerCache(NamedTuple):
    """What `BertLayer.backward` needs. Queries, keys, values, `weights` and `used` have an axis of heads."""

    x: Floats
    q: Floats
    k: Floats
    v: Floats
    weights: Floats  # of attention
    used: Floats  # the weights after dropout
    context: Floats
    norm1: NormCache
    middle: Floats  # between the two sublayers
    activated: Floats
    slope: Floats  # derivative of GELU
    norm2: NormCache
    drops: tuple[Dropped, Dropped, Dropped]


class BertCache(NamedTuple):
    """What `BertEncoder.backward` needs; `hidden` is the output at all positions, shape (batch, length, width)."""

    batch: EncodedPairs
    norm: NormCache
    layers: list[LayerCache]
    dropped: Dropped  # after the embeddings
    hidden: Floats


class BertEncoder:
    """The encoder of Devlin et al. 2018 (arXiv 1810.04805), modeling.py of google-research/bert.

    Parameters
    ----------
    vocabulary_size, width, layers, heads, intermediate : int
        `width` must be a multiple of `heads`; `intermediate` is ``4 * width`` if left out.
    rng : numpy.random.Generator
    max_positions : int
        The longest row.
    dtype : numpy dtype
    dropout : float
        After the embeddings and after each sublayer, in training only; in [0, 1). BERT's is 0.1.
    attention_dropout : float
        Of the attention weights, in training only; in [0, 1). BERT's is also 0.1.
    word_dropout : float
        Fraction of the words that a training step leaves out, as if they were padding; in [0, 1).
    std : float
        Standard deviation of the weights at the start.
    cls_only : bool
        Compute the last layer at [CLS] only, because next sentence prediction reads nothing else. h_cls is the same, a
        step does less work, and ``hidden`` in the cache holds [CLS] only.

    Raises
    ------
    ValueError
        If a size is not positive, `width` is not a multiple of `heads`, or a dropout is not in [0, 1).
    """

    attends = True

    def __init__(
        self,
        vocabulary_size: int,
        width: int,
        layers: int,
        heads: int,
        rng: Generator,
        intermediate: int | None = None,
        max_positions: int = 128,
        dtype: DTypeLike = np.float32,
        dropout: float = 0.0,
        std: float = 0.02,
        attention_dropout: float = 0.0,
        cls_only: bool = False,
        word_dropout: float = 0.0,
    ) -> None:
        intermediate = intermediate or 4 * width
        sizes = {"vocabulary_size": vocabulary_size, "width": width, "layers": layers, "heads": heads}
        for name, value in (sizes | {"intermediate": intermediate, "max_positions": max_positions}).items():
            check_width(name, value)
        if width % heads:
            raise ValueError(f"width is {width} and heads {heads}; expected a multiple")
        drops = {"dropout": dropout, "attention_dropout": attention_dropout, "word_dropout": word_dropout}
        for name, rate in drops.items():
            if not 0 <= rate < 1:
                raise ValueError(f"{name} is {rate}; expected a fraction in [0, 1)")
        self.options: dict[str, Any] = sizes | {"intermediate": intermediate, "max_positions": max_positions} | drops
        self.options |= {"cls_only": cls_only}
        self.cls_only, self.word_dropout = cls_only, word_dropout
        self.width, self.heads, self.dropout, self.attention_dropout = width, heads, dropout, attention_dropout
        self.tables: dict[str, Floats] = {
            name: (rng.standard_normal((count, width)) * std).astype(dtype)
            for name, count in (("words", vocabulary_size), ("segments", 2), ("positions", max_positions))
        }
        self.norm = LayerNorm(width, dtype)
        self.layers = [BertLayer(width, heads, intermediate, rng, dtype, std) for _ in range(layers)]

    @property
    def parameters(self) -> dict[str, Floats]:
        """All arrays by name: ``words``, ``norm.weight``, ``layer0.query.weight``, and so on."""
        parts = {"norm": self.norm.parameters}
        parts |= {f"layer{k}": layer.parameters for k, layer in enumerate(self.layers)}
        return self.tables | join(parts)

    def forward(self, batch: EncodedPairs, rng: Generator | None = None) -> tuple[Floats, BertCache]:
        """Return ``(h_cls, cache)``; h_cls has shape (batch, width). ``cache.hidden`` holds all positions.

        Raises
        ------
        ValueError
            If a row is longer than `max_positions` or an id is not in the vocabulary.
        """
        ids, segments, mask = batch.input_ids, batch.token_type_ids, batch.attention_mask
        words = self.tables["words"]
        if ids.shape[1] > len(self.tables["positions"]):
            raise ValueError(f"a row has {ids.shape[1]} tokens; expected at most {len(self.tables['positions'])}")
        if ids.max() >= len(words) or ids.min() < 0:
            raise ValueError(f"an id is {ids.max()}; expected ids from 0 to {len(words) - 1}")
        x: Floats = words[ids] + self.tables["segments"][segments] + self.tables["positions"][: ids.shape[1]]
        x, norm_cache = self.norm.forward(x)
        x, dropped = _drop(x, self.dropout, rng)
        if rng is not None and self.word_dropout > 0:
            mask = mask * (rng.random(ids.shape) >= self.word_dropout)
            mask[:, 0] = 1  # [CLS] stays
        # BERT adds -10000 to the score of padding; softmax then gives it 0.
        bias = None if mask.all() else ((1 - mask) * -10000.0).astype(words.dtype)[:, None, None, :]
        caches = []
        for layer in self.layers:
            positions = 1 if self.cls_only and layer is self.layers[-1] else ids.shape[1]
            x, cache = layer.forward(x, bias, self.dropout, self.attention_dropout, rng, positions)
            caches.append(cache)
        return x[:, 0], BertCache(batch, norm_cache, caches, dropped, x)

    def backward(self, dh_cls: Floats, cache: BertCache, dhidden: Floats | None = None) -> dict[str, Gradient]:
        """Return the gradients of all parameters by name; `dhidden` adds the gradient in all positions (MLM).

        Without it only [CLS] has a gradient at the top, so the last layer computes its gradients from [CLS] only.
        """
        if dhidden is None:
            dx = dh_cls[:, None]
        else:
            dx = dhidden.copy()
            dx[:, 0] += dh_cls
        gradients: dict[str, Gradient] = {}
        for k in reversed(range(len(self.layers))):
            dx, of_layer = self.layers[k].backward(dx, cache.layers[k])
            gradients |= join({f"layer{k}": of_layer})
        if cache.dropped is not None:
            dx = dx * cache.dropped
        dx, of_norm = self.norm.backward(dx, cache.norm)
        gradients |= join({"norm": of_norm})
        ids, segments = cache.batch.input_ids, cache.batch.token_type_ids
        gradients["words"] = sum_rows(ids.reshape(-1), dx.reshape(-1, self.width))
        positions = np.zeros_like(self.tables["positions"])
        positions[: ids.shape[1]] = dx.sum(axis=0)
        second = (dx * segments[:, :, None].astype(dx.dtype)).sum(axis=(0, 1))
        gradients |= {"positions": positions, "segments": np.stack([positions.sum(axis=0) - second, second])}
        return gradients


def _drop(x: Floats, rate: float, rng: Generator | None) -> tuple[Floats, Dropped]:
    """Return x with a fraction of its entries 0 and the others larger, and the factors; x and None if nothing drops."""
    if rng is None or rate == 0:
        return x, None
    factors = (rng.random(x.shape, dtype=np.float32) >= rate).astype(x.dtype) / x.dtype.type(1 - rate)
    return x * factors, factors


Array = TypeVar("Array", Floats, Dropped)


def _first(count: int, *arrays: Array) -> list[Array]:
    """Return the first positions of arrays of shape (..., length, width); None stays None."""
    return [array if array is None else array[..., :count, :] for array in arrays]


class BertLayer:
    """Attention, residual, LayerNorm; feed-forward, residual, LayerNorm."""

    def __init__(self, width: int, heads: int, intermediate: int, rng: Generator, dtype: DTypeLike, std: float) -> None:
        self.heads, self.size = heads, width // heads
        shapes = {"query": (width, width), "key": (width, width), "value": (width, width), "output": (width, width)}
        shapes |= {"up": (width, intermediate), "down": (intermediate, width)}
        self.linear = {name: Linear(i, o, rng, std, dtype) for name, (i, o) in shapes.items()}
        self.norms = {"attention_norm": LayerNorm(width, dtype), "norm": LayerNorm(width, dtype)}

    @property
    def parts(self) -> dict[str, Linear | LayerNorm]:
        """What holds parameters, by name."""
        return {**self.linear, **self.norms}

    @property
    def parameters(self) -> dict[str, Floats]:
        """All arrays by name."""
        return join({name: part.parameters for name, part in self.parts.items()})

    def forward(
        self,
        x: Floats,
        bias: Floats | None,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        rng: Generator | None = None,
        positions: int | None = None,
    ) -> tuple[Floats, LayerCache]:
        """Return ``(y, cache)``; x has shape (batch, length, width), y (batch, positions, width).

        `bias` is added to the scores; None adds nothing. y is computed at the first `positions` only; None means all.
        """
        p, norms = self.linear, self.norms
        q, k, v = self._queries_keys_values(x, positions)
        scores = q @ k.transpose(0, 1, 3, 2)
        small = scores.max() < 60 and scores.min() > -60  # their exponentials neither overflow nor all vanish
        if bias is not None:
            scores += bias
        if not small:
            scores -= scores.max(axis=-1, keepdims=True)
        weights = np.exp(scores, out=scores)
        weights /= (weights.reshape(-1, x.shape[1]) @ np.ones(x.shape[1], x.dtype)).reshape(*weights.shape[:3], 1)
        used, dropped0 = _drop(weights, attention_dropout, rng)
        context = self._merge(used @ v)
        attended, dropped1 = _drop(p["output"].forward(context)[0], dropout, rng)
        attended += x[:, :positions]
        middle, norm1 = norms["attention_norm"].forward(attended)
        raised = p["up"].forward(middle)[0]
        activated, slope = gelu(raised, out=raised)
        fed, dropped2 = _drop(p["down"].forward(activated)[0], dropout, rng)
        fed += middle
        y, norm2 = norms["norm"].forward(fed)
        drops = dropped0, dropped1, dropped2
        return y, LayerCache(x, q, k, v, weights, used, context, norm1, middle, activated, slope, norm2, drops)

    def backward(self, dy: Floats, cache: LayerCache) -> tuple[Floats, dict[str, Floats]]:
        """Return ``(dx, gradients)``; dy may be shorter than x, if the gradient is 0 at the positions left out."""
        x, k, v, count = cache.x, cache.k, cache.v, dy.shape[1]
        q, weights, used, context = _first(count, cache.q, cache.weights, cache.used, cache.context)
        middle, activated, slope = _first(count, cache.middle, cache.activated, cache.slope)
        norm1, norm2 = NormCache(*_first(count, *cache.norm1)), NormCache(*_first(count, *cache.norm2))
        dropped0, dropped1, dropped2 = _first(count, *cache.drops)
        p, norms = self.linear, self.norms
        g: dict[str, dict[str, Floats]] = {}
        dsum, g["norm"] = norms["norm"].backward(dy, norm2)
        dfed = dsum if dropped2 is None else dsum * dropped2
        dactivated, g["down"] = p["down"].backward(dfed, activated)
        dactivated *= slope
        dmiddle, g["up"] = p["up"].backward(dactivated, middle)
        dmiddle += dsum
        dsum, g["attention_norm"] = norms["attention_norm"].backward(dmiddle, norm1)
        dattended = dsum if dropped1 is None else dsum * dropped1
        dcontext, g["output"] = p["output"].backward(dattended, context)
        dcontext = self._split(dcontext)
        dscores = dcontext @ v.transpose(0, 1, 3, 2)
        if dropped0 is not None:
            dscores *= dropped0
        dscores -= np.einsum("bhij,bhij->bhi", dscores, weights)[..., None]
        dscores *= weights
        dq = self._merge((dscores @ k) * self._scale(x))
        dkv = self._side_by_side(dscores.transpose(0, 1, 3, 2) @ q, used.transpose(0, 1, 3, 2) @ dcontext)
        dx_of_queries, g["query"] = p["query"].backward(dq, x[:, :count])
        dx = (dkv @ self._keys_values("weight")).reshape(x.shape)
        dx[:, :count] += dx_of_queries
        dx[:, :count] += dsum
        dweight, dbias = dkv.T @ x.reshape(dkv.shape[0], -1), column_sums(dkv)
        for name, rows in (("key", slice(None, x.shape[2])), ("value", slice(x.shape[2], None))):
            g[name] = {"weight": dweight[rows], "bias": dbias[rows]}
        return dx, join(g)

    def _queries_keys_values(self, x: Floats, positions: int | None) -> tuple[Floats, Floats, Floats]:
        """Return the queries of the first positions, and the keys and values of all; these two take one product.

        The queries are already scaled by ``1 / sqrt(size of a head)``.
        """
        q = self.linear["query"].forward(x[:, :positions])[0]
        q *= self._scale(x)
        kv = x.reshape(-1, x.shape[-1]) @ self._keys_values("weight").T
        kv += self._keys_values("bias")
        k, v = kv.reshape(*x.shape[:2], 2, self.heads, self.size).transpose(2, 0, 3, 1, 4)
        return self._split(q), k, v

    def _keys_values(self, kind: str) -> Floats:
        return np.concatenate([self.linear[name].parameters[kind] for name in ("key", "value")])

    def _side_by_side(self, k: Floats, v: Floats) -> Floats:
        """Put arrays of shape (batch, heads, length, size) into the rows of one matrix; the inverse of that step."""
        joined = np.empty((k.shape[0], k.shape[2], 2, *k.shape[1::2]), k.dtype)
        joined[:, :, 0], joined[:, :, 1] = k.transpose(0, 2, 1, 3), v.transpose(0, 2, 1, 3)
        return joined.reshape(k.shape[0] * k.shape[2], -1)

    def _scale(self, x: Floats) -> np.floating:
        return x.dtype.type(self.size**-0.5)

    def _split(self, x: Floats) -> Floats:
        return x.reshape(*x.shape[:2], self.heads, self.size).transpose(0, 2, 1, 3)

    def _merge(self, x: Floats) -> Floats:
        return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)
