import mpmath
import numpy as np
import pytest

from nsputil._fast import BLOCK
from nsputil.gradcheck import check_gradient
from nsputil.losses import (
    log_softmax,
    nsp_loss,
    nsp_loss_and_grad,
    nsp_loss_from_gap,
    nsp_loss_from_probs,
    sigmoid,
    softplus,
)
from nsputil.pretraining_losses import bert_pretraining_loss, mlm_loss, mlm_loss_and_grad

EXTREMES = [-1e4, -745.2, -100.0, -36.8, -1.0, -1e-9, 0.0, 1e-300, 0.3, 1.3863, 17.0, 36.8, 709.8, 1e4]
GRID = np.array([[a, b] for a in EXTREMES for b in EXTREMES])


def exact_loss(z, label):
    with mpmath.workdps(60):
        z = [mpmath.mpf(float(v)) for v in z]
        return mpmath.log(mpmath.exp(z[0]) + mpmath.exp(z[1])) - z[label]


@pytest.mark.parametrize("label", [0, 1])
def test_loss_is_exact_for_logits_up_to_ten_thousand(label):
    found = nsp_loss(GRID, np.full(len(GRID), label), reduction="none")
    for z, value in zip(GRID, found, strict=True):
        expected = exact_loss(z, label)
        assert abs(value - expected) <= 1e-12 * max(1, abs(expected)), (z, value, expected)


@pytest.mark.parametrize("label", [0, 1])
def test_gradient_is_exact_for_logits_up_to_ten_thousand(label):
    _, grad = nsp_loss_and_grad(GRID, np.full(len(GRID), label))
    for z, row in zip(GRID, grad * len(GRID), strict=True):
        with mpmath.workdps(60):
            other = 1 / (1 + mpmath.exp(mpmath.mpf(float(z[label])) - mpmath.mpf(float(z[1 - label]))))
        assert abs(row[1 - label] - other) <= 1e-12
        assert row[label] == -row[1 - label]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-6), (np.float16, 2e-3)])
def test_narrow_floats_stay_sensible(dtype, tolerance):
    logits = np.clip(GRID, -1000, 1000).astype(dtype)
    labels = np.arange(len(logits)) % 2
    losses = nsp_loss(logits, labels, reduction="none")
    assert losses.dtype == np.float32
    exact = nsp_loss(logits.astype(np.float64), labels, reduction="none")
    np.testing.assert_allclose(losses, exact, rtol=tolerance, atol=tolerance)
    loss, grad = nsp_loss_and_grad(logits, labels)
    assert np.isfinite(loss) and grad.dtype == np.float32 and np.isfinite(grad).all()


