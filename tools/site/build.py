"""Build the reading site: README, notebooks and documents as static HTML, with the widgets alive and no Python.

    python tools/site/build.py [--lite]      into build/site; `make site` also checks it (tests/site)

Sphinx builds it; here its sources are laid out in build/site-src so that every relative link of the repository holds.
Of the notebooks the stored outputs are shown, nothing is run anew, except that a widget's first state is asked for.
--lite adds to each notebook a link into a JupyterLite site that will stand in the folder lite/ of this one.
"""

import functools
import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import api_pages
import nbformat

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
SOURCE, OUTPUT, CACHE = ROOT / "build" / "site-src", ROOT / "build" / "site", ROOT / "build" / "widget_states.json"
#: The course's own environment: only it can say what a widget shows at first.
COURSE_PYTHON = ROOT / ".venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
CAPTIONS = {"notebooks": "The course", "appendix": "Appendix", "exercises": "Exercises"}
CELL = re.compile(r"(?<=\]\()(\S+)\.ipynb\), cell `([\w-]+)`")
LINK = re.compile(r"(\[[^\[\]]*\]\()([^)#\s]+)((?:#[^)\s]*)?\))")


def notebooks():
    """Return the notebooks that the site shows, in order: the course's, the appendix and the exercises."""
    folders = ("notebooks", "appendix", "exercises")
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.ipynb"))]
    return [path for path in found if ".ipynb_checkpoints" not in path.parts]


def page_of(path):
    """Return the name of a notebook's page, such as "notebooks/05_the_gradient"."""
    return path.relative_to(ROOT).with_suffix("").as_posix()


def widget_states():
    """Return {file name: {cell id: module, source, state, text}}; computed once for a state of the repository."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    package = [path for path in sorted((ROOT / "nsputil").rglob("*")) if path.suffix in {".py", ".js", ".css"}]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*paths, *package])).hexdigest()
    if CACHE.exists():
        cached = json.loads(CACHE.read_text(encoding="utf-8"))
        if cached["digest"] == digest:
            return cached["states"]
    command = [COURSE_PYTHON, HERE / "widget_states.py", *paths]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"the widgets' states could not be computed:\n{done.stderr[-3000:]}")
    states = json.loads(done.stdout)
    CACHE.parent.mkdir(exist_ok=True)
    CACHE.write_text(json.dumps({"digest": digest, "states": states}), encoding="utf-8")
    return states


def live(widget):
    """Return the HTML that live.js turns into a widget; without JavaScript it is the widget in words."""
    state = json.dumps(widget["state"]).replace("</", "<\\/")
    return (
        f'<div class="nsp-live" data-module="{widget["module"]}"><p>{html.escape(widget["text"])}</p>'
        f'<script type="application/json">{state}</script></div>'
    )


def stage_notebook(path, states, lite):
    """Write a notebook into the site's sources: widgets made live, links to fetch and to run it added."""
    notebook = nbformat.read(path, as_version=4)
    used = api_pages.names_section(notebook, page_of(path))
    for cell in notebook.cells:
        cell.metadata["site_id"] = cell.id  # tools/site/cell_links.py makes an anchor of it
        if cell.id in states:
            data = {"text/html": live(states[cell.id])}
            cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=cell.execution_count)]
        elif cell.cell_type == "markdown":
            cell.source = relink(cell.source, path)
    name = path.relative_to(ROOT)
    up = "../" * (len(name.parts) - 1)
    links = [f'<a href="{up}files/{name.as_posix()}" download>Download this notebook</a>']
    if lite:
        links.append(f'<a href="{up}lite/lab/index.html?path={name.as_posix()}">Run it in this browser</a>')
    # In one cell with the title: a page begins with its heading.
    title, _, rest = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f'{title}\n\n<p class="nsp-links">{" · ".join(links)}</p>\n\n{rest}'
    if used:
        notebook.cells.append(nbformat.v4.new_markdown_cell(used, id="used-here"))
    nbformat.write(notebook, _target(name))
    _copy(path, OUTPUT / "files" / name)


