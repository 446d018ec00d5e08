"""An investigation, from facts through swaps to a conclusion, on trainings whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from nsputil.clinic.faults import inject
from nsputil.clinic.investigation import investigate
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.swaps.doses import step_length

SOUND = healthy(PROGRAMS[0], seed=3)


def test_a_healthy_training_is_healthy_and_says_what_was_tried():
    said = []
    found = investigate(SOUND, progress=said.append)
    assert found.sound and found.answer == "healthy", found.text()
    assert found.trainings <= 9 and len(said) >= 3
    assert {e.kind for e in found.evidence} == {"swap"} and "paired seeds" in found.text()


@pytest.mark.parametrize("name", ["double-softmax", "training-labels-inverted", "segment-ids-zero"])
def test_a_fact_names_the_cause_without_another_training(name):
    found = investigate(inject(SOUND, name))
    assert found.cause == name and found.trainings == 1 and found.evidence[0].kind == "fact", found.text()
    assert found.names[0] == name and not found.sound


def test_steps_that_are_far_too_short_are_found_by_an_exchange():
    found = investigate(step_length(SOUND, 0.003))
    assert (found.cause, found.place) == ("learning-rate-too-low", "optimizer"), found.text()
    assert any(e.kind == "swap" for e in found.evidence) and 1 < found.trainings <= 9


def test_a_loss_of_no_known_kind_is_a_place():
    def odd(logits, labels):
        value, gradient = SOUND.loss(logits, labels)
        wave = np.sin(3 * logits).astype(logits.dtype)
        return value + float(wave.mean()), gradient + np.cos(7 * logits).astype(logits.dtype)

    found = investigate(replace(SOUND, loss=odd))
    assert found.place == "loss" and not found.sound, found.text()


def test_a_nan_is_evidence_and_no_traceback():
    def nan(logits, labels):
        return float("nan"), np.full_like(logits, np.nan)

    found = investigate(replace(SOUND, loss=nan))
    assert not found.sound and found.confidence > 0.5, found.text()
