"""Lay out what of Pyodide's distribution package registries carry, to start Python in the browser without its host.

    .venv-lite/bin/python tools/lite/runtime.py      into build/lite-runtime; only tests/site/test_lite.py uses it

The npm package ``pyodide`` is the core of the very version that the kernel names: interpreter, standard library and the
list of packages with their hashes. The pure-Python packages that the kernel starts with are fetched with pip in the
versions of that list; their hashes in this copy of the list are changed, for Pyodide builds its own files from them.
numpy and matplotlib for the browser are in no registry.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from jupyterlite_pyodide_kernel.constants import PYODIDE_VERSION
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "build" / "lite-runtime"
#: What the kernel installs before its first answer; their dependencies follow from the list.
KERNEL = ("micropip", "packaging", "ipython", "jedi", "traitlets", "tqdm")


def core():
    """Fetch and unpack the npm package; return the list of packages."""
    packed = subprocess.run(["npm", "pack", "--silent", f"pyodide@{PYODIDE_VERSION}"], cwd=RUNTIME, capture_output=True)
    if packed.returncode:
        raise SystemExit(f"npm could not fetch pyodide {PYODIDE_VERSION}: {packed.stderr.decode()[-500:]}")
    archive = next(RUNTIME.glob("*.tgz"))
    with tarfile.open(archive) as files:
        files.extractall(RUNTIME, filter="data")
    archive.unlink()
    for path in (RUNTIME / "package").iterdir():
        path.rename(RUNTIME / path.name)
    return json.loads((RUNTIME / "pyodide-lock.json").read_text(encoding="utf-8"))


def needed(lock):
    """Return the names of the kernel's packages and of all that they depend on."""
    todo, seen = list(KERNEL), set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += map(canonicalize_name, lock["packages"][name]["depends"])
    return sorted(seen)


def main():
    """Lay out the runtime and print what it holds."""
    shutil.rmtree(RUNTIME, ignore_errors=True)
    RUNTIME.mkdir(parents=True)
    lock = core()
    wanted = [f"{name}=={lock['packages'][name]['version']}" for name in needed(lock)]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--implementation=py"]
    command += ["--python-version=3.14", "--abi=none", "--platform=any", "-d", RUNTIME / "wheels", *wanted]
    subprocess.run([str(part) for part in command], check=True)
    for path in (RUNTIME / "wheels").iterdir():
        entry = lock["packages"][parse_wheel_filename(path.name)[0]]
        entry["file_name"], entry["sha256"] = path.name, hashlib.sha256(path.read_bytes()).hexdigest()
        path.rename(RUNTIME / path.name)
    (RUNTIME / "wheels").rmdir()
    (RUNTIME / "pyodide-lock.json").write_text(json.dumps(lock))
    print(f"runtime: Pyodide {PYODIDE_VERSION}, Python {lock['info']['python']}, {len(wanted)} packages for the kernel")


if __name__ == "__main__":
    main()
