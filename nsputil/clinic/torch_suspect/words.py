"""A tokenizer of any make, asked for the ids of a text: of this course, transformers, tokenizers, or a function."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

#: What tokenizers that name tokens by their text call the special ones.
NAMED = {
    "cls_id": ("[CLS]", "<s>", "<cls>"),
    "sep_id": ("[SEP]", "</s>", "<sep>"),
    "unk_id": ("[UNK]", "<unk>"),
    "mask_id": ("[MASK]", "<mask>"),
    "pad_id": ("[PAD]", "<pad>"),
}
#: What transformers calls them.
ATTRIBUTES = {
    "cls_id": "cls_token_id",
    "sep_id": "sep_token_id",
    "unk_id": "unk_token_id",
    "mask_id": "mask_token_id",
    "pad_id": "pad_token_id",
}
SAMPLE = "a"


class Words:
    """A tokenizer with the names that the facts use. [PAD] has the id 0 there.

    Parameters
    ----------
    tokenizer : object
        With ``ids(text)``, as the vocabularies of this course; called with a text, as those of transformers, or any
        function; or with ``encode(text)``, as those of tokenizers and sentencepiece.
    sample : str
        A text that it can read, to find out how it is asked.

    Raises
    ------
    TypeError
        If it answers none of these calls with ids.
    """

    def __init__(self, tokenizer: Any, sample: str = SAMPLE) -> None:
        self.tokenizer = tokenizer
        self._ask = _way_to_ask(tokenizer, sample)
        special = {name: _special(tokenizer, name) for name in NAMED}
        self.cls_id, self.sep_id = special["cls_id"], special["sep_id"]
        self.unk_id, self.mask_id = special["unk_id"], special["mask_id"]
        self.pad_id = max(0, special["pad_id"])
        self.more: frozenset = frozenset()
        self.learned = False  # from the rows: the tokenizer does not name its special tokens
        self._seen: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        """Return the number of tokens; 0 if the tokenizer does not tell."""
        if hasattr(self.tokenizer, "__len__"):
            return len(self.tokenizer)
        size = getattr(self.tokenizer, "get_vocab_size", None) or getattr(self.tokenizer, "get_piece_size", None)
        return int(size()) if callable(size) else 0

    def ids(self, text: str) -> np.ndarray:
        """Return the ids of a text, shape (tokens,), without special tokens."""
        found = self._seen.get(text)
        if found is None:
            found = self._seen[text] = self.exchanged(np.asarray(self._ask(text), np.int64).reshape(-1))
        return found

    def exchanged(self, ids: np.ndarray) -> np.ndarray:
        """Return ids with the id of [PAD] and 0 exchanged."""
        if self.pad_id == 0:
            return ids
        return np.where(ids == self.pad_id, 0, np.where(ids == 0, self.pad_id, ids))


def words_of(tokenizer: Any, pairs: Sequence) -> Words:
    """Return a tokenizer that is asked as it answers to the text of a pair.

    Raises
    ------
    TypeError
        If it cannot be asked.
    """
    return Words(tokenizer, pairs[0].sentence_a if pairs else SAMPLE)


def can_be_asked(tokenizer: Any, sample: str = SAMPLE) -> bool:
    """Whether a thing is a tokenizer of a kind that is known here."""
    try:
        _way_to_ask(tokenizer, sample)
    except TypeError:
        return False
    return True


def _special(tokenizer: Any, name: str) -> int:
    """Return the id of a special token, -1 if the tokenizer names none."""
    if hasattr(tokenizer, "ids"):
        value = 0 if name == "pad_id" else getattr(tokenizer, name, None)
    else:
        value = getattr(tokenizer, ATTRIBUTES[name], None)
        by_text = getattr(tokenizer, "token_to_id", None)
        if value is None and callable(by_text):
            value = next((found for text in NAMED[name] if (found := by_text(text)) is not None), None)
    return int(value) if isinstance(value, int | np.integer) else -1


def _way_to_ask(tokenizer: Any, sample: str) -> Callable[[str], Sequence[int]]:
    """Return a function from a text to its ids without special tokens."""
    for name in ("ids", "__call__", "encode"):
        call = getattr(tokenizer, name, None)
        if not callable(call) or isinstance(tokenizer, type):
            continue
        plain = partial(_plain, call)
        if _gives_ids(plain, sample):
            return plain
        whole = partial(_whole, call)
        if _gives_ids(whole, sample):
            return _without_frame(whole)
    raise TypeError(
        f"tokenizer is a {type(tokenizer).__name__}; expected one with .ids(text) or .encode(text), one that is called "
        "with a text, as those of transformers, or a function from a text to its ids"
    )


def _plain(call: Callable, text: str) -> Sequence[int]:
    return _ids(call(text, add_special_tokens=False))


def _whole(call: Callable, text: str) -> Sequence[int]:
    return _ids(call(text))


def _gives_ids(ask: Callable[[str], Sequence[int]], sample: str) -> bool:
    """Whether a function gives whole numbers for a text."""
    try:
        found = np.asarray(ask(sample))
    except Exception:  # this tokenizer is not asked so
        return False
    return found.ndim == 1 and (found.size == 0 or np.issubdtype(found.dtype, np.integer))


def _ids(answer: Any) -> Sequence[int]:
    """Return the ids of an answer: a mapping with ``input_ids``, an object with ``ids``, or the ids themselves."""
    if isinstance(answer, Mapping) or hasattr(answer, "input_ids"):
        answer = answer["input_ids"] if isinstance(answer, Mapping) else answer.input_ids
    found = getattr(answer, "ids", answer)
    nested = len(found) == 1 and np.ndim(found[0]) == 1  # a batch of one text
    return found[0] if nested else found


def _without_frame(ask: Callable[[str], Sequence[int]]) -> Callable[[str], Sequence[int]]:
    """Return the function without the tokens that it puts around every text, which an empty text shows."""
    try:
        frame = list(ask(""))
    except Exception:  # it takes no empty text: nothing is known of a frame
        frame = []
    if not frame:
        return ask
    before = (len(frame) + 1) // 2
    after = len(frame) - before
    return lambda text: list(ask(text))[before : len(ask(text)) - after]
