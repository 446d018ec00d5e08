"""From token ids to h_cls. `BagEncoder` here is the fast laboratory; `nsputil.bert.BertEncoder` is the Transformer.

An encoder has ``parameters`` (a dict of named arrays), ``width`` (of h_cls), ``forward(batch, rng=None)`` that returns
``(h_cls, cache)``, and ``backward(dh_cls, cache)`` that returns the gradients of its parameters by name. With a
generator `forward` may drop units, as in training; without one it is deterministic. Anything with these plugs into
`nsputil.model.NSPModel`. Introduced in notebook 07.
"""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np

from nsputil.heads import check_width
from nsputil.tokenization import SPECIAL_TOKENS


@dataclass(frozen=True)
class RowGradient:
    """The gradient of a large table of which a batch touches few rows.

    Attributes
    ----------
    rows : ndarray of int
        Distinct, ascending.
    values : ndarray, shape (len(rows), width)
    """

    rows: np.ndarray
    values: np.ndarray

    def dense(self, shape):
        """Return the whole gradient, zeros included."""
        full = np.zeros(shape, self.values.dtype)
        full[self.rows] = self.values
        return full


#: What `BagEncoder.forward` keeps: `WordCounts`, the two mean vectors scaled to length 1 and their lengths before that,
#: what the overlap needs, and the common factor.
BagCache = namedtuple("BagCache", "words unit lengths overlap scale")
#: The weighted counts scaled to length 1, the lengths before that, the overlap of each pair.
OverlapCache = namedtuple("OverlapCache", "unit lengths overlap")


