"""Try every promise of a box in a real one: what is written about a box is what was seen here, on this machine.

from nsputil.grading.doctor import doctor, report

print(report(doctor()))
"""

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nsputil
from nsputil.grading.box import BoxEnded, NoBox, Room
from nsputil.grading.limits import Limits
from nsputil.grading.results import GraderFault
from nsputil.grading.wire import WireError, decode

#: Small, so that reaching each limit takes moments.
SMALL = Limits(
    cell_seconds=0.3,
    call_seconds=1.0,
    cpu_seconds=2,
    wall_seconds=20.0,
    memory_bytes=256 << 20,
    processes=16,
    file_bytes=8 << 20,
    output_characters=10_000,
)


@dataclass(frozen=True)
class Promise:
    """What a box promises, and whether it holds here.

    Attributes
    ----------
    name : str
    said : str
        The promise, as a sentence.
    holds : bool
    detail : str
        What was seen.
    """

    name: str
    said: str
    holds: bool
    detail: str


@dataclass(frozen=True)
class Probe:
    """Code that tries to break a promise. It sets ``broken`` to a list of what it could do, one text each."""

    name: str
    said: str
    code: str


TRIES = """
def tries(what, *args):
    try:
        result = what(*args)
        broken.append(f"{{getattr(what, '__name__', what)}} {{str(args)[:60]}}")
        return result
    except Exception:
        return None

broken = []
"""

QUICK = (
    Probe(
        "files",
        "It reads no file of this machine but Python, its packages and the course without answers.",
        """
import glob, os
for path in ({canary!r}, "/etc/shadow", "/etc/passwd", "/etc/hostname", {repository!r}, "/sys", "/run", "/var"):
    if os.path.exists(path):
        broken.append(path)
broken += os.listdir("/proc")
""",
    ),
    Probe(
        "answers",
        "There is no bank of exercises, no solution and no hidden test in it.",
        """
import glob, importlib, os
import nsputil
for name in ("nsputil.checks.bank", "nsputil.checks.bank.nb03", "nsputil.grading.judging"):
    tries(importlib.import_module, name)
broken += glob.glob(os.path.dirname(nsputil.__file__) + "/checks/bank*")
broken += [path for path in sys.path if os.path.isdir(path + "/solutions")] if "sys" in dir() else []
""",
    ),
    Probe(
        "writing",
        "It writes nowhere but into a folder of its own, which is empty at the start and is gone at the end.",
        """
import os, sys
if os.listdir("/scratch"):
    broken.append("the folder is not empty")
for path in ("/", "/usr", "/dev", "/course", "/fonts", sys.prefix, os.path.dirname(os.__file__), {folder!r}):
    tries(open, path + "/x", "w")
open("/scratch/x", "w").write("x")
""",
    ),
    Probe(
        "network",
        "It has no network, not even to this machine itself.",
        """
import socket
tries(socket.create_connection, ("127.0.0.1", {port}), 1)
tries(socket.socket)
tries(socket.socket, socket.AF_UNIX)
""",
    ),
    Probe(
        "rights",
        "It has no rights: it becomes no other user, mounts nothing, makes no namespace, traces nothing.",
        """
import ctypes, os
libc = ctypes.CDLL(None)
if os.getuid() == 0:
    broken.append("the user is root")
tries(os.setuid, 0)
for name, args in dict(unshare=[0x10000000], mount=[b"x", b"/scratch", b"tmpfs", 0, 0], chroot=[b"/scratch"],
                       umount2=[b"/proc", 2], ptrace=[0, 0, 0, 0], setns=[0, 0], personality=[8]).items():
    if getattr(libc, name)(*args) != -1:
        broken.append(name)
for number in (425, 250, 321, 298, 323):
    if libc.syscall(number, 0, 0, 0, 0, 0) >= 0:
        broken.append(f"call {{number}}")
""",
    ),
    Probe(
        "programs",
        "It starts no other program.",
        """
import os, subprocess, sys
tries(subprocess.run, [sys.executable, "-c", "0"])
tries(os.execv, "/usr/bin/true", ["true"])
""",
    ),
    Probe(
        "processes",
        "It starts no more processes than it may.",
        """
import os, signal, time
children = []
try:
    while len(children) <= {processes}:
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)
    broken.append(f"{{len(children)}} processes")
except OSError:
    pass
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
""",
    ),
)

#: Four processes that are too large together. It ends when one of them was ended, or after ten seconds.
MEMORY = """
import os, signal, time
signal.setitimer(signal.ITIMER_REAL, 0)
for child in range(3):
    if os.fork() == 0:
        block = bytearray({half})
        time.sleep(60)
        os._exit(0)
block, end = bytearray({half}), time.monotonic() + 10
while time.monotonic() < end and not os.waitpid(-1, os.WNOHANG)[0]:
    time.sleep(0.01)
"""


def broken_promises(room: Room) -> list[str]:
    """Return which of the quick promises do not hold in the boxes of a room, one sentence each.

    Parameters
    ----------
    room : Room
        Entered.

    Returns
    -------
    list of str
    """
    return [f"{promise.name} ({promise.detail})" for promise in _quick(room) if not promise.holds]


