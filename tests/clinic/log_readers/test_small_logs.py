"""Small logs that were written by hand, of formats and situations that the public ones do not have."""

import json
from pathlib import Path

import pytest

from nsputil.clinic.log_readers import read
from nsputil.clinic.log_readers import symptoms as s
from nsputil.clinic.log_readers.reading import understand
from nsputil.clinic.log_readers.text import LogText
from nsputil.clinic.log_readers.trends import restarts
from nsputil.clinic.report import answer_log

SMALL = Path(__file__).parent / "small"
EXPECTED = json.loads((SMALL / "expected.json").read_text(encoding="utf-8"))


def said(text):
    return answer_log(understand(LogText("made.log", text)))


def test_each_log_has_an_entry():
    assert {path.stem for path in SMALL.glob("*.log")} == set(EXPECTED) and len(EXPECTED) == 75
    assert sum(entry["state"] == "healthy" for entry in EXPECTED.values()) == 44


@pytest.mark.parametrize("name", EXPECTED)
def test_a_small_log(name):
    """Healthy: never proved sick. Sick: its group is named, as proved or as worth a look."""
    entry, answer = EXPECTED[name], answer_log(read(SMALL / f"{name}.log"))
    if entry["state"] == "healthy":
        assert answer.code == 3
    elif entry["code"] == 1:
        assert entry["group"] in answer.groups
    else:
        assert entry["group"] in answer.looks and answer.state == "worth a look"


def test_a_perplexity_is_the_exponential_of_a_loss():
    reading = read(SMALL / "ppl_two_rows.log")
    assert reading.series("train", "loss") == pytest.approx([4.4785, 3.9589], abs=1e-4)
    assert reading.series("held_out", "loss") == pytest.approx([4.0977, 3.8044], abs=1e-4)
    assert reading.perplexity and any("its logarithm is read as the loss" in note for note in reading.notes)
    beside = understand(LogText("made.log", "step 1 loss 1.5 ppl 4.48\nstep 2 loss 1.4 ppl 4.06\n"))
    assert not beside.perplexity and beside.series("train", "loss") == [1.5, 1.4]
    with pytest.raises(ValueError, match="no loss and no accuracy"):
        understand(LogText("made.log", "step 1 best ppl 4.48\n"))


def test_a_perplexity_has_no_level_of_classes():
    """Five words are no five classes, and two are no two."""
    flat = "\n".join(f"step {100 * k} ppl {2 + 0.001 * k:.4f}" for k in range(1, 12))
    assert said(flat).code == 3 and said(flat).looks in ([], [s.STUCK])


def test_a_perplexity_beyond_all_words_is_a_rise():
    assert said("step 1 ppl 3462\nstep 2 ppl 8e18\nstep 3 ppl 1e26\nstep 4 ppl 1e31\n").groups == [s.RISES]
    assert said("step 1 ppl 8e18\nstep 2 ppl 9e6\nstep 3 ppl 3462\nstep 4 ppl 400\n").code == 3


def test_rows_of_training_that_are_all_right_after_the_first_batches():
    head = "step {} loss 2.1 acc 0.4\nstep {} loss 0.9 acc 0.7\n"
    tail = "".join(f"step {{}} loss 0.000{k} acc 1.0\n" for k in (3, 2, 1))
    assert s.PERFECT in said((head + tail).format(10, 20, 30, 40, 50)).groups
    late = said((head + tail).format(500, 1000, 1500, 2000, 2500))
    assert late.code == 3 and s.PERFECT in late.looks
    resumed = said((head + tail).format(9010, 9020, 9030, 9040, 9050))
    assert s.PERFECT not in resumed.groups


def test_rows_that_fall_again_in_each_epoch_are_told_from_noise():
    import numpy as np

    saw = np.r_[6, 3.6, 3, 2, 1.3, 0.8, 5.5, 3.3, 2.6, 1.8, 1.2, 0.7]
    assert [len(piece) for piece in restarts(saw)] == [6, 6]
    assert not restarts(np.r_[2.7, 1.7, 2.8, 1.0, 1.0, 1.5, 0.9, 2.8, 1.2, 0.8, 0.5, 0.4])
    assert not restarts(np.linspace(3, 1, 20))


def test_parts_in_brackets_and_the_first_answer():
    reading = read(SMALL / "imagenet_val_higher.log")
    assert reading.series("train", "accuracy") == pytest.approx([0.312, 0.353])
    assert reading.series("held_out", "loss") == [2.49, 2.20]


def test_a_second_loss_that_is_added_is_no_proof_of_a_rise():
    first, then = [0.50, 0.45, 0.42, 0.40, 0.39], [2.9, 2.4, 2.1, 1.9, 1.8, 1.7]
    lines = "\n".join(f"step {100 * k} loss {x}" for k, x in enumerate(first + then, 1))
    assert said(lines).code == 3 and s.RISES in said(lines).looks
    stays = "\n".join(f"step {100 * k} loss {x}" for k, x in enumerate(first + [9.1, 9.3, 9.0, 9.2, 9.1, 9.2], 1))
    assert s.RISES in said(stays).groups


def test_reports_of_one_answer_need_two_to_be_proof():
    head = "              precision    recall  f1-score   support\n"
    one = head + "  no          0.67      1.00      0.80       670\n  yes         0.00      0.00      0.00       330\n"
    loss = "epoch {} train loss {}\n"
    assert said(loss.format(1, 0.64) + one).looks == [s.STUCK]
    assert said(loss.format(1, 0.64) + one + loss.format(2, 0.63) + one).groups == [s.STUCK]
    good = one.replace("0.00      0.00      0.00", "0.61      0.55      0.58").replace("1.00", "0.83")
    assert said(loss.format(1, 0.64) + one + loss.format(2, 0.53) + good).looks == []


def test_an_evaluation_is_held_against_the_training_until_then():
    """Training goes on after the last evaluation; what it reaches there is no gap."""
    lines = [f"step {100 * k} loss {0.70 - 0.03 * k:.3f}" for k in range(1, 20)]
    lines.insert(4, "step 400 val loss 0.61")
    assert said("\n".join(lines)).code == 3 and s.WORSE not in said("\n".join(lines)).looks
