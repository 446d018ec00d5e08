"""The claims of notebook 04."""

import numpy as np

from nsputil.losses import log_softmax, nsp_loss, nsp_loss_from_probs
from nsputil.metrics import accuracy
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.widgets import batch_at, loss_at
from tools.claims import cited, claim


@claim(
    "near-one",
    "for probabilities near 1, the loss in nats is a little more than `1 - p`.",
)
def test_near_1_the_loss_is_a_little_more_than_what_is_missing():
    missing = np.linspace(0.001, 0.2, 200)
    loss = -np.log(1 - missing)
    assert (loss > missing).all() and (loss < missing * 1.12).all()


@claim(
    "units",
    "One nat is 1.4427 bits, and 0.4343 in base 10.",
)
def test_the_units_of_the_loss():
    for p in (0.1, 0.5, 0.8):
        nats = loss_at(p, IS_NEXT)
        assert abs(loss_at(p, IS_NEXT, "bits") / nats - 1.4427) < 5e-5
        assert abs(loss_at(p, IS_NEXT, "base 10") / nats - 0.4343) < 5e-5


@claim(
    "only-gold-counts",
    "Only the probability of the gold class counts.",
)
def test_the_loss_is_a_function_of_the_gold_probability_alone():
    p = np.random.default_rng(0).uniform(0.01, 0.99, 500)
    as_next = nsp_loss_from_probs(np.column_stack([p, 1 - p]), [IS_NEXT] * 500, reduction="none")
    as_other = nsp_loss_from_probs(np.column_stack([1 - p, p]), [NOT_NEXT] * 500, reduction="none")
    assert np.allclose(as_next, as_other) and (np.diff(as_next[np.argsort(p)]) < 0).all()


@claim(
    "no-ceiling",
    "Toward a gold probability of 0 the loss grows without limit.",
)
def test_the_loss_has_no_ceiling():
    losses = [loss_at(10.0**-k, IS_NEXT) for k in range(1, 300, 30)]
    assert (np.diff(losses) > 60).all()


@claim(
    "jensen",
    "Because the log curve bends, the mean of the losses is never less than the loss of the mean probability.",
)
@claim(
    "geometric",
    "Undo the log, and you get the **geometric mean** of the gold probabilities: for two of them the root of "
    "their product, `sqrt(0.9 * 0.1) = 0.3`.",
)
def test_the_mean_loss_is_the_log_of_the_geometric_mean_and_never_below_the_loss_of_the_mean():
    for seed in range(20):
        gold = np.random.default_rng(seed).uniform(0.01, 1, 8)
        batch = batch_at(gold)
        assert batch.loss >= -np.log(gold.mean()) - 1e-12
        assert np.isclose(batch.geometric_mean, gold.prod() ** (1 / 8))
    assert np.isclose(batch_at([0.9, 0.1]).geometric_mean, 0.3)


@claim(
    "loss-bounds-errors",
    "One bound holds: a pair that is wrong costs at least ln 2, so the fraction of wrong pairs is at most the "
    "mean loss divided by ln 2.",
)
def test_the_fraction_of_wrong_pairs_is_at_most_the_loss_over_ln_2():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        logits, labels = rng.normal(scale=rng.uniform(0.1, 5), size=(64, 2)), rng.integers(0, 2, 64)
        assert 1 - accuracy(logits, labels) <= nsp_loss(logits, labels) / np.log(2)


@claim(
    "codertimo-why",
    "Its loss function skipped every pair whose label was 0, and a model that always answers 1 is perfect on "
    "the others.",
)
def test_a_loss_that_skips_label_0_is_0_for_a_model_that_always_says_1():
    labels = np.array([0, 1] * 50)
    log_probs = log_softmax(np.tile([-9.0, 9.0], (100, 1)))
    skipped = -log_probs[labels != 0, 1].mean()
    assert skipped < 1e-6 and accuracy(log_probs, labels) == 0.5


@claim(
    "not-one-run",
    "The pasted logits and the pasted probabilities cannot belong together.",
)
def test_the_pasted_numbers_do_not_belong_together():
    p = np.exp(log_softmax(np.array([[2.1772, -0.8097]])))[0]
    assert abs(p[0] - 0.9923) > 0.03  # four printed digits can be wrong by 0.00005 only


CITED = [
    cited(
        "printed-with-d",
        "An example script that trains BERT on pairs showed a loss of 0 for this reason, and one letter repaired it, "
        "`%f` in place of `%d` ([asyml/texar-pytorch](../docs/references.md#texar-code)).",
        "texar-code",
    ),
    cited(
        "codertimo-fifty",
        "In one project the loss fell fast while the accuracy stayed at 50 % "
        "([codertimo/BERT-pytorch#32](../docs/references.md#codertimo-32)).",
        "codertimo-32",
    ),
    cited(
        "bert-390-short",
        "A user had more than 99 % on test pairs, which were not used in training, and about 50 % on simple, "
        "shorter ones ([google-research/bert#390](../docs/references.md#bert-390)); no cause was established.",
        "bert-390",
    ),
    cited(
        "readme-number",
        "The README of google-research/bert shows `next_sentence_loss = 3.45724e-05` after 20 steps on a "
        "small sample text ([source](../docs/references.md#bert-code)).",
        "bert-code",
    ),
    cited(
        "scibert-number",
        "SciBERT's authors report 0.0197 ([allenai/scibert#32](../docs/references.md#scibert-32)).",
        "scibert-32",
    ),
    cited(
        "d2l-number",
        "A copy of the d2l book's code prints 0.763 after 50 steps ([source](../docs/references.md#d2l)).",
        "d2l",
    ),
    cited(
        "readme-overfit",
        "Its own text says that the sample is very small and that the model overfits it.",
        "bert-code",
    ),
    cited(
        "readme-continued",
        "And the training did not start from scratch: it continued from the published weights of BERT-base.",
        "bert-code",
    ),
    cited(
        "pasted-logits",
        "a user pasted the logits `[2.1772, -0.8097]` and, as their softmax, `[0.9923, 0.0077]` "
        "([transformers#1788](../docs/references.md#transformers-1788)).",
        "transformers-1788",
    ),
    cited(
        "maintainer-answer",
        "The thread's question, why a wrong pair gets such a high probability, had another answer: the segment "
        "ids had been passed by position, where the function expects the attention mask "
        "([transformers#1788](../docs/references.md#transformers-1788)).",
        "transformers-1788",
    ),
]
