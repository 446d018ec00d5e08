"""Relatives of what the tenth look showed: evaluations that do not fit their training, epochs that repeat."""

import math

import pytest
from made_text import reading, rows, said, times

from nsputil.clinic.log_readers import symptoms as s
from nsputil.clinic.log_readers.repeats import epoch_again
from nsputil.clinic.log_readers.symptoms.hints import HINTS
from nsputil.clinic.log_readers.symptoms.standing import entropy

KERAS = "Epoch {0}/20\n30/30 [====] - 1s - loss: {1} - accuracy: {2} - val_loss: {3} - val_accuracy: {4}\n"
CARD = "| {} | {} | {} | {} |\n"
HEAD = "| Training Loss | Epoch | Validation Loss | Accuracy |\n|:--:|:--:|:--:|:--:|\n"


# What is read.


@pytest.mark.parametrize("line", ["Score at iteration {} is {}", "12:01 [main] INFO - Score at iteration {} is {}"])
def test_a_score_of_dl4j_is_its_loss(line):
    good = times(line + "\n", (10, 2.31), (20, 1.84), (30, 1.52))
    assert rows(good)[0] == (10, "train", 2.31, None) and said(good).code == 3
    assert said(times(line + "\n", (10, "NaN"), (20, "NaN"), (0, "NaN"))).groups == [s.NAN]
    with pytest.raises(ValueError, match="no loss and no accuracy"):
        reading("Best score at level 3 is 0.7\n")


def test_the_mean_in_brackets_is_that_of_an_evaluation():
    text = (
        "Test: [ 0/12]  Time: 1.7 (1.7)  Loss: 0.5059 (0.5059)  Acc@1: 78.8 (78.8)\n"
        "Test: [12/12]  Time: 0.1 (0.3)  Loss: 0.4756 (0.5425)  Acc@1: 90.9 (77.9)\n"
    )
    assert rows(text)[0][2:] == (0.5425, pytest.approx(0.779)) and len(rows(text)) == 1
    train = "Epoch: [3][10/99] Loss 0.47 (0.54) Acc@1 90.9 (77.9)\n"
    assert rows(train)[0][2:] == (0.47, pytest.approx(0.909))


def test_averaged_weights_are_another_evaluation():
    each = (
        "Train: {} [134/135 (100%)] Loss: 1.5\nTest: [12/12] Loss: 0.4 ({}) Acc@1: 80.0 ({})\n"
        "Test (EMA): [12/12] Loss: 0.4 ({}) Acc@1: 80.0 ({})\n"
    )
    text = times(each, (1, 1.2, 60.0, 6.9, 0.1), (2, 0.9, 70.0, 5.0, 9.9), (3, 0.8, 75.0, 3.1, 40.0))
    assert [row[2] for row in rows(text) if row[1] == "test"] == [1.2, 0.9, 0.8]
    assert said(text).code == 3 and not said(text).looks


def test_openmmlab_writes_percent():
    line = "2022 - INFO - Epoch(val) [9][25] accuracy_top-1: {}, accuracy_top-5: 0.6660\n"
    assert rows(line.format("0.2400"))[0][3] == pytest.approx(0.0024)
    assert rows(line.format("71.5000"))[0][3] == pytest.approx(0.715)


@pytest.mark.parametrize(
    "text",
    [
        "epoch 8 epoch 50 epoch 100\ntraining loss 2.9 1.18 .75\nvalidation loss 2.4 1.0 .45\nF1 - weighted .5 .7 .9\n",
        "| Epoch | 8 | 50 | 100 |\n| train loss | 2.9 | 1.18 | 0.75 |\n| val loss | 2.4 | 1.0 | 0.45 |\n",
    ],
)
def test_a_table_on_its_side(text):
    assert [row[2] for row in rows(text)] == [2.9, 2.4, 1.18, 1.0, 0.75, 0.45]
    assert said(text).looks == [s.BETTER]


def test_rows_of_a_usual_table_do_not_lie_on_their_side():
    text = "epoch 1 2 3\nloss 0.7\nloss 0.6\nloss 0.5\n"
    assert [row[2] for row in rows(text)] == [0.7, 0.6, 0.5]