def test_many_tiny_losses_lose_nothing_to_the_product_of_the_block():
    gaps = np.linspace(20, 600, 5000)
    loss, grad = nsp_loss_and_grad(np.stack([gaps, 0 * gaps], axis=1), np.zeros(5000, int))
    assert loss == pytest.approx(np.exp(-gaps).sum() / 5000, rel=1e-8)
    np.testing.assert_allclose(grad[:, 1] * 5000, np.exp(-gaps) / (1 + np.exp(-gaps)), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_rows_agree_with_the_plain_formula(dtype):
    rng = np.random.default_rng(3)
    logits, labels = (3 * rng.standard_normal((2 * BLOCK + 77, 2))).astype(dtype), rng.integers(0, 2, 2 * BLOCK + 77)
    for weights in (None, rng.random(len(labels))):
        loss, grad = nsp_loss_and_grad(logits, labels, weights)
        rel = 1e-6 if dtype == np.float32 else 1e-13
        assert loss == pytest.approx(nsp_loss(logits, labels, weights=weights), rel=rel)
        p = np.exp(log_softmax(logits.astype(np.float64)))
        p[np.arange(len(labels)), labels] -= 1
        share = np.full(len(labels), 1 / len(labels)) if weights is None else weights / weights.sum()
        np.testing.assert_allclose(grad, p * share[:, None], rtol=2e-5 if dtype == np.float32 else 1e-10, atol=1e-13)


@pytest.mark.parametrize("label", [0, 1])
def test_gradient_of_finite_logits_whose_gap_overflows(label):
    logits = np.array([[1e308, -1e308], [0.0, 0.0]])
    loss, grad = nsp_loss_and_grad(logits, [label, 0])
    assert loss == (np.inf if label else pytest.approx(np.log(2) / 2))
    np.testing.assert_allclose(grad, [[0.5 * label, -0.5 * label], [-0.25, 0.25]])


@pytest.mark.parametrize("largest", [1e38, 3e38])
@pytest.mark.parametrize("rows", [1, 5000])  # the plain formula, and block by block
def test_float32_gap_beyond_its_range_is_not_infinite(largest, rows):
    logits, labels = np.tile(np.array([[largest, -largest]], np.float32), (rows, 1)), np.ones(rows, int)
    wanted = 2 * float(np.float32(largest))
    for loss in (nsp_loss(logits, labels), nsp_loss(logits, labels, "none")[0], nsp_loss_and_grad(logits, labels)[0]):
        assert loss == pytest.approx(wanted, rel=1e-6)
    assert nsp_loss(logits, labels, "sum") == pytest.approx(wanted * rows, rel=1e-6)
    grad = nsp_loss_and_grad(logits, labels)[1]
    assert grad.dtype == np.float32
    np.testing.assert_allclose(grad * rows, np.tile([1, -1], (rows, 1)), rtol=1e-6)
    assert nsp_loss(logits, np.zeros(rows, int)) == 0


def test_a_tensor_that_numpy_cannot_read_is_told_the_way_out():
    class Tensor:  # tests/parity has PyTorch's own
        def detach(self):
            return self

        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    with pytest.raises(TypeError, match=r"pass logits.detach\(\).float\(\).cpu\(\)"):
        nsp_loss(Tensor(), [0])
    for call, name in (
        (lambda: nsp_loss([[1.0, 2.0]], Tensor()), "labels"),
        (lambda: nsp_loss([[1.0, 2.0]], [0], weights=Tensor()), "weights"),
        (lambda: nsp_loss_from_gap(Tensor()), "gap"),
        (lambda: mlm_loss([[1.0, 2.0]], Tensor()), "labels"),
    ):
        with pytest.raises(TypeError, match=rf"{name}: numpy cannot read this tensor; pass {name}\."):
            call()


def test_float16_gap_beyond_its_range_is_not_infinite():
    assert nsp_loss(np.array([[-60000, 60000]], dtype=np.float16), [0]) == pytest.approx(120000, rel=1e-3)


def test_polarity_zero_is_is_next():
    assert nsp_loss([[5.0, 0.0]], [0]) < 0.01 < 4 < nsp_loss([[5.0, 0.0]], [1])


def test_reductions_and_weights_agree():
    rng = np.random.default_rng(0)
    logits, labels, weights = rng.normal(size=(7, 2)), rng.integers(0, 2, 7), np.array([1.0, 0, 2, 0, 1, 0.5, 3])
    each = nsp_loss(logits, labels, reduction="none")
    assert nsp_loss(logits, labels) == pytest.approx(each.mean())
    assert nsp_loss(logits, labels, reduction="sum") == pytest.approx(each.sum())
    assert nsp_loss(logits, labels, weights=weights) == pytest.approx((weights * each).sum() / weights.sum())
    np.testing.assert_allclose(nsp_loss(logits, labels, "none", weights), weights * each)
    kept = weights > 0
    assert nsp_loss(logits, labels, weights=kept) == pytest.approx(nsp_loss(logits[kept], labels[kept]))


@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_agrees_with_finite_differences_and_blocks_do_not_matter(weighted):
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(6, 2)), rng.integers(0, 2, 6)
    weights = np.array([1.0, 0, 2, 1, 0.5, 1]) if weighted else None
    loss, grad = nsp_loss_and_grad(logits, labels, weights)
    assert loss == pytest.approx(nsp_loss(logits, labels, weights=weights), abs=1e-14)
    assert check_gradient(lambda z: nsp_loss(z, labels, weights=weights), logits, grad, tolerance=1e-8).ok
    many = np.tile(logits, (BLOCK, 1))
    all_weights = None if weights is None else np.tile(weights, BLOCK)
    loss_many, grad_many = nsp_loss_and_grad(many, np.tile(labels, BLOCK), all_weights)
    assert loss_many == pytest.approx(loss, abs=1e-12)
    np.testing.assert_allclose(grad_many[-6:] * BLOCK, grad, atol=1e-15)


