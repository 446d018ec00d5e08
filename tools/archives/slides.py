"""A notebook as slides for a live class: the code first, and its output when you go on.

nbconvert makes the page, reveal.js (in the folder beside it) turns the slides, formulas are MathML, which browsers draw
themselves. So the slides need no network.
"""

import re

import latex2mathml.converter
import nbformat
from nbconvert import SlidesExporter

#: What fits on a slide, in lines of text.
LINES = 19
#: A figure counts as so many lines.
FIGURE_LINES = 14
#: Characters of a line of prose.
WIDTH = 85

TEMPLATE = r"""
{%- extends 'reveal/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_css -%}
<style>
.reveal .slides { text-align: left; }
.reveal .slides > section, .reveal .slides > section > section { max-height: 100%; overflow-y: auto; }
.reveal h1 { font-size: 1.7em; } .reveal h2 { font-size: 1.35em; } .reveal h3 { font-size: 1.1em; }
.reveal h1, .reveal h2, .reveal h3 { text-transform: none !important; }
.jp-InputPrompt, .jp-OutputPrompt, .jp-Collapser { display: none; }
.jp-OutputArea-output img, .jp-OutputArea-output svg { max-height: 460px; max-width: 100%; }
:root { --jp-ui-font-size1: 19px; --jp-content-font-size1: 19px; --jp-code-font-size: 17px; }
</style>
{%- endblock -%}
{%- block footer_js -%}
<script src="{{ resources.reveal.url_prefix }}/dist/reveal.js"></script>
<script src="{{ resources.reveal.url_prefix }}/plugin/notes/notes.js"></script>
<script>
document.querySelectorAll(".jp-CodeCell .jp-Cell-outputWrapper").forEach((output) => output.classList.add("fragment"));
Reveal.initialize({ hash: true, slideNumber: "c/t", center: false, transition: "none", plugins: [RevealNotes],
                    width: 1120, height: 720 });
</script>
{%- endblock -%}
"""


def deck(notebook):
    """Return a copy of a notebook in which each cell says where it is among the slides.

    Parameters
    ----------
    notebook : NotebookNode
        With its outputs. A heading begins a slide. Below it, a further slide begins where one is full, and at each
        code cell after a first one with outputs. The words after an output come when you go on, as the output does.

    Returns
    -------
    NotebookNode
    """
    copy, used, shown = nbformat.from_dict(notebook), LINES + 1, False
    copy.cells = [part for cell in copy.cells for part in at_headings(cell)]
    for cell in copy.cells:
        code, size = cell.cell_type == "code", height(cell)
        if not code and re.match(r"#{1,2} ", cell.source):
            kind, used, shown = "slide", size, False
        elif used + size > LINES or (code and shown):
            kind, used, shown = "subslide", size, False
        else:
            kind, used = "fragment" if shown else "-", used + size
        cell.metadata["slideshow"] = {"slide_type": kind}
        if code:
            cell.outputs = [without_widget(output) for output in cell.outputs]
            shown = shown or bool(cell.outputs)
        else:
            cell.source = with_mathml(cell.source)
    copy.metadata.pop("widgets", None)
    return copy


def at_headings(cell):
    """Return a Markdown cell cut before each heading of a section; another cell as it is.

    Parameters
    ----------
    cell : NotebookNode

    Returns
    -------
    list of NotebookNode
    """
    if cell.cell_type != "markdown":
        return [cell]
    texts, code = [""], False
    for line in cell.source.splitlines(keepends=True):
        code ^= line.startswith("```")
        if re.match(r"#{1,2} ", line) and not code:
            texts.append("")
        texts[-1] += line
    texts = [text.strip() for text in texts]
    return [nbformat.v4.new_markdown_cell(text, attachments=cell.get("attachments", {})) for text in texts if text]


def height(cell):
    """Return about how many lines a cell takes, with its outputs.

    Parameters
    ----------
    cell : NotebookNode

    Returns
    -------
    int
    """
    if cell.cell_type == "markdown":
        return sum(2 if line.startswith("#") else 1 + len(line) // WIDTH for line in cell.source.splitlines()) + 1
    lines = 1 + cell.source.count("\n") + 1
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if any(kind.startswith("image/") for kind in data):
            lines += FIGURE_LINES
        else:
            lines += str(output.get("text", data.get("text/plain", ""))).count("\n") + 1
    return lines


def without_widget(output):
    """Return an output whose live widget is left out, so that its still picture shows.

    Parameters
    ----------
    output : NotebookNode

    Returns
    -------
    NotebookNode
    """
    if "data" in output:
        output.data = {kind: data for kind, data in output.data.items() if "widget" not in kind}
    return output


def with_mathml(text):
    """Return Markdown in which ``$...$`` and ``$$...$$`` outside code have become MathML.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    parts = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    for k in range(0, len(parts), 2):
        part = re.sub(r"\$\$(.+?)\$\$", lambda m: _mathml(m[1], "block"), parts[k], flags=re.DOTALL)
        parts[k] = re.sub(r"(?<![\\\w])\$([^$\n]+?)\$(?!\d)", lambda m: _mathml(m[1], "inline"), part)
    return "".join(parts)


def _mathml(formula, display):
    return latex2mathml.converter.convert(formula.strip(), display=display)


def as_html(notebook, title, reveal="reveal.js"):
    """Return the page with the slides of a notebook.

    Parameters
    ----------
    notebook : NotebookNode
        As `deck` returns it.
    title : str
    reveal : str, optional
        Where reveal.js is, seen from the page.

    Returns
    -------
    str
    """
    exporter = SlidesExporter(reveal_url_prefix=reveal, reveal_theme="white", raw_template=TEMPLATE)
    exporter.embed_images = True
    notebook.metadata["title"] = title
    page, _ = exporter.from_notebook_node(notebook)
    return page
