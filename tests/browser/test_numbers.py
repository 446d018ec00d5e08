"""The browser's numbers against Python's. Needs Node.js; run by `make browser`."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import nsputil.widgets
from nsputil.training import Run
from nsputil.widgets import batch_at, calibration_at, loss_at, moved_belief, softmax_at, step_at, training_at

RNG = np.random.default_rng(6)
UNITS = ("nats", "bits", "base 10")
LOGITS = [-8.0, -3.3, -0.1, 0.0, 0.1, 1.4, 8.0]
CALIBRATION = [
    (RNG.normal(size=(300, 2)) * 3, RNG.integers(0, 2, 300), temperature, bins)
    for temperature in (0.25, 1.0, 3.7)
    for bins in (2, 10, 20)
]


def a_run(steps, prior, every=None):
    """A run of random numbers: the arithmetic is compared, not the training."""
    evaluations = []
    for step in range(every, steps + 1, every) if every else ():
        row = {"step": step, "loss": RNG.uniform(), "accuracy": RNG.uniform()}
        histogram = {name: RNG.integers(0, 99, 10).tolist() for name in ("is_next", "not_next")}
        evaluations.append(row | ({"histogram": histogram} if every == 7 else {}))
    loss, accuracy = RNG.uniform(0, 2, steps).tolist(), RNG.uniform(size=steps).tolist()
    return Run(loss=loss, accuracy=accuracy, evaluations=evaluations, prior=prior)


BELIEF = dict(zip("abcdef", [0.1, 0.2, 0.3, 0.4, 0.0, 0.0], strict=True))
RUNS = [a_run(1, 0.0), a_run(15, 0.5, 5), a_run(100, 0.3, 7)]
CASES = {
    "lossAt": [(p / 1000, label, unit) for p in range(1, 1000, 37) for label in (0, 1) for unit in UNITS],
    "softmaxAt": [(a, b, label) for a in LOGITS for b in LOGITS for label in (0, 1)],
    "stepAt": [(a, b, label, r) for a in LOGITS for b in LOGITS for label in (0, 1) for r in (0.0, 0.7, 8.0)],
    "batchAt": [(RNG.uniform(0.01, 0.99, size).tolist(),) for size in (1, 2, 8, 16)] + [([0.5] * 8,)],
    "calibrationAt": CALIBRATION,
    "movedBelief": [
        (BELIEF, chosen, to, among)
        for chosen in (["a"], ["b", "c"], ["e", "f"])
        for to in (0.0, 0.05, 0.3)
        for among in (list("abcdef"), list("abcef"))
    ],
    "trainingAt": [(run, step) for run in RUNS for step in (1, 6, 7, 20, 21, 100) if step <= len(run.loss)],
}
MODULES = {
    "lossAt": ("loss_explorer", loss_at),
    "softmaxAt": ("softmax_explorer", softmax_at),
    "stepAt": ("gradient_explorer", step_at),
    "batchAt": ("batch_explorer", batch_at),
    "calibrationAt": ("calibration_explorer", calibration_at),
    "movedBelief": ("clinic_simulator", moved_belief),
    "trainingAt": ("training_player", training_at),
}


def for_the_browser(function, case):
    if function == "calibrationAt":
        logits, labels, temperature, bins = case
        return (logits[:, 0] - logits[:, 1]).tolist(), labels.tolist(), temperature, bins
    if function == "trainingAt":
        run, step = case
        return {name: getattr(run, name) for name in ("loss", "accuracy", "evaluations", "prior")}, step
    return case


@pytest.mark.parametrize("function", CASES)
def test_the_browser_computes_the_numbers_of_python(function):
    node = shutil.which("node")
    assert node, "node is not on PATH; install Node.js to compare the browser's numbers with Python's"
    name, python = MODULES[function]
    module = Path(nsputil.widgets.__file__).with_name(f"{name}.js").as_uri()
    cases = [for_the_browser(function, case) for case in CASES[function]]
    script = (
        f"import {{ {function} }} from {json.dumps(module)};"
        f"console.log(JSON.stringify({json.dumps(cases)}.map((c) => {function}(...c))))"
    )
    command = [node, "--experimental-default-type=module", "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for case, value in zip(CASES[function], json.loads(done.stdout), strict=True):
        expected = python(*case)
        if isinstance(expected, float):
            assert value == pytest.approx(expected, abs=1e-12), case
            continue
        if isinstance(expected, dict):
            assert value == pytest.approx(expected, abs=1e-12), case
            continue
        assert set(value) == set(expected._fields)
        for field in expected._fields:
            assert value[field] == pytest.approx(getattr(expected, field), abs=1e-12), (case, field)
