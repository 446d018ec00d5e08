"""Relatives of what the seventh look showed: for each principle, made-up logs, and some that it must spare."""

import pytest
from made_text import reading, rows, said, times

from nsputil.clinic.log_readers import symptoms as s
from nsputil.clinic.log_readers.phrases import plain


@pytest.mark.parametrize(
    "text",
    [
        "{'loss'\uff1a 0.69\uff0c 'accuracy'\uff1a 0.5\uff0c 'epoch'\uff1a 1.0}",
        "{\u2018loss\u2019: 0.69, \u2018accuracy\u2019: 0.5, \u2018epoch\u2019: 1.0}",
        "epoch\u00a01 loss \uff10.\uff16\uff19 accuracy\u30000.5",
        "00:49:02epoch 1 loss: 0.69 acc: 0.5",
        "[12:00:01.25]Epoch 1 loss: 0.69 acc: 0.5",
        "2020-01-01 12:00:01,250Epoch 1 loss: 0.69 acc: 0.5",
        "epoch 1 loss: 0.69 - acc: 0.5 (expected accuracy: 0.7)",
        "Required accuracy: 0.7\nepoch 1 loss: 0.69 acc: 0.5",
        "Epoch 1 \u640d\u5931 0.69 \u6b63\u89e3\u7387 0.5",
        "Epoch 1 \uc190\uc2e4: 0.69 \uc815\ud655\ub3c4: 0.5",
        "Epoche 1 Verlust 0.69 Genauigkeit 0.5",
        "\u042d\u043f\u043e\u0445\u0430 1 \u043f\u043e\u0442\u0435\u0440\u0438 0.69 "
        "\u0442\u043e\u0447\u043d\u043e\u0441\u0442\u044c 0.5",
        "epoch 1 class : 0.69 - acc class : 50.00 [bs:128]",
        "epoch 1 jigsaw : 0.69 , acc jigsaw : 50.0",
        "epoch 1 main 0.69 acc main 50.0",
        "Epoch 1, loss 0.69, train error 50.00 %",
    ],
)
def test_one_row_in_other_clothes(text):
    assert rows(text) == [(1, "train", 0.69, 0.5)]


@pytest.mark.parametrize(
    "text",
    [
        "Cost after iteration 10: 0.7\nCost after iteration 20: 0.6\nCost after iteration 30: 0.5\n",
        "Minibatch loss at step 10: 0.7\nMinibatch loss at step 20: 0.6\nMinibatch loss at step 30: 0.5\n",
        "10 | loss 0.7 | lr 3e-4 | 100ms\n20 | loss 0.6 | lr 3e-4 | 100ms\n30 | loss 0.5 | lr 3e-4 | 100ms\n",
        "10: loss 0.7\n20: loss 0.6\n30: loss 0.5\n",
        "steps: [10, 20, 30]\ntrain losses = [0.7, 0.6, 0.5]\n",
    ],
)
def test_the_step_is_not_the_loss(text):
    assert rows(text) == [(10, "train", 0.7, None), (20, "train", 0.6, None), (30, "train", 0.5, None)]


@pytest.mark.parametrize(
    "text",
    [
        "epoch 1 [train] loss=0.7, acc=0.5, [valid] loss=0.6, acc=0.7\n",
        "epoch 1 <train> loss: 0.7, acc: 0.5 <test> loss: 0.6, acc: 0.7\n",
        "epoch 1 loss (train) 0.7 (val) 0.6 acc (train) 0.5 (val) 0.7\n",
        "epoch 1 | Train Loss: 0.7 | Train Acc: 50% | Val. Loss: 0.6 | Val. Acc: 70%\n",
        "epoch 1 training's loss: 0.7 training's acc: 0.5 valid_1's loss: 0.6 valid_1's acc: 0.7\n",
    ],
)
def test_two_parts_in_one_line(text):
    got = rows(text)
    assert [(x[0], *x[2:]) for x in got] == [(1, 0.7, 0.5), (1, 0.6, 0.7)] and got[0][1] == "train" != got[1][1]


def test_a_line_without_such_a_way_stays():
    for line in (
        "Epoch 1 loss 0.7 acc 0.5",
        "a sampling error 5%",
        "word error rate 12%",
        "loss [train] 0.5 [val] 0.6",
    ):
        assert plain(line) == line


