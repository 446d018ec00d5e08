"""Boxes: where a learner's code runs, and what is left of it afterwards, which is nothing.

`Room` starts one zygote inside bubblewrap and opens a box for each submission (`nsputil.grading.zygote` is the other
side). `PlainRoom` opens boxes that protect nothing, a child process each, where somebody has said that the submissions
can be trusted; what is said between the two sides is the same.
"""

import contextlib
import dataclasses
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nsputil.grading.course_copy import make_course_copy
from nsputil.grading.limits import Limits
from nsputil.grading.memory_group import MemoryGroup
from nsputil.grading.results import GraderFault
from nsputil.grading.wire import Channel, Closed, WireError

#: The user that all boxes have outside, if root starts them: one without files, processes or a name.
USER = 54_400
#: Where user namespaces are missing every grader's box has a user of its own, from here on.
FIRST_USER, USERS = 100_000, 400_000
START_SECONDS = 60.0
COURSE, SCRATCH, FONTS = "/course", "/scratch", "/fonts"
#: What the zygote itself may need.
ZYGOTE_BYTES = 256 << 20
#: Processes of a box where no control group bounds their memory together.
FEW_PROCESSES = 8

START = "import sys; sys.path[:0] = {paths!r}; from nsputil.grading.zygote import main; main()"
START_PLAIN = (
    "import sys, socket; sys.path[:0] = {paths!r}\n"
    "from nsputil.grading.learner import main\n"
    "from nsputil.grading.wire import Channel\n"
    "c = socket.create_connection(('127.0.0.1', {port}), 30); c.sendall({token!r}); c.settimeout(None)\n"
    "main(Channel(c), {cell_seconds}, {output_characters})\n"
)


class NoBox(Exception):
    """There is no box on this machine; the text says what is missing."""


