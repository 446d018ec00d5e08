"""The scoring model and its fit: bins that tell 0 from almost 0, sums of evidence, trust that is learned."""

import numpy as np
import pytest

from nsputil.clinic.fit_model import find_knots, fit_model
from nsputil.clinic.scoring import BINS, KIND, kinds, memberships


def everything(rng, runs, count=3):
    return np.ones((runs, count), bool)


def data(runs=240, seed=0):
    """Signal 0 tells the cause, signal 1 repeats it, signal 2 is noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, runs)
    first = labels + 0.4 * rng.standard_normal(runs)
    return np.column_stack([first, first + 0.01 * rng.standard_normal(runs), rng.standard_normal(runs)]), labels


def test_memberships_sum_to_one_where_measured():
    values = np.array([[0.3], [np.nan], [9.0], [0.1]])
    measured = np.array([[True], [True], [True], [False]])
    member = memberships(values, measured, np.array([[0.0, 0.5, 1.0, 1.0]]))
    assert member.sum(axis=2).ravel().tolist() == pytest.approx([1, 1, 1, 0])
    assert member[1, 0, BINS] == 1 and member[2, 0, 2] == 1
    assert member[0, 0, :3].tolist() == pytest.approx([0.4, 0.6, 0.0])
    one = memberships(values[0], measured[0], np.array([[0.0, 0.5, 1.0, 1.0]]))
    assert (one == member[0]).all()


def test_a_value_that_nearly_all_have_gets_a_knot_and_its_neighbors():
    values = np.concatenate([np.zeros(95), [0.001, 0.2, 0.3, 0.4, 0.5]])[:, None]
    knots = np.unique(find_knots(values)[0])
    assert 0 in knots and 0.001 in knots and 0.5 in knots


def test_it_learns_and_trusts_no_noise():
    values, labels = data()
    model = fit_model(values, labels, "abc", "xyz", everything, steps=200)
    fresh, gold = data(seed=1)
    assert (model.scores_of(fresh, np.ones(fresh.shape, bool)).argmax(axis=1) == gold).mean() > 0.75
    strength = (model.trust[0, :, None, None] * np.abs(model.ratios[0])).max(axis=(1, 2))
    assert strength[2] < 0.5 * strength[0]


def test_what_is_not_measured_adds_nothing():
    values, labels = data()
    model = fit_model(values, labels, "abc", "xyz", everything, steps=50)
    nothing = np.zeros(values.shape, bool)
    assert np.allclose(model.scores_of(values, nothing), model.bias[0])
    assert np.allclose(model.terms(model.see(values[0], nothing[0])), 0)


def test_scores_are_the_sum_of_the_evidence():
    values, labels = data()
    model = fit_model(values, labels, "abc", "xyz", everything, steps=50)
    measured = np.random.default_rng(3).random(values.shape) < 0.5
    assert_sums(model, values, measured)


def assert_sums(model, values, measured):
    """The score of each run is the sum of its terms and the bias; of one run it is that among many."""
    scores = model.scores_of(values, measured)
    for k in range(0, len(values), 20):
        seen = model.see(values[k], measured[k])
        assert np.allclose(model.scores(seen), scores[k])
        assert np.allclose(model.terms(seen).sum(axis=0) + model.bias[0], scores[k])


def test_shuffled_labels_teach_nothing():
    values, labels = data(600)
    model = fit_model(values, np.random.default_rng(2).permutation(labels), "abc", "xyz", everything, steps=200)
    fresh, gold = data(600, seed=1)
    assert abs((model.scores_of(fresh, np.ones(fresh.shape, bool)).argmax(axis=1) == gold).mean() - 1 / 3) < 0.12


def of_two_kinds(runs=400, seed=0):
    """Signal 0 tells the cause, the other way round in bags and in Transformers; both were trained with SGD."""
    rng = np.random.default_rng(seed)
    labels, attends = rng.integers(0, 2, runs), rng.integers(0, 2, runs)
    told = np.where(attends, 1 - labels, labels) + 0.3 * rng.standard_normal(runs)
    return np.column_stack([told, attends, np.zeros(runs)]), labels


def test_what_a_signal_says_depends_on_the_kind_of_training():
    values, labels = of_two_kinds()
    model = fit_model(values, labels, "ab", ("told", *KIND), everything, steps=100)
    fresh, gold = of_two_kinds(seed=1)
    measured = np.ones(fresh.shape, bool)
    assert (model.scores_of(fresh, measured).argmax(axis=1) == gold).mean() > 0.9
    assert kinds(fresh, measured, model.names).tolist() == (1 + 2 * fresh[:, 1]).tolist()
    assert_sums(model, fresh, measured)
    measured[:, 1] = False  # the kind is not known: the table of all runs counts, in which the signal says nothing
    assert (kinds(fresh, measured, model.names) == 0).all() and model.kind(model.see(fresh[0], measured[0])) == 0
    assert abs((model.scores_of(fresh, measured).argmax(axis=1) == gold).mean() - 0.5) < 0.1


def test_a_kind_without_a_run_is_judged_by_all_runs():
    values, labels = of_two_kinds()
    model = fit_model(values, labels, "ab", ("told", *KIND), everything, steps=20)
    assert model.ratios.shape[0] == 5 and (model.ratios[2] == model.ratios[0]).all()  # no bag under Adam
    assert not np.allclose(model.ratios[1], model.ratios[0])


def test_in_the_kind_in_which_signals_repeat_each_other_they_are_trusted_less():
    rng = np.random.default_rng(3)
    labels, attends = rng.integers(0, 2, 600), rng.integers(0, 2, 600)
    told = labels[:, None] + 0.8 * rng.standard_normal((600, 4))
    told[attends == 0] = told[attends == 0][:, :1]  # in bags all four are one
    values = np.column_stack([told, attends, np.zeros(600)])
    model = fit_model(values, labels, "ab", (*"wxyz", *KIND), lambda _, n: np.ones((n, 6), bool))
    says = np.abs(model.ratios[[1, 3], :4]).mean(axis=(1, 2, 3))
    assert says[0] < 0.7 * says[1]
