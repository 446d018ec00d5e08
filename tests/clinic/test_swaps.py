"""Exchanges of parts and amounts: that they change what they say and nothing else, and that gains are paired."""

from dataclasses import replace

import numpy as np
import pytest

from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.swaps import PARTS, Trial, Trials, defaults, exchanged
from nsputil.clinic.swaps.doses import ScaledSteps, larger_batches, longer, step_length, without_dropout
from nsputil.optimizers import SGD
from nsputil.training import train


@pytest.fixture(scope="module")
def experiment():
    whole = healthy(PROGRAMS[0], seed=1)
    return replace(whole, documents=whole.documents[:40], max_steps=40, watch=60)


def wrong_loss(logits, labels):
    return 0.0, np.zeros_like(logits)


def test_an_exchange_takes_the_fields_of_one_part_only(experiment):
    sick = replace(experiment, loss=wrong_loss, batch_size=8)
    mended = exchanged(sick, experiment, "loss")
    assert mended.loss is experiment.loss and mended.batch_size == 8
    assert exchanged(sick, experiment, *PARTS) == experiment
    with pytest.raises(ValueError, match="there is no part 'lossy'; expected some of pairs, split"):
        exchanged(sick, experiment, "lossy")


def test_the_defaults_keep_documents_and_length(experiment):
    reference = defaults(experiment)
    assert reference.documents is experiment.documents and reference.max_steps == 40
    assert train(replace(reference, max_steps=2)).diverged_at is None


def test_scaled_steps_are_that_much_shorter():
    start, gradient = np.arange(4.0), np.ones(4)
    whole, half = {"w": start.copy()}, {"w": start.copy()}
    SGD(whole, 0.5).step({"w": gradient})
    ScaledSteps(SGD(half, 0.5), half, 0.5).step({"w": gradient})
    np.testing.assert_allclose(start - half["w"], (start - whole["w"]) / 2)


def test_doses_change_what_they_say(experiment):
    assert longer(experiment, 3).max_steps == 120 and longer(replace(experiment, max_steps=None), 3).epochs == 150
    assert larger_batches(replace(experiment, batch_size=2)).batch_size == 32
    name = "head.weight"
    start, still = (train(replace(step_length(experiment, 0.0), max_steps=k)).model.parameters[name] for k in (1, 3))
    moved = train(replace(experiment, max_steps=3)).model.parameters[name]
    np.testing.assert_array_equal(still, start)
    assert np.abs(moved - start).max() > 0
    assert train(without_dropout(experiment)).loss != train(experiment).loss  # the program's bag drops words


def test_trials_are_paired_counted_and_limited(experiment):
    trials = Trials(experiment, limit=4)
    same = trials.compare("nothing", experiment, (0, 1))
    assert same.gains == (0.0, 0.0) and trials.count == 4 and not trials.affordable(1)
    assert not same.helps()
    assert Trials(experiment).compare("nothing", experiment, (0,)).before == same.before[:1]


def test_a_gain_counts_if_no_seed_speaks_against_it():
    assert Trial("x", (0.09,), (0.5,), (0.59,)).helps()
    assert not Trial("x", (0.07,), (0.5,), (0.57,)).helps()
    assert Trial("x", (0.07, 0.05), (0.5, 0.5), (0.57, 0.55)).helps()
    assert not Trial("x", (0.2, -0.05), (0.5, 0.5), (0.7, 0.45)).helps()


def test_a_report_moves_if_it_does_so_one_way_in_two_seeds():
    gains = (0.0, 0.0), (0.6, 0.6), (0.6, 0.6)
    assert Trial("x", *gains, shifts=(0.06, 0.04)).moves() and Trial("x", *gains, shifts=(-0.06, -0.04)).moves()
    assert not Trial("x", *gains, shifts=(0.2, -0.02)).moves() and not Trial("x", *gains, shifts=(0.2,)).moves()
    assert not Trial("x", *gains, shifts=(0.2, float("nan"))).moves() and not Trial("x", *gains).moves()


def test_what_is_learned_is_a_share_of_what_could_be():
    trial = Trial("x", (0.1, 0.2), (0.6, 0.6), (0.7, 0.8))
    assert trial.learned(0.5) == pytest.approx(0.1 / 0.25)
    assert Trial("x", (-0.2,), (0.7,), (0.5,)).learned(0.5) == 1.0 and Trial("x", (), (), ()).learned(0.5) == 1.0


def test_one_more_seed_is_added_to_a_trial(experiment):
    trials = Trials(replace(experiment, max_steps=4))
    more = trials.once_more(trials.compare("nothing", trials.experiment, (0,)), trials.experiment)
    assert more.gains == (0.0, 0.0) and trials.count == 4


def test_a_diverged_training_is_worth_chance(experiment):
    def nan(logits, labels):
        return float("nan"), logits

    assert Trials(experiment).accuracy(train(replace(experiment, loss=nan)), 0) == 0.5


def test_a_foreign_split_does_not_train_on_the_documents_of_the_comparison(experiment):
    seen = []

    def other(documents, rng):
        seen.extend(documents)
        third = len(documents) // 3
        return documents[:third], documents[third : 2 * third], documents[2 * third :]

    trials = Trials(experiment)
    trials.compare("split", replace(experiment, split=other), (0,))
    test = experiment.split(experiment.documents, np.random.default_rng((experiment.seed, 0)))[2]
    assert seen and not {d.sentences for d in seen} & {d.sentences for d in test}
