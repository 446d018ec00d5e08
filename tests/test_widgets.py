import json
from importlib import resources

import numpy as np
import pytest
import traitlets

from nsputil import widgets
from nsputil.clinic.game_progress import GameProgress
from nsputil.losses import nsp_loss, nsp_loss_from_gap
from nsputil.metrics import accuracy, calibration_error
from nsputil.pairs import SentencePair
from nsputil.training import Run, evaluate, evaluate_with_histogram
from nsputil.widgets.base import HERE, browser_module

LOGITS, LABELS = [[2.0, -1.0], [0.3, 0.1], [-0.5, 1.5]], [0, 1, 0]
RUN = Run(
    loss=[0.8] * 20 + [0.6] * 20 + [0.4],
    accuracy=[0.5] * 41,
    evaluations=[
        {"step": 20, "loss": 0.7, "accuracy": 0.5, "recall_is_next": 1.0},
        {"step": 40, "loss": 0.65, "accuracy": 0.625, "histogram": {"is_next": [1, 3], "not_next": [2, 2]}},
    ],
)
ALL = {
    "loss_explorer": lambda **changes: widgets.loss_explorer(**changes),
    "softmax_explorer": lambda **changes: widgets.softmax_explorer(**changes),
    "gradient_explorer": lambda **changes: widgets.gradient_explorer(**changes),
    "batch_explorer": lambda **changes: widgets.batch_explorer(**changes),
    "calibration_explorer": lambda **changes: widgets.calibration_explorer(
        **({"logits": LOGITS, "labels": LABELS} | changes)
    ),
    "clinic_simulator": lambda **changes: widgets.clinic_simulator(
        **({"seed": 1, "progress": GameProgress()} | changes)
    ),
    "training_player": lambda **changes: widgets.training_player(**({"run": RUN} | changes)),
}


def test_the_explorer_starts_where_it_is_told_and_follows():
    widget = widgets.loss_explorer(p=0.8, label=0)
    assert widget.loss == pytest.approx(0.22314355131420976)
    widget.label = 1
    assert widget.loss == pytest.approx(1.6094379124341003)
    widget.unit = "bits"
    assert repr(widget) == "LossExplorer: Pr(IsNext) = 0.800, gold NotNext, loss 2.3219 bits"


def test_the_softmax_explorer_hears_only_the_gap():
    low, high = widgets.softmax_at(1.5, 0.0, 0), widgets.softmax_at(6.5, 5.0, 0)
    assert low == pytest.approx(high, abs=1e-12)
    assert low.p_is_next + low.p_not_next == pytest.approx(1)
    assert low.loss == pytest.approx(float(nsp_loss_from_gap(1.5)))
    assert widgets.softmax_at(1.5, 0.0, 1).gap == -1.5
    assert repr(widgets.softmax_explorer(2.0, 0.0, 1)) == "SoftmaxExplorer: gap -2.0, gold NotNext, loss 2.1269 nats"


def test_a_step_lowers_the_loss_by_about_the_square_of_the_gradient():
    step = widgets.step_at(1.3863, 0.0, 1, 1e-4)
    assert step.gradient == pytest.approx((0.8, -0.8), abs=1e-5)
    assert step.after == pytest.approx((1.3863 - 0.8e-4, 0.8e-4), abs=1e-8)
    assert step.loss_before - step.loss_after == pytest.approx(1e-4 * (0.8**2 + 0.8**2), rel=1e-3)
    assert repr(widgets.gradient_explorer(0.0, 0.0, 0, 1.0)).endswith("loss 0.6931 -> 0.3133 nats")


def test_a_batch_is_read_as_the_plain_functions_read_it():
    gold = np.array([0.9, 0.9, 0.4, 0.05])
    probs, labels = np.column_stack([gold, 1 - gold]), [0, 0, 0, 0]
    now = widgets.batch_at(gold)
    assert now.loss == pytest.approx(nsp_loss(np.log(probs), labels))
    assert now.accuracy == accuracy(probs, labels)
    assert now.geometric_mean == pytest.approx(np.prod(gold) ** 0.25)
    assert now.arithmetic_mean == pytest.approx(gold.mean())
    assert repr(widgets.batch_explorer([0.5])) == "BatchExplorer: 1 pairs, mean loss 0.6931 nats, accuracy 0.000"


def test_calibration_is_that_of_metrics_and_a_temperature_keeps_the_order():
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(200, 2)) * 3, rng.integers(0, 2, 200)
    now = widgets.calibration_at(logits, labels, temperature=2.0, bins=7)
    probs = 1 / (1 + np.exp(-(logits[:, 0] - logits[:, 1]) / 2))
    assert now.error == pytest.approx(calibration_error(probs, labels, 7))
    assert now.loss == pytest.approx(nsp_loss(logits / 2, labels))
    assert sum(now.pairs) == 200
    mean_distance = np.abs(np.subtract(now.probability, now.fraction)) @ now.pairs / 200
    assert mean_distance == pytest.approx(now.error)
    widget = widgets.calibration_explorer(logits, labels, temperature=2.0, bins=7)
    assert widget.reading.error == pytest.approx(now.error)