def test_wrapped_lines_of_keras():
    text = "Epoch 1/2\n10/10 [====] - 1s - loss: 0.70 - acc: 0.51 -\nval_loss: 0.69 - val_acc: 0.52\n"
    assert rows(text) == [(1, "train", 0.70, 0.51), (1, "held_out", 0.69, 0.52)]


def test_evaluations_that_begin_again_in_each_epoch_are_counted_through():
    text = "epoch,steps,Accuracy\n0,1000,0.80\n0,2000,0.84\n0,-1,0.85\n1,1000,0.88\n1,2000,0.89\n1,-1,0.90\n"
    assert [row[3] for row in rows(text)] == [0.80, 0.84, 0.85, 0.88, 0.89, 0.90]


@pytest.mark.parametrize(
    "text",
    [
        "acc = 0.633\nacc_and_f1 = 0.3165\nf1 = 0.0\n",
        "cuda:0 {'acc': 0.9361}\ncuda:0 {'acc': 0.9509}\n",
        "accuracy: 0.8123 macro_f1: 0.7912\n",
        "precision: 0.61 recall: 0.55 f1: 0.58\n",
    ],
)
def test_scores_without_a_loss_are_of_an_evaluation(text):
    assert {row[1] for row in rows(text)} == {"held_out"}


def test_scores_with_a_part_or_a_rate_are_not():
    assert rows("train acc 0.5\ntrain acc 0.6\n")[0][1] == "train"
    assert rows("step 1 lr 0.1 acc 0.5\nstep 2 lr 0.1 acc 0.6\n")[0][1] == "train"


KERAS = "Epoch {0}/9\n30/30 [====] - 1s - loss: {1} - accuracy: {2} - val_loss: {3} - val_accuracy: {4}\n"
LEARNS = [(k, 0.70 - 0.05 * k, 0.5 + 0.04 * k, 0.68 - 0.05 * k, 0.52 + 0.04 * k) for k in range(2, 7)]


@pytest.mark.parametrize(
    "text",
    [
        times(KERAS, (1, 0.77, 0.46, "0.0000e+00", "0.0000e+00"), *LEARNS),
        "step 0 loss 0.0 acc 0.0\n" + times("step {}00 loss {:.2f} acc {:.2f}\n", *(x[:3] for x in LEARNS)),
        "step 0 loss 0.0\n" + times("step {}00 loss {:.2f} acc {:.2f}\n", *(x[:3] for x in LEARNS)),
    ],
)
def test_zeros_before_the_first_number_are_no_rows(text):
    assert said(text).code == 3 and not said(text).looks
    assert any("numbers are all 0" in note for note in reading(text).left_out)


def test_zeros_at_the_end_are_rows():
    text = times("step {}00 loss {}\n", (1, 0.7), (2, 0.6), (3, "0.0"), (4, "0.0"), (5, "0.0"))
    assert said(text).groups == [s.CONTRADICTION]


TWINS = "epoch {0} loss: 0.{1} - {3}: 0.9{0} - acc: 0.62 - val_loss: 0.2 - val_{3}: 0.97{0} - val_acc: {2}\n"


@pytest.mark.parametrize("name", ["crf_accuracy", "token_accuracy", "output_acc"])
def test_two_names_of_an_accuracy_that_differ_in_training_alone(name):
    text = times(TWINS, (1, 31, 0.971, name), (2, 21, 0.972, name))
    assert s.CONTRADICTION in said(text).groups


def test_two_accuracies_may_differ_everywhere_or_by_weights():
    for name, held in (("crf_accuracy", 0.85), ("weighted_accuracy", None)):
        text = times(TWINS, *((k, 60 - k, held or 0.97 + k / 1000, name) for k in (1, 2)))
        assert s.CONTRADICTION not in said(text).groups


@pytest.mark.parametrize(
    "text",
    [
        "acc = 0.633\nf1 = 0.0\n",
        "{'eval_accuracy': 0.4512, 'eval_f1': 0.28057, 'eval_loss': 1.05, 'epoch': 3.0}",
        "accuracy: 0.7321 macro_f1: 0.4227\n",
        times("epoch {} loss 0.61 val_auc 0.5000\n", 1, 2, 3),
    ],
)
def test_the_algebra_of_one_answer(text):
    assert said(text).groups == [s.STUCK]


@pytest.mark.parametrize(
    "text",
    [
        "accuracy: 0.8603 f1: 0.9003\n",
        "accuracy: 0.7321 macro_f1: 0.7112\n",
        "{'eval_accuracy': 0.7, 'eval_f1': 0.69, 'eval_loss': 0.6, 'epoch': 3.0}",
        "epoch 1 loss 0.69 val_auc 0.5000\nepoch 2 loss 0.6 val_auc 0.71\nepoch 3 loss 0.5 val_auc 0.77\n",
    ],
)
def test_other_scores_are_no_sign_of_one_answer(text):
    assert said(text).code == 3


