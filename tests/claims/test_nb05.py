"""The claims of notebook 05."""

import numpy as np

from nsputil.bert import BertEncoder
from nsputil.gradcheck import check_gradient, numerical_gradient
from nsputil.losses import log_softmax, nsp_loss, nsp_loss_and_grad, nsp_loss_from_gap, sigmoid
from nsputil.masking import mask_tokens
from nsputil.optimizers import SGD, AdamW
from nsputil.pairs import IS_NEXT, SentencePair
from nsputil.pretraining import PretrainingModel
from nsputil.tokenization import Vocabulary, encode_pairs, tokenize
from tools.claims import cited, claim

PAIR = {
    "h": np.array([[0.2, 0.4, -0.8]]),
    "wp": np.array([[0.0, 1.0, 0.0], [-1.0, -0.5, 0.0], [0.0, 0.0, 1.0]]),
    "bp": np.zeros(3),
    "w": np.array([[0.8, -0.9, -0.2], [-0.3, 0.6, 0.4]]),
    "b": np.zeros(2),
}


def loss_of(h, wp, bp, w, b, labels=(IS_NEXT,)):
    return nsp_loss(np.tanh(h @ wp.T + bp) @ w.T + b, list(labels))


def gradients(h, wp, bp, w, b, labels=(IS_NEXT,)):
    """The table of the notebook."""
    pooled = np.tanh(h @ wp.T + bp)
    _, dz = nsp_loss_and_grad(pooled @ w.T + b, list(labels))
    da = (1 - pooled**2) * (dz @ w)
    return {"h": da @ wp, "wp": da.T @ h, "bp": da.sum(axis=0), "w": dz.T @ pooled, "b": dz.sum(axis=0)}


def loss_along(name, arrays, labels):
    return lambda values: loss_of(**(arrays | {name: values}), labels=labels)


@claim(
    "two-are-one",
    "Two logits with softmax and one logit with sigmoid describe the same models; the second logit is redundant.",
)
def test_two_logits_with_softmax_are_one_with_sigmoid():
    z = np.random.default_rng(0).normal(scale=4, size=(1000, 2))
    assert np.allclose(np.exp(log_softmax(z))[:, 0], sigmoid(z[:, 0] - z[:, 1]), atol=1e-14)


@claim(
    "rows-cancel",
    "The two entries of a row always cancel: what one logit gains the other loses.",
)
@claim(
    "mean-divides",
    "Because the loss of a batch is a mean, each row is divided by the batch size.",
)
def test_the_two_entries_of_a_row_cancel_and_the_mean_divides_by_the_batch_size():
    rng = np.random.default_rng(1)
    z, labels = rng.normal(scale=20, size=(500, 2)), rng.integers(0, 2, 500)
    _, gradient = nsp_loss_and_grad(z, labels)
    assert np.abs(gradient.sum(axis=1)).max() < 1e-18
    single = np.vstack([nsp_loss_and_grad(z[[k]], labels[[k]])[1] for k in range(500)])
    assert np.allclose(gradient, single / 500, atol=1e-18)


def errors(dtype, steps, gap=1.3863):
    """Errors of central differences, every operation in one dtype."""
    gap = dtype(gap)

    def loss(g):
        return np.log1p(np.exp(-g, dtype=dtype), dtype=dtype)

    exact = -1 / (1 + np.exp(1.3863))
    slopes = [(loss(gap + dtype(h)) - loss(gap - dtype(h))) / (dtype(2) * dtype(h)) for h in steps]
    return np.abs(np.array(slopes) - exact)


