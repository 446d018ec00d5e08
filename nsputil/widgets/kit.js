// What the widgets share: elements with names and roles, controls that say their value, a plot that fits its width.
// Python puts this file in front of each widget's own module (see base.py); in a web page the import does it.

// Each widget carries its own copy of this kit, so the count belongs to the page: no two widgets may share an id.
function nextId() {
  globalThis.nspIds = (globalThis.nspIds ?? 0) + 1;
  return `nsp-${globalThis.nspIds}`;
}

const SVG = "http://www.w3.org/2000/svg";
export const LABELS = ["IsNext", "NotNext"];
export const fixed = (value, digits = 4) => value.toFixed(digits).replace("-", "−");
export const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
export const sigmoid = (x) => (x >= 0 ? 1 : Math.exp(x)) / (1 + Math.exp(-Math.abs(x)));
export const sum = (values) => values.reduce((total, value) => total + value, 0);
export const range = (low, high, steps) =>
  Array.from({ length: steps + 1 }, (_, i) => low + (i / steps) * (high - low));

// Round numbers from 0 to the highest, four to eight of them.
export function ticks(high) {
  const power = 10 ** Math.floor(Math.log10(high / 2));
  const step = power * [1, 2, 5].find((factor) => high / (power * factor) <= 8);
  return Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

export function element(name, properties = {}, children = []) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

// Writes a text where it differs: what is written costs a layout.
export function write(node, text) {
  if (!node.firstChild) node.textContent = text;
  else if (node.firstChild.data !== text) node.firstChild.data = text;
}

export function slider(label, { min, max, step }, onInput) {
  const id = nextId();
  const input = element("input", { type: "range", min, max, step, id });
  const value = element("span", { className: "value" });
  input.addEventListener("input", () => onInput(Number(input.value)));
  const node = element("div", { className: "control" }, [element("label", { htmlFor: id, textContent: label }), input, value]);
  function show(number, text) {
    if (Number(input.value) !== number) input.value = number;
    if (value.textContent === text) return;
    write(value, text);
    input.setAttribute("aria-valuetext", text);
  }
  return { node, input, show };
}

export function radios(legend, names, onChange, numbered = true) {
  const group = nextId();
  const inputs = names.map((_, i) => element("input", { type: "radio", name: group, value: i }));
  inputs.forEach((input, i) => input.addEventListener("change", () => onChange(i)));
  const node = element("fieldset", {}, [element("legend", { textContent: legend }),
    ...inputs.map((input, i) => element("label", {}, [input, numbered ? ` ${i} = ${names[i]}` : ` ${names[i]}`]))]);
  return { node, show: (chosen) => inputs.forEach((input, i) => { input.checked = i === chosen; }) };
}

export function choice(label, names, onChange) {
  const id = nextId();
  const select = element("select", { id }, names.map((name) => new Option(name)));
  select.addEventListener("change", () => onChange(select.value));
  const node = element("div", {}, [element("label", { htmlFor: id, textContent: `${label} ` }), select]);
  return { node, show: (name) => { select.value = name; } };
}

export function button(text, onClick) {
  const node = element("button", { type: "button", textContent: text });
  node.addEventListener("click", onClick);
  return node;
}

// The sentence with the result. A screen reader speaks it when it changes.
export function reading() {
  return element("output", { className: "reading" });
}

// The curve as numbers, for readers who prefer a table to a picture. Filled only while it is open.
export function table(summary, heads, rows) {
  const body = element("tbody");
  const row = (cells, name) => element("tr", {}, cells.map((cell) => element(name, { textContent: cell })));
  const head = row(heads, "th");
  head.childNodes.forEach((cell) => { cell.scope = "col"; });
  const node = element("details", {}, [element("summary", { textContent: summary }),
    element("table", {}, [element("thead", {}, [head]), body])]);
  const show = () => { if (node.open) body.replaceChildren(...rows().map((cells) => row(cells, "td"))); };
  node.addEventListener("toggle", show);
  return { node, show };
}

// What the lines and bars of a picture are, each beside a sample of it.
export function legend(entries) {
  return element("div", { className: "legend" }, entries.map(([kind, text]) => {
    const sample = document.createElementNS(SVG, "svg");
    sample.setAttribute("viewBox", "0 0 28 12");
    sample.setAttribute("aria-hidden", "true");
    const shape = document.createElementNS(SVG, kind.startsWith("bar") ? "rect" : "polyline");
    const place = kind.startsWith("bar") ? { x: 8, y: 1, width: 12, height: 10 } : { points: "1,6 27,6" };
    for (const [key, value] of Object.entries({ class: kind, ...place })) shape.setAttribute(key, value);
    sample.append(shape);
    return element("span", {}, [sample, text]);
  }));
}

// Beliefs: one bar for each name, as long as its probability, with the number beside it.
export function bars(label, names) {
  const rows = names.map((name) => {
    const bar = element("span", { className: "bar" });
    const value = element("span", { className: "value" });
    return { bar, value, node: element("li", {}, [element("span", { textContent: name }), bar, value]) };
  });
  const node = element("ul", { className: "bars" }, rows.map((row) => row.node));
  node.setAttribute("aria-label", label);
  rows.forEach((row) => row.bar.setAttribute("aria-hidden", "true"));
  function show(shares) {
    rows.forEach((row, i) => {
      row.bar.style.setProperty("--share", shares[i]);
      row.value.textContent = `${fixed(100 * shares[i], 1)} %`;
    });
  }
  return { node, show };
}

// A notebook of what was seen, newest line last. A screen reader speaks each new line.
export function log(label) {
  const list = element("ol");
  const node = element("div", { className: "log", tabIndex: 0 }, [list]);
  node.setAttribute("role", "log");
  node.setAttribute("aria-label", label);
  function show(lines) {
    if (lines.length < list.childElementCount) list.replaceChildren();
    list.append(...lines.slice(list.childElementCount).map((line) => element("li", { textContent: line })));
    node.scrollTop = node.scrollHeight;
  }
  return { node, show };
}

// A picture with two axes in data coordinates, in the pixels it really has. It is drawn into the shapes of the picture
// before: only what differs is written, so the browser lays out and paints little.
export class Plot {
  constructor({ x, y, xTicks, yTicks, xLabel, yLabel, height = 260 }) {
    Object.assign(this, { x, y, xTicks, yTicks, xLabel, yLabel, height });
    this.node = document.createElementNS(SVG, "svg");
    this.node.setAttribute("role", "img");
    this.shapes = []; // [{ node, name, attributes, part }]
    this.drawn = 0; // how many of them belong to the picture so far
    this.part = null; // the part being drawn that does not change: { key, start, end }
  }
  add(name, attributes, text = "") {
    let shape = this.shapes[this.drawn];
    if (shape?.name !== name) {
      this.cut(this.drawn);
      shape = { name, node: document.createElementNS(SVG, name), attributes: {}, part: null };
      this.shapes.push(shape);
      this.node.append(shape.node);
    }
    this.drawn += 1;
    const wanted = {};
    for (const [key, value] of Object.entries(attributes)) wanted[key] = typeof value === "number" ? value.toFixed(2) : value;
    for (const key of Object.keys(shape.attributes)) if (!(key in wanted)) shape.node.removeAttribute(key);
    for (const key of Object.keys(wanted)) if (shape.attributes[key] !== wanted[key]) shape.node.setAttribute(key, wanted[key]);
    write(shape.node, `${text}`);
    if (shape.part && shape.part !== this.part) shape.part.key = null; // it has lost this shape
    Object.assign(shape, { attributes: wanted, part: this.part });
  }
  // Ends the picture after so many shapes; what the one before had more is taken away.
  cut(length) {
    for (const { node, part } of this.shapes.splice(length)) {
      node.remove();
      if (part) part.key = null;
    }
  }
  // A part that does not change is drawn again only when its key, the axes or the width change.
  still(key, draw) {
    const whole = JSON.stringify([this.width, this.x, this.y, key]);
    const before = this.shapes[this.drawn]?.part;
    if (before?.key === whole && before.start === this.drawn) {
      this.drawn = before.end;
      return;
    }
    const part = { key: whole, start: this.drawn };
    this.part = part;
    draw();
    this.part = null;
    part.end = this.drawn;
  }
  px = (value) => 46 + ((value - this.x[0]) / (this.x[1] - this.x[0])) * (this.width - 60);
  py = (value) => this.height - 42 - ((value - this.y[0]) / (this.y[1] - this.y[0])) * (this.height - 66);
  begin(width, alternative) {
    this.drawn = 0;
    queueMicrotask(() => this.cut(this.drawn));
    if (this.width !== width) this.node.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.width = width;
    this.node.setAttribute("aria-label", alternative);
    this.still([this.xTicks, this.yTicks, this.yLabel], () => this.axes());
  }
  axes() {
    this.segment("axis", this.x[0], this.y[0], this.x[1], this.y[0]);
    this.segment("axis", this.x[0], this.y[0], this.x[0], this.y[1]);
    for (const tick of this.xTicks)
      this.add("text", { x: this.px(tick), y: this.height - 25, "text-anchor": "middle" }, `${tick}`.replace("-", "−"));
    for (const tick of this.yTicks)
      this.add("text", { x: 39, y: this.py(tick) + 4, "text-anchor": "end" }, tick);
    this.add("text", { x: (this.width + 32) / 2, y: this.height - 6, "text-anchor": "middle" }, this.xLabel);
    this.add("text", { x: 8, y: 13 }, this.yLabel);
  }
  segment(kind, x1, y1, x2, y2) {
    this.add("line", { class: kind, x1: this.px(x1), y1: this.py(y1), x2: this.px(x2), y2: this.py(y2) });
  }
  curve(kind, xs, f) {
    const points = xs.map((x) => `${this.px(x).toFixed(2)},${this.py(f(x)).toFixed(2)}`).join(" ");
    this.add("polyline", { class: kind, points });
  }
  dot(kind, x, y, r = 6) {
    this.add("circle", { class: kind, cx: this.px(x), cy: this.py(y), r });
  }
  bar(kind, x1, x2, y) {
    const [left, top] = [this.px(x1), this.py(y)];
    this.add("rect", { class: kind, x: left, y: top, width: this.px(x2) - left, height: this.py(0) - top });
  }
  words(text, x, y, anchor = "start") {
    this.add("text", { x: this.px(x), y: this.py(y) - 5, "text-anchor": anchor }, text);
  }
}

// Puts the nodes on the page, calls update(width) now, when a trait changes and when the width does.
export function mount({ model, el }, name, label, nodes, traits, update) {
  const root = element("div", { className: `nsp-widget nsp-${name}` }, nodes);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", label);
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves the arrow keys to the sliders
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);
  const fit = (inside) => (inside > 0 ? Math.min(560, Math.round(inside)) : 520); // not yet on the page: no width
  let width = fit(root.clientWidth - 16);
  const draw = () => update(width);
  let asked = false;
  const soon = () => { // many traits may change at once: that is one picture
    if (!asked) queueMicrotask(() => { asked = false; draw(); });
    asked = true;
  };
  const events = traits.map((trait) => `change:${trait}`);
  events.forEach((event) => model.on(event, soon));
  const resized = new ResizeObserver(([{ contentRect }]) => { // to read the width at each step would cost a layout
    if (width === fit(contentRect.width)) return;
    width = fit(contentRect.width);
    draw();
  });
  resized.observe(root);
  draw();
  return () => {
    resized.disconnect();
    events.forEach((event) => model.off(event, soon));
  };
}

export function setter(model) {
  return (trait, value) => {
    model.set(trait, value);
    model.save_changes();
  };
}
