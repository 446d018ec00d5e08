"""The nsputil of the box: the package without the bank of exercises, other solutions, and what grades."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import nsputil

#: What of this package the box needs.
INSIDE = {"__init__", "cells", "learner", "limits", "silent_checks", "syscall_filter", "wire", "zygote"}

#: What no learner's code may see, by folder: answers, and the checks' own `__init__`, for which there is a silent one.
LEFT_OUT = {"checks": {"bank", "__init__"}, "capstone": {"repairs"}}


def make_course_copy(folder: Path) -> None:
    """Write the package as a learner's code may see it.

    Parameters
    ----------
    folder : path
        Gets a folder ``nsputil``.
    """
    source = Path(nsputil.__file__).resolve().parent

    def left_out(directory: str, names: Iterable[str]) -> set[str]:
        if directory.removesuffix("/__pycache__") == str(source / "grading"):
            return {name for name in names if name.split(".")[0] not in INSIDE | {"__pycache__"}}
        without = LEFT_OUT.get(Path(directory).relative_to(source).as_posix().removesuffix("/__pycache__"), set())
        return {name for name in names if name.split(".")[0] in without}

    # The times stay, so that compiled files are still taken for what they are.
    shutil.copytree(source, folder / "nsputil", ignore=left_out, copy_function=shutil.copy2)
    shutil.copy2(source / "grading" / "silent_checks.py", folder / "nsputil" / "checks" / "__init__.py")
