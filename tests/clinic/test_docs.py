"""The example of docs/clinic.md, a fault of an outsider, runs as it stands there, in a process of its own."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nsputil.clinic.answers import UNKNOWN
from nsputil.clinic.faults import FAULTS
from nsputil.clinic.fitted import load_shipped

PAGE = Path(__file__).parents[2] / "docs" / "clinic.md"


@pytest.fixture(scope="module")
def code():
    found = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    return next(block for block in found if "def margin_loss" in block)


def test_it_uses_public_names_only_and_the_fault_has_ten_lines(code):
    tree = ast.parse(code)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert not alias.name.startswith("_") and hasattr(importlib.import_module(node.module), alias.name)
    assert not [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr.startswith("_")]
    fault = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    assert sum(bool(line.strip()) for line in ast.get_source_segment(code, fault).splitlines()) <= 10
    assert fault.name.replace("_", "-") not in FAULTS


def test_it_runs_through_train_diagnose_and_investigate(code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"test accuracy 0\.\d\d", lines[0])
    answers = {*load_shipped().model.causes, UNKNOWN}
    ranked = next(line for line in lines[1:] if not line.startswith("fact: "))
    assert re.fullmatch(r" *\d+\.\d%  ([a-z0-9 -]+)  \(.*\)", ranked).group(1) in answers  # diagnose's first cause
    assert "Something is wrong in the loss, of no kind that is known here." in lines  # and investigate's answer
    assert any(line.startswith("  fact: ") for line in lines)
