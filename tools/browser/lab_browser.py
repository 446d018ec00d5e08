"""JupyterLab in a real browser, driven by a script: for tests/browser, benchmarks/lab_bench.py, the README's pictures.

    with lab_server(folder) as server, browser() as chromium:
        page = open_page(chromium)
        open_notebook(page, server, "notebooks/04_worked_examples.ipynb")
        run_all(page)

The server listens on loopback only, has settings of its own, and works on a copy of the notebooks: JupyterLab saves by
itself, and the masters must not change.
"""

import ast
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "browser"
#: Chromium as root in a container, without a word to the network.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PATIENCE = 90_000  # milliseconds, for whatever is waited for on a slow machine
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}

READY = """() => {
  const session = globalThis.jupyterapp?.shell.currentWidget?.sessionContext;
  return session?.isReady && session.session?.kernel?.connectionStatus === "connected"
    && session.session.kernel.status === "idle" && !session.hasNoKernel;
}"""


class Server(NamedTuple):
    """A running JupyterLab: its address, its token, the folder it serves, its process."""

    url: str
    token: str
    folder: Path
    process: subprocess.Popen


def find_browser():
    """Return the path of Chromium or Chrome, or None to take Playwright's own, if that is installed."""
    if "COURSE_BROWSER" in os.environ:
        return os.environ["COURSE_BROWSER"]
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def main():
    """Say which browser will be used; exit with an error if there is none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = find_browser() or playwright.chromium.executable_path
    if not Path(path).exists():
        sys.exit("no Chromium or Chrome on PATH; install one, or name it in COURSE_BROWSER")
    print("the browser is", path)


@contextlib.contextmanager
def browser():
    """Yield a headless browser of Playwright's."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield chromium
        chromium.close()


def open_page(chromium, width=1280, height=900, **context):
    """Return a new page in a context of its own; its errors are collected in ``page.errors``."""
    page = chromium.new_context(viewport={"width": width, "height": height}, **context).new_page()
    page.set_default_timeout(PATIENCE)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    return page


@contextlib.contextmanager
def lab_server(folder):
    """Serve `folder`, which must exist, with JupyterLab on loopback; yield a `Server`; end it in the end."""
    state = Path(folder).parent / f"{Path(folder).name}-state"
    for name, content in SETTINGS.items():
        path = state / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(state / "config"),
        "JUPYTER_DATA_DIR": str(state / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", "--expose-app-in-browser",
        f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    with (state / "server.log").open("w") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said, cwd=folder)
    server = Server(f"http://127.0.0.1:{port}", token, Path(folder), process)
    try:
        _wait_for(server, state / "server.log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(server, log):
    for _ in range(600):
        if server.process.poll() is not None:
            raise RuntimeError(f"JupyterLab ended at once:\n{log.read_text()[-3000:]}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{server.url}/api?token={server.token}", timeout=5)
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not answer within two minutes:\n{log.read_text()[-3000:]}")


def api(server, method, path):
    """Ask the server's REST interface; return its answer, decoded, or None if it has no content."""
    request = urllib.request.Request(f"{server.url}{path}", method=method)
    request.add_header("Authorization", f"token {server.token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def end_kernels(server):
    """Shut all kernels down: one notebook at a time is enough memory for anybody."""
    for session in api(server, "GET", "/api/sessions"):
        with contextlib.suppress(urllib.error.HTTPError):
            api(server, "DELETE", f"/api/sessions/{session['id']}")


def open_lab(page, server):
    """Open JupyterLab in a fresh workspace, with no document."""
    page.goto(f"{server.url}/lab/workspaces/{secrets.token_hex(4)}?reset&token={server.token}")
    page.wait_for_function("() => globalThis.jupyterapp?.restored.then(() => true)")


def open_notebook(page, server, name):
    """Open a notebook, named by its path in the served folder, in a fresh workspace; wait until the kernel is idle."""
    page.goto(f"{server.url}/lab/workspaces/{secrets.token_hex(4)}/tree/{name}?reset&token={server.token}")
    page.wait_for_function(READY, polling=100)


def show_notebook(page, name):
    """Open a notebook in the JupyterLab that the page already shows; close what was open, unsaved."""
    page.evaluate("() => [...jupyterapp.shell.widgets('main')].forEach((widget) => widget.dispose())")
    command(page, "docmanager:open", {"path": name})
    page.wait_for_function(f"() => jupyterapp.shell.currentWidget?.context?.path === '{name}'", polling=100)
    page.wait_for_function(READY, polling=100)


def command(page, name, arguments=None):
    """Carry out a command of JupyterLab's, as its menu would."""
    page.evaluate("([name, args]) => void jupyterapp.commands.execute(name, args)", [name, arguments or {}])


def run_all(page):
    """Run all cells and wait for the last."""
    command(page, "notebook:run-all-cells")
    page.wait_for_function(
        """() => jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model)
        .every((cell) => cell.type !== "code" || !cell.sharedModel.source.trim() || cell.executionState === "idle")""",
        polling=100,
        timeout=4 * PATIENCE,
    )
    page.wait_for_function(READY, polling=100)


def outputs(page):
    """Return the code cells of the open notebook: source, tags, execution count, outputs as stored."""
    return page.evaluate(
        """() => jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.toJSON())
                 .filter((cell) => cell.cell_type === "code")"""
    )


def ask_kernel(page, code, expression):
    """Run code in the kernel of the open notebook, out of its history, and return an expression's text, evaluated."""
    text = page.evaluate(
        """async ([code, expression]) => {
             const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
             const reply = await kernel.requestExecute({ code, silent: true, store_history: false,
               user_expressions: { found: expression } }).done;
             return reply.content.user_expressions.found.data?.["text/plain"] ?? JSON.stringify(reply.content);
           }""",
        [code, f"__import__('json').dumps({expression})"],
    )
    return json.loads(ast.literal_eval(text))


def theme(page, name):
    """Put JupyterLab into the theme of that name, and wait until it is seen."""
    command(page, "apputils:change-theme", {"theme": name})
    page.wait_for_selector(f"body[data-jp-theme-name='{name}']", state="attached")


if __name__ == "__main__":
    main()