def test_a_named_loss_is_read_if_there_is_no_other():
    text = times("iteration:1 step:{}/1304, NER loss:{}\n", (0, 63.7), (50, 36.3), (100, 19.0))
    text += "accuracy:  98.58%; precision:  83.64%; recall:  84.46%; FB1:  84.04\n"
    assert [row[1:3] for row in rows(text)] == [("train", 63.7), ("train", 36.3), ("train", 19.0), ("held_out", None)]
    assert rows(text)[-1][3] == pytest.approx(0.9858) and said(text).code == 3
    both = times("step {} loss {} kd loss 9.1 acc 0.7\n", (1, 0.7), (2, 0.6))
    assert [row[2] for row in rows(both)] == [0.7, 0.6]


def test_the_epoch_of_an_evaluation_names_the_part_of_the_lines_below():
    text = times(
        "Training epoch: {0}\n Mean training loss: {1}.  Mean training acc: {2}%.\nEval epoch: {0}\n"
        " Mean test loss of 8 batches: {3}.\n Top1: {4}%\n Top5: 99.14%\n",
        (43, 0.1511, 94.52, 0.3677, 89.01),
        (44, 0.1463, 94.75, 0.3831, 88.48),
    )
    train, held, test = ([row[2:] for row in rows(text) if row[1] == p] for p in ("train", "held_out", "test"))
    assert train[0] == (0.1511, pytest.approx(0.9452)) and test[0][0] == 0.3677
    assert held[0][1] == pytest.approx(0.8901) and said(text).code == 3
    assert rows("Accuracy over 500 images: 0.71\n")[0][3] == 0.71


def test_the_best_so_far_is_left_out():
    text = times("f1: {}, precision: 0.81, recall: 0.79, best f1: 0.84000\n", 0.80, 0.84, 0.82)
    assert [row["f1"] for row in reading(text).rows] == [0.80, 0.84, 0.82] and not said(text).looks
    assert rows("val_acc: 0.71, best_val_acc: 0.90, test_acc: 0.65\n")[0][3] == 0.71
    assert rows("loss 0.5 acc 0.7\nbest acc: 0.9\nloss 0.4 acc 0.8\n") == rows("loss 0.5 acc 0.7\nloss 0.4 acc 0.8\n")


# Epochs that repeat.

BATCHES = (2.3992, 2.6361, 2.6707, 2.4452, 2.5466)


def epoch(number, losses, line="batch {}/5 loss: {} accuracy: 0.83\n"):
    return f"Epoch {number}/9\n" + times(line, *enumerate(losses, 1))


@pytest.mark.parametrize("bar", ["{}/5 [==>...] - loss: {} - accuracy: 0.83\n", "step {} loss {}\n"])
def test_bars_and_steps_that_repeat(bar):
    assert said(epoch(1, BATCHES, bar) + epoch(2, BATCHES, bar)).groups == [s.STUCK]
    assert s.STUCK not in said(epoch(1, BATCHES, bar) + epoch(2, [0.9 * x for x in BATCHES], bar)).groups


def test_an_epoch_with_all_losses_of_the_one_before_is_proof():
    text = epoch(1, BATCHES) + epoch(2, BATCHES)
    assert said(text).groups == [s.STUCK] and reading(text).again == list(BATCHES)
    third = epoch(1, BATCHES[::-1]) + text.replace("Epoch 2", "Epoch 3").replace("Epoch 1", "Epoch 2")
    assert s.STUCK in said(third).groups
    few = epoch(1, BATCHES[:3]) + epoch(2, BATCHES[:3])
    assert s.STUCK in said(few).looks and said(few).code == 3


@pytest.mark.parametrize(
    "text",
    [
        epoch(1, BATCHES) + epoch(2, [x - 0.0001 for x in BATCHES]),
        epoch(1, BATCHES) + epoch(1, BATCHES),  # one log, pasted twice
        epoch(1, BATCHES) + epoch(2, BATCHES[::-1]),
        epoch(1, (0.02, 0.01, 0.03)) + epoch(2, (0.02, 0.01, 0.03)),  # two digits
    ],
)
def test_epochs_that_are_only_alike_are_no_proof(text):
    assert not reading(text).again and said(text).code == 3


