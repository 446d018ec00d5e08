// Calibration: divide the log-odds by a temperature and see whether 0.8 means 80 %. Introduced in notebook 07.
import { Plot, fixed, mount, reading, setter, sigmoid, slider, softplus, sum, table, write } from "./kit.js";

// logOdds are z_IsNext - z_NotNext; label 0 is IsNext.
export function calibrationAt(logOdds, labels, temperature, bins) {
  const probability = Array(bins).fill(0), hits = Array(bins).fill(0), pairs = Array(bins).fill(0);
  const losses = logOdds.map((odds, i) => {
    const p = sigmoid(odds / temperature);
    const bin = Math.min(Math.trunc(p * bins), bins - 1);
    probability[bin] += p;
    hits[bin] += labels[i] === 0;
    pairs[bin] += 1;
    return softplus((labels[i] === 0 ? -odds : odds) / temperature);
  });
  const error = sum(pairs.map((_, k) => Math.abs(probability[k] - hits[k]))) / logOdds.length;
  const share = (values) => values.map((value, k) => (pairs[k] ? value / pairs[k] : 0));
  return { loss: sum(losses) / logOdds.length, error, probability: share(probability), fraction: share(hits), pairs };
}

function render({ model, el }) {
  const set = setter(model);
  // The slider moves the temperature's logarithm: halving and doubling are equally far from 1.
  const temperature = slider("temperature", { min: -2, max: 3, step: 0.05 }, (value) => set("temperature", 2 ** value));
  const bins = slider("bins", { min: 2, max: 20, step: 1 }, (value) => set("bins", value));
  const result = reading();
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const plot = new Plot({ x: [0, 1], y: [0, 1], xTicks: ticks, yTicks: ticks, height: 320,
    xLabel: "mean Pr(IsNext) of the bin", yLabel: "fraction that is IsNext" });
  const read = () =>
    calibrationAt(model.get("log_odds"), model.get("labels"), model.get("temperature"), model.get("bins"));
  const numbers = table("The bins as a table", ["bin from", "pairs", "mean Pr(IsNext)", "fraction IsNext"], () => {
    const now = read();
    return now.pairs.map((count, k) => [fixed(k / now.pairs.length, 2), count,
      ...(count ? [fixed(now.probability[k]), fixed(now.fraction[k])] : ["none", "none"])]);
  });

  function update(width) {
    const now = read();
    const [t, total] = [model.get("temperature"), model.get("log_odds").length];
    temperature.show(Math.log2(t), fixed(t, 2));
    bins.show(now.pairs.length, `${now.pairs.length}`);
    write(result, `calibration error = ${fixed(now.error)}, mean loss = ${fixed(now.loss)} nats, ${total} pairs`);
    const farthest = now.pairs.map((count, k) => count * Math.abs(now.probability[k] - now.fraction[k]));
    const worst = farthest.indexOf(Math.max(...farthest));
    plot.begin(width, "Fraction of pairs that are IsNext against the mean predicted Pr(IsNext), one dot for each bin; on the " +
      `diagonal the model is calibrated. Error ${fixed(now.error)}. The bin that adds most has mean prediction ` +
      `${fixed(now.probability[worst], 2)} and fraction ${fixed(now.fraction[worst], 2)}.`);
    plot.segment("other", 0, 0, 1, 1);
    now.pairs.forEach((count, k) => {
      if (count === 0) return;
      plot.segment("drop", now.probability[k], now.probability[k], now.probability[k], now.fraction[k]);
      plot.dot("point", now.probability[k], now.fraction[k], 3 + 9 * Math.sqrt(count / total));
    });
    numbers.show();
  }
  const nodes = [temperature.node, bins.node, result, plot.node, numbers.node];
  return mount({ model, el }, "calibration-explorer", "Calibration explorer", nodes,
    ["log_odds", "labels", "temperature", "bins"], update);
}

export default { render };
