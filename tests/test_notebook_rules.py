"""Every house rule can fail: a real notebook is broken once for each, and the rule must say so."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import check_notebooks as rules
from tools import run_notebooks as runner

ROOT = Path(__file__).resolve().parent.parent
GOOD = ROOT / "notebooks" / "04_worked_examples.ipynb"


NOTEBOOKS = [path for folder in ("notebooks", "appendix") for path in sorted((ROOT / folder).glob("*.ipynb"))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebooks_keep_the_rules(path):
    assert rules.problems(path) == []


def test_the_map_of_the_first_notebook_gives_the_minutes_of_each():
    minutes = {}
    for path in NOTEBOOKS:
        found = re.search(r"\*\*Time\*\* about (\d+) minutes", nbformat.read(path, as_version=4).cells[0].source)
        minutes[path.name] = found and found[1]
    first = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    said = dict(re.findall(r"^\| \[.*?\]\((\d\d_\w+\.ipynb)\) \| .* \| (\d+) \|$", cell(first, "end").source, re.M))
    assert said == {name: minutes[name] for name in said} and len(said) == 12


def cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def append(name, line):
    def edit(notebook):
        cell(notebook, name).source += "\n" + line

    return edit


def replace(name, old, new):
    def edit(notebook):
        assert old in cell(notebook, name).source
        cell(notebook, name).source = cell(notebook, name).source.replace(old, new)

    return edit


def output(at, **fields):
    def edit(notebook):
        cell(notebook, at).outputs = [nbformat.v4.new_output(**fields)]

    return edit


def html(name, text):
    return output(name, output_type="display_data", data={"text/html": text})


def stream(name, text, stream_name="stdout"):
    return output(name, output_type="stream", name=stream_name, text=text)


def put(name, field, value):
    def edit(notebook):
        cell(notebook, name)[field] = value

    return edit


def tags(name, *values):
    def edit(notebook):
        cell(notebook, name).metadata["tags"] = list(values)

    return edit


def top(notebook):
    notebook.metadata["language_info"]["version"] = "3.11.7"


def error(notebook):
    cell(notebook, "one").outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]


def grow(notebook):
    for each in rules.code_cells(notebook):
        each.source += "\nx = 1" * 6


def many_figures(notebook):
    figure = cell(notebook, "curve").outputs[0]
    figures = [copy.deepcopy(figure) for _ in range(12)]
    for number, each in enumerate(figures):
        each["data"]["text/html"] = each["data"]["text/html"].replace("Loss against", f"Number {number}, loss")
    cell(notebook, "curve").outputs = figures


BROKEN = {
    "no title": (replace("title", "# Work", "Work"), "no title"),
    "no objectives": (replace("title", "**You will**", "You"), "lacks **You will**"),
    "no time": (replace("title", "**Time**", "Time"), "lacks **Time**"),
    "no recap": (replace("end", "## Recap", "## Summary"), "last four headings"),
    "order of headings": (replace("end", "## Exercise", "## Next\n\n## Exercise"), "last four headings"),
    "recap too short": (replace("end", "- averaged", "averaged"), "points in the recap"),
    "not run": (put("one", "execution_count", None), "execution counts"),
    "run out of order": (put("one", "execution_count", 9), "execution counts"),
    "error": (error, "holds an error"),
    "stderr": (stream("one", "warning", "stderr"), "stderr"),
    "long cell": (append("one", "x = 1\n" * 25), "lines; expected at most 25"),
    "wide cell": (append("one", "x = " + "1 + " * 40 + "1"), "characters; expected at most"),
    "long median": (grow, "the median code cell"),
    "many figures": (many_figures, "figures; expected at most"),
    "magic": (append("one", "%matplotlib inline"), "magic"),
    "shell": (append("one", "!ls"), "magic or shell"),
    "sys.path": (append("one", "sys.path.append('.')"), "sys.path"),
    "star import": (append("imports", "from numpy import *"), "star import"),
    "warnings": (append("one", "warnings.simplefilter('ignore')"), "warnings filter"),
    "network": (append("one", "urllib.request.urlopen('x')"), "the network"),
    "plt.show": (append("one", "plt.show()"), "plt.show"),
    "semicolon": (append("one", "x = 1;"), "semicolon"),
    "input": (append("one", "input('?')"), "input()"),
    "clock": (append("one", "time.sleep(1)"), "the clock"),
    "global generator": (append("one", "np.random.seed(0)"), "global generator"),
    "no Python": (append("one", "def"), "is not Python"),
    "late import": (append("one", "import math"), "imports; expected"),
    "first cell does more": (append("imports", "x = 1"), "does more than import"),
    "address": (stream("one", "<object at 0x7f1f0ef73ba0>"), "address"),
    "path": (stream("one", "/home/someone/data"), "path of this machine"),
    "bare figure": (stream("one", "<Figure size 300x200 with 1 Axes>"), "bare figure"),
    "png": (output("one", output_type="display_data", data={"image/png": "aaaa"}), "bare image/png"),
    "widget state": (output("one", output_type="display_data", data={"application/x": "state"}), "application/x"),
    "no alt": (html("one", "<img src='data:image/svg+xml;base64,AAAA'>"), "expected a sentence"),
    "short alt": (html("one", "<img alt='a plot' src='data:x'>"), "expected a sentence"),
    "nbconvert's alt": (html("one", "No description has been provided"), "without a text alternative"),
    "ignored without reason": (tags("one", "nbval-ignore-output"), "does not say why"),
    "widget not tagged": (tags("explorer"), "expected the tag"),
    "nbval comment": (append("one", "# NBVAL_SKIP"), "NBVAL_ comment"),
    "dead link": (append("end", "[05](05_gone.ipynb)"), "does not exist"),
    "random id": (put("one", "id", "a1b2c3d4"), "expected words"),
    "double id": (put("one", "id", "both"), "stands twice"),
    "version stored": (top, "a version"),
    "cell state": (lambda nb: cell(nb, "one").metadata.update(collapsed=True), "collapsed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_can_fail(name, tmp_path):
    edit, expected = BROKEN[name]
    notebook = nbformat.read(GOOD, as_version=4)
    edit(notebook)
    found = [problem for rule in rules.RULES for problem in rule(notebook, GOOD)]
    assert any(expected in problem for problem in found), found


def test_a_large_file_is_a_problem(tmp_path):
    notebook = nbformat.read(GOOD, as_version=4)
    (tmp_path / "x.ipynb").write_text("x" * 400_000)
    assert any("bytes" in problem for problem in rules.check_size(notebook, tmp_path / "x.ipynb"))


def test_the_check_fails_as_a_command(tmp_path):
    notebook = nbformat.read(GOOD, as_version=4)
    append("one", "%time")(notebook)
    nbformat.write(notebook, tmp_path / "bad.ipynb")
    run = subprocess.run([sys.executable, ROOT / "tools" / "check_notebooks.py", tmp_path / "bad.ipynb"])
    assert run.returncode == 1


def test_normalize_is_stable_and_removes_what_changes():
    notebook = nbformat.read(GOOD, as_version=4)
    once = nbformat.writes(runner.normalize(copy.deepcopy(notebook)))
    noisy = copy.deepcopy(notebook)
    noisy.metadata["language_info"]["version"] = "3.99"
    noisy.metadata["widgets"] = {"state": {}}
    code = rules.code_cells(noisy)[1]
    code.metadata["execution"] = {"iopub.status.busy": "now"}
    text = code.outputs[0].text
    code.outputs = [nbformat.v4.new_output("stream", text=part) for part in (text[:3], text[3:])]
    assert nbformat.writes(runner.normalize(noisy)) == once


def test_the_runner_stores_what_is_stored(tmp_path):
    path = tmp_path / GOOD.name
    path.write_bytes(GOOD.read_bytes())
    assert runner.main([str(path)]) == 0
    assert path.read_bytes() == GOOD.read_bytes()


def _nbval(path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    return subprocess.run([*command, str(path)], capture_output=True, text=True, cwd=path.parent, timeout=120)


@pytest.mark.parametrize("kind", ["print", "figure"])
def test_nbval_fails_when_one_stored_digit_changes(tmp_path, kind):
    """With a few cells of a real notebook, to be quick; nbval compares each cell on its own."""
    notebook = nbformat.read(GOOD, as_version=4)
    notebook.cells = [cell(notebook, name) for name in ("imports", "one", "both", "curve")]
    path = tmp_path / "short.ipynb"
    nbformat.write(notebook, path)
    good = _nbval(path)
    assert good.returncode == 0, good.stdout
    if kind == "print":
        cell(notebook, "one").outputs[0].text = cell(notebook, "one").outputs[0].text.replace("0.2231", "0.2232")
    else:
        data = cell(notebook, "curve").outputs[0]["data"]
        data["text/html"] = data["text/html"].replace("base64,", "base64,A", 1)
    nbformat.write(notebook, path)
    bad = _nbval(path)
    assert bad.returncode == 1 and "1 failed" in bad.stdout
