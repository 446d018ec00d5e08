"""Real PyTorch trainings write logs, and the logs say what PyTorch says: `make parity`."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset
from transformers import BertConfig, BertForNextSentencePrediction, BertForPreTraining, Trainer, TrainingArguments

from nsputil.__main__ import main
from nsputil.clinic.logs import read_log, read_rows
from nsputil.clinic.report import diagnose_file
from nsputil.clinic.signals import RUN_SIGNALS, signals
from nsputil.clinic.torch_recorder import TorchRecorder, adaptive, has_attention, part_of
from nsputil.clinic.trainer_callback import RunLogCallback


def model_of(kind=BertForNextSentencePrediction):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return kind(config)


class Pairs(Dataset):
    """Pairs of which B repeats A if they belong together."""

    def __init__(self, count, seed, name="labels"):
        rng = np.random.default_rng(seed)
        self.items = []
        for k in range(count):
            a, b = rng.integers(5, 60, (2, 5))
            ids = np.concatenate([[2], a, [3], a if k % 2 == 0 else b, [3]])
            item = {
                "input_ids": torch.tensor(ids),
                "token_type_ids": torch.tensor([0] * 7 + [1] * 6),
                "attention_mask": torch.ones(13, dtype=torch.long),
                name: torch.tensor(k % 2),
            }
            if name != "labels":
                item["labels"] = torch.tensor(ids)
            self.items.append(item)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, k):
        return self.items[k]


def batches_of(data, size):
    for start in range(0, len(data), size):
        rows = [data[k] for k in range(start, min(start + size, len(data)))]
        yield {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def test_a_plain_loop(tmp_path):
    model = model_of()
    for parameter in model.bert.embeddings.parameters():
        parameter.requires_grad_(False)  # has no gradient, and does not move
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder, seen = TorchRecorder(model, optimizer, every=5), []
    for batch in batches_of(Pairs(96, 0), 8):
        optimizer.zero_grad()
        output = model(**batch)
        output.loss.backward()
        head = model.cls.seq_relationship.weight
        seen.append((output.loss.item(), head.grad.norm().item(), head.detach().clone()))
        with recorder.step(output.loss, output.logits, batch["labels"]):
            optimizer.step()
        seen[-1] += ((head - seen[-1][2]).norm().item(),)
    held = next(batches_of(Pairs(32, 1), 32))
    with torch.no_grad():
        output = model(**held)
    recorder.held_out(output.loss, output.logits, held["labels"])
    recorder.held_out(output.loss, part="test", accuracy=0.25)
    recorder.save(tmp_path / "run.csv")
    recorder.close()
    run = read_log(tmp_path / "run.csv")
    assert run.loss == pytest.approx([step[0] for step in seen])
    assert run.kind == {"attends": True, "adaptive": False}
    assert [reading["step"] for reading in run.instruments] == [1, 6, 11]
    for reading in run.instruments:
        loss, gradient, _, update = seen[reading["step"] - 1]
        assert reading["gradient.head.weight"] == pytest.approx(gradient)
        assert reading["update.head.weight"] == pytest.approx(update)
        assert update == pytest.approx(0.1 * gradient, rel=1e-4)  # SGD
        assert reading["saturation"] == 0.0 and reading["label_is_next"] == 0.5
    says = output.logits.argmax(axis=1)
    assert run.evaluations[0]["accuracy"] == pytest.approx((says == held["labels"]).float().mean().item())
    p = F.softmax(output.logits, dim=1)[:, 0].mean().item()
    assert run.evaluations[0]["mean_p_is_next"] == pytest.approx(p, abs=1e-6)
    assert run.final == {"loss": pytest.approx(output.loss.item()), "accuracy": 0.25} and run.prior == 0.5
    assert len(model.bert.pooler._forward_hooks) == 0


def test_a_sick_loop_is_diagnosed_from_its_log(tmp_path, capsys):
    """The flagship of notebook 09 in PyTorch: class 0 is ignored, the loss goes to zero, the accuracy stays a coin."""
    model = model_of()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    recorder, held = TorchRecorder(model, optimizer, every=10), next(batches_of(Pairs(64, 1), 64))
    for number in range(4):
        for batch in batches_of(Pairs(240, 2 + number), 8):
            optimizer.zero_grad()
            logits = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
            loss = F.cross_entropy(logits, batch["labels"], ignore_index=0)
            loss.backward()
            with recorder.step(loss, logits, batch["labels"]):
                optimizer.step()
        with torch.no_grad():
            output = model(**held)
        recorder.held_out(output.loss, output.logits, held["labels"])
    recorder.save(tmp_path / "run.json")
    assert main(["diagnose", str(tmp_path / "run.json")]) == 1
    said = capsys.readouterr().out
    assert "read as the course's own log; rows: 120 of training, 4 held out" in said
    assert "something is wrong" in said and "ends at" in said
    _, diagnosis = diagnose_file(tmp_path / "run.json")  # what the catalogue says, if one asks it
    assert diagnosis.causes[0].group == "one-class"


def trained(tmp_path, model, train, held, **options):
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "out"), per_device_train_batch_size=8, per_device_eval_batch_size=8, max_steps=12,
        eval_strategy="steps", eval_steps=6, logging_steps=1, save_strategy="no", report_to=[], use_cpu=True,
        learning_rate=1e-3, seed=0, disable_tqdm=True, **options.pop("arguments", {}),
    )  # fmt: skip
    path = tmp_path / "run.json"
    callback = RunLogCallback(path, every=4)
    trainer = Trainer(model, arguments, train_dataset=train, eval_dataset=held, callbacks=[callback], **options)
    trainer.train()
    return trainer, read_log(path)


def test_the_trainer(tmp_path):
    trainer, run = trained(tmp_path, model_of(), Pairs(96, 0), Pairs(40, 1))
    history = trainer.state.log_history
    assert run.loss == pytest.approx([entry["loss"] for entry in history if "loss" in entry], abs=1e-3)  # it rounds
    held = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    assert [e["loss"] for e in run.evaluations] == pytest.approx(held, abs=1e-3)
    assert [e["step"] for e in run.evaluations] == [6, 12] and len(run.accuracy) == 12
    assert run.kind == {"attends": True, "adaptive": True}  # the Trainer's own optimizer is AdamW
    output = trainer.predict(Pairs(40, 1))
    right = (output.predictions.argmax(axis=1) == output.label_ids).mean()
    assert run.evaluations[-1]["accuracy"] == pytest.approx(right)
    assert [reading["step"] for reading in run.instruments] == [1, 5, 9]
    norms = [entry["grad_norm"] for entry in history if "grad_norm" in entry]
    for (
        reading
    ) in run.instruments:  # the Trainer logs the norm before it clips at 1; the optimizer gets the clipped one
        total = np.sqrt(sum(v**2 for k, v in reading.items() if k.startswith("gradient.")))
        assert total == pytest.approx(min(1.0, norms[reading["step"] - 1]), rel=1e-3)
        assert reading["update.encoder"] > 0 and 0 <= reading["saturation"] <= 1
    assert len(trainer.model._forward_hooks) == 0
    assert main(["diagnose", str(tmp_path / "run.json")]) in (1, 3)
    found = signals(run)
    absent = {name for name in RUN_SIGNALS if np.isnan(found[name])}
    # No test set; too few steps for a wave, and too few evaluations for what lies between them.
    unsaid = {name for name in RUN_SIGNALS if name.startswith("final.")}
    assert absent == unsaid | {"loss.wave", "held.jitter"}


def test_gradients_that_are_gathered_over_batches_are_one_step(tmp_path):
    options = {"arguments": {"gradient_accumulation_steps": 2}}
    _, run = trained(tmp_path, model_of(), Pairs(96, 0), Pairs(16, 1), **options)
    assert len(run.loss) == 12 and run.prior == pytest.approx(0.5, abs=0.1)


def test_a_reported_accuracy_stands_above_the_count(tmp_path):
    options = {"compute_metrics": lambda found: {"accuracy": 0.125}}
    _, run = trained(tmp_path, model_of(), Pairs(96, 0), Pairs(16, 1), **options)
    assert [e["accuracy"] for e in run.evaluations] == [0.125, 0.125]


def test_of_a_joint_loss_only_the_next_sentence_part_is_logged(tmp_path):
    name = "next_sentence_label"
    trainer, run = trained(tmp_path, model_of(BertForPreTraining), Pairs(96, 0, name), Pairs(16, 1, name))
    assert max(run.loss) < 1.0 < min(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)


def test_a_model_that_is_called_without_labels_is_logged_by_the_trainers_own_loss(tmp_path):
    options = {"arguments": {"label_smoothing_factor": 0.1}}
    with pytest.warns(RuntimeWarning, match="label_smoothing_factor and compute_loss_func take them away"):
        trainer, run = trained(tmp_path, model_of(), Pairs(96, 0), Pairs(16, 1), **options)
    logged = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert run.loss == pytest.approx(logged) and len(run.evaluations) == 2
    assert "without labels" in notes_of(tmp_path / "run.json")


def notes_of(path):
    return " ".join(row.get("note", "") for row in read_rows(path))


def test_an_evaluation_at_the_start_is_counted_for_itself(tmp_path):
    trainer, run = trained(tmp_path, model_of(), Pairs(96, 0), Pairs(40, 1), arguments={"eval_on_start": True})
    rows = [row for row in read_rows(tmp_path / "run.json") if row["part"] == "held_out"]
    assert [row["step"] for row in rows] == [0, 6, 12]
    history = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert [row["loss"] for row in rows] == pytest.approx(history, abs=1e-3)
    start = model_of().eval()
    batch = next(batches_of(Pairs(40, 1), 40))
    with torch.no_grad():
        right = (start(**batch).logits.argmax(1) == batch["labels"]).float().mean().item()
    assert rows[0]["accuracy"] == pytest.approx(right)


def test_held_out_rows_of_a_joint_loss_hold_the_next_sentence_part(tmp_path):
    name = "next_sentence_label"
    trainer, run = trained(tmp_path, model_of(BertForPreTraining), Pairs(96, 0, name), Pairs(16, 1, name))
    said = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert max(e["loss"] for e in run.evaluations) < 1.0 < min(said)


class Tuples(torch.nn.Module):
    """A module of one's own that returns a tuple."""

    def __init__(self):
        super().__init__()
        self.inner = model_of()
        self.config = self.inner.config

    def forward(self, input_ids, token_type_ids=None, attention_mask=None, labels=None):
        logits = self.inner(input_ids, attention_mask, token_type_ids).logits
        return F.cross_entropy(logits, labels), logits


