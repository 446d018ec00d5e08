"""A training whose facts are examined: what a saved run can say of itself."""

from dataclasses import replace

import pytest

from nsputil.clinic.examined import findings_of, from_facts, train_examined
from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.faults import inject
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.report import facts_report
from nsputil.run import Run
from nsputil.training import train

WHOLE = healthy(PROGRAMS[0], 1)
SHORT = replace(WHOLE, documents=WHOLE.documents[:60], max_steps=100, evaluate_every=25, watch=300)


@pytest.fixture(scope="module")
def sound():
    return train_examined(SHORT)


def test_it_trains_as_train_does_bit_for_bit(sound):
    plain = train(SHORT)
    assert (sound.loss, sound.evaluations, sound.final) == (plain.loss, plain.evaluations, plain.final)


def test_a_sound_run_is_healthy_with_exit_code_0_after_it_was_saved(sound, tmp_path):
    sound.save(tmp_path / "run.json")
    text, code = facts_report("run.json", Run.load(tmp_path / "run.json"))
    assert code == 0 and "Healthy: " in text and "none is violated" in text, text


def test_a_sick_run_names_its_cause_with_exit_code_1():
    run = train_examined(inject(SHORT, "double-softmax"))
    text, code = facts_report("run.json", run)
    assert code == 1 and "The cause is double-softmax, in the loss." in text and "repair: " in text, text


def test_a_deviation_that_only_a_swap_can_judge_is_too_little_to_tell():
    doubtful = Finding(
        "batches.size", "violated", "batching", "A batch holds 2 pairs.", cause="batch-too-small", firm=False
    )
    said = from_facts([doubtful])
    assert said.answer == "too little to tell" and not said.sound and said.names == ("batch-too-small",)


def test_a_name_that_the_catalogue_does_not_hold_is_told_as_a_place():
    again = Finding("batches.again", "violated", "batching", "The same pairs return.", cause="same-pairs-again")
    said = from_facts([again])
    assert (said.answer, said.cause, said.place, said.kind) == ("place", None, "batching", "fact, place")
    assert "same-pairs-again" in said.statement and "The same pairs return." in said.text()
    mirror = Finding("loss.function", "violated", "loss", "Label 1 is ignored.", cause="ignore-index-one")
    said = from_facts([mirror])
    assert (said.answer, said.cause) == ("place", None) and "ignore-index-one" in said.statement


def test_what_follows_from_another_violation_is_told_last():
    first = Finding("labels.text.training", "violated", "pairs", "Labels are wrong.", cause="label-noise")
    later = Finding("pairs.prior", "violated", "pairs", "Shares differ.", cause="prior-shift",
                    explained_by=("labels.text.training",))  # fmt: skip
    said = from_facts([first, later])
    assert said.names == ("label-noise", "prior-shift") and "may follow from labels.text.training" in said.text()


def test_what_was_not_learned_is_not_called_healthy():
    assert from_facts([]).answer == "has not learned"


def test_a_row_that_is_no_finding_is_named():
    with pytest.raises(ValueError, match="row 2 of `examined` is"):
        findings_of(Run(examined=[{"fact": "a", "state": "holds", "place": "loss", "statement": "b"}, {"fact": 1}]))
