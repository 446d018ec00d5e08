"""A Sphinx extension: each code cell of a notebook is a place to link to, and docstrings link to notebooks they name.

tools/site/build.py writes the id of each cell into its metadata. A link to a cell that is gone breaks the build.
"""

import re

from api_pages import ROOT, label, with_code
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform
from sphinx.util.nodes import make_refnode

SEALED = ("nsputil.scenes", "nsputil.capstone.repairs")
HIDDEN = "\N{NULL}"
CLAIM = re.compile(r"Introduced in\s[^.]*\.")
DOCUMENT = re.compile(r"(?<![\w`/])((docs/[\w/-]+)\.md)\b")


class CellAnchors(SphinxTransform):
    """Give the container of each code cell the id ``cell-NAME`` and a label for the whole site."""

    default_priority = 400

    def apply(self):
        for node in list(self.document.findall(nodes.container)):
            name = node.get("cell_metadata", {}).get("site_id")
            if name and node.get("nb_element") == "cell_code":
                node["ids"].append(f"cell-{name}")
                node["names"].append(label(self.env.docname, name))
                self.document.note_explicit_target(node, node)


class PlainTypes(SphinxTransform):
    """Take the links from the small words of a type: in "shape (runs, signals)" no attribute of that name is meant."""

    default_priority = 700

    def apply(self):
        for node in list(self.document.findall(pending_xref)):
            target = node["reftarget"]
            if node.get("refspecific") and node.get("reftype") == "class" and target.islower() and "." not in target:
                node.replace_self(node.children)


def link_texts(app, what, name, obj, options, lines):
    """Turn the numbers of "Introduced in notebooks 01 and 02" into links, and names such as docs/clinic.md."""
    pages = {path.name[:2]: f"/notebooks/{path.stem}" for path in (ROOT / "notebooks").glob("*.ipynb")}

    def linked(match):
        return re.sub(r"\b\d\d\b", lambda number: f":doc:`{number[0]} <{pages[number[0]]}>`", match[0])

    text = CLAIM.sub(linked, "\n".join(lines))
    lines[:] = DOCUMENT.sub(r":doc:`\1 </\2>`", text).split("\n")


def show_code(app, what, name, obj, options, lines):
    """Set what is indented in the docstring of a module as code."""
    if what == "module":
        lines[:] = with_code("\n".join(lines)).split("\n")


def link_capitals(app, env, node, contnode):
    """Resolve `Experiment`, written in another module than its own: to the entry of that name, if there is one only."""
    name = node["reftarget"]
    if node.get("refdomain") == "py" and name[:1].isupper() and "." not in name:
        entries = [each for each in env.domains["py"].get_objects() if each[0].endswith(f".{name}")]
        if len(entries) == 1:
            full_name, _, _, page, anchor, _ = entries[0]
            return make_refnode(app.builder, node["refdoc"], page, anchor, contnode, full_name)
    return None


def hide_source(app, module):
    """Show no source of the trainings that exercises are about, since it says which defect each has."""
    return ("", {}) if module.startswith(SEALED) else None


def tidy_signature(app, what, name, obj, options, signature, returned):
    """Show a function that is a default by its name, not as ``<function split_documents>``; of a protocol nothing."""
    if getattr(obj, "_is_protocol", False) and what == "class":
        return "", None
    return signature and re.sub(r"<function (\w+)>", r"\1", signature), returned


def in_lines(old, new):
    """Return a handler that replaces a text in the docstrings of constants and properties."""

    def replace(app, what, name, obj, options, lines):
        if what in {"data", "property"}:
            lines[:] = [line.replace(old, new) for line in lines]

    return replace


def setup(app):
    app.add_transform(CellAnchors)
    app.add_transform(PlainTypes)
    app.connect("autodoc-process-docstring", link_texts)
    app.connect("autodoc-process-docstring", show_code)
    # To napoleon (priority 500), "#: All faults by name: the catalogue" says that the type is "All faults by name".
    app.connect("autodoc-process-docstring", in_lines(":", HIDDEN), priority=400)
    app.connect("autodoc-process-docstring", in_lines(HIDDEN, ":"), priority=600)
    app.connect("autodoc-process-signature", tidy_signature)
    app.connect("viewcode-find-source", hide_source)
    app.connect("missing-reference", link_capitals)
    return {"parallel_read_safe": True}
