"""Prompts as B, thresholds from validation data, and topics told by words that are taken out."""

import numpy as np
import pytest

from nsputil.corpus import Document
from nsputil.zero_shot import balanced_accuracy, best_threshold, prompt_log_odds, topic_items


class Lengths:
    """A model whose log-odds are the number of words that a text has more than the prompt."""

    def logits(self, pairs):
        more = [len(pair.sentence_a.split()) - len(pair.sentence_b.split()) for pair in pairs]
        return np.array([[m, 0.0] for m in more])


def test_log_odds_have_a_row_for_each_text_and_a_column_for_each_prompt():
    found = prompt_log_odds(Lengths(), ["a b c", "a"], ["x", "x y", "x y z"])
    assert found.tolist() == [[2, 1, 0], [0, -1, -2]]
    with pytest.raises(ValueError, match="0 texts and 1 prompts; expected at least one of each"):
        prompt_log_odds(Lengths(), [], ["x"])


def test_the_best_threshold_beats_or_equals_every_other():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, yes = rng.normal(size=30).round(1), rng.random(30) < 0.3
        if yes.any() and not yes.all():
            found = balanced_accuracy(scores > best_threshold(scores, yes), yes)
            assert all(found >= balanced_accuracy(scores > cut, yes) - 1e-12 for cut in np.linspace(-4, 4, 161))


def test_a_threshold_is_between_two_scores_and_bad_input_is_told():
    assert best_threshold([-3.0, -2.0, -1.0, 1.0], [False, True, True, True]) == -2.5
    with pytest.raises(ValueError, match="expected both True and False"):
        best_threshold([1.0, 2.0], [True, True])
    with pytest.raises(ValueError, match=r"scores have shape \(2,\) and positive \(3,\)"):
        best_threshold([1.0, 2.0], [True, True, False])
    assert balanced_accuracy([True] * 5, [True, False, False, False, False]) == 0.5


def test_the_words_that_tell_a_topic_are_taken_out():
    words = {"sea": ["navy", "ships"], "farm": ["crops"]}
    long = "we must build more than " + "very " * 8
    documents = [
        Document("a", [long + "many ships for the navy", long + "crops", "short ships"]),
        Document("b", [long + "ships and crops", long + "roads", long + "many more crops now"]),
    ]
    items = topic_items(documents, words)
    assert [(item.topic, item.document) for item in items] == [(0, 0), (1, 0), (1, 1)]
    assert not {"navy", "ships", "crops"} & {word for item in items for word in item.text.split()}
    assert items[2].text.endswith("many more now")