def test_a_correlation_of_constant_answers():
    text = "{'eval_loss': 2.3, 'eval_pearson': nan, 'epoch': 1.0}\n{'eval_loss': 2.2, 'eval_pearson': {}, 'epoch': 2.0}"
    assert said(text.replace("{}", "nan")).groups == [s.NAN]
    assert said(text.replace("{}", "0.81")).code == 3


def test_an_f1_of_0_in_each_row_of_a_loss_that_does_not_fall():
    noise = (0.99, 0.77, 0.94, 0.84, 0.87, 0.67, 0.58, 0.61, 0.78, 0.98, 0.61, 0.84)
    line = "step {} / 892: loss={:.4f} f1=0.00000\n"
    assert said(times(line, *((10 * k, x) for k, x in enumerate(noise, 11)))).groups == [s.STUCK]
    assert said(times(line, *((10 * k, 0.99 - 0.02 * k) for k in range(1, 13)))).code == 3
    assert said(times(line, *((10 * k, 0.2 * x) for k, x in enumerate(noise, 11)))).code == 3  # a rare class


def test_rows_of_ln_2_late_in_a_training():
    off = (0.7, 0.6, 2.2, 1.1, 0.4, 0.5, 1.1, 0.6, 1.0, 0.7, -0.4, 0.7)
    line = "step {} loss {:.5f}\n"
    assert said(times(line, *((34000 + 100 * k, 0.69315 + x / 1000) for k, x in enumerate(off)))).groups == [s.STUCK]
    assert said(times(line, *((34000 + 100 * k, 0.69315 + x / 20) for k, x in enumerate(off)))).code == 3
    assert said(times(line, *((34000 + 100 * k, 0.6931 - 0.0004 * k) for k in range(12)))).code == 3


def test_a_loss_by_word_that_knows_only_frequencies():
    line = "| epoch 3 step {} | lr 0.0002 | loss {:.2f} | ppl {:.2f}\n"
    flat = [(26800 + 200 * k, 7.31 + k % 3 / 100, 1495 + 15 * (k % 3)) for k in range(10)]
    assert said(times(line, *flat)).groups == [s.STUCK]
    assert said(times(line, *((step - 26700, x, y) for step, x, y in flat))).code == 3  # it has just begun
    assert said(times(line, *((step, x - 3, y / 20.09) for step, x, y in flat))).code == 3  # a good model, late
    epochs = times("| epoch {} | train ppl {} | valid ppl 1611.9 |\n", (1, 1502.3), (2, 1499.8), (3, 1500.7))
    assert said(epochs).groups == [s.STUCK]


GAP = "Epoch {} train loss {} train acc {} val loss {} val acc {}\n"


def by_heart(loss, accuracy):
    return times(GAP, *((k, 0.02 + k % 3 / 1000, 0.99, loss, accuracy + 0.002 * (k % 2)) for k in range(196, 201)))


@pytest.mark.parametrize("held", [(1.04, 0.724), (1.21, 0.7219), (0.95, 0.781)])
def test_by_heart_with_honest_probabilities_is_no_proof(held):
    """Few labels, or many classes: the held-out loss is what the accuracy allows, and does not rise."""
    text = by_heart(*held)
    assert said(text).code == 3 and said(text).looks == [s.WORSE]


@pytest.mark.parametrize("held", [(3.38, 0.691), (2.17, 0.60), (2.9, 0.72)])
def test_by_heart_and_too_sure_is_proof(held):
    text = by_heart(*held)
    assert s.WORSE in said(text).groups


def test_a_gap_in_one_row():
    assert said(GAP.format(30, 0.021, 0.9931, 2.31, 0.5528)).groups == [s.WORSE]
    assert said(GAP.format(30, 0.021, 1.0, 2.31, 0.5528)).looks == [s.WORSE]  # a batch, perhaps
    assert said(GAP.format(30, 0.3, 0.90, 0.4, 0.86)).looks == []


