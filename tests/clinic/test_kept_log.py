"""A log that takes what it is given, and is not lost."""

import warnings

import pytest

from nsputil.clinic.kept_log import KeptLog, check_path
from nsputil.clinic.logs import read_log, read_rows


@pytest.mark.parametrize("name", ["run.csv", "run.json"])
def test_what_is_written_can_be_read_back_and_gone_on_with(tmp_path, name):
    log = KeptLog(tmp_path / name, attends=True)
    for step in range(1, 4):
        log.keep(step, "train", {"loss": 0.7, "gradient.encoder": 0.1})
    with pytest.warns(RuntimeWarning, match="read as percent"):
        log.keep(3, "held_out", {"loss": 0.6, "accuracy": 50.0})
    log.finish()
    assert read_rows(tmp_path / name) == log.rows and "percent" in log.rows[-1]["note"]
    run = read_log(tmp_path / name)
    assert run.loss == [0.7] * 3 and run.evaluations[0]["accuracy"] == 0.5 and run.kind == {"attends": True}
    other = KeptLog(tmp_path / name)
    with pytest.warns(RuntimeWarning, match="2 rows of later steps"):
        other.resume(2)
    assert [row["step"] for row in other.rows] == [1, 2]


def test_a_file_that_is_no_log_is_set_aside(tmp_path):
    (tmp_path / "run.json").write_text("[1, 2]")
    log = KeptLog(tmp_path / "run.json")
    with pytest.warns(RuntimeWarning, match="renamed to run.before.json"):
        log.resume(5)
    assert (tmp_path / "run.before.json").read_text() == "[1, 2]" and log.rows == []


def test_what_no_log_can_hold_is_left_out_with_one_warning(tmp_path):
    log = KeptLog()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        log.keep(1, "train", {"loss": 0.7, "f1": 0.5, "accuracy": {"a": 1}, "log_odds_std": -1.0})
    assert log.rows[0].keys() == {"step", "part", "loss", "note"} and len(log.notes) == 3 and len(heard) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # not even then
        KeptLog().note("something")
    with pytest.raises(ValueError, match=r"expected \.csv or \.json"):
        check_path(tmp_path / "run.log")
