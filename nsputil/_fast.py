"""The NSP loss and its gradient for very many rows, block by block, so that they stay in the processor's cache.

`nsputil.losses.nsp_loss_and_grad` calls it from `LARGE` rows on; nothing else does. It computes the same formulas. With
``t = z_other - z_gold`` and ``e = exp(-|t|)`` the loss is ``max(t, 0) + log1p(e)``, and the probability of the other
class is ``e / (1 + e)`` below t = 0 and ``1 / (1 + e)`` above: one exponential gives both. That numerator, e or 1, is
``min(e + max(t, 0), 1)``, because ``exp(-t) >= 1 - t``. With half of t, ``max(t, 0) = |t/2| + t/2`` is a sum, which
numpy computes faster than a maximum. `make bench` compares it with PyTorch and JAX.
"""

import numpy as np

from nsputil._reductions import total_weight
from nsputil._types import Floats, Ints
from nsputil.pairs import IS_NEXT, NOT_NEXT

LARGE = 4096  # rows; below it the plain formula is as fast within a training step
BLOCK = 65_536  # rows handled at a time


def blocked_loss_and_grad(logits: Floats, labels: Ints, weights: Floats | None) -> tuple[float, Floats] | None:
    """Return ``(mean loss, gradient)``, or None if a logit is not finite, a gap overflows, or a label is not 0 or 1.

    Parameters
    ----------
    logits : ndarray, shape (batch, 2), float32 or float64
    labels : ndarray of int, shape (batch,)
    weights : ndarray of float64, shape (batch,), or None
    """
    total_weights = total_weight(labels, weights)
    real = logits.dtype.type
    grad = np.empty(logits.shape, dtype=logits.dtype)
    buffers = np.empty((4, min(BLOCK, len(labels))), dtype=logits.dtype)
    ones = np.ones_like(buffers[0])
    total = 0.0
    for start in range(0, len(labels), BLOCK):
        rows = slice(start, start + BLOCK)
        z, y, g = logits[rows], labels[rows], grad[rows]
        sign, t, e, above = buffers[:, : len(y)]
        np.copyto(sign, y)
        np.subtract(real(0.5), sign, out=sign)  # 1/2 where gold is IsNext, -1/2 where it is NotNext
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(z[:, NOT_NEXT], z[:, IS_NEXT], out=t)
            t *= sign  # half of z_other - z_gold
            np.abs(t, out=above)
            np.exp(np.multiply(above, real(-2), out=e), out=e)
            above += t
            sum_above = float(above.sum())
        if not np.isfinite(sum_above) or 4 * (sign @ sign) != len(y):  # labels 0 and 1 have signs whose squares are 1/4
            return None
        if weights is None:
            total += sum_above + _sum_log1p(e)
            sign *= real(2 / total_weights)
        else:
            total += float((above + np.log1p(e)) @ weights[rows])
            sign *= 2 * weights[rows] / total_weights
        above += e
        p_other = np.minimum(above, ones[: len(y)], out=above)
        e += 1
        p_other /= e
        np.multiply(p_other, sign, out=g[:, NOT_NEXT])
        np.negative(g[:, NOT_NEXT], out=g[:, IS_NEXT])
    return total / total_weights, grad


def _sum_log1p(x: Floats) -> float:
    """Return ``sum(log1p(x))`` for x in [0, 1] with one logarithm for 64 values: (1 + a)(1 + b) = 1 + (a + b + ab).

    No precision is lost: a tiny x is never added to 1, and 2^64 is far below the largest float32.
    """
    halvings = 6 if len(x) >= 1024 else 0
    even = len(x) >> halvings << halvings
    rest, product = x[even:], x[:even]
    for _ in range(halvings):
        a, b = product[: len(product) // 2], product[len(product) // 2 :]
        product = a * b
        product += a
        product += b
    return float(np.log1p(product).sum(dtype=np.float64) + np.log1p(rest).sum(dtype=np.float64))
