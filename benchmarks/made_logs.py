"""Logs of simulated trainings, healthy and sick, with the sampling noise of batches and of held-out sets.

    python -m benchmarks.made_logs [SEEDS]

Each is made by a function of a random generator, so that a seed gives the same log again. What is healthy learns as
such trainings do; what is sick has one fault whose group is known. Printed is how often a healthy log is called sick,
and how often the group of a sick one is found. Twenty seeds take about half a minute.
"""

import json
import math
import sys
from collections import Counter
from collections.abc import Callable

import numpy as np

from nsputil.clinic.log_readers import symptoms as s
from nsputil.clinic.log_readers.answer import Answer
from nsputil.clinic.log_readers.reading import understand
from nsputil.clinic.log_readers.text import LogText
from nsputil.clinic.report import answer_log

Maker = Callable[[np.random.Generator], str]
HEALTHY: dict[str, Maker] = {}
SICK: dict[str, tuple[str, Maker]] = {}


def healthy(maker: Maker) -> Maker:
    HEALTHY[maker.__name__] = maker
    return maker


def sick(group: str) -> Callable[[Maker], Maker]:
    def add(maker: Maker) -> Maker:
        SICK[maker.__name__] = (group, maker)
        return maker

    return add


# Curves.


def knowledge(n, speed=4.0, delay=0.0, shape=1.0):
    """From 0 to nearly 1 over n rows: slow in the warm-up, then fast, then slower."""
    time = np.clip((np.arange(1, n + 1) / n - delay) / (1 - delay), 0, None)
    return 1 - np.exp(-speed * time**shape)


def between(start, end, known):
    return start + (end - start) * known


def of_batches(rng, mean, rows, spread=1.0):
    """Mean losses of batches: of skewed losses of single rows, whose standard deviation is about their mean."""
    mean = np.asarray(mean, float)
    scale = spread * np.sqrt(mean * np.maximum(mean, 0.3)) / math.sqrt(rows)
    sigma = np.sqrt(np.log1p((scale / mean) ** 2))
    return mean * np.exp(sigma * rng.standard_normal(len(mean)) - sigma**2 / 2)


def right(rng, mean, rows):
    return rng.binomial(rows, np.clip(mean, 0, 1)) / rows


def epochs(rng, n, classes=2, best=0.9, least=0.25, rows=2000, gap=0.04, speed=4.0, train_rows=20_000):
    """Losses and accuracies of whole epochs, training and held out."""
    known = knowledge(n, speed)
    held_known = known * (1 - gap)
    level = math.log(classes)
    loss = of_batches(rng, between(level, least, known), train_rows)
    acc = right(rng, between(1 / classes, best, known), train_rows)
    val = of_batches(rng, between(level, least, held_known), rows)
    val_acc = right(rng, between(1 / classes, best, held_known), rows)
    return loss, acc, val, val_acc


# How tools print them.


def keras(loss, acc, val, val_acc, name="accuracy", first=1):
    lines = []
    for k, (a, b, c, d) in enumerate(zip(loss, acc, val, val_acc, strict=True), first):
        lines += [f"Epoch {k}/{len(loss) + first - 1}"]
        lines += [
            f"375/375 [==============================] - 21s 55ms/step - loss: {a:.4f} - {name}: {b:.4f} - "
            f"val_loss: {c:.4f} - val_{name}: {d:.4f}"
        ]
    return "\n".join(lines)


def csv(**columns):
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(["epoch", *names])] + [",".join(map(str, [k, *row])) for k, row in enumerate(rows)])


def card(names, *columns):
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in zip(*columns, strict=True):
        lines.append("| " + " | ".join(f"{x:.4f}" if isinstance(x, float) else str(x) for x in row) + " |")
    return "\n".join(lines)


def trainer(loss, every=50, per_epoch=400):
    return "\n".join(
        str({"loss": round(float(x), 4), "learning_rate": 3e-05, "epoch": round(every * k / per_epoch, 2)})
        for k, x in enumerate(loss, 1)
    )


def prints(loss, acc=None, first=1, every=10, form="step {} loss {:.4f}"):
    lines = []
    for k, x in enumerate(loss):
        line = form.format(first + every * k, x)
        lines.append(line if acc is None else f"{line} acc {acc[k]:.4f}")
    return "\n".join(lines)


# Healthy trainings.


def _classes(k, best, least, name):
    def make(rng):
        return keras(*epochs(rng, int(rng.integers(4, 12)), k, best, least))

    make.__name__ = name
    return healthy(make)


for _k, _best, _least in ((2, 0.92, 0.2), (3, 0.85, 0.4), (10, 0.9, 0.35), (100, 0.72, 1.1), (1000, 0.66, 1.5)):
    _classes(_k, _best, _least, f"classes_{_k}_keras")


@healthy
def two_classes_batches(rng):
    known = knowledge(60, 2.5)
    return prints(of_batches(rng, between(0.69, 0.25, known), 16), right(rng, between(0.5, 0.9, known), 16))


@healthy
def two_classes_slow_batches(rng):
    known = knowledge(40, 1.2)
    return prints(of_batches(rng, between(0.69, 0.45, known), 32), right(rng, between(0.5, 0.8, known), 32))


@healthy
def ten_classes_middle(rng):
    known = knowledge(200, 3)[90:110]
    form = "Epoch 5 step {} loss {:.4f}"
    return prints(
        of_batches(rng, between(2.3, 0.6, known), 32), right(rng, between(0.1, 0.8, known), 32), 900, 10, form
    )


@healthy
def ten_classes_end(rng):
    loss = of_batches(rng, np.full(12, 0.35), 32)
    return prints(loss, right(rng, np.full(12, 0.88), 32), 20_000, 100, "iter {} loss: {:.3f}")


