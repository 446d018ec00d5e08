// The loss explorer: move Pr(IsNext), choose the gold label, read the loss. Introduced in notebook 04.
// Column 0 of the model is IsNext: p is Pr(IsNext), so the gold probability is p for label 0 and 1 - p for label 1.
import { LABELS, Plot, choice, fixed, mount, radios, range, reading, setter, slider, table, write } from "./kit.js";

const NATS_PER_UNIT = { nats: 1, bits: Math.log(2), "base 10": Math.log(10) };
const LOWEST = 0.001, HIGHEST = 0.999;
const GRID = range(LOWEST, HIGHEST, 200);

export function lossAt(p, label, unit) {
  return -Math.log(label === 0 ? p : 1 - p) / NATS_PER_UNIT[unit];
}

function render({ model, el }) {
  const set = setter(model);
  const p = slider("Pr(IsNext | h_cls)", { min: LOWEST, max: HIGHEST, step: 0.001 }, (value) => set("p", value));
  const label = radios("Gold label", LABELS, (value) => set("label", value));
  const unit = choice("Unit", Object.keys(NATS_PER_UNIT), (value) => set("unit", value));
  const result = reading();
  const plot = new Plot({ x: [0, 1], y: [0, 7], xTicks: [0, 0.25, 0.5, 0.75, 1], xLabel: "Pr(IsNext | h_cls)" });
  const state = () => [model.get("p"), model.get("label"), model.get("unit")];
  const numbers = table("The curve as a table", ["Pr(IsNext)", "loss"], () => {
    const [, gold, name] = state();
    return range(0.1, 0.9, 8).map((value) => [fixed(value, 1), fixed(lossAt(value, gold, name))]);
  });

  function update(width) {
    const [value, gold, name] = state();
    const loss = lossAt(value, gold, name);
    const pGold = (gold === 0 ? value : 1 - value).toFixed(3);
    p.show(value, fixed(value, 3));
    label.show(gold);
    unit.show(name);
    plot.y = [0, lossAt(LOWEST, 0, name)];
    plot.yTicks = { nats: [0, 1, 2, 3, 4, 5, 6], bits: [0, 2, 4, 6, 8], "base 10": [0, 1, 2, 3] }[name];
    plot.yLabel = `loss (${name})`;
    plot.begin(width, `Loss against Pr(IsNext). For gold ${LABELS[gold]} the curve ${gold ? "rises" : "falls"} as ` +
      `Pr(IsNext) grows. The point: Pr(IsNext) ${fixed(value, 3)}, loss ${fixed(loss)} ${name}.`);
    const even = lossAt(0.5, 0, name);
    plot.still([gold, name], () => {
      plot.segment("reference", 0, even, 1, even);
      plot.curve("other", GRID, (x) => lossAt(x, 1 - gold, name));
      plot.curve("gold", GRID, (x) => lossAt(x, gold, name));
      plot.words(`undecided: ${fixed(even)}`, gold ? 0.98 : 0.02, even, gold ? "end" : "start");
    });
    plot.segment("drop", value, 0, value, loss);
    plot.dot("point", value, loss);
    const own = model.get("own");
    let place = "";
    if (own !== null) {
      plot.dot("own", own, lossAt(own, gold, name), 5);
      plot.words("your pair", own, lossAt(own, gold, name), own > 0.5 ? "end" : "start");
      place = `; your pair at ${fixed(own, 3)}: ${fixed(lossAt(own, gold, name))} ${name}`;
    }
    write(result, `Pr(c_gold) = ${pGold}, loss = −log ${pGold} = ${fixed(loss)} ${name}${place}`);
    numbers.show();
  }
  const nodes = [p.node, label.node, unit.node, result, plot.node, numbers.node];
  return mount({ model, el }, "loss-explorer", "Loss explorer", nodes, ["p", "label", "unit", "own"], update);
}

export default { render };
