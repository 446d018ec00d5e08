"""The description of the boxed kernel, its sockets and its command; nbgrader itself runs it in tests/nbgrader."""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from nsputil.grading import boxed_kernel, command
from nsputil.grading.assignments import Assignment


def test_the_description_is_where_jupyter_looks_for_it(tmp_path, capsys):
    assert boxed_kernel.main([str(tmp_path)]) == 0
    spec = json.loads((tmp_path / "kernels" / "boxed-python" / "kernel.json").read_text())
    assert spec["argv"][:3] == [sys.executable, "-m", "nsputil.grading.boxed_kernel"]
    assert spec["interrupt_mode"] == "message" and spec["language"] == "python"
    assert f"JUPYTER_PATH={tmp_path}" in capsys.readouterr().out


def test_what_it_cannot_be_called_with(capsys, tmp_path, monkeypatch):
    assert boxed_kernel.main([]) == 2 and "expected a folder" in capsys.readouterr().err
    with pytest.raises(ValueError, match="a boxed kernel has no network"):
        boxed_kernel.prepare({"transport": "tcp", "ip": "127.0.0.1"}, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="no bubblewrap"):
        boxed_kernel.main(["-f", "x"])


def test_sockets_lead_into_the_box(tmp_path):
    (tmp_path / "inside").mkdir()
    connection = {"transport": "ipc", "ip": str(tmp_path / "k"), "shell_port": 1, "iopub_port": 2, "key": "secret"}
    for _ in range(2):
        boxed_kernel.prepare(connection, tmp_path / "inside")
    inside = json.loads((tmp_path / "inside" / "connection.json").read_text())
    assert inside == connection | {"ip": "/kernel/s"}
    assert os.readlink(tmp_path / "k-2") == str(tmp_path / "inside" / "s-2")


@pytest.mark.parametrize("as_root", [True, False])
def test_the_command_binds_no_more_than_it_needs(tmp_path, as_root):
    words = boxed_kernel.box_command(tmp_path / "inside", tmp_path / "work", as_root)
    at = [k for k, word in enumerate(words) if word in ("--bind", "--ro-bind")]
    assert [words[k + 1] for k in at if words[k] == "--bind"] == [str(tmp_path / "inside")]
    shown = {words[k + 1] for k in at}
    repository = os.path.dirname(os.path.dirname(os.path.abspath(command.__file__)))
    assert repository in shown and not shown & {"/", "/etc", os.path.dirname(repository), str(tmp_path)}
    assert "--unshare-net" in words and ("setpriv" in words) == as_root == ("--unshare-user" not in words)


def test_the_executor_of_the_command(monkeypatch):
    make, window = command.executor_of(3, None)
    with make() as pool:
        assert window == 12 and isinstance(pool, ProcessPoolExecutor)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match="--dask needs Dask"):
        command.executor_of(1, "tcp://x")


def test_the_job_of_the_command_knows_the_cells():
    job = command.job_of(Assignment.of("03_from_likelihood_to_the_loss"), False, False, b"x" * 32)
    assert {"batch-loss", "batch-loss-check", "why-minus-log-mean"} <= set(job.grade_ids)
    assert command.most(Assignment.of("03_from_likelihood_to_the_loss")) == 14
