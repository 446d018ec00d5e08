"""Investigations of live trainings, and of runs of the bank, with the fit that is shipped."""

import pytest

from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.case_bank import bank
from nsputil.clinic.faults import inject
from nsputil.clinic.probe_search import follow, search_probes
from nsputil.clinic.programs import PROGRAMS, healthy


@pytest.fixture(scope="module")
def experiment():
    return healthy(PROGRAMS[0], seed=77)


@pytest.mark.parametrize("name", ["ignore-index-zero", "one-label", "double-softmax", "zero-init"])
def test_plain_faults_are_found_live(experiment, name):
    end = search_probes(inject(experiment, name))
    assert name in [cause.name for cause in end.diagnosis.causes[:2]], str(end.diagnosis)
    assert {step.probe for step in end.steps} == set(end.diagnosis.asked) and end.run.model is not None


def test_a_healthy_run_is_called_healthy(experiment):
    assert search_probes(experiment).diagnosis.answer == HEALTHY


def test_it_keeps_its_budget_and_its_number_of_probes():
    for row in bank().rows("test")[:10]:
        _, steps, cost = follow(
            bank().signals(row), lambda name, r=row: bank().outcome(r, name), budget=30, max_probes=3, sure=2.0
        )
        assert len(steps) <= 3 and cost <= 30


def test_progress_hears_of_every_probe_in_turn():
    heard, row = [], next(int(r) for r in bank().rows("test") if bank().cases[r].cause == "labels-off-by-one")
    _, steps, cost = follow(
        bank().signals(row), lambda name: bank().outcome(row, name), sure=2.0, progress=lambda *told: heard.append(told)
    )
    assert heard == [(step.probe, step.diagnosis) for step in steps] and len(steps) == 4
    assert cost == sum(bank().probes[step.probe].cost for step in steps)