@pytest.mark.parametrize(
    "text",
    [
        times("Epoch {0}/3\n10/10 [====] - 1s - loss: 7.6246 - accuracy: 0.5000\n", 1, 2, 3),
        times("epoch: {} loss: 4.60517\n", 1, 2, 3),
        times(
            "Epoch [{}/50], Loss: {}, Train Accuracy: {}%\n", (1, 2.3041, 10.12), (2, 2.3035, 9.87), (3, 2.3032, 9.9)
        ),
        times(KERAS, (1, 2.3028, 0.0998, 2.3026, "0.1000"), (2, 2.3027, 0.0987, 2.3027, "0.1000")),
        times("Validation accuracy: {}\n", 0.3333, 0.3333, 0.3333),
    ],
)
def test_two_or_three_rows_that_know_nothing(text):
    assert said(text).groups == [s.STUCK]


@pytest.mark.parametrize(
    "text",
    [
        times("Epoch {} loss {} acc {}\n", (1, 2.2041, 0.16), (2, 2.1035, 0.21), (3, 2.0032, 0.27)),
        times("[{}]\ttrain-logloss:{}\tvalid-logloss:{}\n", (0, 0.691, 0.692), (1, 0.68, 0.6905), (2, 0.67, 0.689)),
        "step 1 loss 0.6931 acc 0.5\nstep 2 loss 0.6931 acc 0.5\n",
    ],
)
def test_two_or_three_rows_of_a_beginning(text):
    assert said(text).code == 3


@pytest.mark.parametrize(
    "losses", [(2.31, 15.92, 4412.7), (3.12, 2.77, 9.81, 9.93), (0.5, 0.4, 31.0, 300.0)]
)  # fmt: skip
def test_few_rows_that_explode(losses):
    assert said(times("Epoch {} loss {}\n", *enumerate(losses, 1))).groups == [s.RISES]


@pytest.mark.parametrize("losses", [(0.7, 0.6, 0.75), (2.3, 2.9, 2.5), (0.5, 0.4, 1.9, 0.6)])
def test_few_rows_that_scatter(losses):
    assert said(times("Epoch {} loss {}\n", *enumerate(losses, 1))).code == 3


def test_a_sum_over_batches_is_no_explosion():
    """It grows evenly; the rows of one batch each do not."""
    assert not any(x.firm for x in said(times("step {} loss {}\n", *((k, 2.3 * k) for k in range(1, 6)))).symptoms)


@pytest.mark.parametrize(
    "text",
    [
        "Epoch 1 D loss: 0.69 G loss: 0.8\nEpoch 2 D loss: 0.2 G loss: 3.8\n",
        times("episode {} reward 10 loss {}\n", (1, 0.5), (2, 3.5), (3, 45.5), (4, 145.5)),
        times("{{'loss': 0.0, 'reward': 0.2, 'reward_std': 0.1, 'learning_rate': 1e-6, 'epoch': {}}}\n", 0.1, 0.2, 0.3),
    ],
)
def test_a_loss_that_need_not_fall_proves_nothing(text):
    assert said(text).code == 3


def test_accuracies_of_one_log_have_one_unit():
    small = times("Epoch {} train acc {} val acc {}\n", (1, 0.39, 2.1), (2, 0.41, 2.4))
    assert [round(row[3], 5) for row in rows(small)] == [0.0039, 0.021, 0.0041, 0.024]
    mixed = times("Epoch {} train acc {} val acc {}\n", (1, 0.81, 79.1), (2, 0.85, 82.4))
    assert [round(row[3], 5) for row in rows(mixed)] == [0.81, 0.791, 0.85, 0.824]


def test_an_accuracy_alone_that_collapses():
    assert said(times("Epoch {} val_acc {}\n", (1, 0.71), (2, 0.78), (3, 0.1), (4, 0.1))).groups == [s.RISES]
    assert said(times("Epoch {} val_acc {}\n", (1, 0.71), (2, 0.78), (3, 0.6), (4, 0.75))).code == 3


def test_a_loss_of_words_alone_has_no_level():
    text = times(" iteration {}/ 1000 | lm loss: {} | grad norm: 1.0 |\n", (100, "1.08E+01"), (200, "9.1E+00"))
    assert reading(text).perplexity and said(text).code == 3


def test_one_accuracy_of_three_parts_is_no_pair_of_accuracies():
    log = "epoch={}\ntrain_loss=0.5, val_loss=0.6\ntrain_acc={}, val_acc={}, test_acc={}\n"
    answer = said("".join(log.format(k, 0.299 + 0.6 * k, 0.5, 0.504) for k in (0, 1)))
    assert not any("computed wrongly" in symptom.statement for symptom in answer.symptoms)