class BagEncoder:
    """Each text is the mean of its word vectors; h_cls compares the two means. Word order is not seen.

    With u and v the means of A and B, scaled to length 1, ``h_cls = [u * v, |u - v|, u, v, u.v, o] * sqrt(dim)``; o is
    the cosine of A and B as weighted counts of words, so it sees shared words, where the vectors see shared company.

    Parameters
    ----------
    embeddings : ndarray, shape (vocabulary, dim)
        The word vectors at the start, copied; `ppmi_embeddings` gives good ones, a generator's numbers poor ones.
    weights : ndarray, shape (vocabulary,), optional
        How much each word counts in the overlap at the start; `idf_weights` gives them. Ones if left out.
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

    def __init__(self, embeddings, weights=None, dtype=np.float32, word_dropout=0.0):
        embeddings = np.array(embeddings, dtype=dtype)
        if embeddings.ndim != 2 or not np.isfinite(embeddings).all():
            raise ValueError(f"embeddings have shape {embeddings.shape}; expected a matrix of finite numbers")
        if not 0 <= word_dropout < 1:
            raise ValueError(f"word_dropout is {word_dropout}; expected a fraction in [0, 1)")
        weights = np.ones(len(embeddings), dtype) if weights is None else np.array(weights, dtype=dtype)
        if weights.shape != embeddings.shape[:1]:
            raise ValueError(f"weights have shape {weights.shape}; expected {embeddings.shape[:1]}, one for each word")
        self.parameters = {"embeddings": embeddings, "weights": weights[:, None]}
        self.word_dropout = word_dropout
        self.options = {"word_dropout": word_dropout, "dtype": embeddings.dtype.name}
        self.width = 4 * embeddings.shape[1] + 2

    def forward(self, batch, rng=None):
        """Return ``(h_cls, cache)``; h_cls has shape (batch, 4 dim + 2).

        Parameters
        ----------
        batch : EncodedPairs
        rng : numpy.random.Generator, optional
            Only for `word_dropout`.
        """
        here = batch.attention_mask.astype(bool)
        if rng is not None and self.word_dropout > 0:
            here &= rng.random(here.shape) >= self.word_dropout
        embeddings = self.parameters["embeddings"]
        half = np.stack([here & (batch.token_type_ids == segment) for segment in (0, 1)], axis=1)
        unit, lengths = _unit(half.astype(embeddings.dtype) @ embeddings[batch.input_ids])  # (batch, 2, dim)
        u, v = unit[:, 0], unit[:, 1]
        words = self._count(batch, here)
        overlap, overlap_cache = self._overlap(words, len(here))
        scale = embeddings.dtype.type(np.sqrt(embeddings.shape[1]))
        similar = np.einsum("ij,ij->i", u, v)[:, None]
        h_cls = np.concatenate([u * v, np.abs(u - v), u, v, similar, overlap[:, None]], axis=1) * scale
        return h_cls, BagCache(words, unit, lengths, overlap_cache, scale)

    def backward(self, dh_cls, cache):
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

    def _distinct(self, ids):
        """Return the distinct ids, and where among them each id stands."""
        place = np.zeros(len(self.parameters["embeddings"]), dtype=int)
        place[ids] = 1
        rows = np.flatnonzero(place)
        place[rows] = np.arange(len(rows))
        return rows, place[ids]

    def _count(self, batch, here):
        vocabulary = len(self.parameters["embeddings"])
        text = 2 * np.arange(len(here))[:, None] + batch.token_type_ids
        code = np.sort((text * vocabulary + batch.input_ids)[here])
        first = np.flatnonzero(np.diff(code, prepend=-1))
        code, count = code[first], np.diff(first, append=len(code))
        text, word = np.divmod(code, vocabulary)
        # The same word in the B of a pair has a code that is larger by one vocabulary.
        in_b = np.minimum(np.searchsorted(code, code + vocabulary), max(len(code) - 1, 0))
        shared = np.flatnonzero((code[in_b] == code + vocabulary) & (text % 2 == 0))
        return WordCounts(text, word, count.astype(self.parameters["embeddings"].dtype), shared, in_b[shared])

    def _overlap(self, words, size):
        """Return the cosine of A and B as weighted counts, 0 if one has none, and a cache."""
        weighted = words.count * self.parameters["weights"][words.id, 0]
        lengths = np.sqrt(np.bincount(words.text, weighted * weighted, minlength=2 * size)).astype(weighted.dtype)
        lengths = np.where(lengths > 0, lengths, 1)
        unit = weighted / lengths[words.text]
        common = unit[words.shared_a] * unit[words.shared_b]
        overlap = np.bincount(words.text[words.shared_a] // 2, common, minlength=size).astype(weighted.dtype)
        return overlap, OverlapCache(unit, lengths, overlap)

    def _overlap_backward(self, doverlap, words, cache):
        """Return the gradient in the weighted counts."""
        unit, lengths, overlap = cache.unit, cache.lengths, cache.overlap
        pair = words.text // 2
        dunit = -unit * overlap[pair]  # through the lengths
        dunit[words.shared_a] += unit[words.shared_b]
        dunit[words.shared_b] += unit[words.shared_a]
        return dunit * doverlap[pair] / lengths[words.text]


@dataclass(frozen=True)
class WordCounts:
    """Which words stand in which texts, ordered by text, then word. Text 2k is the A of pair k, text 2k + 1 its B.

    Attributes
    ----------
    text, id, count : ndarray, shape (entries,)
    shared_a, shared_b : ndarray of int
        Where the words that A and B of a pair share stand among the entries, once for A and once for B.
    """

    text: np.ndarray
    id: np.ndarray
    count: np.ndarray
    shared_a: np.ndarray
    shared_b: np.ndarray


def _sum_texts(values, words, row, size):
    """Return an array of so many rows: for each word the sum of the rows of `values` of the texts in which it stands.

    Most words of a batch stand in one text only, so there is nothing to sum; for the others one product does it.
    """
    summed = np.empty((size, values.shape[1]), values.dtype)
    often = np.bincount(row, minlength=size) > 1
    several = often[row]
    text, count = words.text, words.count
    summed[row[~several]] = values[text[~several]] * count[~several, None]
    place = np.cumsum(often) - 1
    counts = np.zeros((np.count_nonzero(often), len(values)), values.dtype)
    counts[place[row[several]], text[several]] = count[several]
    summed[often] = counts @ values
    return summed


def sum_rows(rows, values):
    """Return the `RowGradient` of values that belong to rows, some of which come more than once: equal ones are added.

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


