// One gradient step on one pair: before and after. Introduced in notebook 05.
import { LABELS, Plot, button, fixed, mount, radios, range, reading, setter, sigmoid, slider, softplus, table, write }
  from "./kit.js";

const LIMIT = 8;
const GRID = range(-2 * LIMIT, 2 * LIMIT, 200);
const gapOf = (z, label) => (label === 0 ? z[0] - z[1] : z[1] - z[0]);

export function stepAt(zIsNext, zNotNext, label, rate) {
  const before = [zIsNext, zNotNext];
  const pOther = sigmoid(-gapOf(before, label));
  const gradient = label === 0 ? [-pOther, pOther] : [pOther, -pOther]; // p - y
  const after = before.map((z, k) => z - rate * gradient[k]);
  return { gradient, after, loss_before: softplus(-gapOf(before, label)), loss_after: softplus(-gapOf(after, label)) };
}

function render({ model, el }) {
  const set = setter(model);
  const limits = { min: -LIMIT, max: LIMIT, step: 0.1 };
  const first = slider("logit of IsNext", limits, (value) => set("z_is_next", value));
  const second = slider("logit of NotNext", limits, (value) => set("z_not_next", value));
  const rate = slider("step size", { min: 0, max: 8, step: 0.1 }, (value) => set("rate", value));
  const label = radios("Gold label", LABELS, (value) => set("label", value));
  const result = reading();
  const plot = new Plot({ x: [-2 * LIMIT, 2 * LIMIT], y: [0, 2 * LIMIT], xTicks: [-16, -8, 0, 8, 16],
    yTicks: [0, 4, 8, 12, 16], xLabel: "gap = z_gold − z_other", yLabel: "loss (nats)" });
  const state = () => [model.get("z_is_next"), model.get("z_not_next"), model.get("label"), model.get("rate")];
  const take = button("Take the step", () => {
    const clipped = stepAt(...state()).after.map((z) => Math.max(-LIMIT, Math.min(LIMIT, z)));
    set("z_is_next", clipped[0]);
    set("z_not_next", clipped[1]);
  });
  const numbers = table("Before and after as a table", ["moment", "z IsNext", "z NotNext", "gap", "loss (nats)"], () => {
    const [a, b, gold, size] = state();
    const step = stepAt(a, b, gold, size);
    const row = (name, z, loss) => [name, fixed(z[0]), fixed(z[1]), fixed(gapOf(z, gold)), fixed(loss)];
    return [row("before", [a, b], step.loss_before), row("after", step.after, step.loss_after)];
  });

  function update(width) {
    const [a, b, gold, size] = state();
    const step = stepAt(a, b, gold, size);
    const [gap, next] = [gapOf([a, b], gold), gapOf(step.after, gold)];
    first.show(a, fixed(a, 2));
    second.show(b, fixed(b, 2));
    rate.show(size, fixed(size, 1));
    label.show(gold);
    write(result, `gradient p − y = [${step.gradient.map((g) => fixed(g)).join(", ")}]; ` +
      `loss ${fixed(step.loss_before)} → ${fixed(step.loss_after)} nats`);
    plot.begin(width, `Loss against the gap. One step moves the gap from ${fixed(gap, 2)} to ${fixed(next, 2)} and the ` +
      `loss from ${fixed(step.loss_before)} to ${fixed(step.loss_after)} nats. The tangent at the start has the slope ` +
      `${fixed(-Math.abs(step.gradient[0]))}.`);
    plot.still("curve", () => plot.curve("gold", GRID, (x) => softplus(-x)));
    const slope = -Math.abs(step.gradient[0]);
    const ends = [Math.max(-16, gap - 4), Math.min(16, gap + 4, gap - step.loss_before / slope)] // not below zero
      .map((x) => [x, step.loss_before + slope * (x - gap)]);
    plot.segment("other", ...ends[0], ...ends[1]);
    plot.segment("drop", gap, 0, next, 0);
    plot.dot("before", gap, step.loss_before);
    plot.dot("point", next, step.loss_after);
    plot.words("before", gap + 0.8, step.loss_before);
    if (Math.abs(next - gap) > 2) plot.words("after", next + 0.8, step.loss_after);
    numbers.show();
  }
  const nodes = [first.node, second.node, rate.node, label.node, take, result, plot.node, numbers.node];
  return mount({ model, el }, "gradient-explorer", "Gradient explorer", nodes,
    ["z_is_next", "z_not_next", "label", "rate"], update);
}

export default { render };
