"""No fact calls a sane training sick, whatever of it people vary."""

import pytest
from sane_variations import VARIATIONS

from nsputil.clinic.facts import examine
from nsputil.clinic.recording import record


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_sane_variation_violates_nothing(name):
    found = examine(record(VARIATIONS[name](1)), strict=True)
    assert [(f.fact, f.cause, f.statement) for f in found if f.state == "violated"] == []