def test_a_model_that_returns_a_tuple(tmp_path):
    trainer, run = trained(tmp_path, Tuples(), Pairs(96, 0), Pairs(16, 1))
    assert run.loss == pytest.approx([e["loss"] for e in trainer.state.log_history if "loss" in e], abs=1e-3)
    assert len(run.accuracy) == 12 and np.isfinite(run.accuracy).all()


def test_the_path_is_checked_before_the_training(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; make it first"):
        RunLogCallback(tmp_path / "missing" / "run.json")
    for name in ("run.log", "run.jsonl"):
        with pytest.raises(ValueError, match=r"expected \.csv or \.json"):
            RunLogCallback(tmp_path / name)
    with pytest.raises(ValueError, match=r"expected \.csv or \.json"):
        TorchRecorder(model_of(), path=tmp_path / "run.txt")


@pytest.mark.parametrize(
    "said, noted, logged",
    [({"accuracy": 62.5}, "percent", 0.625), ({"accuracy": {"is_next": 0.5}}, "a dict", None), ({"f1": 0.5}, "", None)],
)
def test_whatever_metrics_say_the_training_ends_as_it_would(tmp_path, said, noted, logged):
    import warnings

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        _, run = trained(tmp_path, model_of(), Pairs(96, 0), Pairs(16, 1), compute_metrics=lambda found: dict(said))
    ours = [str(w.message) for w in heard if "The log of this training" in str(w.message)]
    assert len(ours) == bool(noted) and noted in notes_of(tmp_path / "run.json")
    assert len(run.loss) == 12 and all(logged is None or e["accuracy"] == logged for e in run.evaluations)
    assert all(0 <= e["accuracy"] <= 1 for e in run.evaluations)


class SomeLabelsMissing(Pairs):
    def __getitem__(self, k):
        return self.items[k] | ({"labels": torch.tensor(-100)} if k % 5 == 0 else {})


def test_labels_of_minus_100_are_left_out_of_the_counts(tmp_path):
    with pytest.warns(RuntimeWarning, match="neither 0"):
        _, run = trained(tmp_path, model_of(), SomeLabelsMissing(96, 0), SomeLabelsMissing(16, 1))
    assert len(run.loss) == 12 and np.isfinite(run.accuracy).all()


def test_a_training_that_turns_nan_is_logged_and_called_by_its_name(tmp_path, capsys):
    model = model_of()
    with torch.no_grad():
        model.cls.seq_relationship.weight.fill_(float("nan"))
    _, run = trained(tmp_path, model, Pairs(96, 0), Pairs(16, 1))
    assert np.isnan(run.loss).all() and len(run.loss) == 12
    assert main(["diagnose", str(tmp_path / "run.json")]) == 1
    assert "nan" in capsys.readouterr().out.lower()


def test_a_resumed_training_goes_on_with_its_log(tmp_path):
    saving = {"save_strategy": "steps", "save_steps": 6}

    def once(steps, **options):
        arguments = TrainingArguments(
            output_dir=str(tmp_path / "out"), per_device_train_batch_size=8, max_steps=steps, report_to=[],
            use_cpu=True, learning_rate=1e-3, lr_scheduler_type="constant", seed=0, disable_tqdm=True,
            eval_strategy="steps", eval_steps=6, **saving,
        )  # fmt: skip
        callback = RunLogCallback(tmp_path / "run.csv", every=4)
        trainer = Trainer(
            model_of(), arguments, train_dataset=Pairs(160, 0), eval_dataset=Pairs(16, 1), callbacks=[callback]
        )
        trainer.train(**options)
        return [(row["step"], row["part"]) for row in read_rows(tmp_path / "run.csv")]

    first = once(9)
    assert [step for step, part in first if part == "train"] == list(range(1, 10)) and first[-1] == (9, "held_out")
    resumed = once(12, resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-6"))
    assert [step for step, part in resumed if part == "train"] == list(range(1, 13))
    assert [step for step, part in resumed if part == "held_out"] == [6, 12]
    assert "4 rows of later steps are replaced" in notes_of(tmp_path / "run.csv")


def test_of_two_evaluation_sets_the_first_is_logged(tmp_path):
    sets = {"near": Pairs(16, 1), "far": Pairs(24, 2)}
    with pytest.warns(RuntimeWarning, match="only eval_near is logged; eval_far is left out"):
        trainer, run = trained(tmp_path, model_of(), Pairs(96, 0), sets)
    near = [e["eval_near_loss"] for e in trainer.state.log_history if "eval_near_loss" in e]
    assert [e["loss"] for e in run.evaluations] == pytest.approx(near, abs=1e-3)


def test_a_log_that_cannot_be_written_is_not_lost(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    callback = RunLogCallback(folder / "run.json")
    folder.rmdir()
    folder.write_text("now a file")
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "out"), per_device_train_batch_size=8, max_steps=4, save_strategy="no", report_to=[],
        use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    with pytest.warns(RuntimeWarning) as heard:
        Trainer(model_of(), arguments, train_dataset=Pairs(32, 0), callbacks=[callback]).train()
    last = [str(w.message) for w in heard if "the log is in" in str(w.message)]
    saved = last[0].split("the log is in ")[1]
    assert len(read_log(saved).loss) == 4
    Path(saved).unlink()


def test_a_log_grows_while_a_loop_trains(tmp_path):
    model = model_of()
    recorder = TorchRecorder(model, path=tmp_path / "run.csv", every=2)
    batch = next(batches_of(Pairs(8, 0), 8))
    for _ in range(3):
        with recorder.step(0.7, model(**batch).logits, batch["labels"]):
            pass
    assert len(read_rows(tmp_path / "run.csv")) >= 1  # before it is saved
    with (
        pytest.warns(RuntimeWarning, match="Nothing could be counted"),
        recorder.step(0.7, "no tensor", batch["labels"]),
    ):
        pass
    with pytest.raises(KeyError, match="mine"), recorder.step(0.7):
        raise KeyError("mine")  # an error of the training itself stays one
    recorder.save()
    assert [row["step"] for row in read_rows(tmp_path / "run.csv")] == [1, 2, 3, 4]


def test_the_kind_of_a_training():
    bag, parameters = torch.nn.EmbeddingBag(9, 4), model_of().parameters()
    assert has_attention(torch.nn.TransformerEncoderLayer(8, 2)) is True and has_attention(bag) is None
    assert adaptive(torch.optim.Adam(parameters)) is True and adaptive(None) is None
    recorder = TorchRecorder(bag, attends=False)
    recorder.held_out(0.7)
    assert recorder.log.rows[0]["attends"] == 0 and "adaptive" not in recorder.log.rows[0]


def test_parts():
    names = {part_of(name) for name, _ in model_of(BertForPreTraining).named_parameters()}
    assert {"encoder", "pooler.weight", "pooler.bias", "head.weight", "head.bias"} == names
    with pytest.raises(ValueError, match="every is 0; expected at least 1"):
        TorchRecorder(model_of(), every=0)
