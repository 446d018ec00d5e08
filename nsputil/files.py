"""Files that must be whole or absent: a crash while writing leaves the old file as it was.

Used for checkpoints, saved runs and models, and for a learner's progress.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give the path of a new file to write; at the end it replaces `path` in one step.

    Parameters
    ----------
    path : str or Path
        Its folder is made if there is none.

    Yields
    ------
    Path
        A file in the same folder. If the block raises, it is deleted, and what `path` held before is untouched.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "notes.txt") as new:
    ...         _ = new.write_text("all or nothing")
    ...     os.listdir(folder)
    ['notes.txt']
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    os.close(handle)
    new = Path(name)
    try:
        _share_permissions(new, path)
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, in UTF-8 with plain line feeds, whole or not at all."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8", newline="\n")


def _share_permissions(new: Path, path: Path) -> None:
    """Let others read the new file if they could read the old one; mkstemp lets only its owner read it."""
    if path.exists():
        mode = path.stat().st_mode
    else:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    os.chmod(new, mode)
