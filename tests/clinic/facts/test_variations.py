"""No fact calls a sane training sick, whatever of it people vary.

A few variations are deviations, which a swap has to judge: those are named here, and none of them is firm.
"""

from dataclasses import replace

import pytest
from sane_variations import VARIATIONS

from nsputil.clinic.facts import examine
from nsputil.clinic.recording import record

DEVIATIONS = {name: {"model.start"} for name in ("bag of random vectors", "means", "convolution")}


def smaller(experiment, documents=72, steps=80):
    """Fewer documents and steps: what a fact may doubt, it doubts of a small training rather than of a large one."""
    return replace(
        experiment,
        documents=experiment.documents[:documents],
        max_steps=experiment.max_steps and min(steps, experiment.max_steps),
        evaluate_every=experiment.evaluate_every and min(20, experiment.evaluate_every),
        watch=min(300, experiment.watch) if experiment.watch != 20_000 else experiment.watch,
    )


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_sane_variation_violates_nothing(name):
    found = examine(record(smaller(VARIATIONS[name](1))), strict=True)
    allowed = DEVIATIONS.get(name, set())
    violated = [f for f in found if f.state == "violated" and (f.firm or f.fact not in allowed)]
    assert [(f.fact, f.cause, f.statement) for f in violated] == []
