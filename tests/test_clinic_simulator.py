"""The simulator without a browser: it shows the game, hands on what the page sends, and says why it cannot."""

import json

import numpy as np
import pytest

from nsputil import widgets
from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.case_bank import bank
from nsputil.clinic.case_codes import decode, encode
from nsputil.clinic.game import BELIEF_FLOOR, Game
from nsputil.clinic.game_progress import GameProgress
from nsputil.losses import log_softmax
from nsputil.widgets.clinic_simulator import UNKNOWN, moved_belief

SICK = encode(next(int(r) for r in bank().rows("test") if bank().cases[r].cause != HEALTHY))


@pytest.fixture
def simulator(tmp_path):
    return widgets.clinic_simulator(SICK, progress=GameProgress(tmp_path / "progress.json"))


def hear(simulator, do, *arguments, **more):
    """Send what the page sends."""
    simulator._hear(simulator, {"do": do, "with": list(arguments)} | more, [])


def test_the_table_holds_the_case_and_not_its_answer(simulator):
    game = Game(SICK)
    case = simulator.case
    assert case["code"] == SICK and set(case["probes"]) == set(game.probes)
    assert sorted(c for causes in case["groups"].values() for c in causes) == sorted(game.belief)
    assert sum(simulator.belief.values()) == pytest.approx(1)
    shares = [sum(simulator.belief[c] for c in causes) for causes in case["groups"].values()]
    assert shares == pytest.approx([1 / len(shares)] * len(shares)), "no group is likelier before the first look"
    sent = json.dumps({name: getattr(simulator, name) for name in simulator.shown})
    assert simulator.debrief == {} and "truth" not in sent


def test_a_move_of_the_page_is_a_move_of_the_game(simulator):
    other = Game(SICK)
    expected = other.ask("look-at-rows", "odd")
    hear(simulator, "ask", "look-at-rows", "odd")
    row = simulator.notebook[0]
    assert simulator.turn == 1 and simulator.problem == "" and simulator.game.spent == other.spent
    assert (row["bits"], row["best_probe"], row["odd"]) == (expected.bits, expected.best_probe, expected.odd)
    assert [n["name"] for n in row["outcome"]] == list(expected.outcome)
    assert all(n["usual"] == other.usual(n["name"], expected.outcome[n["name"]]) for n in row["outcome"])


def test_what_cannot_be_done_is_said_and_harms_nothing(simulator):
    for move, words in (
        (("ask", "look-at-rows", "perhaps"), "predict is 'perhaps'"),
        (("ask", "crystal-ball"), "there is no probe 'crystal-ball'"),
        (("open", "ZZZZ"), "there is no case"),
        (("rerun",), "commit an answer first"),
        (("examine",), "commit an answer first"),
        (("commit", "gremlins"), "is no cause"),
        (("shout",), "shout"),
    ):
        hear(simulator, *move)
        assert words in simulator.problem, move
    assert simulator.turn == 7 and simulator.notebook == [] and simulator.case["code"] == SICK
    hear(simulator, "ask", "look-at-rows")
    assert simulator.problem == ""


def test_the_bars_are_the_belief_that_is_scored(simulator, tmp_path):
    truth = bank().cases[decode(SICK)].cause
    belief = dict.fromkeys(simulator.belief, 0.0) | {truth: 0.9, UNKNOWN: 0.1}
    hear(simulator, "commit", truth, belief=belief)
    count = len(simulator.game.belief)
    assert simulator.game.belief[truth] == pytest.approx(BELIEF_FLOOR + (1 - BELIEF_FLOOR * count) * 0.9)
    assert simulator.debrief["right"] and simulator.debrief["truth"] == truth
    parts = [simulator.debrief[f"{name}_points"] for name in ("belief", "probe", "answer")]
    assert simulator.debrief["score"] == pytest.approx(sum(parts), abs=1e-3)
    assert simulator.record["played"] == simulator.record["right"] == 1
    assert json.loads((tmp_path / "progress.json").read_text())["played"][0]["code"] == SICK
    json.dumps(simulator.state(), allow_nan=False)


