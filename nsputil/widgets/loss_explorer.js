// The loss explorer, drawn in the browser: no kernel is needed to move it. Introduced in notebook 04.
// Column 0 of the model is IsNext: p is Pr(IsNext), so the gold probability is p for label 0 and 1 - p for label 1.

const NATS_PER_UNIT = { nats: 1, bits: Math.log(2), "base 10": Math.log(10) };
const LABELS = ["IsNext", "NotNext"];
const LOWEST = 0.001, HIGHEST = 0.999;
const WIDTH = 520, HEIGHT = 280, LEFT = 52, RIGHT = 12, TOP = 14, BOTTOM = 40;
let widgets = 0; // numbers the ids, so that two explorers on a page do not share any

export function lossAt(p, label, unit) {
  return -Math.log(label === 0 ? p : 1 - p) / NATS_PER_UNIT[unit];
}

function svg(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function curve(label, unit, x, y) {
  const points = [];
  for (let i = 0; i <= 200; i++) {
    const p = LOWEST + (i / 200) * (HIGHEST - LOWEST);
    points.push(`${x(p).toFixed(2)},${y(lossAt(p, label, unit)).toFixed(2)}`);
  }
  return points.join(" ");
}

function draw(picture, p, label, unit) {
  const top = -Math.log(LOWEST) / NATS_PER_UNIT[unit];
  const x = (value) => LEFT + value * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  picture.replaceChildren(svg("title", {}, `Loss against Pr(IsNext), gold label ${LABELS[label]}`));
  const add = (name, attributes, text) => picture.append(svg(name, attributes, text));
  add("line", { class: "axis", x1: x(0), x2: x(1), y1: y(0), y2: y(0) });
  add("line", { class: "axis", x1: x(0), x2: x(0), y1: y(0), y2: y(top) });
  for (const tick of [0, 0.25, 0.5, 0.75, 1])
    add("text", { x: x(tick), y: y(0) + 17, "text-anchor": "middle" }, tick);
  const step = { nats: 1, bits: 2, "base 10": 0.5 }[unit];
  for (let tick = 0; tick <= top; tick += step)
    add("text", { x: x(0) - 7, y: y(tick) + 4, "text-anchor": "end" }, tick);
  add("text", { x: x(0.5), y: HEIGHT - 5, "text-anchor": "middle" }, "Pr(IsNext | h_cls)");
  add("text", { x: x(0) + 8, y: TOP + 4 }, `loss (${unit})`);
  const even = lossAt(0.5, 0, unit);
  add("line", { class: "reference", x1: x(0), x2: x(1), y1: y(even), y2: y(even) });
  add("text", { x: x(0.02), y: y(even) - 5 }, `undecided: ${even.toFixed(4)}`);
  add("polyline", { class: "other", points: curve(1 - label, unit, x, y) });
  add("polyline", { class: "gold", points: curve(label, unit, x, y) });
  const loss = lossAt(p, label, unit);
  add("line", { class: "drop", x1: x(p), x2: x(p), y1: y(0), y2: y(loss) });
  add("circle", { class: "point", cx: x(p), cy: y(loss), r: 6 });
}

function element(name, properties = {}, children = []) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

function render({ model, el }) {
  const id = `nsp-loss-explorer-${widgets++}`;
  const slider = element("input", { type: "range", min: LOWEST, max: HIGHEST, step: 0.001, id: `${id}-p` });
  const radios = LABELS.map((name, label) =>
    element("input", { type: "radio", name: `${id}-label`, value: label, id: `${id}-${name}` }));
  const unit = element("select", { id: `${id}-unit` }, Object.keys(NATS_PER_UNIT).map((name) => new Option(name)));
  const reading = element("output", { className: "reading" });
  reading.setAttribute("aria-live", "polite");
  reading.htmlFor = slider.id;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const choice = element("fieldset", {}, [element("legend", { textContent: "Gold label" }),
    ...radios.map((radio, label) => element("label", { htmlFor: radio.id }, [radio, ` ${label} = ${LABELS[label]}`]))]);
  const root = element("div", { className: "nsp-loss-explorer" }, [
    element("label", { htmlFor: slider.id, textContent: "Pr(IsNext | h_cls)" }), slider, choice,
    element("label", { htmlFor: unit.id, textContent: "Unit " }, []), unit, reading, picture]);
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves the arrow keys to the slider
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);

  function update() {
    const [p, label, name] = [model.get("p"), model.get("label"), model.get("unit")];
    const loss = lossAt(p, label, name);
    slider.value = p;
    radios.forEach((radio, i) => { radio.checked = i === label; });
    unit.value = name;
    const gold = label === 0 ? p : 1 - p;
    reading.textContent = `Pr(c_gold) = ${gold.toFixed(3)}, loss = −log ${gold.toFixed(3)} = ${loss.toFixed(4)} ${name}`;
    slider.setAttribute("aria-valuetext", `${p.toFixed(3)}, loss ${loss.toFixed(4)} ${name}`);
    picture.setAttribute("aria-label", `Curve of the loss for gold label ${LABELS[label]}, falling as the gold ` +
      `probability grows; the point stands at Pr(IsNext) ${p.toFixed(3)}, loss ${loss.toFixed(4)} ${name}.`);
    draw(picture, p, label, name);
  }
  function set(key, value) {
    model.set(key, value);
    model.save_changes();
  }
  slider.addEventListener("input", () => set("p", Number(slider.value)));
  radios.forEach((radio, label) => radio.addEventListener("change", () => set("label", label)));
  unit.addEventListener("change", () => set("unit", unit.value));
  const traits = ["change:p", "change:label", "change:unit"];
  traits.forEach((name) => model.on(name, update));
  update();
  return () => traits.forEach((name) => model.off(name, update));
}

export default { render };
