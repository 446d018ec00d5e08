import numpy as np
import pytest

from nsputil.metrics import (
    accuracy,
    accuracy_interval,
    calibration_error,
    document_interval,
    entropy,
    pretraining_levels,
)


def test_accuracy_and_its_polarity():
    logits = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [0.0, 0.0]])
    assert accuracy(logits, [0, 1, 1, 0]) == 0.75
    assert accuracy(logits[:3, ::-1], [0, 1, 1]) == pytest.approx(1 / 3)


def test_wilson_interval_known_values():
    # Wilson's formula with z = 1.959964: 8 of 10 gives 0.4902 to 0.9433.
    assert accuracy_interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert accuracy_interval(0, 5)[0] == 0.0 and accuracy_interval(5, 5)[1] == 1.0
    low, high = accuracy_interval(540, 1000)
    assert low > 0.5 and high - low < 0.07


def test_wilson_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = [low <= 0.7 <= high for low, high in (accuracy_interval(k, 60) for k in rng.binomial(60, 0.7, 2000))]
    assert 0.92 < np.mean(hits) < 0.98


def test_entropy():
    assert entropy(0.5) == pytest.approx(np.log(2)) and entropy(0) == 0 and entropy(1) == 0
    np.testing.assert_allclose(entropy([0.45, 0.55]), [0.6881388, 0.6881388], atol=1e-6)


def test_calibration_error():
    labels = np.array([0] * 8 + [1] * 2)
    assert calibration_error(np.full(10, 0.8), labels) == pytest.approx(0)
    assert calibration_error(np.full(10, 0.3), labels) == pytest.approx(0.5)
    assert calibration_error([1.0, 0.0], [0, 1]) == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: accuracy([1.0, 2.0], [0]), r"shape \(2,\)"),
        (lambda: accuracy([[1.0, np.nan]], [0]), "NaN"),
        (lambda: accuracy([[1.0, 2.0]], [2]), "0 = IsNext"),
        (lambda: accuracy([[1.0, 2.0]], [0, 1]), r"shape \(2,\)"),
        (lambda: accuracy_interval(3, 2), "correct=3"),
        (lambda: accuracy_interval(0, 0), "total=0"),
        (lambda: accuracy_interval(1, 2, 95), "confidence is 95"),
        (lambda: entropy(1.5), "1.5"),
        (lambda: entropy(np.nan), "nan"),
        (lambda: calibration_error([1.2], [0]), "not logits"),
        (lambda: calibration_error([], []), "at least one"),
        (lambda: calibration_error([0.5], [0], bins=0), "bins is 0"),
        (lambda: calibration_error([0.5], [0.0]), "integers"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_pretraining_levels():
    levels = pretraining_levels(30_522, 0.45)
    assert levels.mlm == pytest.approx(10.3262, abs=1e-4) and levels.nsp == pytest.approx(0.6881, abs=1e-4)
    assert levels.total == levels.mlm + levels.nsp
    assert pretraining_levels(2).mlm == pretraining_levels(2).nsp == pytest.approx(np.log(2))
    with pytest.raises(ValueError, match="vocabulary_size is 1"):
        pretraining_levels(1)
    with pytest.raises(ValueError, match="expected fractions"):
        pretraining_levels(10, 1.2)


def test_an_interval_by_document_covers_and_the_naive_one_does_not():
    rng = np.random.default_rng(5)
    covered = {"by document": 0, "by pair": 0}
    for trial in range(200):
        # 30 documents of 80 pairs, the accuracy of a document is drawn: mean 0.7, standard deviation 0.1.
        share = np.clip(rng.normal(0.7, 0.1, 30), 0, 1)
        right = rng.random((30, 80)) < share[:, None]
        low, high = document_interval(right.ravel(), np.repeat(np.arange(30), 80), draws=400, seed=trial)
        covered["by document"] += low <= 0.7 <= high
        low, high = accuracy_interval(int(right.sum()), right.size)
        covered["by pair"] += low <= 0.7 <= high
    assert 0.88 <= covered["by document"] / 200 <= 0.99
    assert covered["by pair"] / 200 < 0.8


@pytest.mark.parametrize(
    ("values", "documents", "word"),
    [([1, 0], [0], "shape"), ([1, 0], [3, 3], "two"), ([1, np.nan], [0, 1], "finite"), ([[1, 0]], [[0, 1]], "shape")],
)
def test_an_interval_by_document_refuses(values, documents, word):
    with pytest.raises(ValueError, match=word):
        document_interval(values, documents)
