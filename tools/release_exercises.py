"""Release exercises/ from solutions/ with nbgrader's own step, or with --check say whether they are up to date.

    python tools/release_exercises.py --check      needs no nbgrader: compares fingerprints
    python tools/release_exercises.py              needs nbgrader (make exercises)
    python tools/release_exercises.py 07_train_it  some of them; each takes some seconds

The fingerprints in exercises/released.txt are those of every solution, of every released notebook and of
nbgrader_config.py. One changed character in any of them is noticed; that releasing anew gives the very same bytes is
tested where nbgrader is installed (tests/nbgrader).
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD = "released.txt"


def assignments(root=ROOT):
    """Return the names of all assignments: the folders of solutions/."""
    return sorted(path.parent.name for path in (root / "solutions").glob("*/*.ipynb") if path.stem == path.parent.name)


def fingerprints(root=ROOT):
    """Return {path: SHA-256} of all that a release depends on and of all that it made.

    Line ends count as one, so that a checkout on Windows is no change.
    """
    paths = [root / "nbgrader_config.py"]
    for folder in ("solutions", "exercises"):
        paths += [path for path in (root / folder).rglob("*") if path.is_file() and path.name != RECORD]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        for path in sorted(paths)
        if ".ipynb_checkpoints" not in path.parts
    }


def stale(root=ROOT):
    """Return what differs from the last release, one sentence each."""
    record = root / "exercises" / RECORD
    if not record.exists():
        return [f"exercises/{RECORD} is missing"]
    lines = record.read_text(encoding="utf-8").splitlines()
    kept, now = {path: digest for digest, path in (line.split("  ", 1) for line in lines)}, fingerprints(root)
    found = []
    for path in sorted(kept.keys() | now.keys()):
        if path not in kept:
            found.append(f"{path} is new and was not released")
        elif path not in now:
            found.append(f"{path} is gone since the last release")
        elif kept[path] != now[path]:
            edited = "was edited; edit solutions/ instead" if path.startswith("exercises/") else "changed"
            found.append(f"{path} {edited} since the last release")
    return found


def nbgrader_release(root, target, names=()):
    """Call nbgrader's generate_assignment for the named assignments of `root`, or all, into the folder `target`.

    It works in a copy, with a database that is thrown away: a release leaves nothing behind.
    """
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        shutil.copy(root / "nbgrader_config.py", course)
        shutil.copytree(root / "solutions", course / "solutions")
        # nbgrader calls alembic by name, so its folder must be on the path.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        for name in names or assignments(root):
            run = subprocess.run(
                [sys.executable, "-m", "nbgrader", "generate_assignment", name, "--create", "--force"],
                cwd=course,
                env=os.environ | {"PATH": path},
                capture_output=True,
                text=True,
                timeout=900,
            )
            if run.returncode != 0:
                raise SystemExit(f"nbgrader could not release {name}:\n{run.stderr[-2000:]}")
        for old in [Path(target) / name for name in names] or [Path(target)]:
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(course / "exercises", target, dirs_exist_ok=True)
    for path in Path(target).rglob("*.ipynb"):
        path.chmod(0o644)


def main(arguments):
    """Release everything or the named assignments; with --check compare only, and return 1 if something is stale."""
    if "--check" in arguments:
        found = stale()
        print("\n".join(found + ["run make exercises"]) if found else "exercises/ agrees with solutions/")
        return 1 if found else 0
    unknown = set(arguments) - set(assignments())
    if unknown:
        raise SystemExit(f"no assignment {', '.join(sorted(unknown))}; expected folders of solutions/")
    others = [line for line in stale() if arguments and not any(f"/{name}/" in line for name in arguments)]
    if others:
        raise SystemExit("\n".join([*others, "expected nothing else to have changed; release everything"]))
    nbgrader_release(ROOT, ROOT / "exercises", tuple(arguments))
    text = "".join(f"{digest}  {path}\n" for path, digest in fingerprints().items())
    (ROOT / "exercises" / RECORD).write_text(text, encoding="utf-8", newline="\n")
    print(f"released {', '.join(arguments or assignments())}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
