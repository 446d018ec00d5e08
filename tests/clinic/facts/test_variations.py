"""No fact calls a sane training sick, whatever of it people vary.

A few variations are deviations, which a swap has to judge: those are named here, and none of them is firm.
"""

import pytest
from sane_variations import VARIATIONS

from nsputil.clinic.facts import examine
from nsputil.clinic.recording import record

DEVIATIONS = {name: {"model.start"} for name in ("bag of random vectors", "means", "convolution")}


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_sane_variation_violates_nothing(name):
    found = examine(record(VARIATIONS[name](1)), strict=True)
    allowed = DEVIATIONS.get(name, set())
    violated = [f for f in found if f.state == "violated" and (f.firm or f.fact not in allowed)]
    assert [(f.fact, f.cause, f.statement) for f in violated] == []
