from dataclasses import replace

import numpy as np
import pytest

from nsputil.bert import BertEncoder
from nsputil.corpus import load_corpus
from nsputil.encoders import RowGradient
from nsputil.gradcheck import check_gradient
from nsputil.losses import nsp_loss_and_grad
from nsputil.masking import mask_tokens
from nsputil.model import NSPModel
from nsputil.pairs import SentencePair
from nsputil.pretraining import PretrainingModel, evaluate_both
from nsputil.pretraining_losses import bert_pretraining_loss, mlm_loss_and_grad
from nsputil.tokenization import Vocabulary, encode_pairs
from nsputil.training import Experiment, Run, train

WORDS = [f"w{k}" for k in range(20)]


def small_model(documents, vocabulary, rng, dtype=np.float64):
    encoder = BertEncoder(len(vocabulary), 16, 1, 2, rng, max_positions=64, dtype=dtype, dropout=0.1, std=0.1)
    return PretrainingModel(encoder, vocabulary, rng, max_length=64)


SMALL = Experiment(
    load_corpus("factbook")[:60],
    vocabulary_size=400,
    model=small_model,
    evaluation=evaluate_both,
    masking=mask_tokens,
    batch_size=64,
    epochs=2,
    max_steps=16,
    instrument_every=5,
)


@pytest.fixture(scope="module")
def run():
    return train(SMALL)


@pytest.fixture
def tiny():
    vocabulary = Vocabulary(WORDS)
    rng = np.random.default_rng(3)
    encoder = BertEncoder(len(vocabulary), 4, 2, 2, rng, intermediate=6, max_positions=12, dtype=np.float64, std=0.5)
    model = PretrainingModel(encoder, vocabulary, rng)
    pairs = [SentencePair("w1 w2 w3", "w4 w5", 0, 0, 0, 0, 1), SentencePair("w6", "w7 w8 w9 w1 w2", 1, 0, 0, 1, 1)]
    return model, mask_tokens(encode_pairs(pairs, vocabulary), vocabulary, rng, rate=0.4)


@pytest.mark.parametrize("factor", [1.0, 0.3])
def test_all_gradients_of_the_joint_loss(tiny, factor):
    model, batch = tiny

    def total():
        scores, logits, _ = model.forward_both(batch)
        return bert_pretraining_loss(scores, batch.mlm_labels, logits, batch.labels, mlm_factor=factor).total

    scores, logits, cache = model.forward_both(batch)
    dscores = factor * mlm_loss_and_grad(scores, batch.mlm_labels)[1]
    gradients = model.backward_both(dscores, nsp_loss_and_grad(logits, batch.labels)[1], cache)
    assert set(gradients) == set(model.parameters)
    for name, array in model.parameters.items():
        assert not isinstance(gradients[name], RowGradient)
        kept = array.copy()

        def at(value, array=array, kept=kept):
            array[...] = value
            result = total()
            array[...] = kept
            return result

        check = check_gradient(at, kept, gradients[name], tolerance=1e-6)
        assert check.ok, (name, str(check))


def test_a_gradient_of_zero_in_one_task_leaves_that_of_the_other(tiny):
    model, batch = tiny
    scores, logits, cache = model.forward_both(batch)
    dlogits = nsp_loss_and_grad(logits, batch.labels)[1]
    joint = model.backward_both(np.zeros_like(scores), dlogits, cache)
    alone = model.backward(dlogits, cache)
    for name, gradient in alone.items():
        wanted = gradient.dense(joint[name].shape) if isinstance(gradient, RowGradient) else gradient
        np.testing.assert_allclose(joint[name], wanted, atol=1e-15)
    assert all(not joint[name].any() for name in joint if name.startswith("mlm_head"))


def test_joint_training_records_the_two_losses_apart(run):
    assert len(run.loss) == len(run.mlm_loss) == 16
    assert abs(run.mlm_loss[0] - np.log(400)) < 0.3  # the scores start small
    assert run.mlm_loss[-1] < run.mlm_loss[0] - 0.3
    assert abs(run.loss[0] - np.log(2)) < 0.2
    assert {"loss", "accuracy", "mlm_loss", "mlm_accuracy"} <= set(run.final)
    assert {"log_odds_std", "gradient.mlm_head.bias", "update.encoder.words"} <= set(run.instruments[0])


def test_joint_training_is_deterministic(run):
    again = train(SMALL)
    assert again.loss == run.loss and again.mlm_loss == run.mlm_loss and again.final == run.final


def test_the_factor_counts_and_a_factor_of_zero_is_next_sentence_alone(run):
    weaker = train(replace(SMALL, mlm_factor=0.1))
    assert weaker.mlm_loss[0] == run.mlm_loss[0] and weaker.mlm_loss[-1] != run.mlm_loss[-1]
    none = train(replace(SMALL, mlm_factor=0.0, max_steps=4))
    head = none.model.mlm_head
    assert not head.bias.any()  # nothing ever pushed it


def test_without_masking_the_model_trains_on_pairs_alone(run):
    alone = train(replace(SMALL, masking=None, max_steps=3))
    assert len(alone.loss) == 3 and alone.mlm_loss == []


def test_masked_words_stay_the_same_in_every_evaluation(run):
    assert evaluate_both(run.model, run.test_pairs) == run.final


def test_a_resumed_joint_training_ends_the_same_bit_for_bit(tmp_path):
    whole = train(replace(SMALL, epochs=2, max_steps=None))
    steps = len(whole.loss) // 2

    def stop_late(scores, labels):
        seen.append(1)
        if len(seen) > steps + 2:
            raise KeyboardInterrupt
        return mlm_loss_and_grad(scores, labels)

    seen = []
    stopped = train(replace(SMALL, max_steps=None, mlm_loss=stop_late), checkpoint=tmp_path)
    assert stopped.interrupted
    resumed = train(replace(SMALL, max_steps=None), checkpoint=tmp_path)
    assert resumed.loss == whole.loss and resumed.mlm_loss == whole.mlm_loss and resumed.final == whole.final


def test_save_and_load(run, tmp_path):
    path = tmp_path / "joint.safetensors"
    run.model.save(path)
    loaded = PretrainingModel.load(path)
    for name, array in run.model.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], array)
    plain = NSPModel.load(path)  # without the head that it does not need
    assert type(plain) is NSPModel and "mlm_head.bias" not in plain.parameters
    np.testing.assert_array_equal(plain.logits(run.test_pairs[:9]), run.model.logits(run.test_pairs[:9]))
    plain.save(tmp_path / "plain.safetensors")
    with pytest.raises(ValueError, match=r"plain.safetensors lacks mlm_head\.bias"):
        PretrainingModel.load(tmp_path / "plain.safetensors")
    run.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json").mlm_loss == run.mlm_loss


def test_bad_input_is_named(tiny, small_run):
    model, batch = tiny
    with pytest.raises(TypeError, match="batch is a EncodedPairs; expected MaskedPairs"):
        model.forward_both(encode_pairs([SentencePair("w1", "w2", 0, 0, 0, 0, 1)], model.vocabulary))
    bag = small_run.model
    with pytest.raises(TypeError, match="the encoder is a BagEncoder"):
        PretrainingModel(bag.encoder, bag.vocabulary, np.random.default_rng(0))
    with pytest.raises(TypeError, match="masking is set, but the model is a NSPModel"):
        train(replace(SMALL, model=lambda *_: bag))
    run = train(replace(SMALL, mlm_loss=lambda scores, labels: (np.inf, scores)))
    assert run.diverged_at == 1 and run.mlm_loss == [np.inf]
