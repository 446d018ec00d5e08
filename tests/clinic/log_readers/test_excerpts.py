"""Relatives of what the second half of the seventh look showed: excerpts that prove a group, and some that do not."""

import pytest
from made_text import rows, said, times

from nsputil.clinic.log_readers import symptoms as s
from nsputil.clinic.log_readers.repeats import are_doubles

KERAS = "Epoch {0}/99\n30/30 [====] - 1s - loss: {1} - accuracy: {2} - val_loss: {3} - val_accuracy: {4}\n"


# What is read.


def test_a_row_of_nan_is_no_header():
    text = times("step {} - loss        nan - moving ave loss        nan\n", 7, 8, 9)
    assert [row[0] for row in rows(text)] == [7, 8, 9] and said(text).groups == [s.NAN]


def test_nan_beside_an_accuracy_was_measured():
    text = times(KERAS, (1, 2.2, 0.46, 3.8, 0.30), (2, "nan", 0.47, 3.9, 0.31), (3, 2.0, 0.49, 4.0, 0.31))
    assert s.NAN in said(text).groups
    empty = times("{},{},{},nan,nan\n{},{},{},0.5,0.7\n", (1, 0.6, 0.7, 2, 0.5, 0.75), (3, 0.4, 0.8, 4, 0.3, 0.9))
    table = "epoch,loss,acc,val_loss,val_acc\n" + empty
    assert s.NAN not in said(table).groups


def test_what_a_callback_writes_behind_the_bar():
    text = "Epoch 1/9\n8/8 [====] - ETA: 0s - loss: 0.2835 - accuracy: 0.4854val_acc: 0.92563, test_acc: 0.90715\n"
    assert [row[3] for row in rows(text)] == [0.4854, 0.92563, 0.90715]


@pytest.mark.parametrize("name", ["trainloss", "lossvalue", "TrainLoss", "train_loss"])
def test_words_that_are_written_as_one(name):
    assert rows(times("step {} " + name + "={}\n", (1, 0.7), (2, 0.6)))[0] == (1, "train", 0.7, None)


def test_a_step_in_brackets():
    line = "I0704 22:15:42.73 1405 train.py:303] [{}] | gnorm 0.25 | loss {} | pplx 2000.00\n"
    text = times(line, (500, 7.60), (1000, 7.60), (1500, 7.61), (2000, 7.58))
    assert [row[0] for row in rows(text)] == [500, 1000, 1500, 2000]


def test_lines_of_one_epoch_that_are_alike_are_rows():
    line = "Epoch 2 train Loss: {} Accu :0.0008\n"
    assert len(rows(times(line, 0.0044, 0.0044, 0.0043, 0.0044, 0.0044, 0.0044, 0.0043, 0.0044))) == 8
    twice = times(line, 0.0044, 0.0044, 0.0041, 0.0041, 0.0039, 0.0039, 0.0038, 0.0038)
    assert [row[2] for row in rows(twice)] == [0.0044, 0.0041, 0.0039, 0.0038]
    assert are_doubles([([("step", "1"), ("loss", "0.7")], 3)]) == [True]
    assert are_doubles([([("loss", "0.7")], 3), ([("loss", "0.6")], 2), ([], 2)]) == [False, True, False]


def test_the_batches_of_one_evaluation_are_no_evaluations():
    text = times("Test: [{}/29]\tLoss {} (9.0)\tAcc@1 {} (3.0)\n", (0, 2.8, 0), (20, 4.4, 12.5))
    text += " * Loss 9.99 Acc@1 19.111\n" + times("Epoch: [5][{}/64]\tLoss {}\tAcc@1 {}\n", (0, 10.8, 0), (20, 9.1, 25))
    held = [row for row in rows(text) if row[1] != "train"]
    assert [row[2:] for row in held] == [(9.99, pytest.approx(0.19111))]
    assert s.RISES not in said(text).groups


def test_the_bar_of_evaluate_is_a_test():
    text = times(
        "Epoch {0}/6\n1792/1792 [====] - 9s - loss: {1} - acc: {2}\n", (4, 0.58, 0.69), (5, 0.56, 0.71), (6, 0.55, 0.73)
    )
    got = rows(text + "4/4 [====] - 1s - loss: 0.6975 - acc: 0.5300\n")
    assert got[-1][1:] == ("test", 0.6975, 0.53) and [row[2] for row in got[:-1]] == [0.58, 0.56, 0.55]


def test_fit_that_is_called_for_each_epoch():
    text = "Epoch 1/1\n9/9 [====] - 1s - loss: {} - acc: {}\n"
    assert [row[0] for row in rows(times(text, (1.12, 0.51), (1.08, 0.52), (1.06, 0.53)))] == [1, 2, 3]