def test_inputs_are_not_changed_and_lists_serve():
    logits, labels = np.array([[1.0, 2.0]]), np.array([1])
    nsp_loss_and_grad(logits, labels)
    assert logits.tolist() == [[1.0, 2.0]] and labels.tolist() == [1]
    assert nsp_loss([[1.0, 2.0]], [1]) == nsp_loss(logits, labels)


BAD = [
    ([[1, 2]], [0], TypeError, "int64|int32"),
    ([["a", "b"]], [0], TypeError, "floating point"),
    ([1.0, 2.0], [0], ValueError, r"shape \(2,\)"),
    ([[1.0, 2.0, 3.0]], [0], ValueError, r"shape \(1, 3\)"),
    (np.zeros((0, 2)), np.zeros(0, int), ValueError, "empty"),
    ([[1.0, np.nan]], [0], ValueError, "row 0 is .*nan"),
    ([[0.0, 0.0], [np.inf, 1.0]], [0, 0], ValueError, "row 1 is .*inf"),
    ([[np.inf, -np.inf]], [0], ValueError, "finite"),
    ([[1.0, 2.0]], [2], ValueError, r"labels\[0\] is 2"),
    ([[1.0, 2.0]], [-1], ValueError, r"labels\[0\] is -1"),
    ([[1.0, 2.0]], [-100], ValueError, r"labels\[0\] is -100; .* give them the label 0 and a weight of 0"),
    (
        [[1.0, 2.0], [1.0]],
        [0, 0],
        ValueError,
        "logits cannot become an array; expected numbers, in rows of",
    ),
    ([[1.0, 2.0]], [0.0], TypeError, "float64"),
    ([[1.0, 2.0]], [True], TypeError, "booleans"),
    ([[1.0, 2.0]], [0, 1], ValueError, r"shape \(2,\)"),
    ([[1.0, 2.0]], [[0]], ValueError, r"shape \(1, 1\)"),
]


@pytest.mark.parametrize("function", [nsp_loss, nsp_loss_and_grad])
@pytest.mark.parametrize(("logits", "labels", "error", "words"), BAD)
def test_bad_input_is_named(function, logits, labels, error, words):
    with pytest.raises(error, match=words):
        function(logits, labels)


@pytest.mark.parametrize("function", [nsp_loss, nsp_loss_and_grad])
@pytest.mark.parametrize(
    ("weights", "words"),
    [([0.0, 0.0], "all weights are zero"), ([1.0], "shape"), ([-1.0, 2.0], "not negative"), ([np.nan, 1.0], "finite")],
)
def test_bad_weights_are_named(function, weights, words):
    with pytest.raises(ValueError, match=words):
        function([[1.0, 2.0], [0.0, 1.0]], [0, 1], weights=weights)


def test_unknown_reduction_is_named():
    for call in (lambda: nsp_loss([[1.0, 2.0]], [0], "avg"), lambda: nsp_loss_from_probs([[0.5, 0.5]], [0], "avg")):
        with pytest.raises(ValueError, match="'avg'"):
            call()


def test_finite_logits_whose_gap_overflows_are_not_called_infinite():
    with np.errstate(over="ignore"):
        assert nsp_loss([[1e308, -1e308]], [0]) == 0.0


def test_closed_form_from_the_gap():
    gaps = np.array([-1e4, -2.0, 0.0, 1.3862943611198906, 1e4])
    np.testing.assert_allclose(nsp_loss_from_gap(gaps)[1:4], [2.1269280110429727, np.log(2), -np.log(0.8)], atol=1e-12)
    assert nsp_loss_from_gap(gaps)[0] == 1e4 and nsp_loss_from_gap(1e4) == 0.0
    assert nsp_loss_from_gap(0) == pytest.approx(np.log(2))
    with pytest.raises(ValueError, match="1 NaN"):
        nsp_loss_from_gap([np.nan, 1.0])
    with pytest.raises(TypeError, match="dtype"):
        nsp_loss_from_gap(["wide"])


