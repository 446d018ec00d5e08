import os
import subprocess
import sys

import numpy as np
import pytest

from nsputil.bert import BertEncoder
from nsputil.corpus import Document, load_corpus
from nsputil.encoders import BagEncoder, RowGradient, idf_weights, ppmi_embeddings
from nsputil.gradcheck import check_gradient
from nsputil.optimizers import values
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair
from nsputil.tokenization import Vocabulary, encode_pairs

DOCUMENTS = [
    Document("a", ("The cat sat on the mat.", "It saw a dog and a cat.", "The dog ran.")),
    Document("b", ("Taxes rise when budgets fail.", "The budget failed again.", "Taxes rose.")),
]
VOCABULARY = Vocabulary.from_documents(DOCUMENTS)
PAIRS = [
    SentencePair("The cat sat on the mat.", "It saw a dog and a cat.", IS_NEXT, 0, 0, 0, 1),
    SentencePair("Taxes rose.", "The dog ran.", NOT_NEXT, 1, 0, 2, 2),
    SentencePair("The budget failed again.", "Taxes rose.", IS_NEXT, 1, 1, 1, 2),
]
BATCH = encode_pairs(PAIRS, VOCABULARY)


def bag(**options):
    rng = np.random.default_rng(0)
    size = len(VOCABULARY)
    return BagEncoder(rng.standard_normal((size, 3)), rng.random(size) + 0.5, dtype=np.float64, **options)


def bert(**options):
    return BertEncoder(len(VOCABULARY), 8, 2, 2, np.random.default_rng(0), dtype=np.float64, std=0.4, **options)


@pytest.mark.parametrize("make", [bag, bert])
def test_every_gradient_against_finite_differences(make):
    encoder = make()
    h_cls, cache = encoder.forward(BATCH)
    assert h_cls.shape == (3, encoder.width)
    direction = np.random.default_rng(1).standard_normal(h_cls.shape)
    gradients = encoder.backward(direction, cache)
    assert set(gradients) == set(encoder.parameters)
    for name, gradient in gradients.items():
        array = encoder.parameters[name]
        gradient = gradient.dense(array.shape) if isinstance(gradient, RowGradient) else gradient
        kept = array.copy()

        def at(value, array=array, kept=kept):
            array[...] = value
            result = float((encoder.forward(BATCH)[0] * direction).sum())
            array[...] = kept
            return result

        check = check_gradient(at, kept, gradient, tolerance=1e-6)
        assert check.ok, (name, check)


@pytest.mark.parametrize("make", [bag, bert])
def test_padding_changes_nothing(make):
    encoder = make()
    alone = encode_pairs(PAIRS[1:2], VOCABULARY)
    assert alone.input_ids.shape[1] < BATCH.input_ids.shape[1]
    np.testing.assert_allclose(encoder.forward(alone)[0][0], encoder.forward(BATCH)[0][1], atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: bag(word_dropout=0.5),
        lambda: bert(dropout=0.5),
        lambda: bert(attention_dropout=0.5),
        lambda: bert(word_dropout=0.5),
    ],
)
def test_dropout_only_with_a_generator(make):
    encoder = make()
    still = encoder.forward(BATCH)[0]
    np.testing.assert_array_equal(still, encoder.forward(BATCH)[0])
    dropped = encoder.forward(BATCH, np.random.default_rng(1))[0]
    assert not np.allclose(still, dropped)
    np.testing.assert_array_equal(dropped, encoder.forward(BATCH, np.random.default_rng(1))[0])


@pytest.mark.parametrize("name", ["layer0.up.weight", "layer0.query.weight", "layer0.value.weight"])
def test_dropout_of_bert_has_the_right_gradient(name):
    encoder = bert(dropout=0.3, attention_dropout=0.4, word_dropout=0.2)
    direction = np.random.default_rng(1).standard_normal((3, 8))
    _, cache = encoder.forward(BATCH, np.random.default_rng(5))
    gradient = encoder.backward(direction, cache)[name]
    array = encoder.parameters[name]
    kept = array.copy()

    def at(value):
        array[...] = value
        result = float((encoder.forward(BATCH, np.random.default_rng(5))[0] * direction).sum())
        array[...] = kept
        return result

    assert check_gradient(at, kept, gradient).ok


def test_the_gradient_from_cls_alone_is_that_from_all_places_with_zeros():
    for options in ({}, {"dropout": 0.3, "attention_dropout": 0.4}):
        encoder = bert(**options)
        direction = np.random.default_rng(1).standard_normal((3, 8))
        _, cache = encoder.forward(BATCH, np.random.default_rng(5))
        full = encoder.backward(direction, cache, np.zeros_like(cache.hidden))
        for name, gradient in encoder.backward(direction, cache).items():
            np.testing.assert_allclose(values(gradient), values(full[name]), atol=1e-13, err_msg=name)


@pytest.mark.parametrize("scale", [30.0, -30.0])
def test_large_scores_neither_overflow_nor_vanish(scale):
    encoder = BertEncoder(len(VOCABULARY), 8, 2, 2, np.random.default_rng(0), std=0.4)  # float32
    for layer in encoder.layers:
        for part in ("query", "key"):
            layer.parts[part].parameters["bias"] += 1
            layer.parts[part].parameters["weight"] *= scale
    h_cls, cache = encoder.forward(BATCH)
    assert np.isfinite(h_cls).all()
    np.testing.assert_allclose(cache.layers[0].weights.sum(axis=-1), 1, atol=1e-5)
    exact = BertEncoder(len(VOCABULARY), 8, 2, 2, np.random.default_rng(0), dtype=np.float64)
    for name, array in exact.parameters.items():
        array[...] = encoder.parameters[name]
    np.testing.assert_allclose(h_cls, exact.forward(BATCH)[0], atol=1e-2)
    q, k = cache.layers[0].q, cache.layers[0].k
    assert np.abs(q @ k.transpose(0, 1, 3, 2)).max() > 90  # exp of it is no float32


