"""The groups of symptoms: each is said of curves that have it, and not of curves that have not; no cause is named."""

import math

import numpy as np
import pytest

from nsputil.clinic.faults import FAULTS
from nsputil.clinic.log_readers import symptoms as s
from nsputil.clinic.log_readers.answer import answer, report
from nsputil.clinic.log_readers.next_questions import QUESTIONS
from nsputil.clinic.log_readers.reading import LogReading

N = 40


def log(loss=None, accuracy=None, held_loss=None, held_accuracy=None, **more):
    rows = []
    for part, losses, accuracies in (("train", loss, accuracy), ("held_out", held_loss, held_accuracy)):
        count = len(losses if losses is not None else accuracies if accuracies is not None else [])
        for k in range(count):
            row = {"step": 100 * (k + 1), "part": part}
            row |= {} if losses is None else {"loss": float(losses[k])}
            row |= {} if accuracies is None else {"accuracy": float(accuracies[k])}
            rows.append(row)
    return LogReading("made.log", "a test", sorted(rows, key=lambda row: row["step"]), **more)


def falling(start=0.69, end=0.3, n=N, noise=0.03, seed=0):
    return np.linspace(start, end, n) + noise * np.random.default_rng(seed).standard_normal(n)


def rising(start=0.52, end=0.88, n=N):
    return np.linspace(start, end, n)


GOOD = {
    "loss": falling(),
    "accuracy": rising(),
    "held_loss": falling(0.68, 0.33, 8),
    "held_accuracy": rising(0.55, 0.86, 8),
}
EXAMPLES = {
    s.NAN: [
        {"loss": [0.7, 0.69, math.nan, math.nan]},
        {"loss": falling(), "held_loss": [0.6, math.nan]},
        {"loss": [2.3, 2.1, math.nan]},
        {"loss": [0.7, 0.8, math.inf]},
    ],
    s.CONTRADICTION: [
        {"held_loss": [0.0854], "held_accuracy": [0.533]},
        {"held_loss": [0.0], "held_accuracy": [0.0]},
        {"loss": falling(0.05, 0.01, noise=0), "accuracy": np.full(N, 0.6)},
        {"loss": [-0.1] * 6},
        {"loss": [0.7, 0.6, 0.0, 0.0, 0.0]},
        {"held_loss": [1.2, 1.3, 1.25], "held_accuracy": [0.2, 0.15, 0.1], "classes_from": "given"},
    ],
    s.RISES: [
        {"loss": np.r_[falling(0.69, 0.2), falling(0.9, 0.95)]},
        GOOD | {"held_loss": [0.6, 0.5, 0.45, 0.5, 0.7, 0.9], "held_accuracy": [0.6, 0.7, 0.75, 0.75, 0.74, 0.7]},
        {"loss": [2.76, 6.22]},
    ],
    s.STUCK: [
        {"loss": falling(0.70, 0.693, noise=0.002)},
        {"loss": falling(0.70, 0.69), "accuracy": np.full(N, 0.51)},
        {"held_loss": [0.6884], "held_accuracy": [0.536]},
        {"held_accuracy": [0.684, 0.684, 0.684]},
        {"loss": falling(10.9, 5.9), "accuracy": np.full(N, 0.501)},
        {"loss": falling(1.1, 1.098, noise=0.002), "accuracy": np.full(N, 0.34), "classes": 3},
        {"loss": np.full(6, 11.09)},
        {"loss": [0.589, 0.649, 0.661, 0.624, 0.625]},
    ],
    s.WORSE: [
        GOOD | {"accuracy": rising(0.5, 0.99), "held_accuracy": rising(0.5, 0.72, 8)},
        {"loss": falling(0.69, 0.02, noise=0.01), "held_loss": np.linspace(0.89, 0.92, N)},
    ],
    s.BETTER: [
        GOOD | {"accuracy": rising(0.5, 0.6), "held_accuracy": rising(0.6, 0.86, 8), "loss": falling(0.69, 0.63)},
    ],
    s.PERFECT: [
        {"held_loss": [3.5e-5], "held_accuracy": [1.0]},
        {"loss": falling(0.6, 0.1, noise=0), "held_loss": [0.1, 0.01, 1e-4]},
    ],
}  # fmt: skip


@pytest.mark.parametrize("group, curves", [(g, c) for g, many in EXAMPLES.items() for c in many])
def test_a_symptom_is_said_of_curves_that_have_it(group, curves):
    said = answer(log(**curves))
    assert group in said.groups and said.code == 1
    assert all(question in QUESTIONS[said.groups[0]] for question in said.questions[:1])


