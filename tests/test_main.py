import pytest

import nsputil
from nsputil.__main__ import main
from nsputil.model import NSPModel
from nsputil.training import Run

A = "We must lower the taxes on working families."


def test_predict_with_the_model_that_comes_along(capsys):
    assert main(["predict", A, "A tax cut will help these families."]) == 0
    first = float(capsys.readouterr().out.split()[1])
    assert main(["predict", A, "The treaty with Mexico has been ratified by the Senate."]) == 0
    second = float(capsys.readouterr().out.split()[1])
    assert first > 0.8 > 0.2 > second
    p = NSPModel.mini().predict(A, "A tax cut will help these families.").p_is_next
    assert p == pytest.approx(first, abs=1e-4)


def test_the_model_that_comes_along_reads_to_the_end_of_a_long_text():
    mini = NSPModel.mini()
    long = A + " The treaty with Mexico has been ratified by the Senate." * 25  # 280 tokens
    ended = long + " A tax cut will help these families." * 10
    assert mini.predict(A, ended).loss_if_next < mini.predict(A, long).loss_if_next - 0.05


def test_too_little_text_of_ones_own_is_named(tmp_path, capsys):
    for k in range(12):
        lines = " ".join(f"The farmer {k} sold apples number {j} at the market of village {k}." for j in range(12))
        (tmp_path / f"{k:02d}.txt").write_text(lines, encoding="utf-8")
    out, run = tmp_path / "m.safetensors", tmp_path / "run.json"
    assert main(["train", "--text", str(tmp_path), "--epochs", "1", "--out", str(out), "--run", str(run)]) == 2
    assert "dim is 64" in capsys.readouterr().err  # so few words need no vectors of 64 numbers: said, not guessed


def test_train_then_evaluate_on_the_small_corpus(tmp_path, capsys):
    out, run = tmp_path / "m.safetensors", tmp_path / "run.json"
    assert main(["train", "--text", "factbook", "--epochs", "1", "--out", str(out), "--run", str(run)]) == 0
    trained = capsys.readouterr().out
    assert main(["evaluate", "--text", "factbook", "--model", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == trained.splitlines()[0]
    assert len(Run.load(run).loss) > 10


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["predict", "", "x"], "sentence_a is ''"),
        (["predict", "a", "b", "--model", "gone"], "there is no file gone"),
        (["evaluate", "--text", "gone"], "gone"),
    ],
)
def test_bad_input_is_one_line(arguments, said, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"nsputil {nsputil.__version__}\n"


def test_a_training_that_diverges_saves_its_run_and_no_model(monkeypatch, tmp_path, capsys):
    from nsputil import training

    monkeypatch.setattr(training, "train", lambda *_, **__: training.Run(loss=[0.7, float("nan")], diverged_at=2))
    out, run = tmp_path / "m.safetensors", tmp_path / "run.json"
    assert main(["train", "--text", "factbook", "--out", str(out), "--run", str(run)]) == 1
    assert "not finite at step 2; no model is saved" in capsys.readouterr().err
    assert run.exists() and not out.exists()