@healthy
def thousand_classes_first_rows(rng):
    known = knowledge(400, 3)[:4]
    top = right(rng, between(0.001, 0.7, known), 256 * 50)
    lines = [
        f"Epoch[0] Batch [{50 * (k + 1)}] Speed: 339.12 samples/sec Train-accuracy={x:.6f}" for k, x in enumerate(top)
    ]
    lines += [f"Epoch[0] Batch [{50 * (k + 1)}] Train-top_k_accuracy_5={4 * x:.6f}" for k, x in enumerate(top)]
    return "\n".join(lines)


@healthy
def thousand_classes_middle_of_an_epoch(rng):
    loss, acc = of_batches(rng, np.full(8, 2.4), 256), right(rng, np.full(8, 0.47), 256)
    return "\n".join(
        f"Epoch: [31][{100 * k}/5005] Time 0.33 Loss {x:.4f} Acc@1 {100 * y:.3f} Acc@5 {100 * min(1, 1.5 * y):.3f}"
        for k, (x, y) in enumerate(zip(loss, acc, strict=True))
    )


@healthy
def masked_words_from_scratch(rng):
    known = knowledge(30, 2.0)
    return trainer(of_batches(rng, between(10.3, 4.5, known), 500))


@healthy
def masked_words_further(rng):
    return trainer(of_batches(rng, between(1.95, 1.75, knowledge(25, 1.5)), 300))


@healthy
def masked_words_beside_nsp(rng):
    known = knowledge(20, 2.0)
    mlm = of_batches(rng, between(10.3, 5.0, known), 400)
    nsp, acc = of_batches(rng, between(0.69, 0.2, known), 64), right(rng, between(0.5, 0.93, known), 64)
    return "\n".join(
        f"[step {250 * (k + 1)}] mlm_loss={a:.5f} nsp_loss={b:.5f} nsp_acc={100 * c:.3f}"
        for k, (a, b, c) in enumerate(zip(mlm, nsp, acc, strict=True))
    )


@healthy
def language_model_fine_tuned(rng):
    return trainer(of_batches(rng, between(0.86, 0.66, knowledge(30, 2.0)), 200), 10, 300)


@healthy
def language_model_late(rng):
    loss = of_batches(rng, np.full(15, 0.70), 60)
    return prints(loss, None, 40_000, 10, "iter {}: loss {:.4f}, time 745.63ms")


@healthy
def perplexity(rng):
    loss, val = between(6.5, 4.4, knowledge(6)), between(6.3, 4.7, knowledge(6))
    return "\n".join(
        f"| end of epoch {k} | train loss {a:.2f} | valid loss {b:.2f} | valid ppl {math.exp(b):.2f}"
        for k, (a, b) in enumerate(zip(of_batches(rng, loss, 5000), of_batches(rng, val, 2000), strict=True), 1)
    )


@healthy
def bits_of_fairseq(rng):
    n, lines = 8, []
    loss = of_batches(rng, between(9.5, 4.2, knowledge(n)), 5000)
    val = of_batches(rng, between(9.2, 4.6, knowledge(n)), 2000)
    for k in range(n):
        lines.append(
            json.dumps({"epoch": k + 1, "train_loss": f"{loss[k]:.3f}", "train_num_updates": str(900 * (k + 1))})
        )
        lines.append(json.dumps({"epoch": k + 1, "valid_loss": f"{val[k]:.3f}", "valid_ppl": f"{2 ** val[k]:.2f}"}))
    return "\n".join(lines)


@healthy
def bits_within_an_epoch(rng):
    loss, mean = of_batches(rng, np.full(8, 2.6), 32), between(3.2, 2.9, knowledge(8))
    return "\n".join(
        f"| epoch 005 {1000 * (k + 1)} / 8223 loss={a:.2f} ({b:.2f}), wps=959, bsz=32, lr=0.001, gnorm=2.7"
        for k, (a, b) in enumerate(zip(loss, mean, strict=True))
    )


@healthy
def translation(rng):
    n = 8
    val, bleu = of_batches(rng, between(4.5, 2.2, knowledge(n)), 3000), between(5.0, 31.0, knowledge(n))
    return card(
        ["Epoch", "Training Loss", "Validation Loss", "Bleu"],
        range(1, n + 1),
        of_batches(rng, between(5.5, 1.6, knowledge(n)), 9000),
        val,
        bleu + rng.normal(0, 0.4, n),
    )


@healthy
def regression(rng):
    n = 15
    loss = of_batches(rng, between(0.9, 0.02, knowledge(n, 5)), 4000)
    val = of_batches(rng, between(0.8, 0.025, knowledge(n, 5)), 800)
    return csv(loss=loss, mae=np.sqrt(loss), val_loss=val, val_mae=np.sqrt(val))


@healthy
def regression_small_scale(rng):
    n = 10
    loss = of_batches(rng, between(0.02, 0.0003, knowledge(n, 6)), 4000)
    val = of_batches(rng, between(0.009, 0.0002, knowledge(n, 6)), 800)
    return "\n".join(
        f"Epoch {k}/{n}\n90/90 [==============================] - 1s 9ms/step - loss: {a:.4e} - val_loss: {b:.4e}"
        for k, (a, b) in enumerate(zip(loss, val, strict=True), 1)
    )


@healthy
def detection_late(rng):
    loss = of_batches(rng, np.full(20, 0.74), 8)
    return prints(loss, None, 52_000, 50, "Epoch [9] iter {} lr: 0.002 loss: {:.4f}")


