// Softmax and the gap: two logits, two probabilities, and a loss that hears only their difference. Notebook 05.
import { LABELS, Plot, button, element, fixed, mount, radios, range, reading, setter, sigmoid, slider, softplus, table, write }
  from "./kit.js";

const LIMIT = 8;
const GRID = range(-2 * LIMIT, 2 * LIMIT, 200);

export function softmaxAt(zIsNext, zNotNext, label) {
  const gap = label === 0 ? zIsNext - zNotNext : zNotNext - zIsNext;
  return { p_is_next: sigmoid(zIsNext - zNotNext), p_not_next: sigmoid(zNotNext - zIsNext), gap, loss: softplus(-gap) };
}

function render({ model, el }) {
  const set = setter(model);
  const limits = { min: -LIMIT, max: LIMIT, step: 0.1 };
  const first = slider("logit of IsNext", limits, (value) => set("z_is_next", value));
  const second = slider("logit of NotNext", limits, (value) => set("z_not_next", value));
  const label = radios("Gold label", LABELS, (value) => set("label", value));
  const result = reading();
  const plot = new Plot({ x: [-2 * LIMIT, 2 * LIMIT], y: [0, 2 * LIMIT], xTicks: [-16, -8, 0, 8, 16],
    yTicks: [0, 4, 8, 12, 16], xLabel: "gap = z_gold − z_other", yLabel: "loss (nats)" });
  const numbers = table("The curve as a table", ["gap", "p_gold", "loss (nats)"], () =>
    range(-8, 8, 8).map((gap) => [fixed(gap, 0), fixed(sigmoid(gap)), fixed(softplus(-gap))]));
  const state = () => [model.get("z_is_next"), model.get("z_not_next"), model.get("label")];
  function shift(by) {
    const [a, b] = state();
    if (Math.abs(a + by) <= LIMIT && Math.abs(b + by) <= LIMIT) {
      set("z_is_next", a + by);
      set("z_not_next", b + by);
    }
  }
  const shifts = element("div", {}, [button("Both logits +1", () => shift(1)), " ", button("Both logits −1", () => shift(-1))]);

  function update(width) {
    const [a, b, gold] = state();
    const now = softmaxAt(a, b, gold);
    first.show(a, fixed(a, 1));
    second.show(b, fixed(b, 1));
    label.show(gold);
    write(result, `Pr(IsNext) = ${fixed(now.p_is_next)}, Pr(NotNext) = ${fixed(now.p_not_next)}, ` +
      `gap = ${fixed(now.gap, 1)}, loss = ${fixed(now.loss)} nats`);
    plot.begin(width, "Loss against the gap. It falls like the gap itself while the gap is negative, passes 0.6931 at " +
      `zero, and flattens toward zero. The point: gap ${fixed(now.gap, 1)}, loss ${fixed(now.loss)} nats.`);
    plot.still("curve", () => {
      plot.segment("other", -2 * LIMIT, 2 * LIMIT, 0, 0);
      plot.segment("reference", 0, 0, 0, 2 * LIMIT);
      plot.words("undecided", 0.3, 14.5);
      plot.curve("gold", GRID, (gap) => softplus(-gap));
    });
    plot.segment("drop", now.gap, 0, now.gap, now.loss);
    plot.dot("point", now.gap, now.loss);
    numbers.show();
  }
  const nodes = [first.node, second.node, shifts, label.node, result, plot.node, numbers.node];
  return mount({ model, el }, "softmax-explorer", "Softmax and gap explorer", nodes,
    ["z_is_next", "z_not_next", "label"], update);
}

export default { render };
