"""The closed-form levels of the loss, met by real runs to 0.01 nats where they are sharp."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from nsputil.clinic.faults import inject
from nsputil.clinic.programs import PROGRAMS, healthy, observe
from nsputil.losses import softplus
from nsputil.sentence_pairs import IS_NEXT, NOT_NEXT
from nsputil.training import evaluate

LN2 = np.log(2)
BATCH = 32


def entropy(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


@cache
def run_of(*faults, steps=200):
    """Train with faults, each a name or a (name, severity), the first one innermost."""
    whole = healthy(PROGRAMS[0], 1)
    documents = whole.documents if steps > 50 else whole.documents[:30]
    short = {"batch_size": BATCH, "max_steps": steps, "evaluate_every": steps, "watch": 50, "instrument_every": 0}
    experiment = replace(whole, documents=documents, **short)
    for fault in faults:
        name, severity = fault if isinstance(fault, tuple) else (fault, None)
        experiment = inject(experiment, name, severity)
    return observe(experiment)


@pytest.mark.parametrize(
    ("faults", "level"),
    [
        ((), LN2),
        (("sum-reduction",), BATCH * LN2),
        (("loss-in-bits",), 1.0),
        (("squared-error",), 0.5),
        (("double-softmax",), LN2),
        (("softmax-over-batch",), np.log(BATCH)),
        (("negative-loss",), -0.5),
        (("single-logit",), 0.0),
        ((("total-logged-as-nsp", 6.0),), 6 + LN2),
        ((("label-smoothing-heavy", 0.9),), LN2),
    ],
)
def test_an_undecided_model_stands_at_its_level(faults, level):
    run = run_of("zero-init", *faults, steps=4)
    assert run.loss[0] == pytest.approx(level, abs=1e-5)


def test_a_healthy_start_is_ln_2_and_an_eighth_of_the_squared_spread():
    run = run_of("updates-not-applied", steps=4)
    logits = run.model.logits(run.test_pairs)
    gap = logits[:, 0] - logits[:, 1]
    loss = (softplus(gap) + softplus(-gap)).mean() / 2  # over both labels, so that luck with the labels plays no part
    assert 0.03 < np.mean(gap**2) / 8
    assert loss == pytest.approx(LN2 + np.mean(gap**2) / 8, abs=0.01)


def test_what_does_not_learn_stays_where_it_started():
    run = run_of("updates-not-applied", steps=12)
    start = run_of("updates-not-applied", steps=4)
    assert run.final == start.final


def test_only_the_prior_is_learned_where_the_text_says_nothing():
    run = run_of("a-given-twice", ("prior-shift", 0.9))
    yes = [pair for pair in run.test_pairs if pair.label == IS_NEXT]
    no = [pair for pair in run.test_pairs if pair.label == NOT_NEXT]
    nine_to_one = yes[: 9 * (len(yes) // 9)] + no[: len(yes) // 9]
    report = evaluate(run.model, nine_to_one)
    assert report["accuracy"] == pytest.approx(0.9, abs=0.001)
    assert report["loss"] == pytest.approx(entropy(0.9), abs=0.01)


def test_a_class_weight_moves_an_undecided_answer_to_k_of_k_plus_1():
    run = run_of("a-given-twice", ("class-weight-left", 9.0))
    assert run.final["mean_p_is_next"] == pytest.approx(9 / 10, abs=0.02)


def test_the_floor_of_softmax_applied_twice():
    run = run_of("one-label", "double-softmax")
    assert np.mean(run.loss[-20:]) == pytest.approx(np.log1p(np.exp(-1)), abs=0.01)
    assert min(run.loss) > np.log1p(np.exp(-1)) - 1e-6


@pytest.mark.parametrize("epsilon", [0.7, 0.9])
def test_the_floor_of_label_smoothing(epsilon):
    run = run_of("one-label", ("label-smoothing-heavy", epsilon))
    assert np.mean(run.loss[-20:]) == pytest.approx(entropy(epsilon / 2), abs=0.01)


def test_the_floor_of_label_noise():
    run = run_of("easy-negatives", ("label-noise", 0.3))  # with negatives so easy that noise is all that is left
    assert np.mean(run.loss[-50:]) == pytest.approx(entropy(0.3), abs=0.01)


def test_one_sided_noise_shows_in_one_recall_and_keeps_the_loss_above_its_floor():
    rho = 0.5
    run = run_of("easy-negatives", ("false-negatives", rho))
    assert run.final["recall_not_next"] == pytest.approx(1 - rho, abs=0.06)
    assert run.final["recall_is_next"] > 0.8
    assert run.final["loss"] > 0.5 * (1 + rho) * entropy(rho / (1 + rho))  # 200 steps do not come down to it
