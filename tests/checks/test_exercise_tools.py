"""An instructor adds, replaces and removes an exercise, tries a rubric, and exports the texts of a class."""

import ast
import csv
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from nsputil.checks import bank
from nsputil.checks.code_exercise import CodeExercise, InputCase
from tools import add_exercise as author
from tools import remove_exercise, texts

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def course(tmp_path, monkeypatch):
    for name in ("solutions", "notebooks", "nsputil/checks/bank"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.setattr(author, "ROOT", tmp_path)
    monkeypatch.setattr(author.masters, "__defaults__", (tmp_path,))
    return tmp_path


def test_removing_takes_an_exercise_out_everywhere(course):
    left = remove_exercise.remove("head_parameters", course)
    source = (course / "nsputil" / "checks" / "bank" / "nb01.py").read_text(encoding="utf-8")
    assert "head_parameters" not in source and "nsp_logits" in source
    names = [node.targets[0].id for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    assert "EXERCISES" in names and "lay_out" in names
    solution = nbformat.read(course / "solutions" / "01_the_pair" / "01_the_pair.ipynb", as_version=4)
    cells = {cell.id: cell.source for cell in solution.cells}
    assert "head-parameters" not in cells and cells["nsp-logits-text"].startswith("## 3 ")
    assert "for all 7" in cells["title"]
    assert "[Seven exercises with feedback]" in (course / "notebooks" / "01_the_pair.ipynb").read_text()
    assert left == [] or all("names it" in sentence for sentence in left)


def test_a_ninth_exercise_is_refused_before_anything_is_written(course, monkeypatch):
    ninth = replace(bank.exercises()["lay_out"], name="lay_out_again")
    everything = bank.exercises() | {"lay_out_again": ninth}
    monkeypatch.setattr(author.bank, "exercises", lambda: everything)
    before = (course / "solutions" / "01_the_pair" / "01_the_pair.ipynb").read_bytes()
    with pytest.raises(SystemExit, match="would have 9 exercises; expected at most 8.*replace_exercise"):
        author.main(["lay_out_again"])
    assert (course / "solutions" / "01_the_pair" / "01_the_pair.ipynb").read_bytes() == before


def test_the_stub_has_the_parameters_of_the_reference():
    assert author.answer_source(bank.exercises()["lay_out"]).startswith("def lay_out(tokens_a, tokens_b, length):")


def test_a_reference_that_raises_undeclared_is_an_error():
    exercise = replace(bank.exercises()["decode_loss"], cases=lambda rng: [InputCase((1.0, "bans"), "a unit unknown")])
    with pytest.raises(ValueError, match="exercise decode_loss, for a unit unknown: the reference ended with KeyError"):
        exercise.judge(lambda loss, unit: 1.0)
    declared = replace(exercise, cases=lambda rng: [InputCase((1.0, "bans"), "a unit unknown", raises=True)])
    assert "should raise a KeyError" in declared.judge(lambda loss, unit: 1.0).message
    with pytest.raises(TypeError, match=r"expected a tuple, such as \(x,\) with its comma"):
        InputCase((1.0), "no comma")
    assert isinstance(exercise, CodeExercise)


def test_a_rubric_can_be_tried(tmp_path, capsys):
    path = tmp_path / "answer.txt"
    path.write_text("This is far below chance, so the columns are swapped.")
    texts.main(["try", "worse_than_chance", str(path)])
    said = capsys.readouterr().out.splitlines()
    assert '1. found, by "below chance' in said[0] and "2. found" in said[1] and "3. not found" in said[2]


def test_the_export_shows_texts_and_points(tmp_path):
    notebook = nbformat.read(ROOT / "solutions" / "01_the_pair" / "01_the_pair.ipynb", as_version=4)
    for student, text in (("ada", "=1+1 below chance, swapped, known pairs"), ("bo", "")):
        folder = tmp_path / student / "01_the_pair"
        folder.mkdir(parents=True)
        next(c for c in notebook.cells if c.id == "worse-than-chance").source = f"worse_than_chance = {text!r}"
        nbformat.write(notebook, folder / "01_the_pair.ipynb")
    (tmp_path / "cy" / "01_the_pair").mkdir(parents=True)
    (tmp_path / "cy" / "01_the_pair" / "01_the_pair.ipynb").write_text("no notebook")
    texts.main(["export", str(tmp_path), "--out", str(tmp_path / "texts.csv")])
    with (tmp_path / "texts.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == ["student", "ada", "bo", "cy"]
    assert rows[1][3].startswith("'=1+1") and rows[1][4] == "3 of 3" and rows[2][4] == "0 of 3"
    assert "cannot be read" in rows[3][4]
