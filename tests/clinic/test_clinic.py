"""What can be imported from `nsputil.clinic`, and that its docstring lists every module."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nsputil import clinic

FOLDER = Path(clinic.__file__).parent


def test_every_public_name_can_be_imported_from_the_package():
    assert sorted(clinic.__all__) == sorted(clinic._MODULE) and len(set(clinic.__all__)) == len(clinic.__all__)
    for name in clinic.__all__:
        assert getattr(clinic, name) is getattr(importlib.import_module(clinic._MODULE[name]), name)
    assert set(clinic.__all__) <= set(dir(clinic))
    with pytest.raises(ImportError, match="cannot import name 'cure'"):
        from nsputil.clinic import cure  # noqa: F401


def test_a_type_checker_finds_the_same_names_in_the_same_modules():
    tree = ast.parse((FOLDER / "__init__.py").read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.name: node.module for node in checked.body for alias in node.names}
    assert imported == clinic._MODULE


def test_importing_the_package_loads_none_of_its_modules():
    code = "import sys, nsputil.clinic; print([name for name in sys.modules if name.startswith('nsputil.clinic.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", ["", "faults", "probes", "signals"])
def test_the_docstring_of_a_package_names_all_of_its_modules(package):
    folder = FOLDER / package
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    inside = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert not {name for name in inside - {"__init__"} if f"`{name}`" not in text}


def test_the_docstring_names_no_module_that_is_gone():
    for name in re.findall(r"^- `(\w+)`:", clinic.__doc__, re.M):
        assert (FOLDER / f"{name}.py").exists() or (FOLDER / name / "__init__.py").exists(), name
