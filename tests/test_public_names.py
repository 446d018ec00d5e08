"""What an outsider can import: lists of names that are true, and documents that name only what is there."""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import nsputil

ROOT = Path(__file__).resolve().parent.parent
# `make parity` imports these.
NEEDS_TORCH = {f"nsputil.clinic.{name}" for name in ("torch_recorder", "trainer_callback", "torch_suspect")}
MODULES = sorted({module.name for module in pkgutil.walk_packages(nsputil.__path__, "nsputil.")} - {"nsputil.__main__"})
ROOT_MODULES = [name for name in MODULES if name.count(".") == 1 and not name.startswith("nsputil._")]
LISTED = [name for name in MODULES if name not in NEEDS_TORCH and hasattr(importlib.import_module(name), "__all__")]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def own_names(module):
    """Return the public functions and classes that are defined in a module, not imported into it."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    }


def has_name(module, name):
    """Say whether ``from module import name`` would work; modules that need PyTorch are read, not imported."""
    if module not in NEEDS_TORCH:
        if module not in {"nsputil", *MODULES}:
            return False
        return hasattr(importlib.import_module(module), name) or f"{module}.{name}" in MODULES
    tree = ast.parse(Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8"))
    return name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("module", LISTED)
def test_every_listed_name_is_there_and_every_own_name_is_listed(module):
    loaded = importlib.import_module(module)
    assert [name for name in loaded.__all__ if not hasattr(loaded, name)] == []
    assert len(set(loaded.__all__)) == len(loaded.__all__)
    assert own_names(loaded) <= set(loaded.__all__)


@pytest.mark.parametrize("module", ROOT_MODULES)
def test_every_public_name_says_what_it_is(module):
    loaded = importlib.import_module(module)
    assert loaded.__doc__
    for name in own_names(loaded):
        said = vars(loaded)[name].__doc__ or ""
        written = said and not said.startswith(f"{name}(")  # what a dataclass or a named tuple says by itself
        above = re.search(rf"^#: .*\n{name} = ", inspect.getsource(loaded), re.MULTILINE)
        assert written or above, f"{module}.{name} has neither a docstring nor a line `#: ...` above it"


def imports_of(code):
    """Return ``[(module, name)]`` of what a piece of code imports from nsputil; the name is "" for a whole module."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "nsputil":
            found += [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names if alias.name.split(".")[0] == "nsputil"]
    return found


def named_in(path):
    """Return ``[(module, name)]``: what the Python blocks of a document import, and its names like `nsputil.x.y`."""
    text = path.read_text(encoding="utf-8")
    found = [pair for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) for pair in imports_of(code)]
    for dotted in re.findall(r"`(nsputil(?:\.\w+)+)(?:\(.*?\))?`", text):
        module, _, name = dotted.rpartition(".")
        found.append((dotted, "") if dotted in {*MODULES, "nsputil.__main__"} else (module, name))
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_only_what_can_be_imported(path):
    wrong = [pair for pair in named_in(path) if not (has_name(*pair) if pair[1] else pair[0] in MODULES)]
    assert wrong == []


def test_the_documents_do_name_something_and_a_wrong_name_is_found(tmp_path):
    assert len([pair for path in DOCUMENTS for pair in named_in(path)]) > 10
    page = tmp_path / "page.md"
    page.write_text("Use `nsputil.losses.nsp_losss`.\n\n```python\nfrom nsputil.heads import Tail\n```\n")
    assert [has_name(*pair) for pair in named_in(page)] == [False, False]
    assert has_name("nsputil.losses", "nsp_loss") and has_name("nsputil.clinic.torch_recorder", "TorchRecorder")