class BoxEnded(Exception):
    """A box ended before it was told to.

    Parameters
    ----------
    reason : str
        As in `nsputil.grading.results.ExerciseResult`.
    detail : str
        One plain sentence.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclasses.dataclass
class Used:
    """What a box has used: seconds of processor time, and the largest memory of one process in bytes."""

    cpu: float = 0.0
    peak: int = 0


#: Answers a call of a function that stayed outside: (number, method, arguments, named ones) to what is sent back.
OnCall = Callable[[Any, Any, Any, Any], dict[str, Any]]


class Box:
    """One submission's box.

    Parameters
    ----------
    talk : Channel
        To the learner's process.
    ending : callable
        ``ending(box)`` ends all processes of the box and returns why it had ended by then, or None if it had not.
    """

    def __init__(self, talk: Channel, ending: Callable[[], tuple[Used, tuple[str, str] | None]]) -> None:
        self.talk, self._ending = talk, ending
        self._number, self._open = 0, True
        self.used = Used()

    def ask(self, do: str, patience: float, on_call: OnCall | None = None, **fields: Any) -> dict[str, Any]:
        """Have something done in the box.

        Parameters
        ----------
        do : {"read", "run", "look", "call"}
        patience : float
            Seconds by the clock, until the box is ended.
        on_call : callable, optional
            Answers calls of functions that stayed outside.
        **fields
            See `nsputil.grading.learner`.

        Returns
        -------
        dict
            Nothing in it can be believed.

        Raises
        ------
        BoxEnded
        """
        self._number += 1
        deadline = time.monotonic() + patience
        try:
            self.talk.send({"n": self._number, "do": do, **fields}, patience)
            while True:
                reply = self.talk.receive(max(deadline - time.monotonic(), 0.001))
                if on_call is None or "ask" not in reply:
                    break
                if time.monotonic() > deadline:  # a box that asks without end always has a message ready
                    raise TimeoutError
                answer = on_call(reply["ask"], reply.get("method"), reply.get("args"), reply.get("named"))
                self.talk.send(answer, max(deadline - time.monotonic(), 0.001))
            if reply.get("n") != self._number:
                raise WireError("an answer to another question")
            return reply
        except TimeoutError:
            self.end()
            raise BoxEnded("time", f"nothing came back within {patience:.0f} seconds by the clock") from None
        except WireError as error:
            self.end()
            raise BoxEnded("protocol", f"the box sent what it may not send: {error}") from None
        except Closed:
            why = self.end()
            raise BoxEnded(*(why or ("crash", "the process ended"))) from None

    def end(self) -> tuple[str, str] | None:
        """End the box with all its processes; return why it had ended by itself, if it had."""
        if not self._open:
            return None
        self._open = False
        self.talk.close()
        self.used, why = self._ending()
        return why

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def site_packages() -> list[str]:
    """Return the folders of installed packages of this Python."""
    return [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


def bubblewrap_command(
    program: str, course: Path, arguments: list[str], as_root: bool, namespaces: bool, fonts: Path | None
) -> list[str]:
    """Return the command that starts the zygote with nothing of this machine but Python and the course.

    Parameters
    ----------
    program : str
        Of bubblewrap.
    course : path
        Holds the nsputil of the box.
    arguments : list of str
        What Python is to run.
    as_root : bool
        True if root runs it. Then it keeps the rights to become another user and, without user namespaces, to make
        other namespaces.
    namespaces : bool
        True if each box gets a user namespace.
    fonts : path, optional
        matplotlib's list of fonts, so that it is not made for each room.

    Returns
    -------
    list of str
    """
    python = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    prefix = Path(sys.base_prefix).resolve()
    shown = [Path("/usr"), *(() if prefix.is_relative_to("/usr") else (prefix,))]
    shown += [Path(path).resolve() for path in site_packages() if not Path(path).resolve().is_relative_to(prefix)]
    shown = [path for path in shown if path.is_dir() and not (path != Path("/usr") and path.is_relative_to("/usr"))]
    command = [program, "--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    command += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "box"]
    if as_root:
        rights = ["SETUID", "SETGID", *(() if namespaces else ("SYS_ADMIN", "SETPCAP", "KILL", "SYS_RESOURCE"))]
        command += ["--cap-drop", "ALL", *(word for right in rights for word in ("--cap-add", f"CAP_{right}"))]
    else:
        command += ["--unshare-user"]
    parents = {parent for path in shown for parent in path.parents if parent != Path("/")}
    for parent in sorted(parents, key=lambda path: len(path.parts)):
        command += ["--perms", "0755", "--dir", str(parent)]
    for path in shown:
        command += ["--ro-bind", str(path), str(path)]
    for path in map(Path, ("/lib", "/lib64", "/lib32", "/bin")):
        if path.is_symlink():
            command += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            command += ["--ro-bind", str(path), str(path)]
    for packages in map(Path, site_packages()):  # an installed nsputil has a bank
        if (packages / "nsputil").is_dir():
            command += ["--tmpfs", str(packages.resolve() / "nsputil")]
    command += ["--perms", "0755", "--dir", COURSE, "--ro-bind", str(course), COURSE]
    command += ["--perms", "0755", "--dir", FONTS]
    if fonts is not None:
        command += ["--ro-bind", str(fonts), f"{FONTS}/{fonts.name}"]
    command += ["--perms", "0755", "--dir", "/dev"]
    for device in ("null", "zero", "urandom", "random"):
        command += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    command += ["--perms", "0755", "--dir", SCRATCH, "--proc", "/proc", "--remount-ro", "/"]
    for name, value in _environment(SCRATCH, FONTS).items():
        command += ["--setenv", name, value]
    return [*command, "--chdir", SCRATCH, "--", str(python), "-I", "-B", *arguments]


def _environment(home: str, fonts: str) -> dict[str, str]:
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    own = {"HOME": home, "TMPDIR": home, "MPLCONFIGDIR": fonts, "MPLBACKEND": "agg", "NSPUTIL_PROGRESS": "off"}
    return {"PATH": "/usr/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", **threads, **own}


def _font_list() -> Path | None:
    """Return matplotlib's list of fonts, if it has made one for this user."""
    import matplotlib

    return max(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"), default=None)


class Room:
    """A zygote inside bubblewrap, and the boxes that it opens, one at a time.

    Parameters
    ----------
    limits : Limits
    namespaces : bool, optional
        False for boxes without user namespaces, which only root can have; without it they are tried first.
    group : bool
        False to do without a control group.

    Raises
    ------
    NoBox
        When it is entered, if this machine has no bubblewrap or does not let it work.

    Attributes
    ----------
    group : MemoryGroup or None
        Bounds the memory of a box as a whole.
    namespaces : bool
        True if boxes have user namespaces, false if they have users of their own.
    """

    def __init__(self, limits: Limits, *, namespaces: bool | None = None, group: bool = True) -> None:
        self.limits = limits
        self.group: MemoryGroup | None = None
        self.namespaces = namespaces is not False
        self._may_group = group
        self._forms = (True, False) if namespaces is None and os.getuid() == 0 else (self.namespaces,)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._folder: str | None = None

    def __enter__(self) -> "Room":
        if self._folder is not None:
            raise RuntimeError("this room is open already; enter it once")
        program = shutil.which("bwrap")
        if sys.platform != "linux":
            raise NoBox(f"this system is {sys.platform}; boxes need Linux")
        if program is None:
            raise NoBox("bubblewrap is not installed; on Debian and Ubuntu: apt-get install bubblewrap")
        try:
            self._folder = tempfile.mkdtemp(prefix=f"nsputil-course-{os.getpid()}-")
            os.chmod(self._folder, 0o755)
            make_course_copy(Path(self._folder))
            self.group = MemoryGroup.make(self.limits.memory_bytes + ZYGOTE_BYTES) if self._may_group else None
            for namespaces in self._forms:
                self.namespaces = namespaces
                fault = self._start(program)
                if not fault:
                    return self
            raise NoBox(f"a box cannot be made: {fault}")
        except BaseException:
            self.close()
            raise

    def _start(self, program: str) -> str:
        """Start a zygote and try a box; return what went wrong, or ""."""
        self._end_zygote()
        root = os.getuid() == 0
        control, other = socket.socketpair()
        start = START.format(paths=[COURSE, *(str(Path(path).resolve()) for path in site_packages())])
        user = -1 if not root or not self.namespaces else USER
        command = bubblewrap_command(
            program,
            Path(str(self._folder)),
            ["-c", start, str(other.fileno()), str(user)],
            root,
            self.namespaces,
            _font_list(),
        )
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[other.fileno()],
            preexec_fn=self.group.enter if self.group else None,
        )
        other.close()
        control.settimeout(START_SECONDS)
        self._control = control
        try:
            ready = control.recv(100)
        except TimeoutError:
            return f"it did not start within {START_SECONDS:.0f} seconds"
        if not ready:
            said = self._process.stderr.read(2000) if self._process.stderr else b""
            return said.decode("utf-8", "replace").strip() or "it ended at once"
        try:
            with self.open() as box:
                box.ask("look", 20, name="x")
        except (GraderFault, BoxEnded) as error:
            return str(error)
        return ""

    def open(self, seconds: float | None = None) -> Box:
        """Open a box.

        Parameters
        ----------
        seconds : float, optional
            By the clock, until it is ended; by default as the limits say.

        Raises
        ------
        GraderFault
            If the zygote has gone.
        """
        assert self._control is not None
        talk, inner = socket.socketpair()
        report, inner_report = socket.socketpair()
        user = None if self.namespaces else FIRST_USER + os.getpid() % USERS
        limits = dataclasses.asdict(self.limits)
        limits["wall_seconds"] = self.limits.wall_seconds if seconds is None else seconds
        if self.group is None:
            limits["processes"] = min(FEW_PROCESSES, self.limits.processes)
        order = json.dumps({"user": user, "limits": limits, "watch_memory": self.group is None}).encode()
        killed = self.group.killed() if self.group else 0
        try:
            socket.send_fds(self._control, [order], [inner.fileno(), inner_report.fileno()])
        except OSError as error:
            raise GraderFault(f"the process that opens boxes has gone: {error}") from None
        inner.close()
        inner_report.close()

        def ending() -> tuple[Used, tuple[str, str] | None]:
            with report:
                with contextlib.suppress(OSError):
                    report.shutdown(socket.SHUT_WR)
                try:
                    said = Channel(report).receive(20)
                except (Closed, TimeoutError, WireError) as error:
                    if self.group and self.group.killed() > killed:
                        return Used(), self._why({}, True)
                    raise GraderFault(f"the keeper of a box did not report: {error!r}") from None
            if "fault" in said:
                raise GraderFault(f"a box could not be made: {said['fault']}")
            more = (self.group.killed() if self.group else 0) > killed
            return Used(float(said["cpu"]), int(said["peak"])), self._why(said, more)

        return Box(Channel(talk), ending)

    def _why(self, said: dict[str, Any], out_of_memory: bool) -> tuple[str, str]:
        """Return the reason why a box ended, from what the kernel counted."""
        if out_of_memory or said.get("memory"):
            return "memory", f"it used more than {self.limits.memory_bytes >> 20} MB"
        if said["late"]:
            return "time", f"it was not done after {self.limits.wall_seconds:.0f} seconds by the clock"
        if said["signal"] and said["cpu"] >= self.limits.cpu_seconds - 1:
            return "time", f"it computed for {said['cpu']:.0f} seconds"
        if said["signal"]:
            return "crash", f"the process ended by {signal.Signals(said['signal']).name}"
        return "crash", f"the code ended Python, with exit status {said['status']}"

    def _end_zygote(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
            self._process.kill()
            self._process.wait()
            if self._process.stderr:
                self._process.stderr.close()
            self._process = None

    def close(self) -> None:
        """End everything and remove what was made."""
        self._end_zygote()
        if self.group is not None:
            self.group.remove()
            self.group = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __exit__(self, *_: object) -> None:
        self.close()


class PlainRoom:
    """Boxes that protect nothing: a child process for each submission. Works wherever Python does.

    Parameters
    ----------
    limits : Limits
    """

    group = None
    namespaces = False

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._folder: str | None = None

    def __enter__(self) -> "PlainRoom":
        self._folder = tempfile.mkdtemp(prefix=f"nsputil-course-{os.getpid()}-")
        make_course_copy(Path(self._folder))
        return self

    def open(self, seconds: float | None = None) -> Box:
        """Open a box; `seconds` has no effect here."""
        token = secrets.token_hex(16).encode()
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(START_SECONDS)
            scratch = tempfile.mkdtemp(prefix=f"nsputil-scratch-{os.getpid()}-")
            start = START_PLAIN.format(
                paths=[self._folder, *site_packages()],
                port=server.getsockname()[1],
                token=token,
                cell_seconds=self.limits.cell_seconds,
                output_characters=self.limits.output_characters,
            )
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", start],
                cwd=scratch,
                env=os.environ | _environment(scratch, str(_font_list() and _font_list().parent) or scratch),  # type: ignore[union-attr]
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            talk = self._accepted(server, token)

        def ending() -> tuple[Used, tuple[str, str] | None]:
            used = Used()
            if hasattr(os, "wait4"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                _, status, counted = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                used = Used(counted.ru_utime + counted.ru_stime, counted.ru_maxrss * 1024)
            else:
                process.kill()
                process.wait()
            shutil.rmtree(scratch, ignore_errors=True)
            return used, ("crash", f"the code ended Python, with exit status {process.returncode}")

        return Box(Channel(talk), ending)

    @staticmethod
    def _accepted(server: socket.socket, token: bytes) -> socket.socket:
        """Return the connection of the child; anything else that connects does not know the token."""
        while True:
            talk, _ = server.accept()
            talk.settimeout(START_SECONDS)
            if secrets.compare_digest(talk.recv(len(token)), token):
                return talk
            talk.close()

    def close(self) -> None:
        """Remove what was made."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __exit__(self, *_: object) -> None:
        self.close()
