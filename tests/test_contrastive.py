"""The loss of the right candidate among those of a batch."""

import numpy as np
import pytest

from nsputil.contrastive import candidate_loss_and_grad, candidate_ranks, text_vectors
from nsputil.gradcheck import check_gradient
from nsputil.losses import nsp_loss
from nsputil.pretraining_losses import mlm_loss
from nsputil.tokenization import Vocabulary

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 4))


def test_it_is_the_loss_of_as_many_classes_as_rows():
    loss, _ = candidate_loss_and_grad(A, B, 1.7)
    assert loss == pytest.approx(mlm_loss(1.7 * A @ B.T, np.arange(6)))
    two, _ = candidate_loss_and_grad(A[:2], B[:2])
    scores = A[:2] @ B[:2].T
    assert two == pytest.approx(nsp_loss(scores, [0, 1]))  # two candidates are the two classes of NSP
    assert candidate_loss_and_grad(0 * A, B)[0] == pytest.approx(np.log(6))


@pytest.mark.parametrize("scale", [0.3, 2.5])
def test_the_gradients_agree_with_differences(scale):
    _, slope = candidate_loss_and_grad(A, B, scale)
    assert check_gradient(lambda a: candidate_loss_and_grad(a, B, scale)[0], A.copy(), slope.a).ok
    assert check_gradient(lambda b: candidate_loss_and_grad(A, b, scale)[0], B.copy(), slope.b).ok
    of_scale = check_gradient(
        lambda s: candidate_loss_and_grad(A, B, float(s[0]))[0], np.array([scale]), np.array([slope.scale])
    )
    assert of_scale.ok


def test_large_scores_overflow_nothing():
    loss, slope = candidate_loss_and_grad(1e3 * np.eye(4), 1e3 * np.eye(4))
    assert loss == 0.0 and np.isfinite(slope.a).all()


def test_bad_input_is_told():
    with pytest.raises(ValueError, match=r"a has shape \(6, 4\) and b \(5, 4\); expected \(batch, width\) twice"):
        candidate_loss_and_grad(A, B[:5])
    with pytest.raises(ValueError, match="scale is 0; expected a positive number"):
        candidate_loss_and_grad(A, B, 0)
    with pytest.raises(ValueError, match="NaN or infinity"):
        candidate_loss_and_grad(A * np.nan, B)
    with pytest.raises(ValueError, match="candidates is 7; expected 2 to 6"):
        candidate_ranks(A, B, 7, np.random.default_rng(0))


def test_ranks_know_nothing_at_ln_k_and_all_where_the_own_b_is_largest():
    for count in (2, 5):
        losses, right = candidate_ranks(0 * A, B, count, np.random.default_rng(0))
        assert losses == pytest.approx(np.log(count)) and right == pytest.approx(1 / count)
    losses, right = candidate_ranks(50 * np.eye(6), np.eye(6), 6, np.random.default_rng(1))
    assert losses.max() < 1e-15 and (right == 1).all()


def test_vectors_of_texts_have_length_1_and_no_words_give_zeros():
    vocabulary = Vocabulary(["tax", "navy"])
    table = np.zeros((7, 3))
    table[5], table[6] = [2, 0, 0], [0, 1, 0]
    found = text_vectors(["tax", "navy tax", "nothing"], vocabulary, table)
    assert np.allclose(found, [[1, 0, 0], np.array([2, 1, 0]) / np.sqrt(5), [0, 0, 0]])
