"""Files that must be whole or absent: a crash while writing leaves the old file as it was.

Used for checkpoints, saved runs and models, and for a learner's progress.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
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


def check_output(outputs: Mapping[str, str | Path], inputs: Mapping[str, str | Path]) -> None:
    """Raise an error before hours of work if a result could not be written after them.

    Parameters
    ----------
    outputs, inputs : mapping of str to str or Path
        The name of an argument, for the error, and its path. A folder that is missing is no error: it will be made.

    Raises
    ------
    ValueError
        If an output is a folder, is an input or lies in a file, or two outputs are the same file.
    PermissionError
        If its folder cannot be written to.
    """
    seen: dict[Path, str] = {Path(path).resolve(): name for name, path in inputs.items()}
    for name, given in outputs.items():
        path = Path(given).resolve()
        if path in seen:
            raise ValueError(f"{name} is {str(given)!r}, the same file as {seen[path]}; expected another")
        if path.is_dir():
            raise ValueError(f"{name} is {str(given)!r}, a folder; expected the name of a file")
        folder = next(parent for parent in path.parents if parent.exists())
        if not folder.is_dir():
            raise ValueError(f"{name} is {str(given)!r}, but {folder.name!r} on the way to it is a file, not a folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{name} is {str(given)!r}; the folder {str(folder)!r} cannot be written to")
        seen[path] = name


def _share_permissions(new: Path, path: Path) -> None:
    """Let others read the new file if they could read the old one; mkstemp lets only its owner read it."""
    if path.exists():
        mode = path.stat().st_mode
    else:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    os.chmod(new, mode)
