"""Simulated trainings: how often a healthy one is called sick, and how often the group of a sick one is found."""

import pytest

from benchmarks.made_logs import HEALTHY, SICK, called_sick, missed, said_of

SEEDS = range(1000, 1003)


def test_there_are_enough_kinds():
    groups = [group for group, _ in SICK.values()]
    assert len(HEALTHY) >= 60 and len(SICK) >= 30
    assert min(groups.count(group) for group in set(groups)) >= 3 and len(set(groups)) == 6


def test_hardly_any_healthy_training_is_called_sick():
    assert len(called_sick(SEEDS)) <= 0.01 * len(SEEDS) * len(HEALTHY)


def test_nearly_all_groups_of_sick_trainings_are_found():
    assert len(missed(SEEDS)) <= 0.03 * len(SEEDS) * len(SICK)


@pytest.mark.parametrize("name", sorted(HEALTHY))
def test_each_kind_is_read_and_learns(name):
    assert said_of(HEALTHY[name], 1).code == 3
