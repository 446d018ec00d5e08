"""Every rule for solutions and releases can fail: each is broken once, on a copy, and must say so."""

import copy
import shutil
from pathlib import Path

import nbformat
import pytest

from nsputil.checks import bank
from tools import add_exercise as author
from tools import check_exercises as rules
from tools import objectives
from tools import release_exercises as release

ROOT = Path(__file__).resolve().parent.parent.parent
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
GOOD = ROOT / "solutions" / "01_the_pair" / "01_the_pair.ipynb"


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_the_solutions_keep_the_rules(path):
    assert rules.problems(path) == []


def cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def edit(name, old, new):
    def change(notebook):
        assert old in cell(notebook, name).source
        cell(notebook, name).source = cell(notebook, name).source.replace(old, new)

    return change


def drop(name):
    def change(notebook):
        notebook.cells = [cell for cell in notebook.cells if cell.id != name]

    return change


def mark(name, **fields):
    def change(notebook):
        cell(notebook, name).metadata.nbgrader.update(fields)

    return change


def swap(notebook):
    places = {cell.id: k for k, cell in enumerate(notebook.cells)}
    a, b = places["lay-out-text"], places["head-parameters-text"]
    notebook.cells[a], notebook.cells[b] = notebook.cells[b], notebook.cells[a]


