"""The process that every box is forked from, inside bubblewrap: it has loaded NumPy and nsputil, and knows no answer.

For each submission it forks a keeper. The keeper makes new namespaces, forks the learner's process as the first in
them, waits, ends it with all that it started, and reports what the kernel counted. The learner's process gives up every
right before it runs a line of the learner's.

    zygote  ->  keeper  ->  learner (process 1 of its own world)

It is started by `nsputil.grading.box` and reads its orders from a socket.
"""

import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import Any

#: From linux/sched.h, linux/mount.h and linux/prctl.h.
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = (
    0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000,
)  # fmt: skip
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
CAPABILITY_VERSION = 0x20080522

#: The only folder that a learner's code can write to. It is empty at the start and in memory.
SCRATCH = "/scratch"
#: How often a keeper looks how much memory a box has, where no control group bounds it.
WATCH_MILLISECONDS = 30


def preload() -> None:
    """Load what notebooks import, so that no box has to."""
    import numpy as np

    import nsputil.grading.learner
    import nsputil.grading.syscall_filter  # noqa: F401

    np.linalg.inv(np.eye(2)) @ np.ones(2)
    np.random.default_rng(0).normal()
    np.quantile([1.0, 2.0], 0.5)
    for name in ("nsputil.scenes", "nsputil.clinic.signals", "nsputil.training", "nsputil.corpus", "numpy.ma"):
        with contextlib.suppress(Exception):
            __import__(name)
    with contextlib.suppress(Exception):
        import matplotlib

        matplotlib.use("agg")
        import matplotlib.pyplot  # noqa: F401


def checked(result: int, what: str) -> None:
    """Raise if a call into the kernel failed."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def libc() -> Any:
    """Return the C library."""
    return ctypes.CDLL(None, use_errno=True)


def mount(kind: bytes, target: bytes, flags: int, options: bytes = b"") -> None:
    """Mount a file system in memory, or change how mounts are passed on."""
    checked(libc().mount(kind, target, kind, ctypes.c_ulong(flags), options), f"mount {target.decode()}")


def enter_user_namespace() -> None:
    """Become the only user of a namespace of its own: rights in it are none outside it."""
    user, group = os.getuid(), os.getgid()
    checked(libc().unshare(CLONE_NEWUSER), "a user namespace")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def give_up_rights(user: int | None) -> None:
    """Become an ordinary user for good: another user where there is no namespace for it, and no capability.

    Parameters
    ----------
    user : int or None
        Number of the user to become; None in a user namespace.
    """
    library = libc()
    checked(library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new rights")
    for capability in range(64):
        library.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header, none = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    checked(library.capset(header, none), "no capabilities")


def set_limits(limits: dict[str, int]) -> None:
    """Set the limits of this process and all that it starts."""
    values = {
        resource.RLIMIT_AS: limits["address_bytes"],
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_STACK: 8 << 20,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_NPROC: limits["processes"],
    }
    for kind, value in values.items():
        resource.setrlimit(kind, (value, value))


def become_learner(talk: int, order: dict[str, Any]) -> None:
    """Give up everything that a learner's code does not need, and serve it. It does not return."""
    from nsputil.grading import learner, syscall_filter
    from nsputil.grading.wire import Channel

    limits = order["limits"]
    os.setsid()
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # where memory ends, a learner's process is ended, not the keeper or the zygote
    libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    mount(b"none", b"/", MS_REC | MS_PRIVATE)
    size = f"size={limits['file_bytes']},nr_inodes=4096,mode=0777".encode()
    mount(b"tmpfs", SCRATCH.encode(), MS_NOSUID | MS_NODEV | MS_NOEXEC, size)
    mount(b"tmpfs", b"/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, b"size=4k,mode=0555")
    os.chdir(SCRATCH)
    os.dup2(talk, 3)
    for number in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    os.closerange(4, 1024)
    set_limits(limits)
    give_up_rights(order["user"])
    checked(libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "end with the keeper")
    steps = syscall_filter.program()
    if steps:
        syscall_filter.load(steps)
    learner.main(Channel(socket.socket(fileno=3)), limits["cell_seconds"], limits["output_characters"])


def keep(talk: int, report: socket.socket, order: dict[str, Any]) -> None:
    """Keep one box: make it, wait for its end or for the outside to go, end all of it, report."""
    start, told = time.monotonic(), False
    try:
        if order["user"] is None:
            enter_user_namespace()
        checked(libc().unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS), "namespaces")
        folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)  # the learner's process covers it
        before = _processes(folder)
        child = os.fork()
        if child == 0:
            told = True
            try:
                become_learner(talk, order)
            except BaseException as error:
                with contextlib.suppress(Exception):
                    report.send(json.dumps({"fault": f"{type(error).__name__}: {error}"}).encode() + b"\n")
            os._exit(70)
        libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # nobody of the same user may look into the keeper
        os.close(talk)
        waiting = select.poll()
        ended = os.pidfd_open(child)
        waiting.register(ended, select.POLLIN)
        waiting.register(report.fileno(), select.POLLIN)  # also when the outside closes it
        end, memory, late, watch = start + order["limits"]["wall_seconds"], False, False, order["watch_memory"]
        while not waiting.poll(WATCH_MILLISECONDS if watch else 1000 * (end - time.monotonic())):
            memory = watch and memory_of_others(folder, before) > order["limits"]["memory_bytes"]
            late = time.monotonic() >= end
            if memory or late:
                break
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(ended, signal.SIGKILL)
        # The kernel lets this return only when every process of the namespace has gone.
        _, status, used = os.wait4(child, 0)
        said: dict[str, Any] = {
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
            "cpu": used.ru_utime + used.ru_stime,
            "peak": used.ru_maxrss * 1024,
            "late": late,
            "memory": memory,
        }
    except OSError as error:
        if told:
            os._exit(70)
        said = {"fault": str(error)}
    with contextlib.suppress(OSError):
        report.send(json.dumps(said).encode() + b"\n")