@healthy
def ranking(rng):
    n = 10
    loss, mrr = of_batches(rng, between(1.0, 0.35, knowledge(n)), 3000), between(0.2, 0.62, knowledge(n))
    return card(
        ["Epoch", "Training Loss", "Validation Loss", "MRR"],
        range(1, n + 1),
        loss,
        of_batches(rng, between(0.95, 0.4, knowledge(n)), 900),
        mrr + rng.normal(0, 0.01, n),
    )


@healthy
def multi_label_keras(rng):
    n = 8
    loss = of_batches(rng, between(0.35, 0.06, knowledge(n)), 9000)
    acc = right(rng, between(0.15, 0.62, knowledge(n)), 9000)
    val_acc = right(rng, between(0.15, 0.57, knowledge(n)), 1500)
    return keras(loss, acc, of_batches(rng, between(0.3, 0.075, knowledge(n)), 1500), val_acc)


@healthy
def multi_label_top_k(rng):
    n = 7
    loss = of_batches(rng, between(0.63, 0.42, knowledge(n)), 6000)
    return keras(
        loss,
        np.ones(n),
        of_batches(rng, between(0.55, 0.39, knowledge(n)), 900),
        np.ones(n),
        "top_k_categorical_accuracy",
    )


@healthy
def nsp_of_pairs(rng):
    n = 50
    known = knowledge(n, 3, 0.2)
    lines = []
    for k in range(n):
        x, y = (
            of_batches(rng, between(0.69, 0.15, known[k : k + 1]), 32)[0],
            right(rng, between(0.5, 0.95, known[k]), 32),
        )
        lines.append(f"step {20 * (k + 1)} nsp_loss {x:.4f} nsp_acc {y:.4f}")
        if k % 10 == 9:
            a, b = between(0.69, 0.18, known[k]), right(rng, between(0.5, 0.94, known[k]), 1000)
            lines.append(f"step {20 * (k + 1)} eval_nsp_loss {a:.4f} eval_nsp_acc {b:.4f}")
    return "\n".join(lines)


@healthy
def warm_up(rng):
    known = knowledge(40, 4, 0.3)
    return trainer(of_batches(rng, between(1.1, 0.3, known), 16), 10, 130)


@healthy
def warm_restarts(rng):
    n = 40
    known = knowledge(n, 2.5) - 0.12 * np.exp(-(np.arange(n) % 10) / 2.0) * (np.arange(n) >= 10)
    loss, acc = of_batches(rng, between(2.3, 0.4, known), 3000), right(rng, between(0.1, 0.88, known), 3000)
    held = known * 0.95
    return csv(
        loss=loss,
        accuracy=acc,
        val_loss=of_batches(rng, between(2.3, 0.4, held), 2000),
        val_accuracy=right(rng, between(0.1, 0.88, held), 2000),
    )


@healthy
def mixup(rng):
    n = 15
    loss, _, val, acc = epochs(rng, n, 10, 0.97, 0.1)
    return card(
        ["epoch", "train_loss", "valid_loss", "accuracy", "time"], range(n), loss * 0.5 + 1.0, val, acc, ["01:37"] * n
    )


@healthy
def mixup_with_accuracy_of_training(rng):
    n = 15
    loss, acc, val, val_acc = epochs(rng, n, 100, 0.78, 0.9)
    return csv(loss=loss * 0.5 + 2.0, accuracy=acc * 0.55, val_loss=val, val_accuracy=val_acc)


@healthy
def label_smoothing(rng):
    n = 10
    loss, acc, val, val_acc = epochs(rng, n, 5, 0.93, 0.2)
    return csv(loss=loss * 0.6 + 0.5, accuracy=acc, val_loss=val, val_accuracy=val_acc)


@healthy
def dropout(rng):
    n = 12
    known = knowledge(n, 3)
    return keras(
        of_batches(rng, between(2.3, 0.9, known), 9000),
        right(rng, between(0.1, 0.7, known), 9000),
        of_batches(rng, between(2.0, 0.5, known), 1500),
        right(rng, between(0.2, 0.84, known), 1500),
    )


@healthy
def class_weights(rng):
    n = 8
    loss, acc, val, val_acc = epochs(rng, n, 2, 0.88, 0.3)
    return keras(loss * 3, acc, val, val_acc)


@healthy
def imbalance_95(rng):
    known = knowledge(10, 2.5)
    return keras(
        of_batches(rng, between(0.22, 0.09, known), 9000),
        right(rng, between(0.945, 0.975, known), 9000),
        of_batches(rng, between(0.2, 0.11, known), 1500),
        right(rng, between(0.95, 0.968, known), 1500),
    )


@healthy
def imbalance_95_card(rng):
    n, known = 6, knowledge(6, 2.5)
    f1 = np.r_[0.0, between(0.3, 0.72, known[1:])]
    acc = np.r_[0.95, right(rng, between(0.95, 0.972, known[1:]), 2000)]
    return card(
        ["Training Loss", "Epoch", "Step", "Validation Loss", "Accuracy", "F1"],
        of_batches(rng, between(0.22, 0.05, known), 4000),
        range(1, n + 1),
        range(500, 500 * n + 1, 500),
        of_batches(rng, between(0.18, 0.12, known), 1500),
        acc,
        f1,
    )


@healthy
def percent(rng):
    loss, acc, val, val_acc = epochs(rng, 8, 10, 0.9, 0.3)
    return "\n".join(
        f"Epoch {k} | Train Loss: {a:.3f} | Train Acc: {100 * b:.2f}% | Val. Loss: {c:.3f} | Val. Acc: {100 * d:.2f}%"
        for k, (a, b, c, d) in enumerate(zip(loss, acc, val, val_acc, strict=True), 1)
    )


