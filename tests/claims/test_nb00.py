"""The claims of notebook 00."""

from functools import cache

import numpy as np

from nsputil.baselines import OverlapModel
from nsputil.corpus import load_corpus
from nsputil.losses import nsp_loss_from_probs
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.sentence_pairs import sentence_level_pairs
from nsputil.tokenization import tokenize
from tools import claims as ledger
from tools.claims import claim

A = "The committee met on Monday to discuss the budget."
NEXT, RANDOM = "It agreed to cut travel costs by a third.", "Octopuses have three hearts."


@cache
def pairs():
    return sentence_level_pairs(load_corpus("sotu")[::4], np.random.default_rng(0), "permuted")


@cache
def model():
    return OverlapModel.fit(pairs())


@claim(
    "only-shared-words",
    "The rarer a shared word is, the more it counts; the more other words the two sentences have, the less it counts.",
)
def test_shared_words_count_and_rare_ones_count_more_and_other_words_make_them_count_less():
    p = [model().predict(a, b)[0] for a, b in (("a the b", "c the d"), ("a tariff b", "c tariff d"))]
    assert p[0] < p[1]
    assert model().predict("tariff was low", "tariff rose") == model().predict("low was tariff", "rose tariff")
    short, long = (model().predict("The tariff was low", b)[0] for b in ("A tariff rose", "A tariff rose in cold rain"))
    assert short > long > model().predict("The tariff was low", "We rose in cold rain")[0]


@claim(
    "half-are-next",
    "Half of its training pairs are sentences that really followed each other; in the other half, B was taken "
    "from another speech.",
)
def test_half_of_the_pairs_are_next_and_the_other_b_come_from_another_speech():
    labels = np.array([pair.label for pair in pairs()])
    assert (labels == IS_NEXT).mean() == 0.5
    assert all(p.document_a != p.document_b for p in pairs() if p.label == NOT_NEXT)
    assert all((p.document_a, p.position_a + 1) == (p.document_b, p.position_b) for p in pairs() if p.label == IS_NEXT)


@claim(
    "to-and-full-stop",
    "It shares only *to* and the full stop with A, and the octopuses share only the full stop; such words "
    "occur in most sentences and count little.",
)
def test_what_the_sentences_share_and_how_little_it_counts():
    words = set(tokenize(A))
    assert words & set(tokenize(NEXT)) == {"to", "."} and words & set(tokenize(RANDOM)) == {"."}
    for word in ("to", "."):
        share = np.mean([word in tokenize(pair.sentence_a) for pair in pairs()[:4000]])
        assert share > 0.6
    assert model().overlap(A, NEXT) < 0.03 and model().overlap(A, RANDOM) < 0.03


@claim(
    "less-is-more",
    "The less probability the true answer gets, the higher the loss.",
)
def test_less_probability_costs_more():
    p = np.linspace(0.001, 1, 1000)
    losses = nsp_loss_from_probs(np.column_stack([p, 1 - p]), [IS_NEXT] * 1000, reduction="none")
    assert (np.diff(losses) < 0).all()


@claim(
    "a-little-below",
    "It is a little below ln 2, so the model knows a little.",
)
def test_the_loss_of_overlap_is_a_little_below_ln_2():
    assert 0.05 < np.log(2) - model().loss < 0.2


@claim(
    "overlap-floor",
    "Pairs without a shared word, not even a full stop, get 0.2507; sharing words can only raise the probability.",
)
def test_no_pair_gets_below_the_floor():
    floor = model().predict("A dog barked", "It rained")[0]
    assert round(floor, 4) == 0.2507 and model().slope > 0
    logits = model().logits(pairs())
    assert (1 / (1 + np.exp(logits[:, 1] - logits[:, 0]))).min() >= floor - 1e-12


@claim(
    "computed-again",
    "All cells are run again whenever the course is tested.",
)
def test_every_output_is_compared_by_make_test():
    commands = (ledger.ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--nbval notebooks" in commands.split("\ntest:")[1].split("\n\n")[0]
