"""Every fact sees its own mutants, in either direction, and names them or their place."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from fact_mutants import MUTANTS, encoded, only_labels, pairs_changed, short, without_positions
from modes_and_rules import MODES_AND_RULES, drawn_back, uneven
from near_misses import NEAR_MISSES
from reads_and_rows import READS_AND_ROWS
from words_and_orders import SANE, WORDS_AND_ORDERS

from nsputil.clinic.facts import examine, run_facts
from nsputil.clinic.facts.backward import backward_pass
from nsputil.clinic.facts.finding import PLACES, Finding
from nsputil.clinic.recording import record
from nsputil.experiment import bag_model
from nsputil.run import Run
from nsputil.training import train

ALL = MUTANTS | NEAR_MISSES | READS_AND_ROWS | MODES_AND_RULES | WORDS_AND_ORDERS


@pytest.mark.parametrize("name", ALL)
def test_a_mutant_is_seen_named_and_placed(name):
    edit, place, causes = ALL[name]
    found = [finding for finding in examine(record(edit(short())), strict=True) if finding.state == "violated"]
    assert found, "nothing is violated"
    first = found[0]
    assert first.cause in causes, [(f.fact, f.cause, f.statement) for f in found]
    assert first.place == place or any(f.place == place for f in found)


def test_a_healthy_training_violates_nothing_and_every_place_is_asked():
    found = examine(record(short(seed=1)), strict=True)
    assert [f for f in found if f.state == "violated"] == []
    assert {f.place for f in found} >= set(PLACES) - {"numbers"}
    assert all(f.statement.endswith(".") for f in found)


@pytest.mark.parametrize("name", SANE)
def test_what_is_near_a_defect_and_meant_is_no_violation(name):
    found = [f for f in examine(record(SANE[name](short())), strict=True) if f.state == "violated"]
    doubtful = ("arrays.words", "model.rows")  # rows cut short, and rows of other words, may be meant
    assert [(f.fact, f.statement) for f in found if f.firm or f.fact not in doubtful] == []


def test_weights_that_are_drawn_halfway_back_are_no_violation():
    found = examine(record(drawn_back(0.5)(short())), strict=True)
    assert [(f.fact, f.statement) for f in found if f.state == "violated"] == []


def test_weights_that_make_up_for_an_uneven_prior_are_no_violation():
    found = examine(record(uneven(short(), 5.0)), strict=True)
    assert [f.fact for f in found if f.state == "violated" and f.fact in ("pairs.prior", "loss.function")] == []
    assert "make up for it" in next(f.statement for f in found if f.fact == "pairs.prior")


def test_a_recorded_training_is_the_same_bit_for_bit():
    experiment = short(seed=2)
    plain, seen = train(experiment), record(experiment)
    assert (seen.run.loss, seen.run.evaluations, seen.run.final) == (plain.loss, plain.evaluations, plain.final)
    for name, array in plain.model.parameters.items():
        assert np.array_equal(array, seen.run.model.parameters[name])
    assert seen.run.model.encode is experiment.encode


def test_pairs_without_positions_and_batches_of_another_kind_are_no_violation():
    for experiment in (pairs_changed(without_positions, short()), encoded(only_labels, short())):
        assert [f for f in examine(record(experiment)) if f.state == "violated"] == []


def test_an_evaluation_with_keys_of_its_own_cannot_tell():
    experiment = replace(short(), evaluation=lambda model, pairs: {"score": 1.0}, instrument_every=0)
    found = examine(record(experiment))
    assert [f for f in found if f.state == "violated"] == []
    assert any(f.fact == "report.recount" and f.state == "cannot tell" for f in found)


def test_an_error_in_a_part_is_evidence_and_no_traceback():
    def broken(model, pairs):
        raise ValueError("no column of that name")

    found = examine(record(replace(short(), evaluation=broken)))
    assert found[0].state == "violated" and "no column of that name" in " ".join(f.statement for f in found)


def test_a_loss_of_nan_is_placed_in_the_loss():
    def exploding(logits, labels):
        return float("nan"), np.full_like(logits, np.nan)

    recording = record(replace(short(), loss=exploding))
    found = examine(recording)
    assert recording.run.diverged_at == 1
    assert found[0].state == "violated" and found[0].place == "loss"
    assert next(f for f in found if f.fact == "numbers.finite").explained_by


def test_a_run_alone_shows_what_curves_can_show():
    bad = run_facts(Run(loss=[2.3, 2.1, float("nan")], accuracy=[0.5, 0.5, 0.5]))
    assert bad[0].fact == "numbers.finite" and bad[0].state == "violated"
    low = run_facts(Run(loss=[0.7, 0.1], accuracy=[0.5, 0.2]))
    assert low[0].fact == "numbers.beneath" and "wrong pairs alone cost" in low[0].statement
    twice = [{"step": k, "loss": 0.3133 + 0.05, "accuracy": 0.95} for k in range(4)]
    assert run_facts(Run(loss=[0.7], accuracy=[0.5], evaluations=twice))[0].cause == "double-softmax"
    mixed = run_facts(
        Run(evaluations=[{"step": 1, "accuracy": 0.9, "recall_is_next": 0.5, "recall_not_next": 0.6, "loss": 0.5}])
    )
    assert mixed[0].fact == "numbers.together"
    assert not [f for f in run_facts(Run()) if f.state == "violated"]


def test_a_finding_refuses_a_place_that_is_none():
    with pytest.raises(ValueError, match="place is 'kitchen'; expected one of numbers"):
        Finding("a.b", "holds", "kitchen", "Text.")
    with pytest.raises(ValueError, match="state is 'fine'; expected one of holds"):
        Finding("a.b", "fine", "pairs", "Text.")


def test_record_refuses_what_is_no_experiment():
    with pytest.raises(TypeError, match="experiment is a dict; expected an Experiment"):
        record({})


def test_an_encoder_with_a_forward_pass_of_its_own_is_watched_and_copied():
    def model(documents, vocabulary, rng):
        built = short().model(documents, vocabulary, rng)
        forward, backward = built.encoder.forward, built.encoder.backward
        half = np.float32(0.5)
        built.encoder.forward = lambda batch, rng=None: (lambda h, cache: (h * half, cache))(*forward(batch, rng))
        built.encoder.backward = lambda dh, cache: backward(dh * half, cache)
        return built

    experiment = replace(short(), model=model)
    seen = record(experiment)
    assert (seen.run.loss, seen.run.final) == ((plain := train(experiment)).loss, plain.final)
    assert [f for f in examine(seen, strict=True) if f.state == "violated"] == []
    pairs = seen.run.test_pairs[:8]
    assert not np.array_equal(seen.start.logits(pairs), seen.twin().logits(pairs))


def test_a_model_that_an_evaluation_keeps_stays_as_it_was():
    kept = []

    def first_again(model, pairs):
        kept[:] = kept or [deepcopy(model)]
        return short().evaluation(kept[0], pairs)

    experiment = replace(short(), evaluation=first_again)
    plain = train(experiment).evaluations
    kept.clear()
    seen = record(experiment)
    assert seen.run.evaluations == plain


@pytest.mark.parametrize(("size", "seed", "every"), [(80, 0, 4), (80, 0, 8), (120, 1, 2), (400, 2, 8)])
def test_a_text_without_a_known_word_is_no_wrong_backward_pass(size, seed, every):
    """Its vector is zero, so the loss of its pair jumps at any step; the gradients of the others are right."""
    recording = record(replace(short(seed, steps=3), vocabulary_size=size, model=bag_model))
    pairs = recording.kept[0].pairs
    pairs[:] = [replace(p, sentence_b="Zzz qqq xxx") if k % every == 1 else p for k, p in enumerate(pairs)]
    assert backward_pass(recording)[0].state == "holds"