@healthy
def few_rows_of_the_beginning(rng):
    loss = of_batches(rng, between(4.6, 2.0, knowledge(300, 3)[:5]), 32)
    acc = right(rng, between(0.01, 0.6, knowledge(300, 3)[:5]), 32)
    return prints(loss, acc, 0, 10, "Train Epoch: 0 [{}/6000] Loss: {:.6f}")


@healthy
def few_rows_of_two_classes(rng):
    loss = of_batches(rng, np.full(4, 0.69), 32)
    return trainer(loss, 10, 2000)


@healthy
def two_generations(rng):
    loss = of_batches(rng, np.array([3.9, 2.8, 2.72]), 900)
    test = of_batches(rng, np.array([3.9, 2.75, 2.69]), 300)
    acc = right(rng, np.array([0.16, 0.21, 0.20]), 400)
    return "\n".join(
        f"INFO: Generation {k}\nINFO: Train loss {a}. Test loss {b}. Test accuracy {c}."
        for k, (a, b, c) in enumerate(zip(loss, test, acc, strict=True), 1)
    )


@healthy
def grows_sure_at_the_end(rng):
    acc = right(rng, np.array([0.72, 0.77, 0.785, 0.795, 0.80]), 5000)
    val = of_batches(rng, np.array([0.58, 0.51, 0.50, 0.55, 0.63]), 5000)
    return card(
        ["Training Loss", "Epoch", "Validation Loss", "Accuracy"],
        of_batches(rng, between(0.65, 0.3, knowledge(5)), 9000),
        range(1, 6),
        val,
        acc,
    )


@healthy
def entities_with_f1(rng):
    n = 8
    f1 = between(0.2, 0.89, knowledge(n)) + rng.normal(0, 0.004, n)
    val = of_batches(rng, np.array([0.30, 0.16, 0.13, 0.125, 0.13, 0.14, 0.155, 0.17]), 2500)
    return card(
        ["Training Loss", "Epoch", "Validation Loss", "Precision", "Recall", "F1"],
        of_batches(rng, between(0.5, 0.02, knowledge(n)), 9000),
        range(1, n + 1),
        val,
        f1 - 0.01,
        f1 + 0.01,
        f1,
    )


@healthy
def small_held_out_set(rng):
    loss, acc, val, val_acc = epochs(rng, 10, 2, 0.88, 0.3, rows=100)
    return keras(loss, acc, val, val_acc)


@healthy
def small_easy_task(rng):
    loss, acc, _, _ = epochs(rng, 12, 3, 0.97, 0.1, train_rows=120)
    val_acc = np.minimum(1, right(rng, between(0.4, 1.03, knowledge(12, 5)), 30))
    return keras(loss, acc, of_batches(rng, between(1.0, 0.08, knowledge(12)), 30), val_acc)


@healthy
def digits_end(rng):
    loss = of_batches(rng, np.full(8, 0.004), 64)
    return prints(loss, np.ones(8), 9000, 100, "Iter {}, Minibatch Loss= {:.6f}, Training Accuracy=").replace(
        "= acc", "="
    )


@healthy
def batches_of_one_row(rng):
    return prints(of_batches(rng, between(2.2, 1.2, knowledge(60, 2)), 1, 0.6))


@healthy
def focal_loss(rng):
    known = knowledge(8)
    return keras(
        of_batches(rng, between(0.35, 0.05, known), 9000),
        right(rng, between(0.3, 0.78, known), 9000),
        of_batches(rng, between(0.3, 0.07, known), 1500),
        right(rng, between(0.3, 0.74, known), 1500),
    )


@healthy
def cosine_loss(rng):
    return prints(-between(0.05, 0.93, knowledge(30)) + rng.normal(0, 0.01, 30))


@healthy
def batch_normalisation_first_epochs(rng):
    loss, acc, val, val_acc = epochs(rng, 5, 10, 0.85, 0.45)
    lag = np.array([0.45, 0.75, 0.9, 0.97, 1.0])
    return keras(loss, acc, val + 1.5 * (1 - lag), val_acc * lag)


@healthy
def reconstruction_and_penalty(rng):
    loss = of_batches(rng, between(540.0, 104.0, knowledge(20, 4)), 2000)
    return "\n".join(
        f"====> Epoch: {k} Average loss: {x:.4f}\n====> Test set loss: {0.99 * x:.4f}" for k, x in enumerate(loss, 1)
    )


@healthy
def running_mean_begins_again(rng):
    lines, known = [], knowledge(40, 2.5)
    batch = of_batches(rng, between(1.38, 0.3, known), 8)
    for k in range(40):
        epoch, step = divmod(k, 10)
        lines.append(f"epoch {epoch} step {10 * (step + 1)}/100 avg_loss {batch[10 * epoch : k + 1].mean():.4f}")
    return "\n".join(lines)


@healthy
def trainer_state(rng):
    n, history = 4, []
    loss, _, val, acc = epochs(rng, n, 3, 0.82, 0.45, rows=300)
    for k in range(n):
        history.append({"epoch": k + 1.0, "loss": float(loss[k]), "step": 100 * (k + 1)})
        history.append(
            {"epoch": k + 1.0, "eval_loss": float(val[k]), "eval_accuracy": float(acc[k]), "step": 100 * (k + 1)}
        )
    return json.dumps({"global_step": 400, "log_history": history})


@healthy
def hundred_classes_with_a_gap_that_closes(rng):
    n = 6
    known = knowledge(n, 1.5)
    return keras(
        of_batches(rng, between(4.6, 1.2, known), 9000),
        right(rng, between(0.01, 0.72, known), 9000),
        of_batches(rng, between(4.6, 1.6, known), 1500),
        right(rng, between(0.01, 0.6, known), 1500),
    )