@pytest.mark.parametrize(
    "curves",
    [
        GOOD,
        GOOD | {"held_loss": None},
        {"loss": falling()},
        {"held_loss": falling(0.68, 0.3, 5, 0), "held_accuracy": rising(n=5)},
        GOOD | {"held_loss": [0.5, 0.4, 0.37, 0.4, 0.44], "held_accuracy": [0.8, 0.84, 0.86, 0.87, 0.87]},  # too sure
        {"loss": falling(0.19, 0.14), "held_loss": [0.36, 0.38, 0.37, 0.38, 0.36, 0.41, 0.38, 0.37]},  # fine-tuned
        {"held_loss": [1.145, 1.002, 0.96, 0.953, 0.942, 0.924], "held_accuracy": rising(0.49, 0.62, 6)},  # of 4
        {"held_loss": [0.0012], "held_accuracy": [0.9998]},
        {"held_loss": [0.034], "held_accuracy": [0.99]},
        {"loss": falling(1.09, 0.5), "accuracy": rising(0.34, 0.8), "classes": 3},
        {"loss": np.r_[falling(0.69, 0.3), [0.9], falling(0.3, 0.28)]},  # one bad batch
        {"loss": falling(), "accuracy": np.full(N, 0.97), "running": {"accuracy of train"}},
    ],
)  # fmt: skip
def test_nothing_is_said_of_good_curves(curves):
    said = answer(log(**curves))
    assert said.code == 3 and said.groups == []


def batches(mean, n=100, size=16, seed=0):
    """Return the accuracies of batches of `size` rows, in each of which a row is right with probability `mean`."""
    return np.random.default_rng(seed).binomial(size, np.broadcast_to(mean, n)) / size


SLOW = {
    "loss": falling(0.70, 0.66, 100, 0.1),
    "accuracy": batches(np.linspace(0.5, 0.66, 100)),
    "held_loss": falling(0.70, 0.66, 6, 0.01),
    "held_accuracy": [0.50, 0.53, 0.57, 0.58, 0.60, 0.61],
}


def test_a_slow_training_that_ends_near_ln_2_is_worth_a_look_and_no_more():
    said = answer(log(**SLOW))
    assert said.code == 3 and said.groups == []
    assert [(symptom.group, symptom.firm) for symptom in said.symptoms] == [(s.STUCK, False)]
    text = report(log(**SLOW), said)
    assert said.state == "worth a look" and said.looks == [s.STUCK]
    assert "Answer: worth a look (never falls). Good trainings show this, too" in text
    assert "worth a look (never falls): The loss of training ends at" in text


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy": batches(0.5), "loss": falling(0.70, 0.69, 100, 0.1), "held_accuracy": [0.5, 0.52, 0.49] * 2},
        {"held_accuracy": [0.5, 0.52, 0.49, 0.5, 0.51, 0.5]},  # only by heart
        {"held_accuracy": [0.6] * 6},  # one answer for all
        {"accuracy": batches(0.66), "loss": falling(0.66, 0.66, 100, 0.02), "held_loss": None, "held_accuracy": None},
    ],
)
def test_room_for_more_does_not_let_a_stuck_training_pass(change):
    assert s.STUCK in answer(log(**SLOW | change)).groups


def test_trainings_of_the_clinic_as_bare_logs():
    from benchmarks.bare_logs import groups
    from nsputil.clinic.faults import inject
    from nsputil.clinic.programs import PROGRAMS, healthy
    from nsputil.training import train

    bert = PROGRAMS[4]
    assert bert.name == "bert-sgd-sotu"
    experiment = healthy(bert, 1000)
    assert groups(train(experiment)) == []
    assert s.STUCK in groups(train(inject(experiment, "labels-shuffled")))


def with_f1(*evaluations):
    rows = [{"step": k, "part": "held_out", "accuracy": a, "f1": f} for k, (a, f) in enumerate(evaluations)]
    return LogReading("made.log", "a test", rows)


@pytest.mark.parametrize(
    ("accuracy", "f1", "one_class"),
    [
        (0.68382, 0.81223, True),  # MRPC, everything called a paraphrase
        (0.6838, 0.8122, True),
        (0.7, 0.0, True),
        (0.6838, 0.80, False),
        (0.86, 0.90, False),
        (0.98, 0.98985, False),  # nearly all is right: then F1 is near that anyway
        (1.0, 1.0, False),
    ],
)
def test_accuracy_and_f1_can_show_that_one_class_is_never_answered_right(accuracy, f1, one_class):
    said = answer(with_f1((0.5, 0.4), (accuracy, f1)))
    assert (s.STUCK in said.groups) == one_class
    if one_class:  # by the definition of both, from counts
        right = round(accuracy * 1_000_000)
        tp, tn = (right, 0) if f1 else (0, right)
        assert f1 == pytest.approx(2 * tp / (2 * tp + 1_000_000 - tp - tn), abs=1e-4)


def test_a_held_out_loss_above_ln_2_where_training_is_below_it():
    few = {"loss": [0.597], "accuracy": [0.752], "held_loss": [0.837], "held_accuracy": [0.642]}
    assert answer(log(**few)).groups == [s.WORSE]
    assert answer(log(**few | {"held_loss": [0.72]})).groups == []
    too_sure = few | {"held_loss": [0.83], "held_accuracy": [0.86]}
    assert answer(log(**too_sure)).groups == []  # as a fine-tuned model is


