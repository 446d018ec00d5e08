// The training player: scrub through a real run, its curves and its predictions. Introduced in notebook 07.
import { Plot, button, element, fixed, legend, mount, reading, setter, slider, sum, table, ticks, write } from "./kit.js";

const WINDOW = 20; // training loss and accuracy are means over so many batches
const mean = (values) => sum(values) / values.length;
const recent = (values, step) => mean(values.slice(Math.max(0, step - WINDOW), step));
const entropy = (p) => (p === 0 || p === 1 ? 0 : -p * Math.log(p) - (1 - p) * Math.log1p(-p));

export function trainingAt({ loss, accuracy, evaluations, prior }, step) {
  const latest = evaluations.filter((row) => row.step <= step).at(-1) ?? {};
  return { loss: recent(loss, step), accuracy: recent(accuracy, step), reference: entropy(prior),
    held_out_step: latest.step ?? null, held_out_loss: latest.loss ?? null, held_out_accuracy: latest.accuracy ?? null,
    is_next: latest.histogram?.is_next ?? [], not_next: latest.histogram?.not_next ?? [] };
}

function render({ model, el }) {
  const set = setter(model);
  const run = Object.fromEntries(["loss", "accuracy", "evaluations", "prior"].map((name) => [name, model.get(name)]));
  const { evaluations } = run;
  const last = run.loss.length;
  const points = Math.min(last, 200);
  const shown = Array.from({ length: points }, (_, i) => Math.round(((i + 1) * last) / points));
  const smooth = new Map(shown.map((step) => [step, recent(run.loss, step)]));
  const highest = Math.max(...smooth.values(), ...evaluations.map((row) => row.loss), entropy(run.prior));

  const step = slider("step", { min: 1, max: last, step: 1 }, (value) => set("step", value));
  const jump = (rows) => rows.length && set("step", rows[0].step);
  const jumps = element("div", {}, [
    button("Evaluation before", () => jump(evaluations.filter((row) => row.step < model.get("step")).reverse())), " ",
    button("Next evaluation", () => jump(evaluations.filter((row) => row.step > model.get("step"))))]);
  const result = reading();
  const curves = new Plot({ x: [0, last], y: [0, highest * 1.05], xTicks: ticks(last), yTicks: ticks(highest),
    xLabel: "step", yLabel: "loss (nats)" });
  const names = legend([["gold", `training, mean of ${WINDOW} steps`], ["held-out", "held-out pairs"]]);
  const counts = evaluations.flatMap((row) => Object.values(row.histogram ?? {}).flat());
  const most = Math.max(1, ...counts);
  const spread = new Plot({ x: [0, 1], y: [0, most * 1.05], xTicks: [0, 0.25, 0.5, 0.75, 1], yTicks: ticks(most),
    xLabel: "Pr(IsNext)", yLabel: "held-out pairs", height: 200 });
  const golds = legend([["bar-gold", "gold IsNext"], ["bar-other", "gold NotNext"]]);
  const numbers = table("The evaluations as a table", ["step", "training loss", "held-out loss", "held-out accuracy"], () =>
    evaluations.map((row) => [row.step, fixed(recent(run.loss, row.step)), fixed(row.loss), fixed(row.accuracy, 3)]));

  function drawCurves(width, at, now) {
    curves.begin(width, `Loss against the step, over ${last} steps. At step ${at} the training loss is ${fixed(now.loss)} ` +
      (now.held_out_step ? `and the held-out loss ${fixed(now.held_out_loss)}` : "and nothing was evaluated yet") +
      `; the level of no information is ${fixed(now.reference)} nats.`);
    curves.still("run", () => {
      curves.segment("reference", 0, now.reference, last, now.reference);
      curves.words(`H(prior) = ${fixed(now.reference)}`, last, now.reference, "end");
      curves.curve("ahead", shown, (s) => smooth.get(s));
    });
    curves.curve("gold", [...shown.filter((s) => s < at), at], (s) => smooth.get(s) ?? now.loss);
    const losses = new Map(evaluations.map((row) => [row.step, row.loss]));
    const past = [...losses.keys()].filter((s) => s <= at);
    curves.curve("held-out", past, (s) => losses.get(s));
    losses.forEach((loss, s) => curves.dot(s <= at ? "evaluated" : "before", s, loss, 3));
    curves.segment("reference", at, 0, at, highest * 1.05);
    curves.dot("point", at, now.loss);
  }
  function drawSpread(width, now) {
    const bins = now.is_next.length;
    const sure = (values) => (bins ? `${values[0]} below ${1 / bins} and ${values[bins - 1]} above ${1 - 1 / bins}` : "");
    spread.begin(width, bins === 0 ? "No predictions yet: nothing was evaluated before this step." :
      `How the predictions spread at step ${now.held_out_step}. Of ${sum(now.is_next)} pairs with gold IsNext, Pr(IsNext) ` +
      `is for ${sure(now.is_next)}; of ${sum(now.not_next)} with gold NotNext, for ${sure(now.not_next)}.`);
    now.is_next.forEach((count, k) => spread.bar("bar-gold", (k + 0.1) / bins, (k + 0.48) / bins, count));
    now.not_next.forEach((count, k) => spread.bar("bar-other", (k + 0.52) / bins, (k + 0.9) / bins, count));
  }
  function update(width) {
    const at = model.get("step");
    const now = trainingAt(run, at);
    step.show(at, `${at} of ${last}`);
    write(result, `training loss ${fixed(now.loss)} nats, accuracy ${fixed(now.accuracy, 3)}; ` +
      (now.held_out_step ? `held-out at step ${now.held_out_step}: loss ${fixed(now.held_out_loss)} nats, ` +
        `accuracy ${fixed(now.held_out_accuracy, 3)}` : "nothing evaluated yet"));
    drawCurves(width, at, now);
    if (counts.length) drawSpread(width, now);
    numbers.show();
  }
  const nodes = [step.node, jumps, result, names, curves.node, ...(counts.length ? [golds, spread.node] : []), numbers.node];
  return mount({ model, el }, "training-player", "Training player", nodes, ["step"], update);
}

export default { render };
