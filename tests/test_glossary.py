"""The glossary, docs/notation.md, and the notebooks agree: what is starred is explained, what is listed is taught."""

import re

import pytest

from tools import claims as ledger
from tools import glossary

TEXT = glossary.PAGE.read_text(encoding="utf-8")
TERMS = re.findall(r"^\| \*\*(.+?)\*\* \| .+ \| (\d\d) \|$", TEXT, re.MULTILINE)
NUMBERS = sorted(path.name[:2] for path in (ledger.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
#: Starred in a notebook for emphasis, or as the name of an answer; no term.
EMPHASIS = {
    "the loss of next sentence prediction", "IsNext 0", "p - y", "0.3133", "lowest", "third", "speech",
    "from the loss alone you cannot tell too small from too large", "facts, then swaps, then likelihood",
    "+2.3 nats mean ten times the odds", "a rate too high", "The facts", "Ask", "Answer", "Case A", "Case B", "Case C",
}  # fmt: skip


def markdown(number):
    return "\n".join(cell.source for cell in ledger.notebook(number).cells if cell.cell_type == "markdown")


def parts(term):
    """A row may list several words: "overflow, underflow"."""
    return [part.strip("`").lower() for part in term.split(", ")]


def starred(text):
    """Return what a text stars as a term: not the names of paragraphs, which end with a full stop, nor sentences."""
    found = re.findall(r"(?<!\*)\*\*([^*\n]+?)\*\*(?!\*)", re.sub(r"`[^`\n]*\*\*[^`\n]*`", "", text))
    return [each for each in found if not re.search(r"[.?:]$|^(You will|You need|Time)$|, (before|after) ", each)]


@pytest.mark.parametrize(("term", "number"), TERMS, ids=lambda value: value)
def test_every_term_is_taught_where_the_glossary_says(term, number):
    text = markdown(number).lower()
    assert [part for part in parts(term) if part not in text] == []


@pytest.mark.parametrize("number", NUMBERS)
def test_every_starred_term_of_a_notebook_is_in_the_glossary(number):
    known = {part for term, _ in TERMS for part in parts(term)} | EMPHASIS
    stars = [each for each in starred(markdown(number)) if each not in known]
    assert [each for each in stars if not {each.strip("`").lower(), each.lower().removesuffix("s")} & known] == []


def test_every_probe_and_signal_is_listed():
    assert glossary.BLOCK.search(TEXT)[0] == glossary.block(), "run tools/glossary.py"


def test_the_terms_are_many_and_none_comes_twice():
    names = [term for term, _ in TERMS]
    assert len(names) == len(set(names)) > 60
    assert TEXT.count("\n| **") == len(names)  # every row was read


def test_what_is_starred_is_found():
    text = "**You will** see that **odds** are `0.5**7 * 2**3`. **A gate.** **`h_cls`, before the pooler**"
    assert starred(text) == ["odds"]
