"""Each family of docs/logs.md is read from its example there, as what the page calls it."""

import re
from pathlib import Path

import pytest

from nsputil.clinic.log_readers import FAMILIES
from nsputil.clinic.log_readers.aliases import parse_name
from nsputil.clinic.log_readers.families import choose
from nsputil.clinic.log_readers.reading import understand
from nsputil.clinic.log_readers.text import decode

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "logs.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^### ([^\n]+)\n```\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))


def reading(text, **more):
    return understand(decode(text.encode(), "log.txt"), **more)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_the_page_is_read_as_its_family(name):
    got = reading(EXAMPLES[name])
    assert got.family == name
    assert got.rows and all(row["step"] >= 0 and ("loss" in row or "accuracy" in row) for row in got.rows)


def test_the_page_has_each_family():
    assert {family.name for family in FAMILIES} - {"a table"} == set(EXAMPLES)


def test_a_suffix_decides_nothing():
    for name in EXAMPLES:
        family, _ = choose(decode(EXAMPLES[name].encode(), "run.json"))
        assert family.name == name


@pytest.mark.parametrize(
    "name, rows",
    [
        ("trainer_state.json of Hugging Face's Trainer", [(10, "train", 0.707, None), (20, "held_out", 0.6863, 0.5)]),
        ("metrics.csv of Lightning", [(49, "train", 0.6935, 0.4977), (269, "held_out", 0.6932, 0.4979)]),
        ("a log of GluonNLP", [(249, "train", 0.68673, 0.54751)]),
        ("a log of PaddlePaddle", [(2000, "train", 0.695985, None), (2000, "held_out", 0.702782, None)]),
        ("a log of Megatron-LM", [(100, "train", 0.6989935, None), (100, "held_out", 0.693, None)]),
        ("a log of DLLogger", [(1787, "train", 3.146, None), (1887, "train", 1.75, None)]),
        ("a log of fairseq", [(250, "train", 1.002 * 0.693147, 0.512), (250, "held_out", 0.981 * 0.693147, 0.556)]),
        (
            "the table of a model card",
            [(500, "held_out", 0.6162, 0.6621), (1000, "train", 0.6326, None), (1000, "held_out", 0.5512, 0.7143)],
        ),
        ("an evaluator of Sentence Transformers", [(500, "held_out", None, 0.6121), (500, "held_out", None, 0.6432)]),
        (
            "training_progress_scores.csv of Simple Transformers",
            [(250, "train", 0.6712, None), (250, "held_out", 0.6755, 0.575)]
            + [(500, "train", 0.5823, None), (500, "held_out", 0.6102, 0.685)],
        ),
        (
            "lines of TensorFlow's estimator, or an eval_results.txt",
            [(20, "held_out", 0.6883839, 0.53625), (100, "train", 0.69823, None)],
        ),
        ("a history of Weights & Biases", [(10, "train", 0.6935, None), (20, "held_out", 0.6932, 0.4979)]),
    ],
)  # fmt: skip
def test_the_numbers_of_the_example(name, rows):
    got = [(r["step"], r["part"], r.get("loss"), r.get("accuracy")) for r in reading(EXAMPLES[name]).rows]
    assert len(got) == len(rows)
    for ours, theirs in zip(sorted(got, key=str), sorted(rows, key=str), strict=True):
        assert ours[:2] == theirs[:2]
        for number, expected in zip(ours[2:], theirs[2:], strict=True):
            assert number == (expected if expected is None else pytest.approx(expected, rel=1e-5))


def test_an_accuracy_of_the_best_k_answers_is_no_accuracy():
    got = reading(
        "Epoch: [3][100/5005] Loss 2.5 Acc@1 47.1 Acc@5 72.4\nEpoch: [3][200/5005] Loss 2.4 Acc@1 48.3 Acc@5 73.0"
    )
    assert got.series("train", "accuracy") == pytest.approx([0.471, 0.483])
    for name in ("top_k_categorical_accuracy", "Train-top_k_accuracy_5", "top5_acc", "acc@5", "test_acc5"):
        assert parse_name(name).quantity == "other"
    for name in ("top1_acc", "acc@1", "top-1 accuracy", "accuracy_1"):
        assert parse_name(name).quantity == "accuracy"


def test_a_loss_of_another_task_is_read_if_there_is_no_other():
    got = reading("step 1 contrastive loss: 4.85\nstep 2 contrastive loss: 4.70")
    assert got.series("train", "loss") == [4.85, 4.70]
    assert reading("step 1 loss 0.7 mse loss: 4.85\nstep 2 loss 0.6 mse loss: 4.70").series("train", "loss") == [
        0.7,
        0.6,
    ]


def test_scores_and_losses_that_need_not_fall_are_seen():
    zero = "precision: 0.0, recall: 0.0, fscore: 0.0. Loss is: 0.18.\n"
    assert reading(zero * 4).scores["precision"] == [0.0] * 4
    assert reading("1 [D loss: 0.69, acc.: 50%] [G loss: 0.7]\n2 [D loss: 0.68, acc.: 51%] [G loss: 0.7]").free
    assert not reading("step 1 loss 0.7\nstep 2 loss 0.6").free
