"""nsputil.clues: what the clues are, and the model that sees them alone."""

import numpy as np
import pytest

from nsputil.clues import ClueModel, later_year, latest_year, lengths, punctuation
from nsputil.losses import nsp_loss
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair


def pair(a, b, label=IS_NEXT):
    return SentencePair(a, b, label, 0, 0, 0, 1)


def test_lengths_are_logs_of_token_counts():
    a, b, apart = lengths(pair("One two three.", "One."))
    assert (a, b) == pytest.approx((np.log(5), np.log(3))) and apart == pytest.approx(np.log(5 / 3))


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("We met.", (1, 1, 0, 0, 0)),
        ("we met, twice", (0, 0, 0, 1, 0)),
        ('Who said "no"?', (1, 0, 1, 0, 1)),
        ("In 1990 it rained.", (1, 1, 0, 0, 1)),
        ("", (0, 0, 0, 0, 0)),
    ],
)
def test_punctuation_counts_five_marks_of_each_text(text, marks):
    assert punctuation(pair(text, "We met.")) == (*marks, 1, 1, 0, 0, 0)
    assert punctuation(pair("We met.", text))[5:] == marks


@pytest.mark.parametrize(
    ("text", "year"),
    [("In 1945 and in the 1990s.", 1990), ("No year.", None), ("12 or 12345 men in 2035", None), ("(2004)", 2004)],
)
def test_latest_year(text, year):
    assert latest_year(text) == year


def test_later_year_changes_its_sign_when_a_and_b_are_exchanged():
    assert later_year(pair("In 1900.", "In 1950.")) == (1.0,)
    assert later_year(pair("In 1950.", "In 1900.")) == (-1.0,)
    assert later_year(pair("In 1950.", "In 1950.")) == later_year(pair("Now.", "In 1950.")) == (0.0,)


def years(count, agree, rng):
    made = []
    for k in range(count):
        label = k % 2
        forward = (label == IS_NEXT) == (rng.random() < agree)
        early, late = "In 1900 it began.", "In 1950 it ended."
        made.append(pair(early, late, label) if forward else pair(late, early, label))
    return made


def test_the_model_finds_the_best_weight_of_a_clue():
    pairs = years(2000, 0.8, np.random.default_rng(0))
    model = ClueModel.fit(pairs, [later_year])
    labels = np.array([p.label for p in pairs])
    later = np.array([later_year(p)[0] for p in pairs])
    for sign, texts in ((1, ("In 1900.", "In 1950.")), (-1, ("In 1950.", "In 1900."))):
        counts = np.bincount(labels[later == sign])
        gap = -np.diff(model.logits([pair(*texts)]))[0, 0]
        assert gap == pytest.approx(np.log(counts[IS_NEXT] / counts[NOT_NEXT]), abs=0.01)
    assert model.loss == pytest.approx(nsp_loss(model.logits(pairs), labels)) and 0.4 < model.loss < 0.6


def test_a_clue_that_separates_the_labels_keeps_finite_weights():
    model = ClueModel.fit(years(200, 1.0, np.random.default_rng(0)), [later_year, lengths])
    assert np.isfinite(model.weights).all() and model.loss < 0.05
    assert model.weights[1:] == pytest.approx(0)  # lengths are the same in all pairs


def test_bad_input_is_named():
    pairs = years(10, 1.0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="clues is empty"):
        ClueModel.fit(pairs, [])
    with pytest.raises(ValueError, match=r"labels \[0\]; expected both"):
        ClueModel.fit([pair("A.", "B.")], [lengths])
    with pytest.raises(ValueError, match="NaN or infinity"):
        ClueModel.fit(pairs, [lambda each: (np.nan,)])
    with pytest.raises(ValueError, match="more numbers for one pair"):
        ClueModel.fit(pairs, [lambda each: (1.0,) * (1 + each.label)])
    with pytest.raises(ValueError, match="pairs is empty"):
        ClueModel.fit(pairs, [lengths]).logits([])
    with pytest.raises(TypeError, match="expected a SentencePair"):
        ClueModel.fit(["A", "B"], [lengths])
