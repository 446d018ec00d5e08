"""Relatives of what the ninth look showed: forms that were not read, and hints that few rows give."""

import pytest
from made_text import reading, rows, said, times

from nsputil.clinic.log_readers import symptoms as s
from nsputil.clinic.log_readers.answer import MOST_GROUPS
from nsputil.clinic.log_readers.symptoms.hints import HINTS

KERAS = "Epoch {0}/20\n30/30 [====] - 1s - loss: {1} - accuracy: {2} - val_loss: {3} - val_accuracy: {4}\n"
BAR = "Processing |################################| ({0}/{0}) Data: 0.1s | Loss: {1} | top1:  {2} | top5:  90.0\n"
KNET = "(:epoch, {}, :trn, {}, :tst, {})\n"
POSE = "Processing |####| (3708/3708) Loss: {} | Acc:  {}\nProcessing |####| (493/493) Loss: {} | Acc:  {}\n"


# What is read.


def test_symbols_of_julia():
    text = times(KNET, (0, 0.11, 0.113), (1, 0.93, 0.928), (2, 0.955, 0.951))
    assert [row[1:] for row in rows(text)][:2] == [("train", None, 0.11), ("test", None, 0.113)]
    assert said(text).state == "no symptom"
    assert rows("Epoch 1 (:loss => NaN, :acc => 0.1)\n")[0][3] == 0.1
    loss = times("(:epoch, {}, :trnloss, {}, :tstloss, {})\n", (0, 2.31, 2.30), (1, 2.1, 2.2), (2, 1.9, 2.1))
    assert rows(loss)[1][1:3] == ("test", 2.30)


def test_parts_without_a_measure():
    falls = times("epoch {} train: {} test: {}\n", (1, 0.9, 0.91), (2, 0.5, 0.6), (3, 0.3, 0.5))
    assert rows(falls)[0][1:] == ("train", 0.9, None)  # a loss: it falls
    table = "|Epoch|Train|Val|\n|--|--|--|\n" + times("|{}|{}|{}|\n", (1, 0.90, 0.52), (2, 0.98, 0.51), (3, 1.0, 0.52))
    assert rows(table)[1][1:] == ("held_out", None, 0.52)
    assert said(table).groups == [s.WORSE]
    with pytest.raises(ValueError, match="no loss and no accuracy"):
        reading("train 5000 test 1000\n")  # counts of rows


def test_bars_that_take_turns():
    text = times(BAR, (391, 2.306, 10.0), (100, 2.303, 10.0), (391, 2.304, 9.9), (100, 2.3029, 10.0))
    assert [row[1] for row in rows(text)] == ["train", "held_out"] * 2
    assert said(text).looks == [s.STUCK]
    good = times(BAR, (391, 0.906, 68.0), (100, 0.953, 67.0), (391, 0.804, 71.9), (100, 0.8829, 70.0))
    assert said(good).code == 3 and not said(good).looks
    alone = times(BAR, (391, 2.1, 10.0), (391, 2.0, 12.0))
    assert {row[1] for row in rows(alone)} == {"train"}


@pytest.mark.parametrize(
    "text, loss",
    [
        ("epoch=0, lrate=0.5, error=2.35\nepoch=1, lrate=0.5, error=2.05\n", 2.35),
        ("epoch,train_error,val_error\n1,0.9,0.91\n2,0.3,0.85\n", 0.9),
        ("== EPOCH:  1 / 5  ==\nError:  0.31\n== EPOCH:  2 / 5  ==\nError:  0.29\n", 0.31),
    ],
)
def test_an_error_is_the_loss_where_there_is_no_other(text, loss):
    assert rows(text)[0][2] == loss and any("error is read" in note for note in reading(text).notes)


@pytest.mark.parametrize("text", ["step 1 loss 0.7 error 0.4\n", "step 1 acc 0.7 word error rate 0.4\n"])
def test_an_error_beside_a_loss_is_none(text):
    assert rows(text)[0][2] in (0.7, None)


def test_numbers_within_names():
    assert rows("Train Loss  5 labels: 1.572 | Train Acc  5 labels: 30.86%\n")[0][2:] == (1.572, pytest.approx(0.3086))
    assert rows("Accuracy on 50,000 train images: 60.5 %\n")[0][3] == pytest.approx(0.605)
    assert rows("Accuracy of the network on the 10000 test images: 55 %\n")[0][1:] == ("test", None, 0.55)
    assert rows("Loss [100, 200](epoch, minibatch):  1.74\nLoss [100, 300](epoch, minibatch):  1.7\n")[0][0] == 200


