"""A control group that bounds the memory of a box with all its processes, where Linux lets this process make one."""

import contextlib
import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class MemoryGroup:
    """A control group, version 1 or 2.

    Parameters
    ----------
    folder : path
        Of the group, made by `MemoryGroup.make`.
    version : int
    """

    def __init__(self, folder: Path, version: int) -> None:
        self.folder = folder
        self.version = version

    @classmethod
    def make(cls, limit: int, root: Path = ROOT, own: str | None = None) -> "MemoryGroup | None":
        """Make a group below that of this process, or return None where that cannot be done.

        Parameters
        ----------
        limit : int
            Bytes.
        root : path
            Where the control groups are.
        own : str, optional
            Which groups this process is in, as the kernel says in ``/proc/self/cgroup``.

        Returns
        -------
        MemoryGroup or None
        """
        try:
            lines = (Path("/proc/self/cgroup").read_text() if own is None else own).splitlines()
        except OSError:
            return None
        places = {kinds: path.lstrip("/") for _, kinds, path in (line.split(":", 2) for line in lines)}
        name = f"nsputil-box-{os.getpid()}-{time.monotonic_ns()}"
        if "memory" in places:
            candidates = [(root / "memory" / places["memory"], 1), (root / "memory", 1)]
        else:
            candidates = [(root / places.get("", ""), 2)]
        for parent, version in candidates:
            group = cls(parent / name, version)
            try:
                group.folder.mkdir()
                group._limit(limit)
                return group
            except OSError:
                group.remove()
        return None

    def _limit(self, limit: int) -> None:
        if self.version == 1:
            (self.folder / "memory.limit_in_bytes").write_text(str(limit))
            with contextlib.suppress(OSError):  # only where swap is counted
                (self.folder / "memory.memsw.limit_in_bytes").write_text(str(limit))
        else:
            (self.folder / "memory.max").write_text(str(limit))
            with contextlib.suppress(OSError):
                (self.folder / "memory.swap.max").write_text("0")

    def enter(self) -> None:
        """Put this process into the group, and so all that it starts."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def processes(self) -> list[int]:
        """Return the processes in the group."""
        try:
            return [int(line) for line in (self.folder / "cgroup.procs").read_text().split()]
        except OSError:
            return []

    def killed(self) -> int:
        """Return how often the kernel has ended a process of the group for its memory."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        try:
            rows = dict(line.split() for line in (self.folder / name).read_text().splitlines())
            return int(rows.get("oom_kill", 0))
        except (OSError, ValueError):
            return 0

    def remove(self) -> None:
        """Remove the group; its processes must have gone, which the kernel may take a moment for."""
        for _ in range(50):
            try:
                self.folder.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.02)
