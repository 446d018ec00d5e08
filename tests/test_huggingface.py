"""Without PyTorch: there and back, and bad input. Against transformers' own classes: tests/parity."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from nsputil.bert import BertEncoder
from nsputil.encoders import BagEncoder
from nsputil.huggingface import WordPieceVocabulary, from_huggingface, to_huggingface
from nsputil.model import NSPModel
from nsputil.pairs import SentencePair
from nsputil.pretraining import PretrainingModel
from nsputil.tokenization import Vocabulary

WORDS = [f"word{k}" for k in range(25)]
PAIRS = [SentencePair("word1 word2", "word3 word4 word5", 0, 0, 0, 0, 1)]


def model_of(kind):
    rng = np.random.default_rng(0)
    encoder = BertEncoder(30, 8, 1, 2, rng, max_positions=20, std=0.3, dropout=0.1, attention_dropout=0.2)
    return kind(encoder, Vocabulary(WORDS), rng, max_length=20)


@pytest.fixture(params=[NSPModel, PretrainingModel])
def folder(request, tmp_path):
    to_huggingface(model_of(request.param), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("kind", [NSPModel, PretrainingModel])
def test_there_and_back(kind, tmp_path):
    model = model_of(kind)
    to_huggingface(model, tmp_path)
    back = from_huggingface(tmp_path)
    assert type(back) is kind and back.encoder.options == model.encoder.options
    assert set(back.parameters) == set(model.parameters)
    for name, array in model.parameters.items():
        np.testing.assert_array_equal(back.parameters[name], array)
    np.testing.assert_array_equal(back.logits(PAIRS), model.logits(PAIRS))
    assert from_huggingface(tmp_path, dtype=np.float64).logits(PAIRS) == pytest.approx(model.logits(PAIRS), abs=1e-6)


def change(folder, **settings):
    path = folder / "config.json"
    config = json.loads(path.read_text()) | settings
    path.write_text(json.dumps({name: value for name, value in config.items() if value != "absent"}))


def test_a_name_that_is_no_folder_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="hf download google-bert/bert-base-uncased --local-dir FOLDER"):
        from_huggingface("google-bert/bert-base-uncased")
    with pytest.raises(FileNotFoundError, match="holds no config.json; expected a folder that save_pretrained wrote"):
        from_huggingface(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "roberta"}, "model_type 'roberta'; expected 'bert'"),
        ({"model_type": "absent"}, "model_type None; expected 'bert'"),
        ({"hidden_act": "relu"}, "hidden_act 'relu'; expected 'gelu'"),
        ({"layer_norm_eps": 1e-5}, "layer_norm_eps 1e-05; expected 1e-12"),
        ({"hidden_size": "absent"}, "config.json lacks hidden_size"),
        ({"vocab_size": 20}, "the vocabulary has 30 pieces; config.json allows 20"),
        ({"max_position_embeddings": 50}, r"has shape \(20, 8\); expected \(50, 8\) by config.json"),
        ({"num_hidden_layers": 2}, "the checkpoint lacks .*layer.1"),
        ({"num_hidden_layers": 0}, "holds bert.encoder.layer.0.* which would be left out: config.json says 0 layers"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type 'relative_key'; expected 'absolute'"),
        ({"is_decoder": True}, "is_decoder True; expected False"),
        ({"num_attention_heads": 3}, "width is 8 and heads 3"),
    ],
)
def test_a_config_that_does_not_fit_is_named(folder, settings, message):
    change(folder, **settings)
    with pytest.raises(ValueError, match=message):
        from_huggingface(folder)


def test_damaged_and_foreign_files_are_named(folder):
    weights = folder / "model.safetensors"
    arrays = load_file(str(weights))
    del arrays["cls.seq_relationship.bias"]
    save_file(arrays, str(weights))
    with pytest.raises(ValueError, match="it has no head of next sentence prediction"):
        from_huggingface(folder)
    save_file({"w": np.ones(3)}, str(weights))
    with pytest.raises(ValueError, match="lacks"):
        from_huggingface(folder)
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ValueError, match="model.safetensors is not a whole safetensors file"):
        from_huggingface(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="config.json is not JSON"):
        from_huggingface(folder)
    (folder / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="config.json holds a list"):
        from_huggingface(folder)


def test_names_of_older_checkpoints_and_tied_weights(folder):
    weights = folder / "model.safetensors"
    arrays = load_file(str(weights))
    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): array
           for name, array in arrays.items()}  # fmt: skip
    old["cls.predictions.decoder.weight"] = arrays["bert.embeddings.word_embeddings.weight"].copy()
    before = from_huggingface(folder).logits(PAIRS)
    save_file(old, str(weights))
    np.testing.assert_array_equal(from_huggingface(folder).logits(PAIRS), before)
    old["cls.predictions.decoder.weight"] += 1
    save_file(old, str(weights))
    with pytest.raises(ValueError, match="untied"):
        from_huggingface(folder)


def test_an_unknown_word_has_the_id_of_unk_wherever_the_checkpoint_puts_it(folder):
    pieces = (folder / "vocab.txt").read_text().split()
    pieces.remove("[UNK]")
    (folder / "vocab.txt").write_text("\n".join([*pieces, "[UNK]"]) + "\n")
    vocabulary = WordPieceVocabulary(folder)
    assert vocabulary.id("zebra") == vocabulary.unk_id == vocabulary.ids("zebra")[0] == len(pieces)
    assert vocabulary.tokens[vocabulary.id("word1")] == "word1"


def test_the_vocabulary_is_checked(folder):
    vocabulary = WordPieceVocabulary(folder)
    assert (vocabulary.cls_id, vocabulary.mask_id, vocabulary.unk_id) == (2, 4, 1)
    assert vocabulary.ids("Word1 unheard").tolist() == [6, 1]
    with pytest.raises(TypeError, match="text is a int"):
        vocabulary.ids(5)
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nword\n")
    with pytest.raises(ValueError, match=r"the vocabulary lacks \['\[MASK\]'\]"):
        from_huggingface(folder)
    (folder / "vocab.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds neither tokenizer.json nor vocab.txt"):
        from_huggingface(folder)


def test_only_what_fits_is_written(tmp_path):
    rng = np.random.default_rng(0)
    vocabulary = Vocabulary(WORDS)
    with pytest.raises(TypeError, match="the encoder is a BagEncoder"):
        to_huggingface(NSPModel(BagEncoder(rng.random((30, 4))), vocabulary, rng), tmp_path)
    narrow = NSPModel(BertEncoder(30, 8, 1, 2, rng), vocabulary, rng, pooled_width=4)
    with pytest.raises(ValueError, match=r"the pooler has shape \(4, 8\); expected \(8, 8\)"):
        to_huggingface(narrow, tmp_path)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod."])
def test_the_prefix_of_a_wrapper_is_taken_off(folder, prefix):
    before = from_huggingface(folder).logits(PAIRS)
    weights = str(folder / "model.safetensors")
    save_file({prefix + name: array for name, array in load_file(weights).items()}, weights)
    np.testing.assert_array_equal(from_huggingface(folder).logits(PAIRS), before)


def changed(folder, change):
    weights = str(folder / "model.safetensors")
    arrays = load_file(weights)
    change(arrays)
    save_file(arrays, weights)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("bert.encoder.layer.1.output.dense.weight", np.ones((8, 32)), "layer.1.*left out: config.json says 1 layers"),
        (
            "bert.encoder.layer.0.attention.self.distance_embedding.weight",
            np.ones((9, 4)),
            "distance_embedding.*left out",
        ),
        ("bert.embeddings.factor.weight", np.ones(3), "BERT has no such array"),
        ("cls.seq_relationship.bias", np.array([np.nan, 0]), "cls.seq_relationship.bias holds NaN or infinity"),
        ("cls.seq_relationship.bias", np.array([1, 0], np.int8), "has the dtype I8; expected floating point"),
    ],
)
def test_arrays_that_would_be_computed_wrongly_are_refused(folder, name, array, message):
    changed(folder, lambda arrays: arrays.update({name: array}))
    with pytest.raises(ValueError, match=message):
        from_huggingface(folder)


def test_what_changes_nothing_is_passed_over(folder):
    before = from_huggingface(folder).logits(PAIRS)
    more = {"bert.embeddings.position_ids": np.arange(20), "classifier.weight": np.ones((3, 8))}
    changed(folder, lambda arrays: arrays.update(more))
    np.testing.assert_array_equal(from_huggingface(folder).logits(PAIRS), before)


def test_a_bare_bert_model_is_called_so(folder):
    weights = str(folder / "model.safetensors")
    save_file({n.removeprefix("bert."): a for n, a in load_file(weights).items() if n.startswith("bert.")}, weights)
    with pytest.raises(ValueError, match="it is a BertModel without a head"):
        from_huggingface(folder)


def test_bfloat16_is_widened(folder):
    arrays = load_file(str(folder / "model.safetensors"))
    halves = {name: (array.view(np.uint32) >> 16).astype(np.uint16) for name, array in arrays.items()}
    header, data = {}, b""
    for name, array in halves.items():
        header[name] = {"dtype": "BF16", "shape": array.shape, "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    start = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(start).to_bytes(8, "little") + start + data)
    model = from_huggingface(folder)
    wanted = (halves["cls.seq_relationship.weight"].astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_array_equal(model.head.parameters["weight"], wanted)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("pytorch_model.bin", "holds pytorch_model.bin but no model.safetensors; convert it once, with PyTorch"),
        ("model.safetensors.index.json", "in one piece"),
        ("bert_model.ckpt.index", "from TensorFlow"),
        ("tf_model.h5", "from_tf=True"),
        ("last.pt", "load_state_dict"),
        ("notes.txt", "holds no model.safetensors; expected a folder that save_pretrained wrote"),
    ],
)
def test_another_format_is_told_how_to_convert(folder, file, message):
    (folder / "model.safetensors").rename(folder / file)
    with pytest.raises(FileNotFoundError, match=message):
        from_huggingface(folder)
    with pytest.raises(FileNotFoundError, match="is a file; expected the folder"):
        from_huggingface(folder / file)


def test_truncation_and_padding_of_a_tokenizer_file_are_switched_off(folder):
    from tokenizers import BertWordPieceTokenizer

    pieces = BertWordPieceTokenizer(str(folder / "vocab.txt"))
    pieces.enable_truncation(max_length=2)
    pieces.enable_padding(length=9)
    pieces.save(str(folder / "tokenizer.json"))
    assert WordPieceVocabulary(folder).ids("word1 word2 word3").tolist() == [6, 7, 8]


def test_predict_takes_a_folder(folder, capsys):
    from nsputil.__main__ import main

    assert main(["predict", "word1 word2", "word3", "--model", str(folder)]) == 0
    p = from_huggingface(folder).predict("word1 word2", "word3").p_is_next
    assert capsys.readouterr().out.startswith(f"Pr(IsNext) {p:.4f}")
    assert main(["predict", "word1 word2", "word3", "--model", str(folder / "model.safetensors")]) == 2
    assert "of a Hugging Face checkpoint pass the folder" in capsys.readouterr().err
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert main(["predict", "word1 word2", "word3", "--model", str(folder)]) == 2
    assert "convert it once" in capsys.readouterr().err
