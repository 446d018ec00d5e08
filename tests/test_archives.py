"""The archives for a class: what students get, and that no solution is in it."""

import re
from pathlib import Path

import pytest

from nsputil.checks import bank
from tools.archives import contents, item_bank

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def regions():
    return contents.solutions(ROOT)


@pytest.fixture(scope="module")
def students():
    return {name: (ROOT / name).read_bytes() for name in contents.for_students(contents.tracked(ROOT))}


def test_students_get_what_they_need_and_nothing_that_is_for_instructors(students):
    assert {"Makefile", "pyproject.toml", "constraints.txt", "nsputil/__init__.py", "tools/make/rare.mk"} <= set(
        students
    )
    assert sum(name.startswith("exercises/") for name in students) >= 10
    forbidden = (
        r"solutions/|tests/|research/|benchmarks/|nbgrader_config|docs/(instructor|grading|walkthrough|exercises)"
    )
    assert [name for name in students if re.match(forbidden, name)] == []


def test_no_file_for_students_holds_a_solution(students, regions):
    assert len(regions) > 150
    assert contents.leaks(students, regions) == []


def test_a_solution_in_any_file_would_be_seen(students, regions):
    long = next(text for text in regions.values() if len(text) > 200)
    assert [name for name, _ in contents.leaks({"docs/notation.md": f"so {long} it is".encode()}, regions)]
    solved = (ROOT / "solutions/01_the_pair/01_the_pair.ipynb").read_bytes()
    found = {where for _, where in contents.leaks({"exercises/01_the_pair/01_the_pair.ipynb": solved}, regions)}
    assert found == {where for where in regions if where.startswith("01_the_pair#")}


def test_the_item_bank_names_each_exercise_with_its_objective_level_and_mistakes():
    rows = item_bank.rows()
    assert [row["name"] for row in rows] == list(bank.exercises())
    assert all(row["objectives"] and row["level"] and (ROOT / row["sheet"]).exists() for row in rows)
    assert all(row["mistakes"] for row in rows if row["answer"] != "text")
    assert item_bank.as_csv(rows).count("\n") >= len(rows) + 1


def test_the_mistakes_of_the_instructors_guide_are_those_that_the_checks_know():
    table = re.findall(r"^\| (\d\d) \| (`\w+`(?:, `\w+`)*) \|", (ROOT / "docs/instructor-guide.md").read_text(), re.M)
    known = {(row["notebook"], mistake) for row in item_bank.rows() for mistake in row["mistakes"]}
    named = {(int(notebook), name) for notebook, names in table for name in re.findall(r"`(\w+)`", names)}
    assert len(named) > 12
    assert named - known == set()
