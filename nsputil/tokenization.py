"""From text to the numbers a model reads: words, a vocabulary, ``[CLS] A [SEP] B [SEP]``.

Introduced in notebooks 01 (the layout) and 02 (the vocabulary).
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.random import Generator

from nsputil._types import Ints
from nsputil.corpus import Document
from nsputil.files import write_text
from nsputil.pairs import SentencePair, check_pairs

PAD, UNK, CLS, SEP, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
#: The ids of the special tokens: they are the first of every vocabulary.
PAD_ID, UNK_ID, CLS_ID, SEP_ID, MASK_ID = range(5)

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")


def tokenize(text: str) -> list[str]:
    """Return the words, numbers and punctuation marks of a text, in lower case.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        An apostrophe inside a word stays in it: "don't" is one token.

    Raises
    ------
    TypeError
        If `text` is not a string.

    Examples
    --------
    >>> tokenize("It's 3 p.m.")
    ["it's", '3', 'p', '.', 'm', '.']
    """
    if not isinstance(text, str):
        raise TypeError(f"text is a {type(text).__name__}; expected a string")
    return _WORD.findall(text.lower())


class Vocabulary:
    """The words a model knows, each with its id. Ids 0 to 4 are [PAD], [UNK], [CLS], [SEP], [MASK].

    Parameters
    ----------
    words : iterable of str
        Without the special tokens; no word twice.

    Raises
    ------
    ValueError
        If a word is given twice or is a special token.
    """

    cls_id, sep_id, unk_id, mask_id = CLS_ID, SEP_ID, UNK_ID, MASK_ID  # a checkpoint's own vocabulary has others
    CACHED_TEXTS = 300_000  # an epoch of passages of sotu fits in it

    def __init__(self, words: Iterable[str]) -> None:
        self._cache: dict[str, Ints] = {}  # text -> ids
        self.tokens: tuple[str, ...] = (*SPECIAL_TOKENS, *words)
        self._ids = {token: number for number, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            twice = [token for token, count in Counter(self.tokens).items() if count > 1]
            raise ValueError(
                f"words hold {twice[0]!r} more than once (or it is a special token); expected distinct words"
            )

    @classmethod
    def from_documents(cls, documents: Sequence[Document], max_size: int = 8000, min_count: int = 1) -> Self:
        """Return the vocabulary of the most frequent words of some documents. Use training documents only.

        Parameters
        ----------
        documents : sequence of Document
        max_size : int
            The five special tokens included; at least 6.
        min_count : int
            Words seen less often are left out.

        Returns
        -------
        Vocabulary
            The most frequent word first; equally frequent ones in the order of the alphabet.

        Raises
        ------
        TypeError
            If `documents` holds something other than Documents.
        ValueError
            If `max_size` is below 6, `min_count` below 1, or no word is left.
        """
        for index, document in enumerate(documents):
            if not hasattr(document, "sentences"):
                raise TypeError(f"documents[{index}] is a {type(document).__name__}; expected a Document")
        if max_size < len(SPECIAL_TOKENS) + 1:
            raise ValueError(f"max_size is {max_size}; expected at least 6: five special tokens and a word")
        if min_count < 1:
            raise ValueError(f"min_count is {min_count}; expected at least 1")
        counts: Counter[str] = Counter()
        for document in documents:
            for sentence in document.sentences:
                counts.update(tokenize(sentence))
        words = sorted((word for word, count in counts.items() if count >= min_count), key=lambda w: (-counts[w], w))
        if not words:
            raise ValueError("the documents hold no word that occurs often enough; expected some text")
        return cls(words[: max_size - len(SPECIAL_TOKENS)])

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:  # a class with __eq__ alone has no hash
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    def id(self, token: str) -> int:
        """Return the id of a token; that of [UNK] for a word the vocabulary does not hold."""
        return self._ids.get(token, self.unk_id)

    def ids(self, text: str) -> Ints:
        """Return the ids of the tokens of a text as an int64 array, which must not be changed: it is cached.

        A training reads each sentence in every epoch and tokenizes it once. The cache is emptied when it is full.
        """
        ids = self._cache.get(text)
        if ids is None:
            if len(self._cache) >= self.CACHED_TEXTS:
                self._cache.clear()
            ids = self._cache[text] = np.array(self._read(text), dtype=np.int64)
        return ids

    def _read(self, text: str) -> list[int]:
        return [self.id(token) for token in tokenize(text)]

    def save(self, path: str | Path) -> None:
        """Write the vocabulary as a JSON list of its tokens, in the order of their ids."""
        write_text(path, json.dumps(self.tokens, ensure_ascii=False, indent=0))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a vocabulary that `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is not such a list.
        """
        try:
            tokens = json.loads(Path(path).read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{Path(path).name} is not a vocabulary: expected a JSON list of tokens ({error})"
            ) from error
        special = len(SPECIAL_TOKENS)
        if not isinstance(tokens, list) or tuple(tokens[:special]) != SPECIAL_TOKENS:
            raise ValueError(
                f"{Path(path).name} is not a vocabulary: expected a list that starts with {SPECIAL_TOKENS}"
            )
        if not all(isinstance(token, str) for token in tokens):
            raise ValueError(f"{Path(path).name} is not a vocabulary: it holds something that is not a string")
        return cls(tokens[special:])