def _processes(folder: int) -> set[str]:
    return {name for name in os.listdir(folder) if name.isdigit()}


def memory_of_others(folder: int, before: set[str]) -> int:
    """Return how many bytes the processes have that were not there before, without what they share with this one.

    Parameters
    ----------
    folder : int
        The open folder of processes.
    before : set of str
        Numbers of processes.

    Returns
    -------
    int
    """

    def pages(name: str) -> int:
        try:
            file = os.open(f"{name}/statm", os.O_RDONLY, dir_fd=folder)
        except OSError:  # it has just ended
            return 0
        try:
            _, resident, shared, *_ = map(int, os.read(file, 200).split())
            return resident - shared
        except (OSError, ValueError):
            return 0
        finally:
            os.close(file)

    own = pages("self")
    return sum(max(pages(name) - own, 0) for name in _processes(folder) - before) * resource.getpagesize()


def _address_space() -> int:
    """Return how many bytes of addresses the loaded libraries take."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def main() -> None:
    """Serve orders until the grader has gone. Arguments: number of the socket, user to become or -1."""
    control, user = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    if user >= 0 and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    libc().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # so that it may write its own maps of users
    preload()
    gc.collect()
    gc.freeze()
    loaded = _address_space()
    control.send(b"ready\n")
    while True:
        data, passed, _, _ = socket.recv_fds(control, 1 << 16, 2)
        if not data:
            break
        order = json.loads(data)
        order["limits"]["address_bytes"] = loaded + order["limits"]["memory_bytes"]
        talk, report = passed
        if os.fork() == 0:
            control.close()
            keep(talk, socket.socket(fileno=report), order)
            os._exit(0)
        os.close(talk)
        os.close(report)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    os._exit(0)


if __name__ == "__main__":
    main()
