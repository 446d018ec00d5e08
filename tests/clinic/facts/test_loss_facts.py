"""Each way in which a loss can be another function, in either direction, is identified with its parameters."""

from functools import partial

import numpy as np
import pytest

from nsputil.clinic.facts.loss import Asked, cross_entropy, fit, identify
from nsputil.losses import nsp_loss_and_grad, sigmoid, softplus


def weighted(weights, logits, labels):
    return nsp_loss_and_grad(logits, labels, weights=np.asarray(weights, float)[labels])


def ignoring(label, logits, labels):
    kept = labels != label
    gradient = np.zeros_like(logits)
    if not kept.any():
        return float("nan"), gradient
    value, gradient[kept] = nsp_loss_and_grad(logits[kept], labels[kept])
    return value, gradient


def mixed(epsilon, logits, labels):
    value, gradient = nsp_loss_and_grad(logits, labels)
    other, other_gradient = nsp_loss_and_grad(logits, 1 - labels)
    return (1 - epsilon / 2) * value + epsilon / 2 * other, (1 - epsilon / 2) * gradient + epsilon / 2 * other_gradient


def times(value_factor, gradient_factor, logits, labels):
    value, gradient = nsp_loss_and_grad(logits, labels)
    return value * value_factor, gradient * gradient_factor


def summed(logits, labels):
    return times(len(labels), len(labels), logits, labels)


def of_gap(value, slope, logits, labels):
    """A loss of the gap alone, from its value and its slope."""
    sign = 1 - 2 * labels
    gap = (logits[:, 0] - logits[:, 1]) * sign
    d = slope(gap) * sign / len(labels)
    return float(value(gap).mean()), np.stack([d, -d], axis=1)


def kept_by_loss(share, hardest, logits, labels):
    gap = (logits[:, 0] - logits[:, 1]) * (1 - 2 * labels)
    chosen = np.argsort(gap if hardest else -gap, kind="stable")[: max(1, round(share * len(labels)))]
    gradient = np.zeros_like(logits)
    value, gradient[chosen] = nsp_loss_and_grad(logits[chosen], labels[chosen])
    return value, gradient


def plus(level, logits, labels):
    value, gradient = nsp_loss_and_grad(logits, labels)
    return value + level, gradient


def raw(logits, labels):
    """NLL of logits that never saw a softmax."""
    rows = np.arange(len(labels))
    gradient = np.zeros_like(logits)
    gradient[rows, labels] = -1 / len(labels)
    return float(-logits[rows, labels].mean()), gradient


def of_pairs_only(loss, logits, labels):
    """A loss that refuses a single pair."""
    if len(labels) < 2:
        raise ValueError("expected at least two pairs")
    return loss(logits, labels)


MUTANTS = {
    "weight on IsNext": (partial(weighted, (7, 1)), "class-weight-left", {"weight": 7.0}),
    "weight on NotNext": (partial(weighted, (1, 7)), "class-weight-left", {"weight": 1 / 7}),
    "ignores 0": (partial(ignoring, 0), "ignore-index-zero", {}),
    "ignores 1": (partial(ignoring, 1), "ignore-index-one", {}),
    "smoothing": (partial(mixed, 0.8), "label-smoothing-heavy", {"epsilon": 0.8}),
    "sign of both": (partial(times, -1, -1), "sign-flipped", {}),
    "sign of the gradient": (partial(times, 1, -1), "sign-flipped", {}),
    "bits": (partial(times, 1 / np.log(2), 1 / np.log(2)), "loss-in-bits", {}),
    "base 10": (partial(times, 1 / np.log(10), 1 / np.log(10)), "loss-in-base-10", {}),
    "tiny": (partial(times, 1e-3, 1e-3), "task-weight-tiny", {}),
    "tiny gradient": (partial(times, 1, 1e-3), "task-weight-tiny", {}),
    "sum": (summed, "sum-reduction", {}),
    "hardest": (partial(kept_by_loss, 0.25, True), "hardest-pairs-only", {"kept": 0.25}),
    "easiest": (partial(kept_by_loss, 0.5, False), "easiest-pairs-only", {"kept": 0.5}),
    "a term added": (partial(plus, 6.0), "total-logged-as-nsp", {"constant": 6.0}),
    "hot": (
        partial(of_gap, lambda g: softplus(-g / 4), lambda g: -sigmoid(-g / 4) / 4),
        "temperature-forgotten",
        {"t": 4.0},
    ),
    "cold": (
        partial(of_gap, lambda g: softplus(-g * 4), lambda g: -sigmoid(-g * 4) * 4),
        "temperature-forgotten",
        {"t": 0.25},
    ),
    "margin": (
        partial(of_gap, lambda g: softplus(2 - g), lambda g: -sigmoid(2 - g)),
        "margin",
        {"t": 2.0},
    ),
    "focal": (
        partial(
            of_gap,
            lambda g: sigmoid(-g) ** 2 * softplus(-g),
            lambda g: -(sigmoid(-g) ** 3) - 2 * sigmoid(-g) ** 2 * sigmoid(g) * softplus(-g),
        ),
        "focal-loss",
        {"t": 2.0},
    ),
    "raw logits": (raw, "negative-loss", {}),
}


@pytest.mark.parametrize("loss, cause, numbers", MUTANTS.values(), ids=MUTANTS)
def test_a_loss_is_identified_with_its_parameters(loss, cause, numbers):
    found = identify(Asked(loss))
    assert (found.state, found.cause) == ("violated", cause), found
    for name, value in numbers.items():
        assert found.numbers[name] == pytest.approx(value, rel=2e-2), found


@pytest.mark.parametrize("name", ["weight on NotNext", "smoothing", "sum", "cold", "ignores 1", "bits"])
def test_a_loss_that_refuses_single_pairs_is_identified_all_the_same(name):
    loss, cause, _ = MUTANTS[name]
    found = identify(Asked(partial(of_pairs_only, loss)))
    assert found.cause in (cause, None) and found.place == "loss"
    assert name == "sum" or found.cause == cause, found


def test_what_is_no_known_function_is_a_place():
    def odd(logits, labels):
        gap = (logits[:, 0] - logits[:, 1]) * (1 - 2 * labels)
        d = (np.cos(gap) - sigmoid(-gap)) * (1 - 2 * labels) / len(labels)
        return float((softplus(-gap) + np.sin(gap)).mean()), np.stack([d, -d], axis=1)

    found = identify(Asked(odd))
    assert (found.state, found.cause, found.place) == ("violated", None, "loss")


def test_a_mild_smoothing_and_balancing_weights_are_no_violation():
    assert identify(Asked(partial(mixed, 0.1))).state == "holds"
    assert identify(Asked(partial(weighted, (3, 1))), prior=0.25).state == "holds"
    assert identify(Asked(partial(weighted, (3, 1))), prior=0.75).state == "violated"


def test_a_fit_finds_the_temperature_to_four_digits():
    gaps = np.linspace(-8, 8, 17)
    found = fit(gaps, softplus(-gaps / 3.3))
    assert found.name == "temperature" and found.t == pytest.approx(3.3, rel=1e-4) and found.residual < 1e-4


def test_the_reference_is_the_cross_entropy():
    value, gradient = cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))
    assert value == pytest.approx(np.log(2)) and gradient.tolist() == [[0.5, -0.5]]
