"""Real boxes. These tests need bubblewrap: `make grader-attack` installs it and runs them, and fails without it."""

import json
import os
import sys
from pathlib import Path

import pytest

from nsputil.capstone.repairs import EDITS
from nsputil.checks import bank
from nsputil.grading.assignments import Assignment
from nsputil.grading.box import BoxEnded, PlainRoom, Room
from nsputil.grading.doctor import SMALL, broken_promises, doctor, report
from nsputil.grading.judging import Grader
from nsputil.grading.limits import Limits

ROOT = Path(__file__).resolve().parents[3]
SOLUTIONS = sorted(path.parent.name for path in (ROOT / "solutions").glob("*/*.ipynb"))
FORMS = {"first": {}, "without a control group": {"group": False}}
if os.getuid() == 0:
    FORMS["users instead of user namespaces"] = {"namespaces": False}


@pytest.mark.parametrize("form", FORMS)
def test_every_promise_holds(form):
    promises = doctor(room=Room(SMALL, **FORMS[form]))
    assert [p for p in promises if not p.holds] == [], report(promises)
    assert {p.name for p in promises} >= {"files", "answers", "network", "memory", "processes", "time", "end"}


def test_the_doctor_sees_what_is_broken():
    """The probes find a plain child process to be no box at all; those that do harm are left out."""
    import nsputil.grading.doctor as module

    room = PlainRoom(SMALL)
    kept = [probe for probe in module.QUICK if probe.name in ("files", "network", "programs")]
    module.QUICK, before = tuple(kept), module.QUICK
    try:
        with room:
            broken = broken_promises(room)
    finally:
        module.QUICK = before
    assert {line.split()[0] for line in broken} == {"files", "network", "programs"}


WALK = """
import os
found, names = [], []
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in skipped]
    for file in files:
        path = os.path.join(folder, file)
        names.append(path)
        try:
            with open(path, "rb") as opened:
                text = opened.read()
        except OSError:
            continue
        found += [(path, telling) for telling in tellings if telling.encode() in text]
"""


def test_no_file_in_the_box_tells_an_answer():
    """All files but those of Python and its packages: no reference, no last hint, no solution, no hidden test."""
    tellings = [f"def {e.name}_reference" for e in bank.exercises().values()]
    tellings += [e.hints[2] for e in bank.exercises().values()]
    tellings += ["BEGIN " + "SOLUTION", "BEGIN " + "HIDDEN TESTS", *(right for _, right in EDITS.values())]
    limits = Limits(cell_seconds=60)
    with Room(limits) as room, room.open() as box:
        skipped = ["/usr", "/proc", "/dev", str(Path(sys.base_prefix).resolve())]
        skipped += [path for path in sys.path if path.endswith("-packages")]
        for number, source in enumerate((f"skipped, tellings = {skipped!r}, {tellings!r}", WALK)):
            box.ask("read", 20, sources=[source])
            assert box.ask("run", 200, cell=number) == {"n": 2 * number + 2, "problem": "", "error": ""}
        assert box.ask("look", 20, name="found")["value"] == ["l", []]
        names = box.ask("look", 20, name="names")["value"][1]
    assert len(names) > 200 and any(name.endswith("nsputil/losses.py") for name in names)
    assert not [name for name in names if "/bank/" in name or name.endswith((".ipynb", "judging.py", "seeds.json"))]


def test_no_package_in_the_box_tells_an_answer():
    """Installed packages: nsputil is not among them, whatever way it was installed."""
    code = "import os, sys\nwhere = list(sys.path)\n"
    code += "found = [p for p in where if os.path.exists(p + '/nsputil/checks/bank')]"
    with Room(SMALL) as room, room.open() as box:
        box.ask("read", 20, sources=[code])
        box.ask("run", 20, cell=0)
        assert box.ask("look", 20, name="found")["value"] == ["l", []]
        assert str(ROOT) not in box.ask("look", 20, name="where")["value"][1]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solutions_have_all_automatic_points(name):
    notebook = json.loads((ROOT / "solutions" / name / f"{name}.ipynb").read_text(encoding="utf-8"))
    with Grader(Assignment.of(name), secret=b"x") as grader:
        graded = grader.grade(notebook, "ann")
    assert [r.name for r in graded.exercises if not r.manual and r.state != "right"] == []
    assert graded.replays == 0 and graded.cpu_seconds < 5


def test_nothing_is_left_of_a_room(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with Room(SMALL) as room:
        with room.open() as box:
            box.ask("read", 20, sources=["import os, time\nif os.fork() == 0: time.sleep(600)"])
            box.ask("run", 20, cell=0)
        group, process = room.group, room._process
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == [] and process.returncode is not None
    assert group is None or not group.folder.exists()


def test_a_room_whose_zygote_was_ended_says_so_and_a_grader_starts_another():
    name = SOLUTIONS[2]
    notebook = json.loads((ROOT / "solutions" / name / f"{name}.ipynb").read_text(encoding="utf-8"))
    with Grader(Assignment.of(name), secret=b"x") as grader:
        grader.room._process.kill()
        grader.room._process.wait()
        assert grader.grade(notebook, "ann").score == 11


def test_the_whole_time_of_a_box_is_bounded():
    limits = Limits(wall_seconds=1.0, cell_seconds=60)
    with Room(limits) as room, room.open() as box, pytest.raises(BoxEnded) as caught:
        box.ask("read", 20, sources=["import time\nfor k in range(100): time.sleep(0.1)"])
        box.ask("run", 20, cell=0)
    assert caught.value.reason == "time" and "by the clock" in caught.value.detail