@dataclass(frozen=True)
class EncodedPairs:
    """What a model reads. All arrays are int64; the first three have shape (batch, length).

    Attributes
    ----------
    input_ids : ndarray
        ``[CLS] A [SEP] B [SEP]``, then [PAD] up to the longest pair.
    token_type_ids : ndarray
        0 for ``[CLS] A [SEP]`` and padding, 1 for ``B [SEP]``.
    attention_mask : ndarray
        1 for tokens, 0 for padding.
    labels : ndarray, shape (batch,)
        0 = IsNext, 1 = NotNext.
    """

    input_ids: Ints
    token_type_ids: Ints
    attention_mask: Ints
    labels: Ints


#: How pairs become arrays, ``(pairs, vocabulary, max_length) -> EncodedPairs``, such as `encode_pairs`.
Encoding = Callable[[Sequence[SentencePair], Vocabulary, int], EncodedPairs]
Token = TypeVar("Token", str, int)  # a word or its id


def truncate_pair(
    tokens_a: Sequence[Token], tokens_b: Sequence[Token], max_tokens: int, rng: Generator | None = None
) -> tuple[list[Token], list[Token]]:
    """Return copies of two token lists, shortened together to `max_tokens`.

    While they are too long, one token of the longer list is removed (of B if they are equally long).

    Parameters
    ----------
    tokens_a, tokens_b : list
    max_tokens : int
        At least 2.
    rng : numpy.random.Generator, optional
        With it, a fair coin chooses the front or the back for each token, as in BERT's code; without, the back.

    Returns
    -------
    (list, list)

    Raises
    ------
    TypeError
        If `rng` is given and is not a numpy Generator.
    ValueError
        If `max_tokens` is below 2.

    Notes
    -----
    google-research/bert, create_pretraining_data.py, truncate_seq_pair.
    """
    if max_tokens < 2:
        raise ValueError(f"max_tokens is {max_tokens}; expected at least 2, a token for each sentence")
    if rng is not None and not isinstance(rng, Generator):
        raise TypeError(f"rng is a {type(rng).__name__}; expected a generator such as numpy.random.default_rng(0)")
    if rng is None:
        length_a, length_b = _truncated_lengths(len(tokens_a), len(tokens_b), max_tokens)
        return list(tokens_a[:length_a]), list(tokens_b[:length_b])
    bounds = [[0, len(tokens_a)], [0, len(tokens_b)]]
    lengths = [len(tokens_a), len(tokens_b)]
    while sum(lengths) > max_tokens:
        longer = 0 if lengths[0] > lengths[1] else 1
        if rng.random() < 0.5:
            bounds[longer][0] += 1
        else:
            bounds[longer][1] -= 1
        lengths[longer] -= 1
    return list(tokens_a[slice(*bounds[0])]), list(tokens_b[slice(*bounds[1])])


def _truncated_lengths(length_a: int, length_b: int, max_tokens: int) -> tuple[int, int]:
    """Return the lengths of two lists after `truncate_pair`."""
    shorter_a = min(length_a, max(max_tokens - length_b, (max_tokens + 1) // 2))
    return shorter_a, min(length_b, max_tokens - shorter_a)


def encode_pairs(pairs: Sequence[SentencePair], vocabulary: Vocabulary, max_length: int = 128) -> EncodedPairs:
    """Return a batch of sentence pairs as arrays, padded to the longest of them.

    Parameters
    ----------
    pairs : sequence of SentencePair
    vocabulary : Vocabulary
    max_length : int
        Longer pairs are truncated, the longer sentence first; at least 5.

    Returns
    -------
    EncodedPairs

    Raises
    ------
    TypeError
        If `vocabulary` is not a Vocabulary, or an item of `pairs` is not a SentencePair.
    ValueError
        If there are no pairs, a sentence has no token, or `max_length` is below 5.

    Notes
    -----
    The layout of Devlin et al. 2018, figure 2. Introduced in notebook 01.
    """
    if not isinstance(vocabulary, Vocabulary):
        raise TypeError(f"vocabulary is a {type(vocabulary).__name__}; expected a Vocabulary")
    check_pairs(pairs)
    if max_length < 5:
        raise ValueError(f"max_length is {max_length}; expected at least 5: [CLS] a [SEP] b [SEP]")
    pieces: list[Ints] = []
    ends_a, ends = [], []  # of each row: where A with its [SEP] ends, and where B does
    cls, sep = np.array([vocabulary.cls_id]), np.array([vocabulary.sep_id])
    for number, pair in enumerate(pairs):
        a, b = vocabulary.ids(pair.sentence_a), vocabulary.ids(pair.sentence_b)
        for name, ids in (("A", a), ("B", b)):
            if len(ids) == 0:
                raise ValueError(f"sentence {name} of pair {number} has no token; expected some text")
        length_a, length_b = _truncated_lengths(len(a), len(b), max_length - 3)
        a, b = a[:length_a], b[:length_b]
        pieces.extend((cls, a, sep, b, sep))
        ends_a.append(len(a) + 2)
        ends.append(len(a) + len(b) + 3)
    position = np.arange(max(ends))
    is_token = position < np.array(ends)[:, None]
    input_ids = np.zeros(is_token.shape, dtype=np.int64)
    input_ids[is_token] = np.concatenate(pieces)  # row by row, as numpy reads the mask
    token_type_ids = (is_token & (position >= np.array(ends_a)[:, None])).astype(np.int64)
    labels = np.array([pair.label for pair in pairs], dtype=np.int64)
    return EncodedPairs(input_ids, token_type_ids, is_token.astype(np.int64), labels)
