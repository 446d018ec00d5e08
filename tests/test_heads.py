from math import erf, exp, pi, sqrt

import numpy as np
import pytest

from nsputil.gradcheck import check_gradient
from nsputil.heads import LayerNorm, Linear, MLMHead, NSPHead, Pooler, gelu

RNG = np.random.default_rng(0)


def _check(part, x, inner=None):
    """Every gradient of a part against central differences, by a random projection of its output."""
    out, cache = part.forward(x)
    direction = RNG.standard_normal(out.shape)
    dx, gradients = part.backward(direction, cache)
    assert set(gradients) == set(part.parameters)

    def f():
        return float((part.forward(x)[0] * direction).sum())

    for array, gradient in [(x, dx), *((part.parameters[name], g) for name, g in gradients.items())]:
        kept = array.copy()

        def at(value, array=array, kept=kept):
            array[...] = value
            result = f()
            array[...] = kept
            return result

        assert check_gradient(at, kept, gradient).ok


@pytest.mark.parametrize(
    "part",
    [
        Linear(5, 3, np.random.default_rng(1), 0.5, np.float64),
        Pooler(5, 4, np.random.default_rng(1), 0.5, np.float64),
        NSPHead(5, np.random.default_rng(1), 0.5, np.float64),
        LayerNorm(5, np.float64),
    ],
    ids=lambda part: type(part).__name__,
)
def test_gradients(part):
    for array in part.parameters.values():
        array += RNG.standard_normal(array.shape) * 0.1
    _check(part, RNG.standard_normal((4, 5)))


def test_mlm_head_gradients():
    head, table = MLMHead(4, 7, np.random.default_rng(2), np.float64), RNG.standard_normal((7, 4))
    hidden = RNG.standard_normal((3, 4))
    scores, cache = head.forward(hidden, table)
    direction = RNG.standard_normal(scores.shape)
    dhidden, dtable, gradients = head.backward(direction, cache)
    assert set(gradients) == set(head.parameters)
    assert check_gradient(lambda v: float((head.forward(v, table)[0] * direction).sum()), hidden, dhidden).ok
    assert check_gradient(lambda v: float((head.forward(hidden, v)[0] * direction).sum()), table, dtable).ok


def test_gelu_is_x_phi_of_x():
    x = np.concatenate([RNG.normal(0, 3, 2000), [0, 6.5, -6.5, 40, -40, 1e-9]])
    value, slope = gelu(x)
    phi = np.array([(1 + erf(v / sqrt(2))) / 2 for v in x])
    density = np.array([exp(-v * v / 2) / sqrt(2 * pi) for v in x])
    np.testing.assert_allclose(value, x * phi, atol=1e-12)
    np.testing.assert_allclose(slope, phi + x * density, atol=1e-12)
    single = gelu(x.astype(np.float32))[0]
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, x * phi, atol=5e-6)


def test_widths_are_checked():
    with pytest.raises(ValueError, match="width_in is 0"):
        Linear(0, 2, RNG)
    with pytest.raises(ValueError, match="width is 2.5"):
        LayerNorm(2.5)
    with pytest.raises(ValueError, match="vocabulary_size is -1"):
        MLMHead(4, -1, RNG)
