"""Check that notebooks keep the house rules; print what is wrong and where. `make check` runs it.

Each rule is one function that takes a notebook and yields problems. tests/test_notebook_rules.py breaks a notebook
once for every rule. What the rules are for: docs/authoring.md.
"""

import ast
import re
import statistics
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES, MAX_MEDIAN, MAX_WIDTH = 25, 5, 96
MAX_FIGURES, MAX_BYTES = 8, 300_000
HEADINGS = ["Check yourself", "Recap", "Exercise", "Next"]
FRAME = ["**You will**", "**You need**", "**Time**"]
FORBIDDEN = {
    r"^\s*[%!]": "a magic or shell command",
    r"\bsys\.path\b": "sys.path",
    r"\bimport \*": "a star import",
    r"filterwarnings|simplefilter": "a warnings filter",
    r"\b(urllib|requests|httpx|socket)\b": "the network",
    r"\bplt\.show\b|\bplt\.figure\b": "plt.show or plt.figure; use new_figure and show(fig, alt=...)",
    r";\s*$": "a trailing semicolon, which nbval does not heed",
    r"\binput\(": "input(), which waits for a keyboard",
    r"\btime\.(time|perf_counter|sleep)\b": "the clock",
    r"np\.random\.(seed|rand|randn|randint|normal|uniform|choice|shuffle|permutation)\b": "numpy's global generator",
}
NO_OUTPUT = {
    r"\b0x[0-9a-f]{6,}": "the address of an object",
    r"/(home|root|tmp|Users|work|usr)/\w": "a path of this machine",
    r"\b[A-Z]:\\\\": "a path of this machine",
    r"<(Figure|Axes|matplotlib)\b": "a bare figure",
    r"No description has been provided": "an image without a text alternative",
}


def code_cells(notebook):
    """Return the code cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def text_of(output):
    """Return all text of an output, figures' data left out."""
    parts = [output.get("text", ""), output.get("evalue", "")]
    parts += [str(value) for key, value in output.get("data", {}).items() if key.startswith("text/")]
    return re.sub(r"base64,[^\"']*", "base64,", "\n".join(parts))


def check_frame(notebook, path):
    """Title, objectives, needs, time; then sections; then the four closing headings in order."""
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not re.match(r"# \S", first.source):
        yield "the first cell is no title; expected '# ' and a verb"
    for part in FRAME:
        if part not in first.source:
            yield f"the first cell lacks {part}"
    markdown = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    headings = re.findall(r"^## (.*)$", markdown, re.MULTILINE)
    if [h for h in headings if h in HEADINGS] != HEADINGS or headings[-4:] != HEADINGS:
        yield f"the last four headings are {headings[-4:]}; expected {HEADINGS}"
    if "*Predict:*" not in markdown:
        yield "nothing is predicted; expected '*Predict:*' before a result"
    objectives = _bullets(first.source.split("**You will**")[-1].split("**You need**")[0])
    recap = _bullets(markdown.split("## Recap")[-1].split("## Exercise")[0])
    if not 3 <= objectives <= 7:
        yield f"{objectives} objectives; expected 3 to 7"
    if objectives != recap:
        yield f"{objectives} objectives but {recap} points in the recap; expected one for each"


def _bullets(text):
    return len(re.findall(r"^- ", text, re.MULTILINE))


