"""Training, saving, loading and predicting name what is wrong with their input."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from nsputil.bert import BertEncoder
from nsputil.corpus import Document
from nsputil.model import NSPModel
from nsputil.tokenization import Vocabulary
from nsputil.training import Experiment, Run, train

WORDS = [f"w{k}" for k in range(30)]


def some_documents(count=20, sentences=4):
    rng = np.random.default_rng(0)
    return [Document(f"d{k}", tuple(" ".join(rng.choice(WORDS, 3)) for _ in range(sentences))) for k in range(count)]


def tiny_bert(documents, vocabulary, rng):
    return NSPModel(BertEncoder(len(vocabulary), 8, 1, 2, rng, max_positions=16), vocabulary, rng, max_length=16)


TINY = Experiment(some_documents(), vocabulary_size=40, model=tiny_bert, batch_size=8, epochs=1, max_steps=2)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    train(TINY).model.save(path)
    return path


def header_of(path):
    from safetensors import safe_open

    with safe_open(str(path), framework="numpy") as file:
        return file.metadata()


@pytest.mark.parametrize(
    "documents",
    [[], some_documents(1), some_documents(2), [Document("a", ("w1",))] * 20],
    ids=["none", "one", "two", "one-sentence-each"],
)
def test_too_little_text_to_train_on_is_named(documents):
    with pytest.raises(ValueError, match="document|pair|sentence"):
        train(replace(TINY, documents=documents))


def test_punctuation_is_text_and_nothing_at_all_is_named():
    blank = [Document(f"d{k}", ("...", "!", "?", "--")) for k in range(20)]
    run = train(replace(TINY, documents=blank))  # punctuation marks are tokens
    assert len(run.loss) == 2
    empty = [Document(f"d{k}", ("", " ", "")) for k in range(20)]
    with pytest.raises(ValueError, match="word|token"):
        train(replace(TINY, documents=empty))


def test_sentences_of_one_word_and_rows_of_the_shortest_length():
    words = [Document(f"d{k}", tuple(WORDS[:4])) for k in range(20)]
    run = train(replace(TINY, documents=words))
    assert len(run.loss) == 2 and np.isfinite(run.loss).all()
    run.model.max_length = 5  # [CLS] a [SEP] b [SEP]
    assert 0 < run.model.predict("w1 w2 w3", "w0 w1").p_is_next < 1


def test_one_class_only():
    def not_next(documents, rng):
        return [pair for pair in TINY.pairs(documents, rng) if pair.label == 1]

    run = train(replace(TINY, pairs=not_next, max_steps=None, epochs=3))
    assert run.prior == 0.0 and "recall_is_next" not in run.final


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_model_cut_short_is_named(saved, tmp_path, keep):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match="cut.safetensors is not a whole safetensors file"):
        NSPModel.load(path)


@pytest.mark.parametrize("name", ["pooler.weight", "head.bias", "encoder.words"])
def test_a_model_without_an_array_is_named(saved, tmp_path, name):
    arrays = load_file(str(saved))
    del arrays[name]
    path = tmp_path / "less.safetensors"
    save_file(arrays, str(path), metadata=header_of(saved))
    with pytest.raises(ValueError, match=rf"less.safetensors lacks .*{name}"):
        NSPModel.load(path)


def test_arrays_and_headers_that_do_not_fit_are_named(saved, tmp_path):
    arrays, path = load_file(str(saved)), tmp_path / "odd.safetensors"
    save_file(arrays | {"head.weight": np.zeros((3, 8), np.float32)}, str(path), metadata=header_of(saved))
    with pytest.raises(ValueError, match=r"head.weight has shape \(3, 8\); expected \(2, 8\)"):
        NSPModel.load(path)
    save_file(arrays, str(path), metadata={"format": "nsputil 1"})
    with pytest.raises(ValueError, match="odd.safetensors lacks 'vocabulary'"):
        NSPModel.load(path)
    save_file(arrays, str(path), metadata=header_of(saved) | {"encoder": "RNN"})
    with pytest.raises(ValueError, match="the file holds a RNN; expected a BagEncoder or a BertEncoder"):
        NSPModel.load(path)


def test_a_foreign_checkpoint_of_a_training_is_named(tmp_path):
    save_file({"w": np.ones(3)}, str(tmp_path / "state.safetensors"))
    with pytest.raises(ValueError, match="the checkpoint does not fit the experiment"):
        train(TINY, checkpoint=tmp_path)
    (tmp_path / "state.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="the checkpoint is damaged"):
        train(TINY, checkpoint=tmp_path)


def test_an_older_run_is_read_and_a_foreign_one_named(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"format": "nsputil run 1", "loss": [0.5]}))
    assert Run.load(path).loss == [0.5] and Run.load(path).mlm_loss == []
    path.write_text(json.dumps({"loss": [0.5]}))
    with pytest.raises(ValueError, match="run.json is not a saved run"):
        Run.load(path)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_sentence_is_named(saved, text):
    with pytest.raises(ValueError, match="expected a sentence with at least one word"):
        NSPModel.load(saved).predict("w1", text)


def test_unknown_words_only_are_named():
    rng = np.random.default_rng(0)
    model = tiny_bert(None, Vocabulary(WORDS), rng)
    with pytest.raises(ValueError, match="knows no word of sentence_b, 'quite unheard'"):
        model.predict("w1", "quite unheard")
