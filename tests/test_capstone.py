"""The script of the capstone, its repairs, and the facts that judge a script by what it does."""

import inspect
from itertools import combinations
from pathlib import Path

import nbformat
import numpy as np
import pytest

from nsputil.capstone import HOLDS, KnownModel, WatchedModel, broken_script, judge, true_accuracy
from nsputil.capstone.repairs import EDITS, PARTS, script_with
from nsputil.checks import bank
from nsputil.checks.bank import nb12
from nsputil.checks.bank.nb12 import repaired_script_reference
from nsputil.corpus import Document
from nsputil.encoders import BagEncoder
from nsputil.model import NSPModel
from nsputil.tokenization import Vocabulary

ROOT = Path(__file__).resolve().parent.parent
RNG = np.random.default_rng(0)
WORDS = [f"word{k}" for k in range(60)]
DOCUMENTS = [Document(str(d), [" ".join(RNG.choice(WORDS, 3 + i % 5)) for i in range(12)]) for d in range(8)]
VOCABULARY = Vocabulary.from_documents(DOCUMENTS)


def facts_of(script, seed=0):
    model, reported = script(DOCUMENTS, KnownModel(DOCUMENTS, VOCABULARY), seed)
    return judge(model, reported, DOCUMENTS)


@pytest.mark.parametrize("count", range(6))
def test_the_facts_name_exactly_the_parts_that_are_broken(count):
    for parts in combinations(PARTS, count):
        assert {name for name, found in facts_of(script_with(parts)).items() if found == HOLDS} == set(parts)


def test_what_is_seen_in_place_of_a_fact_is_said():
    found = facts_of(broken_script)
    assert found == {
        "labels": "inverted",
        "inputs": "another mask or other segments",
        "loss": "some rows are not counted",
        "schedule": "zero too early",
        "evaluation": "one minus a recount",
    }


def test_each_edit_changes_a_line_of_the_script_and_all_five_make_the_reference():
    source = inspect.getsource(broken_script)
    assert all(source.count(wrong) >= 1 for wrong, _ in EDITS.values())
    with pytest.raises(ValueError, match="part is 'colour'; expected some of labels"):
        script_with(["colour"])
    assert set(facts_of(repaired_script_reference, seed=3).values()) == {HOLDS}


def test_the_script_of_the_sheet_is_that_of_the_package():
    sheet = nbformat.read(next((ROOT / "solutions").glob("12_*/*.ipynb")), as_version=4)
    shown = next(cell.source for cell in sheet.cells if cell.id == "broken-script")
    body = inspect.getsource(broken_script).split('"""')[-1]
    assert shown.split('"""')[-1].strip() == body.strip()


def watched(seed=0):
    rng = np.random.default_rng(seed)
    bag = BagEncoder(0.3 * rng.standard_normal((len(VOCABULARY), 6)), dtype=np.float64)
    return WatchedModel(NSPModel(bag, VOCABULARY, rng, 5))


def test_a_real_model_is_trained_and_its_diary_agrees():
    model, reported = script_with(PARTS)(DOCUMENTS, watched(), 0)
    assert reported == pytest.approx(true_accuracy(model, DOCUMENTS))
    assert len(model.rates) == len(model.gradients) == len(model.calls) - 1
    fresh = watched().model.parameters
    assert all((model.model.parameters[name] != fresh[name]).any() for name in fresh)


def test_a_script_that_trains_nothing_is_no_proof():
    def idle(documents, model, seed):
        return model, 0.7

    found = facts_of(idle)
    assert HOLDS not in found.values() and np.isnan(true_accuracy(KnownModel(DOCUMENTS, VOCABULARY), DOCUMENTS))


def edited(*edits):
    """The repaired script with pieces of its text replaced."""
    source = inspect.getsource(repaired_script_reference)
    for piece, other in edits:
        assert piece in source
        source = source.replace(piece, other)
    space = dict(vars(nb12))
    exec(source, space)
    return space["repaired_script_reference"]


READ = """ahead = encode_pairs({}, model.vocabulary)
    model(ahead.input_ids, ahead.attention_mask, ahead.token_type_ids)"""


@pytest.mark.parametrize(("place", "part"), [("steps = epochs", "test"), ("batch = encode_pairs(test", "pairs")])
def test_other_pairs_may_be_read_before_the_training_and_after_it(place, part):
    found = facts_of(edited((place, f"{READ.format(part)}\n    {place}")))
    assert set(found.values()) == {HOLDS}


@pytest.mark.parametrize(
    ("edit", "fact", "seen"),
    [
        (("0.004 *", "0.04 *"), "schedule", "begins at 0.04"),
        (("0.004 * (1 - step / steps)", "0.004"), "schedule", "always the same"),
        (("/ len(labels)", ""), "loss", "the slope of a sum"),
        (("/ len(labels)", "/ logits.size"), "loss", "half of the slope"),
        (("encode_pairs(test", "encode_pairs(pairs"), "evaluation", "the test part was not read"),
    ],
)
def test_a_fact_that_does_not_hold_says_what_was_seen(edit, fact, seen):
    edits = [edit, ("for pair in test", "for pair in pairs")] if fact == "evaluation" else [edit]
    assert facts_of(edited(*edits)) == dict.fromkeys(PARTS, HOLDS) | {fact: seen}


@pytest.mark.parametrize("given", ["1.0", "slope[:, 0]", "slope[:, :1]", "slope[:-1]", "slope.T"])
def test_a_slope_of_another_shape_is_told(given):
    found = facts_of(edited(("model.backward(slope)", f"model.backward({given})")))
    assert found["loss"] == found["labels"] == "a slope of another shape"


def test_a_report_from_before_the_training_is_none():
    def early(documents, model, seed):
        _, reported = repaired_script_reference(documents, KnownModel(documents, model.vocabulary), seed)
        model, _ = repaired_script_reference(documents, model, seed)
        model.calls.pop()
        return model, reported

    assert facts_of(early)["evaluation"] == "nothing was read after the last step"


@pytest.mark.parametrize("count", range(1, 5))
def test_the_check_names_every_fact_that_is_violated(count):
    exercise = bank.exercises()["repaired_script"]
    ideas = {idea.name for idea in exercise.misconceptions}
    for parts in combinations(PARTS, count):
        verdict = exercise.judge(script_with(parts))
        if verdict.mistake not in ideas:
            lines = [line[2:].split(":")[0] for line in verdict.message.split("\n")[1:]]
            assert verdict.message.startswith(f"{count} of 5 facts hold") and set(lines) == set(PARTS) - set(parts)


def test_an_answer_of_which_no_fact_can_be_asked_hears_what_to_return():
    exercise = bank.exercises()["repaired_script"]
    assert "expected the model and the accuracy" in exercise.judge(lambda *args: 0.7).message
    assert "Is there a return?" in exercise.judge(lambda documents, model, seed: print(seed)).message


def test_calls_in_the_wrong_order_are_told():
    with pytest.raises(ValueError, match="backward was called before the model"):
        watched().backward(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="step was called before backward"):
        watched().step(0.1)


def test_the_known_model_is_right_on_about_three_rows_of_four():
    model, reported = script_with(PARTS)(DOCUMENTS, KnownModel(DOCUMENTS, VOCABULARY), 0)
    assert 0.6 < reported < 0.9 and reported == true_accuracy(model, DOCUMENTS)
