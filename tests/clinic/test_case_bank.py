"""The bank of cases: what it holds is what training gives."""

import json

import numpy as np
import pytest

from nsputil.clinic.case_bank import POINTS, Bank, curve, pack
from nsputil.clinic.cases import CaseSpec, run_case
from nsputil.clinic.programs import PROGRAMS
from nsputil.clinic.signal_registry import SIGNALS
from nsputil.run import Run


@pytest.fixture(scope="module")
def recorded():
    """A case of the bank trained again, with the answers of all probes: half a second for a bag of words."""
    case = CaseSpec("test", ("one-label",), 0, 0)
    return case, run_case(case)


def test_what_is_packed_is_what_the_shipped_bank_holds(bank, recorded, tmp_path):
    """Trained again today, a case gives the numbers that were kept when the bank was made."""
    case, kept = recorded
    path = tmp_path / f"{case.name}.json"
    path.write_text(json.dumps(kept), encoding="utf-8")
    said = pack([(case, path), (CaseSpec("test", (), 0, 0), tmp_path / "never played.json")], tmp_path / "bank.npz")
    again = Bank.load(tmp_path / "bank.npz")
    assert said.startswith("1 cases, ") and again.cases == [case]
    assert again.names == tuple(SIGNALS) and (again.probes, again.groups) == (bank.probes, bank.groups)
    row, column = bank.cases.index(case), [bank.names.index(name) for name in again.names]
    np.testing.assert_allclose(
        again.values[0], bank.values[row, column], rtol=1e-2, atol=1e-2
    )  # other processors round otherwise
    np.testing.assert_allclose(again.curves[0], bank.curves[row], rtol=1e-2, atol=1e-2)


def test_a_bank_survives_being_written(small_bank, tmp_path):
    small_bank.save(tmp_path / "bank.npz")
    again = Bank.load(tmp_path / "bank.npz")
    assert again.cases == small_bank.cases and again.causes == small_bank.causes
    np.testing.assert_array_equal(again.labels, small_bank.labels)
    row = int(again.rows("test")[0])
    assert again.signals(row) == pytest.approx(small_bank.signals(row), nan_ok=True)
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
