import numpy as np
import pytest

from nsputil.gradcheck import check_gradient, numerical_gradient


def cube(x):
    return float((x**3).sum())


def test_a_right_gradient_passes_and_x_is_kept():
    x = np.array([[1.0, -2.0], [0.5, 0.0]])
    kept = x.copy()
    check = check_gradient(cube, x, 3 * x**2)
    assert check.ok and check.max_error < 1e-8 and "ok" in str(check)
    np.testing.assert_array_equal(x, kept)


def test_the_worst_entry_is_named():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    wrong = 3 * x**2
    wrong[1, 0] += 0.25
    check = check_gradient(cube, x, wrong)
    assert not check.ok and check.worst_index == (1, 0) and check.analytic == pytest.approx(1.0)
    assert check.numeric == pytest.approx(0.75) and "WRONG" in str(check) and "(1, 0)" in str(check)


def test_nan_is_the_worst_of_all():
    check = check_gradient(cube, np.array([1.0, 2.0]), np.array([3.0, np.nan]))
    assert not check.ok and check.worst_index == (1,)


def test_a_function_that_changes_its_input_does_not_spoil_the_check():
    def greedy(x):
        value = float((x**2).sum())
        x += 100
        return value

    np.testing.assert_allclose(numerical_gradient(greedy, np.array([1.0, 2.0])), [2, 4], rtol=1e-6)


def test_bad_input_is_named():
    x = np.array([1.0])
    with pytest.raises(TypeError, match="float32"):
        numerical_gradient(cube, x.astype(np.float32))
    with pytest.raises(TypeError, match="one number"):
        numerical_gradient(lambda v: v, np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="step is 0"):
        numerical_gradient(cube, x, step=0)
    with pytest.raises(ValueError, match="empty"):
        numerical_gradient(cube, np.zeros(0))
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        check_gradient(cube, x, np.zeros(2))
