"""Where a docstring says "Introduced in notebook NN", notebook NN or an exercise of it really has the name."""

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

from tools import notebook_names as names

ROOT = Path(__file__).resolve().parent.parent
CLAIM = re.compile(r"Introduced in\s(.*?)(?:\.\s|\.?$)", re.DOTALL)


def docstrings(source, module):
    """Yield the dotted name and the docstring of a module and of all in it that is public."""
    todo = [(module, ast.parse(source))]
    for name, node in todo:
        yield name, ast.get_docstring(node) or ""
        if not isinstance(node, ast.FunctionDef):
            todo += [
                (f"{name}.{each.name}", each)
                for each in node.body
                if isinstance(each, ast.FunctionDef | ast.ClassDef) and not each.name.startswith("_")
            ]


def claims(source, module):
    """Return ``[(name, the notebooks that its docstring claims)]``."""
    found = [(name, CLAIM.search(text)) for name, text in docstrings(source, module)]
    return [(name, re.findall(r"\b\d\d\b", claim[1])) for name, claim in found if claim]


def all_claims():
    found = []
    for path in sorted((ROOT / "nsputil").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found += [(module, *claim) for claim in claims(path.read_text(encoding="utf-8"), module)]
    return found


@cache
def chapter(number):
    """Return the names that the code of a notebook and its exercises uses, and the text that is set as code."""
    used, set_as_code = set(), []
    for path in [*ROOT.glob(f"notebooks/{number}_*.ipynb"), *ROOT.glob(f"solutions/{number}_*/*.ipynb")]:
        notebook = nbformat.read(path, as_version=4)
        used |= names.names_used(notebook)
        markdown = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        set_as_code += re.findall(r"```.*?```|`[^`\n]+`", markdown, re.DOTALL)
    return used, "\n".join(set_as_code)


def occurs(name, module, used, set_as_code):
    """Whether a name is used, or written as code: a function by its own name, a module by one that no variable has."""
    if any(each == name or each.startswith(f"{name}.") for each in used):
        return True
    last = name.split(".")[-1]
    written = rf"{re.escape(name)}\b|\b{last}\.py\b" if name == module else rf"\b{last}\b"
    if module.endswith(".__main__"):  # a command line is named by its command
        written = rf"python -m {re.escape(module.removesuffix('.__main__'))}\b"
    return re.search(written, set_as_code) is not None


@pytest.mark.parametrize(("module", "name", "numbers"), all_claims(), ids=lambda value: str(value))
def test_the_notebook_that_a_docstring_names_has_the_name(module, name, numbers):
    assert numbers, f"{name}: 'Introduced in' without a notebook's number"
    missing = [number for number in numbers if not occurs(name, module, *chapter(number))]
    assert missing == [], f"{name} occurs neither in notebook {' nor '.join(missing)} nor in its exercises"


FALSE = '''"""Masked words.

Introduced in notebooks 08 (by
hand) and 99."""

def nsp_loss_and_grad():
    """Give both.

    Introduced in notebook 01. Used by 11 others.
    """

def _private():
    """Introduced in notebook 77."""

class Run:
    def save(self):
        """Introduced in the exercises of notebook 03; read in 07."""
'''


def test_claims_are_found_in_every_docstring_that_is_public():
    assert claims(FALSE, "nsputil.losses") == [
        ("nsputil.losses", ["08", "99"]),
        ("nsputil.losses.nsp_loss_and_grad", ["01"]),
        ("nsputil.losses.Run.save", ["03", "07"]),
    ]


@pytest.mark.parametrize(
    ("name", "module", "number", "expected"),
    [
        ("nsputil.losses", "nsputil.losses", "05", True),
        ("nsputil.losses.nsp_loss_and_grad", "nsputil.losses", "05", True),
        ("nsputil.losses.nsp_loss_and_grad", "nsputil.losses", "01", False),  # named nowhere in it
        ("nsputil.losses.nsp_loss", "nsputil.losses", "99", False),  # no such notebook
        ("nsputil.checks.text_exercise", "nsputil.checks.text_exercise", "01", False),  # only `checks` is used
        ("nsputil.__main__", "nsputil.__main__", "10", True),  # `python -m nsputil diagnose run.csv`
        ("nsputil.__main__", "nsputil.__main__", "05", False),
    ],
)
def test_a_name_occurs_where_it_is_used_or_written_as_code(name, module, number, expected):
    assert occurs(name, module, *chapter(number)) is expected
