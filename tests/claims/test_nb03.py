"""The claims of notebook 03."""

import numpy as np

from nsputil.corpus import load_corpus
from nsputil.losses import nsp_loss_and_grad
from nsputil.metrics import entropy
from nsputil.optimizers import AdamW
from tools.claims import cited, claim

GRID = np.linspace(0.001, 0.999, 999)


@claim(
    "fraction-most-likely",
    "It is the peak, and this is general: the likelihood is always highest at the fraction that was seen.",
)
@claim(
    "log-same-best",
    "And because log is an increasing function, the weights that make the product largest make the sum of "
    "logs largest, too.",
)
def test_the_fraction_seen_is_the_most_likely_p_with_and_without_log():
    for n in (4, 10, 20):
        for seen in range(1, n):
            likelihood = GRID**seen * (1 - GRID) ** (n - seen)
            best = GRID[likelihood.argmax()]
            assert abs(best - seen / n) <= 0.0005 + 1e-12
            assert GRID[np.log(likelihood).argmax()] == best


@claim(
    "smallest-float",
    "The true value is about 10 to the power -602, and the smallest positive float64 is about 5 times 10 to "
    "the power -324.",
)
def test_the_smallest_float64_and_the_product_of_2000_halves():
    assert abs(np.nextafter(0.0, 1.0) / 4.94e-324 - 1) < 0.01
    assert round(2000 * np.log10(0.5)) == -602


@claim(
    "log-never-positive",
    "Never: `p` is at most 1, so `log p` is at most 0.",
)
def test_the_log_of_a_probability_is_never_positive():
    p = np.append(np.random.default_rng(0).random(10_000), [1.0, 1e-300])
    assert (np.log(p) <= 0).all() and np.log(1.0) == 0


def gradient_of_a_sum(weight, x, labels):
    _, rows = nsp_loss_and_grad(x @ weight.T, labels)
    return len(labels) * rows.T @ x


@claim(
    "twice-the-data",
    "If every pair comes twice, the sum and its gradient double, and a step of plain gradient descent doubles, too.",
)
@claim(
    "adam-ignores",
    "Adam, the optimizer of notebook 07, divides by the size of the gradient and hardly notices the factor.",
)
def test_a_doubled_sum_doubles_the_step_of_gradient_descent_but_not_of_adam():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, labels = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
        start = rng.normal(size=(2, 3))
        once = gradient_of_a_sum(start, x, labels)
        twice = gradient_of_a_sum(start, np.tile(x, (2, 1)), np.tile(labels, 2))
        assert np.allclose(twice, 2 * once)
        moved = []
        for gradient in (once, twice):
            parameters = {"weight": start.copy()}
            optimizer = AdamW(parameters, 0.01, weight_decay=0.0)
            for _ in range(3):
                optimizer.step({"weight": gradient})
            moved.append(parameters["weight"] - start)
        assert np.allclose(moved[0], moved[1], rtol=1e-4)


@claim(
    "ce-splits",
    "Entropy and divergence always add up to the cross-entropy, and the divergence is never negative.",
)
def test_cross_entropy_is_entropy_plus_a_divergence_that_is_never_negative():
    for truth in (0.05, 0.3, 0.45, 0.8):
        cross = -(truth * np.log(GRID) + (1 - truth) * np.log(1 - GRID))
        divergence = truth * np.log(truth / GRID) + (1 - truth) * np.log((1 - truth) / (1 - GRID))
        assert np.allclose(cross, entropy(truth) + divergence) and divergence.min() >= -1e-12


@claim(
    "linear-edge",
    "The linear charge is a straight line, so its lowest point is at an edge: at 1 if the truth is above one half, "
    "and at 0 if it is below.",
)
def test_the_linear_charge_is_lowest_at_the_edge():
    for truth in np.linspace(0.51, 0.99, 25):
        assert (truth * (1 - GRID) + (1 - truth) * GRID).argmin() == len(GRID) - 1
        assert ((1 - truth) * (1 - GRID) + truth * GRID).argmin() == 0


@claim(
    "strictly-proper",
    "(If it is lowest there and nowhere else, like these two, it is *strictly* proper.)",
)
def test_the_log_and_the_square_are_lowest_at_the_truth_and_nowhere_else():
    for k in (1, 50, 300, 499, 700, 997):
        truth, others = GRID[k], np.delete(GRID, k)
        for charge in (lambda p: -np.log(p), lambda p: (1 - p) ** 2):
            at_truth = truth * charge(truth) + (1 - truth) * charge(1 - truth)
            assert (truth * charge(others) + (1 - truth) * charge(1 - others)).min() > at_truth