def doctor(limits: Limits = SMALL, room: Room | None = None) -> list[Promise]:
    """Try every promise in real boxes.

    Parameters
    ----------
    limits : Limits
    room : Room, optional
        Not yet entered; by default the one that grading would take here.

    Returns
    -------
    list of Promise
        One that does not hold if there are no boxes at all.
    """
    try:
        with room or Room(limits) as room:
            form = "a user namespace for each" if room.namespaces else "a user of its own for each, started by root"
            found = [Promise("box", "There are boxes: bubblewrap works.", True, form)]
            return [*found, *_quick(room), *_slow(room, limits)]
    except NoBox as missing:
        return [Promise("box", "There are boxes: bubblewrap works.", False, str(missing))]


def report(promises: list[Promise]) -> str:
    """Return the promises as a table."""
    lines = [f"{'holds' if p.holds else 'BROKEN':7s}{p.name:10s} {p.said} {p.detail}".rstrip() for p in promises]
    broken = sum(not promise.holds for promise in promises)
    last = "Strangers' notebooks can be graded here." if not broken else "Strangers' notebooks are not graded here."
    return "\n".join([*lines, last])


@contextlib.contextmanager
def _outside() -> Iterator[tuple[dict[str, Any], socket.socket]]:
    """Make a file and a server outside for the probes to look for."""
    with (
        tempfile.TemporaryDirectory(prefix="nsputil-doctor-") as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        os.chmod(folder, 0o777)
        canary = Path(folder) / "canary"
        canary.write_text("a file that no box may see")
        canary.chmod(0o666)
        repository = Path(nsputil.__file__).resolve().parent.parent / "solutions"
        port = server.getsockname()[1]
        yield {"canary": str(canary), "folder": folder, "repository": str(repository), "port": port}, server


def _quick(room: Room) -> list[Promise]:
    promises = []
    processes = min(room.limits.processes, 8) if room.group is None else room.limits.processes
    with _outside() as (names, server), room.open() as box:
        for number, probe in enumerate(QUICK):
            code = (TRIES + probe.code).format(**names, processes=processes)
            try:
                box.ask("read", 20, sources=[code])
                said = box.ask("run", 60, cell=number)
                broken = decode(box.ask("look", 20, name="broken").get("value"))
                detail = said["error"] or "; ".join(map(str, broken))
                promises.append(Promise(probe.name, probe.said, not detail, detail[:300]))
            except (BoxEnded, GraderFault, WireError, KeyError, TypeError) as error:
                promises.append(Promise(probe.name, probe.said, False, f"the box ended: {error}"))
                break
        server.settimeout(0)
        with contextlib.suppress(OSError):
            server.accept()[0].close()
            promises.append(Promise("network", "Nothing reaches a server outside.", False, "a connection came"))
        if len(list(Path(names["folder"]).iterdir())) != 1:
            promises.append(Promise("writing", "Nothing is written outside.", False, "a file is new"))
    return promises


def _slow(room: Room, limits: Limits) -> list[Promise]:
    def run(code: str, seconds: float) -> tuple[str, str]:
        """Run code in a box of its own; return how it ended: "", what the cell said, or why the box ended."""
        with room.open() as box:
            try:
                box.ask("read", 20, sources=[code])
                said = box.ask("run", seconds, cell=0)
                return str(said["problem"]), str(said["error"])
            except BoxEnded as ended:
                return "box: " + ended.reason, ended.detail

    promises = []
    killed = room.group.killed() if room.group else 0
    problem, detail = run(MEMORY.format(half=limits.memory_bytes // 2), 30)
    said = "The memory of all its processes together is bounded, "
    if room.group:
        said += f"by a control group of version {room.group.version}."
        held = room.group.killed() > killed
    else:
        said += "by a look every 30 milliseconds, since there is no control group; it can be passed for that long."
        held = problem == "box: memory"
    promises.append(Promise("memory", said, held, f"{limits.memory_bytes >> 20} MB"))
    problem, detail = run("f = open('big', 'wb')\nwhile f.write(bytes(1 << 20)): f.flush()", 30)
    said = "Its files together are bounded."
    promises.append(Promise("disk", said, problem in ("exception", "box: crash"), detail))
    problem, detail = run("while True: print('x' * 1000)", 30)
    promises.append(Promise("output", "What it prints is bounded.", problem == "output", detail))
    problem, detail = run("while True:\n    try:\n        while True: pass\n    except BaseException: pass", 3)
    said = "A loop that swallows every interruption is ended by the clock."
    promises.append(Promise("time", said, problem in ("time", "box: time"), detail))
    problem, detail = run("import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass", 15)
    said = "A loop that blocks every signal is ended by the limit of processor time."
    promises.append(Promise("processor", said, problem == "box: time", detail))
    promises.append(_nothing_left(room))
    return promises


def _nothing_left(room: Room) -> Promise:
    """A daemon that leaves its parent holds the socket of its box open as long as it lives."""
    code = (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)\n    os._exit(0)"
    )
    with room.open() as box:
        box.ask("read", 20, sources=[code])
        box.ask("run", 20, cell=0)
        watch = box.talk.connection.dup()
    with watch:
        watch.settimeout(2)
        try:
            left = watch.recv(100) != b""
        except TimeoutError:
            left = True
    return Promise("end", "Nothing that it started is left.", not left, "a process lives on" if left else "")


def main() -> int:
    """Print what holds here; return 1 if something does not."""
    promises = doctor()
    print(report(promises))
    return 0 if all(promise.holds for promise in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