def test_loss_from_probabilities():
    assert nsp_loss_from_probs([[0.8, 0.2]], [0]) == pytest.approx(0.22314355131420976)
    assert nsp_loss_from_probs([[1.0, 0.0]], [1]) == np.inf
    assert str(nsp_loss_from_probs([[1.0, 0.0]], [0])) == "0.0"
    assert nsp_loss_from_probs([[0.8, 0.2], [0.5, 0.5]], [0, 1], "sum") == pytest.approx(-np.log(0.4))
    assert nsp_loss_from_probs([[0.8, 0.2]], [1], "none").shape == (1,)
    with pytest.raises(ValueError, match="look like logits"):
        nsp_loss_from_probs([[2.0, -1.0]], [0])
    with pytest.raises(ValueError, match="sums to 0.9"):
        nsp_loss_from_probs([[0.8, 0.1]], [0])


def test_log_softmax_softplus_and_sigmoid():
    np.testing.assert_allclose(log_softmax(np.array([[1e4, 0.0], [3.0, 3.0]])), [[0, -1e4], [-np.log(2)] * 2])
    np.testing.assert_allclose(np.exp(log_softmax(np.random.default_rng(0).normal(size=(3, 5)), axis=0)).sum(0), 1)
    np.testing.assert_allclose(softplus([-1e4, 0.0, 1e4]), [0, np.log(2), 1e4])
    np.testing.assert_allclose(sigmoid([-1e4, -50.0, 0.0, 1e4]), [0, np.exp(-50), 0.5, 1], rtol=1e-12)
    with pytest.raises(ValueError, match="axis 2"):
        log_softmax([[1.0]], axis=2)
    with pytest.raises(ValueError, match="empty"):
        log_softmax(np.zeros((0, 2)))
    with pytest.raises(TypeError, match="int"):
        log_softmax([1, 2])


def some_scores(count, size, rng, scale=5.0):
    return rng.normal(0, scale, (count, size)), rng.integers(0, size, count)


def test_mlm_loss_is_exact_and_survives_large_scores():
    scores, labels = some_scores(40, 6, np.random.default_rng(0), scale=300.0)
    found = mlm_loss(scores, labels, reduction="none")
    for row, label, value in zip(scores, labels, found, strict=True):
        with mpmath.workdps(60):
            z = [mpmath.mpf(float(v)) for v in row]
            expected = mpmath.log(mpmath.fsum(mpmath.exp(v) for v in z)) - z[label]
        assert abs(value - expected) <= 1e-12 * max(1, abs(expected))
    assert mlm_loss(scores, labels) == pytest.approx(found.mean(), rel=1e-14)
    assert mlm_loss(scores, labels, reduction="sum") == pytest.approx(found.sum(), rel=1e-14)


def test_mlm_loss_of_no_knowledge_is_the_log_of_the_vocabulary():
    for size in (2, 4, 30_522):
        assert mlm_loss(np.zeros((3, size)), [0, 1, size - 1]) == pytest.approx(np.log(size), rel=1e-14)


def test_with_two_words_mlm_loss_is_nsp_loss():
    logits, labels = some_scores(50, 2, np.random.default_rng(1))
    weights = np.random.default_rng(2).random(50)
    assert mlm_loss(logits, labels, weights=weights) == pytest.approx(nsp_loss(logits, labels, weights=weights))
    loss, grad = nsp_loss_and_grad(logits, labels, weights)
    same, same_grad = mlm_loss_and_grad(logits, labels, weights)
    assert same == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(same_grad, grad, atol=1e-15)


@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 0.5, 2.0, 1.0]])
def test_mlm_gradient(weights):
    scores, labels = some_scores(5, 7, np.random.default_rng(3), scale=2.0)
    before = scores.copy()
    loss, grad = mlm_loss_and_grad(scores, labels, weights)
    assert loss == pytest.approx(mlm_loss(scores, labels, weights=weights), rel=1e-13)
    assert check_gradient(lambda z: mlm_loss(z, labels, weights=weights), scores, grad, tolerance=1e-8).ok
    np.testing.assert_allclose(grad.sum(axis=1), 0, atol=1e-15)
    np.testing.assert_array_equal(scores, before)


