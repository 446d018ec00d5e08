"""Which files of the repository go into the archive for students, and a look for solutions in them.

The instructor's archive holds all files. The students' archive holds what a learner needs to set up, read, run and
answer, and nothing that was written for instructors.
"""

import re
import subprocess
from pathlib import Path

import nbformat

#: Folders and files that students get; a folder ends with a slash.
FOR_STUDENTS = (
    "notebooks/", "exercises/", "appendix/", "nsputil/", "docs/images/", "tools/make/",
    "README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "LICENSE-CONTENT",
    "Makefile", "constraints.txt", "environment.yml", "postBuild", "pyproject.toml",
    "docs/architecture.md", "docs/binder.md", "docs/clinic.md", "docs/examine.md", "docs/interfaces.md", "docs/logs.md",
    "docs/notation.md", "docs/nsp-elsewhere.md", "docs/nsp-mini.md", "docs/objectives.md", "docs/own-text.md",
    "docs/questions.md", "docs/references.md", "docs/run-format.md", "docs/tables.md", "docs/widgets.md",
)  # fmt: skip
#: The bank must know what is right, since the check in a learner's notebook uses it. It is part of every installation.
KNOWS_WHAT_IS_RIGHT = ("nsputil/checks/bank/",)
#: A text of this length, without spaces, is long enough to be a solution and no common phrase.
TELLING = 60


def tracked(root):
    """Return the paths of all files that git tracks, with forward slashes.

    Parameters
    ----------
    root : Path

    Returns
    -------
    list of str

    Raises
    ------
    SystemExit
        If `root` is no clone of the repository.
    """
    run = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"{root} is not a git clone; the archives are made from the files that git tracks")
    return sorted(name for name in run.stdout.split("\0") if name and (root / name).is_file())


def for_students(names):
    """Return those of the names that students get.

    Parameters
    ----------
    names : list of str

    Returns
    -------
    list of str
    """
    return [name for name in names if any(name == part or part.endswith("/") and name.startswith(part)
                                          for part in FOR_STUDENTS)]  # fmt: skip


def solutions(root):
    """Return ``{where: text}`` of every solved region and every hidden test in the solution notebooks.

    Parameters
    ----------
    root : Path

    Returns
    -------
    dict of str to str
        The text without spaces. A region shorter than `TELLING`, such as ``which_task = "b"``, is looked for in the
        released cell only.
    """
    found = {}
    for path in sorted((root / "solutions").glob("*/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            marks = cell.metadata.get("nbgrader", {})
            if marks.get("solution") and cell.cell_type == "markdown":
                found[f"{path.stem}#{cell.id}"] = squeezed(cell.source)
            for kind in ("SOLUTION", "HIDDEN TESTS"):
                for k, text in enumerate(re.findall(rf"### BEGIN {kind}\n(.*?)### END {kind}", cell.source, re.DOTALL)):
                    found[f"{path.stem}#{cell.id}/{kind.lower()}{k}"] = squeezed(text)
    return found


def squeezed(text):
    """Return a text without any white space.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return re.sub(r"\s+", "", text)


def leaks(files, regions):
    """Return ``(file, region)`` for each solution that a file holds.

    Parameters
    ----------
    files : dict of str to bytes
    regions : dict of str to str
        From `solutions`.

    Returns
    -------
    list of (str, str)
    """
    telling = {where: text for where, text in regions.items() if len(text) >= TELLING}
    short = {where: text for where, text in regions.items() if len(text) < TELLING}
    found = []
    for name, data in files.items():
        if name.startswith(KNOWS_WHAT_IS_RIGHT):
            continue
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if name.endswith(".ipynb"):
            cells = nbformat.reads(text, as_version=4).cells
            text = "\n".join(cell.source for cell in cells)
            at = {f"{Path(name).stem}#{cell.id}": squeezed(cell.source) for cell in cells}
            found += [(name, where) for where, answer in short.items() if answer in at.get(where.split("/")[0], "")]
        text = squeezed(text)
        found += [(name, where) for where, answer in telling.items() if answer in text]
    return found