def test_columns_without_names():
    text = times("6     {}   {}   0     0.00999\n", *((100 * k, 7.5 + k % 2 / 4) for k in range(106, 114)))
    assert rows(text)[0] == (10600, "train", 7.5, 0.0)
    rate = times("{}   {}   0.00999\n", *((100 * k, 7.5 + k % 2 / 4) for k in range(106, 114)))
    assert rows(rate)[0] == (10600, "train", 7.5, None)


def test_darknet_and_the_rows_so_far():
    assert rows("1: 788.26, 801.1 avg, 0.0 rate, 3 s\n2: 700.1, 790.9 avg, 0.0 rate, 3 s\n")[1] == (
        2,
        "train",
        700.1,
        None,
    )
    text = times("Train Epoch: 1 [{}/60000 ({}%)]\tLoss: 2.302585\n", (0, 0), (640, 1), (1280, 2))
    assert [row[0] for row in rows(text)] == [0, 640, 1280]


def test_a_part_of_a_percent():
    line = "Epoch: [1][{}/5005] Loss {} Acc@1 {}\n"
    assert rows(times(line, (100, 6.9, 0.0), (110, 6.91, 0.39)))[1][3] == pytest.approx(0.0039)
    assert rows(times(line, (100, 1.9, 0.35), (110, 1.8, 0.39)))[1][3] == 0.39


def test_a_remark_behind_the_numbers_of_a_table():
    text = "epoch   loss   acc\n1   0.5   0.8\n2   0.4   0.85   # unexpected\n3   0.3   0.9\n"
    assert [row[2] for row in rows(text)] == [0.5, 0.4, 0.3]


# What is proved, and what good trainings show, too.


def test_a_loss_that_leaves_before_its_largest_jump():
    line = "step {} loss {} acc {}\n"
    before = [(k, 0.3 + k % 3 / 20, 0.9) for k in range(5)]
    after = [
        (5, 3.6, 0.5),
        (6, 8.5, 0.4),
        (7, 5.3, 0.4),
        (8, 322.3, 0.2),
        (9, 21.9, 0.4),
        (10, 4977, 0.3),
        (11, 155, 0.3),
    ]
    assert s.RISES in said(times(line, *before, *after)).groups
    again = [(5 + k, 6.0 - 0.9 * k, 0.3 + 0.1 * k) for k in range(6)]  # it falls again
    assert s.RISES not in said(times(line, *before, *again)).groups


def test_an_accuracy_that_collapses_whatever_the_loss_does():
    line = "epoch 48 step {} loss {} acc {}\n"
    good = [(70, -1.9, 0.565), (80, -2.3, 0.577), (90, -2.2, 0.581), (100, -2.4, 0.580)]
    gone = [(110, -4.3, 0.001), (120, -4.6, 0.0015), (130, -4.6, 0.0005), (140, -4.5, 0.003)]
    assert s.RISES in said(times(line, *good, *gone)).groups
    small = [(70, 0.9, 0.5), (80, 0.8, 0.625), (90, 1.1, 0.375), (100, 0.9, 0.5), (110, 1.2, 0.25), (120, 1.0, 0.5)]
    assert said(times(line, *small)).code == 3  # batches of eight


def test_a_gap_in_one_epoch_beyond_what_honest_probabilities_cost():
    assert said(KERAS.format(50, 0.035, 0.9882, 2.6765, 0.5934)).groups == [s.WORSE]
    assert said(KERAS.format(50, 0.035, 0.9882, 1.4121, 0.6934)).looks == [s.WORSE]  # many classes, honest


def test_a_training_accuracy_that_its_loss_contradicts():
    line = "Epoch {0}/9\n8/8 [====] - 1s - loss: {1} - accuracy: {2} - val_acc: {3}\n"
    wrong = times(line, (1, 0.28, 0.4854, 0.926), (2, 0.155, 0.4948, 0.929), (3, 0.099, 0.4939, 0.937))
    assert s.BETTER in said(wrong).groups
    dropout = times(line, (1, 1.5, 0.41, 0.626), (2, 1.2, 0.52, 0.729), (3, 1.0, 0.59, 0.787))
    assert said(dropout).code == 3


@pytest.mark.parametrize("first", ["Epoch[2] Batch [{}] accuracy={}\n", "epoch 3, iter {}, loss: 7.66, acc: {}\n"])
def test_next_to_nothing_right_after_the_first_epoch(first):
    flat = [(50 * k, 0.0012 - k % 3 / 10000) for k in range(1, 9)]
    assert said(times(first, *flat)).groups == [s.STUCK]
    learns = first.replace("loss: 7.66, ", "")
    assert said(times(learns, *((50 * k, 0.001 * k) for k in range(1, 9)))).code == 3
    early = first.replace("[2]", "[0]").replace("epoch 3", "epoch 0")
    assert s.STUCK not in said(times(early.replace("loss: 7.66, ", ""), *flat)).groups


