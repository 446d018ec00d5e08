"""The JupyterLite site in Chromium, with the runtime's core from a registry in place of the runtime's own host.

Whatever the site asks for outside its own server is answered from build/lite-runtime, or with 404 where that holds no
such file. The test keeps a list of both. numpy for the browser is in no registry, so an import of it must fail here,
and the list shows that nothing else was missing. docs/lite.md says what stays unproven.
"""

import json
import re
import time
from pathlib import Path
from urllib.parse import urlparse

import pytest

ROOT = Path(__file__).resolve().parents[2]
LITE, RUNTIME = ROOT / "build" / "lite", ROOT / "build" / "lite-runtime"
KINDS = {".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}


@pytest.fixture(scope="module")
def lab(browser, serve):
    """Open notebook 01 and wait until Python answers; yield the page, a function that runs code, and the requests."""
    assert (LITE / "lab" / "index.html").exists(), "build/lite is empty; run make lite"
    address = serve(LITE)
    asked = {"given": [], "missing": []}

    def answer(route):
        url = route.request.url
        if url.startswith((address, "data:", "blob:")):
            return route.continue_()
        path = RUNTIME / Path(urlparse(url).path).name
        asked["given" if path.is_file() else "missing"].append(url)
        if not path.is_file():
            return route.fulfill(status=404, headers={"access-control-allow-origin": "*"})
        return route.fulfill(
            path=path,
            content_type=KINDS.get(path.suffix, "application/octet-stream"),
            headers={"access-control-allow-origin": "*"},
        )

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.route("**/*", answer)
    page = context.new_page()
    page.set_default_timeout(600_000)
    start = time.perf_counter()
    page.goto(f"{address}/lab/index.html?path=notebooks/01_the_pair.ipynb")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    opened = time.perf_counter()

    def run(code):
        """Run code in the open notebook's kernel and return what it prints; errors come back as text, too."""
        return page.evaluate(RUN, code)

    page.wait_for_function("[...(globalThis.jupyterapp?.serviceManager.sessions.running() ?? [])].length > 0")
    first = run("import sys; print(sys.version.split()[0], sys.platform)")
    answered = time.perf_counter()
    print(f"\nlite: on screen after {opened - start:.1f} s, Python's first answer after {answered - start:.1f} s")
    yield page, run, asked, first
    context.close()


RUN = """async (code) => {
  const app = globalThis.jupyterapp;
  const session = [...app.serviceManager.sessions.running()][0];
  const connection = app.serviceManager.sessions.connectTo({ model: session });
  const future = connection.kernel.requestExecute({ code });
  let text = "";
  future.onIOPub = ({ content }) => {
    text += content.text ?? content.data?.["text/plain"] ?? "";
    if (content.ename) text += `${content.ename}: ${content.evalue}`;
  };
  await future.done;
  return text;
}"""


def test_python_starts_in_the_version_that_is_pinned(lab):
    pinned = json.loads((RUNTIME / "pyodide-lock.json").read_text())["info"]["python"]
    assert lab[3].split() == [pinned, "emscripten"]


def test_every_notebook_is_served_and_begins_by_installing_nsputil(lab):
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        served = json.loads((LITE / "files" / "notebooks" / path.name).read_text(encoding="utf-8"))
        code = [cell for cell in served["cells"] if cell["cell_type"] == "code"]
        assert "%pip install -q nsputil nsputil-corpora" in code[0]["source"]
        assert len(code) == 1 + sum(c["cell_type"] == "code" for c in json.loads(path.read_text("utf-8"))["cells"])


def test_our_wheels_install_from_the_site_itself(lab):
    run = lab[1]
    code = """
import piplite
await piplite.install(["nsputil", "nsputil-corpora", "sentencex", "anywidget", "ipywidgets", "psygnal"], deps=False)
import nsputil
print(nsputil.__version__)
"""
    assert re.fullmatch(r"\d+\.\d+\.\d+\s*", run(code))


def test_the_corpora_are_the_very_sentences_of_the_course(lab):
    run = lab[1]
    code = """
from nsputil.corpus import load_corpus, read_documents
for name in ("sotu", "factbook"):
    documents = load_corpus(name)
    print(len(documents), sum(len(d.sentences) for d in documents))
print(read_documents(["Mr. Smith met the committee. It agreed."])[0].sentences)
"""
    assert run(code).split("\n")[:3] == ["249 75057", "256 3202", "('Mr. Smith met the committee.', 'It agreed.')"]


def test_only_the_runtime_s_own_address_is_asked_and_only_compiled_packages_are_missing(lab):
    page, run, asked, _ = lab
    said = run("%pip install -q nsputil nsputil-corpora")
    assert "numpy" in said + run("import nsputil.losses"), said
    hosts = {urlparse(url).hostname for urls in asked.values() for url in urls}
    assert len(hosts) == 1, hosts
    compiled = {Path(urlparse(url).path).name for url in asked["missing"]}
    assert all("pyemscripten" in name or name.endswith("-none-any.whl") for name in compiled), compiled
    print(f"lite: {len(asked['given'])} files from the runtime, not to be had here: {sorted(compiled)}")
