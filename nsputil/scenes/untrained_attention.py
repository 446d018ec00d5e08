"""What attention sees before anything is trained, from two starts. Used by the exercises of notebook 07."""

import numpy as np

from nsputil._types import Floats
from nsputil.bert import BertEncoder
from nsputil.corpus import load_corpus
from nsputil.encoders import ppmi_embeddings
from nsputil.pairs import IS_NEXT, SentencePair
from nsputil.tokenization import Vocabulary, encode_pairs

WIDTH = 32


def attention_at_the_start(a: str, b: str) -> dict[str, tuple[float, float]]:
    """Look into the first layer of two Transformers that have not been trained at all.

    One starts from small random numbers. The other starts from counted word vectors, with queries and keys that are
    nearly a multiple of the identity.

    Parameters
    ----------
    a, b : str
        Two sentences with words in common.

    Returns
    -------
    dict of (float, float)
        By the names "from nothing" and "comparing": the mean attention weight, over both heads, that a word of A gives
        to the same word in B, and to another word of B.
    """
    documents = load_corpus("sotu")[::4]
    vocabulary = Vocabulary.from_documents(documents, max_size=3000)
    batch = encode_pairs([SentencePair(a, b, IS_NEXT, 0, 0, 0, 1)], vocabulary)
    ids, segments = batch.input_ids[0], batch.token_type_ids[0]
    is_word = ~np.isin(ids, [vocabulary.cls_id, vocabulary.sep_id, vocabulary.unk_id])
    from_a_to_b = np.outer(is_word & (segments == 0), is_word & (segments == 1))
    same_word = ids[:, None] == ids[None, :]
    word_vectors = ppmi_embeddings(documents, vocabulary, WIDTH, np.random.default_rng(0))
    encoders = {"from nothing": _encoder(vocabulary), "comparing": _comparing_encoder(vocabulary, word_vectors)}
    means = {}
    for start, encoder in encoders.items():
        weights = encoder.forward(batch)[1].layers[0].weights[0].mean(axis=0)
        means[start] = float(weights[from_a_to_b & same_word].mean()), float(weights[from_a_to_b & ~same_word].mean())
    return means


def _encoder(vocabulary: Vocabulary) -> BertEncoder:
    return BertEncoder(len(vocabulary), WIDTH, 2, 2, np.random.default_rng(7), 64, 96, np.float64)


def _comparing_encoder(vocabulary: Vocabulary, word_vectors: Floats) -> BertEncoder:
    encoder = _encoder(vocabulary)
    length = np.linalg.norm(word_vectors, axis=1, keepdims=True)
    encoder.tables["words"] += word_vectors / np.where(length > 0, length, 1)
    for part in ("query", "key"):
        encoder.layers[0].parts[part].parameters["weight"] += 1.5 * np.eye(WIDTH)
    return encoder