def check_executed(notebook, path):
    """Every code cell ran, in order, without an error and without a word on stderr."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts[:6]}...; expected 1, 2, 3, ...: run make notebooks"
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                yield f"cell {cell.id} holds an error, {output.ename}"
            if output.get("name") == "stderr":
                yield f"cell {cell.id} writes to stderr"


def check_size(notebook, path):
    """Short cells, few figures, a small file."""
    lengths = []
    for cell in code_cells(notebook):
        lines = cell.source.splitlines()
        lengths.append(len(lines))
        if len(lines) > MAX_LINES:
            yield f"cell {cell.id} has {len(lines)} lines; expected at most {MAX_LINES}"
        for line in lines:
            if len(line) > MAX_WIDTH:
                yield f"cell {cell.id} has a line of {len(line)} characters; expected at most {MAX_WIDTH}"
    if lengths and statistics.median(lengths) > MAX_MEDIAN:
        yield f"the median code cell has {statistics.median(lengths)} lines; expected at most {MAX_MEDIAN}"
    figures = sum("<img" in text_of(output) for cell in code_cells(notebook) for output in cell.outputs)
    if figures > MAX_FIGURES:
        yield f"{figures} figures; expected at most {MAX_FIGURES}"
    if path.exists() and path.stat().st_size > MAX_BYTES:
        yield f"the file has {path.stat().st_size:,} bytes; expected at most {MAX_BYTES:,}"


def check_code(notebook, path):
    """The first code cell imports; nothing forbidden; no import further down."""
    for number, cell in enumerate(code_cells(notebook)):
        for pattern, what in FORBIDDEN.items():
            if re.search(pattern, cell.source, re.MULTILINE):
                yield f"cell {cell.id} uses {what}"
        try:
            body = ast.parse(cell.source).body
        except SyntaxError as error:
            yield f"cell {cell.id} is not Python: {error.msg}"
            continue
        imports = [isinstance(node, ast.Import | ast.ImportFrom) for node in body]
        if number == 0 and not all(imports):
            yield f"cell {cell.id} is the first and does more than import"
        if number > 0 and any(imports):
            yield f"cell {cell.id} imports; expected all imports in the first code cell"


def check_outputs(notebook, path):
    """Nothing that differs from machine to machine; every image is SVG in <img alt="...">."""
    seen = set()
    for cell in code_cells(notebook):
        for output in cell.outputs:
            for mime in output.get("data", {}):
                if mime.startswith("image/"):
                    yield f"cell {cell.id} stores a bare {mime}; expected show(fig, alt=...)"
                if mime.startswith("application/"):
                    yield f"cell {cell.id} stores {mime}; run make notebooks"
            for pattern, what in NO_OUTPUT.items():
                if re.search(pattern, text_of(output)):
                    yield f"cell {cell.id} prints {what}"
            for alt in _alts(text_of(output)):
                if len(alt.split()) < 6:
                    yield f"cell {cell.id} has an image with alt {alt!r}; expected a sentence"
                elif alt in seen:
                    yield f"cell {cell.id} repeats an alt text"
                seen.add(alt)


class _Images(HTMLParser):
    def __init__(self):
        super().__init__()
        self.alts = []

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.alts.append(dict(attrs).get("alt") or "")


def _alts(html):
    parser = _Images()
    parser.feed(html)
    return parser.alts


def check_nbval_tags(notebook, path):
    """What nbval does not compare is a widget of one line, or says why in a comment."""
    for cell in code_cells(notebook):
        loose = {"nbval-ignore-output", "nbval-skip"} & set(cell.metadata.get("tags", []))
        if "NBVAL_" in cell.source:
            yield f"cell {cell.id} has a NBVAL_ comment; expected a tag"
        widget = re.fullmatch(r"widgets\.\w+\(.*\)", cell.source.strip())
        if loose and not widget and "#" not in cell.source:
            yield f"cell {cell.id} is ignored by nbval, is no widget and does not say why"
        if widget and not loose:
            yield f"cell {cell.id} is a widget; expected the tag nbval-ignore-output"


def check_links(notebook, path):
    """Links between notebooks and to documents lead somewhere; none is absolute."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)", cell.source):
            if target.startswith(("https://", "http://", "#")):
                continue
            if not (path.parent / target.split("#")[0]).exists():
                yield f"cell {cell.id} links to {target}, which does not exist"


def check_ids(notebook, path):
    """Ids are words, and no two cells share one."""
    seen = set()
    for cell in notebook.cells:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", cell.id) or re.fullmatch(r"[0-9a-f]{8}(-.*)?", cell.id):
            yield f"cell id {cell.id!r}; expected words such as 'predict-the-sign'"
        if cell.id in seen:
            yield f"cell id {cell.id!r} stands twice"
        seen.add(cell.id)


def check_metadata(notebook, path):
    """No editor's state, no version of Python, the plain kernel name."""
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not python3"
    if set(notebook.metadata) - {"kernelspec", "language_info", "nsputil"} or "version" in notebook.metadata.get(
        "language_info", {}
    ):
        yield "the notebook stores an editor's state or a version; run make notebooks"
    for cell in notebook.cells:
        extra = set(cell.metadata) - {"tags", "nbgrader", "claims"}
        if extra:
            yield f"cell {cell.id} stores {sorted(extra)}; run make notebooks"


RULES = (
    check_frame,
    check_executed,
    check_size,
    check_code,
    check_outputs,
    check_nbval_tags,
    check_links,
    check_ids,
    check_metadata,
)


def problems(path):
    """Return all problems of one notebook as text."""
    notebook = nbformat.read(path, as_version=4)
    return [problem for rule in RULES for problem in rule(notebook, path)]


def main(arguments):
    """Check the named notebooks, or all of notebooks/ and appendix/; return the number of problems."""
    masters = sorted((ROOT / "notebooks").glob("*.ipynb")) + sorted((ROOT / "appendix").glob("*.ipynb"))
    paths = [Path(argument) for argument in arguments] or masters
    count = 0
    for path in paths:
        for problem in problems(path):
            print(f"{path.name}: {problem}")
            count += 1
    print(f"{len(paths)} notebooks, {count} problems")
    return count


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
