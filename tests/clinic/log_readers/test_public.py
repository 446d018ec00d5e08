"""The logs of public threads: all are read, and no answer goes against what its thread found."""

import json

import pytest

from benchmarks.public_logs import PUBLIC, look, main, tenable
from nsputil.clinic.log_readers import read
from nsputil.clinic.report import answer_log

SOURCES = json.loads((PUBLIC / "sources.json").read_text(encoding="utf-8"))["logs"]


def test_the_goals_are_reached(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "goals reached" in said and "NOT READ" not in said


def test_each_log_has_a_source_and_each_source_a_log():
    files = {f"{p.parent.name}/{p.name}" for p in PUBLIC.rglob("*") if p.is_file() and p.name != "sources.json"}
    assert files == set(SOURCES) and len([f for f in files if f.startswith("given/")]) == 18


@pytest.mark.parametrize("name", SOURCES)
def test_healthy_is_not_called_sick_and_sick_not_healthy(name):
    code = answer_log(read(PUBLIC / name)).code
    assert code != {"healthy": 1, "sick": 0}.get(SOURCES[name]["state"])


def test_the_command_can_fail(tmp_path, capsys):
    """A log that is not read, and an answer that goes against the thread."""
    (tmp_path / "nothing.log").write_text("nothing\n")
    assert main([str(tmp_path)]) == 1 and "NOT READ" in capsys.readouterr().out
    (tmp_path / "nothing.log").write_text("step 1 loss 0.7\nstep 2 loss nan\n")
    _, kept, said = look(tmp_path / "nothing.log", {"state": "healthy"})
    assert not kept and said.groups == ["not a number"]
    assert tenable(said, "sick", "too good")[0] is False and tenable(said, "sick", "not a number")[0] is True


def test_the_same_numbers_in_five_formats_get_one_answer():
    names = [n for n in SOURCES if n.startswith(("given/s0", "given/r27"))]
    assert len(names) == 6 and {tuple(answer_log(read(PUBLIC / n)).groups) for n in names} == {("never falls",)}
