"""What real files do: percent, commas, encodings, restarts, progress bars, missing steps; read, with a word."""

import gzip
import math

import pytest

from nsputil.clinic.log_readers import read
from nsputil.clinic.log_readers.figures import parse
from nsputil.clinic.log_readers.reading import understand
from nsputil.clinic.log_readers.text import decode

TABLE = "step,part,loss,accuracy\n" + "".join(
    f"{k},train,{0.7 - k / 100:.4f},{0.5 + k / 50:.4f}\n" for k in range(1, 9)
)


def reading(text, name="log.txt", **more):
    return understand(decode(text if isinstance(text, bytes) else text.encode(), name), **more)


def rows(text, **more):
    return [(r["step"], r["part"], r.get("loss"), r.get("accuracy")) for r in reading(text, **more).rows]


def said(text, **more):
    return reading(text, **more).understood()


PLAIN = rows(TABLE)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace(",", ";"),
        lambda t: t.replace(",", "\t"),
        lambda t: t.replace(",", ";").replace(".", ","),
        lambda t: "\ufeff" + t,
        lambda t: t.replace("\n", "\r\n"),
        lambda t: t.replace("\n", "\r"),
        lambda t: t.encode("utf-16"),
        lambda t: t.encode("utf-16-le"),
        lambda t: gzip.compress(t.encode()),
        lambda t: "\n".join(line + (",time" if k == 0 else f",{k}") for k, line in enumerate(t.split("\n")) if line),
        lambda t: t.replace(",train", ".0,train"),
        lambda t: t.replace("\n3,", "\nstep,part,loss,accuracy\n3,"),
        lambda t: "# written by hand\n\n" + t,
        lambda t: t.replace(",", " , "),
        lambda t: t + "\n\n",
        lambda t: "\x1b[32m" + t.replace("\n", "\x1b[0m\n"),
    ],
)
def test_the_same_numbers_in_other_clothes(change):
    assert rows(change(TABLE)) == PLAIN


def test_percent_is_told_by_its_size_or_its_sign():
    percent = TABLE.splitlines()[0] + "\n1,train,0.7,53.1%\n2,train,0.69,0.9%\n"
    assert [row[3] for row in rows(percent)] == pytest.approx([0.531, 0.009])
    assert [row[3] for row in rows("step,loss,acc\n1,0.7,53.1\n2,0.6,61.0\n")] == pytest.approx([0.531, 0.61])
    assert "divided by 100" in said("step,loss,acc\n1,0.7,53.1\n2,0.6,61.0\n")
    assert "beyond what an accuracy can be" in said("step,loss,acc\n1,0.7,530\n2,0.6,0.61\n")


@pytest.mark.parametrize(
    "text, value",
    [("0.69", 0.69), ("0,6935", 0.6935), ("1,000", 1000), ("1,234,567", 1234567), ("6.9E-01", 0.69),
     ("[nan]", math.nan), ("-inf", -math.inf), ("35/464", 35), ("53.1%", 53.1), ("tensor(0.7)", 0.7), (".5", 0.5)],
)  # fmt: skip
def test_figures(text, value):
    assert parse(text)[0] == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("text", ["", "abc", "1_0", True, None, "0x10", "1.2.3", [1], 10**400])
def test_what_is_no_figure(text):
    assert parse(text) is None


def test_step_0_and_fractional_steps_and_none():
    assert [r[0] for r in rows("step,train_loss\n0,0.70\n10,0.69\n")] == [0, 10]
    assert [r[0] for r in rows("step,train_loss\n0.5,0.70\n1.5,0.69\n")] == [0, 1]
    assert "rounded down" in said("step,train_loss\n0.5,0.70\n1.5,0.69\n")
    assert [r[0] for r in rows("loss: 0.7\nloss: 0.69\nloss: 0.68\n")] == [1, 2, 3]
    assert "no steps" in said("loss: 0.7\nloss: 0.69\n")
    assert [r[0] for r in rows("step,train_loss\n1,0.70\n,0.69\n3,0.68\n")] == [1, 1, 3]


def test_a_resumed_training_keeps_the_newer_rows():
    text = "".join(f"step {k} loss {0.7 - k / 100:.3f}\n" for k in (1, 2, 3, 4, 5, 6)) + "".join(
        f"step {k} loss {0.6 - k / 100:.3f}\n" for k in (4, 5, 6, 7)
    )
    got = rows(text)
    assert [r[0] for r in got] == [1, 2, 3, 4, 5, 6, 7] and got[3][2] == pytest.approx(0.56)
    assert "resumed at step 4: 3 earlier rows" in said(text)


