"""The bank of cases: all of them can be listed and trained again, and what is kept is what training gives."""

import json

import numpy as np
import pytest

from nsputil.clinic.cases import POINTS, Bank, Case, all_cases, curve, pack, play
from nsputil.clinic.faults import FAULTS
from nsputil.clinic.programs import PROGRAMS
from nsputil.training import Run


@pytest.fixture(scope="module")
def played():
    """A case of the bank trained again, with the answers of all probes: half a second for a bag of words."""
    case = Case("test", ("one-label",), 0, 0)
    return case, play(case)


def test_the_bank_holds_the_cases_that_are_listed(bank):
    listed = all_cases()
    assert len(listed) == len(set(listed)) == len(bank)
    assert set(listed) == set(bank.cases)
    assert len({case.name for case in listed}) == len(listed)


def test_any_beginning_of_the_list_has_the_same_share_of_every_cause():
    """So a night that ends too early still gives a bank that can be used."""
    listed = all_cases()
    for name in (name for name, fault in FAULTS.items() if not fault.outside):
        places = [k for k, case in enumerate(listed) if case.faults == (name,)]
        assert 0.2 < np.mean(np.array(places) < len(listed) / 4) < 0.4, name


def test_a_case_says_what_the_right_answer_is():
    assert (
        Case("train", (), 0, 3).cause == "healthy" and Case("train", (), 0, 3).name == "train.healthy.bag-adamw-sotu.3"
    )
    assert Case("pair", ("one-label", "zero-init"), 0, 0).cause == "one-label"
    benign = next(name for name, fault in FAULTS.items() if fault.benign)
    assert Case("test", (benign,), 0, 0).cause == "healthy"


def test_no_severity_of_a_tested_case_was_learned_from():
    name = next(name for name, fault in FAULTS.items() if fault.severity[0] < fault.severity[1])
    low, high = FAULTS[name].severity

    def fifths(part):
        drawn = [Case(part, (name,), 0, number).severities[0] for number in range(60)]
        return {int(5 * (severity - low) / (high - low)) for severity in drawn}

    assert fifths("train") == {0, 2, 4} and fifths("test") == {1, 3}


def test_repaired_it_is_the_same_training_without_the_fault(played):
    case, kept = played
    repaired = case.experiment(repaired=True)
    assert repaired.seed == case.experiment().seed and repaired.pairs is not case.experiment().pairs
    labels = [pair.label for pair in repaired.pairs(repaired.documents[:5], np.random.default_rng(0))]
    assert set(labels) == {0, 1} and set(kept["run"]["accuracy"][-3:]) == {1.0}


def test_what_is_packed_is_what_the_shipped_bank_holds(bank, played, tmp_path):
    """Trained again today, a case gives the numbers that were kept when the bank was made."""
    case, kept = played
    path = tmp_path / f"{case.name}.json"
    path.write_text(json.dumps(kept), encoding="utf-8")
    said = pack([(case, path), (Case("test", (), 0, 0), tmp_path / "never played.json")], tmp_path / "bank.npz")
    again = Bank.load(tmp_path / "bank.npz")
    assert said.startswith("1 cases, ") and again.cases == [case]
    assert (again.names, again.probes, again.groups) == (bank.names, bank.probes, bank.groups)
    row = bank.cases.index(case)
    np.testing.assert_allclose(
        again.values[0], bank.values[row], rtol=1e-2, atol=1e-2
    )  # other processors round otherwise
    np.testing.assert_allclose(again.curves[0], bank.curves[row], rtol=1e-2, atol=1e-2)


def test_a_bank_survives_being_written(small_bank, tmp_path):
    small_bank.save(tmp_path / "bank.npz")
    again = Bank.load(tmp_path / "bank.npz")
    assert again.cases == small_bank.cases and again.causes == small_bank.causes
    np.testing.assert_array_equal(again.labels, small_bank.labels)
    row = int(again.rows("test")[0])
    assert again.found(row) == pytest.approx(small_bank.found(row), nan_ok=True)
    name = next(iter(again.probes))
    assert again.outcome(row, name) == pytest.approx(small_bank.outcome(row, name), nan_ok=True)


def test_curves_of_any_length_become_as_many_points():
    run = Run(loss=list(np.linspace(1, 0, 200)), accuracy=[0.5] * 200, evaluations=[{"step": 100, "loss": 0.6}])
    loss, accuracy, held_loss, held_accuracy = curve(run)
    assert len(loss) == POINTS and (np.diff(loss) < 0).all() and loss[0] == pytest.approx(1, abs=0.03)
    assert (accuracy == 0.5).all() and np.isnan(held_accuracy).all()
    assert np.isnan(held_loss[: POINTS // 2 - 1]).all() and (held_loss[POINTS // 2 :] == 0.6).all()
    assert np.isnan(curve(Run(loss=[0.7], accuracy=[0.5]))[2:]).all()


def test_every_program_has_cases_to_learn_from_and_to_test_on(bank):
    for part in ("train", "test"):
        programs = {bank.cases[row].program for row in bank.rows(part)}
        assert programs == set(range(len(PROGRAMS)))