@claim(
    "distance-does-not-decide",
    "It is also farther from the truth, but the distance alone does not decide: 0.05 is nearer to 0.45 than 0.9 is, "
    "and still has the larger extra cost, 0.69 against 0.63.",
)
def test_a_nearer_announcement_can_have_the_larger_divergence():
    near, far = np.array([0.05, 0.9])
    extra = [0.45 * np.log(0.45 / p) + 0.55 * np.log(0.55 / (1 - p)) for p in (near, far)]
    assert abs(near - 0.45) < abs(far - 0.45)
    assert [round(float(each), 2) for each in extra] == [0.69, 0.63]


@claim(
    "one-pair-at-most",
    "If you want a number to which one of n pairs can add at most 1/n, report the Brier score beside it.",
)
def test_one_pair_adds_at_most_1_over_n_to_the_brier_score_and_more_to_the_log():
    for n in (2, 10, 64):
        gold = np.random.default_rng(n).uniform(0.01, 1, n)
        for p in 10.0 ** -np.arange(1, 200, 20):
            assert (1 - p) ** 2 / n <= 1 / n < -np.log(p) / n
            with_it = np.append(gold[1:], p)
            added = ((1 - with_it) ** 2).mean() - ((1 - gold[1:]) ** 2).sum() / n
            assert added <= 1 / n + 1e-12


@claim(
    "only-log-adds",
    "with the log, the charges of many pairs add up to minus the logarithm of the probability of the data; "
    "with the other two they do not.",
)
def test_only_the_log_charge_is_a_function_of_the_probability_of_the_data():
    batches = np.array([[0.9, 0.4], [0.6, 0.6]])  # the same product, 0.36
    assert np.allclose(-np.log(batches).sum(axis=1), -np.log(0.36))
    for charge in (1 - batches, (1 - batches) ** 2):
        assert abs(np.diff(charge.sum(axis=1))[0]) > 0.04


@claim(
    "log-without-limit",
    "Second, it charges a confident mistake without limit, where the square stops at 1.",
)
def test_the_log_has_no_limit_and_the_square_stops_at_1():
    p = 10.0 ** -np.arange(1, 300)
    assert (np.diff(-np.log(p)) > 2.3).all() and -np.log(p[-1]) > 600
    assert ((1 - p) ** 2).max() <= 1


@claim(
    "corpus-is-larger",
    "Even for a model that gives every gold class 0.99, the true product is below the smallest number after about "
    "74,000 pairs, and the corpus of notebook 02 has 74,808 pairs of neighboring sentences.",
)
def test_the_corpus_gives_more_pairs_than_a_product_can_hold():
    adjacent = sum(len(document.sentences) - 1 for document in load_corpus("sotu"))
    smallest = np.log(np.nextafter(0.0, 1.0))
    assert 74_000 * np.log(0.99) > smallest > 74_100 * np.log(0.99)
    assert adjacent == 74_808 > 74_100


@claim(
    "squared-extra",
    "For the square it is simply `(p - q)²`.",
)
def test_the_extra_squared_charge_is_the_squared_distance():
    p, q = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 101))
    expected = q * (1 - p) ** 2 + (1 - q) * p**2
    assert np.allclose(expected - q * (1 - q), (p - q) ** 2, atol=1e-15)


@claim(
    "floor-has-no-slope",
    "The entropy is the same number for every `p`, so it has no slope: it raises the loss that you read and moves no "
    "weight.",
)
def test_the_floor_of_soft_labels_has_no_slope():
    def slope(of, z, q, step=1e-5):
        return (of(1 / (1 + np.exp(-z - step)), q) - of(1 / (1 + np.exp(-z + step)), q)) / (2 * step)

    def cross_entropy(p, q):
        return -(q * np.log(p) + (1 - q) * np.log(1 - p))

    def divergence(p, q):
        return cross_entropy(p, q) - entropy(q)

    for q in (0.1, 0.45, 0.9):
        for p in (0.2, 0.5, 0.85):
            z = np.log(p / (1 - p))
            assert np.isclose(slope(cross_entropy, z, q), slope(divergence, z, q), atol=1e-9)
            assert np.isclose(slope(cross_entropy, z, q), p - q, atol=1e-8)


CITED = [
    cited(
        "formula-and-names",
        "The formula and its two names come from [Xiao and Zhu](../docs/references.md#xiao-zhu-2025).",
        "xiao-zhu-2025",
    ),
]
