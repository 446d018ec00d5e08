"""Build a JupyterLite site of the course: JupyterLab and Python in the browser, served by any static host.

    .venv-lite/bin/python tools/lite/build.py      into build/lite; `make lite` also checks it (tests/site)

The notebooks are those of notebooks/ with one more cell that installs `nsputil` from the site itself. Python, numpy and
matplotlib come from the distribution of Pyodide that the pinned kernel names. What is proven: docs/lite.md.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from jupyterlite_pyodide_kernel.constants import PYODIDE_KERNEL_PLUGIN_ID, PYODIDE_VERSION

ROOT = Path(__file__).resolve().parents[2]
SOURCE, OUTPUT = ROOT / "build" / "lite-src", ROOT / "build" / "lite"
COURSE_PYTHON = ROOT / ".venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
#: Pure-Python wheels that neither Pyodide nor its kernel brings. sentencex 0.6 is its last release without compiled
#: code: it splits a learner's own text; the corpora come split by the version that the course pins.
WHEELS = ("anywidget==0.11.0", "comm==0.2.3", "ipywidgets==8.1.9", "jupyterlab-widgets==3.0.17", "psygnal==0.16.1",
          "sentencex==0.6.1")  # fmt: skip
INSTALL = "# In the browser only: get the course's package from this site.\n%pip install -q nsputil nsputil-corpora"
CORPORA = """\
import gzip, json, sys
from nsputil.corpus import load_corpus
for name in ("sotu", "factbook"):
    documents = [[d.name, d.sentences] for d in load_corpus(name)]
    with gzip.GzipFile(f"{sys.argv[1]}/{name}.json.gz", "wb", mtime=0) as file:
        file.write(json.dumps(documents, ensure_ascii=False).encode())
"""
PROJECT = """\
[build-system]
requires = ["flit_core>=3.11,<5"]
build-backend = "flit_core.buildapi"
[project]
name = "nsputil-corpora"
version = "{version}"
description = "The corpora of the course, split into sentences, for Python in the browser."
"""


def run(*command):
    """Run a command in the folder of the sources; stop with its last words if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=SOURCE)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))[:200]} failed:\n{(done.stdout + done.stderr)[-3000:]}")


def build_wheels(folder):
    """Put into `folder` the wheels that the site serves: nsputil, its corpora, and what they need."""
    folder.mkdir(parents=True)
    clean = SOURCE / "package"  # built from a copy: a build leaves its traces where it runs
    clean.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CONTENT"):
        shutil.copy(ROOT / name, clean)
    shutil.copytree(ROOT / "nsputil", clean / "nsputil", ignore=shutil.ignore_patterns("__pycache__"))
    pip = (sys.executable, "-m", "pip", "-q")
    run(*pip, "wheel", "--no-deps", "-w", folder, clean)
    version = next(folder.glob("nsputil-*.whl")).name.split("-")[1]
    corpora = SOURCE / "corpora"
    (corpora / "nsputil_corpora").mkdir(parents=True)
    (corpora / "nsputil_corpora" / "__init__.py").write_text('"""Written by tools/lite/build.py."""\n')
    (corpora / "pyproject.toml").write_text(PROJECT.format(version=version))
    run(COURSE_PYTHON, "-c", CORPORA, corpora / "nsputil_corpora")
    run(*pip, "wheel", "--no-deps", "-w", folder, corpora)
    pure = ("--only-binary=:all:", "--python-version=3.14", "--implementation=py", "--abi=none", "--platform=any")
    run(*pip, "download", "--no-deps", *pure, "-d", folder, *WHEELS)


def stage_notebooks(folder):
    """Copy notebooks and documents, so that links between them hold; a notebook's first code cell installs nsputil."""
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "README.md", folder)
    paths = [path for part in ("notebooks", "exercises") for path in sorted((ROOT / part).rglob("*.ipynb"))]
    for path in paths:
        if ".ipynb_checkpoints" in path.parts:
            continue
        notebook = json.loads(path.read_text(encoding="utf-8"))
        first = next(i for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code")
        cell = {"cell_type": "code", "id": "install-in-the-browser", "metadata": {}, "outputs": [], "source": INSTALL}
        notebook["cells"].insert(first, cell | {"execution_count": None})
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(notebook), encoding="utf-8")


def configure():
    """Nothing is ever asked of a package registry; no news pop up."""
    settings = {PYODIDE_KERNEL_PLUGIN_ID: {"disablePyPIFallback": True}}
    config = {"jupyter-lite-schema-version": 0, "jupyter-config-data": {
        "appName": "Next sentence prediction", "exposeAppInBrowser": True, "litePluginSettings": settings}}  # fmt: skip
    (SOURCE / "jupyter-lite.json").write_text(json.dumps(config, indent=1))
    overrides = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    (SOURCE / "overrides.json").write_text(json.dumps(overrides, indent=1))


def megabytes(*places):
    """Return the size of files and folders."""
    files = [f for place in places for f in ([place] if place.is_file() else place.rglob("*")) if f.is_file()]
    return sum(path.stat().st_size for path in files) / 1e6


def main():
    """Build the site and print its figures."""
    start = time.perf_counter()
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    build_wheels(SOURCE / "pypi")
    stage_notebooks(SOURCE / "content")
    configure()
    run(sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", SOURCE, "--contents", SOURCE / "content",
        "--output-dir", OUTPUT, "--apps", "lab", "--no-sourcemaps")  # fmt: skip
    own = megabytes(OUTPUT / "files", OUTPUT / "api", OUTPUT / "pypi")
    print(
        f"lite: {megabytes(OUTPUT):.1f} MB, the course's own share {own:.1f} MB (at most 25), "
        f"Pyodide {PYODIDE_VERSION}, built in {time.perf_counter() - start:.0f} s: serve {OUTPUT.relative_to(ROOT)}"
    )
    if own > 25:
        raise SystemExit("the course's own share of the site is too large")


if __name__ == "__main__":
    main()