def test_what_was_confused_is_named_and_a_new_case_clears_the_table(simulator):
    truth = bank().cases[decode(SICK)].cause
    wrong = next(c for c in simulator.game.belief if simulator.game.groups[c] != simulator.game.groups[truth])
    simulator.believe({wrong: 3, UNKNOWN: 1})
    assert (simulator.belief[wrong], simulator.belief[UNKNOWN]) == pytest.approx((0.75, 0.25), abs=0.01)
    assert simulator.belief[UNKNOWN] == simulator.game.belief[UNKNOWN]
    assert not simulator.commit(wrong).right
    assert simulator.record["practise"] == simulator.game.groups[truth]
    hear(simulator, "deal", "one-class")
    assert simulator.debrief == {} and simulator.notebook == []
    assert bank().groups[bank().cases[decode(simulator.case["code"])].cause] == "one-class"
    assert repr(simulator).endswith("0 probes asked, 0 of 200 steps spent")


def test_the_repaired_run_is_trained_and_does_better():
    row = next(int(r) for r in bank().rows("test") if bank().cases[r].cause == "labels-shuffled")
    simulator = widgets.clinic_simulator(encode(row), progress=GameProgress())
    simulator.commit("labels-shuffled")
    run = simulator.rerun()
    assert run.final["accuracy"] > simulator.case["curves"][3][-1] + 0.05
    assert len(simulator.repaired) == 4 and simulator.repaired[3][-1] == pytest.approx(
        run.evaluations[-1]["accuracy"], abs=1e-3
    )


def test_the_facts_of_a_case_are_examined_after_the_answer():
    def told(faults):
        row = next(int(r) for r in bank().rows("test") if bank().cases[r].faults == faults)
        simulator = widgets.clinic_simulator(encode(row), progress=GameProgress())
        simulator.commit("none of these")
        hear(simulator, "examine")
        assert simulator.problem == ""
        return simulator.facts

    (first, *_) = told(("labels-off-by-one",))
    assert "This names labels-off-by-one." in first
    assert told(()) == ["No fact is violated."]


def test_progress_is_kept_beside_the_exercises_or_not_at_all(monkeypatch, tmp_path):
    monkeypatch.setenv("NSPUTIL_PROGRESS", str(tmp_path / "mine.json"))
    assert widgets.clinic_simulator(SICK).progress.path == tmp_path / "mine-clinic.json"
    monkeypatch.setenv("NSPUTIL_PROGRESS", "off")
    assert widgets.clinic_simulator(SICK).progress.path is None


def test_a_moved_bar_leaves_the_proportions_of_the_others():
    belief = {"a": 0.1, "b": 0.3, "c": 0.6}
    moved = moved_belief(belief, ["c"], 0.2)
    assert moved == pytest.approx({"a": 0.2, "b": 0.6, "c": 0.2})
    assert moved_belief(belief, ["a"], 0.4, among=["a", "b"]) == pytest.approx({"a": 0.4, "b": 0.0, "c": 0.6})
    assert moved_belief({"a": 1.0, "b": 0.0, "c": 0.0}, ["a"], 0.5) == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.25})
    bad = (((["d"], 0.1), "'d' is no cause"), ((["a"], 1.1), "expected 0 to"), ((list("abc"), 1), "others"))
    for arguments, words in bad:
        with pytest.raises(ValueError, match=words):
            moved_belief(belief, *arguments)


def test_a_sealed_case_holds_what_the_tool_will_believe(simulator):
    game, sealed = Game(SICK), Game(SICK).sealed()

    def believed():
        found = {c.name: c.probability for c in game.diagnosis.causes}
        return np.array([found[c] for c in game.causes]) / sum(found[c] for c in game.causes)

    assert np.exp(sealed["log_probs"]) == pytest.approx(believed(), abs=1e-9)
    logits = np.array(sealed["start"])
    for name in ("roll", "look-at-rows"):
        game.ask(name)
        logits = logits + sealed["nats"][name]
        assert np.exp(log_softmax(logits)) == pytest.approx(believed(), abs=1e-9)
    state = simulator.state()
    assert simulator.sealed == {} and len(state["sealed"]["cases"]) == 4, "Python keeps the answers to itself"
    assert sealed["answers"] == [bank().cases[decode(SICK)].cause]
