"""Where the two texts of a pair are in the documents, and so whether B really follows A.

The truth about "next" is one of characters: A and B are next if B begins where A ends. It needs no positions and no
names of documents, so it serves for pairs of any maker, for a B of several sentences, and for text that was cut.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nsputil.tokenization import tokenize

NEXT, FAR, NEAR, ABSENT = "next", "far", "near", "absent"
GRAM = 4  # tokens that are looked up at once
REACH = 250  # tokens between A and B of which pieces of several sentences may have been trimmed


class TextIndex:
    """All places of any text in some documents, by tokens.

    Parameters
    ----------
    documents : sequence of Document
        Two with the same sentences count once.
    """

    def __init__(self, documents: Sequence) -> None:
        self.ids: dict[str, int] = {}
        self._seen: dict[str, np.ndarray] = {}
        pieces, firsts, self.names = [], [], []
        place, known = 1, set()
        for document in documents:
            sentences = tuple(document.sentences)
            if sentences in known:
                continue
            known.add(sentences)
            self.names.append(document.name)
            for sentence in sentences:
                tokens = self._new(sentence)
                if len(tokens) == 0:
                    continue
                firsts.append(place)
                pieces.append(tokens)
                place += len(tokens)
            pieces.append(np.array([-1]))  # ends a document, so that nothing is next across it
            place += 1
        self.tokens = np.concatenate([np.array([-1]), *pieces, np.full(GRAM, -1)])
        self.starts = np.zeros(len(self.tokens), bool)  # where a sentence begins
        self.starts[firsts] = True
        self.document = np.cumsum(self.tokens == -1)
        self._tables: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._places: dict[str, np.ndarray] = {}

    def _new(self, text: str) -> np.ndarray:
        return np.array([self.ids.setdefault(token, len(self.ids)) for token in tokenize(text)], dtype=np.int64)

    def read(self, text: str) -> np.ndarray:
        """Return the numbers of the tokens of a text, -2 for a token that no document holds."""
        found = self._seen.get(text)
        if found is None:
            found = np.array([self.ids.get(token, -2) for token in tokenize(text)], dtype=np.int64)
            self._seen[text] = found
        return found

    def places(self, text: str) -> np.ndarray:
        """Return all places where a text begins."""
        found = self._places.get(text)
        if found is None:
            found = self._places[text] = self._find(self.read(text))
        return found

    def places_of(self, tokens: Sequence[int]) -> np.ndarray:
        """Return all places where these tokens begin, given by their numbers."""
        return self._find(np.asarray(tokens, dtype=np.int64))

    def _find(self, tokens: np.ndarray) -> np.ndarray:
        if len(tokens) == 0 or (tokens < 0).any():
            return np.zeros(0, dtype=np.int64)
        size = min(GRAM, len(tokens))
        keys, order = self._table(size)
        key = self._keys(tokens[:size], size)[0]
        low, high = np.searchsorted(keys, [key, key + 1])
        found = order[low:high]
        found = found[found + len(tokens) <= len(self.tokens)]
        found = found[self.tokens[found + len(tokens) - 1] == tokens[-1]]  # the last token decides most
        if len(found):
            found = found[(self.tokens[found[:, None] + np.arange(len(tokens))] == tokens).all(axis=1)]
        return np.sort(found)

    def _table(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        if size not in self._tables:
            keys = self._keys(self.tokens, size)
            order = np.argsort(keys, kind="stable")
            self._tables[size] = keys[order], order
        return self._tables[size]

    def _keys(self, tokens: np.ndarray, size: int) -> np.ndarray:
        count = len(tokens) - size + 1
        keys = np.zeros(count, dtype=np.int64)
        for k in range(size):
            keys = keys * 1_000_003 + tokens[k : k + count]  # wraps around; candidates are compared token by token
        return keys

    def relation(self, a: str, b: str) -> str:
        """Return ``"next"``, ``"far"``, ``"near"`` or ``"absent"``.

        near: B begins up to `REACH` tokens after the end of A in the same document, and one of the two is no whole
        single sentence: text may have been trimmed between them, so that nobody can tell.
        absent: A or B is not in any document, word for word.
        """
        at_a, at_b = self.places(a), self.places(b)
        if len(at_a) == 0 or len(at_b) == 0:
            return ABSENT
        ends = at_a + len(self.read(a))
        after = np.searchsorted(at_b, ends)
        there = after < len(at_b)
        gaps = at_b[after[there]] - ends[there]
        if (gaps == 0).any():
            return NEXT
        same = self.document[at_b[after[there]]] == self.document[at_a[there]]
        if (same & (gaps <= REACH)).any() and not (self._single(a) and self._single(b)):
            return NEAR
        return FAR

    def _single(self, text: str) -> bool:
        """Whether a text is exactly one sentence somewhere."""
        size = len(self.read(text))
        for place in self.places(text)[:20]:
            end = place + size
            whole = self.starts[end] or self.tokens[end] == -1
            if self.starts[place] and whole and not self.starts[place + 1 : end].any():
                return True
        return False


def relations(index: TextIndex, pairs: Sequence) -> np.ndarray:
    """Return the relation of each pair as an array of str."""
    return np.array([index.relation(pair.sentence_a, pair.sentence_b) for pair in pairs], dtype="U6")


def spread(pairs: Sequence, most: int = 1600) -> list:
    """Return pairs from all over a list, always the same ones, in their order; all if there are few."""
    if len(pairs) <= most:
        return list(pairs)
    chosen = np.random.default_rng(0).choice(len(pairs), most, replace=False)
    return [pairs[k] for k in np.sort(chosen)]


def sample(pairs: Sequence, most: int = 1600) -> Any:
    """Return a stretch of pairs from the middle of a list; all if there are few.

    A stretch shows which row belongs to which. Where it is not like the whole list, as in a file that is sorted by
    label, pairs from all over the list are returned.
    """
    if len(pairs) <= most:
        return list(pairs)
    start = (len(pairs) - most) // 2
    stretch = list(pairs[start : start + most])
    shares = [float(np.mean([pair.label for pair in some])) for some in (stretch, pairs)]
    alike = abs(shares[0] - shares[1]) < 0.05 and (0 < shares[0] < 1 or shares[0] == shares[1])
    return stretch if alike else spread(pairs, most)
