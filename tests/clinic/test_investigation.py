"""An investigation, from facts through swaps to a conclusion, on trainings whose truth is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.facts.model import dropout
from nsputil.clinic.faults import inject
from nsputil.clinic.investigation import _harms, _signature, investigate
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.recording import record
from nsputil.clinic.swaps.doses import step_length
from nsputil.clinic.swaps.trials import Trial

SOUND = healthy(PROGRAMS[0], seed=3)
SHORT = replace(SOUND, documents=SOUND.documents[:60], max_steps=60, evaluate_every=20, watch=150)


def test_a_healthy_training_is_healthy_and_says_what_was_tried():
    said = []
    found = investigate(SOUND, progress=said.append, limit=5)
    assert found.sound and found.answer == "healthy", found.text()
    assert found.trainings <= 5 and len(said) >= 3
    assert {e.kind for e in found.evidence} == {"swap"} and "paired seeds" in found.text()


@pytest.mark.parametrize("name", ["double-softmax", "training-labels-inverted", "segment-ids-zero"])
def test_a_fact_names_the_cause_without_another_training(name):
    found = investigate(inject(SHORT, name))
    assert found.cause == name and found.trainings == 1 and found.evidence[0].kind == "fact", found.text()
    assert found.names[0] == name and not found.sound


def test_steps_that_are_far_too_short_are_found_by_an_exchange():
    found = investigate(step_length(replace(SOUND, documents=SOUND.documents[:80], max_steps=100), 0.003), limit=4)
    assert (found.cause, found.place) == ("learning-rate-too-low", "optimizer"), found.text()
    assert any(e.kind == "swap" for e in found.evidence) and 1 < found.trainings <= 9


def test_long_steps_of_a_training_that_learns_are_no_sickness_unless_two_seeds_are_sure():
    learned = Finding("report.learned", "holds", "evaluation", "Accuracy is 0.7.", {"chance": 0.5})
    long = Finding("steps.overshoot", "violated", "optimizer", "They overshoot.", cause="learning-rate-too-high")
    case = SimpleNamespace(findings=[learned, long])
    little, much = Trial("x", (0.03, 0.03), (0.7,) * 2, (0.73,) * 2), Trial("x", (0.06, 0.05), (0.7,) * 2, (0.75,) * 2)
    assert not _harms(case, long, little) and _harms(case, long, much)
    assert _harms(case, replace(long, fact="loss.function"), little)


def test_a_rate_that_rises_again_is_no_rate_that_is_too_high():
    length = Finding("steps.length", "violated", "optimizer", "Long.", {"ratio": 0.5}, cause="learning-rate-too-high")
    for rises, usual in ((0.0, True), (0.9, False)):
        course = Finding("optimizer.schedule", "holds", "optimizer", "It lasts.", {"mean": 0.5, "rises": rises})
        assert _signature(SimpleNamespace(findings=[length, course]), "learning-rate-too-high") == usual


def test_a_training_mode_without_a_draw_is_not_called_dropout():
    class Shifted:
        """An encoder whose training differs from its evaluation, always in the same way."""

        def __init__(self, encoder):
            self.encoder, self.parameters, self.width = encoder, encoder.parameters, encoder.width
            self.attends, self.backward = encoder.attends, encoder.backward

        def forward(self, batch, rng=None):
            h, cache = self.encoder.forward(batch)
            return (h if rng is None else np.float32(3) - h), cache

    def model(documents, vocabulary, rng):
        built = SHORT.model(documents, vocabulary, rng)
        built.encoder = Shifted(built.encoder)
        return built

    found = dropout(record(replace(SHORT, model=model, max_steps=2, evaluate_every=2)))[0]
    assert (found.state, found.cause) == ("violated", None) and "nothing is drawn" in found.statement


def test_a_loss_of_no_known_kind_is_a_place():
    def odd(logits, labels):
        value, gradient = SHORT.loss(logits, labels)
        wave = np.sin(3 * logits).astype(logits.dtype)
        return value + float(wave.mean()), gradient + np.cos(7 * logits).astype(logits.dtype)

    found = investigate(replace(SHORT, loss=odd))
    assert found.place == "loss" and not found.sound, found.text()


def test_a_nan_is_evidence_and_no_traceback():
    def nan(logits, labels):
        return float("nan"), np.full_like(logits, np.nan)

    found = investigate(replace(SHORT, loss=nan))
    assert not found.sound and found.confidence > 0.5, found.text()