def test_tables_without_a_header():
    lala = times(
        "| **{}** | {} | {}%| {} | {}% |\n",
        (4, 0.47, 82.2, 2.04, 54.8),
        (5, 0.29, 88.6, 2.6, 52.2),
        (6, 0.2, 90, 2.7, 53),
    )
    assert [row[1] for row in rows(lala)][:2] == ["train", "held_out"] and rows(lala)[1][2:] == (
        2.04,
        pytest.approx(0.548),
    )
    lla = times("{} {} {} {}\n", (1, 0.69, 0.70, 0.52), (2, 0.51, 0.62, 0.61), (3, 0.42, 0.55, 0.66))
    assert rows(lla)[1][1:] == ("held_out", 0.70, 0.52)
    scores = times("{},{},{},{},0.0\n", (3, 22.5, 53.2, 13.1), (4, 30.1, 62.9, 16.6), (5, 32.9, 65.6, 20.2))
    assert said(scores).code == 3 and all(row[2] is None for row in rows(scores))  # scores that rise are no loss
    matlab = times(
        "|  {} |  {} | 00:00:0{} |  {}% |  {} |  0.0100 |\n",
        (1, 1, 1, 10.2, 2.30),
        (2, 50, 5, 30.5, 1.9),
        (3, 99, 9, 41.0, 1.5),
    )
    assert rows(matlab)[0] == (1, "train", 2.30, pytest.approx(0.102))


def test_the_loss_of_the_output_that_has_the_accuracy():
    head = "epoch,decoder_loss,loss,caps_acc,caps_loss\n"
    assert rows(head + "0,9000,9000.4,0.5,0.4\n1,9000,9000.2,0.6,0.2\n")[0][2] == 0.4
    assert rows("epoch,loss,a_acc,b_acc,a_loss,b_loss\n0,1.5,0.5,0.4,0.7,0.8\n1,1,0.6,0.5,0.5,0.5\n")[0][2] == 1.5


@pytest.mark.parametrize("none", ["1.#QNAN", "-1.#IND", "-nan(ind)", "nan(snan)"])
def test_nan_as_windows_writes_it(none):
    assert said(times("Iteration {}, loss = " + none + "\n", 100, 200)).groups == [s.NAN]


def test_an_excerpt_of_keras_that_begins_below_its_header():
    text = KERAS.format(4, 0.5, 0.7, 0.6, 0.6).split("\n", 1)[1] + KERAS.format(5, 0.4, 0.8, 0.5, 0.7)
    assert [row[2] for row in rows(text)] == [0.5, 0.6, 0.4, 0.5]


# What is worth a look, and its sane look-alikes.


@pytest.mark.parametrize(
    "group, text",
    [
        (s.STUCK, times("step {} Loss: {} Acc: 0.02\n", (90, 8.3203), (100, 8.3203), (110, 8.3125), (120, 8.3203))),
        (s.STUCK, times(KERAS, *((k, 0.0151, 0.9964, 0.0151, 0.9964) for k in (5, 6, 7)))),
        (s.STUCK, times("Epoch {} train acc 0.6234 val acc 0.6300\n", 1, 2)),
        (s.STUCK, "[Epoch 40/40] loss: 2.3026, val_acc: 0.1000\n"),
        (s.STUCK, "Iteration 2000, loss = 87.3365\nTest net output #0: accuracy = 0.1\n"),
        (s.STUCK, KERAS.format(3, 14.5063, 0.1, 14.5063, 0.1)),
        (s.STUCK, "Accuracy of the network on the 10000 test images: 10 %\n"),
        (s.NAN, "epoch 1 loss 1.6094\npred:  tf.Tensor([[nan nan nan]])\n"),
        (s.NAN, "Epoch 1 loss 2.1\nx.py:12: RuntimeWarning: invalid value encountered in multiply\nEpoch 2 loss 2\n"),
        (s.PERFECT, "Step 0/2000: loss = 0.46, Acc: 1.00\n"),
        (s.PERFECT, "amazon set: Average loss: 0.0000, Accuracy: 2817/2817 (100.00%)\n"),
        (s.PERFECT, times("Epoch {}: loss 0.31 val_auc: 1.0\n", 1, 2)),
        (s.BETTER, times(KERAS, *((k, 0.08 - k / 1000, 0.973, 0.01, 0.9996) for k in (1, 2, 3)))),
        (s.WORSE, "epoch 30: train_acc=0.998 valid_acc=0.88\n"),
        (s.WORSE, times(KERAS, (3, 0.31, 0.87, 0.42, 0.82), (4, 0.22, 0.91, 0.47, 0.82), (5, 0.12, 0.95, 0.58, 0.81))),
        (s.RISES, times("Epoch {}: loss={}\n", (1, 0.52), (2, 0.55), (3, 0.59), (4, 0.61))),
        (s.CONTRADICTION, times("Epoch {} loss 0.5 accuracy 317.2%\n", 1, 2)),
        (s.CONTRADICTION, times("Epoch {} train loss 0.03 train acc 0.95 val loss 0.6 val acc 0.94\n", 5, 6)),
        (s.CONTRADICTION, times(KERAS, (1, 0.31, 0.88, 0.29, 0.9), (2, 0.25, 0.94, 2.6, 0), (3, 0.3, 0.88, 0.28, 0.9))),
    ],
)  # fmt: skip
def test_few_rows_give_a_hint(group, text):
    answer = said(text)
    assert group in answer.groups + answer.looks
    assert len(answer.groups + answer.looks) <= max(MOST_GROUPS, len(answer.groups))


