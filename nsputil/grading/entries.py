"""The files of a delivery, listed and read with care: a folder or a zip archive of strangers.

Nothing is unpacked, no link is followed, and no more is read than the caps below allow.
"""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nsputil.grading.results import Ungradable

#: Bytes of one notebook. A solved notebook of this course, with figures, has less than a tenth of it.
LARGEST_NOTEBOOK = 10_000_000
LARGEST_ARCHIVE = 4_000_000_000
MOST_ENTRIES = 200_000
DEEPEST = 12  # folders
LONGEST_PATH = 1000  # characters


@dataclass(frozen=True)
class Entry:
    """One file of a delivery.

    Attributes
    ----------
    parts : tuple of str
        Its folders and its name.
    problem : str
        Why it must not be read: "symbolic link", "unsafe path", "not a file"; empty if it may.
    read : callable
        Returns its bytes, or raises `Ungradable`.
    """

    parts: tuple[str, ...]
    problem: str
    read: Callable[[], bytes] = field(repr=False, compare=False)


@contextmanager
def opened(place: Path) -> Iterator[list[Entry]]:
    """Give the files of a folder or of a zip archive; the archive is open as long as the block runs.

    Parameters
    ----------
    place : Path

    Raises
    ------
    ValueError
        If it is neither, if it cannot be read, or if it has more entries than are sensible.
    """
    if place.is_dir():
        yield list(_of_folder(place))
    elif place.is_file() and zipfile.is_zipfile(place):
        if place.stat().st_size > LARGEST_ARCHIVE:
            raise ValueError(f"{place} has {place.stat().st_size:,} bytes; expected at most {LARGEST_ARCHIVE:,}")
        _check_directory(place)
        try:
            archive = zipfile.ZipFile(place)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise ValueError(f"{place} cannot be read as a zip archive: {error}") from None
        with archive:
            yield [_of_archive(archive, info) for info in archive.infolist() if not info.is_dir()]
    elif place.exists():
        raise ValueError(f"{place} is neither a folder nor a zip archive")
    else:
        raise ValueError(f"there is no folder or archive {place}")


def _check_directory(place: Path) -> None:
    """Refuse an archive whose list of entries would fill the memory, before it is read."""
    with open(place, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65_557))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    if at < 0 or (length > 400 * MOST_ENTRIES or length == 0xFFFFFFFF):
        raise ValueError(
            f"{place} lists more than {MOST_ENTRIES:,} entries or is broken; expected a class's submissions"
        )


def _of_archive(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    name = info.orig_filename.replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part)
    problem = ""
    if name.startswith("/") or not parts or _unsafe(parts, len(name)) or "\0" in info.orig_filename:
        problem = "unsafe path"
    elif stat.S_ISLNK(info.external_attr >> 16):
        problem = "symbolic link"
    safe = tuple(part for part in parts if part not in ("..", ".")) or ("?",)
    return Entry(safe, problem, partial(_read_from_archive, archive, info))


def _unsafe(parts: tuple[str, ...], length: int) -> bool:
    control = any(sign < " " for part in parts for sign in part)
    return control or any(part in ("..", ".") for part in parts) or parts[0][1:2] == ":" or length > LONGEST_PATH


def _read_from_archive(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.flag_bits & 1:
        raise Ungradable("unreadable", "the file in the archive is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # both are unpacked in small steps
        raise Ungradable("unreadable", "the file is compressed in an unusual way")
    if info.file_size > LARGEST_NOTEBOOK:
        raise _too_large(info.file_size)
    try:
        with archive.open(info) as file:
            data = file.read(LARGEST_NOTEBOOK + 1)
    except Exception as error:  # zipfile, zlib and struct raise many kinds on archives that lie
        raise Ungradable("unreadable", f"the archive is broken here: {type(error).__name__}") from None
    if len(data) > LARGEST_NOTEBOOK:  # it unpacks to more than it declares
        raise _too_large(len(data))
    return data


def _of_folder(root: Path) -> Iterator[Entry]:
    pending: list[tuple[str, ...]] = [()]
    count = 0
    while pending:
        parts = pending.pop()
        try:
            children = sorted(os.scandir(root.joinpath(*parts)), key=lambda child: child.name)
        except OSError as error:
            if not parts:
                raise ValueError(f"{root} cannot be read: {error.strerror}") from None
            yield Entry(parts, "unreadable", partial(_read_below, root, parts))
            continue
        for child in children:
            count += 1
            if count > MOST_ENTRIES:
                raise ValueError(f"{root} has more than {MOST_ENTRIES:,} entries; expected the submissions of a class")
            below = (*parts, child.name)
            if child.is_symlink():
                yield Entry(below, "symbolic link", partial(_read_below, root, below))
            elif child.is_dir(follow_symlinks=False):
                if len(below) <= DEEPEST:
                    pending.append(below)
            else:
                regular = child.is_file(follow_symlinks=False)
                yield Entry(below, "" if regular else "not a file", partial(_read_below, root, below))


def _read_below(root: Path, parts: tuple[str, ...]) -> bytes:
    """Read a file without following a link at any step, also if one was put there after the folder was listed."""
    nofollow = getattr(os, "O_NOFOLLOW", 0)
    flags = os.O_RDONLY | nofollow | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    folder = None
    try:
        if os.open in os.supports_dir_fd:
            folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
            for part in parts[:-1]:
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | nofollow, dir_fd=folder)
                os.close(folder)
                folder = below
            handle = os.open(parts[-1], flags, dir_fd=folder)
        else:
            handle = os.open(root.joinpath(*parts), flags)
    except OSError as error:
        raise Ungradable("unreadable", f"the file cannot be opened: {error.strerror}") from None
    finally:
        if folder is not None:
            os.close(folder)
    with open(handle, "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise Ungradable("not a file", "it is a device, a pipe or a folder; expected a notebook")
        if state.st_size > LARGEST_NOTEBOOK:
            raise _too_large(state.st_size)
        data = file.read(LARGEST_NOTEBOOK + 1)
    if len(data) > LARGEST_NOTEBOOK:
        raise _too_large(len(data))
    return data


def _too_large(size: int) -> Ungradable:
    return Ungradable("too large", f"it has {size:,} bytes or more; expected at most {LARGEST_NOTEBOOK:,}")