def relink(text, path):
    """Let links to a folder go to its list, and copy the files that are linked and no page of the site."""

    def one(match):
        target = match[2]
        goal = (path.parent / target).resolve()
        if "://" in target or target.startswith("mailto:") or not goal.is_relative_to(ROOT):
            return match[0]
        if (module := ".".join(goal.relative_to(ROOT).with_suffix("").parts)) in api_pages.modules():
            return f"{match[1]}{'../' * (len(path.relative_to(ROOT).parts) - 1)}api/{module}.rst{match[3]}"
        if goal.is_dir():
            if not (SOURCE / goal.relative_to(ROOT) / "index.md").exists():
                return match[1][1:-2]  # no page to go to: plain words
            return f"{match[1]}{target.rstrip('/')}/index.md{match[3]}"
        if goal == ROOT / "README.md":
            return f"{match[1]}{target.replace('README.md', 'index.md')}{match[3]}"
        if goal.is_file() and goal.suffix not in {".md", ".ipynb"}:
            _copy(goal, SOURCE / goal.relative_to(ROOT))
        return match[0]

    return LINK.sub(one, text)


@functools.cache
def code_cells(path):
    """Return the ids of a notebook's code cells."""
    return {cell.id for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"}


def link_cells(text, path):
    """Make a link of each code cell that is named behind a link to its notebook, as on the page of questions."""

    def one(match):
        if match[2] not in code_cells(path.parent / f"{match[1]}.ipynb"):
            return match[0]  # only code cells are places to link to
        link = f'<a href="{match[1]}.html#cell-{match[2]}"><code>{match[2]}</code></a>'
        return f"{match[1]}.ipynb), cell {link}"

    return CELL.sub(one, text)


def stage(lite):
    """Lay out the sources of the site."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    contents_of = "\n".join(path.stem for path in decisions)
    _write("docs/decisions/index.md", f"# Decisions\n\nOne page each.\n\n```{{toctree}}\n{contents_of}\n```\n")
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        if path.name != "README.md":
            _write(path.relative_to(ROOT), relink(link_cells(path.read_text(encoding="utf-8"), path), path))
    readme = ROOT / "README.md"
    _write("index.md", relink(readme.read_text(encoding="utf-8"), readme) + contents())
    for name, text in api_pages.pages({page_of(path): path for path in notebooks()}).items():
        _write(f"api/{name}", text)
    states = widget_states()
    for path in notebooks():
        stage_notebook(path, states.get(path.name, {}) if path.parent.name == "notebooks" else {}, lite)
    static = SOURCE / "_static"
    for path in (HERE / "live.js", HERE / "site.css", ROOT / "nsputil" / "widgets" / "widgets.css"):
        _copy(path, static / path.name)
    modules = {w["module"]: w["source"] for cells in states.values() for w in cells.values()}
    (static / "modules.js").write_text(f"globalThis.nspModules = {json.dumps(modules)};\n", encoding="utf-8")


def contents():
    """Return the site's table of contents for the end of the front page."""
    parts = {"notebooks": [], "appendix": [], "exercises": [], "Reference": []}
    for path in notebooks():
        name = page_of(path)
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].lstrip("# ")
        number = f"{path.name[:2]} " if path.name[:2].isdigit() else ""
        parts[name.split("/")[0]].append(f"{number}{title} <{name}>")
    parts["Reference"] = [f"docs/{path.stem}" for path in sorted((ROOT / "docs").glob("*.md"))]
    first = ["docs/questions", "docs/tables"]
    parts["Reference"] = [*first, "api/index", *(page for page in parts["Reference"] if page not in first)]
    parts["Reference"] += ["docs/decisions/index", "CONTRIBUTING", "CHANGELOG"]
    blocks = [
        f"\n```{{toctree}}\n:hidden:\n:caption: {CAPTIONS.get(part, part)}\n\n" + "\n".join(names) + "\n```\n"
        for part, names in parts.items()
        if names
    ]
    return "\n" + "".join(blocks)


def _target(name):
    target = SOURCE / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _write(name, text):
    _target(name).write_text(text, encoding="utf-8", newline="\n")


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def main(arguments):
    """Build the site and print its figures."""
    start = time.perf_counter()
    stage("--lite" in arguments)
    staged = time.perf_counter()
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", HERE, SOURCE, OUTPUT]
    if subprocess.run(command).returncode:
        raise SystemExit("sphinx found something wrong; see above")
    shutil.rmtree(OUTPUT / ".doctrees", ignore_errors=True)
    pages = list(OUTPUT.rglob("*.html"))
    size = sum(path.stat().st_size for path in OUTPUT.rglob("*") if path.is_file()) / 1e6
    end = time.perf_counter()
    print(
        f"site: {len(pages)} pages, {size:.1f} MB, built in {end - start:.0f} s "
        f"({staged - start:.0f} s of it laying out and asking widgets): open {OUTPUT.relative_to(ROOT)}/index.html"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
