"""Pairs of three classes, and a head for any number of them."""

from collections import Counter

import numpy as np
import pytest

from nsputil.corpus import Document
from nsputil.encoders import BagEncoder
from nsputil.gradcheck import check_gradient
from nsputil.model import NSPModel
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.pretraining_losses import mlm_loss, mlm_loss_and_grad
from nsputil.three_way import ClassModel, three_way_pairs
from nsputil.tokenization import Vocabulary, encode_pairs

DOCUMENTS = [Document(f"d{d}", [f"d{d} s{i} word{(i * 7 + d) % 5}" for i in range(12)]) for d in range(9)]


@pytest.mark.parametrize("middle", ["previous", "elsewhere"])
def test_each_class_is_what_it_says(middle):
    pairs, classes = three_way_pairs(DOCUMENTS, np.random.default_rng(0), middle)
    for pair, name in zip(pairs, classes, strict=True):
        assert pair.sentence_a == DOCUMENTS[pair.document_a].sentences[pair.position_a]
        assert pair.sentence_b == DOCUMENTS[pair.document_b].sentences[pair.position_b]
        away = pair.position_b - pair.position_a
        assert (pair.document_a == pair.document_b) == (name < 2)
        assert (name == 0) == (pair.document_a == pair.document_b and away == 1)
        assert pair.label == (IS_NEXT if name == 0 else NOT_NEXT)
        if name == 1:
            assert away == -1 if middle == "previous" else abs(away) > 1


def test_the_classes_are_drawn_evenly_and_again_from_the_same_generator():
    counts = Counter()
    for seed in range(30):
        counts.update(three_way_pairs(DOCUMENTS, np.random.default_rng(seed))[1].tolist())
    assert all(abs(counts[k] / counts.total() - 1 / 3) < 0.03 for k in range(3))
    once, again = (three_way_pairs(DOCUMENTS, np.random.default_rng(4)) for _ in range(2))
    assert once[0] == again[0] and np.array_equal(once[1], again[1])


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="middle is 'next'; expected one of 'previous', 'elsewhere'"):
        three_way_pairs(DOCUMENTS, np.random.default_rng(0), "next")
    with pytest.raises(ValueError, match="no document has four sentences"):
        three_way_pairs([Document("a", ["x y", "z"])] * 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="second document"):
        three_way_pairs(DOCUMENTS[:1], np.random.default_rng(0))
    with pytest.raises(TypeError):
        three_way_pairs(DOCUMENTS, 0)


def bag(seed=0):
    vocabulary = Vocabulary.from_documents(DOCUMENTS)
    rng = np.random.default_rng(seed)
    return NSPModel(BagEncoder(0.3 * rng.standard_normal((len(vocabulary), 6)), dtype=np.float64), vocabulary, rng, 5)


def test_a_model_of_four_classes_has_the_right_gradient_and_learns():
    model = ClassModel(bag(), 4, np.random.default_rng(1))
    pairs, classes = three_way_pairs(DOCUMENTS[:4], np.random.default_rng(2))
    batch = encode_pairs(pairs, model.vocabulary)
    logits, cache = model.forward(batch)
    assert logits.shape == (len(pairs), 4) and np.allclose(model.logits(pairs), logits)
    loss, slope = mlm_loss_and_grad(logits, classes)
    gradients = model.backward(slope, cache)
    weight = model.parameters["head.weight"]

    def with_weight(values):
        weight[...] = values
        return mlm_loss(model.forward(batch)[0], classes)

    assert check_gradient(with_weight, weight.copy(), gradients["head.weight"]).ok
    with pytest.raises(ValueError, match="classes is 1; expected at least 2"):
        ClassModel(bag(), 1, np.random.default_rng(0))
    assert loss < np.log(4) + 0.5
