"""Rows whose layout nobody tells: special tokens without a name, two texts apart, a dataset that gives other rows.

A row says nothing against its pair before it is known where its words are.
"""

from collections import Counter
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np

MOST = 4  # special tokens of a row
USUAL = 0.9  # of the rows hold each of them
KNOWN = 0.8  # of the arrays that are taken for a text hold one, or as many words as theirs
BEGIN = 5  # words by which a text is known
ASKED = 400  # different words that are looked up one by one
FEWEST = 40  # different words: of fewer none is said to be unknown
MANY_WORDS = 0.05  # of them: two words of a language may share a token, as two spellings do, and hardly more
TEXTS = 4000  # pairs whose words are looked up


def learn_special(words: Any, steps: Iterable, pairs: list) -> None:
    """Find special tokens that the tokenizer does not name: nearly all rows hold them, and no text ever."""
    rows = [row[row != 0] for step in steps if step.batch is not None and step.batch.input_ids is not None
            for row in np.asarray(step.batch.input_ids)]  # fmt: skip
    rows = [row for row in rows if len(row)]
    if len(rows) < 8 or min(words.cls_id, words.sep_id) >= 0 or not pairs:
        return
    texts: set[int] = set()
    for pair in pairs[:TEXTS]:
        texts |= {*words.ids(pair.sentence_a).tolist(), *words.ids(pair.sentence_b).tolist()}
    count = Counter(token for row in rows for token in set(row.tolist()) - texts)
    common = [token for token, n in count.items() if n > USUAL * len(rows)]
    rest = [token in texts for row in rows for token in row.tolist() if token not in common]
    if (
        not 0 < len(common) <= MOST or not rest or np.mean(rest) < 0.5
    ):  # or else the words are not those of the tokenizer
        return
    first = [token for token in common if np.mean([row[0] == token for row in rows]) > USUAL]
    later = [token for token in common if np.mean([token in row[1:] for row in rows]) > USUAL]
    if words.cls_id < 0 and first:
        words.cls_id = first[0]
    if words.sep_id < 0 and later:  # where two differ, the one that ends no row stands between the texts
        inside = [token for token in later if np.mean([token in row[1:-1] for row in rows]) > USUAL]
        words.sep_id = (inside or later)[0]
    words.more = frozenset(common) - {words.cls_id, words.sep_id}
    words.learned = True


def learn_unknown(words: Any, pairs: list) -> None:
    """Find the token of unknown words, where the tokenizer does not name it: many different words are all that one."""
    texts = [text for pair in pairs[:TEXTS] for text in (pair.sentence_a, pair.sentence_b)]
    different = sorted({word for text in texts for word in text.split() if word.isalpha()})
    chosen = different[:: max(1, len(different) // ASKED)]
    if words.unk_id >= 0 or len(chosen) < FEWEST:
        return
    alone = Counter(int(found[0]) for word in chosen if len(found := words.ids(word)) == 1)
    token, count = alone.most_common(1)[0] if alone else (-1, 0)
    if count > MANY_WORDS * len(chosen):
        words.unk_id = token


def apart(texts: tuple, words: Any) -> SimpleNamespace | None:
    """Return two arrays of words as one of both, A before B, with segment ids and a mask."""
    if len(texts) != 2 or words is None:
        return None
    ids = [words.exchanged(np.asarray(text)) for text in texts]
    sides = [np.full_like(array, k) for k, array in enumerate(ids)]
    whole = np.concatenate(ids, axis=1)
    mask = (whole != 0).astype(np.int64)
    return SimpleNamespace(
        input_ids=whole, token_type_ids=np.concatenate(sides, axis=1), attention_mask=mask, width=ids[0].shape[1]
    )


def texts_known(words: Any, steps: list, pairs: list) -> bool:
    """Whether two arrays that are taken for A and B hold texts of the pairs, or as many words as those of theirs."""
    begins = set()
    for pair in pairs:
        for text in (pair.sentence_a, pair.sentence_b):
            ids = tuple(words.ids(text).tolist())
            begins |= {ids[:BEGIN], ids[-BEGIN:]}
    hits: list[list[bool]] = [[], []]
    limits = [max((part != 0).sum(1).max() for part in parts) for parts in zip(
        *((s.batch.input_ids[:, : s.batch.width], s.batch.input_ids[:, s.batch.width :]) for s in steps), strict=True
    )]  # fmt: skip
    special = [0, words.cls_id, words.sep_id, *words.more]
    for step in steps:
        for k, row in enumerate(step.batch.input_ids):
            for side, part in enumerate((row[: step.batch.width], row[step.batch.width :])):
                own = tuple(part[~np.isin(part, special)].tolist())
                known = own[:BEGIN] in begins or own[-BEGIN:] in begins
                if not known and k < len(step.pairs):
                    pair = step.pairs[k]
                    whole = len(words.ids((pair.sentence_a, pair.sentence_b)[side]))
                    known = len(own) == min(whole, int(limits[side]))
                hits[side].append(known)
    return all(hit and np.mean(hit) > KNOWN for hit in hits)


def realigned(words: Any, steps: list, pairs: list) -> bool:
    """Put beside the rows of the steps the pairs that they show, if the dataset gives others than it is asked for.

    Only if nearly all rows show a pair that was given, with its label, and most of them another than that of their
    number. Rows and labels in different orders stay as they are.
    """
    index: dict[tuple, list] = {}
    for pair in pairs:
        whole = [*words.ids(pair.sentence_a)[:BEGIN].tolist(), *words.ids(pair.sentence_b)[:BEGIN].tolist()]
        index.setdefault(tuple(whole[:BEGIN]), []).append(pair)
    special = [0, words.cls_id, words.sep_id, words.mask_id, *words.more]
    found, count, other, right = [], 0, 0, 0
    for step in steps:
        if step.labels is None or len(step.pairs) != len(step.batch.input_ids):
            return False
        shown = []
        for ids, own, label in zip(step.batch.input_ids, step.pairs, step.labels, strict=False):
            row = tuple(ids[~np.isin(ids, special)].tolist())
            near = [pair for pair in index.get(row[:BEGIN], ()) if _begins(row, pair, words)]
            match = own if own in near else next((p for p in near if p.label == label), next(iter(near), None))
            count += 1
            if match is not None:
                other += match is not own
                right += match.label == int(label)
            shown.append(match)
        found.append((step, shown))
    if count < 8 or other < 0.3 * count or right < 0.97 * count:
        return False
    for step, shown in found:
        step.pairs = [match if match is not None else own for match, own in zip(shown, step.pairs, strict=True)]
    return True


def _begins(row: tuple, pair: Any, words: Any) -> bool:
    """Whether a row shows a pair: A whole and then the beginning of B, or as much of both as it holds."""
    a, b = (tuple(words.ids(text).tolist()) for text in (pair.sentence_a, pair.sentence_b))
    if row == a + b:
        return True
    return any(row[:k] == a[:k] and row[k:] == b[: len(row) - k] for k in range(min(len(row) - 1, len(a)), 0, -1))