def test_of_two_runs_in_one_file_the_last_is_read():
    text = "".join(f"step {k} loss {0.7 - k / 100:.3f}\n" for k in range(1, 7)) * 2
    assert [r[0] for r in rows(text)] == [1, 2, 3, 4, 5, 6] and "more than one run" in said(text)


def test_steps_that_begin_again_in_each_epoch_are_counted_through():
    text = "".join(
        f"Epoch: [{e}][{k}/30]\tTime 0.7 (0.7)\tLoss {0.7 - e / 10:.2f} (0.69)\n"
        for e in range(3)
        for k in (10, 20, 30)
    )
    assert [r[0] for r in rows(text)] == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert "counted through" in said(text)


def test_progress_bars_that_redraw_themselves():
    bar = "Epoch 1:  {p}%|███   | {k}/100 [00:0{k0}<00:10, 8.3it/s, loss={x:.3f}]"
    text = "\r".join(bar.format(p=k, k=k, k0=k // 20, x=0.7 - k / 1000) for k in (10, 20, 30, 40, 50, 60))
    assert [(r[0], r[2]) for r in rows(text)] == [(k, pytest.approx(0.7 - k / 1000)) for k in (10, 20, 30, 40, 50, 60)]
    keras = (
        "Epoch 1/1\n"
        + "\r".join(f"{k}/30 [=>....] - ETA: 3s - loss: {0.8 - k / 100:.2f} - acc: 0.5" for k in (10, 20, 30))
        + " - val_loss: 0.6 - val_acc: 0.55\n"
    )
    assert rows(keras) == [(1, "train", 0.5, 0.5), (1, "held_out", 0.6, 0.55)]


def test_a_checkpoint_callback_is_no_measure():
    text = (
        "Epoch 1/2\n5/5 - 1s - loss: 0.70 - val_loss: 0.69\n\n"
        "Epoch 00001: val_loss improved from inf to 0.69000, saving model to m.h5\n"
        "Epoch 2/2\n5/5 - 1s - loss: 0.60 - val_loss: 0.58\n"
    )
    assert all(math.isfinite(r[2]) for r in rows(text)) and len(rows(text)) == 4


def test_evaluations_only_and_several_evaluation_sets():
    text = "\n".join(
        f"{{'eval_matched_loss': {x}, 'eval_matched_accuracy': 0.6, 'eval_mismatched_loss': {x + 1}, "
        f"'eval_runtime': 3.1, 'epoch': {e}.0}}"
        for e, x in ((1, 0.69), (2, 0.6))
    )
    assert rows(text) == [(1, "held_out", 0.69, 0.6), (2, "held_out", 0.6, 0.6)]
    assert "not used: eval_mismatched_loss" in said(text)


def test_two_tasks_are_taken_apart():
    both = "step 10 loss 9.0 mlm_loss 8.3 nsp_loss 0.7\nstep 20 loss 8.6 mlm_loss 8.0 nsp_loss 0.6\n"
    assert [r[2] for r in rows(both)] == [0.7, 0.6] and "is the sum of" in said(both)
    one = "step 10 loss 9.0 mlm_loss 8.3\nstep 20 loss 8.6 mlm_loss 8.0\n"
    assert [r[2] for r in rows(one)] == pytest.approx([0.7, 0.6]) and "sum of two tasks" in said(one)


def test_classes_are_guessed_from_the_first_loss_and_can_be_given():
    text = "step 1 loss 1.0990 acc 0.33\nstep 2 loss 1.0988 acc 0.34\nstep 3 loss 1.09 acc 0.35\n"
    got = reading(text)
    assert (got.classes, got.classes_from) == (3, "guessed") and "3 classes?" in got.understood()
    assert reading(text, classes=2).classes == 2 and reading(TABLE).classes == 2
    high = "".join(f"step {k} loss {x}\n" for k, x in enumerate((1.09, 0.8, 0.7, 0.693, 0.694, 0.693), 1))
    assert reading(high).classes == 2  # a high start of two classes, which ends at ln 2
    with pytest.raises(ValueError, match="expected at least 2"):
        reading(text, classes=1)


def test_a_wrong_guess_is_mended():
    text = "step,objective,val_loss,hits\n1,0.9,0.7,0.5\n2,0.8,0.6,0.6\n"
    assert all(part == "held_out" for _, part, _, _ in rows(text))
    got = rows(text, columns={"train.loss": "objective", "held_out.accuracy": "hits"})
    assert got == [
        (1, "train", 0.9, None),
        (1, "held_out", 0.7, 0.5),
        (2, "train", 0.8, None),
        (2, "held_out", 0.6, 0.6),
    ]
    lines = "it 1 objective 0.7\nit 2 objective 0.6\n"
    assert rows(lines, columns={"loss": "objective"}) == [(1, "train", 0.7, None), (2, "train", 0.6, None)]
    with pytest.raises(ValueError, match="no loss and no accuracy"):
        rows(lines)  # the name is forgotten
    with pytest.raises(ValueError, match="no 'nothing'; it has"):
        rows(text, columns={"loss": "nothing"})
    with pytest.raises(ValueError, match="expected loss, accuracy"):
        rows(text, columns={"height": "hits"})


def test_nan_in_a_cell_that_others_fill_is_no_nan():
    text = "step,train_loss,val_loss\n" + "".join(f"{k},0.6{k},nan\n{k},nan,0.5{k}\n" for k in range(1, 6))
    assert all(math.isfinite(r[2]) for r in rows(text)) and "empty cells" in said(text)
    assert math.isnan(rows("step,train_loss\n1,0.7\n2,nan\n3,nan\n")[-1][2])


def test_two_loggers_write_a_thing_twice():
    text = "INFO:tensorflow:loss = 0.7, step = 1\nI0816 18:35:17.464866 14584 x.py:1] loss = 0.7, step = 1\n"
    assert rows(text) == [(1, "train", 0.7, None)] and "repeat" in said(text)


def test_the_tutorial_style_with_headings():
    text = """======== Epoch 1 / 4 ========
Training...
  Batch    40  of    241.    Elapsed: 0:00:08.
  Average training loss: 0.50
  Training epcoh took: 0:00:51

Running Validation...
  Accuracy: 0.81
  Validation Loss: 0.45
======== Epoch 2 / 4 ========
Training...
  Average training loss: 0.32
Running Validation...
  Accuracy: 0.83
  Validation Loss: 0.44
"""
    assert rows(text) == [
        (1, "train", 0.5, None),
        (1, "held_out", 0.45, 0.81),
        (2, "train", 0.32, None),
        (2, "held_out", 0.44, 0.83),
    ]


def test_a_bare_name_belongs_to_the_part_named_before_it():
    text = "train loss 0.5 acc 0.8 val loss 0.6 acc 0.7\n"
    assert rows(text) == [(1, "train", 0.5, 0.8), (1, "held_out", 0.6, 0.7)]
    assert rows("Test set: Average loss: 0.4890, Accuracy: 7843/10000 (78%)\n") == [(1, "test", 0.489, 0.7843)]


@pytest.mark.parametrize(
    "text",
    [
        "    loss   acc  val_loss  val_acc\n0  0.6935  0.4977  0.6932  0.4979\n1  0.6933  0.5023  0.6931  0.5000\n",
        "epoch    train_loss    train_acc    valid_acc    valid_loss     dur\n"
        "-------  ------------  -----  -----------  ------------  ------\n"
        "      1        \x1b[36m0.6935\x1b[0m      0.4977       \x1b[32m0.4979\x1b[0m        0.6932  0.1345\n"
        "      2        0.6933      0.5023       0.5000        0.6931  0.0608\n",
    ],
)
def test_tables_of_spaces(text):
    assert rows(text) == [
        (1, "train", 0.6935, 0.4977),
        (1, "held_out", 0.6932, 0.4979),
        (2, "train", 0.6933, 0.5023),
        (2, "held_out", 0.6931, 0.5),
    ]


def test_one_useful_line_in_a_long_file():
    text = "nothing here 1 2 3\n" * 5000 + "step 7 loss 0.7\n" + "and 4 5 6\n" * 5000
    assert rows(text) == [(7, "train", 0.7, None)]


@pytest.mark.parametrize(
    "raw, message",
    [
        (b"", "is empty"),
        (b"  \n ", "is empty"),
        (b"hello world\n", "no loss and no accuracy was found in 1 lines.*docs/logs.md"),
        (b"speed: 2.37 | step 3\n", "Name one with --column|no loss and no accuracy"),
        (b"\x1f\x8bbroken", "damaged gzip"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "no loss and no accuracy"),
        (b"[]", "no loss and no accuracy"),
        (b"{" * 5000, "no loss and no accuracy"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(raw, message):
    with pytest.raises(ValueError, match=message):
        reading(raw)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file nothing.log"):
        read(tmp_path / "nothing.log")
    with pytest.raises(ValueError, match="is a folder"):
        read(tmp_path)


def test_chinese_words():
    reading = understand(
        decode("第20次迭代的损失为：0.5967；准确率为：0.7524\n验证集：损失 0.8372，准确率 0.6424\n".encode())
    )
    assert reading.rows == [
        {"step": 20, "part": "train", "loss": 0.5967, "accuracy": 0.7524},
        {"step": 20, "part": "held_out", "loss": 0.8372, "accuracy": 0.6424},
    ]
    assert any("Chinese" in note for note in reading.notes)


def test_two_columns_that_are_something_else_are_not_taken_for_a_log():
    for text in ("1 2 3\n" * 9, "3 0.5\n2 0.4\n1 0.3\n4 0.2\n5 0.1\n", "1 0.5\n2 0.4\n"):
        with pytest.raises(ValueError, match="no loss and no accuracy"):
            understand(decode(text.encode()))


def test_a_best_value_in_a_line_of_an_epoch_does_not_hide_the_others():
    line = "I1112 15:48:13 train.py:23] epoch {} best test acc: 0.91, train loss: 0.2; train acc: 0.9 val acc: 0.8\n"
    reading = understand(decode("".join(line.format(k) for k in range(3)).encode()))
    assert [row for row in reading.rows if row["part"] == "train"][0] == {
        "step": 1, "part": "train", "loss": 0.2, "accuracy": 0.9,
    }  # fmt: skip
    assert reading.series("held_out", "accuracy") == [0.8] * 3


def test_a_bar_that_was_redrawn_without_ends_of_lines():
    piece = "Epoch: 7.{}e-05 - loss: 0.{} - acc: 0.5{}:   0%| | {}/42622.979"
    reading = understand(decode("".join(piece.format(k, 70 - k, k, k) for k in range(1, 6)).encode()))
    assert reading.series("train", "loss") == [0.69, 0.68, 0.67, 0.66, 0.65]
    assert reading.series("train", "accuracy") == [0.51, 0.52, 0.53, 0.54, 0.55]  # not 0.51 / 42622
    one = understand(decode(b"Epoch 1 loss 0.7 acc 0.5 val_loss 0.6 val_acc 0.6\n"))
    assert len(one.rows) == 2


def test_a_fraction_belongs_to_the_number_before_it():
    reading = understand(decode(b"step 1 loss 0.7 acc 7843/10000\nstep 2 loss 0.6 acc 0.8 (3/90)\n"))
    assert reading.series("train", "accuracy") == [0.7843, 0.8]


@pytest.mark.parametrize(
    "line, expected",
    [
        ("Epoch: 0010 cost = 13.998453", [(1, "train", 13.998453, None)]),
        ("step 10, avg_cost: 0.69, Time cost=90.67", [(10, "train", 0.69, None)]),
        ("step 10, loss: 0.69, reader_cost: 0.00289 s, avg_batch_cost: 0.08630 s", [(10, "train", 0.69, None)]),
        ("Evaluating the model on the pairs after epoch 1:\nAccuracy: 97.50", [(1, "held_out", None, 0.975)]),
    ],
)
def test_a_cost_is_a_loss_unless_it_is_of_time(line, expected):
    assert rows(line) == expected


def test_names_above_their_numbers():
    text = "Epoch: {0} | 57s\n***train_loss,train_acc,valid_loss***\n{1}\t53.5\t0.66\n"
    got = reading(text.format("01", 0.69) + text.format("02", 0.65))
    assert got.family == "names above their numbers"
    assert got.series("train", "loss") == [0.69, 0.65] and got.series("held_out", "loss") == [0.66, 0.66]
    assert got.series("train", "accuracy") == [0.535, 0.535]
    spacy = reading("LOSS      P       R       F       A\n" + "4.500 0.505   1.000   0.671   0.50\n" * 5)
    assert spacy.series("train", "loss") == [4.5] * 5 and spacy.series("held_out", "accuracy") == [0.5] * 5


def test_two_loggers_write_a_line_twice_and_a_constant_writes_it_more_often():
    twice, often = "loss 0.7 acc 0.5\n" * 2, "loss,acc\n" + "0.7,0.5\n" * 5
    assert len(rows(twice)) == 1 and len(rows(often)) == 5


MEGATRON = " iteration {0}/ 9000 | {1}grad norm: {2} | number of skipped iterations:   {3} |\n"


@pytest.mark.parametrize("skipped, hidden", [(0, True), (1, False)])
def test_a_loss_that_megatron_leaves_out_is_nan_unless_the_iteration_was_skipped(skipped, hidden):
    text = "".join(MEGATRON.format(k, f"lm loss: {7 - k / 10} | sop loss: 0.69 | ", 0.7, 0) for k in range(1, 5))
    losses = reading(text + MEGATRON.format(5, "", "nan", skipped)).series("train", "loss")
    assert math.isnan(losses[-1]) == hidden and len(losses) == 4 + hidden


def test_the_zero_that_the_trainer_writes_for_nan():
    line = "{{'loss': {0}, 'grad_norm': {1}, 'learning_rate': 9.7e-06, 'epoch': 0.53}}\n"
    text = line.format(0.2051, "nan") + line.format(0.0, "nan") + line.format(0.0, 1.5)
    losses = reading(text).series("train", "loss")
    assert losses[0] == 0.2051 and math.isnan(losses[1]) and losses[2] == 0
