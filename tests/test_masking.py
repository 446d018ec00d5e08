from dataclasses import fields

import numpy as np
import pytest

from nsputil.masking import mask_tokens
from nsputil.pairs import SentencePair
from nsputil.tokenization import CLS_ID, MASK_ID, SEP_ID, UNK_ID, EncodedPairs, Vocabulary, encode_pairs

WORDS = [f"w{k}" for k in range(500)]
VOCABULARY = Vocabulary(WORDS)


def some_pairs(count, rng, unknown=0.1):
    def text():
        size = rng.integers(1, 40)
        return " ".join(np.where(rng.random(size) < unknown, "unheard", rng.choice(WORDS, size)))

    return [SentencePair(text(), text(), int(rng.integers(2)), 0, 0, 0, 1) for _ in range(count)]


@pytest.fixture(scope="module")
def batch():
    return encode_pairs(some_pairs(3000, np.random.default_rng(0)), VOCABULARY)


@pytest.fixture(scope="module")
def masked(batch):
    return mask_tokens(batch, VOCABULARY, np.random.default_rng(1))


def test_the_labels_are_the_words_that_stood_there(batch, masked):
    np.testing.assert_array_equal(batch.input_ids[masked.mlm_rows, masked.mlm_places], masked.mlm_labels)
    elsewhere = np.ones(batch.input_ids.shape, bool)
    elsewhere[masked.mlm_rows, masked.mlm_places] = False
    np.testing.assert_array_equal(masked.input_ids[elsewhere], batch.input_ids[elsewhere])
    for name in ("token_type_ids", "attention_mask", "labels"):
        np.testing.assert_array_equal(getattr(masked, name), getattr(batch, name))
    assert not (batch.input_ids == MASK_ID).any()  # the batch that was given is as it was


def test_fifteen_percent_of_each_row_at_least_one_and_no_special_token(batch, masked):
    counts = np.bincount(masked.mlm_rows, minlength=len(batch.labels))
    words = (batch.attention_mask.astype(bool) & ~np.isin(batch.input_ids, [CLS_ID, SEP_ID, UNK_ID])).sum(axis=1)
    wanted = np.minimum(words, np.maximum(1, np.rint(0.15 * batch.attention_mask.sum(axis=1))))
    np.testing.assert_array_equal(counts, wanted)
    assert masked.mlm_labels.min() > MASK_ID


def test_eighty_ten_ten(masked):
    shown = masked.input_ids[masked.mlm_rows, masked.mlm_places]
    count = len(shown)
    kept, mask = (shown == masked.mlm_labels).mean(), (shown == MASK_ID).mean()
    error = 4 * np.sqrt(0.16 / count)  # four standard errors
    assert count > 10_000
    assert abs(mask - 0.8 - 0.1 / len(VOCABULARY)) < error
    assert abs(kept - 0.1 - 0.1 / len(VOCABULARY)) < error
    others = shown[(shown != MASK_ID) & (shown != masked.mlm_labels)]
    assert len(np.unique(others)) > 400  # random words come from the whole vocabulary


def test_every_word_of_a_row_is_chosen_equally_often():
    pair = SentencePair(" ".join(WORDS[:10]), " ".join(WORDS[10:17]), 0, 0, 0, 0, 1)
    batch = encode_pairs([pair] * 20_000, VOCABULARY)
    masked = mask_tokens(batch, VOCABULARY, np.random.default_rng(2))
    counts = np.bincount(masked.mlm_places, minlength=20)
    assert counts[[0, 11, 19]].tolist() == [0, 0, 0]
    share = np.delete(counts, [0, 11, 19]) / 20_000  # 3 of 17 words
    assert np.abs(share - 3 / 17).max() < 5 * np.sqrt(3 / 17 * 14 / 17 / 20_000)


def test_the_same_generator_hides_the_same_words(batch, masked):
    again = mask_tokens(batch, VOCABULARY, np.random.default_rng(1))
    for field in fields(masked):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(masked, field.name))
    other = mask_tokens(batch, VOCABULARY, np.random.default_rng(9))
    assert len(other.mlm_places) == len(masked.mlm_places) and (other.mlm_places != masked.mlm_places).any()


def test_rate_and_shares_can_be_set(batch):
    all_of_them = mask_tokens(batch, VOCABULARY, np.random.default_rng(0), rate=1.0, shares=(1, 0, 0))
    assert set(np.unique(all_of_them.input_ids)) == {0, UNK_ID, CLS_ID, SEP_ID, MASK_ID}
    shown_as_it_is = mask_tokens(batch, VOCABULARY, np.random.default_rng(0), shares=(0, 1, 0))
    np.testing.assert_array_equal(shown_as_it_is.input_ids, batch.input_ids)


def test_a_pair_of_one_word_each_and_a_row_of_unknown_words():
    pairs = [SentencePair("w1", "w2", 0, 0, 0, 0, 1), SentencePair("unheard", "of", 1, 0, 0, 0, 1)]
    masked = mask_tokens(encode_pairs(pairs, VOCABULARY), VOCABULARY, np.random.default_rng(0))
    assert masked.mlm_rows.tolist() == [0]
    with pytest.raises(ValueError, match="no pair holds a word that the vocabulary knows"):
        mask_tokens(encode_pairs(pairs[1:], VOCABULARY), VOCABULARY, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rate": 0}, ValueError, "rate is 0; expected a fraction above 0"),
        ({"rate": 15}, ValueError, "rate is 15"),
        ({"shares": (0.8, 0.1)}, ValueError, "expected three fractions"),
        ({"shares": (0.9, 0.2, -0.1)}, ValueError, "expected three fractions"),
        ({"shares": (0.8, 0.1, 0.2)}, ValueError, "sum to 1"),
        ({"rng": 5}, TypeError, "rng is a int"),
        ({"vocabulary": WORDS}, TypeError, "vocabulary is a list"),
        ({"batch": "a text"}, TypeError, "batch is a str"),
    ],
)
def test_bad_input_is_named(batch, change, error, message):
    arguments = {"batch": batch, "vocabulary": VOCABULARY, "rng": np.random.default_rng(0)} | change
    with pytest.raises(error, match=message):
        mask_tokens(**arguments)


def test_masked_pairs_are_encoded_pairs(masked):
    assert isinstance(masked, EncodedPairs)
