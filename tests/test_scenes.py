"""The trainings of the exercises. Their numbers are tested with the solutions, whose outputs are stored."""

import numpy as np
import pytest

from nsputil import scenes


def test_the_four_losses_start_at_their_own_levels_and_share_a_start():
    trainings = scenes.train_four(steps=40, pairs=100)
    starts = [losses[0] for losses, _ in trainings]
    assert starts == pytest.approx([np.log(2)] * 3 + [np.log(2) / 2])
    twice, usual, one_class, halved = (losses for losses, _ in trainings)
    assert twice[-1] > np.log1p(np.exp(-1)), "softmax twice has a floor"
    assert one_class[-1] < usual[-1] and halved[0] < usual[0]
    assert all(0 <= accuracy <= 1 and len(losses) == 40 for losses, accuracy in trainings)


def test_an_untrained_transformer_that_compares_looks_at_the_same_word():
    sentences = "We must lower taxes on working families.", "Lower taxes help families to save money."
    means = scenes.attention_at_the_start(*sentences)
    same, other = means["comparing"]
    assert same > 5 * other
    same, other = means["from nothing"]
    assert same == pytest.approx(other, rel=0.2)
