"""The archives for a class: what students get, and that no solution is in it."""

import re
from collections import Counter
from pathlib import Path

import nbformat
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


def _minutes_of(lesson, sections):
    """Add up the minutes of what a cell of a plan names: `NN`, `NN to "S"`, `NN from "S"`, or `NN "S", "T"`."""
    total = 0
    for number, how, names in re.findall(r'(\d\d)(?: (to|from))?((?:(?:, |[ ])"[^"]+")*)', lesson):
        own, quoted = sections[int(number)], re.findall(r'"([^"]+)"', names)
        assert all(name in own for name in quoted), (number, quoted, list(own))
        order = list(own)
        if how:
            at = order.index(quoted[0])
            quoted = order[: at + 1] if how == "to" else order[at:]
        total += sum(own[name] for name in quoted or order)
    return total


def _sections():
    """Return the minutes of each section by notebook."""
    return {
        int(path.name[:2]): {
            title: int(minutes)
            for cell in nbformat.read(path, as_version=4).cells
            for title, minutes in re.findall(r"^## (.*) \((\d+) minutes?\)$", cell.source, re.M)
        }
        for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")
    }


def test_the_sessions_of_the_walkthrough_add_up():
    text = (ROOT / "docs/walkthrough.md").read_text()
    sessions = re.split(r"^## ", text.split("## What the cells take")[0], flags=re.M)
    sessions = [session for session in sessions if session.startswith("Session")]
    assert len(sessions) == 9
    sections, seen = _sections(), set()
    for session in sessions:
        rows = re.findall(r"^\| (\d+) \| [^|]* \| ?([^|]*) \|", session, re.M)
        assert 80 <= sum(int(minutes) for minutes, _ in rows) <= 90, session[:40]
        for minutes, where in rows:
            lesson = re.sub(r"\[(\d\d)\]\([^)]*\)", r"\1", where)
            if lesson[:2].isdigit():
                assert _minutes_of(lesson, sections) == int(minutes), lesson
                seen.add(int(lesson[:2]))
    assert seen == set(sections)


def test_the_plans_of_the_instructors_guide_add_up():
    sections = _sections()
    guide = (ROOT / "docs/instructor-guide.md").read_text()
    one = re.findall(r"^\| (\d+) \| (\d\d [^|]*) \|", guide, re.M)
    many = re.findall(r"^\| \d \| (\d+) \| ([^|]*) \|", guide, re.M)
    assert len(one) == 5 and len(many) == 5 + 8
    for minutes, lesson in [*one, *many]:
        assert _minutes_of(lesson, sections) == int(minutes) <= 90, lesson
    assert sum(int(minutes) for minutes, _ in one) <= 90
    asked = Counter()
    for row in item_bank.rows():
        asked[row["notebook"]] += row["minutes"]
    said = re.findall(r"(?<![-\d])(\d\d) \((\d\d)\)", guide)
    assert len(said) > 12 and all(asked[int(number)] == int(minutes) for number, minutes in said), said