@healthy
def accuracy_only(rng):
    acc = right(rng, between(0.05, 0.71, knowledge(6)), 2000)
    return "\n".join(f"epoch {k}: test accuracy {x:.4f}" for k, x in enumerate(acc))


@healthy
def plateau_after_a_resume(rng):
    loss, acc, val, val_acc = epochs(rng, 30, 20, 0.83, 0.6)
    return keras(loss[22:], acc[22:], val[22:], val_acc[22:], first=23)


@healthy
def adversaries(rng):
    n = 20
    d, acc, g = (
        of_batches(rng, np.full(n, 0.69), 64, 0.2),
        right(rng, np.full(n, 0.52), 64),
        of_batches(rng, np.full(n, 0.75), 64),
    )
    return "\n".join(
        f"{100 * k} [D loss: {a:f}, acc.: {100 * b:.2f}%] [G loss: {c:f}]"
        for k, (a, b, c) in enumerate(zip(d, acc, g, strict=True))
    )


@healthy
def acceptability_card(rng):
    n = 5
    val = of_batches(rng, np.array([0.45, 0.46, 0.55, 0.75, 0.84]), 1043)
    mcc = np.array([0.49, 0.53, 0.55, 0.56, 0.57]) + rng.normal(0, 0.006, n)
    return card(
        ["Training Loss", "Epoch", "Step", "Validation Loss", "Matthews Correlation"],
        of_batches(rng, np.array([0.52, 0.35, 0.24, 0.17, 0.12]), 8000),
        range(1, n + 1),
        range(535, 535 * n + 1, 535),
        val,
        mcc,
    )


@healthy
def entailment_card(rng):
    val = of_batches(rng, np.array([0.69, 0.66, 0.75, 0.95]), 277)
    acc = right(rng, np.array([0.53, 0.62, 0.67, 0.68]), 2000)
    return card(
        ["Training Loss", "Epoch", "Validation Loss", "Accuracy"],
        of_batches(rng, np.array([0.7, 0.6, 0.35, 0.2]), 2500),
        range(1, 5),
        val,
        acc,
    )


@healthy
def translation_of_opennmt(rng):
    known = knowledge(20, 2)
    loss, acc = of_batches(rng, between(8.9, 3.0, known), 2000), right(rng, between(0.04, 0.48, known), 4000)
    return "\n".join(
        f"[2020-01-01 10:00:00,000 INFO] Step {50 * (k + 1)}/100000; acc: {100 * b:6.2f}; ppl: {math.exp(a):5.2f}; "
        f"xent: {a:4.2f}; lr: 0.00001; 9000/8000 tok/s; {30 * k} sec"
        for k, (a, b) in enumerate(zip(loss, acc, strict=True))
    )


@healthy
def hundred_classes_by_heart(rng):
    n = 12
    loss = of_batches(rng, between(2.0, 0.02, knowledge(n, 6)), 20_000)
    val = np.maximum(of_batches(rng, np.full(n, 0.95), 10_000), 0.93)
    val_acc = np.sort(right(rng, between(0.60, 0.775, knowledge(n, 6)), 10_000))
    return keras(loss, right(rng, between(0.5, 0.999, knowledge(n, 6)), 50_000), val, val_acc, first=140)


@healthy
def flowers(rng):
    acc = np.minimum(1, right(rng, between(0.34, 1.0, knowledge(10, 5)), 120))
    loss = of_batches(rng, between(1.1, 0.09, knowledge(10, 5)), 120)
    lines = [f"Epoch {10 * k}, loss {a:.4f}, acc {b:.4f}" for k, (a, b) in enumerate(zip(loss, acc, strict=True))]
    return "\n".join([*lines, "test loss 0.0712, test acc 1.0000"])


@healthy
def small_set_that_stays(rng):
    loss, acc, val, _ = epochs(rng, 4, 2, 0.95, 0.2, train_rows=200)
    return keras(loss, acc, val, np.full(4, 27 / 31))


@healthy
def digits_of_pytorch(rng):
    lines = []
    for epoch in range(1, 4):
        known = knowledge(30, 5)[10 * (epoch - 1) : 10 * epoch]
        for k, x in enumerate(of_batches(rng, between(2.3, 0.08, known), 64)):
            lines.append(f"Train Epoch: {epoch} [{6400 * k}/60000 ({10 * k}%)]\tLoss: {x:.6f}")
        hits = int(rng.binomial(10_000, between(0.9, 0.99, epoch / 3)))
        lines.append(
            f"\nTest set: Average loss: {3 * (1 - hits / 10_000):.4f}, Accuracy: {hits}/10000 ({hits / 100:.0f}%)\n"
        )
    return "\n".join(lines)


@healthy
def boosted_trees(rng):
    a, b = between(0.69, 0.3, knowledge(30, 2)), between(0.69, 0.42, knowledge(30, 4)) + rng.normal(0, 0.002, 30)
    return "\n".join(
        f"[{k}]\ttrain-logloss:{x:.6f}\teval-logloss:{y:.6f}" for k, (x, y) in enumerate(zip(a, b, strict=True))
    )


@healthy
def preferences(rng):
    loss = of_batches(rng, between(0.6931, 0.55, knowledge(12, 1.5, 0.1)), 64, 0.3)
    acc = right(rng, between(0.5, 0.72, knowledge(12, 1.5, 0.1)), 640)
    return "\n".join(
        str({"loss": round(float(a), 4), "rewards/accuracies": float(b), "epoch": round(0.08 * (k + 1), 2)})
        for k, (a, b) in enumerate(zip(loss, acc, strict=True))
    )


