"""Diagnoses of live runs and of runs of the bank, with the fit that is shipped."""

from dataclasses import replace

import numpy as np
import pytest

from nsputil.clinic import diagnosis as module
from nsputil.clinic.answers import HEALTHY, UNKNOWN
from nsputil.clinic.diagnosis import diagnose
from nsputil.clinic.faults import inject
from nsputil.clinic.fitted import FittedDiagnosis, load_shipped
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.scoring import ScoringModel
from nsputil.clinic.signals import signals
from nsputil.training import train


@pytest.fixture(scope="module")
def experiment():
    return healthy(PROGRAMS[0], seed=77)


def test_probabilities_sum_to_one_and_evidence_is_ranked(experiment):
    diagnosis = diagnose(train(inject(experiment, "double-softmax")))
    assert sum(cause.probability for cause in diagnosis.causes) == pytest.approx(1)
    assert sum(diagnosis.groups.values()) == pytest.approx(1)
    assert {cause.name for cause in diagnosis.causes} == {*load_shipped().model.causes, UNKNOWN}
    nats = [evidence.nats for evidence in diagnosis.causes[0].evidence_for]
    assert nats == sorted(nats, reverse=True) and nats[0] > 0
    assert diagnosis.causes[0].name in str(diagnosis)


def test_the_next_probe_is_the_one_with_most_bits_for_its_cost(experiment):
    diagnosis = diagnose(train(inject(experiment, "labels-off-by-one")))
    rate = [option.bits / (option.cost + module.OVERHEAD) for option in diagnosis.next_probes]
    assert rate == sorted(rate, reverse=True) and rate[0] > 0


def test_a_probe_once_asked_is_not_offered_again(bank):
    row = int(bank.rows("test")[0])
    name = next(iter(bank.probes))
    diagnosis = diagnose(bank.signals(row), bank.outcome(row, name))
    assert name in diagnosis.asked and name not in [option.name for option in diagnosis.next_probes]


def test_a_diagnosis_survives_being_written(tmp_path, bank):
    load_shipped().save(tmp_path / "fit.npz")
    again = FittedDiagnosis.load(tmp_path / "fit.npz")
    row = int(bank.rows("test")[3])
    assert diagnose(bank.signals(row), using=again).answer == diagnose(bank.signals(row)).answer


def test_the_names_of_the_causes_play_no_part(bank):
    """With other names it gives the same probabilities and asks the same: it cannot look a fault up."""
    shipped, model = load_shipped(), load_shipped().model
    called = {name: name if name == HEALTHY else f"cause {number}" for number, name in enumerate(model.causes)}
    other = FittedDiagnosis(
        ScoringModel(
            tuple(called.values()), model.names, model.knots, model.ratios, model.trust, model.bias, model.tiers
        ),
        {called[name]: group for name, group in shipped.groups.items()},
        shipped.probes, shipped.known.values, shipped.known.labels, shipped.temperatures, shipped.none_of_these,
        shipped.two_faults, shipped.healthy_bias,
    )  # fmt: skip
    for row in bank.rows("test")[:60:20]:
        mine, theirs = diagnose(bank.signals(row)), diagnose(bank.signals(row), using=other)
        expected = [(called.get(cause.name, cause.name), cause.probability) for cause in mine.causes]
        assert [(cause.name, cause.probability) for cause in theirs.causes] == expected
        assert theirs.next_probes == mine.next_probes and theirs.groups == mine.groups


def test_signals_that_were_copied_from_a_run_say_the_same_as_the_run(experiment):
    """So nothing but the signals is looked at: not the model in the run, nor what the run was made from."""
    run = train(inject(replace(experiment, max_steps=40), "sign-flipped"))
    assert diagnose(dict(signals(run))) == diagnose(run)


def test_what_is_asked_for_twice_is_the_same(bank):
    row = int(bank.rows("test")[5])
    assert str(diagnose(bank.signals(row))) == str(diagnose(bank.signals(row)))


def test_unknown_outcomes_are_named(experiment):
    with pytest.raises(ValueError, match="no signal 'made.up'"):
        diagnose(train(replace(experiment, max_steps=30)), {"made.up": 1.0})


def test_from_curves_alone(experiment):
    run = train(inject(experiment, "labels-shuffled"))
    run.instruments, run.evaluations = [], [{k: e[k] for k in ("step", "loss", "accuracy")} for e in run.evaluations]
    diagnosis = diagnose(run, tier="curves")
    assert diagnosis.groups.get(HEALTHY, 0) < 0.5
    assert np.isfinite([cause.probability for cause in diagnosis.causes]).all()
    assert set(signals(run, "curves")) < set(load_shipped().model.names)


def test_two_numbers_are_enough_to_ask_for_more():
    """A public thread holds little; all that it holds can be given."""
    diagnosis = diagnose({"loss.fall_early": 0.0, "loss.fall_late": 0.0})
    assert sum(cause.probability for cause in diagnosis.causes) == pytest.approx(1)
    assert diagnosis.causes[0].probability < 0.5 and diagnosis.next_probes
    assert diagnose({"loss.end": 0.69}, outcomes={"unit.certain": 0.3133}).causes
