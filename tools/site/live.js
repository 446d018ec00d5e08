// Widgets in a page without Python. Each <div class="nsp-live"> holds a widget in words and its first state; here the
// same ES module that JupyterLab gets is given a model that lives in the page. A blob's address is what anywidget
// uses, too, and it works in a page opened from a file.

class Model {
  constructor(state) {
    this.state = state;
    this.listeners = new Map();
  }
  get(name) {
    return this.state[name] ?? null;
  }
  set(name, value) {
    if (this.state[name] === value) return;
    this.state[name] = value;
    for (const listen of this.listeners.get(`change:${name}`) ?? []) listen();
    for (const listen of this.listeners.get("change") ?? []) listen();
  }
  save_changes() {} // there is no Python to tell
  send() {}
  on(event, listen) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event).add(listen);
  }
  off(event, listen) {
    if (listen) this.listeners.get(event)?.delete(listen);
    else this.listeners.delete(event);
  }
}

const loaded = new Map(); // a module is loaded once, however many widgets of a page use it
function load(name) {
  if (!loaded.has(name)) {
    const address = URL.createObjectURL(new Blob([globalThis.nspModules[name]], { type: "text/javascript" }));
    loaded.set(name, import(address));
  }
  return loaded.get(name);
}

async function enliven(place) {
  const state = JSON.parse(place.querySelector("script").textContent);
  const exported = (await load(place.dataset.module)).default;
  const widget = typeof exported === "function" ? await exported() : exported;
  const model = new Model(state);
  const el = document.createElement("div");
  await widget.initialize?.({ model });
  place.append(el);
  await widget.render({ model, el });
  place.querySelector("p").remove();
  place.dataset.alive = "";
}

// The widgets' colors follow the theme's: JupyterLab marks a dark theme with this attribute.
function followTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const mark = () => {
    const theme = document.body.dataset.theme;
    const isDark = theme === "dark" || (theme !== "light" && dark.matches);
    document.body.dataset.jpThemeLight = String(!isDark);
  };
  dark.addEventListener("change", mark);
  new MutationObserver(mark).observe(document.body, { attributeFilter: ["data-theme"] });
  mark();
}

// What is too wide for the window is scrolled by keyboard, too.
function reachWide() {
  for (const box of document.querySelectorAll("pre, .math-wrapper, .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

document.addEventListener("DOMContentLoaded", () => {
  followTheme();
  reachWide();
  addEventListener("resize", reachWide);
  for (const place of document.querySelectorAll(".nsp-live"))
    enliven(place).catch((error) => place.append(`This widget could not start: ${error.message}`));
});