@healthy
def contrastive(rng):
    return prints(
        of_batches(rng, between(4.85, 0.4, knowledge(30, 3)), 128),
        None,
        0,
        50,
        "Epoch: 1 step {} contrastive loss: {:.4f}",
    )


@healthy
def autoencoder(rng):
    loss = of_batches(rng, between(0.27, 0.093, knowledge(12, 5)), 60_000)
    return keras(loss, right(rng, np.full(12, 0.814), 60_000), loss * 0.99, right(rng, np.full(12, 0.813), 10_000))


@healthy
def characters_of_images(rng):
    known = knowledge(15, 2)
    loss, exact = (
        of_batches(rng, between(28.0, 0.4, known), 256),
        right(rng, np.maximum(0, between(-0.5, 0.8, known)), 256),
    )
    return "\n".join(
        f"epoch: [{k + 1}/100], iter: {100 * (k + 1)}, loss: {a:.6f}, acc: {b:.6f}, norm_edit_dis: {b**0.5:.6f}"
        for k, (a, b) in enumerate(zip(loss, exact, strict=True))
    )


@healthy
def tags_of_flair(rng):
    f1 = np.r_[0.0, between(0.1, 0.86, knowledge(6))]
    loss, dev = (
        of_batches(rng, between(2.0, 0.3, knowledge(7)), 2000),
        of_batches(rng, between(1.5, 0.35, knowledge(7)), 400),
    )
    return "\n".join(
        f"EPOCH {k} done: loss {a:.4f} - lr 0.1000000\nDEV : loss {b:.4f} - score {c:.4f}"
        for k, (a, b, c) in enumerate(zip(loss, dev, f1, strict=True), 1)
    )


@healthy
def policy(rng):
    return prints(rng.normal(0.02, 0.05, 20), None, 0, 2048, "step {} policy loss {:.4f}")


@healthy
def two_evaluations_fine_tuned(rng):
    return card(
        ["Training Loss", "Epoch", "Validation Loss", "Accuracy"],
        np.array([0.25, 0.14]),
        [1, 2],
        of_batches(rng, np.array([0.20, 0.26]), 5000),
        right(rng, np.array([0.928, 0.932]), 5000),
    )


# Sick ones.


@sick(s.NAN)
def nan_in_the_middle(rng):
    loss = of_batches(rng, between(0.69, 0.4, knowledge(20)), 16)
    loss[int(rng.integers(3, 15)) :] = math.nan
    return prints(loss)


@sick(s.NAN)
def nan_held_out(rng):
    loss, acc, val, val_acc = epochs(rng, 6)
    return keras(loss, acc, val * math.nan, val_acc)


@sick(s.NAN)
def infinite(rng):
    loss = of_batches(rng, between(2.3, 1.5, knowledge(8)), 16)
    return trainer(np.r_[loss, math.inf, math.nan])


@sick(s.NAN)
def nan_from_the_start(rng):
    return prints(np.full(8, math.nan), right(rng, np.full(8, 0.1), 64))


@sick(s.CONTRADICTION)
def loss_divided(rng):
    acc = right(rng, np.full(10, 0.6), 64)
    return prints(of_batches(rng, np.full(10, 0.67), 64) / 32, acc)


@sick(s.CONTRADICTION)
def accuracy_of_zero(rng):
    loss = of_batches(rng, between(1.2, 0.02, knowledge(6)), 900)
    return keras(loss, np.zeros(6), loss * 1.1, np.zeros(6))


@sick(s.CONTRADICTION)
def negative(rng):
    loss = between(0.6, -40, knowledge(6)) + rng.normal(0, 0.1, 6)
    return keras(loss, right(rng, np.full(6, 0.3), 900), loss, right(rng, np.full(6, 0.3), 900))


@sick(s.CONTRADICTION)
def below_chance(rng):
    lines = []
    for k, x in enumerate(right(rng, between(0.5, 0.06, knowledge(8)), 500), 1):
        lines.append(f"step {100 * k} eval_nsp_loss {0.69 - 0.06 * k:.4f} eval_nsp_acc {x:.4f}")
    return "\n".join(lines)


@sick(s.CONTRADICTION)
def zeros_after_a_jump(rng):
    return prints(np.r_[of_batches(rng, between(0.69, 0.5, knowledge(8)), 16), np.zeros(6)])


@sick(s.RISES)
def held_out_rises(rng):
    loss, acc, _, _ = epochs(rng, 8, 2, 0.99, 0.03)
    val = np.array([0.55, 0.46, 0.45, 0.52, 0.66, 0.80, 0.95, 1.1])
    val_acc = np.array([0.72, 0.78, 0.785, 0.78, 0.77, 0.765, 0.76, 0.75])
    return keras(loss, acc, of_batches(rng, val, 1000), right(rng, val_acc, 1000))


@sick(s.RISES)
def held_out_rises_card(rng):
    val = of_batches(rng, np.array([1.05, 0.9, 0.85, 0.95, 1.15, 1.3]), 800)
    acc = right(rng, np.array([0.5, 0.62, 0.64, 0.63, 0.61, 0.6]), 800)
    return card(
        ["Training Loss", "Epoch", "Validation Loss", "Accuracy"],
        of_batches(rng, between(1.1, 0.05, knowledge(6)), 5000),
        range(1, 7),
        val,
        acc,
    )


@sick(s.RISES)
def held_out_rises_without_accuracy(rng):
    val = of_batches(rng, np.array([4.6, 3.9, 3.7, 3.9, 4.4, 5.0, 5.6]), 800)
    loss = of_batches(rng, between(5.0, 0.9, knowledge(7)), 5000)
    return "\n".join(
        f"epoch {k} train loss {a:.3f} val loss {b:.3f}" for k, (a, b) in enumerate(zip(loss, val, strict=True))
    )