@claim(
    "error-step-squared",
    "the error is about the square of the step, divided by 6, times the third derivative.",
)
@claim(
    "rounding-takes-over",
    "Toward tiny steps the error shrinks until rounding takes over, because the difference of two almost "
    "equal numbers keeps few digits; a step near 1e-6 is a good compromise in float64.",
)
@claim(
    "float32-is-coarser",
    "In float32, which has only seven digits, even the best power of ten leaves an error more than a thousand times "
    "as large as a step of 1e-6 leaves in float64.",
)
def test_how_finite_differences_err():
    steps = 10.0 ** np.arange(-12, 0)
    p = sigmoid(1.3863)
    third = p * (1 - p) * (1 - 2 * p)  # of log(1 + exp(-g))
    big = errors(np.float64, [1e-3, 1e-2])
    assert np.allclose(big, np.array([1e-3, 1e-2]) ** 2 / 6 * abs(third), rtol=1e-3)
    found = errors(np.float64, steps)
    assert found[:3].min() > 10 * found[5:8].min() and found[-1] > 1e4 * found[5:8].min()
    assert found[6] < 1e-9  # step 1e-6
    assert errors(np.float32, 10.0 ** np.arange(-12, 1)).min() > 1000 * found[6]


@claim(
    "only-product",
    "`dz.T @ pooled` is the only product of the two that has the shape of W.",
)
def test_only_one_product_has_the_shape_of_w():
    dz, pooled = np.ones((1, 2)), np.ones((1, 3))
    fitting = []
    for name_a, a in (("dz", dz), ("dz.T", dz.T), ("pooled", pooled), ("pooled.T", pooled.T)):
        for name_b, b in (("dz", dz), ("dz.T", dz.T), ("pooled", pooled), ("pooled.T", pooled.T)):
            if name_a[0] != name_b[0] and a.shape[1] == b.shape[0] and (a @ b).shape == (2, 3):
                fitting.append((name_a, name_b))
    assert fitting == [("dz.T", "pooled")]


@claim(
    "table-is-general",
    "With `db` and `db_p` summed over the rows, it is right for any other numbers and any batch, too.",
)
def test_the_table_is_right_for_any_numbers():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        n, width, pooled = rng.integers(1, 6, 3)
        made = {"h": (n, width), "wp": (pooled, width), "bp": (pooled,), "w": (2, pooled), "b": (2,)}
        made = {name: rng.normal(size=shape) for name, shape in made.items()}
        labels = rng.integers(0, 2, n)
        found = gradients(**made, labels=labels)
        for name in made:
            assert check_gradient(loss_along(name, made, labels), made[name], found[name]).ok, (seed, name)


@claim(
    "effects-add",
    "Every number in the four arrays moves a little in its own downhill direction, and the small effects add up.",
)
def test_no_move_raises_the_loss_and_the_effects_add_up():
    found = gradients(**PAIR)
    effects = np.concatenate([(0.5 * found[name] ** 2).ravel() for name in ("wp", "bp", "w", "b")])
    assert (effects >= 0).all()
    small = {name: PAIR[name] - 0.001 * found[name] for name in ("wp", "bp", "w", "b")}
    fall = loss_of(**PAIR) - loss_of(**(PAIR | small))
    assert np.isclose(fall, effects.sum() * 0.001 / 0.5, rtol=1e-2)


@claim(
    "saturated-gate",
    "A tanh near -1 or 1 is called saturated: hardly any gradient gets through, and what is below it hardly learns.",
)
def test_a_saturated_pooler_lets_hardly_any_gradient_through():
    rng = np.random.default_rng(2)
    through = []
    for bias in (0.0, 4.0):
        made = {"h": rng.normal(size=(64, 5)), "wp": 0.2 * rng.normal(size=(5, 5)), "bp": np.full(5, bias)}
        made |= {"w": rng.normal(size=(2, 5)), "b": np.zeros(2)}
        through.append(np.abs(gradients(**made, labels=rng.integers(0, 2, 64))["wp"]).mean())
    assert through[1] < through[0] / 50


@claim(
    "h-cls-many-directions",
    "The gate `1 - pooled²` is different for every pair, so the gradients in `h_cls` point in many directions.",
)
def test_the_gradients_in_h_cls_point_in_many_directions():
    rng = np.random.default_rng(3)
    made = PAIR | {"h": rng.normal(size=(200, 3))}
    labels = rng.integers(0, 2, 200)
    assert np.linalg.matrix_rank(gradients(**made, labels=labels)["h"], tol=1e-8) == 3


