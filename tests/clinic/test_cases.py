"""The cases: all of them can be listed and trained again from their names."""

import numpy as np
import pytest

from nsputil.clinic.cases import CaseSpec, all_cases, run_case
from nsputil.clinic.faults import FAULTS


@pytest.fixture(scope="module")
def recorded():
    """A case of the bank trained again, with the answers of all probes: half a second for a bag of words."""
    case = CaseSpec("test", ("one-label",), 0, 0)
    return case, run_case(case)


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
    without = CaseSpec("train", (), 0, 3)
    assert without.cause == "healthy" and without.name == "train.healthy.bag-adamw-sotu.3"
    assert without.right_answers == {"healthy"}
    two = CaseSpec("pair", ("one-label", "zero-init"), 0, 0)
    assert two.cause == "one-label" and two.right_answers == {"one-label", "zero-init"}
    benign = next(name for name, fault in FAULTS.items() if fault.benign)
    assert CaseSpec("test", (benign,), 0, 0).cause == "healthy"


def test_no_severity_of_a_tested_case_was_learned_from():
    name = next(name for name, fault in FAULTS.items() if fault.severity[0] < fault.severity[1])
    low, high = FAULTS[name].severity

    def fifths(part):
        drawn = [CaseSpec(part, (name,), 0, number).severities[0] for number in range(60)]
        return {int(5 * (severity - low) / (high - low)) for severity in drawn}

    assert fifths("train") == {0, 2, 4} and fifths("test") == {1, 3}


def test_repaired_it_is_the_same_training_without_the_fault(recorded):
    case, kept = recorded
    repaired = case.experiment(repaired=True)
    assert repaired.seed == case.experiment().seed and repaired.pairs is not case.experiment().pairs
    labels = [pair.label for pair in repaired.pairs(repaired.documents[:5], np.random.default_rng(0))]
    assert set(labels) == {0, 1} and set(kept["run"]["accuracy"][-3:]) == {1.0}