def test_a_held_out_score_that_is_best_at_first():
    line = "Epoch {0}/99\n9/9 - 3s - loss: {1:.4f} - macro_f1: {2:.4f} - val_loss: {3:.4f} - val_macro_f1: {4:.4f}\n"
    worse = [(k, 0.70 - 0.01 * k, 0.18 + 0.01 * k, 0.675 + 0.003 * k, 0.191 - 0.001 * k) for k in range(1, 13)]
    assert s.STUCK in said(times(line, *worse)).groups
    better = [(k, 0.70 - 0.01 * k, 0.18 + 0.01 * k, 0.675 - 0.003 * k, 0.191 + 0.001 * k) for k in range(1, 13)]
    assert said(times(line, *better)).code == 3


@pytest.mark.parametrize("row", [(14.5063, 0.1, 14.5063, 0.1), (7.9712, 0.5, 7.9712, 0.5)])
def test_three_epochs_in_which_nothing_moves(row):
    assert said(times(KERAS, *((k, *row) for k in (278, 279, 280)))).groups[0] in (s.STUCK, s.CONTRADICTION)
    assert s.STUCK in said(times(KERAS, *((k, *row) for k in (278, 279, 280)))).groups


def test_three_epochs_of_a_good_training_that_has_ended():
    assert said(times(KERAS, *((k, 0.0512, 0.982, 0.3121, 0.904) for k in (98, 99, 100)))).code == 3
    assert said(times(KERAS, *((k, 0.30 - k / 1000, 0.88, 0.7, 0.716) for k in (96, 97, 98)))).code == 3


def test_one_answer_with_the_loss_of_its_share():
    flat = times(KERAS, *((k, 0.6652, 0.597 + k % 2 / 1000, 0.6655, 0.6) for k in (3, 4, 5)))
    assert said(flat).groups == [s.STUCK]
    falls = times(KERAS, *((k, 0.70 - 0.03 * k, 0.59 + k / 100, 0.69 - 0.03 * k, 0.6) for k in (3, 4, 5)))
    assert said(falls).code == 3


def test_rows_by_heart_are_worth_a_look():
    assert s.WORSE in said(times(KERAS, *((k, 5e-4, 1.0, 0.13, 0.96) for k in (95, 96, 97)))).looks


@pytest.mark.parametrize(
    "text",
    [
        KERAS.format(4, 0.1002, 0.5534, 0.1047, 0.4987),  # several labels
        KERAS.format(5, 0.0763, 0.7379, 0.0893, 0.7220) + KERAS.format(6, 0.0627, 0.7539, 0.0835, 0.7087),  # focal loss
        times("step {} loss {}\n", (231, -0.8942), (241, -0.9127), (251, -0.8975)),  # a cosine
        KERAS.format(9, 0.1626, 0.9167, 0.1179, 1.0) + KERAS.format(10, 0.1475, 0.9417, 0.0881, 1.0),  # an easy task
        "Running loss: 0.609\n{'mcc': 0.0, 'eval_loss': 0.62}\nRunning loss: 0.642\n",  # a warm-up
        times("{{'loss': {}, 'epoch': {}}}\n", (0.78, 0.03), (0.85, 0.07), (0.87, 0.1), (0.84, 0.13), (0.75, 0.17)),
        times(
            "{{'loss': {}, 'epoch': {}}}\n", (0.628, 0.4), (0.648, 0.48), (0.615, 0.56), (0.624, 0.64), (0.604, 0.72)
        ),
        times(KERAS, (2, 0.8166, 0.6974, 1.2575, 0.5029), (3, 0.6209, 0.7813, 0.8309, 0.6813)),  # it closes
        times(KERAS, (142, 0.4638, 0.8895, 0.9458, 0.7382), (143, 0.2895, 0.9274, 0.9337, 0.7604)),  # many classes
        times("epoch 3 step {}/60 loss {}\n", (60, 2.47)) + "epoch 4 step 5/60 loss 5.81\n",  # batches by length
        times("step {} loss {}\n", *enumerate((0.47, 0.49, 0.41, 0.43, 2.55, 2.35, 2.27), 4)),  # another loss is added
        times("loss = {}, step = {}\n", (0.64, 101), (0.46, 201), (0.46, 301), (0.60, 401), (0.62, 501), (0.65, 601)),
    ],
)
def test_excerpts_of_good_trainings(text):
    assert said(text).code == 3
