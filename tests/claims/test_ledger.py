"""The claims of the notebooks and their tests agree, and each way in which they can disagree is found."""

import nbformat
import pytest

from tools import claims as ledger

FOUND = ledger.ledger()


@pytest.mark.parametrize("number", FOUND)
def test_every_claim_of_a_notebook_has_its_sentence_and_a_test_or_a_source(number):
    assert list(ledger.problems(FOUND[number], ledger.notebook(number).cells, ledger.keys())) == []


def test_every_notebook_that_claims_has_a_file_of_tests():
    numbers = {path.name[:2] for path in (ledger.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}
    claiming = {n for n in numbers if any(cell.metadata.get("claims") for cell in ledger.notebook(n).cells)}
    assert claiming <= set(FOUND)


def test_the_list_of_claims_is_up_to_date():
    assert ledger.PAGE.read_text(encoding="utf-8") == ledger.page(FOUND), "run make claims"


def cell(text, *ids, name="cell-a"):
    return nbformat.v4.new_markdown_cell(text, id=name, metadata={"claims": list(ids)})


GOOD = [ledger.cited("warm", "Water is warm.", "key")]


@pytest.mark.parametrize(
    ("claims", "cells", "expected"),
    [
        (GOOD, [cell("Listen. Water is warm. So there.", "warm")], []),
        (GOOD, [cell("- Water is warm.", "warm")], []),
        (GOOD, [cell("Water is cold.", "warm")], ["cell cell-a no longer has the sentence"]),
        (GOOD, [cell("Nobody says: never think that Water is warm.", "warm")], ["no longer has the sentence"]),
        (GOOD, [cell("Water is warm.")], ["claimed by no cell"]),
        ([], [cell("Water is warm.", "warm")], ["has no test and no source"]),
        (GOOD * 2, [cell("Water is warm.", "warm")], ["claimed twice"]),
        (GOOD, [cell("Water is warm.", "warm"), cell("Water is warm.", "warm", name="b")], ["is in two cells"]),
        ([ledger.cited("warm", "Water is warm.", "none")], [cell("Water is warm.", "warm")], ["does not have"]),
    ],
)
def test_each_disagreement_is_found(claims, cells, expected):
    found = list(ledger.problems(claims, cells, ["key"]))
    assert len(found) == len(expected) and all(part in text for part, text in zip(expected, found, strict=True)), found


def test_a_claim_without_a_source_is_refused():
    with pytest.raises(ValueError, match="neither a test nor a source"):
        ledger.cited("warm", "Water is warm.")


def test_a_test_can_compute_several_claims():
    @ledger.claim("one", "One.")
    @ledger.claim("two", "Two.")
    def computes():
        pass

    assert [each.id for each in computes.claims] == ["one", "two"]