def test_the_player_shows_what_was_known_at_the_step():
    now = widgets.training_at(RUN, 40)
    assert (now.loss, now.held_out_step, now.held_out_loss) == (pytest.approx(0.6), 40, 0.65)
    assert now.reference == pytest.approx(np.log(2))
    assert (now.is_next, now.not_next) == ((1, 3), (2, 2))
    assert widgets.training_at(RUN, 30).loss == pytest.approx(0.7), "the mean of ten of each"
    assert widgets.training_at(RUN, 39).held_out_loss == 0.7, "an evaluation of later is not told"
    first = widgets.training_at(RUN, 1)
    assert first.held_out_step is None and first.held_out_loss is None and first.is_next == ()
    player = widgets.training_player(RUN)
    assert player.step == 41 and "recall_is_next" not in player.evaluations[0]
    assert repr(player) == "TrainingPlayer: step 41 of 41, training loss 0.590, held-out loss 0.650 nats"
    assert repr(widgets.training_player(RUN, step=2)).endswith("held-out loss none yet")


def test_a_histogram_counts_each_pair_once_by_gold_label():
    class Model:
        """Log-odds of -3, 0, 0.1 and 30."""

        def logits(self, pairs):
            return np.array([[-3.0, 0.0], [1.0, 1.0], [0.1, 0.0], [30.0, 0.0]])

    pairs = [SentencePair("a", "b", label, 0, 0, 0, 1) for label in (1, 0, 0, 0)]
    report = evaluate_with_histogram(Model(), pairs)
    assert report["histogram"] == {"is_next": [0] * 5 + [2] + [0] * 3 + [1], "not_next": [1] + [0] * 9}
    assert report["accuracy"] == evaluate(Model(), pairs)["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("loss_explorer", {"p": 1.0}, "p is 1.0"),
        ("loss_explorer", {"own": 0.0}, "own is 0.0"),
        ("loss_explorer", {"label": 2}, "label is 2"),
        ("loss_explorer", {"unit": "bans"}, "unit is 'bans'"),
        ("softmax_explorer", {"z_not_next": 9}, "z_not_next is 9"),
        ("softmax_explorer", {"z_is_next": float("nan")}, "z_is_next is nan"),
        ("softmax_explorer", {"label": 3}, "label is 3"),
        ("gradient_explorer", {"rate": -1}, "rate is -1"),
        ("gradient_explorer", {"label": -1}, "label is -1"),
        ("batch_explorer", {"gold": []}, "0 probabilities"),
        ("batch_explorer", {"gold": [0.5] * 17}, "17 probabilities"),
        ("batch_explorer", {"gold": [0.5, 1.0]}, "expected probabilities"),
        ("calibration_explorer", {"temperature": 0.1}, "temperature is 0.1"),
        ("calibration_explorer", {"bins": 1}, "bins is 1"),
        ("calibration_explorer", {"labels": [0, 1]}, "labels have shape"),
        ("calibration_explorer", {"logits": [[0.0, 0.0]] * 5001, "labels": [0] * 5001}, "5001 pairs"),
        ("clinic_simulator", {"code": "ZZZZ"}, "no case 'ZZZZ'"),
        ("clinic_simulator", {"level": "gremlins"}, "group 'gremlins'"),
        ("training_player", {"run": Run()}, "0 steps"),
        ("training_player", {"run": Run(loss=[0.7, float("nan")], accuracy=[0.5, 0.5])}, "a loss of nan"),
        ("training_player", {"step": 42}, "step is 42; expected 1 to 41"),
    ],
)
def test_bad_input_is_named(name, arguments, words):
    with pytest.raises(ValueError, match=words):
        ALL[name](**arguments)


def test_bad_input_of_the_plain_functions_is_named():
    for call, words in (
        (lambda: widgets.loss_at(0.5, 0, "bans"), "bans"),
        (lambda: widgets.softmax_at(0.0, 0.0, 2), "labels"),
        (lambda: widgets.step_at(float("inf"), 0.0, 0, 1.0), "finite"),
        (lambda: widgets.batch_at([[0.5]]), "shape"),
        (lambda: widgets.batch_at([0.0]), "above 0"),
        (lambda: widgets.calibration_at(LOGITS, LABELS, temperature=0.0), "temperature"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.parametrize("name", ALL)
def test_a_widget_s_state_is_plain_json_and_its_text_is_short(name):
    widget = ALL[name]()
    assert json.loads(json.dumps(widget.state())) == widget.state()
    assert set(widget.state()) == set(widget.traits(sync=True)) & set(widget.shown) == set(widget.shown)
    assert repr(widget).startswith(type(widget).__name__ + ": ") and len(repr(widget)) <= 110
    assert widget.module == name


def test_a_trait_refuses_what_the_slider_cannot_show():
    with pytest.raises(traitlets.TraitError):
        widgets.batch_explorer().gold = [2.0]


@pytest.mark.parametrize("name", ALL)
def test_the_module_that_a_notebook_receives_stands_alone(name):
    text = browser_module(name)
    assert "import " not in text.replace("the import does it", "") and text.count("export default") == 1
    assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), "nothing is loaded from elsewhere"


def test_the_kit_is_installed_with_the_package_and_nothing_moves_by_itself():
    names = {path.name for path in resources.files("nsputil.widgets").iterdir()}
    assert {"kit.js", "widgets.css"} <= names
    css = (HERE / "widgets.css").read_text(encoding="utf-8")
    assert "animation" not in css and "transition" not in css and ":focus-visible" in css
    assert "requestAnimationFrame" not in browser_module("gradient_explorer")


@pytest.mark.parametrize("name", ["loss_explorer", "batch_explorer", "gradient_explorer"])
def test_a_widget_leaves_a_still_picture_beside_its_live_view(name):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    data, _ = ALL[name]()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert (
        data["text/html"].startswith('<img alt="A still picture of the widget')
        and "data:image/svg" in data["text/html"]
    )
    assert pyplot.get_fignums() == before
