"""The closed-form levels of the loss, met by real runs to 0.01 nats where they are sharp."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nsputil.clinic.faults import around, around_pairs, inject
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.signals import reference_levels
from nsputil.losses import log_softmax, softplus
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.training import evaluate, train

LN2 = np.log(2)
BATCH = 32


@cache
def run_of(*faults, steps=200, program=PROGRAMS[0]):
    """Train with faults, each a name, a (name, severity) or an edit, the first one innermost."""
    whole = healthy(program, 1)
    documents = whole.documents if steps > 50 else whole.documents[:30]
    short = {"batch_size": BATCH, "max_steps": steps, "evaluate_every": steps, "watch": 50, "instrument_every": 0}
    experiment = replace(whole, documents=documents, **short)
    for fault in faults:
        if callable(fault):
            experiment = fault(experiment, 1.0)
            continue
        name, severity = fault if isinstance(fault, tuple) else (fault, None)
        experiment = inject(experiment, name, severity)
    return train(experiment)


def over_three(loss, severity, logits, labels):
    """Softmax over three classes, the logit of the third held at 0: all that three logits can say."""
    logp = log_softmax(np.column_stack([logits, np.zeros(len(logits))]))
    gradient = np.exp(logp[:, :2])
    gradient[np.arange(len(labels)), labels] -= 1
    value = -logp[np.arange(len(labels)), labels].mean()
    return float(value), (gradient / len(labels)).astype(logits.dtype)


def repeats(pair):
    return pair.sentence_a == pair.sentence_b


def repeat_what_follows(pairs, severity, documents, rng):
    """Where B truly follows A, it becomes a copy of A, so that what truly follows is plain to see."""
    found = pairs(documents, rng)
    follows = [p.document_a == p.document_b and p.position_b == p.position_a + 1 for p in found]
    return [replace(p, sentence_b=p.sentence_a) if f else p for p, f in zip(found, follows, strict=True)]


@pytest.mark.parametrize("program", [PROGRAMS[0], PROGRAMS[3]], ids=["bag", "bert"])
@pytest.mark.parametrize(
    ("fault", "level"),
    [
        (None, "undecided, ln 2"),
        ("sum-reduction", "sum for mean, B ln 2"),
        ("loss-in-bits", "base-2 logarithm, 1 bit"),
        ("squared-error", "squared error of both probabilities"),
        (around("loss", over_three), "three classes, ln 3"),
    ],
)
def test_an_undecided_model_stands_at_its_level(fault, level, program):
    run = run_of("zero-init", *([fault] if fault else []), steps=4, program=program)
    assert run.loss[0] == pytest.approx(reference_levels(batch_size=BATCH)[level], abs=1e-5)


@pytest.mark.parametrize(
    ("fault", "level"),
    [
        ("double-softmax", LN2),
        ("softmax-over-batch", np.log(BATCH)),
        ("negative-loss", -0.5),
        ("single-logit", 0.0),
        (("total-logged-as-nsp", 6.0), 6 + LN2),
        (("label-smoothing-heavy", 0.9), LN2),
    ],
)
def test_an_undecided_model_under_other_losses(fault, level):
    run = run_of("zero-init", fault, steps=4)
    assert run.loss[0] == pytest.approx(level, abs=1e-5)


@pytest.mark.parametrize("program", [PROGRAMS[0], PROGRAMS[3]], ids=["bag", "bert"])
def test_a_healthy_start_is_ln_2_and_an_eighth_of_the_squared_spread(program):
    run = run_of("updates-not-applied", steps=4, program=program)
    logits = run.model.logits(run.test_pairs)
    gap = logits[:, 0] - logits[:, 1]
    loss = (softplus(gap) + softplus(-gap)).mean() / 2  # over both labels, so that luck with the labels plays no part
    level = reference_levels(spread=np.sqrt(np.mean(gap**2)))["start, ln 2 + s^2/8"]
    assert level > LN2 + 0.004
    assert loss == pytest.approx(level, abs=0.01)


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
    assert report["loss"] == pytest.approx(reference_levels(prior=0.9)["prior only, H(prior)"], abs=0.01)


def test_a_class_weight_moves_an_undecided_answer_to_k_of_k_plus_1():
    run = run_of("a-given-twice", ("class-weight-left", 9.0))
    assert run.final["mean_p_is_next"] == pytest.approx(9 / 10, abs=0.02)


def test_the_floor_of_softmax_applied_twice():
    run = run_of("one-label", "double-softmax")
    floor = reference_levels()["softmax applied twice, ln(1 + 1/e)"]
    assert np.mean(run.loss[-20:]) == pytest.approx(floor, abs=0.01)
    assert min(run.loss) > floor - 1e-6


@pytest.mark.parametrize("epsilon", [0.7, 0.9])
def test_the_floor_of_label_smoothing(epsilon):
    run = run_of("one-label", ("label-smoothing-heavy", epsilon))
    floor = reference_levels(smoothing=epsilon)["label smoothing, H(epsilon/2)"]
    assert np.mean(run.loss[-20:]) == pytest.approx(floor, abs=0.01)


@pytest.mark.parametrize("noise", [0.2, 0.4])
def test_the_floor_of_label_noise(noise):
    run = run_of(around_pairs(repeat_what_follows), ("label-noise", noise))  # noise is all that is left
    floor = reference_levels(noise=noise)["label noise, H(noise)"]
    assert loss_in_shares(run, noise, noise) == pytest.approx(floor, abs=0.01)


@pytest.mark.parametrize("rho", [0.4, 0.7])
def test_the_floor_of_one_sided_noise(rho):
    run = run_of(("false-negatives", rho), around_pairs(repeat_what_follows), steps=400)
    floor = reference_levels(one_sided=rho)["one-sided noise"]
    assert loss_in_shares(run, 0.0, rho) == pytest.approx(floor, abs=0.01)


def loss_in_shares(run, wrong_is_next, wrong_not_next):
    """Return the loss on test pairs of which exactly these shares of each label are wrong: no luck with the labels."""
    found = {}
    for pair in run.test_pairs:
        found.setdefault((pair.label, repeats(pair)), []).append(pair)
    shares = {
        (IS_NEXT, True): 1 - wrong_is_next,
        (IS_NEXT, False): wrong_is_next,
        (NOT_NEXT, True): wrong_not_next,
        (NOT_NEXT, False): 1 - wrong_not_next,
    }
    size = int(min(len(found[kind]) / share for kind, share in shares.items() if share))
    chosen = [pair for kind, share in shares.items() for pair in found.get(kind, [])[: round(share * size)]]
    return evaluate(run.model, chosen)["loss"]


def test_one_sided_noise_shows_in_one_recall():
    rho = 0.5
    run = run_of("easy-negatives", ("false-negatives", rho))
    assert run.final["recall_not_next"] == pytest.approx(1 - rho, abs=0.06)
    assert run.final["recall_is_next"] > 0.8


def test_no_level_lacks_a_run():
    """Each name of `reference_levels` stands in a test above."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert not [name for name in reference_levels() if f'"{name}"' not in text]
