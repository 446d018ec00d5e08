"""nsputil.shortcuts: planted shortcuts are found, by the model that can see them, and sound pairs pass."""

from dataclasses import replace

import numpy as np
import pytest

from nsputil.pairs import NOT_NEXT, SentencePair
from nsputil.shortcuts import OneTextModel, blind_models, find_shortcuts

WORDS = [f"word{k}" for k in range(40)]


def pairs(seed, count=400, change=lambda pair, rng: pair):
    """Pairs of random words from ten documents; `change` is made in the NotNext pairs only."""
    rng = np.random.default_rng(seed)
    made = []
    for k in range(count):
        a, b = (" ".join(rng.choice(WORDS, rng.integers(5, 12))).capitalize() + "." for _ in "ab")
        pair = SentencePair(a, b, k % 2, k % 10, (k + k % 2) % 10, 0, 1)
        made.append(change(pair, rng) if pair.label == NOT_NEXT else pair)
    return made


FAULTS = {
    "short": (lambda pair, rng: replace(pair, sentence_b=pair.sentence_b.split()[0] + "."), "lengths"),
    "no stop": (lambda pair, rng: replace(pair, sentence_b=pair.sentence_b.rstrip(".")), "punctuation"),
    "other words": (lambda pair, rng: replace(pair, sentence_b=pair.sentence_b.replace("word1", "x")), "words of B"),
    "other a": (lambda pair, rng: replace(pair, sentence_a=pair.sentence_a.replace("word1", "x")), "words of A"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_shortcut_is_found_by_the_model_that_can_see_it(fault):
    change, name = FAULTS[fault]
    found = find_shortcuts(pairs(0, change=change), pairs(1, change=change))
    assert found[name].found and found[name].low > 0.6 and found[name].accuracy >= found[name].low
    blind = {"short": "words of A", "no stop": "words of B", "other words": "words of A", "other a": "words of B"}
    assert not found[blind[fault]].found


def test_sound_pairs_pass():
    for seed in range(5):
        found = find_shortcuts(pairs(2 * seed), pairs(2 * seed + 1))
        assert set(found) == {"lengths", "punctuation", "words of A", "words of B"}
        assert not any(shortcut.found for shortcut in found.values())


def test_chance_is_the_larger_class():
    test = [pair for pair in pairs(1) if pair.label or pair.document_a < 2]  # most are NotNext
    found = find_shortcuts(pairs(0), test)
    assert not any(shortcut.found for shortcut in found.values())


def test_one_text_model_sees_one_text():
    model = OneTextModel.fit(pairs(0, change=FAULTS["other words"][0]), "b")
    one, two = pairs(3)[:2]
    assert (model.logits([one]) == model.logits([replace(one, sentence_a="Anything else.")])).all()
    assert (model.logits([one]) != model.logits([replace(one, sentence_b=two.sentence_b)])).any()
    assert model.logits([replace(one, sentence_b="never seen")])[0] == pytest.approx([0, 0])


def test_the_score_of_a_word_is_the_log_of_a_ratio_of_shares():
    made = [SentencePair("a", b, y, 0, 0, 0, 1) for b, y in (("x", 0), ("x", 0), ("x y", 1), ("y", 1))]
    gap = -np.diff(OneTextModel.fit(made, "b").logits([replace(made[0], sentence_b="x x")]))[0, 0]
    assert gap == pytest.approx(np.log((3 / 4) / (2 / 4)))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="'c'; expected 'a' or 'b'"):
        OneTextModel.fit(pairs(0), "c")
    with pytest.raises(ValueError, match=r"labels \[1\]; expected both"):
        OneTextModel.fit([pair for pair in pairs(0) if pair.label], "a")
    with pytest.raises(ValueError, match="margin is -1"):
        find_shortcuts(pairs(0), pairs(1), margin=-1)
    with pytest.raises(ValueError, match="pairs is empty"):
        blind_models([])
    with pytest.raises(ValueError, match="there is 1 document"):
        find_shortcuts(pairs(0), [replace(pair, document_a=0) for pair in pairs(1)])
