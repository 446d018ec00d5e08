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


def test_three_defects_show_three_different_curves():
    runs = scenes.three_defects()
    assert runs["X"].loss[0] > 10, "a sum instead of a mean"
    last = {name: np.mean(run.accuracy[-20:]) for name, run in runs.items()}
    assert last["Y"] > 0.6 and runs["Y"].final["accuracy"] < 0.35, "it learns the opposite of what it is tested on"
    assert last["Z"] > 0.95 and runs["Z"].final["accuracy"] < 0.65, "it knows its few pairs by heart"


def test_the_one_sided_training_says_is_next_to_nearly_everything_and_the_sound_one_does_not():
    sick, sound, outcomes = scenes.one_sided_training()
    assert sick.final["recall_is_next"] > 0.95 and sick.final["recall_not_next"] < 0.4
    assert min(sound.final["recall_is_next"], sound.final["recall_not_next"]) > 0.6
    assert outcomes["labels.train"] == outcomes["labels.held_out"] == 0.5, "the data are balanced"


def test_only_less_decay_repairs_the_training_whose_loss_never_falls():
    runs, outcomes = scenes.never_falling_training()
    accuracies = {name: run.final["accuracy"] for name, run in runs.items()}
    assert accuracies.pop("less decay") > 0.7 and max(accuracies.values()) < 0.55
    assert len(runs["twice as long"].loss) == 2 * len(runs["as it was"].loss)
    assert outcomes["rows.true_next"] == 1, "the data are sound"
