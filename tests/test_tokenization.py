import weakref

import numpy as np
import pytest

from nsputil.corpus import Document
from nsputil.pairs import SentencePair
from nsputil.tokenization import (
    CLS_ID,
    PAD_ID,
    SEP_ID,
    SPECIAL_TOKENS,
    UNK_ID,
    Vocabulary,
    encode_pairs,
    tokenize,
    truncate_pair,
)

DOCUMENTS = [Document("one", ["the cat sat", "the dog ran"]), Document("two", ["the cat ran"])]


def pair(a, b, label=0):
    return SentencePair(a, b, label, 0, 0, 0, 1)


def test_tokenize():
    assert tokenize("Don't panic: it's 3 p.m., José!") == [
        "don't",
        "panic",
        ":",
        "it's",
        "3",
        "p",
        ".",
        "m",
        ".",
        ",",
        "josé",
        "!",
    ]
    assert tokenize(" \n") == [] and tokenize("a_b") == ["a", "_", "b"]
    with pytest.raises(TypeError, match="NoneType"):
        tokenize(None)


def test_vocabulary_is_ordered_by_frequency_then_alphabet():
    vocabulary = Vocabulary.from_documents(DOCUMENTS)
    assert vocabulary.tokens == (*SPECIAL_TOKENS, "the", "cat", "ran", "dog", "sat")
    assert vocabulary.id("the") == 5 and vocabulary.id("unseen") == UNK_ID and "cat" in vocabulary
    assert Vocabulary.from_documents(DOCUMENTS, max_size=7).tokens[5:] == ("the", "cat")
    assert Vocabulary.from_documents(DOCUMENTS, min_count=2).tokens[5:] == ("the", "cat", "ran")


def test_vocabulary_survives_saving(tmp_path):
    vocabulary = Vocabulary(["naïve", '"', "\\", "zürich"])
    vocabulary.save(tmp_path / "v.json")
    assert Vocabulary.load(tmp_path / "v.json") == vocabulary


def test_layout():
    vocabulary = Vocabulary.from_documents(DOCUMENTS)
    the, cat, dog = (vocabulary.id(w) for w in ("the", "cat", "dog"))
    encoded = encode_pairs([pair("The cat", "the dog cat", 1), pair("cat", "cow")], vocabulary)
    assert encoded.input_ids.tolist() == [
        [CLS_ID, the, cat, SEP_ID, the, dog, cat, SEP_ID],
        [CLS_ID, cat, SEP_ID, UNK_ID, SEP_ID, PAD_ID, PAD_ID, PAD_ID],
    ]
    assert encoded.token_type_ids.tolist() == [[0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 0, 0, 0]]
    assert encoded.attention_mask.tolist() == [[1] * 8, [1] * 5 + [0] * 3]
    assert encoded.labels.tolist() == [1, 0] and encoded.input_ids.dtype == np.int64


def test_joined_tokens_are_found_again():
    """The pairs of BERT's rule hold tokens joined by spaces."""
    for text in (
        "Don't panic: it's 3 p.m., Jos\u00e9! $1.5 _x_ \u201cYes\u2026\u201d",
        "\u0130stanbul e\u0301 \u00df na\u00efve's",
    ):
        assert tokenize(" ".join(tokenize(text))) == tokenize(text)


def test_truncation_takes_from_the_longer():
    assert truncate_pair(list("abcdef"), list("xyz"), 6) == (list("abc"), list("xyz"))
    assert truncate_pair(list("abc"), list("xyz"), 5) == (list("abc"), list("xy"))
    assert truncate_pair(list("ab"), list("x"), 9) == (["a", "b"], ["x"])
    fronts = {truncate_pair(list("abcd"), ["x"], 4, np.random.default_rng(seed))[0][0] for seed in range(20)}
    assert fronts == {"a", "b"}
    encoded = encode_pairs([pair("the cat sat " * 9, "the dog")], Vocabulary.from_documents(DOCUMENTS), max_length=9)
    assert encoded.input_ids.shape == (1, 9) and (encoded.token_type_ids == 1).sum() == 3


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda v: encode_pairs([], v), ValueError, "pairs is empty"),
        (lambda v: encode_pairs([pair("a", "b"), pair("a", " ")], v), ValueError, "sentence B of pair 1"),
        (lambda v: encode_pairs([pair("a", "b")], v, 4), ValueError, "max_length is 4"),
        (lambda v: encode_pairs([pair("a", "b")], {"a": 1}), TypeError, "is a dict"),
        (lambda v: encode_pairs([("a", "b", 0)], v), TypeError, r"pairs\[0\] is a tuple"),
        (lambda v: Vocabulary.from_documents(["a text"]), TypeError, r"documents\[0\] is a str"),
        (lambda v: truncate_pair(["a"], ["b"], 4, rng=0), TypeError, "rng is a int"),
        (lambda v: truncate_pair(["a"], ["b"], 1), ValueError, "max_tokens is 1"),
        (lambda v: Vocabulary(["a", "a"]), ValueError, "'a' more than once"),
        (lambda v: Vocabulary(["[CLS]"]), ValueError, "CLS"),
        (lambda v: Vocabulary.from_documents(DOCUMENTS, max_size=5), ValueError, "max_size is 5"),
        (lambda v: Vocabulary.from_documents(DOCUMENTS, min_count=0), ValueError, "min_count is 0"),
        (lambda v: Vocabulary.from_documents(DOCUMENTS, min_count=9), ValueError, "no word"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call(Vocabulary.from_documents(DOCUMENTS))


@pytest.mark.parametrize(
    "text", ["not json", '{"a": 1}', '["a", "b"]', '["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", 3]']
)
def test_a_foreign_vocabulary_file_is_named(tmp_path, text):
    path = tmp_path / "v.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="v.json is not a vocabulary"):
        Vocabulary.load(path)
    with pytest.raises(FileNotFoundError):
        Vocabulary.load(tmp_path / "none.json")


def test_pairs_are_truncated_to_the_same_lengths_by_formula_and_token_by_token():
    rng = np.random.default_rng(0)
    for a, b, most in np.ndindex(9, 9, 9):
        by_formula = [len(part) for part in truncate_pair(range(a), range(b), most + 2)]
        assert by_formula == [len(part) for part in truncate_pair(range(a), range(b), most + 2, rng)], (a, b, most)


def test_a_full_cache_is_emptied_and_texts_are_read_again(monkeypatch):
    monkeypatch.setattr(Vocabulary, "CACHED_TEXTS", 6)
    vocabulary, alive = Vocabulary([f"w{k}" for k in range(50)]), []
    for _ in range(2):
        for k in range(50):
            ids = vocabulary.ids(f"w{k} w{49 - k}")
            assert ids.tolist() == [k + 5, 54 - k] and vocabulary.ids(f"w{k} w{49 - k}") is ids
            alive = [array for array in [*alive, weakref.ref(ids)] if array() is not None]
            assert len(alive) <= 6