@sick(s.RISES)
def training_breaks(rng):
    loss = np.r_[between(0.69, 0.25, knowledge(30)), np.full(20, 0.69)]
    return prints(of_batches(rng, loss, 32))


@sick(s.RISES)
def training_explodes(rng):
    loss = np.r_[between(6.0, 3.0, knowledge(20)), np.linspace(4, 9, 10)]
    return trainer(of_batches(rng, loss, 100))


def _stuck_pairs(rng, n=40, rows=32):
    return prints(of_batches(rng, np.full(n, 0.695), rows, 0.2), right(rng, np.full(n, 0.5), rows))


sick(s.STUCK)(_stuck_pairs)


@sick(s.STUCK)
def stuck_without_accuracy(rng):
    return trainer(of_batches(rng, np.full(16, 0.694), 32, 0.2), 50, 400)


@sick(s.STUCK)
def stuck_in_ten_classes(rng):
    loss, val = of_batches(rng, np.full(6, 2.303), 900, 0.05), of_batches(rng, np.full(6, 2.303), 400, 0.05)
    return keras(loss, right(rng, np.full(6, 0.1), 20_000), val, right(rng, np.full(6, 0.1), 2000))


@sick(s.STUCK)
def one_answer_for_all(rng):
    share = float(right(rng, np.array([0.62]), 400)[0])
    loss = of_batches(rng, np.full(6, 0.665), 9000, 0.05)
    return keras(loss, right(rng, np.full(6, share), 9000), loss, np.full(6, share))


@sick(s.STUCK)
def stuck_epochs(rng):
    loss = of_batches(rng, np.full(10, 0.6935), 2000, 0.1)
    return keras(loss, right(rng, np.full(10, 0.5), 8000), loss, right(rng, np.full(10, 0.5), 1000))


@sick(s.STUCK)
def stuck_card(rng):
    n = 5
    return card(
        ["Training Loss", "Epoch", "Validation Loss", "Accuracy"],
        of_batches(rng, np.full(n, 0.696), 2000, 0.1),
        range(1, n + 1),
        of_batches(rng, np.full(n, 0.694), 900, 0.1),
        right(rng, np.full(n, 0.5), 900),
    )


@sick(s.STUCK)
def nothing_found(rng):
    zero, lines = "precision: 0.000000, recall: 0.000000, fscore: 0.000000", []
    for k, x in enumerate(of_batches(rng, np.full(3, 0.18), 9000), 1):
        for part in ("Train", "Validate"):
            lines += [f"{part} performance at epoch {k} is {zero}.", f"Loss is: {x:.6f}."]
    return "\n".join(lines)


@sick(s.STUCK)
def constant_loss(rng):
    return trainer(np.full(10, float(rng.uniform(3, 11))))


@sick(s.WORSE)
def by_heart(rng):
    loss, acc, _, _ = epochs(rng, 10, 2, 0.99, 0.03)
    return keras(
        loss, acc, of_batches(rng, np.full(10, 0.72), 1000, 0.1), right(rng, between(0.5, 0.6, knowledge(10)), 1000)
    )


@sick(s.WORSE)
def by_heart_in_many_classes(rng):
    loss, acc, val, _ = epochs(rng, 12, 20, 0.97, 0.15)
    return keras(
        loss,
        acc,
        of_batches(rng, between(3.0, 1.9, knowledge(12)), 900),
        right(rng, between(0.05, 0.55, knowledge(12)), 900),
    )


@sick(s.WORSE)
def by_heart_losses_only(rng):
    n = 12
    loss = of_batches(rng, between(4.5, 0.5, knowledge(n)), 3000)
    val = of_batches(rng, between(4.5, 3.6, knowledge(n, 9)), 900)
    return "\n".join(
        f"step {250 * k}: train loss {a:.4f}, val loss {b:.4f}" for k, (a, b) in enumerate(zip(loss, val, strict=True))
    )


@sick(s.PERFECT)
def leaked(rng):
    n = 5
    return card(
        ["Training Loss", "Epoch", "Validation Loss", "Accuracy"],
        of_batches(rng, between(0.03, 0.0001, knowledge(n, 8)), 900),
        range(1, n + 1),
        of_batches(rng, between(0.004, 0.0006, knowledge(n)), 900),
        np.full(n, 1.0),
    )


@sick(s.PERFECT)
def leaked_pairs(rng):
    return "eval_nsp_accuracy = 1.0\neval_nsp_loss = 0.00002\nglobal_step = 2000"


@sick(s.PERFECT)
def leaked_from_the_first_evaluation(rng):
    n = 5
    acc = 1 - rng.integers(0, 3, n) / 2000
    return card(
        ["Training Loss", "Epoch", "Validation Loss", "Accuracy"],
        of_batches(rng, between(0.04, 0.0001, knowledge(n, 8)), 900),
        range(1, n + 1),
        of_batches(rng, np.full(n, 0.005), 900),
        acc,
    )


@sick(s.STUCK)
def stuck_small_batches(rng):
    return prints(
        of_batches(rng, np.full(25, 0.80), 8, 1.0), None, 50, 50, "epoch: 1 - global_step: {}/16520 - loss:{:.6f}"
    )


@sick(s.STUCK)
def stuck_single_evaluation(rng):
    acc = right(rng, np.array([0.5]), 4000)[0]
    return f"eval_accuracy = {acc}\neval_loss = {0.6935 + rng.normal(0, 0.002)}\nglobal_step = 2000"


