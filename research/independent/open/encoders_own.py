"""Two encoders that nsputil does not have: a convolution over word vectors, and mean + max pooling."""

import numpy as np

from nsputil.encoders import sum_rows


def _unit(x):
    n = np.sqrt((x * x).sum(-1, keepdims=True))
    n = np.where(n > 0, n, 1).astype(x.dtype)
    return x / n, n


def _unit_back(d, u, n):
    return (d - u * (d * u).sum(-1, keepdims=True)) / n


class ConvEncoder:
    """relu(convolution of width 3), max over the places of each text, beside the mean of the word vectors.

    h_cls = [f*g, |f-g|, f, g] of the pooled filters and [u*v, |u-v|, u.v] of the mean vectors, times sqrt(dim).
    """

    attends = False

    def __init__(self, embeddings, filters, rng, dtype=np.float32, dropout=0.1):
        self.dtype = np.dtype(dtype)
        dim = embeddings.shape[1]
        self.parameters = {
            "embeddings": np.array(embeddings, dtype=dtype),
            "filters": (rng.standard_normal((filters, 3 * dim)) * (2 / (3 * dim)) ** 0.5 * 2).astype(dtype),
            "bias": np.zeros(filters, dtype),
        }
        self.dim, self.count, self.dropout = dim, filters, dropout
        self.width = 4 * filters + 2 * dim + 1

    def forward(self, batch, rng=None):
        p, dim = self.parameters, self.dim
        ids, rows, length = batch.input_ids, *batch.input_ids.shape
        here = batch.attention_mask.astype(bool)
        if rng is not None and self.dropout > 0:
            here = here & (rng.random(here.shape) >= self.dropout)
        x = p["embeddings"][ids] * here[..., None].astype(self.dtype)
        wide = np.zeros((rows, length + 2, dim), self.dtype)
        wide[:, 1:-1] = x
        window = np.concatenate([wide[:, :-2], wide[:, 1:-1], wide[:, 2:]], axis=2)
        y = (window.reshape(-1, 3 * dim) @ p["filters"].T + p["bias"]).reshape(rows, length, -1)
        halves = [here & (batch.token_type_ids == s) for s in (0, 1)]
        tops, pooled = [], []
        for half in halves:
            z = np.where(half[..., None], y, 0)
            top = z.argmax(axis=1)
            value = np.take_along_axis(z, top[:, None], axis=1)[:, 0]
            pooled.append(np.maximum(value, 0))
            tops.append(top)
        f, g = pooled
        both = np.stack([np.einsum("bl,bld->bd", half.astype(self.dtype), x) for half in halves], axis=1)
        unit, norm = _unit(both)
        u, v = unit[:, 0], unit[:, 1]
        scale = self.dtype.type(dim**0.5)
        h = np.concatenate([f * g, np.abs(f - g), f, g, u * v * scale, np.abs(u - v) * scale,
                            (u * v).sum(1, keepdims=True) * scale], axis=1)
        return h.astype(self.dtype), (ids, here, halves, window, tops, f, g, unit, norm, scale)

    def backward(self, dh, cache):
        ids, here, halves, window, tops, f, g, unit, norm, scale = cache
        n, dim = self.count, self.dim
        dfg, dab, df, dg, dp, dq, ds = np.split(dh, np.cumsum([n, n, n, n, dim, dim]), axis=1)
        sign = np.sign(f - g)
        df = df + dfg * g + dab * sign
        dg = dg + dfg * f - dab * sign
        rows, length = ids.shape
        dy = np.zeros((rows, length, n), self.dtype)
        r, c = np.arange(rows)[:, None], np.arange(n)[None]
        for value, d, top, half in ((f, df, tops[0], halves[0]), (g, dg, tops[1], halves[1])):
            open_ = (value > 0) & half[r, top]
            np.add.at(dy, (np.broadcast_to(r, top.shape), top, np.broadcast_to(c, top.shape)), d * open_)
        flat = dy.reshape(-1, n)
        grads = {"filters": flat.T @ window.reshape(-1, 3 * dim), "bias": flat.sum(axis=0)}
        dwin = (flat @ self.parameters["filters"]).reshape(rows, length, 3 * dim)
        dwide = np.zeros((rows, length + 2, dim), self.dtype)
        for k in range(3):
            dwide[:, k : k + length] += dwin[..., k * dim : (k + 1) * dim]
        dx = dwide[:, 1:-1]
        u, v = unit[:, 0], unit[:, 1]
        dp = (dp + ds) * scale
        dq = dq * np.sign(u - v) * scale
        dboth = _unit_back(np.stack([dp * v + dq, dp * u - dq], axis=1), unit, norm)
        for s in (0, 1):
            dx = dx + halves[s][..., None] * dboth[:, s][:, None]
        dx = dx * here[..., None]
        grads["embeddings"] = sum_rows(ids[here], dx[here].astype(self.dtype))
        return grads


class MeanMaxEncoder:
    """The mean and the maximum of the word vectors of each text; h_cls compares and holds both."""

    attends = False

    def __init__(self, embeddings, dtype=np.float32, dropout=0.2):
        self.dtype = np.dtype(dtype)
        self.parameters = {"embeddings": np.array(embeddings, dtype=dtype)}
        self.dim, self.dropout = embeddings.shape[1], dropout
        self.width = 5 * self.dim

    def forward(self, batch, rng=None):
        ids = batch.input_ids
        here = batch.attention_mask.astype(bool)
        if rng is not None and self.dropout > 0:
            here = here & (rng.random(here.shape) >= self.dropout)
        x = self.parameters["embeddings"][ids]
        halves = [here & (batch.token_type_ids == s) for s in (0, 1)]
        means, maxima, tops = [], [], []
        for half in halves:
            means.append(np.einsum("bl,bld->bd", half.astype(self.dtype), x))
            z = np.where(half[..., None], x, self.dtype.type(-1e4))
            top = z.argmax(axis=1)
            value = np.take_along_axis(z, top[:, None], axis=1)[:, 0]
            maxima.append(np.where(half.any(axis=1)[:, None], value, 0))
            tops.append(top)
        mean, mean_norm = _unit(np.stack(means, axis=1))
        top, top_norm = _unit(np.stack(maxima, axis=1))
        scale = self.dtype.type(self.dim**0.5)
        u, v, a, b = mean[:, 0], mean[:, 1], top[:, 0], top[:, 1]
        h = np.concatenate([u * v, np.abs(u - v), a * b, u, v], axis=1) * scale
        return h.astype(self.dtype), (ids, halves, tops, mean, mean_norm, top, top_norm, scale)

    def backward(self, dh, cache):
        ids, halves, tops, mean, mean_norm, top, top_norm, scale = cache
        u, v, a, b = mean[:, 0], mean[:, 1], top[:, 0], top[:, 1]
        dp, dq, dt, du, dv = np.split(dh * scale, 5, axis=1)
        dq = dq * np.sign(u - v)
        dmean = _unit_back(np.stack([du + dp * v + dq, dv + dp * u - dq], axis=1), mean, mean_norm)
        dtop = _unit_back(np.stack([dt * b, dt * a], axis=1), top, top_norm)
        dx = np.zeros((*ids.shape, self.dim), self.dtype)
        r, c = np.arange(len(ids))[:, None], np.arange(self.dim)[None]
        for s in (0, 1):
            dx += halves[s][..., None] * dmean[:, s][:, None]
            some = halves[s].any(axis=1)[:, None]
            dx[r, tops[s], c] += np.where(some, dtop[:, s], 0)
        here = halves[0] | halves[1]
        return {"embeddings": sum_rows(ids[here], dx[here])}