def test_no_records_do_not_repeat():
    assert epoch_again([]) == []


# Levels that are none.


def test_a_language_model_that_levels_off_has_learned():
    falls = ((3.44, 0.410), (3.21, 0.440), (3.05, 0.461), (2.97, 0.475), (2.90, 0.488), (2.86, 0.495), (2.85, 0.497))
    text = "epoch,train_loss,valid_loss,accuracy\n" + times(
        "{},{},{},{}\n", *((k, 3.7 - k / 5, *x) for k, x in enumerate((*falls, (2.86, 0.497), (2.86, 0.498))))
    )
    assert said(text).code == 3 and s.STUCK not in said(text).looks
    flat = times("{},{},{},{}\n", *((k, 3.7 - k / 5, 3.44, 0.5 + 0.01 * (-1) ** k) for k in range(9)))
    assert said("epoch,train_loss,valid_loss,accuracy\n" + flat).groups == [s.STUCK]


def test_what_one_answer_costs_at_least():
    assert entropy(0.5) == pytest.approx(math.log(2)) and entropy(1.0) == entropy(0.0) == 0.0
    same = HEAD + times(CARD, *((x, k, 0.3732, 0.8660) for k, x in enumerate((0.14, 0.10, 0.18, 0.04), 1)))
    assert said(same).code == 3 and s.CONTRADICTION in said(same).looks  # less than one answer costs: 0.3936
    one = HEAD + times(CARD, *((x, k, 0.3941, 0.8660) for k, x in enumerate((0.40, 0.41, 0.39, 0.40), 1)))
    assert said(one).groups == [s.STUCK]


# What is worth a look, and its sane look-alikes.


@pytest.mark.parametrize(
    "group, text",
    [
        (s.WORSE, times("step {} loss 0.0004\n", 100, 200, 300) + "Test accuracy: 0.4585\n"),
        (s.WORSE, times("epoch 9 step {} loss {}\n", (1, 3.39), (2, 3.36), (3, 3.30)) + "val acc: 0.24%\n"),
        (s.RISES, times("Epoch {} loss 0.2\nval acc: {}\n", (1, 0.91), (2, 0.93), (3, 0.41))),
        (s.RISES, times("Epoch {} loss 0.2 auc: {}\n", (1, 0.95), (2, 0.96), (3, 0.41))),
        (s.CONTRADICTION, times("step {} loss {} precision: -1.000 recall: 0.0 f1: -1.000\n", (20, 9.1), (40, 7.2))),
        (s.STUCK, HEAD + times(CARD, *((1.03, k / 10, 1.018 - k / 1000, 0.55 + (-1) ** k / 500) for k in range(1, 8)))),
        (s.STUCK, times("step {} loss {}\n", (34400, 0.6937), (34500, 0.6954), (34600, 0.6942))),
        (s.STUCK, times("[Epoch {}] Train Loss={}\nTest loss=0.90144944\n", (2, 0.9512), (3, 0.9511))),
        (s.STUCK, "Epoch: 2 Train acc: 0.5018 loss: 0.7764 Val acc: 0.5045 loss: 0.7727\n"),
        (s.STUCK, times("Epoch {} loss 4.08\ndev_f1: {}\ndev_loss: {}\n", (1, 0.0883, 4.11), (2, 0.0893, 4.13),
                        (3, 0.0887, 4.12))),
        (s.PERFECT, times("Epoch[0] Batch[{}] SomeLoss={}\n", (10, 0.1004), (20, 0.0001), (30, 0.0001), (40, 0.0001))),
        (s.STUCK, "eval_loss = 0.6333\neval_precision = 0.0\neval_recall = 0.0\neval_f1 = 0.0\n"),
        (s.STUCK, "f1: 0.00000, precision: 1.00000, recall: 0.00000, best f1: 0.00000\n"),
        (s.PERFECT, KERAS.format(4, 0.0537, 1.0, 0.6642, 1.0)),
    ],
)  # fmt: skip
def test_few_rows_give_a_hint(group, text):
    answer = said(text)
    assert group in answer.looks and answer.code == 3


