// A batch of eight: drag the gold probabilities, read mean loss, accuracy and geometric mean. Notebook 04.
import { Plot, element, fixed, mount, range, reading, setter, slider, sum, table, write } from "./kit.js";

const GRID = range(0.01, 0.99, 98);

export function batchAt(gold) {
  const losses = gold.map((p) => -Math.log(p));
  const loss = sum(losses) / gold.length;
  return { loss, accuracy: gold.filter((p) => p > 0.5).length / gold.length, geometric_mean: Math.exp(-loss),
    arithmetic_mean: sum(gold) / gold.length };
}

function render({ model, el }) {
  const set = setter(model);
  const change = (i, value) => set("gold", model.get("gold").map((p, k) => (k === i ? value : p)));
  const rows = model.get("gold").map((_, i) =>
    slider(`pair ${i + 1}`, { min: 0.01, max: 0.99, step: 0.01 }, (value) => change(i, value)));
  const heading = element("p", { textContent: "Probability of the gold label, and the loss it costs" });
  const result = reading();
  const plot = new Plot({ x: [0, 1], y: [0, 4.7], xTicks: [0, 0.25, 0.5, 0.75, 1], yTicks: [0, 1, 2, 3, 4],
    xLabel: "probability of the gold label", yLabel: "loss (nats)" });
  const numbers = table("The batch as a table", ["pair", "p_gold", "loss (nats)"], () =>
    model.get("gold").map((p, i) => [i + 1, fixed(p, 2), fixed(-Math.log(p))]));

  function update(width) {
    const gold = model.get("gold");
    const now = batchAt(gold);
    rows.forEach((row, i) => row.show(gold[i], `${fixed(gold[i], 2)} costs ${fixed(-Math.log(gold[i]))}`));
    write(result, `mean loss = ${fixed(now.loss)} nats, accuracy = ${fixed(now.accuracy, 3)}, ` +
      `geometric mean = ${fixed(now.geometric_mean)}, arithmetic mean = ${fixed(now.arithmetic_mean)}`);
    plot.begin(width, `The ${gold.length} pairs on the curve of the loss. Their mean loss ${fixed(now.loss)} belongs to ` +
      `the geometric mean ${fixed(now.geometric_mean)} of the probabilities, left of the arithmetic mean ` +
      `${fixed(now.arithmetic_mean)}.`);
    plot.still("curve", () => {
      plot.segment("reference", 0.5, 0, 0.5, 4.7);
      plot.words("wrong | right", 0.5, 4.2, "middle");
      plot.curve("gold", GRID, (p) => -Math.log(p));
    });
    plot.segment("drop", 0, now.loss, now.geometric_mean, now.loss);
    plot.segment("drop", now.geometric_mean, 0, now.geometric_mean, now.loss);
    plot.segment("other", now.arithmetic_mean, 0, now.arithmetic_mean, now.loss);
    gold.forEach((p) => plot.dot("before", p, -Math.log(p), 4));
    plot.dot("point", now.geometric_mean, now.loss);
    plot.words("mean loss", 0.01, now.loss);
    numbers.show();
  }
  const nodes = [heading, ...rows.map((row) => row.node), result, plot.node, numbers.node];
  return mount({ model, el }, "batch-explorer", "Batch explorer", nodes, ["gold"], update);
}

export default { render };
