"""The rates on independent defects: what counts as named, as placed, and how sure a rate is."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nsputil.clinic.measured import RATES
from research.independent.table import named, placed, wilson

RESULTS = Path(__file__).resolve().parent.parent / "research" / "results"


def row(cause=None, place=None):
    return {"cause": cause, "place": place}


def test_wilsons_interval_is_that_of_the_textbook():
    low, high = wilson(74, 88)  # z = 1.96: centre (p + z^2 / 2n) / (1 + z^2 / n)
    p, n, z = 74 / 88, 88, 1.96
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert (low + high) / 2 == pytest.approx((p + z**2 / (2 * n)) / (1 + z**2 / n))
    assert (high - low) / 2 == pytest.approx(half)


def test_directions_of_a_cause_are_the_cause_and_other_causes_are_not():
    assert named(row("ignore-index-one"), "ignore-index-zero")
    assert not named(row("label-noise"), "labels-shuffled") and not named(row(None), "labels-shuffled")


def test_a_place_is_right_if_it_is_the_authors_or_that_of_the_family():
    assert placed(row(None, "batching"), "learning-rate-too-high", "")
    assert placed(row(None, "split"), "something new", "pairs")
    assert not placed(row("double-softmax", "loss"), "something new", "model")


def test_every_kind_of_answer_has_a_rate():
    assert all(0 <= rate <= 1 for rate in RATES.values())
    assert RATES["fact, place"] > RATES["fact, cause"] > RATES["swap, cause"]


def test_the_printed_rates_are_those_of_all_sealed_sets_at_first_contact():
    right, cases = Counter(), Counter()
    tables = sorted(RESULTS.glob("independent_sealed*.txt"))
    assert len(tables) == 7
    for path in tables:
        for kind, rate, n in re.findall(r"^  kind (.*?): right +([\d.]+) \[.*?\] n= *(\d+) ", path.read_text(), re.M):
            right[kind] += round(float(rate) * int(n))
            cases[kind] += int(n)
    found = {kind: (right[kind] + 1) / (cases[kind] + 2) for kind in cases if kind != "healthy"}
    assert len(found) == 6 + 1
    for kind, rate in found.items():
        assert RATES[kind] == pytest.approx(rate, abs=0.0051), kind
    harmful = sum(
        int(n)
        for path in tables
        for n in re.findall(
            r"^\([ab]\) (?:harmful: place|outside: called sound) .*? n= *(\d+) ", path.read_text(), re.M
        )
    )
    missed = (cases["healthy"] - right["healthy"] + 1) / (harmful + 2)
    assert RATES["healthy"] == pytest.approx(1 / (1 + missed), abs=0.0051)


def test_the_page_counts_the_healthy_runs_of_the_last_three_sets():
    runs = 0
    for name in ("fifth", "sixth", "seventh"):
        table = (RESULTS / f"independent_sealed_{name}.txt").read_text()
        rate, n = re.search(r"^\(d\) healthy called sick +([\d.]+) \[.*?\] n= *(\d+) ", table, re.M).groups()
        assert float(rate) == 0
        runs += int(n)
    page = (RESULTS.parents[1] / "docs/clinic.md").read_text()
    assert f"In the last three sets that makes 0 of {runs} runs of {runs // 2} variations" in page, "two seeds each"


def test_the_figures_of_examine_are_those_of_its_tables():
    folder = RESULTS.parent / "torch_suspects"
    measured = set(re.findall(r"\d\.\d{3}", "".join(path.read_text() for path in folder.glob("*.txt"))))
    page = (RESULTS.parents[1] / "docs/examine.md").read_text()
    section = page.split("## How it fares")[1].split("\n## ")[0]
    history = (RESULTS.parent / "sealed_sets.md").read_text().split("## PyTorch trainings")[1].split("\n### ")[0]
    for text in (section, history):
        figures = re.findall(r"(?<![\d.])\d\.\d{3}(?!\d)", text)
        assert set(figures) <= measured, text[:60]
    assert len(re.findall(r"\d\.\d{3}", section)) >= 18
