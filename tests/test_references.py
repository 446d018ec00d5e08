"""The bibliography: every key that is used exists, every entry is used and says what was read, and when."""

import re
from pathlib import Path

import nbformat
import pytest

from tools import claims as ledger

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "references.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
NOTEBOOKS = sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("appendix/*.ipynb")])
#: A thread on GitHub or a paper, as text writes it.
THREAD = re.compile(r"(?:[\w.-]+/)?\b[\w.-]+#\d+\b|\barXiv:? ?\d{4}\.\d{5}\b")
#: Notebooks whose threads and papers have no key yet. One that has all must leave this list.
NOT_YET = {
    "appendix/the_same_loss_in_transformers.ipynb",
}  # fmt: skip


def markdown(path):
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return path.read_text(encoding="utf-8")


def keys_used(text):
    """Return the keys to which a text links."""
    return set(re.findall(r"(?:\]\(|href=\")(?:[^)\"\s]*/)?references\.md#([^)\"\s]+)[)\"]", text))


def without_key(text):
    """Return the threads and papers that a text names outside a link to an entry."""
    links = r"\[[^\]]*\]\([^)]*references\.md#[^)]*\)|<a href=\"[^\"]*references\.md#[^\"]*\">[^<]*</a>"
    return THREAD.findall(re.sub(links, "", text))


USED = {path: keys_used(markdown(path)) for path in [*NOTEBOOKS, *ROOT.glob("solutions/*/*.ipynb"), *ROOT.glob("*.md")]}
USED |= {path: keys_used(markdown(path)) for path in ROOT.glob("docs/**/*.md") if path.name != "claims.md"}


def test_every_key_that_a_text_links_to_is_in_the_list():
    assert {(path.name, key) for path, keys in USED.items() for key in keys if key not in ENTRIES} == set()


def test_no_entry_is_an_orphan():
    cited = {key for claims in ledger.ledger().values() for each in claims for key in each.sources}
    assert set(ENTRIES) - set().union(*USED.values()) - cited == set()


def test_every_entry_says_what_was_read_and_when():
    for key, text in ENTRIES.items():
        assert re.search(r"^\*Read:\* .*(20\d\d-\d\d-\d\d)", text, re.MULTILINE), key


def test_no_key_is_used_twice_and_the_book_comes_first():
    assert len(ENTRIES) == len(ledger.keys()) == TEXT.count("\n### ")
    assert ledger.keys()[0] == "xiao-zhu-2025"
    assert [key for key in ENTRIES if not re.fullmatch(r"[a-z0-9-]+", key)] == []  # a heading's anchor is its key


def named():
    for path in NOTEBOOKS:
        name = path.relative_to(ROOT).as_posix()
        marks = pytest.mark.xfail(reason="not yet linked", strict=True) if name in NOT_YET else ()
        yield pytest.param(path, id=name, marks=marks)


@pytest.mark.parametrize("path", [*named()])
def test_every_thread_and_paper_that_a_notebook_names_has_a_key(path):
    assert without_key(markdown(path)) == []


def test_what_has_no_key_is_found():
    text = (
        'See a/b#12, [c/d#3](../docs/references.md#d-3), <a href="../docs/references.md#e-4">e#4</a>, arXiv 1810.04805.'
    )
    assert without_key(text) == ["a/b#12", "arXiv 1810.04805"]
    assert keys_used(text) == {"d-3", "e-4"}
