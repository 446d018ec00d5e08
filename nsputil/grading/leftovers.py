"""Temporary files of a grading: in one folder, removed at the end, or by the next grading if this one was killed."""

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname

NAME = re.compile(r"nsputil-grade-(?P<host>[A-Za-z0-9.-]*)-(?P<process>\d+)-\w+")


@contextmanager
def working_folder() -> Iterator[Path]:
    """Put all temporary files of this process, and of those that it starts, into one folder, and remove it at the end.

    Yields
    ------
    Path
    """
    host = re.sub(r"[^A-Za-z0-9.-]", "", gethostname())
    remove_abandoned(Path(tempfile.gettempdir()), host)
    folder = Path(tempfile.mkdtemp(prefix=f"nsputil-grade-{host}-{os.getpid()}-"))
    folder.chmod(0o711)  # a box may run as another user, who has to reach what is given to it
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before[1]
        os.environ.pop("TMPDIR")
        if before[0] is not None:
            os.environ["TMPDIR"] = before[0]
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(place: Path, host: str) -> None:
    """Remove folders of gradings of this user on this machine whose process is gone.

    Parameters
    ----------
    place : Path
    host : str
        The name of this machine; folders of others may be in use there.
    """
    for folder in place.glob("nsputil-grade-*"):
        match = NAME.fullmatch(folder.name)
        if match is None or match["host"] != host or _alive(int(match["process"])):
            continue
        try:
            state = folder.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(state.st_mode) and (not hasattr(os, "getuid") or state.st_uid == os.getuid()):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    if os.name == "nt":  # asking would end it there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
