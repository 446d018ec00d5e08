"""Build the archives for a class: `make archives` writes them into build/archives.

    nsp-loss-VERSION-students.zip      to hand out: notebooks, exercises, the package; no solution in it
    nsp-loss-VERSION-instructors.zip   to keep: the whole repository, slides of each notebook, the item bank

Two builds of one commit are equal, byte for byte.
"""

import argparse
import io
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import nbformat

import nsputil
from tools.archives import contents, item_bank, slides
from tools.export_quiz import gift, items, moodle_xml, qti

ROOT = Path(__file__).resolve().parents[2]
#: The version of reveal.js on the npm registry, which `make archives` packs with npm.
REVEAL = "reveal.js@5.2.1"
#: What a page of slides loads of it.
REVEAL_PARTS = re.compile(
    r"(LICENSE|dist/reveal\.(js|css)|dist/theme/white\.css|plugin/notes/notes\.js"
    r"|dist/theme/fonts/source-sans-pro/.*\.(css|woff|txt))"
)


def reveal(folder):
    """Return ``{path: bytes}`` of what slides need of reveal.js, packed by npm into a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    SystemExit
        If npm is missing or fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name, version = REVEAL.split("@")
    packed = folder / f"{name}-{version}.tgz"
    if not packed.exists():
        try:
            run = subprocess.run(["npm", "pack", "--silent", REVEAL], cwd=folder, capture_output=True, text=True)
        except FileNotFoundError:
            raise SystemExit("npm is missing; the slides need it for reveal.js (Debian: apt-get install npm)") from None
        if run.returncode:
            raise SystemExit(f"npm could not pack {REVEAL}: {run.stderr.strip()[-500:]}")
    with tarfile.open(packed) as archive:
        names = [file.name.removeprefix("package/") for file in archive if file.isfile()]
        parts = [part for part in names if REVEAL_PARTS.fullmatch(part)]
        return {f"{name}/{part}": archive.extractfile(f"package/{part}").read() for part in parts}


def slide_files(root, folder):
    """Return ``{path: bytes}`` of the slides of all notebooks: pages to open, and notebooks to present in JupyterLab.

    Parameters
    ----------
    root, folder : Path

    Returns
    -------
    dict of str to bytes
    """
    found = {f"slides/{name}": data for name, data in reveal(folder).items()}
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        deck = slides.deck(nbformat.read(path, as_version=4))
        found[f"slides/{path.stem}.html"] = slides.as_html(deck, path.stem.replace("_", " ")).encode()
    return found


def bank_files(folder):
    """Return ``{path: bytes}`` of the item bank: table, JSON, Moodle XML, GIFT, QTI.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to bytes
    """
    rows, quiz = item_bank.rows(), items()
    folder.mkdir(parents=True, exist_ok=True)
    qti(quiz, "The loss of next sentence prediction", folder / "qti.zip")
    return {
        "item-bank/exercises.csv": item_bank.as_csv(rows).encode(),
        "item-bank/exercises.json": item_bank.as_json(rows).encode(),
        "item-bank/multiple-choice.xml": moodle_xml(quiz).encode(),
        "item-bank/multiple-choice.gift": gift(quiz).encode(),
        "item-bank/multiple-choice-qti.zip": (folder / "qti.zip").read_bytes(),
    }


def write(path, files, seconds, executable=()):
    """Write a zip whose bytes depend on the files and the time only.

    Parameters
    ----------
    path : Path
    files : dict of str to bytes
    seconds : int
        Of the last commit, since 1970.
    executable : tuple of str, optional
        Names of files that may be run.
    """
    when, folder = time.gmtime(seconds)[:6], path.stem
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{folder}/{name}", when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(entry, data)
    path.write_bytes(out.getvalue())


def student_files(root):
    """Return ``{path: bytes}`` of what students get.

    Parameters
    ----------
    root : Path

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    SystemExit
        If one of the files holds a solution.
    """
    files = {name: (root / name).read_bytes() for name in contents.for_students(contents.tracked(root))}
    files["README.md"] = students_readme(root).encode()
    if found := contents.leaks(files, contents.solutions(root)):
        lines = "\n".join(f"  {name} holds the solution {where}" for name, where in found[:20])
        raise SystemExit(f"the archive for students would hold solutions:\n{lines}")
    return files


def students_readme(root):
    """Return the README of the students' archive, with the map of the repository's own.

    Parameters
    ----------
    root : Path

    Returns
    -------
    str
    """
    map_of_notebooks = re.search(r"^\| notebook \|.*?(?=\n\n)", (root / "README.md").read_text("utf-8"), re.M | re.S)
    return (Path(__file__).parent / "students_readme.md").read_text("utf-8").replace("MAP", map_of_notebooks[0])


def main(arguments=None):
    """Write both archives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "archives")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    git = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, version, work = int(git.stdout), nsputil.__version__, ROOT / "build" / "archives-work"
    students = student_files(ROOT)
    everything = {name: (ROOT / name).read_bytes() for name in contents.tracked(ROOT)}
    everything |= slide_files(ROOT, work) | bank_files(work)
    for audience, files in (("students", students), ("instructors", everything)):
        path = options.out / f"nsp-loss-{version}-{audience}.zip"
        write(path, files, seconds, executable=(".ci/run", "postBuild"))
        print(f"{path.relative_to(ROOT)}: {len(files)} files, {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
