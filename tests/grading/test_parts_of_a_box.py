"""What a box is made of, as far as it can be looked at without one; `make grader-attack` looks at real ones."""

import struct
from pathlib import Path

import pytest

from nsputil.grading import box, seeds
from nsputil.grading import syscall_filter as filters
from nsputil.grading.course_copy import make_course_copy
from nsputil.grading.memory_group import MemoryGroup


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    make_course_copy(folder)
    return folder / "nsputil"


def test_the_course_of_the_box_has_no_bank_and_nothing_that_grades(course):
    assert not (course / "checks" / "bank").exists()
    inside = {path.stem for path in (course / "grading").glob("*.py")}
    assert inside == {"__init__", "cells", "learner", "limits", "silent_checks", "syscall_filter", "wire", "zygote"}
    assert (course / "checks" / "runner.py").exists() and (course / "data" / "nsp-mini.safetensors").exists()


def test_no_file_of_it_holds_an_answer(course):
    """Nothing of the bank's text: no reference, no hint, no line of a solution."""
    from nsputil.checks import bank

    telling = [f"def {e.name}_reference" for e in bank.exercises().values()] + [
        e.hints[2] for e in bank.exercises().values()
    ]
    text = b"\n".join(path.read_bytes() for path in course.rglob("*") if path.is_file() and path.suffix != ".npz")
    assert [line for line in telling if line.encode() in text] == []
    assert b"EXERCISES = (" not in text


def follow(program, machine, number, argument=0, code=None):
    """Return what the filter says to a call, by doing what the kernel does."""
    steps = [struct.unpack("=HBBI", program[k : k + 8]) for k in range(0, len(program), 8)]
    data = {0: number, 4: filters.ARCHITECTURES[machine][1] if code is None else code, 16: argument}
    at, held = 0, 0
    while True:
        kind, yes, no, value = steps[at]
        at += 1
        if kind == filters.LOAD:
            held = data[value]
        elif kind == filters.RETURN:
            return value
        else:
            holds = {
                filters.EQUAL: held == value,
                filters.AT_LEAST: held >= value,
                filters.ANY_BIT: bool(held & value),
            }
            at += yes if holds[kind] else no


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_says_no_to_what_is_listed_and_to_nothing_else(machine):
    program, column = filters.program(machine), filters.ARCHITECTURES[machine][0]
    listed = {numbers[column] for numbers in filters.DENIED.values()} - {None}
    special = {filters.CLONE[column], filters.CLONE3[column]}
    for number in range(470):
        if number not in special:
            assert follow(program, machine, number) == (filters.REFUSE if number in listed else filters.ALLOW), number
    assert follow(program, machine, filters.CLONE[column], 0x3D0F00) == filters.ALLOW  # what a thread is made with
    assert follow(program, machine, filters.CLONE[column], 0x10000011) == filters.REFUSE
    assert follow(program, machine, filters.CLONE3[column]) == filters.UNKNOWN
    assert follow(program, machine, 0x40000000 + 41) == filters.REFUSE
    assert follow(program, machine, 0, code=0x40000003) == filters.KILL  # a call in the manner of 32 bits
    assert filters.program("riscv64") == b""


def test_the_command_shows_no_folder_of_the_course(tmp_path):
    for as_root in (True, False):
        command = box.bubblewrap_command("bwrap", tmp_path, ["-c", "0"], as_root, True, None)
        shown = {command[k + 1] for k, word in enumerate(command) if word in ("--bind", "--ro-bind", "--dev-bind")}
        root = Path(__file__).resolve().parents[2]
        assert not [path for path in shown if root.is_relative_to(path)]
        assert "--bind" not in command and command[command.index("--remount-ro") + 1] == "/"
        assert ("--unshare-user" in command) is not as_root and "--clearenv" in command and "--unshare-net" in command


def test_an_installed_nsputil_is_hidden(tmp_path, monkeypatch):
    packages = tmp_path / "site-packages"
    (packages / "nsputil").mkdir(parents=True)
    monkeypatch.setattr(box, "site_packages", lambda: [str(packages)])
    command = box.bubblewrap_command("bwrap", tmp_path, [], False, True, None)
    shown, hidden = command.index("--ro-bind", command.index(str(packages)) - 2), command.index("--tmpfs")
    assert command[hidden + 1] == str(packages / "nsputil") and command.index(str(packages)) < hidden and shown < hidden


def group_folder(tmp_path, version):
    if version == 1:
        (tmp_path / "memory" / "mine").mkdir(parents=True)
        return MemoryGroup.make(1000, tmp_path, "3:memory:/mine\n0::/x"), tmp_path / "memory" / "mine"
    (tmp_path / "mine").mkdir()
    return MemoryGroup.make(1000, tmp_path, "0::/mine"), tmp_path / "mine"


@pytest.mark.parametrize("version", [1, 2])
def test_groups_of_both_versions(tmp_path, version):
    """On plain folders: only the kernel makes the files, so reading is tried on files made here."""
    group, parent = group_folder(tmp_path, version)
    assert group.folder.parent == parent and group.version == version
    limit = "memory.limit_in_bytes" if version == 1 else "memory.max"
    assert (group.folder / limit).read_text() == "1000"
    name = "memory.oom_control" if version == 1 else "memory.events"
    (group.folder / name).write_text("under_oom 0\noom_kill 3\n")
    (group.folder / "cgroup.procs").write_text("12\n13\n")
    assert group.killed() == 3 and group.processes() == [12, 13]


def test_no_group_where_none_can_be_made(tmp_path):
    assert MemoryGroup.make(1000, tmp_path / "nowhere", "0::/x") is None


def test_a_seed_is_the_same_each_time_and_another_for_others():
    found = {seeds.seed_of(b"secret", "a", f"student {k}") for k in range(200)}
    assert len(found) > 40 and found <= set(seeds.pool()) and len(set(seeds.pool())) >= 48
    assert seeds.seed_of(b"secret", "a", "x") == seeds.seed_of(b"secret", "a", "x")
    assert [seeds.seed_of(s, "a", "x") for s in (b"1", b"2", b"3")] != [seeds.seed_of(b"1", "a", "x")] * 3
    assert seeds.seeds_with(1005) == (0, 1, 2, 1005)