@sick(s.RISES)
def collapses(rng):
    loss = of_batches(rng, np.r_[np.full(8, 0.24), [0.42, 0.46, 0.5]], 3000, 2.0)
    return "\n".join(f"epoch {25 + k}, train loss: {x:.4f}; train acc: {1 - x / 2.4:.4f}" for k, x in enumerate(loss))


@sick(s.WORSE)
def shakespeare(rng):
    lines = [f"iter {791 + k}: loss {x:.4f}, time 745.63ms" for k, x in enumerate(of_batches(rng, np.full(10, 1.1), 2))]
    lines += ["step 800: train loss 0.9795, val loss 3.7535"]
    lines += [f"iter {997 + k}: loss {x:.4f}, time 745.63ms" for k, x in enumerate(of_batches(rng, np.full(3, 0.6), 2))]
    return "\n".join([*lines, "step 1000: train loss 0.6703, val loss 3.8986"])


@sick(s.CONTRADICTION)
def loss_of_zero(rng):
    return keras(
        np.r_[0.65, np.full(5, 1.2e-7)],
        right(rng, np.full(6, 0.03), 9000),
        np.full(6, 1e-7),
        right(rng, np.full(6, 0.03), 900),
    )


@healthy
def perplexity_only(rng):
    loss = of_batches(rng, between(8.5, 4.6, knowledge(20)), 400)
    lines = [f"Epoch 1 ; Iter {50 * k}/1000 ; LR 1.0000 ; PPL {math.exp(x):.2f} ;" for k, x in enumerate(loss, 1)]
    return "\n".join([*lines, f"Validation perplexity: {math.exp(4.7 + rng.normal(0, 0.05))}"])


@healthy
def perplexity_fine_tuned(rng):
    return csv(
        train_ppl=np.exp(of_batches(rng, between(1.64, 1.58, knowledge(12)), 3000)),
        valid_ppl=np.exp(of_batches(rng, between(1.63, 1.60, knowledge(12)), 3000)),
    )


@healthy
def batches_by_length(rng):
    lines = []
    for epoch in range(1, 5):
        mean = between(9.5, 2.6, knowledge(12, 3.0)) * 0.93**epoch
        for k, x in enumerate(of_batches(rng, mean, 64), 1):
            lines += [f"Epoch {epoch}, step/total_step: {5 * k}/60 {100 * k / 12:.2f}% Loss:{x:.4f}"]
        lines += [f"Epoch {epoch}, Val Loss:{mean.mean() * 1.15 + rng.normal(0, 0.05):.4f}"]
    return "\n".join(lines)


@healthy
def another_loss_is_added(rng):
    loss = np.r_[between(0.9, 0.4, knowledge(10)), between(3.1, 1.9, knowledge(12))]
    return prints(of_batches(rng, loss, 400), None, 100, 100)


@healthy
def two_evaluations_in_warm_up(rng):
    scores = [0.0, round(float(rng.uniform(0, 0.1)), 4)]
    return "\n".join(
        f"Running loss: {0.65 - 0.02 * k + rng.normal(0, 0.02):.6f}\n{{'mcc': {m}, 'eval_loss': {0.62 - 0.01 * k}}}"
        for k, m in enumerate(scores)
    )


@sick(s.RISES)
def perplexity_explodes(rng):
    loss = np.r_[between(8.0, 5.5, knowledge(6)), 5.5 + np.cumsum(rng.uniform(4, 9, 4))]
    return prints(np.exp(loss), None, 100, 100, "step {} perplexity: {:.3f}")


@sick(s.NAN)
def perplexity_not_a_number(rng):
    loss = np.r_[between(8.0, 5.5, knowledge(int(rng.integers(2, 9)))), np.nan, np.nan]
    return prints(np.exp(loss), None, 100, 100, "step {} perplexity: {:.3f}")


@sick(s.PERFECT)
def training_right_at_once(rng):
    loss = np.r_[rng.uniform(1.5, 4), rng.uniform(0.01, 0.6), rng.uniform(0, 4e-4, 8)]
    return prints(loss, np.r_[rng.uniform(0.1, 0.6), 0.98, np.ones(8)], 0, 10, "step {} loss {:.5f}")


@sick(s.STUCK)
def reports_of_one_answer(rng):
    lines = []
    for k in range(1, 4):
        lines += [
            f"Epoch {k}: train loss {0.637 + rng.normal(0, 0.002):.4f}",
            "   precision    recall  f1-score   support",
        ]
        lines += ["  0   0.67   1.00   0.80   670", "  1   0.00   0.00   0.00   330", "  accuracy    0.67    1000"]
    return "\n".join(lines)


def said_of(make: Maker, seed: int) -> Answer:
    """Return what is said of the log that a maker writes with a seed."""
    return answer_log(understand(LogText("made.log", make(np.random.default_rng(seed)))))


def called_sick(seeds: range) -> list[str]:
    """Return the healthy logs that are called sick: the name of the kind, once for each seed."""
    return [name for name, make in HEALTHY.items() for seed in seeds if said_of(make, seed).code == 1]


def missed(seeds: range) -> list[str]:
    """Return the sick logs whose group is not found, likewise."""
    return [name for name, (group, make) in SICK.items() for seed in seeds if group not in said_of(make, seed).groups]


def main(count: int = 20) -> None:
    """Print both rates."""
    seeds = range(5000, 5000 + count)
    wrong, lost = called_sick(seeds), missed(seeds)
    print(f"healthy, {len(HEALTHY)} kinds: {len(wrong)} of {count * len(HEALTHY)} called sick; {dict(Counter(wrong))}")
    found = count * len(SICK) - len(lost)
    print(
        f"sick, {len(SICK)} kinds: the group is found in {found} of {count * len(SICK)}; missed {dict(Counter(lost))}"
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
