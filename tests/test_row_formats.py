"""nsputil.row_formats: what a row holds, and what a word sees of its own text."""

import numpy as np
import pytest

from nsputil.corpus import Document
from nsputil.row_formats import FORMATS, context_of_a_word, rows_of, seen_again

DOCUMENTS = [Document(f"d{k}", [f"w{k} {' '.join('abc'[: i % 4])} e." for i in range(30)]) for k in range(4)]


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", FORMATS)
def test_a_stretch_comes_from_one_document_and_a_row_fits(name):
    rows = rows_of(DOCUMENTS, rng(), name, max_tokens=40)
    assert rows and max(sum(map(len, row)) for row in rows) <= 40 - (2 if name == "running text" else 3)
    for row in rows:
        assert len(row) == 1 or (name != "running text" and len(row) == 2)
        for stretch in row:
            assert len({token for token in stretch if token.startswith("w")}) <= 1


def test_running_text_keeps_every_word_in_order():
    rows = rows_of(DOCUMENTS, rng(), "running text", max_tokens=20)
    words = [token for [stretch] in rows for token in stretch]
    assert words == " ".join(s for d in DOCUMENTS for s in d.sentences).replace(".", " .").split()


def test_running_text_cuts_a_sentence_that_is_longer_than_the_room():
    long = [Document("long", ["a " * 50, "b."])]
    assert [len(row[0]) for row in rows_of(long, rng(), "running text", max_tokens=12)] == [10, 2]


def test_pairs_of_sentences_are_one_stretch_if_they_belong_together():
    rows = rows_of(DOCUMENTS, rng(), "sentence pair")
    assert 0.3 < np.mean([len(row) == 1 for row in rows]) < 0.7


def test_the_counts_by_hand():
    rows = [[["x", "y", "x"], ["x"]], [["y"]]]
    assert context_of_a_word(rows) == pytest.approx((3 * 2 + 0 + 0) / 5)
    assert seen_again(rows, {"x"}) == pytest.approx(2 / 3) and seen_again(rows, ["x", "y"]) == pytest.approx(2 / 5)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="'triple'; expected one of 'sentence pair', 'segment pair', 'running text'"):
        rows_of(DOCUMENTS, rng(), "triple")
    with pytest.raises(TypeError, match="rng is a int"):
        rows_of(DOCUMENTS, 0, "running text")
    with pytest.raises(ValueError, match="hold no word"):
        context_of_a_word([])
    with pytest.raises(ValueError, match="none of the words"):
        seen_again([[["a"]]], {"b"})
