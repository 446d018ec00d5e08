"""Signals read a run of any length, and stand at their levels where a level is known."""

import numpy as np
import pytest

from nsputil.clinic.faults import inject
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.signals import LN2, RUN_SIGNALS, reference_levels, signals
from nsputil.losses import softplus
from nsputil.training import Run, train


@pytest.fixture(scope="module")
def experiment():
    return healthy(PROGRAMS[0], seed=2)


@pytest.fixture(scope="module")
def run(experiment):
    return train(experiment)


def test_all_names_are_there_and_finite_on_a_healthy_run(run):
    found = signals(run)
    assert list(found) == list(RUN_SIGNALS)
    assert all(np.isfinite(value) for value in found.values())


def test_curves_only_needs_no_instruments(run):
    bare = Run(loss=run.loss, accuracy=run.accuracy, evaluations=[{"step": 25, "loss": 0.6, "accuracy": 0.7}])
    found = signals(bare, "curves")
    assert set(found) == {name for name, signal in RUN_SIGNALS.items() if signal.tier == "curves"}
    assert found["held.loss"] == 0.6 and np.isnan(found["final.accuracy"])


def test_a_healthy_start_stands_at_its_level(run):
    assert abs(signals(run)["logits.first_excess"]) < 0.15


def test_the_sum_of_losses_starts_at_b_ln_2(experiment):
    found = signals(train(inject(experiment, "sum-reduction")))
    assert found["loss.first"] > 0.8 * reference_levels(batch_size=experiment.batch_size)["sum for mean, B ln 2"]


@pytest.mark.parametrize("spread", [0.2, 0.5, 0.9])
def test_the_level_of_the_start_holds_for_normal_gaps(spread):
    gaps = np.random.default_rng(0).standard_normal(400_000) * spread
    level = reference_levels(spread=spread)["start, ln 2 + s^2/8"]
    assert abs(softplus(-gaps).mean() - level) < 0.01


def test_levels_that_can_be_said_in_two_ways():
    levels = reference_levels(prior=0.9, noise=0.1)
    assert levels["prior only, H(prior)"] == pytest.approx(levels["label noise, H(noise)"])
    assert levels["softmax applied twice, ln(1 + 1/e)"] == pytest.approx(0.3133, abs=5e-5)


def test_a_run_that_breaks_at_once_is_read(run):
    found = signals(Run(loss=[float("nan")], accuracy=[0.5]))
    assert found["loss.broken"] == 1 and np.isnan(found["held.loss"])


def test_a_constant_loss_has_no_spread_and_no_wave():
    found = signals(Run(loss=[LN2] * 100, accuracy=[0.5] * 100), "curves")
    assert found["loss.jumps"] == 0 and found["loss.wave"] == 0 and found["loss.fall_early"] == pytest.approx(0)


def test_a_wave_is_found():
    accuracy = [0.2 if (step // 10) % 2 else 0.8 for step in range(200)]
    assert signals(Run(loss=[0.7] * 200, accuracy=accuracy), "curves")["loss.wave"] > 0.5


def test_an_accuracy_tells_how_many_pairs_it_was_counted_on():
    evaluations = [{"step": k, "loss": 0.6, "accuracy": a} for k, a in enumerate((0.6875, 0.75, 0.5625), 1)]
    found = signals(Run(loss=[0.7] * 8, accuracy=[0.5, 1.0] * 4, evaluations=evaluations), "curves")
    assert 10 ** found["held.grain"] == pytest.approx(16) and 10 ** found["accuracy.grain"] == pytest.approx(2)
    assert found["held.still"] == 1


def test_bad_input_is_named(run):
    with pytest.raises(ValueError, match="0 losses"):
        signals(Run())
    with pytest.raises(ValueError, match="expected 'curves' or 'instruments'"):
        signals(run, "all")