def test_an_empty_side_stays_finite():
    encoder = bag()
    blank = encode_pairs(PAIRS, Vocabulary(["unseen"]))
    h_cls, cache = BagEncoder(np.zeros((6, 3)), dtype=np.float64).forward(blank)
    assert np.isfinite(h_cls).all()
    assert np.isfinite(encoder.backward(np.ones((3, encoder.width)), encoder.forward(BATCH)[1])["weights"].values).all()


VECTORS = """
import sys
import numpy as np
from nsputil.corpus import load_corpus
from nsputil.encoders import ppmi_embeddings
from nsputil.tokenization import Vocabulary
documents = load_corpus("factbook")[:60]
vectors = ppmi_embeddings(documents, Vocabulary.from_documents(documents), 16, np.random.default_rng(0))
sys.stdout.buffer.write(vectors.tobytes())
"""


def test_ppmi_is_the_same_on_another_processor():
    """What differs at the start is a thousand times larger after a training, and then it is printed."""
    found = []
    for processor in ("Haswell", "Nehalem"):  # kernels of OpenBLAS; where it knows no such name, its own choice
        environment = os.environ | {"OPENBLAS_CORETYPE": processor}
        done = subprocess.run([sys.executable, "-c", VECTORS], env=environment, capture_output=True, check=True)
        found.append(np.frombuffer(done.stdout))
    assert len(found[0]) > 16 * 1000 and np.abs(found[0] - found[1]).max() < 1e-11


def test_ppmi_puts_words_of_like_company_together():
    documents = load_corpus("factbook")
    vocabulary = Vocabulary.from_documents(documents, max_size=3000)
    vectors = ppmi_embeddings(documents, vocabulary, 32, np.random.default_rng(0), contexts=500)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def likeness(a, b):
        return float(unit[vocabulary.id(a)] @ unit[vocabulary.id(b)])

    assert likeness("president", "minister") > likeness("president", "islands") + 0.2
    assert likeness("german", "soviet") > likeness("german", "sugar") + 0.1
    assert (vectors[:5] == 0).all()
    again = ppmi_embeddings(documents, vocabulary, 32, np.random.default_rng(0), contexts=500)
    np.testing.assert_array_equal(vectors, again)


def test_idf_weights():
    weights = idf_weights(DOCUMENTS, VOCABULARY)
    assert weights[VOCABULARY.id("the")] == pytest.approx(np.log(6 / 3))
    assert weights[VOCABULARY.id("mat")] == pytest.approx(np.log(6))
    assert (weights[:5] == 0).all()


def test_bad_input_is_named():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="expected a matrix of finite numbers"):
        BagEncoder(np.array([[np.nan]]))
    with pytest.raises(ValueError, match="word_dropout is 1"):
        BagEncoder(np.ones((3, 2)), word_dropout=1)
    with pytest.raises(ValueError, match="weights have shape"):
        BagEncoder(np.ones((3, 2)), np.ones(4))
    with pytest.raises(ValueError, match="width is 7 and heads 2"):
        BertEncoder(10, 7, 1, 2, rng)
    with pytest.raises(ValueError, match="layers is 0"):
        BertEncoder(10, 8, 0, 2, rng)
    with pytest.raises(ValueError, match="dropout is 1.5"):
        BertEncoder(10, 8, 1, 2, rng, dropout=1.5)
    with pytest.raises(ValueError, match="attention_dropout is 1"):
        BertEncoder(10, 8, 1, 2, rng, attention_dropout=1)
    with pytest.raises(ValueError, match="expected ids from 0 to 9"):
        BertEncoder(10, 8, 1, 2, rng).forward(BATCH)
    with pytest.raises(ValueError, match="expected at most 4"):
        BertEncoder(100, 8, 1, 2, rng, max_positions=4).forward(BATCH)
    with pytest.raises(ValueError, match="dim is 400"):
        ppmi_embeddings(DOCUMENTS, VOCABULARY, 400, rng)


def test_the_last_layer_at_cls_alone_gives_the_same_h_cls_and_gradients():
    make = {"vocabulary_size": len(VOCABULARY), "width": 8, "layers": 2, "heads": 2, "dtype": np.float64, "std": 0.5}
    whole = BertEncoder(rng=np.random.default_rng(0), **make)
    short = BertEncoder(rng=np.random.default_rng(0), cls_only=True, **make)
    (h, cache), (h_short, cache_short) = whole.forward(BATCH), short.forward(BATCH)
    np.testing.assert_allclose(h_short, h, atol=1e-12)
    assert cache_short.hidden.shape == (len(h), 1, 8)
    direction = np.random.default_rng(1).standard_normal(h.shape)
    wanted, found = whole.backward(direction, cache), short.backward(direction, cache_short)
    assert set(wanted) == set(found)
    for name, gradient in wanted.items():
        np.testing.assert_allclose(values(found[name]), values(gradient), atol=1e-10, err_msg=name)
