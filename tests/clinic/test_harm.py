import numpy as np
import pytest

from nsputil.clinic.faults import FAULTS
from nsputil.clinic.harm import LEAST, TABLE, kill_test, measured_harm, sign_flip_p, verdict
from nsputil.clinic.programs import PROGRAMS


def test_the_sign_flip_test_is_exact():
    assert sign_flip_p([1, 2, 3, 4, 5]) == 1 / 32
    assert sign_flip_p([-1, 2, 3, 4, 5]) == 2 / 32
    assert sign_flip_p([1, -1]) == 3 / 4
    assert sign_flip_p([0, 0, 0]) == 1
    rng = np.random.default_rng(0)
    p = [sign_flip_p(rng.standard_normal(5)) for _ in range(2000)]
    assert np.mean(np.array(p) <= 1 / 32) == pytest.approx(1 / 32, abs=0.012)


def test_a_regular_harm_that_is_tiny_is_none():
    harms = [{"accuracy": LEAST / 2, "loss": 2 * LEAST, "report": -LEAST}] * 5
    found = verdict(harms)
    assert [found[q]["killed"] for q in ("accuracy", "loss", "report")] == [False, True, False]


@pytest.mark.parametrize("name", ["zero-init", "one-label", "evaluation-labels-inverted"])
def test_a_fault_does_harm_on_a_pair(name):
    found = kill_test(name, PROGRAMS[0], [0])
    assert found[FAULTS[name].harms]["effect"] > 5 * LEAST


@pytest.mark.skipif(not TABLE.exists(), reason="tools/kill_test.py has not made the table")
def test_the_table_agrees_with_the_catalogue():
    table = measured_harm()["faults"]
    assert set(table) == set(FAULTS)
    for name, entry in table.items():
        assert entry["killed"] != FAULTS[name].benign, name
