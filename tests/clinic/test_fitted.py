"""What else is wrong, how novel a run is, and which probe would show it: on a small bank made here."""

import numpy as np
import pytest

from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.fit_model import fit_model
from nsputil.clinic.fitted import ENOUGH, FittedDiagnosis
from nsputil.clinic.known_runs import BankedProbe, first_of_each, positions
from nsputil.clinic.novelty import novelty
from nsputil.clinic.scoring import memberships

CAUSES = (HEALTHY, "left", "right")
NAMES = ("a", "b", "c", "d")
PROBES = {"one": BankedProbe(1, ("b",)), "two": BankedProbe(1, ("c",)), "three": BankedProbe(1, ("d",))}


def runs(rng, left, right, count=30):
    """Signals a and b move under "left", c under "right", d under neither."""
    noise = 0.1 * rng.standard_normal((count, 4))
    return noise + np.array([1.0 * left, 1.0 * left, 1.0 * right, 0.0])


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    values = np.concatenate([runs(rng, 0, 0), runs(rng, 1, 0), runs(rng, 0, 1)])
    labels = np.repeat([0, 1, 2], 30)
    model = fit_model(values, labels, CAUSES, NAMES, lambda r, n: np.ones((n, 4), bool), steps=100)
    return FittedDiagnosis(
        model, dict.fromkeys(CAUSES, "all"), PROBES, values, labels,
        temperatures=(1.0,), two_faults=(1.0, -2.0), none_of_these=([0.0, 2.0, 0.0, 0.0], -4.0),
    )  # fmt: skip


def see(fitted, *values):
    return fitted.see(dict(zip(NAMES, values, strict=False)))


def test_of_two_faults_both_are_named(small):
    p, none_of_these, second = small.posterior(see(small, 1, 1, 1, 0))
    first = int(np.argmax(p))
    assert {CAUSES[first], CAUSES[second[0]]} == {"left", "right"}
    assert sorted(p)[-2] > 0.3 and none_of_these < 0.3 and p.sum() + none_of_these == pytest.approx(1)


def test_of_one_fault_the_second_gains_nothing(small):
    seen = see(small, 1, 1, 0, 0)
    gains = small.pair_gains(seen, first=1)
    assert gains[2] < 0 and gains[0] == gains[1] == -np.inf
    assert small.posterior(seen).causes.argmax() == 1


def test_what_no_known_run_shows_is_novel(small):
    seen = see(small, 1, 1, 0, np.nan)
    new = novelty(small.known, seen, causes=(1,))
    assert new.argmax() == 3 and new[3] > 3 > new[:3].max()
    assert small.posterior(seen).none_of_these > small.posterior(see(small, 1, 1, 0, 0)).none_of_these


def test_before_enough_probes_nothing_else_is_answered(small):
    seen = see(small, 1, 1, 1)
    assert len(small.asked(seen)) < ENOUGH
    p, none_of_these, second = small.posterior(seen)
    assert none_of_these == 0 and second == () and p.sum() == pytest.approx(1)


def test_the_probe_that_shows_the_other_fault_is_known(small):
    shown = small.shares_shown(1)
    assert max(shown, key=shown.get) == "two" and shown["three"] < shown["two"] / 2


def test_what_is_counted_block_by_block_is_what_is_counted_at_once(small):
    known = small.known
    in_bins, position, outcomes = known.counted(small.model, small.columns, block=7)
    members = memberships(known.values, np.ones(known.values.shape, bool), small.model.knots)
    for c in range(len(CAUSES)):
        assert in_bins[c] == pytest.approx(members[known.labels == c].sum(axis=0), abs=1e-4)
        assert (known.positions_of(c) == position[known.labels == c]).all()
    assert (position == positions(members)).all() and set(outcomes) == set(PROBES)
    for name, at in small.columns.items():
        assert (outcomes[name] == members[known.sample][:, at]).all()


def test_of_each_cause_as_many_outcomes_are_kept():
    assert first_of_each(np.array([2, 0, 1, 1, 2, 2, 0, 1, 2]), 2).tolist() == [0, 1, 2, 3, 4, 6]
    assert first_of_each(np.array([1, 1, 0]), 5).tolist() == [0, 1, 2]


def test_a_fitted_diagnosis_survives_being_written(small, tmp_path):
    small.save(tmp_path / "fit.npz")
    again = FittedDiagnosis.load(tmp_path / "fit.npz")
    seen = see(small, 1, 1, 1, 0)
    assert again.posterior(seen).causes == pytest.approx(small.posterior(seen).causes, abs=1e-3)
    assert again.probes == PROBES and again.two_faults == [1.0, -2.0]


def test_an_unknown_name_is_refused(small):
    with pytest.raises(ValueError, match="there is no signal 'e'; expected names of SIGNALS"):
        small.see({"a": 1.0, "e": 1.0})
