from pathlib import Path

import numpy as np
import pytest

from nsputil.clinic.faults import FAULTS
from nsputil.clinic.kill_test import (
    LEAST,
    QUANTITIES,
    judge_fault,
    judge_harm,
    kill_test,
    measured_harm,
    pairs_wanted,
    sign_flip_p,
)
from nsputil.clinic.programs import PROGRAMS
from tools import kill_test as printed


def test_the_sign_flip_test_is_exact():
    assert sign_flip_p([1, 2, 3, 4, 5]) == 1 / 32
    assert sign_flip_p([-1, 2, 3, 4, 5]) == 2 / 32
    assert sign_flip_p([1, -1]) == 3 / 4
    assert sign_flip_p([0, 0, 0]) == 1
    rng = np.random.default_rng(0)
    p = [sign_flip_p(rng.standard_normal(5)) for _ in range(2000)]
    assert np.mean(np.array(p) <= 1 / 32) == pytest.approx(1 / 32, abs=0.012)


def test_a_regular_harm_that_is_tiny_is_none_and_a_large_one_that_is_not_regular_is_undecided():
    assert judge_harm([LEAST / 2] * 5).verdict == "none"
    assert judge_harm([-LEAST] * 5).verdict == "none"
    assert judge_harm([2 * LEAST] * 5).verdict == "harm"
    assert judge_harm([0.5, 0.5, 0.5, 0.5, -0.01]).verdict == "undecided"


@pytest.mark.parametrize("name", ["zero-init", "one-label", "evaluation-labels-inverted"])
def test_a_fault_does_harm_on_a_pair(name):
    found = kill_test(name, PROGRAMS[0], [0])
    assert found[FAULTS[name].harms][0] > 5 * LEAST


def test_the_kept_table_is_what_training_gives():
    kept = measured_harm()["faults"]["zero-init"]["bag-adamw-sotu"]
    again = kill_test("zero-init", PROGRAMS[0], [0])
    for quantity in QUANTITIES:
        assert again[quantity][0] == pytest.approx(kept[quantity][0], abs=0.02)  # other processors round otherwise


def test_every_fault_was_tested_in_every_program_that_it_can_enter():
    table = measured_harm()
    assert list(table["faults"]) == list(FAULTS)
    for name, found in table["faults"].items():
        programs = [program for program in PROGRAMS if FAULTS[name].fits(program)]
        assert {program.name for program in programs} == set(found)
        for program in programs:
            pairs = found[program.name]
            assert {len(pairs[quantity]) for quantity in ("severity", *QUANTITIES)} == {len(pairs["severity"])}
            assert len(pairs["severity"]) >= pairs_wanted(FAULTS[name], program)
            low, high = min(pairs["severity"]), max(pairs["severity"])
            assert (low, high) == pytest.approx(FAULTS[name].severity, abs=1e-4)
    assert {program.name for program in PROGRAMS} - set(table["placebo"]) <= {"bert-sgd-sotu"}


@pytest.mark.parametrize("name", FAULTS)
def test_the_marks_of_the_catalogue_are_those_of_the_table(name):
    fault, judged = FAULTS[name], judge_fault(name)
    for program in PROGRAMS:
        if fault.fits(program):
            marked = "undecided" if not fault.applies(program) else "harm" if fault.harms_in(program) else "none"
            assert marked == judged[program.name].verdict, (program.name, judged[program.name])


def test_enough_faults_do_harm():
    harmful = [fault for fault in FAULTS.values() if not fault.benign and not fault.outside]
    public = [fault for fault in harmful if "#" in fault.source]
    assert len(harmful) >= 44 and len(public) >= 8
    assert not [fault.name for fault in FAULTS.values() if fault.outside and fault.benign]


def test_the_printed_table_is_that_of_the_marks():
    """``python tools/kill_test.py --table`` wrote it after the last change of a mark."""
    root = Path(__file__).parents[2]
    kept = (root / "benchmarks" / "results" / "kill_test.txt").read_text(encoding="utf-8")
    assert printed.report(measured_harm()) == kept