def test_a_jump_of_a_running_mean_is_no_noise():
    curve = {"loss": [0.43, 0.37, 0.67], "accuracy": [0.77, 0.81, 0.57]}
    assert answer(log(**curve)).groups == []
    assert answer(log(**curve, running={"loss of train"})).groups == [s.RISES]


@pytest.mark.parametrize(
    "curves", [{"loss": [0.9]}, {"loss": [0.7, 0.6]}, {"held_accuracy": [0.8]}, {"loss": [0.69], "held_loss": [0.69]}]
)
def test_too_little_to_tell_is_an_answer(curves):
    said = answer(log(**curves))
    assert (said.state, said.code) == ("too little to tell", 3) and "RunLog" in said.questions[0].code


def test_healthy_is_never_said_and_no_cause_is_named():
    for curves in [GOOD, *(c for many in EXAMPLES.values() for c in many)]:
        reading = log(**curves)
        said = answer(reading)
        text = report(reading, said)
        assert said.code != 0 and not any(name in text for name in FAULTS) and "healthy" not in text
        assert all(len(line) <= 110 for line in text.splitlines() if not line.startswith(" " * 9))


def test_each_group_has_questions_whose_code_is_python():
    assert set(QUESTIONS) == {*s.GROUPS, "none", "little"}
    for questions in QUESTIONS.values():
        for question in questions:
            compile(question.code, question.text, "exec")
            assert question.answer


def test_the_classes_move_the_level():
    curves = {"loss": falling(1.0990, 1.0980, noise=0.001)}
    assert answer(log(**curves, classes=3)).groups == [s.STUCK]
    assert "ln 3 = 1.0986" in answer(log(**curves, classes=3)).symptoms[0].statement


def with_mcc(*rows):
    return LogReading("made.log", "a test", [{"step": k, "part": "held_out", **row} for k, row in enumerate(rows)])


def test_a_correlation_of_exactly_0_is_one_answer_for_all_rows():
    loss = {"loss": 0.61}
    assert answer(with_mcc(*[loss | {"mcc": 0.0}] * 3)).groups == [s.STUCK]
    assert answer(with_mcc(loss | {"mcc": 0.0}, loss | {"mcc": 0.0})).groups == []  # the first two evaluations
    assert answer(with_mcc(*[loss | {"mcc": m} for m in (0.0, 0.0, 0.31)])).groups == []
    assert answer(with_mcc({"loss": 0.0, "mcc": 0.0})).groups[0] == s.CONTRADICTION


def test_a_loss_of_exactly_ln_2_is_firm_whatever_the_accuracy_says():
    loss = [2.4, 5.3, 0.68] + [0.6931] * 9
    assert s.STUCK in answer(log(loss=loss, accuracy=np.linspace(0.6, 0.75, 12))).groups
    near = [2.4, 5.3, 0.68] + [0.6931, 0.6902] * 5
    assert s.STUCK not in answer(log(loss=near, accuracy=np.linspace(0.6, 0.75, 13))).groups


def test_the_first_rows_of_an_epoch_are_too_few_for_never_falls():
    first = {"loss": [0.692, 0.6897, 0.6916, 0.6878]}
    assert answer(log(**first)).groups == [s.STUCK]
    assert answer(log(**first, epochs=0.07)).groups == []
    assert answer(log(**first, epochs=0.07, columns={"step": "step"})).groups == []  # 400 steps
    many = {"loss": falling(0.70, 0.693, noise=0.002)}
    assert answer(log(**many, epochs=0.07, columns={"step": "step"})).groups == [s.STUCK]


def test_a_moment_late_in_a_training_does_not_show_that_the_loss_never_fell():
    rows = [{"step": 98_132 + k, "part": "train", "loss": 1.2151} for k in range(4)]
    assert answer(LogReading("made.log", "a test", rows)).groups == []
    early = [{**row, "step": 1 + 10 * k} for k, row in enumerate(rows)]
    assert answer(LogReading("made.log", "a test", early)).groups == [s.STUCK]


def test_few_rows_of_training_that_are_far_apart_are_not_averaged():
    table = {"loss": [0.829, 0.747, 0.134], "accuracy": [0.375, 0.375, 1.0]}
    assert answer(log(**table, held_loss=[0.748, 0.63, 0.151], held_accuracy=[0.367, 0.816, 0.98])).groups == []


def test_each_row_is_right_from_the_first_evaluation_on():
    losses = {"loss": [0.45, 0.24, 0.13], "held_loss": [0.35, 0.37, 0.66]}
    assert s.PERFECT in answer(log(**losses, held_accuracy=[1.0, 1.0, 1.0])).groups
    assert s.PERFECT not in answer(log(**losses, held_accuracy=[0.9, 1.0, 1.0])).groups
