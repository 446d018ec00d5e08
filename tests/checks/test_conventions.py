"""The exercises and the package write the same matrices: weights have shape (out, in)."""

import numpy as np
import pytest

from nsputil.checks import bank
from nsputil.heads import NSPHead, Pooler


@pytest.fixture
def layers():
    """A pooler and a head whose matrices are not symmetric, so that a transposed one would show."""
    rng = np.random.default_rng(3)
    pooler, head = Pooler(6, 6, rng, std=0.5, dtype=np.float64), NSPHead(6, rng, std=0.5, dtype=np.float64)
    pooler.parameters["bias"] += rng.standard_normal(6)
    head.parameters["bias"] += rng.standard_normal(2)
    return pooler, head


def test_the_forward_pass_of_exercise_01_is_that_of_the_package(layers):
    pooler, head = layers
    hidden_states = np.random.default_rng(4).standard_normal((3, 5, 6))
    logits = head.forward(pooler.forward(hidden_states[:, 0])[0])[0]
    parameters = [layer.parameters[name] for layer in layers for name in ("weight", "bias")]
    np.testing.assert_allclose(bank.exercises()["nsp_logits"].reference(hidden_states, *parameters), logits, rtol=1e-12)


def test_the_way_back_of_exercise_05_is_that_of_the_package(layers):
    pooler, head = layers
    rng = np.random.default_rng(5)
    pooled, pooler_cache = pooler.forward(rng.standard_normal((4, 6)))
    dlogits = rng.standard_normal((4, 2))
    dpooled, _ = head.backward(dlogits, head.forward(pooled)[1])
    dh_cls, _ = pooler.backward(dpooled, pooler_cache)
    W, W_p = head.parameters["weight"], pooler.parameters["weight"]
    np.testing.assert_allclose(bank.exercises()["back_to_h_cls"].reference(dlogits, pooled, W, W_p), dh_cls, rtol=1e-12)
