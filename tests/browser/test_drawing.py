"""A picture drawn into the shapes of the one before is the picture drawn anew. Needs no notebook, only the modules."""

import json

import numpy as np
import pytest
from lab_browser import ROOT, open_page
from test_numbers import CALIBRATION, a_run
from widget_view import EXPECTED

from nsputil import widgets
from nsputil.widgets.base import browser_module

RNG = np.random.default_rng(11)
LOGITS, LABELS, *_ = CALIBRATION[0]
RUN = a_run(100, 0.3, 7)


def on_grid(low, high, step):
    """One place of a slider."""
    return float(low + step * RNG.integers(round((high - low) / step) + 1))


#: For each widget: how it starts, and what the learner can change, each drawn at random.
MOVES = {
    "loss_explorer": (
        widgets.loss_explorer,
        {
            "p": lambda: on_grid(0.001, 0.999, 0.001),
            "label": lambda: int(RNG.integers(2)),
            "unit": lambda: str(RNG.choice(["nats", "bits", "base 10"])),
            "own": lambda: None if RNG.integers(2) else 0.3,
        },
    ),
    "softmax_explorer": (
        widgets.softmax_explorer,
        {"z_is_next": lambda: on_grid(-8, 8, 0.1), "label": lambda: int(RNG.integers(2))},
    ),
    "gradient_explorer": (
        widgets.gradient_explorer,
        {
            "z_is_next": lambda: on_grid(-8, 8, 0.1),
            "rate": lambda: on_grid(0, 8, 0.1),
            "label": lambda: int(RNG.integers(2)),
        },
    ),
    "batch_explorer": (widgets.batch_explorer, {"gold": lambda: [on_grid(0.01, 0.99, 0.01) for _ in range(8)]}),
    "calibration_explorer": (
        lambda: widgets.calibration_explorer(LOGITS, LABELS),
        {"temperature": lambda: 2 ** on_grid(-2, 3, 0.05), "bins": lambda: int(RNG.integers(2, 21))},
    ),
    "training_player": (lambda: widgets.training_player(RUN), {"step": lambda: int(RNG.integers(1, 101))}),
}
COMPARE = """async ([source, start, moves, widths]) => {
  const { default: { render } } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const model = (traits) => {
    const heard = {};
    return { get: (name) => traits[name], save_changes() {}, off() {}, on(event, f) { (heard[event] ??= []).push(f); },
      set(name, value) { traits[name] = value; (heard[`change:${name}`] ?? []).forEach((f) => f()); } };
  };
  const drawn = () => new Promise((resolve) => setTimeout(resolve));
  const fitted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const show = (traits) => {
    const el = document.body.appendChild(document.createElement("div"));
    const known = model(traits);
    render({ model: known, el });
    return { el, known };
  };
  const look = ({ el }) => ({ pictures: [...el.querySelectorAll("svg[role=img]")].map((svg) => svg.outerHTML),
    says: [...el.querySelectorAll("output, .value")].map((node) => node.textContent),
    aloud: [...el.querySelectorAll("input")].map((node) => [node.value, node.getAttribute("aria-valuetext")]) });
  const traits = { ...start };
  const old = show(traits);
  const shapes = new Set(old.el.querySelectorAll("svg[role=img] *"));
  const found = [];
  for (const [k, move] of moves.entries()) {
    if (k % 10 === 0) {
      document.body.style.width = `${widths[(k / 10) % widths.length]}px`;
      await fitted();
    }
    for (const [name, value] of Object.entries(move)) old.known.set(name, value);
    await drawn();
    const fresh = show({ ...traits });
    found.push([look(old), look(fresh)]);
    fresh.el.remove();
  }
  return { found, kept: [...shapes].filter((node) => node.isConnected).length };
}"""


@pytest.mark.parametrize("name", EXPECTED)
def test_a_picture_drawn_into_another_is_the_picture_drawn_anew(chromium, name):
    make, changes = MOVES[name]
    page = open_page(chromium, 700, 900)
    page.add_style_tag(path=ROOT / "nsputil" / "widgets" / "widgets.css")
    state = json.loads(json.dumps(make().state()))
    first = next(iter(changes))  # always, and half of the others
    moves = [{t: change() for t, change in changes.items() if t == first or RNG.integers(2)} for _ in range(40)]
    # Ten moves at one width, ten at another: what stands still must move when the axes do.
    result = page.evaluate(COMPARE, [browser_module(name), state, moves, [620, 380]])
    for k, (patched, fresh) in enumerate(result["found"]):
        assert patched == fresh, f"move {k}: {moves[k]}"
    assert len({json.dumps(patched) for patched, _ in result["found"]}) > 25, "the picture hardly moved"
    assert result["kept"] >= 10, "the shapes of the first picture are not used again"
    assert page.errors == []
    page.context.close()