@claim(
    "dp-dg",
    "The derivative of the sigmoid is `dp/dg = p(1 - p)`.",
)
@claim(
    "hessian-label-free",
    "The Hessian does not depend on the label.",
)
@claim(
    "convex",
    "Along every straight line in the plane of the two logits, the loss curves upward or not at all: it is **convex**.",
)
@claim(
    "curvature-max",
    "The factor `p(1 - p)` is largest, 1/4, where the model is undecided.",
)
def test_the_curvature():
    g, h = np.linspace(-8, 8, 321), 1e-5
    p = sigmoid(g)
    assert np.allclose((sigmoid(g + h) - sigmoid(g - h)) / (2 * h), p * (1 - p), atol=1e-9)
    z = np.column_stack([g, np.zeros_like(g)])
    for label in (0, 1):
        step = np.array([h, 0])
        moved = [nsp_loss_and_grad(z + s * step, [label] * len(g))[1][:, 0] * len(g) for s in (1, -1)]
        assert np.allclose((moved[0] - moved[1]) / (2 * h), p * (1 - p), atol=1e-7)
    eigenvalues = np.linalg.eigvalsh(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert eigenvalues.min() >= -1e-12 and (p * (1 - p)).min() >= 0
    assert g[(p * (1 - p)).argmax()] == 0 and (p * (1 - p)).max() == 0.25


@claim(
    "squared-bump",
    "Its slope is a bump that stays below 0.3 everywhere.",
)
def test_the_slope_of_squared_error_stays_below_0_3():
    p = np.linspace(0, 1, 100_001)
    assert (2 * (1 - p) ** 2 * p).max() < 0.3


@claim(
    "share-any-rate",
    "The learning rate multiplies all pushes alike, so it cannot change these shares.",
)
def test_the_learning_rate_changes_no_share():
    p = sigmoid(np.array([-6.0] + [0.0] * 7))
    for slope, expected in ((1 - p, 0.22), (2 * (1 - p) ** 2 * p, 0.003)):
        for rate in (0.5, 5, 5000):
            push = rate * slope
            assert round(push[0] / push.sum(), 3) == round(slope[0] / slope.sum(), 3)
        assert abs(slope[0] / slope.sum() - expected) < 0.003
    assert np.isclose(nsp_loss_from_gap(np.array([-6.0]))[0], 6.0, atol=0.01)


@claim(
    "jacobian-any-classes",
    "The same calculation holds for any number of classes.",
)
def test_the_jacobian_gives_p_minus_y_for_any_number_of_classes():
    rng = np.random.default_rng(11)
    for classes in (2, 3, 7):
        z, gold = rng.normal(size=classes), int(rng.integers(classes))
        p = np.exp(log_softmax(z))
        jacobian = np.diag(p) - np.outer(p, p)
        moved = [numerical_gradient(lambda v, i=i: float(np.exp(log_softmax(v))[i]), z) for i in range(classes)]
        assert np.allclose(moved, jacobian, atol=1e-8)
        y = np.eye(classes)[gold]
        assert np.allclose(jacobian @ (-y / p), p - y, atol=1e-14)


@claim(
    "one-output-twice-the-rate",
    "So the weights and the bias of a single output need twice the learning rate to take the same steps, with plain "
    "gradient descent and with Adam, the optimizer of notebook 07.",
)
@claim(
    "one-output-same-below",
    "What is below the output gets the same gradient in both models.",
)
def test_one_output_takes_the_same_steps_at_twice_the_rate():
    rng = np.random.default_rng(6)
    batches = [(rng.normal(size=(4, 3)), rng.integers(0, 2, 4)) for _ in range(20)]
    for make in (SGD, AdamW):
        two = {"W": rng.normal(size=(2, 3)), "b": np.zeros(2)}
        one = {"w": two["W"][0] - two["W"][1], "c": np.zeros(1)}
        start = one["w"].copy()
        of_two, of_one = make(two, 0.05), make(one, 0.1)
        for pooled, labels in batches:
            _, dz = nsp_loss_and_grad(pooled @ two["W"].T + two["b"], labels)
            dg = (sigmoid(pooled @ one["w"] + one["c"]) - (labels == IS_NEXT)) / len(labels)
            assert np.allclose(dz @ two["W"], np.outer(dg, one["w"]), atol=1e-6)  # in pooled
            of_two.step({"W": dz.T @ pooled, "b": dz.sum(axis=0)})
            of_one.step({"w": dg @ pooled, "c": dg.sum(keepdims=True)})
            assert np.allclose(two["W"][0] - two["W"][1], one["w"], atol=1e-6)
        assert np.abs(one["w"] - start).max() > 0.01


@claim(
    "absent-word-no-gradient",
    "A word that is not in the batch changes nothing in this loss and gets no gradient.",
)
@claim(
    "masked-loss-no-pooler",
    "And the pooler and the NSP head get nothing at all, because the loss of the hidden words does not use them.",
)
def test_an_absent_word_and_the_pooler_without_nsp_get_no_gradient():
    pair = SentencePair("The budget was cut.", "It fell by a third.", IS_NEXT, 0, 0, 0, 1)
    words = sorted({w for text in (pair.sentence_a, pair.sentence_b, "octopuses") for w in tokenize(text)})
    vocabulary = Vocabulary(words)
    encoder = BertEncoder(len(vocabulary), 6, 2, 2, np.random.default_rng(0), dtype=np.float64, std=0.5)
    model = PretrainingModel(encoder, vocabulary, np.random.default_rng(1))
    batch = mask_tokens(encode_pairs([pair], vocabulary), vocabulary, np.random.default_rng(3), rate=0.3)
    scores, logits, _ = model.forward_both(batch)
    encoder.tables["words"][vocabulary.id("octopuses")] += 1.0
    again, same, cache = model.forward_both(batch)
    assert np.array_equal(logits, same)
    model.pooler.parameters["weight"][:] += 1.0
    assert np.array_equal(model.forward_both(batch)[0], again) and len(scores) > 0
    found = model.backward_both(np.random.default_rng(4).normal(size=again.shape), np.zeros((1, 2)), cache)
    for name, gradient in found.items():
        size = np.abs(getattr(gradient, "values", gradient)).max()
        assert (size == 0) == name.startswith(("pooler", "head")), name


@claim(
    "two-made-into-one",
    "The way back is not unique: the new row and a row of zeros, with the new bias and 0, make one of many heads with "
    "two outputs that give the same probabilities.",
)
def test_a_head_with_one_output_made_from_two_and_back():
    rng = np.random.default_rng(11)
    many, w, b = rng.normal(size=(200, 3)), rng.normal(size=(2, 3)), rng.normal(size=2)
    row, bias, common = w[0] - w[1], b[0] - b[1], rng.normal(size=3)
    two = np.exp(log_softmax(many @ w.T + b))
    assert np.allclose(two[:, 0], sigmoid(many @ row + bias), atol=1e-12)
    assert np.allclose(two[:, 1], sigmoid(-(many @ row + bias)), atol=1e-12)
    for rows in (np.array([row, 0 * row]), np.array([row + common, common])):
        again = np.exp(log_softmax(many @ rows.T + np.array([bias, 0.0])))
        assert np.allclose(again, two, atol=1e-12)


CITED = [
    cited(
        "two-outputs-asked",
        "A user asked BERT's authors why the head has two outputs "
        "([google-research/bert#1184](../docs/references.md#bert-1184)).",
        "bert-1184",
    ),
    cited(
        "head-in-run-pretraining",
        "In BERT's code the pooler is in modeling.py and the NSP head in run_pretraining.py, in the function "
        "get_next_sentence_output ([google-research/bert](../docs/references.md#bert-code)).",
        "bert-code",
    ),
]
