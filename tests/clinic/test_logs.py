"""The log format: what is written is read, and what breaks the format is named."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nsputil.clinic.logs import FRACTIONS, KIND, NUMBERS, RunLog, count, read_log, read_run_file
from nsputil.clinic.signals import signals
from nsputil.training import Run

ROOT = Path(__file__).resolve().parents[2]


def example():
    log = RunLog()
    for step in range(1, 41):
        more = {"log_odds_std": 0.3, "gradient.encoder": 0.2, "update.encoder": 0.01} if step % 10 == 1 else {}
        log.add(step, "train", loss=0.7 - step / 400, accuracy=0.5 + step / 200, label_is_next=0.5, **more)
        if step % 20 == 0:
            log.add(step, "held_out", loss=0.65, accuracy=0.6, recall_is_next=0.7, recall_not_next=0.5)
    log.add(40, "test", loss=0.66, accuracy=0.59)
    return log


@pytest.mark.parametrize("name", ["run.csv", "run.json"])
def test_what_is_written_is_read(tmp_path, name):
    log = example()
    log.save(tmp_path / name)
    run = read_log(tmp_path / name)
    assert run.loss == [r["loss"] for r in log.rows if r["part"] == "train"] and len(run.accuracy) == 40
    assert [e["step"] for e in run.evaluations] == [20, 40] and run.evaluations[0]["recall_is_next"] == 0.7
    assert run.final == {"loss": 0.66, "accuracy": 0.59} and run.prior == 0.5 and run.model is None
    assert [r["step"] for r in run.instruments] == [1, 11, 21, 31]
    assert run.instruments[0]["update.encoder"] == 0.01 and np.isnan(run.instruments[0]["saturation"])
    found = signals(run)
    assert found["held.accuracy"] == pytest.approx(0.6) and found["final.accuracy"] == pytest.approx(0.59)
    assert found["held.surprise"] == pytest.approx(0.65 + 0.6 * np.log(0.6) + 0.4 * np.log(0.4))


def test_csv_and_json_are_the_same_log(tmp_path):
    for name in ("run.csv", "run.json"):
        example().save(tmp_path / name)
    one, other = (repr(vars(read_log(tmp_path / name))) for name in ("run.csv", "run.json"))
    assert one == other
    json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)  # strict JSON


@pytest.mark.parametrize("name", ["run.csv", "run.json"])
def test_a_log_may_say_what_kind_of_training_it_is(tmp_path, name):
    log = RunLog(attends=True, adaptive=None)
    log.add(1, "train", loss=0.7)
    log.add(2, "train", loss=0.6)
    log.save(tmp_path / name)
    run = read_log(tmp_path / name)
    assert run.kind == {"attends": True}
    found = signals(run)
    assert found["kind.attends"] == 1 and np.isnan(found["kind.adaptive"])
    with pytest.raises(ValueError, match="adaptive is 'adamw'; expected True, False or None"):
        RunLog(adaptive="adamw")


@pytest.mark.parametrize("name", ["run.csv", "run.json"])
def test_a_nan_is_kept_and_an_unknown_is_none(tmp_path, name):
    log = RunLog()
    for step, loss in enumerate([0.7, 0.9, 80.0, float("inf"), float("nan")], 1):
        log.add(step, "train", loss=loss, accuracy=None)
    log.save(tmp_path / name)
    run = read_log(tmp_path / name)
    assert run.loss[:3] == [0.7, 0.9, 80.0] and np.isinf(run.loss[3]) and np.isnan(run.loss[4])
    assert np.isnan(run.accuracy).all() and np.isnan(run.prior) and run.instruments == [] and run.evaluations == []


def test_rows_that_stand_for_several_steps_are_counted_as_rows(tmp_path):
    log = RunLog()
    for step in range(10, 101, 10):
        log.add(step, "train", loss=0.69)
        if step % 50 == 0:
            log.add(step, "held_out", loss=0.7)
    log.save(tmp_path / "run.csv")
    assert [e["step"] for e in read_log(tmp_path / "run.csv").evaluations] == [5, 10]


def test_a_run_that_was_saved_is_read_too(tmp_path):
    Run(loss=[0.7, 0.6], accuracy=[0.5, 0.6], evaluations=[{"step": 2, "loss": 0.6}]).save(tmp_path / "run.json")
    assert read_log(tmp_path / "run.json").evaluations == [{"step": 2, "loss": 0.6}]


def test_a_file_is_a_log_or_a_saved_run(tmp_path):
    example().save(tmp_path / "log.json")
    Run(loss=[0.7, 0.6], accuracy=[0.5, 0.6]).save(tmp_path / "run.json")
    assert read_run_file(tmp_path / "log.json").is_log and not read_run_file(tmp_path / "run.json").is_log
    indented = json.dumps(json.loads((tmp_path / "run.json").read_text()), indent=60)  # its first 40 bytes are spaces
    (tmp_path / "run.json").write_text(indented)
    assert not read_run_file(tmp_path / "run.json").is_log


def test_the_example_of_the_document_is_read(tmp_path):
    text = (ROOT / "docs" / "run-format.md").read_text(encoding="utf-8")
    (tmp_path / "a.csv").write_text(re.search(r"```\n(step.*?)```", text, re.S)[1].replace("...\n", ""))
    (tmp_path / "b.json").write_text(re.search(r"```json\n(.*?)```", text, re.S)[1])
    csv, json_ = read_log(tmp_path / "a.csv"), read_log(tmp_path / "b.json")
    assert csv.loss == [0.7012, 0.6954, 0.6321] and csv.final["accuracy"] == 0.72
    assert json_.loss == [0.7012] and json_.evaluations[0]["accuracy"] == 0.48
    for name in (*NUMBERS, *KIND):
        assert f"`{name}`" in text, f"docs/run-format.md does not describe {name}"


HEAD = "step,part,loss,accuracy\n"
READ_WITH_A_WORD = {
    "epoch,loss\n1,0.7\n": "epochs are counted instead",
    "step,part,loss,loss\n1,train,0.7,0.8\n": "loss of train: 'loss'",
    HEAD + "1,train,0.7,0.5\n2,train,0.7\n": "1 rows with another number of cells",
    HEAD + "1,train,O.7,0.5\n2,train,0.7,0.5\n": "1 cells of 'loss' that are no number",
    HEAD + "0,held_out,0.7,0.5\n1,train,0.7,0.5\n": "step: 'step'",
    HEAD + "1.0,train,0.7,0.5\n": "step: 'step'",
    HEAD + "1.5,train,0.7,0.5\n": "rounded down",
    HEAD + "nan,train,0.7,0.5\n": "there are no steps",
    HEAD + "2,train,0.7,0.5\n1,train,0.7,0.5\n": "rows are put in the order of their steps",
    HEAD + "1,train,0.7,51\n": "is in percent: divided by 100",
    HEAD + "1,held_out,0.7,0.5\n": "rows: 1 held out",
    HEAD + "1,training,0.7,0.5\n": "rows: 1 of training",
    "step,part,loss,time\n1,train,0.7,0.1\n": "rows: 1 of training",
    "step,part,loss,attends\n1,train,0.7,2\n": "1 cells of 'attends' that are no number, or out of range",
    "step,part,loss,gradient.all\n1,train,0.7,-0.1\n": "1 cells of 'gradient.all'",
}
REFUSED = {
    "": "is empty",
    "step,part,loss\n": "no loss and no accuracy",
    HEAD + "1,train,O.7,\n": "none of its names is a loss or an accuracy|no loss and no accuracy",
    "{": "no loss and no accuracy",
    "[1]": "no loss and no accuracy",
    '{"format": "nsputil log 1", "rows": [3]}': "no loss and no accuracy",
    '{"format": "nsputil log 1", "rows": []}': "no loss and no accuracy",
    '{"format": "nsputil log 1", "rows": [{"step": 1, "part": "train", "loss": true}]}': "none of its names is a loss",
    '{"format": "nsputil log 1", "rows": [{"step": 1, "part": "train", "loss": [1]}]}': "none of its names is a loss",
}


@pytest.mark.parametrize("text", READ_WITH_A_WORD)
def test_what_differs_from_the_format_is_read_with_a_word(tmp_path, text):
    (tmp_path / "odd.csv").write_text(text)
    file = read_run_file(tmp_path / "odd.csv")
    assert READ_WITH_A_WORD[text] in file.reading.understood()
    assert len(file.run.loss) + len(file.run.evaluations) >= 1


@pytest.mark.parametrize("text", REFUSED)
def test_what_holds_no_numbers_is_refused_in_a_sentence(tmp_path, text):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ValueError, match=f"bad.csv.*({REFUSED[text]})"):
        read_log(tmp_path / "bad.csv")


def test_the_suffix_of_a_file_that_is_read_says_nothing(tmp_path):
    """What ``train --run r.csv`` writes is JSON, and is read."""
    Run(loss=[0.7, 0.6], accuracy=[0.5, 0.6]).save(tmp_path / "r.csv")
    assert read_log(tmp_path / "r.csv").loss == [0.7, 0.6] and not read_run_file(tmp_path / "r.csv").is_log
    example().save(tmp_path / "run.csv")
    (tmp_path / "run.json").write_bytes((tmp_path / "run.csv").read_bytes())
    assert read_log(tmp_path / "run.json").loss == read_log(tmp_path / "run.csv").loss


def test_files_that_are_no_logs_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file none.csv"):
        read_log(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="expected .csv or .json"):
        example().save(tmp_path / "run")


def test_a_log_of_two_kinds_has_no_kind(tmp_path):
    (tmp_path / "run.csv").write_text("step,part,loss,attends\n1,train,0.7,1\n2,train,0.7,0\n")
    assert read_log(tmp_path / "run.csv").kind == {"attends": None}


def test_bad_rows_are_named_when_they_are_written():
    log = example()
    with pytest.raises(ValueError, match="row 44: step is 3 after 40"):
        log.add(3, "train", loss=0.7)
    with pytest.raises(ValueError, match="row 44: there is no number 'los'"):
        log.add(41, "train", los=0.7)
    assert len(log.rows) == 43


def test_numbers_of_a_batch():
    found = count([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0], [0.0, 4.0]], [0, 0, 1, 1])
    assert found["accuracy"] == found["recall_is_next"] == found["recall_not_next"] == 0.5
    assert found["log_odds_std"] == pytest.approx(np.std([2, -1, 3, -4])) and found["says_is_next"] == 0.5
    assert found["mean_p_is_next"] == pytest.approx(np.mean(1 / (1 + np.exp([-2.0, 1, -3, 4]))))
    assert "recall_not_next" not in count([[1.0, 0.0]], [0]) and set(found) <= {*FRACTIONS, "log_odds_std"}
    with pytest.raises(ValueError, match=r"labels are \[0, 2\]; expected 0"):
        count(np.zeros((2, 2)), [0, 2])
    with pytest.raises(ValueError, match=r"logits have shape \(2, 3\)"):
        count(np.zeros((2, 3)), [0, 1])


def test_norms_that_a_log_does_not_hold_are_unknown_not_zero(tmp_path):
    log = RunLog()
    for step in range(1, 31):
        log.add(step, "train", loss=0.69, accuracy=0.5, **{"gradient.all": 0.5})
    log.save(tmp_path / "run.csv")
    found = signals(read_log(tmp_path / "run.csv"))
    assert found["gradient.first"] == pytest.approx(np.log10(0.5))
    unknown = ("gradient.encoder_share", "gradient.head_bias_share", "update.encoder", "update.per_gradient")
    for name in (*unknown, "update.still", "update.last", "logits.spread", "pooler.saturation", "prior.train"):
        assert np.isnan(found[name]), name


def test_reading_a_log_does_not_import_torch():
    code = "import sys, nsputil.clinic.torch_recorder; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