@pytest.mark.parametrize(
    "text",
    [
        times(KERAS, (3, 0.31, 0.87, 0.35, 0.86), (4, 0.27, 0.89, 0.34, 0.86), (5, 0.25, 0.90, 0.34, 0.87)),
        times(KERAS, (1, 0.68, 0.61, 0.55, 0.72), (2, 0.56, 0.71, 0.48, 0.77), (3, 0.5, 0.76, 0.45, 0.79)),  # dropout
        "[Epoch 10] loss: 0.113 acc: 0.962 val_loss: 0.131 val_acc: 0.957\n",
        times("Epoch {} train loss {} acc {} test acc {}\n", (1, 0.21, 0.936, 0.981), (2, 0.07, 0.978, 0.986)),
        times("Epoch: 0 [{}/1000] Loss: {} acc: {}\n", (100, 9.99, 0.0003), (200, 9.6, 0.0006), (300, 9.1, 0.002)),
        times("[2,  {}] loss: {}\n", (2000, 1.4), (4000, 1.37), (6000, 1.33)) + "Accuracy on 10000 test images: 55 %\n",
        times("step {} loss {} grad_norm 1.2\n", (100, 0.51), (200, 0.47), (300, 0.44)),
        times(KERAS, (8, 0.05, 0.985, 0.07, 0.978), (9, 0.05, 0.986, 0.07, 0.979)),
    ],
)  # fmt: skip
def test_good_trainings_get_no_hint(text):
    assert said(text).code == 3 and not said(text).looks


def test_a_hint_is_never_a_proof():
    text = times(KERAS, (1, 14.5, 0.1, 14.5, 0.1), (2, 14.5, 0.1, 0.001, 1.0), (3, 14.5, 0.1, 87.3365, 0.0))
    of = s.curves(reading(text))
    found = [symptom for hint in HINTS for symptom in hint(reading(text), of)]
    assert found and not any(symptom.firm for symptom in found)


def test_a_squared_error_beside_an_accuracy_is_no_contradiction():
    good = times(POSE, (0.0035, 0.7525, 0.0037, 0.741), (0.0035, 0.7589, 0.0036, 0.745), (0.0034, 0.764, 0.0036, 0.749))
    assert said(good).code == 3
    collapsed = times(POSE, (0.0035, 0.7525, 0.3, 0.0), (0.0035, 0.7589, 1.05, 0.0015), (0.0034, 0.764, 1.78, 0.0019))
    assert s.WORSE in said(collapsed).groups


def test_arrays_of_nan_in_two_lines_are_proof():
    text = "epoch 1 loss 1.6\n" + 2 * "logits: tensor([[nan, nan], [nan, nan]])\n"
    assert said(text).groups == [s.NAN]
    assert said(text.replace("nan, nan", "nan, 0.5")).code == 3


def test_training_that_goes_on_after_the_last_evaluation_is_no_gap():
    text = "".join(
        f"step {100 * k} acc {0.1 * k:.2f}\n" + (f"step {100 * k} val acc 0.28\n" if k == 3 else "")
        for k in range(1, 10)
    )
    assert said(text).code == 3 and s.WORSE not in said(text).looks


def test_three_means_of_batches_are_no_rise():
    text = times(
        "[Step {}] Past 100 steps: Average Loss {} | Accuracy: {}%\n",
        (100, 0.447, 89),
        (200, 0.401, 86),
        (300, 0.608, 81),
    )
    assert said(text).code == 3