BROKEN = {
    "minutes": (edit("title", "about", "less than"), "first cell is not up to date"),
    "a missing check": (drop("lay-out-check"), "lacks the cells"),
    "a missing exercise": (drop("lay-out-text"), "the bank's are"),
    "another order": (swap, "the bank's are"),
    "another difficulty": (edit("lay-out-text", "difficulty 2", "difficulty 3"), "does not agree with the bank"),
    "an edited option": (edit("which-task-text", "Write the sentence", "Compose the sentence"), "agree with the bank"),
    "no hidden test": (edit("lay-out-check", "assert checks", "# checks"), "not as tools/add_exercise.py writes it"),
    "other points": (mark("lay-out-check", points=5), "other nbgrader marks"),
    "an unlocked check": (mark("lay-out-check", locked=False), "other nbgrader marks"),
    "no region": (edit("lay-out", "### BEGIN SOLUTION", "# here"), "exactly one pair"),
    "another name": (edit("lay-out", "def lay_out(", "def layout("), "does not begin with"),
    "no empty start": (edit("which-task", "which_task = None", 'which_task = "c"'), "does not begin with"),
    "unwritten": (edit("lay-out-text", "Write `lay_out", "TO WRITE `lay_out"), "still says TO WRITE"),
    "a use of the stub": (edit("refused-calls-try", "print", "lay_out([], [], 3)\nprint"), "which is a stub"),
    "a dead link": (edit("title", "../../notebooks/01", "../notebooks/01"), "which does not exist"),
    "not executed": (lambda n: cell(n, "lay-out").update(execution_count=None), "execution counts"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_told(name, tmp_path):
    change, message = BROKEN[name]
    notebook = copy.deepcopy(nbformat.read(GOOD, as_version=4))
    change(notebook)
    found = [p for rule in rules.HOUSE_RULES for p in rule(notebook, GOOD)]
    found += [p for rule in rules.RULES for p in rule(notebook, rules.exercises_of(GOOD))]
    assert any(message in problem for problem in found), found


def test_nothing_of_a_solution_is_released():
    for path in SOLUTIONS:
        solution = nbformat.read(path, as_version=4)
        released = nbformat.read(ROOT / "exercises" / path.parent.name / path.name, as_version=4)
        assert rules.leaks(solution, released) == []
        assert len(rules.solution_lines(solution)) > 5
        assert rules.leaks(solution, solution), "the rule finds nothing in the solution itself"


def test_the_right_letters_stand_in_no_released_notebook():
    for path in SOLUTIONS:
        released = nbformat.read(ROOT / "exercises" / path.parent.name / path.name, as_version=4)
        for exercise in rules.exercises_of(path):
            if hasattr(exercise, "right_letters"):
                answer = cell(released, author.cell_id(exercise)).source
                assert answer == f"{exercise.name} = None\n# Write your code here."
                feedback = [option.feedback for option in exercise.options]
                assert not [text for text in feedback if text in "\n".join(c.source for c in released.cells)]


@pytest.fixture
def course(tmp_path):
    for name in ("solutions", "exercises"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    return tmp_path


def test_the_release_is_up_to_date(course):
    assert release.stale(course) == []


@pytest.mark.parametrize("name", ["solutions/03*/*.ipynb", "exercises/03*/*.ipynb", "nbgrader_config.py"])
def test_one_changed_character_is_stale(course, name):
    path = next(course.glob(name))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert len(release.stale(course)) == 1 and path.relative_to(course).as_posix() in release.stale(course)[0]


def test_a_new_or_missing_solution_is_stale(course):
    (course / "solutions" / "01_the_pair" / "data.csv").write_text("1")
    assert "was not released" in release.stale(course)[0]
    shutil.rmtree(course / "exercises" / "02_building_the_data")
    assert any("is gone" in line for line in release.stale(course))
    (course / "exercises" / release.RECORD).unlink()
    assert release.stale(course) == [f"exercises/{release.RECORD} is missing"]


def test_make_check_fails_on_one_changed_character(course, monkeypatch, capsys):
    """What `make check` calls, on a copy with one letter of one solution changed."""
    monkeypatch.setattr(release, "ROOT", course)
    monkeypatch.setattr(release.stale, "__defaults__", (course,))
    monkeypatch.setattr(release.fingerprints, "__defaults__", (course,))
    assert release.main(["--check"]) == 0
    path = course / "solutions" / "07_train_it" / "07_train_it.ipynb"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("int(np.ceil(exact))", "int(np.ceil(exacT))", 1), encoding="utf-8")
    capsys.readouterr()
    assert release.main(["--check"]) == 1
    assert "solutions/07_train_it/07_train_it.ipynb changed since the last release" in capsys.readouterr().out
    assert "release_exercises.py --check" in (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]


def test_some_are_released_only_if_the_others_are_up_to_date(course, monkeypatch):
    monkeypatch.setattr(release, "ROOT", course)
    monkeypatch.setattr(release.stale, "__defaults__", (course,))
    with pytest.raises(SystemExit, match="no assignment 99_nothing"):
        release.main(["99_nothing"])
    path = course / "solutions" / "03_from_likelihood_to_the_loss" / "03_from_likelihood_to_the_loss.ipynb"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(SystemExit, match="03_from_likelihood.*changed"):
        release.main(["07_train_it"])


def test_line_ends_of_windows_are_no_change(course):
    path = course / "solutions" / "01_the_pair" / "01_the_pair.ipynb"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert release.stale(course) == []


def test_an_objective_without_an_exercise_is_told(monkeypatch):
    kept = {name: e for name, e in bank.exercises().items() if not (e.notebook == 1 and 5 in e.objectives)}
    monkeypatch.setattr(objectives.bank, "exercises", lambda: kept)
    assert any("no exercise trains objective 5" in problem for problem in objectives.coverage()[1])


def test_the_page_of_coverage_names_every_exercise():
    text = (ROOT / "docs" / "objectives.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in bank.exercises())


def test_adding_exercises_anew_changes_nothing():
    for path in SOLUTIONS:
        notebook = nbformat.read(path, as_version=4)
        before = nbformat.writes(notebook)
        group = rules.exercises_of(path)
        author.write(notebook, group, {e.name for e in group})
        assert nbformat.writes(notebook) == before


def test_a_removed_exercise_is_put_back_in_its_place():
    notebook = nbformat.read(GOOD, as_version=4)
    ids = [cell.id for cell in notebook.cells]
    for end in ("-text", "", "-check"):
        drop(f"nsp-logits{end}")(notebook)
    author.write(notebook, rules.exercises_of(GOOD), {"nsp_logits"})
    assert [cell.id for cell in notebook.cells] == ids