def test_mlm_loss_in_narrow_floats():
    scores, labels = some_scores(200, 1000, np.random.default_rng(4))
    loss, grad = mlm_loss_and_grad(scores.astype(np.float32), labels)
    wide, wide_grad = mlm_loss_and_grad(scores, labels)
    assert grad.dtype == np.float32 and loss == pytest.approx(wide, rel=1e-6)
    np.testing.assert_allclose(grad, wide_grad, atol=1e-7)
    assert mlm_loss(scores.astype(np.float16), labels) == pytest.approx(wide, rel=1e-3)


def test_each_term_has_its_own_denominator():
    rng = np.random.default_rng(5)
    scores, words = some_scores(7, 11, rng)
    logits, labels = some_scores(3, 2, rng)
    found = bert_pretraining_loss(scores, words, logits, labels)
    assert found.mlm == pytest.approx(mlm_loss(scores, words, reduction="sum") / 7, rel=1e-14)
    assert found.nsp == pytest.approx(nsp_loss(logits, labels, reduction="sum") / 3, rel=1e-14)
    assert found.total == found.mlm + found.nsp
    twice = bert_pretraining_loss(np.tile(scores, (2, 1)), np.tile(words, 2), logits, labels)
    assert twice.total == pytest.approx(found.total, rel=1e-14)  # more words, the same means
    assert bert_pretraining_loss(scores, words, logits, labels, mlm_factor=0.0).total == found.nsp
    padded = bert_pretraining_loss(
        np.vstack([scores, 9 * np.ones((2, 11))]), [*words, 0, 0], logits, labels, mlm_weights=[1.0] * 7 + [0.0] * 2
    )
    assert padded.total == pytest.approx(found.total, rel=1e-14)  # BERT's masked_lm_weights


@pytest.mark.parametrize(
    ("scores", "labels", "weights", "error", "message"),
    [
        ([[1, 2]], [0], None, TypeError, "scores have dtype int64"),
        ([1.0, 2.0], [0], None, ValueError, r"scores have shape \(2,\); expected \(count, vocabulary\)"),
        ([[1.0]], [0], None, ValueError, r"scores have shape \(1, 1\)"),
        (np.zeros((0, 5)), [], None, ValueError, "there is no word to guess"),
        ([[1.0, np.nan], [0.0, 0.0]], [0, 1], None, ValueError, r"scores\[0, 1\] is nan"),
        ([[1.0, 2.0], [-np.inf, 0.0]], [0, 1], None, ValueError, r"scores\[1, 0\] is -inf"),
        ([[1.0, 2.0]], [0.0], None, TypeError, "labels have dtype float64"),
        ([[1.0, 2.0]], [0, 1], None, ValueError, r"labels have shape \(2,\); expected \(1,\)"),
        ([[1.0, 2.0]], [2], None, ValueError, r"labels\[0\] is 2; expected ids from 0 to 1"),
        ([[1.0, 2.0]], [-100], None, ValueError, "-100, which PyTorch uses for the rest, is not an id"),
        ([[1.0, 2.0]], [1], [1.0, 1.0], ValueError, r"weights have shape \(2,\)"),
        ([[1.0, 2.0]], [1], [-1.0], ValueError, r"weights\[0\] is -1.0"),
        ([[1.0, 2.0]], [1], [0.0], ValueError, "all weights are zero, so no word is left"),
    ],
)
def test_mlm_loss_names_bad_input(scores, labels, weights, error, message):
    for function in (mlm_loss, mlm_loss_and_grad):
        with pytest.raises(error, match=message):
            function(scores, labels, weights=weights)


def test_the_joint_loss_names_bad_input():
    with pytest.raises(ValueError, match="mlm_factor is -1"):
        bert_pretraining_loss([[0.0, 1.0]], [0], [[0.0, 1.0]], [0], mlm_factor=-1)
    with pytest.raises(ValueError, match="reduction is 'avg'"):
        mlm_loss([[0.0, 1.0]], [0], reduction="avg")
