"""A tokenizer of any make gives the ids of a text without special tokens."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from nsputil.clinic.torch_suspect import examine
from nsputil.clinic.torch_suspect.words import Words, can_be_asked
from nsputil.tokenization import Vocabulary

NAMES = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "a", "b", "c"]


def fast():
    """Return a tokenizer of the library tokenizers that frames every text."""
    tokenizer = Tokenizer(WordLevel({name: k for k, name in enumerate(NAMES)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return tokenizer


def of_transformers():
    return PreTrainedTokenizerFast(tokenizer_object=fast(), cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]")


def by_letters(text):
    return [NAMES.index(letter) for letter in text.split()]


def framed(text):
    return [1, *by_letters(text), 2]


KINDS = {
    "tokenizers": fast(),
    "transformers": of_transformers(),
    "a function": by_letters,
    "a function that frames": framed,
    "a function with a mapping": lambda text: {"input_ids": by_letters(text)},
    "a function with a tensor of one row": lambda text: {"input_ids": torch.tensor([by_letters(text)])},
    "encode with a list": SimpleNamespace(encode=by_letters),
    "encode that frames": SimpleNamespace(encode=framed),
    "encode with an object": SimpleNamespace(encode=lambda text: SimpleNamespace(ids=by_letters(text))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_has_the_ids_of_its_words_alone(kind):
    words = Words(KINDS[kind])
    assert words.ids("b a c").tolist() == [5, 4, 6] and words.ids("b a c").dtype == np.int64
    assert words.ids("").tolist() == []


@pytest.mark.parametrize("kind", ["tokenizers", "transformers"])
def test_special_tokens_that_have_a_name_are_known(kind):
    words = Words(KINDS[kind])
    assert (words.cls_id, words.sep_id, words.pad_id, len(words)) == (1, 2, 0, 7)


def test_a_function_that_knows_its_own_words_only_is_asked_with_one_of_them():
    known = {"b": 5, "c": 6}
    assert Words(lambda text: [known[word] for word in text.split()], "c b").ids("b").tolist() == [5]


def test_a_function_names_no_special_token_and_no_size():
    words = Words(by_letters)
    assert (words.cls_id, words.sep_id, words.unk_id, words.pad_id, len(words)) == (-1, -1, -1, 0, 0)


def test_padding_elsewhere_is_exchanged_with_zero():
    tokenizer = Tokenizer(WordLevel({"a": 0, "b": 1, "<pad>": 2}, unk_token="a"))
    tokenizer.pre_tokenizer = Whitespace()
    words = Words(tokenizer)
    assert words.pad_id == 2 and words.ids("a b").tolist() == [2, 1]


def test_a_vocabulary_of_this_course_is_asked_by_its_own_name():
    vocabulary = Vocabulary(["cat", "dog"])
    words = Words(vocabulary)
    assert words.ids("dog cat").tolist() == vocabulary.ids("dog cat").tolist() and words.cls_id == vocabulary.cls_id


@pytest.mark.parametrize("thing", [3, object(), lambda text: text.split(), {"a": 1}, Words])
def test_another_thing_is_refused_with_the_reason(thing):
    assert not can_be_asked(thing)
    with pytest.raises(TypeError, match="tokenizer is a .*expected"):
        Words(thing)
    with pytest.raises(TypeError, match="tokenizer is a .*expected"):
        examine(torch.nn.Linear(2, 2), [(torch.zeros(2, 2), torch.tensor([0, 1]))], tokenizer=thing)
