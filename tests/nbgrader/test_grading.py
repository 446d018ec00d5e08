"""The grader beside nbgrader itself: the same points for the same work, the same columns; and the boxed kernel.

It runs in the instructors' environment: `make nbgrader`. A machine without bubblewrap fails here.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="make nbgrader runs it in the instructors' environment")

from test_round_trip import NAME, answers, nbgrader, submissions  # noqa: E402

from nsputil.grading.boxed_kernel import write_kernelspec  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PROBE = """
import os, socket
seen = [path for path in {paths!r} if os.path.exists(path)]
try:
    seen.append(socket.create_connection(("127.0.0.1", {port}), 1) and "network")
except OSError:
    pass
try:
    seen.append(open("/usr/x", "w") and "wrote")
except OSError:
    pass
print("seen:", os.getuid() == 0, seen)
"""


def hand_in(course, student, edits):
    notebook = json.loads((ROOT / "exercises" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = edits.get(cell["id"], cell["source"])
    folder = course / "submissions" / student / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def course_in(folder, students):
    folder.mkdir()
    shutil.copytree(ROOT / "solutions" / NAME, folder / "solutions" / NAME)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    for student, edits in students.items():
        hand_in(folder, student, edits)
    nbgrader(folder, "generate_assignment", NAME, "--create")
    return folder


def table(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_the_grades_and_the_columns_are_those_of_nbgrader(tmp_path):
    """Five submissions of known grade, graded in a real box; nbgrader's own points are in test_round_trip.py."""
    course = course_in(tmp_path / "course", {student: edits for student, (edits, _) in submissions().items()})
    options = ["--assignment", NAME, "--out", "out", "--workers", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NSPUTIL_PROGRESS": "off"}
    command = [sys.executable, "-m", "nsputil", "grade", "submissions", *options]
    run = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    head, *rows = table(course / "out" / "grades.csv")
    nbgrader(course, "export", "--to", "theirs.csv")
    assert head == table(course / "theirs.csv")[0]
    scores = {row[head.index("student_id")]: float(row[head.index("score")]) for row in rows}
    assert scores == {student: points for student, (_, points) in submissions().items()}


@pytest.mark.parametrize("boxed", [True, False])
def test_a_boxed_kernel_gives_the_same_points_and_sees_nothing_of_the_course(tmp_path, monkeypatch, boxed):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        paths = [str(tmp_path / "course" / "solutions"), str(tmp_path / "course" / "gradebook.db"), "/etc/shadow"]
        probe = PROBE.format(paths=paths, port=server.getsockname()[1])
        solved = answers()
        course = course_in(tmp_path / "course", {"ann": solved | {"loss-of-08": solved["loss-of-08"] + probe}})
        if boxed:
            write_kernelspec(tmp_path / "jupyter")
            monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
            monkeypatch.setenv("PYTHONPATH", str(ROOT))
            with open(course / "nbgrader_config.py", "a") as file:
                file.write(
                    "\nfrom nsputil.grading.boxed_kernel import sockets\n"
                    'c.ExecutePreprocessor.kernel_name = "boxed-python"\n'
                    'c.KernelManager.transport, c.KernelManager.ip = "ipc", sockets()\n'
                )
        nbgrader(course, "autograde", NAME, "--create")
    nbgrader(course, "export", "--to", "theirs.csv")
    head, row = table(course / "theirs.csv")
    assert float(row[head.index("score")]) == 11
    graded = json.loads((course / "autograded" / "ann" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))
    printed = "".join("".join(output.get("text", "")) for cell in graded["cells"] for output in cell.get("outputs", []))
    (said,) = [line for line in printed.splitlines() if line.startswith("seen:")]
    assert (said == "seen: False []") == boxed
