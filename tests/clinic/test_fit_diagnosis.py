"""The code that fits the shipped diagnosis, run on 200 cases in two folds: it learns, and knows what it never saw."""

import re

import numpy as np
import pytest

from benchmarks import clinic_bench
from nsputil.clinic.answers import UNKNOWN
from nsputil.clinic.diagnosis import diagnose
from nsputil.clinic.fit_diagnosis import fit_diagnosis, masks_for, run_weights
from nsputil.clinic.fitted import FittedDiagnosis
from nsputil.clinic.signals import RUN_SIGNALS
from tools import fit_diagnosis as tool


@pytest.fixture(scope="module")
def fitted(small_bank, tmp_path_factory):
    """What ``python tools/fit_diagnosis.py`` writes, made of the small bank."""
    path = tmp_path_factory.mktemp("fit") / "diagnosis.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool.Bank, "load", lambda: small_bank)
        patch.setattr(tool, "fit_diagnosis", lambda bank: fit_diagnosis(bank, folds=2))
        patch.setattr(tool, "FITTED", path)
        tool.main()
    return FittedDiagnosis.load(path)


def answers(bank, rows, using, tier="instruments", probes=True):
    asked = bank.probes if probes else ()
    return [diagnose(bank.signals(row, tier), [bank.outcome(row, name) for name in asked], using=using) for row in rows]


def right(bank, rows, found):
    return np.mean([d.answer == bank.cases[row].cause for row, d in zip(rows, found, strict=True)])


def test_it_finds_the_causes_of_cases_that_it_never_saw(small_bank, fitted):
    rows = small_bank.rows("test")
    assert right(small_bank, rows, answers(small_bank, rows, fitted)) > 0.85
    assert right(small_bank, rows, answers(small_bank, rows, fitted, probes=False)) > 0.75
    assert right(small_bank, rows, answers(small_bank, rows, fitted, "curves", probes=False)) > 0.6


def test_it_is_about_as_sure_as_it_is_right(small_bank, fitted):
    rows = small_bank.rows("test")
    found = answers(small_bank, rows, fitted)
    sure = np.mean([d.causes[0].probability for d in found])
    assert abs(sure - right(small_bank, rows, found)) < 0.15
    assert all(temperature > 1 for temperature in fitted.temperatures)  # signals repeat one another


def test_a_fault_that_it_does_not_know_is_told_from_those_it_knows(bank, small_bank, fitted):
    foreign = [row for row in bank.rows("test") if bank.cases[row].cause not in small_bank.causes][::10]
    said = [d.answer == UNKNOWN for d in answers(bank, foreign, fitted)]
    known = [d.answer == UNKNOWN for d in answers(small_bank, small_bank.rows("test"), fitted)]
    assert len(said) > 15 and np.mean(said) > 0.25 and np.mean(known) < 0.1


def test_a_cause_without_a_run_is_never_named(small_bank):
    rows = [row for row in small_bank.rows("train") if small_bank.cases[row].cause != "one-label"]
    part = fit_diagnosis(small_bank, np.array(rows)[::3], folds=2, steps=20)
    sick = [row for row in small_bank.rows("test") if small_bank.cases[row].cause == "one-label"]
    for found in answers(small_bank, sick, part):
        assert next(c.probability for c in found.causes if c.name == "one-label") < 1e-6


def test_curves_are_always_measured_and_probes_as_a_whole(small_bank):
    mask = masks_for(small_bank.names, small_bank.probes)(np.random.default_rng(0), 400)
    share = dict(zip(small_bank.names, mask.mean(axis=0), strict=True))
    assert {share[name] for name, signal in RUN_SIGNALS.items() if signal.tier == "curves"} == {1.0}
    instruments = {share[name] for name, signal in RUN_SIGNALS.items() if signal.tier == "instruments"}
    assert len(instruments) == 1 and 0.7 < instruments.pop() < 0.9
    for _, names in small_bank.probes.values():
        columns = mask[:, [small_bank.names.index(name) for name in names]]
        assert (columns == columns[:, :1]).all() and 0.1 < columns.mean() < 0.5


def test_healthy_runs_weigh_a_quarter_and_every_cause_alike():
    weights = run_weights(np.array([0, 0, 0, 0, 1, 2, 2, 2]), healthy=0)
    assert weights.sum() == pytest.approx(8) and weights[:4].sum() == pytest.approx(2)
    assert weights[4] == pytest.approx(weights[5:].sum()) == pytest.approx(3)


def test_the_bench_fits_without_a_corpus_and_learns_nothing_from_shuffled_labels(small_bank, capsys):
    """The part of the bench that `make clinic-check` leaves out."""
    sick = np.array([row for row in small_bank.rows("test") if small_bank.cases[row].faults])
    clinic_bench.never_seen(small_bank, "corpus", "factbook")
    clinic_bench.shuffled(small_bank, sick)
    lines = [re.fullmatch(r"(.*?)  +(\S+)  \[.*\]  n=(\d+) *.*", line) for line in capsys.readouterr().out.splitlines()]
    names, values, counts = zip(*((line[1].strip(), float(line[2]), int(line[3])) for line in lines), strict=True)
    assert len(set(names)) == 5 and names[0].startswith("corpus never seen") and names[4].startswith("control")
    assert counts[0] == counts[2] == 8 and counts[4] == len(sick)
    assert values[0] > 0.5 and values[2] > 0.5 and values[4] < 0.4
