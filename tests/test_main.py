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


def test_a_few_short_files_of_ones_own_train_with_sizes_that_fit(tmp_path, capsys):
    stories(tmp_path, 30)
    out, run = tmp_path / "m.safetensors", tmp_path / "run.json"
    assert main(["train", "--text", str(tmp_path), "--epochs", "1", "--out", str(out), "--run", str(run)]) == 0
    assert "vectors of 16 numbers (usually 64)" in capsys.readouterr().out
    assert NSPModel.load(out).encoder.parameters["embeddings"].shape[1] == 16


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
        (["evaluate", "--seed", "-1"], "--seed is -1; expected at least 0"),
        (["evaluate", "--layout", "lines"], "--layout, --is-next and --skip-bad are for a text of your own"),
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
    from nsputil.clinic import examined

    monkeypatch.setattr(examined, "train_examined", lambda *_, **__: Run(loss=[0.7, float("nan")], diverged_at=2))
    out, run = tmp_path / "m.safetensors", tmp_path / "run.json"
    assert main(["train", "--text", "factbook", "--out", str(out), "--run", str(run)]) == 1
    assert "not finite at step 2; no model is saved" in capsys.readouterr().err
    assert run.exists() and not out.exists()


def stories(folder, count=40):
    for k in range(count):
        text = " ".join(f"The farmer {k} sold apples number {j} at the market of village {k}." for j in range(12))
        (folder / f"{k:02d}.txt").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("pairs", ["sentences", "segments"])
def test_one_file_of_prose_is_trained_on_and_evaluated_on_the_same_held_out_parts(pairs, tmp_path, capsys):
    stories(tmp_path)
    text, out = tmp_path / "book.txt", tmp_path / "new" / "m.safetensors"
    text.write_text("\n\n".join(path.read_text() for path in sorted(tmp_path.glob("*.txt"))), encoding="utf-8")
    arguments = ["--text", str(text), "--pairs", pairs, "--seed", "3"]
    assert main(["train", *arguments, "--epochs", "1", "--out", str(out)]) == 0
    trained = capsys.readouterr().out.splitlines()
    assert "note: book.txt: prose" in trained and any("cut into" in line for line in trained)
    assert main(["evaluate", *arguments, "--model", str(out)]) == 0
    held_out = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("note:")]
    saved = next(k for k, line in enumerate(trained) if line.startswith("saved as"))
    assert held_out == trained[saved - 2 : saved] and "held-out pairs" in held_out[0]
    assert main(["evaluate", *arguments, "--model", str(out), "--all"]) == 0
    of_all = capsys.readouterr().out.splitlines()[-2]
    assert int(of_all.split()[0].replace(",", "")) > 4 * int(held_out[0].split()[0])


@pytest.mark.parametrize(
    "outputs, said",
    [
        (["--out", "{t}/.."], "--out is '{t}/..', a folder"),
        (["--out", "{t}"], "--out is '{t}', the same file as --text"),
        (["--out", "{t}/00.txt/m"], "'00.txt' on the way to it is a file, not a folder"),
        (["--out", "{t}/m", "--run", "{t}/m"], "--run is '{t}/m', the same file as --out"),
        (["--text", "{t}/00.txt", "--out", "{t}/00.txt"], "the same file as --text"),
        (["--epochs", "0"], "--epochs is 0; expected at least 1"),
    ],
)
def test_outputs_are_checked_before_work_begins(outputs, said, tmp_path, capsys, monkeypatch):
    from nsputil import own_text

    stories(tmp_path, 1)
    monkeypatch.setattr(own_text, "read_own_text", lambda *_, **__: pytest.fail("it began"))
    assert main(["train", "--text", str(tmp_path), *(text.format(t=tmp_path) for text in outputs)]) == 2
    assert said.format(t=tmp_path) in capsys.readouterr().err


def test_a_missing_package_is_one_line(monkeypatch, capsys):
    import sys

    monkeypatch.setitem(sys.modules, "sentencex", None)
    assert main(["evaluate", "--text", __file__]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_labeled_pairs_are_evaluated_as_they_are(tmp_path, capsys):
    text = tmp_path / "pairs.tsv"
    b = ("A tax cut will help these families.", "The treaty with Mexico has been ratified by the Senate.")
    text.write_text("\n".join(f"{A} {k}\t{b[k % 2]}\t{'no' if k % 2 else 'yes'}" for k in range(20)), encoding="utf-8")
    arguments = ["evaluate", "--text", str(text), "--all", "--is-next"]
    assert main([*arguments, "yes"]) == 0
    said = capsys.readouterr().out
    assert "no = NotNext (10), yes = IsNext (10)" in said and "20 pairs: loss" in said and "accuracy 1.0" in said
    assert main([*arguments, "no"]) == 0
    assert "accuracy 0.0" in capsys.readouterr().out
    assert main([*arguments, "yes", "--pairs", "segments"]) == 2
    assert "brings its own labeled pairs" in capsys.readouterr().err
