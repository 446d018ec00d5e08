"""What the report says of a class whose mistakes are known."""

import math

import numpy as np
import pytest
from test_exports import refused, row

from nsputil.grading.class_facts import class_facts
from nsputil.grading.class_report import draw_class, in_words, mistake_bars, report_page, report_table

CLASS = [
    row("a"), row("b"), row("c", "half"), row("d", "sign"), row("e", "sign", "half"), row("f", "sign", "half"),
    row("g", "slow", "half"), row("h", "text"), refused("i", "<i>"),
]  # fmt: skip


def test_counts_and_mistakes():
    loss, number, text = class_facts(CLASS)
    assert (loss.right, loss.wrong, loss.not_done, loss.ungradable) == (4, 3, 0, 1)
    assert loss.mistakes == (("wrong_sign", 3),) and number.mistakes == (("base_2", 4),)
    assert loss.mean == 0.5 and (text.waiting, text.not_done) == (1, 7) and math.isnan(text.mean)


def test_how_well_an_exercise_separates_is_the_correlation_with_the_others():
    loss, number, text = class_facts(CLASS)
    right = np.array([1, 1, 1, 0, 0, 0, 0, 1]), np.array([1, 1, 0, 1, 0, 0, 0, 1])
    assert loss.separates == pytest.approx(np.corrcoef(*right)[0, 1]) == pytest.approx(number.separates)
    assert math.isnan(text.separates)
    assert all(math.isnan(facts.separates) for facts in class_facts(CLASS[:4])) and class_facts([CLASS[-1]]) == []


def test_the_page_and_its_table():
    page = report_page(CLASS, "03", b"png")
    assert "9 submissions: 8 graded, 1 ungradable." in page and "Points: from 0 to 4, median 2, of 7." in page
    assert "not JSON" in page and "&lt;i&gt;" in page and "data:image/png;base64,cG5n" in page
    assert report_table(class_facts(CLASS)).rows[1][:6] == ["batch_loss", "4", "3", "0", "1", "0"]
    assert "of 7" not in report_page([CLASS[-1]], "03", None)


def test_the_picture_and_its_words(tmp_path):
    facts = class_facts(CLASS)
    assert mistake_bars(facts) == [("loss_of_08", "base_2", 4), ("batch_loss", "wrong_sign", 3)]
    assert in_words(facts).startswith("The most common mistake is base_2 in loss_of_08, made 4 times.")
    assert in_words([]) == "No mistake with a name was made."
    draw_class(facts, tmp_path / "class.png")
    draw_class(class_facts(CLASS[:1]), tmp_path / "small.png")
    assert (tmp_path / "class.png").read_bytes()[:4] == b"\x89PNG"
