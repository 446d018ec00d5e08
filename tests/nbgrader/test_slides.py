"""Slides of a notebook for a live class: they hold all of it, in order, and need no network."""

import re
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("latex2mathml", reason="make nbgrader runs it in the instructors' environment")

from tools.archives import build, slides

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(ROOT / "notebooks" / "05_the_gradient.ipynb", as_version=4)


@pytest.fixture(scope="module")
def deck(notebook):
    return slides.deck(notebook)


def test_all_code_is_there_in_order(notebook, deck):
    def code(book):
        return [cell.source for cell in book.cells if cell.cell_type == "code"]

    assert code(deck) == code(notebook)


def test_each_section_begins_a_slide_and_an_answer_never_shares_one_with_the_next_code(deck):
    kinds = [cell.metadata.slideshow.slide_type for cell in deck.cells]
    headings = [re.match("#{1,2} ", cell.source) is not None and cell.cell_type == "markdown" for cell in deck.cells]
    assert [kind == "slide" for kind in kinds] == headings
    shown = False
    for cell, kind in zip(deck.cells, kinds, strict=True):
        shown = shown and kind in ("-", "fragment")
        if cell.cell_type == "code":
            assert not shown
            shown = bool(cell.outputs)


def test_a_comment_in_a_block_of_code_is_no_heading():
    cell = nbformat.v4.new_markdown_cell("## A\n\n```python\n# not a heading\n```\n\n## B")
    assert [part.source[:4] for part in slides.at_headings(cell)] == ["## A", "## B"]


def test_formulas_are_mathml_and_prices_and_code_are_not():
    text = slides.with_mathml("Here $p - y$ and `$x$`, which cost $5 and $6.")
    assert "<math" in text and text.count("<math") == 1
    assert "`$x$`, which cost $5 and $6." in text


def test_a_page_asks_for_nothing_from_the_network(deck):
    page = slides.as_html(deck, "05")
    assert re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"(?:https?:)?//", page) == []
    assert len(re.findall("<section", page)) > 20


def test_two_builds_of_the_same_files_are_equal(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        build.write(tmp_path / name / "x.zip", {"one": b"1", "two": b"2"}, 1_700_000_000)
    assert (tmp_path / "a/x.zip").read_bytes() == (tmp_path / "b/x.zip").read_bytes()
