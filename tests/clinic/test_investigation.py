"""An investigation, from facts through swaps to a conclusion, on trainings whose truth is known."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nsputil.clinic.facts.explain import in_order, ordinary
from nsputil.clinic.facts.finding import Finding, violated
from nsputil.clinic.facts.model import dropout
from nsputil.clinic.faults import inject
from nsputil.clinic.investigation import _by_own_rule, _harms, _Investigation, _misreported, _signature, investigate
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.recording import clone, record
from nsputil.clinic.swaps.doses import step_length
from nsputil.clinic.swaps.trials import Trial, Trials
from nsputil.corpus import Document
from nsputil.tokenization import tokenize

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


def test_a_rate_that_grows_all_the_time_is_no_rate_that_is_too_high():
    long = Finding("steps.overshoot", "violated", "optimizer", "Long.", {"ratio": -2}, cause="learning-rate-too-high")
    for peak, cause in ((0.1, "learning-rate-too-high"), (1.0, None)):
        course = Finding("optimizer.schedule", "holds", "optimizer", "It lasts.", {"mean": 0.5, "peak": peak})
        assert next(f for f in in_order([long, course]) if f.fact == long.fact).cause == cause
        assert ordinary([course], "learning-rate-too-low")  # a warm-up that never ends is too low all the time


def test_a_start_from_random_vectors_is_a_choice_of_trainings_that_learn():
    learned = Finding("report.learned", "holds", "evaluation", "Accuracy is 0.7.", {"chance": 0.5})
    random = Finding("model.start", "violated", "model", "It is random.", cause="pretrained-not-loaded", firm=False)
    case = SimpleNamespace(findings=[learned, random], kin=False)
    for gain, own, sick in ((0.08, True, False), (0.14, True, True), (0.10, False, False), (0.20, False, True)):
        trial = Trial("x", (gain, gain), (0.6,) * 2, (0.6 + gain,) * 2)
        assert _harms(case, random, trial, own) == sick, (gain, own)


@pytest.mark.parametrize(("off", "answer"), [(0.0, None), (0.3, "cause")])
def test_an_evaluation_that_deviates_is_judged_by_its_recount(off, answer):
    swapped = violated("evaluation.words", "evaluation", "B is first.", "swapped-in-evaluation", False)
    recount = Finding("report.accuracy", "violated", "evaluation", "It is off.", {"off": off})
    case = _Investigation(SimpleNamespace(), [swapped, recount], SimpleNamespace(count=1.0), SHORT, False)
    found = _misreported(case, swapped, swapped.cause)
    assert (found and found.answer) == answer and (found is None or found.place == "evaluation")


def test_a_part_that_passes_on_attributes_is_copied_all_the_same():
    class Passing:
        def __init__(self, encoder):
            self.encoder = encoder

        def __getattr__(self, name):
            return getattr(self.__dict__["encoder"], name)

    model = record(replace(SHORT, max_steps=2, evaluate_every=2)).model
    model.encoder = Passing(Passing(model.encoder))
    twin = clone(model)
    assert twin.encoder.encoder.encoder is not model.encoder.encoder.encoder
    assert twin.encoder.width == model.encoder.width


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


def rewritten(change, experiment):
    """Change each sentence of the parts; the documents keep theirs."""

    def split(documents, rng):
        parts = experiment.split(documents, rng)
        return tuple([Document(d.name, tuple(map(change, d.sentences))) for d in part] for part in parts)

    return replace(experiment, split=split)


def test_text_that_was_cleaned_on_purpose_is_no_sickness():
    def without_endings(sentence):
        return re.sub(r"(\w{4,}?)(ing|ed|es|s)\b", r"\1", sentence)

    found = investigate(rewritten(without_endings, SOUND), limit=5)
    assert found.answer == "healthy, with a deviation" and "split.text" in found.statement, found.text()


def test_text_that_lost_what_the_task_needs_is_a_place():
    kept = {"the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "be", "have", "we", "our"}

    def stop_words(sentence):
        return " ".join(word for word in tokenize(sentence) if word in kept) or "the"

    found = investigate(rewritten(stop_words, SOUND), limit=5)
    assert (found.answer, found.cause, found.place) == ("place", None, "split"), found.text()


def test_few_pairs_are_no_sickness_of_a_training_that_has_learned():
    def every_fifth(documents, rng):
        return SOUND.pairs(documents, rng)[::5]

    found = investigate(replace(SOUND, pairs=every_fifth, held_out_pairs=SOUND.pairs, max_steps=40), limit=9)
    assert found.sound, found.text()


def test_pairs_that_teach_less_than_those_of_the_own_held_out_rule_are_told():
    def turned(documents, rng):
        """The B of IsNext is A from its end to its beginning: nothing to do with the next sentence."""
        pairs = SOUND.pairs(documents, rng)
        return [
            replace(p, sentence_b=" ".join(p.sentence_a.split()[::-1])) if p.label == 0 else p
            for p in pairs
            if len(p.sentence_a.split()) > 3
        ]

    sick = replace(SOUND, pairs=turned, held_out_pairs=SOUND.pairs)
    case = _Investigation(record(sick), [], Trials(sick, limit=9), sick, False)
    found = _by_own_rule(case, lambda sentence: None)
    assert (found.answer, found.place, found.cause) == ("place", "pairs", None), found
    assert "rule for held-out pairs" in found.text() and len(case.trials._base) == 3
    same = replace(SOUND, held_out_pairs=None)
    assert _by_own_rule(_Investigation(None, [], Trials(same), same, False), lambda sentence: None) is None
