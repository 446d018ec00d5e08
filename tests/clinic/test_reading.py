"""What else is wrong, how strange a run is, and which probe would show it: on a small bank made here."""

import numpy as np
import pytest

from nsputil.clinic.evidence import fit
from nsputil.clinic.reading import ENOUGH, HEALTHY, Reader, _first_of_each, places

CAUSES = (HEALTHY, "left", "right")
NAMES = ("a", "b", "c", "d")
PROBES = {"one": (1, ("b",)), "two": (1, ("c",)), "three": (1, ("d",))}


def runs(rng, left, right, count=30):
    """Signals a and b move under "left", c under "right", d under neither."""
    noise = 0.1 * rng.standard_normal((count, 4))
    return noise + np.array([1.0 * left, 1.0 * left, 1.0 * right, 0.0])


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    values = np.concatenate([runs(rng, 0, 0), runs(rng, 1, 0), runs(rng, 0, 1)])
    labels = np.repeat([0, 1, 2], 30)
    model = fit(values, labels, CAUSES, NAMES, lambda r, n: np.ones((n, 4), bool), steps=100)
    return Reader(
        model, dict.fromkeys(CAUSES, "all"), PROBES, values, labels,
        temperatures=(1.0,), second=(1.0, -2.0), strange=([0.0, 2.0, 0.0, 0.0], -4.0),
    )  # fmt: skip


def all_of(values):
    return np.array(values, float), np.ones(4, bool)


def test_of_two_faults_both_are_named(small):
    p, odd, seconds = small.verdict(*all_of([1, 1, 1, 0]))
    first = int(np.argmax(p))
    assert {CAUSES[first], CAUSES[seconds[0]]} == {"left", "right"}
    assert sorted(p)[-2] > 0.3 and odd < 0.3 and p.sum() + odd == pytest.approx(1)


def test_of_one_fault_the_second_gains_nothing(small):
    gains = small.pair_gains(*all_of([1, 1, 0, 0]), first=1)
    assert gains[2] < 0 and gains[0] == gains[1] == -np.inf
    assert small.verdict(*all_of([1, 1, 0, 0]))[0].argmax() == 1


def test_what_no_known_run_shows_is_strange(small):
    strange = small.strangeness(*all_of([1, 1, 0, np.nan]), causes=(1,))
    assert strange.argmax() == 3 and strange[3] > 3 > strange[:3].max()
    assert small.verdict(*all_of([1, 1, 0, np.nan]))[1] > small.verdict(*all_of([1, 1, 0, 0]))[1]


def test_before_enough_probes_nothing_else_is_answered(small):
    values, measured = all_of([1, 1, 1, np.nan])
    measured[3] = False
    assert len(small.asked(measured)) < ENOUGH
    p, odd, seconds = small.verdict(values, measured)
    assert odd == 0 and seconds == () and p.sum() == pytest.approx(1)


def test_the_probe_that_shows_the_other_fault_is_known(small):
    shown = small.reveals(1)
    assert max(shown, key=shown.get) == "two" and shown["three"] < shown["two"] / 2


def test_what_is_counted_block_by_block_is_what_is_counted_at_once(small):
    held, place, kept = small._counted(small.outcomes, small.labels, block=7)
    members = small.model.memberships(small.outcomes, np.ones(small.outcomes.shape, bool))
    for c in range(len(CAUSES)):
        assert held[c] == pytest.approx(members[small.labels == c].sum(axis=0), abs=1e-4)
    assert (place == places(members)).all() and set(kept) == set(PROBES)
    for name, at in small.columns.items():
        assert (kept[name] == members[small._sample][:, at]).all()


def test_of_each_cause_as_many_outcomes_are_kept():
    assert _first_of_each(np.array([2, 0, 1, 1, 2, 2, 0, 1, 2]), 2).tolist() == [0, 1, 2, 3, 4, 6]
    assert _first_of_each(np.array([1, 1, 0]), 5).tolist() == [0, 1, 2]
