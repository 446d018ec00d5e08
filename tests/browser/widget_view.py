"""What a widget shows in the page, and what Python says that it should show.

`view` reads a widget's controls, its sentence and the dots of its pictures. `EXPECTED` has one function for each
widget: from the controls it computes, in Python, the numbers of the sentence and where the main dot must be.
"""

import re

import nsputil.widgets as widgets
from nsputil.training import Run
from nsputil.widgets.loss_explorer import LOWEST

LEFT, WIDTH_LOST, BOTTOM, HEIGHT_LOST = 46, 60, 42, 66  # the margins of Plot in kit.js

READ = """(root) => ({
  name: [...root.classList].find((name) => name !== "nsp-widget").slice(4).replace("-", "_"),
  sliders: [...root.querySelectorAll("input[type=range]")].map((input) =>
    ({ value: Number(input.value), says: input.getAttribute("aria-valuetext"), label: input.labels[0].textContent })),
  radio: [...root.querySelectorAll("input[type=radio]")].findIndex((input) => input.checked),
  choice: root.querySelector("select")?.value,
  sentence: root.querySelector("output").textContent,
  plots: [...root.querySelectorAll("svg[role=img]")].map((svg) => ({
    size: svg.getAttribute("viewBox").split(" ").slice(2).map(Number), alternative: svg.getAttribute("aria-label"),
    dots: [...svg.querySelectorAll("circle")].map((dot) =>
      [dot.getAttribute("class"), Number(dot.getAttribute("cx")), Number(dot.getAttribute("cy"))]),
    bars: [...svg.querySelectorAll("rect")].map((bar) => Number(bar.getAttribute("height"))) })),
})"""


def view(widget):
    """Return what the located widget shows, as a dict."""
    return widget.evaluate(READ)


def numbers(text):
    """Return the numbers of a sentence; the 10 of the unit "base 10" is none."""
    return [float(found) for found in re.findall(r"-?\d+\.?\d*", text.replace("−", "-").replace("base 10", ""))]


def place(plot, x, y, x_axis, y_axis):
    """Return where a plot must draw the point (x, y), in its pixels."""
    width, height = plot["size"]
    return (
        LEFT + (x - x_axis[0]) / (x_axis[1] - x_axis[0]) * (width - WIDTH_LOST),
        height - BOTTOM - (y - y_axis[0]) / (y_axis[1] - y_axis[0]) * (height - HEIGHT_LOST),
    )


def _values(seen):
    return [slider["value"] for slider in seen["sliders"]]


def loss_explorer(seen, state):
    p, label, unit = seen["sliders"][0]["value"], seen["radio"], seen["choice"]
    loss = widgets.loss_at(p, label, unit)
    p_gold = p if label == 0 else 1 - p
    return [p_gold, p_gold, loss], (p, loss, (0, 1), (0, widgets.loss_at(LOWEST, 0, unit)))


def softmax_explorer(seen, state):
    now = widgets.softmax_at(*_values(seen), seen["radio"])
    return [now.p_is_next, now.p_not_next, now.gap, now.loss], (now.gap, now.loss, (-16, 16), (0, 16))


def gradient_explorer(seen, state):
    a, b, rate = state["z_is_next"], state["z_not_next"], state["rate"]
    step = widgets.step_at(a, b, seen["radio"], rate)
    gap = step.after[0] - step.after[1] if seen["radio"] == 0 else step.after[1] - step.after[0]
    return [*step.gradient, step.loss_before, step.loss_after], (gap, step.loss_after, (-16, 16), (0, 16))


def batch_explorer(seen, state):
    now = widgets.batch_at(_values(seen))
    place = (now.geometric_mean, now.loss, (0, 1), (0, 4.7))
    return [now.loss, now.accuracy, now.geometric_mean, now.arithmetic_mean], place


def calibration_explorer(seen, state):
    logits = [[log_odds, 0.0] for log_odds in state["log_odds"]]
    now = widgets.calibration_at(logits, state["labels"], state["temperature"], state["bins"])
    last = max(k for k, count in enumerate(now.pairs) if count)
    place = (now.probability[last], now.fraction[last], (0, 1), (0, 1))
    return [now.error, now.loss, len(logits)], place


def training_player(seen, state):
    run = Run(**{name: state[name] for name in ("loss", "accuracy", "evaluations", "prior")})
    step, last = int(seen["sliders"][0]["value"]), len(run.loss)
    now = widgets.training_at(run, step)
    shown = [int((i + 1) * last / min(last, 200) + 0.5) for i in range(min(last, 200))]
    highest = max(widgets.training_at(run, s).loss for s in shown)
    highest = max(highest, now.reference, *(row["loss"] for row in run.evaluations))
    held_out = [now.held_out_step, now.held_out_loss, now.held_out_accuracy] if now.held_out_step else []
    return [now.loss, now.accuracy, *held_out], (step, now.loss, (0, last), (0, highest * 1.05))


EXPECTED = {
    function.__name__: function
    for function in (
        loss_explorer, softmax_explorer, gradient_explorer, batch_explorer, calibration_explorer, training_player,
    )
}  # fmt: skip


def check(widget, state):
    """Compare sentence and picture of a located widget with Python's numbers; return what it shows.

    `state` gives the traits that the controls show rounded, or not at all.
    """
    seen = view(widget)
    expected, (x, y, x_axis, y_axis) = EXPECTED[seen["name"]](seen, state)
    said = numbers(seen["sentence"])
    assert len(said) == len(expected) and all(abs(a - b) <= 6e-4 for a, b in zip(said, expected, strict=True)), (
        f"{seen['name']} says {seen['sentence']!r}; Python says {expected}"
    )
    plot = seen["plots"][0]
    drawn = [dot for dot in plot["dots"] if dot[0] == "point"][-1]
    at = place(plot, x, y, x_axis, y_axis)
    assert abs(drawn[1] - at[0]) < 0.02 and abs(drawn[2] - at[1]) < 0.02, f"{seen['name']} draws {drawn}, not {at}"
    assert all(slider["says"] for slider in seen["sliders"]) and plot["alternative"]
    return seen
