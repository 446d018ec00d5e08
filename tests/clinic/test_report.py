"""``python -m nsputil diagnose``: what it prints, its exit codes, and files that are not what they should be."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nsputil.__main__ import main
from nsputil.clinic.faults import FAULTS, inject
from nsputil.clinic.logs import RunLog, read_log
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.report import SURE, UNITS, diagnose_file, exit_code, known_signals
from nsputil.clinic.signal_registry import SIGNALS
from nsputil.clinic.signals import RUN_SIGNALS
from nsputil.training import Run, train


def as_log(run, path, held_out=True):
    """The curves of a run as a log: what a training elsewhere would have kept."""
    log, at = RunLog(), {row["step"]: row for row in run.evaluations}
    for step, (loss, accuracy) in enumerate(zip(run.loss, run.accuracy, strict=True), 1):
        log.add(step, "train", loss=loss, accuracy=accuracy)
        if held_out and step in at:
            log.add(step, "held_out", loss=at[step]["loss"], accuracy=at[step]["accuracy"])
    log.save(path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder, experiment = tmp_path_factory.mktemp("runs"), healthy(PROGRAMS[0], seed=1)
    for name in ("healthy", "ignore-index-zero"):
        run = train(inject(experiment, name) if name in FAULTS else experiment)
        run.save(folder / f"{name}.json")
        as_log(run, folder / f"{name}.csv")
    return folder


def test_a_healthy_run_is_not_called_sick_and_healthy_needs_95_percent(runs, capsys):
    run, diagnosis = diagnose_file(runs / "healthy.json")
    sure = diagnosis.causes[0].probability >= SURE
    assert diagnosis.answer == "healthy" and main(["diagnose", str(runs / "healthy.json")]) == (0 if sure else 3)
    said = capsys.readouterr().out
    assert said.splitlines()[0].startswith("healthy.json: 200 training steps, ")
    assert "1." in said and "healthy: nothing is wrong" in said and "ask next" in said


@pytest.mark.parametrize(
    "healthy, answer, code", [(0.96, "healthy", 0), (0.94, "healthy", 3), (0.5, "x", 3), (0.04, "x", 1)]
)
def test_the_exit_code_follows_the_probability(healthy, answer, code):
    causes = [SimpleNamespace(name="healthy", probability=healthy), SimpleNamespace(name="x", probability=1 - healthy)]
    diagnosis = SimpleNamespace(answer=answer, causes=causes)
    run = Run(loss=list(np.linspace(0.7, 0.4, 50)), accuracy=list(np.linspace(0.5, 0.8, 50)))
    assert exit_code(run, diagnosis) == code
    run.loss[-1] = float("nan")
    assert exit_code(run, diagnosis) == 1  # a violated fact


def test_a_sick_run_gets_its_cause_with_evidence_and_code_1(runs, capsys):
    assert main(["diagnose", str(runs / "ignore-index-zero.json"), "--causes", "3"]) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[2].endswith("ignore-index-zero (one-class)")
    assert "for it, " in said and "repair: " in said and " 4. " not in said
    assert all(len(line) <= 100 for line in said.splitlines())


def test_the_same_runs_as_bare_logs_get_no_cause(runs, capsys):
    """A log says nothing of labels and rows, and its numbers were compared with no training of its kind."""
    for name, code in (("healthy", 3), ("ignore-index-zero", 1)):
        assert main(["diagnose", str(runs / f"{name}.csv")]) == code
        said = capsys.readouterr().out
        assert said.splitlines()[0].startswith(f"{name}.csv: read as the course's own log; rows: 200 of training")
        assert "Measure next:" in said and not any(fault in said.replace(name, "") for fault in FAULTS)


def test_outcomes_of_probes_bring_the_causes_of_a_log(runs, tmp_path, capsys):
    (tmp_path / "outcomes.json").write_text('{"unit.certain": 0.3133}')
    assert main(["diagnose", str(runs / "healthy.csv"), "--outcomes", str(tmp_path / "outcomes.json")]) in (1, 3)
    assert "by group: " in capsys.readouterr().out


def test_a_log_is_shown_mended_and_converted(tmp_path, capsys):
    table = "it;objective;hits\n" + "".join(f"{k};0,6{k};{50 + k}\n" for k in range(1, 9))
    (tmp_path / "my.csv").write_text(table)
    assert main(["diagnose", str(tmp_path / "my.csv")]) == 2
    assert "docs/logs.md" in capsys.readouterr().err
    mend = ["--column", "loss=objective", "--column", "accuracy=hits"]
    assert main(["diagnose", str(tmp_path / "my.csv"), "--show", *mend]) == 1
    assert "0.61" in capsys.readouterr().out
    for out in ("run.csv", "run.json"):
        assert main(["log", str(tmp_path / "my.csv"), "--out", str(tmp_path / out), *mend]) == 0
        run = read_log(tmp_path / out)
        assert run.loss == pytest.approx([0.6 + k / 100 for k in range(1, 9)]) and run.accuracy[0] == 0.51
    for bad, said in ((["--column", "loss"], "expected such as"), (["--classes", "1"], "expected at least 2")):
        assert main(["diagnose", str(tmp_path / "my.csv"), *bad]) == 2 and said in capsys.readouterr().err
    assert main(["log", str(tmp_path / "my.csv"), "--out", str(tmp_path / "run.txt")]) == 2


def test_a_run_of_this_package_is_not_converted(runs, tmp_path, capsys):
    assert main(["log", str(runs / "healthy.json"), "--out", str(tmp_path / "x.csv")]) == 2
    assert "is a run of this package" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(runs):
    """As in ``diagnose ... | head -1``."""
    command = [sys.executable, "-m", "nsputil", "diagnose", str(runs / "healthy.csv"), "--show"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() in (0, 3)


def test_curves_only_reads_less(runs):
    path = runs / "ignore-index-zero.json"
    curves = {n for n, s in RUN_SIGNALS.items() if s.tier == "curves"}
    for tier, names in (("curves", curves), ("instruments", RUN_SIGNALS)):
        told = diagnose_file(path, tier=tier)[1]
        items = [e for c in told.causes for e in (*c.evidence_for, *c.evidence_against)]
        assert items and {e.signal for e in items} <= set(names)


def test_outcomes_of_probes_count(runs, tmp_path, capsys):
    path = tmp_path / "outcomes.json"
    said = {"certain": 0.3133, "undecided": 0.6931, "size": 1, "is_next": 1.2871, "not_next": 1.2871, "large": 0.1184}
    said |= {"direction": 0.8962, "length": -0.4041}  # all that the loss test says of a double softmax
    path.write_text(json.dumps({f"unit.{name}": value for name, value in said.items()}))
    before = diagnose_file(runs / "healthy.json")[1]
    assert main(["diagnose", str(runs / "healthy.json"), "--outcomes", str(path)]) == 1
    assert "double-softmax" in capsys.readouterr().out.splitlines()[2]
    assert before.answer == "healthy"


@pytest.mark.parametrize(
    "text, said",
    [
        ("[1]", "holds a list"),
        ("{", "is no JSON"),
        ('{"loss": 1}', "there is no outcome 'loss'"),
        ('{"unit.certain": "x"}', "unit.certain is 'x'; expected a number"),
    ],
)
def test_bad_outcomes_are_named(runs, tmp_path, capsys, text, said):
    path = tmp_path / "outcomes.json"
    path.write_text(text)
    assert main(["diagnose", str(runs / "healthy.json"), "--outcomes", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_what_a_log_does_not_hold_is_no_evidence(runs, tmp_path):
    """Without its held-out rows the log of a healthy run must not look like a run that broke down."""
    run = train(healthy(PROGRAMS[0], seed=1))
    as_log(run, tmp_path / "bare.csv", held_out=False)
    bare, told = diagnose_file(tmp_path / "bare.csv")
    assert not any(name.startswith(("held.", "generalization.", "update.")) for name in known_signals(bare))
    assert told.answer == "healthy"
    assert all(np.isfinite(e.observed) for c in told.causes for e in (*c.evidence_for, *c.evidence_against))


def test_a_loss_that_broke_is_evidence_in_a_log_too(tmp_path):
    log = RunLog()
    for step in range(1, 41):
        log.add(step, "train", loss=0.7 if step < 30 else float("nan"), accuracy=0.5)
    log.save(tmp_path / "broken.csv")
    run, told = diagnose_file(tmp_path / "broken.csv")
    assert known_signals(run)["loss.broken"] == 1 and told.answer != "healthy"


@pytest.mark.parametrize(
    "name, text, said",
    [
        ("gone.csv", None, "there is no file gone.csv"),
        ("empty.csv", "", "empty.csv is empty"),
        ("header.csv", "step,part,loss\n", "no loss and no accuracy was found"),
        ("foreign.json", '{"history": [0.7, 0.6]}', "no loss and no accuracy was found"),
        (
            "cut.json",
            '{"format": "nsputil log 1", "rows": [\n{"step": 1, "part": "tr',
            "no loss and no accuracy was found",
        ),
        ("none.json", '{"format": "nsputil run 1"}', "loss is no list of numbers"),
        ("odd.json", '{"format": "nsputil run 1", "loss": [0.7], "accuracy": "x"}', "accuracy is no list of numbers"),
        ("uneven.json", '{"format": "nsputil run 1", "loss": [1, 1], "accuracy": [1]}', "2 losses and 1 accuracies"),
        ("rows.json", '{"format": "nsputil run 1", "loss": [1], "accuracy": [1], "evaluations": [3]}', "evaluations"),
        ("final.json", '{"format": "nsputil run 1", "loss": [1], "accuracy": [1], "final": 3}', "final is no object"),
    ],
)
def test_a_bad_file_is_one_line_and_code_2(tmp_path, capsys, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    assert main(["diagnose", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_bytes_are_no_log(tmp_path, capsys):
    (tmp_path / "model.json").write_bytes(bytes(range(128, 256)))
    assert main(["diagnose", str(tmp_path / "model.json")]) == 2
    assert "no loss and no accuracy was found" in capsys.readouterr().err


def test_the_number_of_causes_is_checked(runs, capsys):
    assert main(["diagnose", str(runs / "healthy.json"), "--causes", "0"]) == 2
    assert "--causes is 0" in capsys.readouterr().err


def test_every_unit_can_be_written():
    assert {signal.unit for signal in SIGNALS.values()} <= set(UNITS)


def test_from_the_shell_the_code_arrives(tmp_path):
    (tmp_path / "run.csv").write_text("step,part,loss\n" + "".join(f"{k},train,0.0\n" for k in range(1, 60)))
    done = subprocess.run([sys.executable, "-m", "nsputil", "diagnose", str(tmp_path / "run.csv")], capture_output=True)
    assert done.returncode == 1 and not done.stderr
    assert done.stdout.decode().startswith("run.csv: read as the course's own log; rows: 59 of training")