@pytest.mark.parametrize(
    "text",
    [
        times("step {} loss {}\n", (100, 0.39), (200, 0.36), (300, 0.35)) + "Test accuracy: 0.85\n",
        times("step {} loss {}\n", (1, 3.39), (2, 3.36), (3, 3.30)) + "val acc: 24%\n",
        times("step {} loss {}\n", (10, 0.6931), (20, 0.6925), (30, 0.6911)),  # the first steps of preferences
        times("step {} loss {}\n", (900, 0.71), (1000, 0.69), (1100, 0.66)),
        times("Epoch {} loss {} auc: {}\n", (1, 0.4, 0.95), (2, 0.3, 0.96), (3, 0.25, 0.94)),
        times("step {} loss {} mcc: -0.02 r2: -1.0\n", (20, 0.9), (40, 0.7)),
        times("Epoch[0] Batch[{}] SomeLoss={}\n", (10, 2.3), (20, 1.1), (30, 0.6), (40, 0.4)),
        "Epoch: 2 Train acc: 0.3318 loss: 2.7764 Val acc: 0.3345 loss: 2.7127\n",  # of a hundred classes
        times("Epoch {} loss {}\ndev_f1: {}\ndev_loss: {}\n", (1, 2.4, 0.31, 2.4), (2, 2.2, 0.36, 2.2)),
        HEAD + times(CARD, *((1.0 - k / 13, k, 1.0 - k / 14, 0.55 + k / 50) for k in range(1, 8))),  # it learns
    ],
)
def test_good_trainings_get_no_hint(text):
    assert said(text).code == 3 and not said(text).looks


def test_a_training_that_gets_worse_row_by_row():
    worse = ((0.841, 0.728), (0.844, 0.727), (0.854, 0.723), (0.851, 0.726), (0.860, 0.722), (0.869, 0.720))
    text = times("Epoch {} loss {} acc {}\n", *((k, *x) for k, x in enumerate(worse, 130)))
    assert s.RISES in said(text).looks and said(text).code == 3
    other = times("Epoch {} loss {} acc {}\n", *((k, x, 0.72 + k % 2 / 50) for k, (x, _) in enumerate(worse, 130)))
    assert s.RISES not in said(other).looks


def test_a_loss_of_rounding_alone_is_zero():
    assert said(times("Iteration {}, loss = -6.4e-20\n", 3240, 3280, 3320)).groups == [s.CONTRADICTION]


def test_a_separator_is_no_sign():
    assert reading("loss 0.4 f1 - 0.91 precision-0.90 recall: -1.0\n").scores == {
        "f1": [0.91],
        "precision": [0.9],
        "recall": [-1.0],
    }


def test_an_evaluation_before_all_rows_of_training_proves_no_gap():
    text = "Epoch[0] Validation-accuracy=0.302\nEpoch[1] Batch [500] accuracy=0.719\nEpoch[1] Train-accuracy=0.848\n"
    assert said(text).code == 3
    after = "Epoch[1] Train-accuracy=0.848\nEpoch[1] Validation-accuracy=0.302\n"
    assert s.WORSE in said(after).groups


def test_two_small_losses_of_a_good_model_are_no_rise():
    good = times(KERAS, (46, 0.0587, 0.9836, 0.0531, 0.9837), (47, 0.0350, 0.9922, 0.1898, 0.9565))
    assert said(good).code == 3
    bad = times(KERAS, (6, 0.587, 0.736, 0.531, 0.737), (7, 0.350, 0.822, 1.898, 0.565))
    assert s.RISES in said(bad).groups


def test_a_hint_is_never_a_proof():
    text = times("step {} loss 0.0004 precision: -1\n", 100, 200) + "Test accuracy: 0.4585\n"
    of = s.curves(reading(text))
    found = [symptom for hint in HINTS for symptom in hint(reading(text), of)]
    assert {x.group for x in found} >= {s.WORSE, s.CONTRADICTION} and not any(x.firm for x in found)