def _unit(x):
    """Return the last axis of x scaled to length 1 (zeros stay zeros), and the lengths."""
    lengths = np.sqrt(np.einsum("...i,...i->...", x, x))[..., None]
    lengths = np.where(lengths > 0, lengths, 1)
    return x / lengths, lengths


def _unit_backward(dunit, unit, lengths):
    return (dunit - unit * np.einsum("...i,...i->...", dunit, unit)[..., None]) / lengths


def idf_weights(documents, vocabulary):
    """Return the inverse sentence frequency of each word, ``log(sentences / sentences that hold it)``.

    Parameters
    ----------
    documents : sequence of Document
    vocabulary : Vocabulary

    Returns
    -------
    ndarray, float64, shape (len(vocabulary),)
        0 for the special tokens; words that no sentence holds count like words that one sentence holds.
    """
    held, sentences = np.zeros(len(vocabulary)), 0
    for document in documents:
        found = [vocabulary.ids(sentence) for sentence in document.sentences]
        number = np.repeat(np.arange(len(found)), [len(ids) for ids in found])
        each = np.unique(number * len(vocabulary) + np.concatenate(found))  # a word once in each sentence
        held += np.bincount(each % len(vocabulary), minlength=len(vocabulary))
        sentences += len(found)
    weights = np.log(max(sentences, 1) / np.maximum(held, 1))
    weights[: len(SPECIAL_TOKENS)] = 0
    return weights


def ppmi_embeddings(documents, vocabulary, dim, rng, window=8, contexts=2000, smoothing=1e-3):
    """Return word vectors learned by counting: a truncated SVD of the positive pointwise mutual information.

    Words that keep the same company get similar vectors. Rare words get the vectors of chance, of the same length, by
    which a model can still see that A and B share one. Frequent words are made short, as they tell little.

    Parameters
    ----------
    documents : sequence of Document
        Training documents only.
    vocabulary : Vocabulary
    dim : int
    rng : numpy.random.Generator
    window : int
        A context is a word at most so many places away in the running text of a document.
    contexts : int
        The most frequent words that count as contexts.
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
    Introduced in notebook 07.
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


def _ppmi(counts):
    """Replace counts by max(0, log p(w, c) / (p(w) p(c))), in place.

    Computed in float64 and kept in float32: so each number is the same on every processor, and a quarter of a gigabyte
    is not needed.
    """
    total = counts.sum(dtype=np.float64)
    row = counts.sum(axis=1, keepdims=True, dtype=np.float64)
    column = counts.sum(axis=0, keepdims=True, dtype=np.float64) ** 0.75
    column *= total / column.sum()
    for rows in _blocks(len(counts)):
        with np.errstate(divide="ignore", invalid="ignore"):
            block = counts[rows] * (total / row[rows]) / column
            np.log(block, out=block)
        counts[rows] = np.fmax(block, 0)  # 0, too, where a word or a pair was never seen: fmax passes over nan
    return counts


def _blocks(count, size=1000):
    return [slice(start, start + size) for start in range(0, count, size)]


def _svd_vectors(matrix, dim, rng):
    """The left singular vectors times the square root of the singular values, by random projection, in float64."""

    def times(right):
        return np.concatenate([matrix[rows].astype(np.float64) @ right for rows in _blocks(len(matrix))])

    def transposed_times(left):
        return sum(matrix[rows].astype(np.float64).T @ left[rows] for rows in _blocks(len(matrix)))

    sketch = times(rng.standard_normal((matrix.shape[1], dim + 16)))
    for _ in range(3):
        sketch, _ = np.linalg.qr(sketch)
        sketch = times(transposed_times(sketch))
    basis, _ = np.linalg.qr(sketch)
    left, values, _ = np.linalg.svd(transposed_times(basis).T, full_matrices=False)
    vectors = basis @ left[:, :dim] * np.sqrt(values[:dim])
    # An SVD is free in the sign of each column; make the largest entry positive, so that it does not depend on LAPACK.
    return vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(dim)])
