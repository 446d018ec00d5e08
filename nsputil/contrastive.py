"""Contrastive learning: the gold B among the Bs of a batch. The same loss, one class for each candidate.

    scores[i, j] = scale * (a_i . b_j),     loss = mean over i of -log softmax(scores[i])[i]

Known as InfoNCE. The gradient in the scores is ``p - y`` again. Introduced in notebook 12.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from nsputil._types import Floats
from nsputil.losses import log_softmax
from nsputil.tokenization import Vocabulary


class CandidateGradients(NamedTuple):
    """The gradients of `candidate_loss_and_grad`: in the vectors of A and of B, (batch, width), and in the scale."""

    a: Floats
    b: Floats
    scale: float


def candidate_loss_and_grad(a: ArrayLike, b: ArrayLike, scale: float = 1.0) -> tuple[float, CandidateGradients]:
    """Return the mean loss of finding the b that belongs to each a among all b of the batch, and its gradients.

    Parameters
    ----------
    a, b : array_like of float, shape (batch, width)
        Row i of `b` belongs to row i of `a`; the other rows are its wrong candidates.
    scale : float
        A factor of the scores, 1 / temperature; positive.

    Returns
    -------
    loss : float
        In nats; ``log(batch)`` if all scores are equal.
    gradients : CandidateGradients

    Raises
    ------
    ValueError
        If the shapes differ or are not (batch, width), a value is not finite, or the scale is not positive.

    Notes
    -----
    van den Oord, Li and Vinyals, arXiv 1807.03748, equation 4. Introduced in notebook 12.

    Examples
    --------
    >>> loss, _ = candidate_loss_and_grad([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]])
    >>> round(loss, 4)
    0.3133
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.ndim != 2 or a.shape != b.shape or len(a) == 0:
        raise ValueError(f"a has shape {a.shape} and b {b.shape}; expected (batch, width) twice")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a or b holds NaN or infinity; expected finite numbers")
    if not scale > 0:
        raise ValueError(f"scale is {scale}; expected a positive number")
    products = a @ b.T
    log_p = log_softmax(scale * products)
    slope = (np.exp(log_p) - np.eye(len(a))) / len(a)  # p - y, and the mean
    gradients = CandidateGradients(scale * slope @ b, scale * slope.T @ a, float((slope * products).sum()))
    return float(-np.diag(log_p).mean()), gradients


def candidate_ranks(a: ArrayLike, b: ArrayLike, candidates: int, rng: Generator) -> tuple[Floats, Floats]:
    """Return, for each a, its loss and whether its own b wins among drawn candidates.

    Parameters
    ----------
    a, b : array_like of float, shape (count, width)
        Scores are products of rows; multiply `a` by the scale before.
    candidates : int
        How many b there are for each a, its own among them.
    rng : numpy.random.Generator
        Draws the others, from all of `b` but its own.

    Returns
    -------
    losses : ndarray, shape (count,)
        In nats.
    right : ndarray of float, shape (count,)
        1 where its own b has the highest score; a tie is shared among the winners.

    Raises
    ------
    ValueError
        If there are fewer than two candidates or more than rows.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if not 2 <= candidates <= len(b):
        raise ValueError(f"candidates is {candidates}; expected 2 to {len(b)}")
    others = (np.arange(len(a))[:, None] + rng.integers(1, len(b), (len(a), candidates - 1))) % len(b)
    shown = np.concatenate([np.arange(len(a))[:, None], others], axis=1)
    scores = np.einsum("iw,ikw->ik", a, b[shown])
    best = scores.max(axis=1, keepdims=True)
    right = (scores[:, 0] == best[:, 0]) / (scores == best).sum(axis=1)
    return -log_softmax(scores)[:, 0], right


def text_vectors(texts: Sequence[str], vocabulary: Vocabulary, embeddings: Floats) -> Floats:
    """Return the mean of the word vectors of each text, scaled to length 1.

    Parameters
    ----------
    texts : sequence of str
    vocabulary : Vocabulary
    embeddings : ndarray, shape (len(vocabulary), width)

    Returns
    -------
    ndarray, float64, shape (len(texts), width)
        Zeros for a text without a vector.
    """
    vectors = np.zeros((len(texts), embeddings.shape[1]))
    for number, text in enumerate(texts):
        vectors[number] = embeddings[vocabulary.ids(text)].astype(np.float64).sum(axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
