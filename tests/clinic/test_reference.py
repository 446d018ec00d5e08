"""A new kind of training, seen through healthy runs of it: on a small bank made here."""

from dataclasses import replace

import numpy as np
import pytest

from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.fit_model import fit_model
from nsputil.clinic.fitted import FittedDiagnosis
from nsputil.clinic.known_runs import BankedProbe
from nsputil.clinic.probe_search import follow
from nsputil.clinic.probes import Suspect, probe
from nsputil.clinic.programs import PROGRAMS, healthy, sgd
from nsputil.clinic.reference import Reference
from nsputil.clinic.signals import signals
from nsputil.training import train

CAUSES, NAMES = (HEALTHY, "left", "right"), ("loss.end", "generalization.loss", "c")
FAR = np.array([3.0, 3.0, 0.0])  # where the new kind is


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 30)
    values = 0.1 * rng.standard_normal((90, 3)) + np.array([[0, 0, 0], [1, 1, 0], [-1, 0, 1]])[labels]
    values[labels == 0, 2] = 0.0  # a number known beforehand
    model = fit_model(values, labels, CAUSES, NAMES, lambda r, n: np.ones((n, 3), bool), steps=100)
    probes = {"ask": BankedProbe(1, ("c",))}
    return FittedDiagnosis(model, dict.fromkeys(CAUSES, "all"), probes, values, labels, temperatures=(1.0,))


def found(*values):
    return dict(zip(NAMES, np.array(values) + FAR, strict=True))


def test_a_healthy_run_of_a_new_kind_is_taken_for_sick_until_a_reference_shows_it(small):
    def answer(known, *values):
        end, _, _ = follow(known(found(*values)), lambda name: {}, max_probes=0, using=small)
        return end.answer

    healthy = [found(0.1, 0.0, 0.0), found(0.0, 0.1, 0.0), found(-0.1, -0.1, 0.0)]
    reference = Reference(healthy, small)
    assert answer(dict, 0, 0, 0) == "left"
    assert answer(reference, 0, 0, 0) == HEALTHY
    assert answer(reference, 1, 1, 0) == "left" and answer(reference, -1, 0, 1) == "right"


def test_what_is_the_same_in_both_is_not_moved_and_a_missing_number_moves_nothing(small):
    reference = Reference([found(0, 0, 0) | {"generalization.loss": np.nan}], small)
    assert reference.moves["c"] == 0 and reference.moves["generalization.loss"] == 0
    assert reference.moves["loss.end"] == pytest.approx(-3, abs=0.1)
    assert reference({"c": 1.0, "kind.attends": 1.0}) == {"c": 1.0, "kind.attends": 1.0}


def test_it_says_what_is_missing(small):
    with pytest.raises(ValueError, match="at least one healthy run"):
        Reference([], small)
    with pytest.raises(ValueError, match="there is no signal 'odd'"):
        Reference([{"odd": 1.0}], small)


def tiny(seed):
    e = healthy(PROGRAMS[0])
    return replace(e, documents=e.documents[:20], max_steps=4, evaluate_every=2, instrument_every=1, seed=seed)


def test_one_call_trains_asks_and_gives_what_it_takes_many_lines_to_give():
    by_hand = []
    for seed in (5, 6):
        run = train(tiny(seed))
        suspect = Suspect(tiny(seed), run)
        by_hand.append(signals(run) | probe(suspect, "one-step") | probe(suspect, "fresh-gradients"))
    told = []
    reference = Reference.of(tiny, (5, 6), ["one-step", "fresh-gradients"], progress=told.append)
    assert reference.moves == Reference(by_hand).moves and reference.moves["step.length"] != 0
    assert told == ["Healthy training 1 of 2, with seed 5.", "Healthy training 2 of 2, with seed 6."]
    assert abs(reference.moves["loss.end"]) > 0.05  # four steps are no training: its loss is far from those known
    without = Reference.of(tiny, [5], [])
    assert without.moves["loss.end"] != 0 and without.moves["step.length"] == 0  # that probe was not asked


def test_one_call_says_why_a_training_cannot_serve():
    def nan(logits, labels):
        return float("nan"), logits

    def two_kinds(seed):
        return tiny(seed) if seed == 0 else replace(tiny(seed), optimizer=lambda model, steps: sgd(model, steps, 0.1))

    for make, error, message in (
        (lambda seed: None, TypeError, r"make\(0\) returned a NoneType; expected a healthy Experiment"),
        (lambda seed: tiny(1), ValueError, r"make\(0\) and make\(1\) gave the same training.*seed=seed"),
        (lambda seed: replace(tiny(seed), loss=nan), ValueError, r"training of make\(0\) diverged at step 1"),
        (
            two_kinds,
            ValueError,
            r"make\(0\) gave a training of the kind .*True}, and make\(1\) one of .*False}; expected one kind",
        ),
    ):
        with pytest.raises(error, match=message):
            Reference.of(make, probes=())
    with pytest.raises(ValueError, match="seeds is empty; expected at least one"):
        Reference.of(tiny, seeds=())
    with pytest.raises(ValueError, match="there is no probe 'odd'; expected some of .*one-step"):
        Reference.of(tiny, probes=["odd"])
