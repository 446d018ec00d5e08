"""The sources of the API pages: every public module is listed, and every name that a notebook uses has an entry."""

import ast
import io
import re
from pathlib import Path

import nbformat
import pytest
from docutils.core import publish_doctree

from tools.site import api_pages

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = {
    path.relative_to(ROOT).with_suffix("").as_posix(): path
    for folder in ("notebooks", "appendix", "exercises")
    for path in sorted((ROOT / folder).rglob("*.ipynb"))
}
ENTRIES = {f"{module}.{name}" for module in api_pages.modules() for name, _, _ in api_pages.public(module)}


def test_every_public_module_is_in_one_group():
    listed = [name for names in api_pages.grouped().values() for name in names]
    assert len(listed) == len(set(listed)) and set(listed) == set(api_pages.modules())
    assert "nsputil.losses" in listed and "nsputil.clinic.faults" in listed
    assert not [name for name in listed if "._" in name or name.startswith("nsputil.checks.bank")]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"Loss": ("losses",)}, "is in no group"),
        (api_pages.GROUPS | {"More": ("no_such_module",)}, "nsputil.no_such_module, which is no public module"),
    ],
)
def test_a_module_in_no_group_and_a_group_without_its_module_are_errors(monkeypatch, groups, message):
    monkeypatch.setattr(api_pages, "GROUPS", groups)
    with pytest.raises(ValueError, match=message):
        api_pages.grouped()


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_every_name_that_a_notebook_uses_has_an_entry(page):
    """A constant gets one by a comment ``#:`` above it."""
    for name in set(api_pages.cells_by_name(NOTEBOOKS[page])) - set(api_pages.modules()):
        assert name in ENTRIES or name.rpartition(".")[0] in ENTRIES, name


def test_used_by_counts_a_method_for_its_class_too_and_links_to_the_first_cell(tmp_path):
    code = (
        "from nsputil import metrics\nfrom nsputil.model import NSPModel",
        "NSPModel.mini()",
        "NSPModel",
        "metrics.entropy(0.5)",
    )
    cells = [nbformat.v4.new_code_cell(source, id=f"c{number}") for number, source in enumerate(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "03_x.ipynb")
    assert api_pages.used_by({"notebooks/03_x": tmp_path / "03_x.ipynb"}) == {
        "nsputil.model.NSPModel.mini": [("notebooks/03_x", "03", "c1")],
        "nsputil.model.NSPModel": [("notebooks/03_x", "03", "c1")],
        "nsputil.metrics.entropy": [("notebooks/03_x", "03", "c3")],
    }


def test_the_section_of_a_notebook_lists_its_names_by_module():
    section = api_pages.names_section(NOTEBOOKS["notebooks/00_start_here"], "notebooks/00_start_here")
    assert section.startswith("## Used here from nsputil\n")
    line = "- [nsputil.baselines](../api/nsputil.baselines.rst): [`OverlapModel`](#nsputil.baselines.OverlapModel)"
    assert line in section.splitlines()
    assert api_pages.names_section(nbformat.v4.new_notebook(), "notebooks/99_empty") == ""


def test_a_page_has_the_docstring_and_an_entry_for_each_name_with_its_users():
    users = {"nsputil.losses.sigmoid": [("notebooks/05_x", "05", "a"), ("exercises/05/05_x", "05", "b")]}
    page = api_pages.module_page("nsputil.losses", users)
    assert page.startswith("nsputil.losses\n==============\n") and ".. automodule:: nsputil.losses\n" in page
    entry = page.split(".. autofunction:: sigmoid\n")[1].split(".. autofunction::")[0]
    assert "Used in notebook :ref:`05 <notebooks/05_x#a>`; exercises :ref:`05 <exercises/05/05_x#b>`." in entry
    assert "Used in" not in page.split(".. autofunction:: sigmoid\n")[0]


def complaints(docstring, is_module):
    """Return what docutils says against a docstring; the same would fail `make site`.

    In functions, what it says of indentation is left out: napoleon rewrites the numpydoc sections before it reads them.
    """
    said = io.StringIO()
    named = re.sub(r"(?m)^\*+", lambda stars: r"\*" * len(stars[0]), docstring)  # *args and **kwargs
    text = api_pages.with_code(docstring) if is_module else named
    publish_doctree(text, settings_overrides={"report_level": 2, "halt_level": 5, "warning_stream": said})
    sections = "" if is_module else "Unexpected indentation|ends without a blank line"
    return [line for line in said.getvalue().splitlines() if not sections or not re.search(sections, line)]


@pytest.mark.parametrize("module", api_pages.modules())
def test_docstrings_are_restructured_text(module):
    path = ROOT.joinpath(*module.split("."))
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module)]
    found = {getattr(node, "name", "module"): complaints(ast.get_docstring(node) or "", node is tree) for node in nodes}
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Return ``|w|`` of `Run` and `x`.\n\nNotes\n-----\nA ``long\nliteral``.", ""),
        ("Megatron: `` iteration |``.", "Inline literal start-string"),
        ("Return the two `Run`s.", "start-string without end-string"),
        ("Below 6e-8 |w|, it stays.", 'Undefined substitution referenced: "w"'),
        ("Files:\n\n| file | what |\n|---|---|", "Undefined substitution"),
    ],
)
def test_a_docstring_that_is_not_is_found(docstring, expected):
    for is_module in (True, False):
        said = complaints(docstring, is_module)
        assert expected in "".join(said) and bool(said) is bool(expected)
