"""Which words BERT hides, and what it shows instead: the data of masked language modeling (MLM).

Introduced in notebook 08.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from nsputil._types import Ints
from nsputil.tokenization import EncodedPairs, Vocabulary

#: Of the chosen words: shown as [MASK], left as they are, replaced by a word drawn from the whole vocabulary.
SHARES = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class MaskedPairs(EncodedPairs):
    """A batch in which some words are hidden; `input_ids` is what the model sees.

    Attributes
    ----------
    mlm_rows, mlm_places : ndarray of int, shape (count,)
        The positions whose word must be guessed: the pair, and the place in its row; in reading order.
    mlm_labels : ndarray of int, shape (count,)
        The ids of the words that were there.
    """

    mlm_rows: Ints
    mlm_places: Ints
    mlm_labels: Ints


def mask_tokens(
    batch: EncodedPairs,
    vocabulary: Vocabulary,
    rng: Generator,
    rate: float = 0.15,
    shares: tuple[float, float, float] = SHARES,
) -> MaskedPairs:
    """Hide words by BERT's rule: 15 % must be guessed; of these 80 % show [MASK], 10 % themselves, 10 % another word.

    Parameters
    ----------
    batch : EncodedPairs
    vocabulary : Vocabulary
    rng : numpy.random.Generator
    rate : float
        Of each row ``round(rate * tokens)`` words are chosen, at least one; [CLS] and [SEP] count as tokens here.
    shares : (float, float, float)
        Of [MASK], of the word itself and of a random word; they sum to 1.

    Returns
    -------
    MaskedPairs
        `batch` itself is not changed.

    Raises
    ------
    TypeError
        If an argument has another type.
    ValueError
        If `rate` is not in (0, 1], the shares are not probabilities, or no row holds a known word.

    Notes
    -----
    google-research/bert, create_pretraining_data.py, create_masked_lm_predictions. One thing differs: [UNK] is never
    chosen, because there is no word behind it to guess. BERT's word pieces hardly need [UNK]; whole words do.
    Introduced in notebook 08.
    """
    if not isinstance(batch, EncodedPairs):
        raise TypeError(f"batch is a {type(batch).__name__}; expected EncodedPairs, as encode_pairs gives")
    if not isinstance(vocabulary, Vocabulary):
        raise TypeError(f"vocabulary is a {type(vocabulary).__name__}; expected a Vocabulary")
    if not isinstance(rng, Generator):
        raise TypeError(f"rng is a {type(rng).__name__}; expected a generator such as numpy.random.default_rng(0)")
    if not 0 < rate <= 1:
        raise ValueError(f"rate is {rate}; expected a fraction above 0 and at most 1, such as 0.15")
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"shares are {shares}; expected three fractions that sum to 1, such as {SHARES}")
    ids = batch.input_ids
    special = [vocabulary.cls_id, vocabulary.sep_id, vocabulary.unk_id, vocabulary.mask_id]
    words = batch.attention_mask.astype(bool) & ~np.isin(ids, special)
    if not words.any():
        raise ValueError("no pair holds a word that the vocabulary knows, so there is nothing to guess")
    count = np.maximum(1, np.rint(rate * batch.attention_mask.sum(axis=1)))
    draws = np.where(words, rng.random(ids.shape), 2)
    rank = draws.argsort(axis=1).argsort(axis=1)  # 0 for the word with the smallest draw of its row
    rows, places = np.nonzero(words & (rank < count[:, None]))
    labels = ids[rows, places]
    coin = rng.random(len(rows))
    other = rng.integers(len(vocabulary), size=len(rows))
    masked = ids.copy()
    masked[rows, places] = np.where(
        coin < shares[0], vocabulary.mask_id, np.where(coin < shares[0] + shares[1], labels, other)
    )
    return MaskedPairs(masked, batch.token_type_ids, batch.attention_mask, batch.labels, rows, places, labels)
