"""Documents quote what was measured: every figure and line is one of a stored result, and storing keeps it so.

tools/results.py runs this file before it stores anything.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nsputil.clinic.probes import PROBES
from tools import results as tool

ROOT = Path(__file__).resolve().parent.parent


def read(name, root=ROOT):
    return (root / name).read_text(encoding="utf-8")


def unsupported(quote, root=ROOT):
    """Return the figures of a quote that no line of its results has, and the number of all."""
    measured = {
        figure for result in quote.results for figure in re.findall(tool.FIGURE, read(tool.file_of(result), root))
    }
    figures = quote.figures(read(quote.document, root))
    return [figure for figure in figures if figure not in measured], len(figures)


def blocks(root=ROOT):
    """Return ``[(document, file, lines)]`` of every block between markers."""
    return [
        (quote.document, block["file"], block["lines"])
        for quote in tool.QUOTES
        for block in re.finditer(tool.BLOCK, read(quote.document, root), re.S)
    ]


@pytest.mark.parametrize("quote", tool.QUOTES, ids=lambda quote: f"{quote.document} {quote.section}".strip())
def test_every_figure_of_a_document_is_in_the_stored_results(quote):
    missing, number = unsupported(quote)
    assert missing == [] and number >= (1 if quote.document.endswith(".ipynb") else 16)


def test_a_block_holds_the_lines_of_the_stored_result_and_no_times():
    found = blocks()
    assert {document for document, _, _ in found} == {"docs/clinic.md"}
    for document, file, lines in found:
        assert lines == tool.quoted_lines(read(file)), f"{document} differs from {file}: make store-results"
        assert not re.search(r"\b(milliseconds|ms|seconds|s of CPU)\b", lines), "times differ from run to run"


def test_the_declared_costs_of_the_probes_are_those_measured():
    """benchmarks/probe_cost.py measures. Half as much again is within what machines differ."""
    lines = read("benchmarks/results/probe_cost.txt").splitlines()[2:]
    measured = {name: [float(bag), float(bert)] for name, bag, bert, _ in map(str.split, lines)}
    assert list(measured) == list(PROBES)
    for name, costs in measured.items():
        assert PROBES[name].cost / 1.5 <= max(1, *costs) <= 1.5 * PROBES[name].cost, name


@pytest.fixture
def tree(tmp_path):
    """A copy of the documents and results, to store into."""
    for name in {quote.document for quote in tool.QUOTES}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for folder in ("benchmarks", "research"):
        shutil.copytree(ROOT / folder / "results", tmp_path / folder / "results")
    return tmp_path


def remeasured(tree, result, change):
    """Write into build/results what a run would print if each figure had become `change(figure)`."""
    file = tree / "build" / "results" / f"{result}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = read(tool.file_of(result), tree)
    file.write_text(re.sub(tool.FIGURE, lambda match: change(match[0]), text), encoding="utf-8", newline="\n")
    return file


def a_bit_more(figure):
    return f"{float(figure) + 0.002:.3f}"


def test_storing_renews_the_documents_so_that_they_still_agree(tree):
    results = sorted({result for quote in tool.QUOTES for result in quote.results})
    for result in results:
        remeasured(tree, result, a_bit_more)
    before = {quote: quote.figures(read(quote.document, tree)) for quote in tool.QUOTES}
    tool.store(results, tree, hold=lambda: True)
    for quote, figures in before.items():
        assert quote.figures(read(quote.document, tree)) == [a_bit_more(figure) for figure in figures]
        assert unsupported(quote, tree)[0] == []
    for _, file, lines in blocks(tree):
        assert lines == tool.quoted_lines(read(file, tree)) != tool.quoted_lines(read(file))
    assert read("benchmarks/results/accuracy.txt", tree) == read("build/results/benchmarks/accuracy.txt", tree)


def test_storing_what_is_stored_changes_nothing(tree):
    for result in ("clinic_bench", "accuracy"):
        remeasured(tree, f"benchmarks/{result}", str)
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    tool.store(["clinic_bench", "benchmarks/accuracy"], tree, hold=lambda: True)
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_nothing_is_stored_if_the_tests_would_fail(tree):
    remeasured(tree, "benchmarks/accuracy", a_bit_more)
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    new = read("build/results/benchmarks/accuracy.txt", tree)

    def fail():
        assert read("benchmarks/results/accuracy.txt", tree) == new
        return False

    with pytest.raises(SystemExit, match="nothing was stored"):
        tool.store(["accuracy"], tree, hold=fail)
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_a_name_that_was_not_measured_is_refused_and_what_was_is_told(tree):
    remeasured(tree, "benchmarks/accuracy", str)
    with pytest.raises(SystemExit, match="not measured: accurate; measured: benchmarks/accuracy"):
        tool.store(["accurate"], tree, hold=lambda: True)


def test_a_figure_that_became_two_is_left_and_told(tree, capsys):
    """0.885 is nsp-mini's accuracy and that of four bags; only one of them changes."""
    file = remeasured(tree, "benchmarks/accuracy", str)
    line = next(
        line for line in file.read_text(encoding="utf-8").splitlines() if "nsp-mini, sotu segments of 128" in line
    )
    assert "accuracy 0.885" in line
    file.write_text(file.read_text(encoding="utf-8").replace(line, line.replace("0.885", "0.884")), encoding="utf-8")
    tool.store(["accuracy"], tree, hold=lambda: True)
    assert "0.885 may be 0.884 or 0.885, and was left" in capsys.readouterr().out
    assert read("docs/nsp-mini.md", tree) == read("docs/nsp-mini.md")


def test_lines_in_another_order_are_told_by_their_words():
    old, new = "bag  0.100 0.200\ntree 0.300\n", "a new line 0.900\ntree 0.400\nbag 0.150  0.200\n"
    assert tool.changes(old, new) == {"0.100": {"0.150"}, "0.200": {"0.200"}, "0.300": {"0.400"}}


def test_only_a_whole_run_that_succeeded_is_kept(tmp_path, capsys):
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "one.py").write_text(
        "import sys\nprint('found 0.500')\nprint('3 s', file=sys.stderr)\n", encoding="utf-8"
    )
    (folder / "broken.py").write_text("print('half')\nraise ValueError\n", encoding="utf-8")
    kept = tmp_path / "build" / "results" / "benchmarks"
    tool.measure("benchmarks/one.py", ["--part"], root=tmp_path)
    with pytest.raises(SystemExit, match="broken.py ended with 1"):
        tool.measure("benchmarks/broken.py", root=tmp_path)
    assert not kept.exists()
    tool.measure("benchmarks/one.py", root=tmp_path)
    assert [path.name for path in kept.iterdir()] == ["one.txt"] and (kept / "one.txt").read_text() == "found 0.500\n"
    assert capsys.readouterr().out == "found 0.500\nhalf\nfound 0.500\n"
    assert tool.measured(tmp_path) == {"benchmarks/one": "found 0.500\n"}


def test_no_make_target_measures_into_the_tree():
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make on this system")
    targets = ["bench", "lab-bench", "clinic-bench", "clinic-rivals", "clinic-ceiling", "segment-ceiling"]
    for target in targets:
        said = subprocess.run([make, "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert "tools/results.py measure " in said and not re.search(r"\btee\b|/results/|> *[a-z]+/", said), target
