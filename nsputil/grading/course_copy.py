"""The nsputil of the box: the package without the bank of exercises and without what grades."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import nsputil

#: What of this package the box needs.
INSIDE = {"__init__", "cells", "learner", "limits", "silent_checks", "syscall_filter", "wire", "zygote"}


def make_course_copy(folder: Path) -> None:
    """Write the package as a learner's code may see it.

    Parameters
    ----------
    folder : path
        Gets a folder ``nsputil``.
    """
    source = Path(nsputil.__file__).resolve().parent
    kept = {str(source / "checks"): None, str(source / "grading"): INSIDE}

    def left_out(directory: str, names: Iterable[str]) -> set[str]:
        inside = kept.get(directory.removesuffix("/__pycache__"))
        if inside is not None:
            return {name for name in names if name.split(".")[0] not in inside | {"__pycache__"}}
        if directory == str(source / "checks"):
            return {"bank", "__init__.py"} & set(names)
        if directory == str(source / "checks" / "__pycache__"):
            return {name for name in names if name.startswith("__init__.")}
        return set()

    # The times stay, so that compiled files are still taken for what they are.
    shutil.copytree(source, folder / "nsputil", ignore=left_out, copy_function=shutil.copy2)
    shutil.copy2(source / "grading" / "silent_checks.py", folder / "nsputil" / "checks" / "__init__.py")
