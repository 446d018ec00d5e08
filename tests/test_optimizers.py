import numpy as np
import pytest

from nsputil.encoders import RowGradient
from nsputil.optimizers import SGD, AdamW, gradient_norm, warmup_linear


def test_sgd_with_momentum_by_hand():
    parameters = {"w": np.array([1.0])}
    optimizer = SGD(parameters, 0.1, momentum=0.5)
    optimizer.step({"w": np.array([2.0])})
    optimizer.step({"w": np.array([2.0])})
    assert parameters["w"][0] == pytest.approx(1 - 0.1 * 2 - 0.1 * 3)


def test_adamw_by_hand():
    parameters = {"w": np.array([[1.0]]), "b": np.array([1.0])}
    AdamW(parameters, 0.1, weight_decay=0.5).step({"w": np.array([[3.0]]), "b": np.array([-3.0])})
    assert parameters["w"][0, 0] == pytest.approx(1 - 0.1 - 0.1 * 0.5)  # the first step has size 1, whatever g
    assert parameters["b"][0] == pytest.approx(1 + 0.1)  # no decay of a bias


def test_a_row_gradient_moves_its_rows_only():
    for make in (SGD, AdamW):
        table = {"w": np.ones((4, 2))}
        make(table, 0.1).step({"w": RowGradient(np.array([1, 3]), np.ones((2, 2)))})
        assert (table["w"][[0, 2]] == 1).all() and (table["w"][[1, 3]] < 1).all()


def test_rows_and_dense_agree_when_all_rows_are_touched():
    rng = np.random.default_rng(0)
    dense, rows = {"w": np.ones((3, 2))}, {"w": np.ones((3, 2))}
    a, b = AdamW(dense, 0.1, weight_decay=0.1), AdamW(rows, 0.1, weight_decay=0.1)
    for _ in range(5):
        g = rng.standard_normal((3, 2))
        a.step({"w": g})
        b.step({"w": RowGradient(np.arange(3), g)})
    np.testing.assert_array_equal(dense["w"], rows["w"])


def test_clipping_keeps_the_direction():
    parameters = {"a": np.zeros(1), "b": np.zeros(1)}
    SGD(parameters, 1.0, clip=1.0).step({"a": np.array([3.0]), "b": np.array([4.0])})
    assert parameters["a"][0] == pytest.approx(-0.6) and parameters["b"][0] == pytest.approx(-0.8)
    assert gradient_norm({"a": np.array([3.0]), "b": np.array([4.0])}) == 5


def test_warmup_then_linear_decay():
    factor = warmup_linear(10, 110)
    assert [factor(step) for step in (1, 10, 60, 110, 200)] == pytest.approx([0.1, 1, 0.5, 0, 0])


def test_bad_numbers_are_named():
    with pytest.raises(ValueError, match="learning_rate is 0"):
        SGD({}, 0)
    with pytest.raises(ValueError, match="momentum is 1"):
        SGD({}, 0.1, momentum=1)
    with pytest.raises(ValueError, match="betas"):
        AdamW({}, 0.1, betas=(1, 0.9))
    with pytest.raises(ValueError, match="clip is -1"):
        SGD({}, 0.1, clip=-1)
    with pytest.raises(ValueError, match="warmup is 5 and total 5"):
        warmup_linear(5, 5)
    with pytest.raises(KeyError, match="which are not parameters"):
        SGD({}, 0.1).step({"x": np.ones(1)})
