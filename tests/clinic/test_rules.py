"""The rules of other tools (research/clinic_rules.py): known signals, known verdict."""

import ast
from pathlib import Path

import numpy as np
import pytest

from nsputil.clinic.faults import FAULTS, GROUPS
from research import clinic_rules
from research.clinic_rules import RULES, autotrainer, checklist, deepchecker, named_causes, sagemaker, umlaut


def curves(loss=(0.7, 0.3), accuracy=(0.5, 0.9), held_loss=(0.7, 0.4), held_accuracy=(0.5, 0.85)):
    """Four straight lines: a run without any flaw."""
    return np.array([np.linspace(*ends, 40) for ends in (loss, accuracy, held_loss, held_accuracy)])


def symptoms(rule, found=None, **lines):
    return [symptom for symptom, _ in rule(found or {}, curves(**lines))]


def test_a_flawless_run_raises_no_alarm():
    for name, rule in RULES.items():
        if "SageMaker" not in name:
            assert rule({}, curves()) == [], name
    assert symptoms(sagemaker, held_loss=(0.7, 0.32)) == []


@pytest.mark.parametrize(
    ("rule", "found", "symptom"),
    [
        (autotrainer, {"loss.broken": 1.0}, "exploding gradient"),
        (autotrainer, {"gradient.encoder_share": 1.9}, "exploding gradient"),
        (
            autotrainer,
            {"gradient.encoder_share": -5.0, "gradient.pooler_share": -1.0, "gradient.first": 0.0},
            "vanishing gradient",
        ),
        (umlaut, {"unit.certain": 0.3133}, "softmax and loss do not fit"),
        (sagemaker, {"prior.train": 0.95}, "ClassImbalance"),
        (sagemaker, {"fresh.zero": 0.5}, "PoorWeightInitialization"),
        (deepchecker, {"loss.first": 22.18}, "unexpected initial loss"),
        (deepchecker, {"overfit.loss": 0.69}, "cannot fit a single batch"),
        (deepchecker, {"step.length": 0.1}, "updates too large"),
        (checklist, {"unit.certain": 0.3133, "held.accuracy": 0.2}, "the loss of a certain answer"),
    ],
)
def test_signals_beyond_a_threshold_raise_the_alarm(rule, found, symptom):
    assert symptom in symptoms(rule, found)


def test_thresholds_that_lie_on_the_curves():
    assert symptoms(autotrainer, accuracy=(0.5, 0.55), held_accuracy=(0.5, 0.59)) == [
        "not converging",
        "slow convergence",
    ]
    assert symptoms(autotrainer, accuracy=(0.5, 0.8), held_accuracy=(0.5, 0.59)) == []
    assert symptoms(umlaut, held_loss=(0.4, 0.5)) == ["overfitting"]
    assert "held-out accuracy too high" in symptoms(umlaut, held_accuracy=(0.6, 0.97))
    assert "Overfit" in symptoms(sagemaker, held_loss=(0.7, 0.4))
    assert "LossNotDecreasing" in symptoms(sagemaker, loss=(0.7, 0.7), held_loss=(0.7, 0.7))
    assert "diverging loss" in symptoms(deepchecker, loss=(0.3, 1.5))


def test_every_name_is_a_fault_or_a_group_and_groups_are_opened():
    groups = {"double-softmax": "wrong-level", "single-logit": "wrong-level", "one-label": "one-class"}
    assert named_causes([("x", ("wrong-level",)), ("y", ("one-label",))], groups) == set(groups)
    assert named_causes([("x", ("double-softmax", "no-such"))], groups) == {"double-softmax"}
    tree = ast.parse(Path(clinic_rules.__file__).read_text(encoding="utf-8"))
    tuples = [node.elts for node in ast.walk(tree) if isinstance(node, ast.Tuple)]
    named = {e.value for elts in tuples for e in elts if all(isinstance(getattr(x, "value", None), str) for x in elts)}
    assert len(named) > 30 and named <= {*FAULTS, *GROUPS}
