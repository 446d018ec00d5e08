"""From token ids to h_cls. `BagEncoder` is small, for fast experiments; `nsputil.bert.BertEncoder` is a Transformer.

Any object with the members of `Encoder` can be the encoder of an `nsputil.model.NSPModel`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nsputil._types import Bools, Floats, Ints
from nsputil.corpus import Document
from nsputil.heads import Cache, check_width
from nsputil.tokenization import SPECIAL_TOKENS, EncodedPairs, Vocabulary


@dataclass(frozen=True)
class RowGradient:
    """The gradient of a large table of which a batch uses few rows.

    Attributes
    ----------
    rows : ndarray of int
        Distinct, ascending.
    values : ndarray, shape (len(rows), width)
    """

    rows: Ints
    values: Floats

    def dense(self, shape: tuple[int, ...]) -> Floats:
        """Return the whole gradient, zeros included."""
        full = np.zeros(shape, self.values.dtype)
        full[self.rows] = self.values
        return full


Gradient = Floats | RowGradient


class Encoder(Protocol):
    """The interface of an encoder: what `nsputil.model.NSPModel` and training use of it.

    Attributes
    ----------
    width : int
        Of h_cls.
    parameters : dict of ndarray
        By name. Training changes the arrays in place.
    """

    width: int

    @property
    def parameters(self) -> dict[str, Floats]: ...

    def forward(self, batch: EncodedPairs, rng: Generator | None = None) -> tuple[Floats, Cache]:
        """Return ``(h_cls, cache)``; h_cls has shape (batch, width).

        With a generator it may drop units, as in training; without one it is deterministic.
        """

    def backward(self, dh_cls: Floats, cache: Cache) -> Mapping[str, Gradient]:
        """Return the gradients of the parameters by name, from the gradient in h_cls."""


@dataclass(frozen=True)
class WordCounts:
    """How often each word occurs in each text, ordered by text, then word. Pair k has texts 2k (A) and 2k + 1 (B).

    Attributes
    ----------
    text, id, count : ndarray, shape (entries,)
    shared_a, shared_b : ndarray of int
        The entries of the words that A and B of a pair share: those of A, and those of B in the same order.
    """

    text: Ints
    id: Ints
    count: Floats
    shared_a: Ints
    shared_b: Ints


class OverlapCache(NamedTuple):
    """The weighted counts scaled to length 1, the lengths before that, the overlap of each pair."""

    unit: Floats
    lengths: Floats
    overlap: Floats


class BagCache(NamedTuple):
    """What `BagEncoder.forward` keeps."""

    words: WordCounts
    unit: Floats  # the two mean vectors scaled to length 1, (batch, 2, dim)
    lengths: Floats  # their lengths before that
    overlap: OverlapCache
    scale: np.floating  # the common factor, sqrt(dim)


class BagEncoder:
    """Each text is the mean of its word vectors; h_cls compares the two means. Word order does not matter.

    With u and v the means of A and B, scaled to length 1, ``h_cls = [u * v, |u - v|, u, v, u.v, o] * sqrt(dim)``; o is
    the cosine of A and B as weighted counts of words. It sees the words that A and B share; the vectors also see words
    that are used in similar contexts.

    Parameters
    ----------
    embeddings : ndarray, shape (vocabulary, dim)
        The word vectors at the start, copied; `ppmi_embeddings` gives good ones, random numbers poor ones.
    weights : ndarray, shape (vocabulary,), optional
        How much each word counts in the overlap at the start; `idf_weights` gives them. All 1 if left out.
    dtype : numpy dtype
        float32 or float64.
    word_dropout : float
        Fraction of the words that a training step leaves out, in [0, 1).

    Raises
    ------
    ValueError
        If `embeddings` is not a matrix of finite numbers, `weights` do not fit it, or `word_dropout` is not in [0, 1).
    """

    attends = False

    def __init__(
        self,
        embeddings: ArrayLike,
        weights: ArrayLike | None = None,
        dtype: DTypeLike = np.float32,
        word_dropout: float = 0.0,
    ) -> None:
        embeddings = np.array(embeddings, dtype=dtype)
        if embeddings.ndim != 2 or not np.isfinite(embeddings).all():
            raise ValueError(f"embeddings have shape {embeddings.shape}; expected a matrix of finite numbers")
        if not 0 <= word_dropout < 1:
            raise ValueError(f"word_dropout is {word_dropout}; expected a fraction in [0, 1)")
        weights = np.ones(len(embeddings), dtype) if weights is None else np.array(weights, dtype=dtype)
        if weights.shape != embeddings.shape[:1]:
            raise ValueError(f"weights have shape {weights.shape}; expected {embeddings.shape[:1]}, one for each word")
        self.parameters: dict[str, Floats] = {"embeddings": embeddings, "weights": weights[:, None]}
        self.word_dropout = word_dropout
        self.options = {"word_dropout": word_dropout, "dtype": embeddings.dtype.name}
        self.width = 4 * embeddings.shape[1] + 2

    def forward(self, batch: EncodedPairs, rng: Generator | None = None) -> tuple[Floats, BagCache]:
        """Return ``(h_cls, cache)``; h_cls has shape (batch, 4 dim + 2).

        Parameters
        ----------
        batch : EncodedPairs
        rng : numpy.random.Generator, optional
            Only for `word_dropout`.
        """
        visible = batch.attention_mask.astype(bool)
        if rng is not None and self.word_dropout > 0:
            visible &= rng.random(visible.shape) >= self.word_dropout
        embeddings = self.parameters["embeddings"]
        in_text = np.stack([visible & (batch.token_type_ids == segment) for segment in (0, 1)], axis=1)
        unit, lengths = _unit(in_text.astype(embeddings.dtype) @ embeddings[batch.input_ids])  # (batch, 2, dim)
        u, v = unit[:, 0], unit[:, 1]
        words = self._count(batch, visible)
        overlap, overlap_cache = self._overlap(words, len(visible))
        scale = embeddings.dtype.type(np.sqrt(embeddings.shape[1]))
        similar = np.einsum("ij,ij->i", u, v)[:, None]
        h_cls = np.concatenate([u * v, np.abs(u - v), u, v, similar, overlap[:, None]], axis=1) * scale
        return h_cls, BagCache(words, unit, lengths, overlap_cache, scale)

    def backward(self, dh_cls: Floats, cache: BagCache) -> dict[str, RowGradient]:
        """Return ``{"embeddings": RowGradient, "weights": RowGradient}``."""
        words, unit, lengths, overlap_cache, scale = cache.words, cache.unit, cache.lengths, cache.overlap, cache.scale
        u, v = unit[:, 0], unit[:, 1]
        dim = u.shape[1]
        dproduct, ddifference, du, dv, dsimilar, doverlap = np.split(
            dh_cls * scale, [dim, 2 * dim, 3 * dim, 4 * dim, 4 * dim + 1], axis=1
        )
        dproduct = dproduct + dsimilar
        ddifference = ddifference * np.sign(u - v)
        dunit = np.stack([du + dproduct * v + ddifference, dv + dproduct * u - ddifference], axis=1)
        dsums = _unit_backward(dunit, unit, lengths).reshape(-1, dim)
        dweights = self._overlap_backward(doverlap[:, 0], words, overlap_cache) * words.count
        rows, row = self._distinct(words.id)
        summed = np.bincount(row, dweights, minlength=len(rows)).astype(dsums.dtype)
        return {
            "embeddings": RowGradient(rows, _sum_texts(dsums, words, row, len(rows))),
            "weights": RowGradient(rows, summed[:, None]),
        }

    def _distinct(self, ids: Ints) -> tuple[Ints, Ints]:
        """Return the distinct ids, and the index of each id among them."""
        index = np.zeros(len(self.parameters["embeddings"]), dtype=int)
        index[ids] = 1
        rows = np.flatnonzero(index)
        index[rows] = np.arange(len(rows))
        return rows, index[ids]

    def _count(self, batch: EncodedPairs, visible: Bools) -> WordCounts:
        vocabulary = len(self.parameters["embeddings"])
        text = 2 * np.arange(len(visible))[:, None] + batch.token_type_ids
        code = np.sort((text * vocabulary + batch.input_ids)[visible])
        first = np.flatnonzero(np.diff(code, prepend=-1))
        code, count = code[first], np.diff(first, append=len(code))
        text, word = np.divmod(code, vocabulary)
        # The same word in the B of a pair has a code that is larger by one vocabulary.
        in_b = np.minimum(np.searchsorted(code, code + vocabulary), max(len(code) - 1, 0))
        shared = np.flatnonzero((code[in_b] == code + vocabulary) & (text % 2 == 0))
        return WordCounts(text, word, count.astype(self.parameters["embeddings"].dtype), shared, in_b[shared])

    def _overlap(self, words: WordCounts, size: int) -> tuple[Floats, OverlapCache]:
        """Return the cosine of A and B as weighted counts (0 if a text has no word) and a cache."""
        weighted = words.count * self.parameters["weights"][words.id, 0]
        lengths = np.sqrt(np.bincount(words.text, weighted * weighted, minlength=2 * size)).astype(weighted.dtype)
        lengths = np.where(lengths > 0, lengths, 1)
        unit = weighted / lengths[words.text]
        common = unit[words.shared_a] * unit[words.shared_b]
        overlap = np.bincount(words.text[words.shared_a] // 2, common, minlength=size).astype(weighted.dtype)
        return overlap, OverlapCache(unit, lengths, overlap)

    def _overlap_backward(self, doverlap: Floats, words: WordCounts, cache: OverlapCache) -> Floats:
        """Return the gradient in the weighted counts."""
        unit, lengths, overlap = cache.unit, cache.lengths, cache.overlap
        pair = words.text // 2
        dunit = -unit * overlap[pair]  # through the lengths
        dunit[words.shared_a] += unit[words.shared_b]
        dunit[words.shared_b] += unit[words.shared_a]
        return dunit * doverlap[pair] / lengths[words.text]


def _sum_texts(values: Floats, words: WordCounts, row: Ints, size: int) -> Floats:
    """Return an array of `size` rows: for each word the sum of the rows of `values` of the texts in which it occurs.

    Most words of a batch occur in one text only, so there is nothing to sum; the others are summed by one product.
    """
    summed = np.empty((size, values.shape[1]), values.dtype)
    in_several = np.bincount(row, minlength=size) > 1  # for each word
    several = in_several[row]  # for each entry
    text, count = words.text, words.count
    summed[row[~several]] = values[text[~several]] * count[~several, None]
    index = np.cumsum(in_several) - 1
    counts = np.zeros((np.count_nonzero(in_several), len(values)), values.dtype)
    counts[index[row[several]], text[several]] = count[several]
    summed[in_several] = counts @ values
    return summed


def sum_rows(rows: Ints, values: Floats) -> RowGradient:
    """Return the `RowGradient` of values that belong to rows; the values of a row that comes more than once are added.

    Parameters
    ----------
    rows : ndarray of int, shape (count,)
    values : ndarray, shape (count, width)
    """
    if len(rows) == 0:
        return RowGradient(rows, values)
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    return RowGradient(rows[starts], np.add.reduceat(values[order], starts, axis=0))


def _unit(x: Floats) -> tuple[Floats, Floats]:
    """Return the last axis of x scaled to length 1 (zeros stay zeros), and the lengths."""
    lengths = np.sqrt(np.einsum("...i,...i->...", x, x))[..., None]
    lengths = np.where(lengths > 0, lengths, 1)
    return x / lengths, lengths


def _unit_backward(dunit: Floats, unit: Floats, lengths: Floats) -> Floats:
    return (dunit - unit * np.einsum("...i,...i->...", dunit, unit)[..., None]) / lengths


def idf_weights(documents: Sequence[Document], vocabulary: Vocabulary) -> Floats:
    """Return the inverse sentence frequency of each word, ``log(sentences / sentences that hold it)``.

    Parameters
    ----------
    documents : sequence of Document
    vocabulary : Vocabulary

    Returns
    -------
    ndarray, float64, shape (len(vocabulary),)
        0 for the special tokens; a word in no sentence counts like a word in one sentence.
    """
    sentences_with, total = np.zeros(len(vocabulary)), 0
    for document in documents:
        ids = [vocabulary.ids(sentence) for sentence in document.sentences]
        number = np.repeat(np.arange(len(ids)), [len(sentence) for sentence in ids])
        code = np.unique(number * len(vocabulary) + np.concatenate(ids))  # a word once in each sentence
        sentences_with += np.bincount(code % len(vocabulary), minlength=len(vocabulary))
        total += len(ids)
    weights = np.log(max(total, 1) / np.maximum(sentences_with, 1))
    weights[: len(SPECIAL_TOKENS)] = 0
    return weights


def ppmi_embeddings(
    documents: Sequence[Document],
    vocabulary: Vocabulary,
    dim: int,
    rng: Generator,
    window: int = 8,
    contexts: int = 2000,
    smoothing: float = 1e-3,
) -> Floats:
    """Return word vectors learned by counting: a truncated SVD of the positive pointwise mutual information.

    Words with similar neighbors get similar vectors. A word too rare to have a vector gets a random one of the same
    length, so that a model can still see that A and B share it. Frequent words get short vectors, as they tell little.

    Parameters
    ----------
    documents : sequence of Document
        Training documents only.
    vocabulary : Vocabulary
    dim : int
    rng : numpy.random.Generator
    window : int
        A context is a word at most this many tokens away in the running text of a document.
    contexts : int
        How many words, the most frequent ones, count as contexts.
    smoothing : float
        A word of relative frequency f gets a vector of length smoothing / (smoothing + f) (Arora et al. 2017).

    Returns
    -------
    ndarray, float64, shape (len(vocabulary), dim)
        The rows of the special tokens are 0.

    Raises
    ------
    ValueError
        If `dim` is not a positive integer below the number of contexts.

    Notes
    -----
    PPMI and SVD: Levy and Goldberg 2014. The SVD is the randomized one of Halko et al. 2011, with four passes.
    """
    check_width("dim", dim)
    special = len(SPECIAL_TOKENS)
    size = len(vocabulary)
    columns = min(contexts, size - special)
    if dim >= columns:
        raise ValueError(f"dim is {dim}; expected less than the {columns} context words")
    counts = np.zeros((size, columns), np.float32)
    flat, one = counts.reshape(-1), np.float32(1)
    frequency = np.zeros(size)
    for document in documents:
        text = np.concatenate([vocabulary.ids(sentence) for sentence in document.sentences])
        frequency += np.bincount(text, minlength=size)
        for distance in range(1, min(window, len(text) - 1) + 1):
            left, right = text[:-distance], text[distance:]
            for word, context in ((left, right), (right, left)):
                near = (context >= special) & (context < special + columns) & (word >= special)
                np.add.at(flat, word[near] * columns + (context[near] - special), one)
    vectors = _svd_vectors(_ppmi(counts), dim, rng)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    chance = rng.standard_normal(vectors.shape)
    chance /= np.linalg.norm(chance, axis=1, keepdims=True)
    vectors = np.where(length > 0, vectors / np.where(length > 0, length, 1), chance)
    vectors *= (smoothing / (smoothing + frequency / frequency.sum()))[:, None]
    vectors[:special] = 0
    return vectors


def _ppmi(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace counts by max(0, log p(w, c) / (p(w) p(c))), in place.

    Computed in float64, so that each number is the same on every processor, and stored in float32, which saves a
    quarter of a gigabyte.
    """
    total = counts.sum(dtype=np.float64)
    row = counts.sum(axis=1, keepdims=True, dtype=np.float64)
    column = counts.sum(axis=0, keepdims=True, dtype=np.float64) ** 0.75
    column *= total / column.sum()
    for rows in _blocks(len(counts)):
        with np.errstate(divide="ignore", invalid="ignore"):
            block = counts[rows] * (total / row[rows]) / column
            np.log(block, out=block)
        counts[rows] = np.fmax(block, 0)  # also 0 for a word or a pair that never occurs: fmax ignores nan
    return counts


def _blocks(count: int, size: int = 1000) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]


def _svd_vectors(matrix: NDArray[np.float32], dim: int, rng: Generator) -> Floats:
    """The left singular vectors times the square root of the singular values, by random projection, in float64."""

    def times(right: Floats) -> Floats:
        return np.concatenate([matrix[rows].astype(np.float64) @ right for rows in _blocks(len(matrix))])

    def transposed_times(left: Floats) -> Floats:
        return np.asarray(sum(matrix[rows].astype(np.float64).T @ left[rows] for rows in _blocks(len(matrix))))

    sketch = times(rng.standard_normal((matrix.shape[1], dim + 16)))
    for _ in range(3):
        sketch, _ = np.linalg.qr(sketch)
        sketch = times(transposed_times(sketch))
    basis, _ = np.linalg.qr(sketch)
    left, values, _ = np.linalg.svd(transposed_times(basis).T, full_matrices=False)
    vectors = basis @ left[:, :dim] * np.sqrt(values[:dim])
    # An SVD is free in the sign of each column; make the largest entry positive, so that it does not depend on LAPACK.
    return vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(dim)])
