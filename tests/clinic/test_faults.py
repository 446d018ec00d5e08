import json
import pickle
import re
from dataclasses import fields, replace

import numpy as np
import pytest

from nsputil.clinic.faults import FAMILIES, FAULTS, GROUPS, inject
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.training import Experiment, train

BAG = PROGRAMS[0]
CATALOGUE = [fault for fault in FAULTS.values() if not fault.benign and not fault.outside]


def short(program=BAG, seed=0, steps=6):
    """A training of a fraction of a second."""
    whole = healthy(program, seed)
    return replace(whole, documents=whole.documents[:24], max_steps=steps, evaluate_every=3, watch=40)


def home(fault):
    """The first program a fault applies to."""
    return next(program for program in PROGRAMS if fault.applies(program))


def test_the_catalogue_is_as_large_and_as_varied_as_promised():
    assert len(CATALOGUE) >= 44
    assert {fault.family for fault in CATALOGUE} == set(FAMILIES)
    assert {fault.group for fault in CATALOGUE} <= set(GROUPS)
    assert sum(fault.benign for fault in FAULTS.values()) >= 5
    assert sum(fault.outside for fault in FAULTS.values()) >= 5
    assert not any(fault.benign and fault.outside for fault in FAULTS.values())
    public = {fault.source for fault in FAULTS.values() if re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", fault.source)}
    assert len(public) >= 8
    assert {"codertimo/BERT-pytorch#32", "google-research/bert#125", "NVIDIA/DeepLearningExamples#421"} <= public


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_is_described_and_edits_the_experiment(fault):
    assert re.fullmatch(r"[a-z]+(-[a-z]+|-\d+)*", fault.name) and FAULTS[fault.name] is fault
    assert fault.mechanism.endswith(".") and fault.fix.endswith(".") and fault.group in GROUPS
    assert 0 < fault.severity[0] <= fault.severity[1]
    before = short(home(fault))
    after = inject(before, fault.name)
    assert isinstance(after, Experiment)
    assert [f.name for f in fields(Experiment) if getattr(before, f.name) is not getattr(after, f.name)]
    pickle.loads(pickle.dumps(after))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_runs_at_both_ends_the_same_twice_and_names_itself_nowhere(fault, tmp_path):
    low, high = fault.severity
    for severity in {low, high}:
        run = train(inject(short(home(fault)), fault.name, severity))
        assert run.loss and run.kind == home(fault).kind  # the kind of training tells nothing of the fault
        assert run.final or not np.isfinite(run.loss[-1])
    again = train(inject(short(home(fault)), fault.name, severity))
    assert json.dumps([again.loss, again.evaluations, again.final]) == json.dumps(
        [run.loss, run.evaluations, run.final]
    )
    run.save(tmp_path / "run.json")
    assert fault.name not in (tmp_path / "run.json").read_text(encoding="utf-8")


def test_a_fault_leaves_nothing_behind():
    experiment = short()
    before = train(experiment)
    for fault in FAULTS.values():
        if fault.applies(BAG):
            inject(experiment, fault.name)
    for name in ("stale-checkpoint", "metric-never-reset", "no-zero-grad", "dead-units"):
        train(inject(experiment, name))
    after = train(experiment)
    assert (after.loss, after.evaluations, after.final) == (before.loss, before.evaluations, before.final)


def test_two_faults_can_stand_in_one_experiment():
    run = train(inject(inject(short(), "label-noise"), "double-softmax"))
    assert len(run.loss) == 6


def test_a_fault_of_all_pairs_reaches_held_out_pairs_of_their_own_rule():
    experiment = inject(inject(short(), "training-labels-inverted"), "one-label")
    run = train(experiment)
    assert {pair.label for pair in run.test_pairs} == {1}


def test_bad_input_is_named():
    with pytest.raises(
        ValueError, match="no fault 'double-softmx'; expected a key of FAULTS, such as 'double-softmax'"
    ):
        inject(short(), "double-softmx")
    with pytest.raises(ValueError, match=r"severity is 3; expected 0.2 to 0.4 for 'label-noise'"):
        inject(short(), "label-noise", 3)
    with pytest.raises(TypeError, match="severity is a str; expected a number"):
        inject(short(), "label-noise", "much")
    with pytest.raises(TypeError, match="experiment is a dict; expected an Experiment"):
        inject({}, "label-noise")
    with pytest.raises(ValueError, match="the experiment has no max_steps; expected a number"):
        inject(replace(short(), max_steps=None), "stopped-too-early")
