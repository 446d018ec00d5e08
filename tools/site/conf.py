"""Sphinx's settings for the reading site; tools/site/build.py lays out the sources and calls Sphinx."""

from pathlib import Path

import latex2mathml.converter
from docutils.nodes import SkipNode

project = "Next sentence prediction"
author = "The nsputil authors"
copyright = "The nsputil authors. Text and figures: CC BY 4.0; code: BSD-3-Clause"
html_title = "Learn the loss of next sentence prediction"
extensions = ["myst_nb"]
nb_execution_mode = "off"  # the stored outputs are the outputs
nb_number_source_lines = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
highlight_language = "none"
html_math_renderer = "mathml"
html_theme = "furo"
html_static_path = [str(Path(__file__).resolve().parents[2] / "build" / "site-src" / "_static")]
html_css_files = ["widgets.css", "site.css"]
html_js_files = ["modules.js", "live.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}


def _mathml(self, node, display):
    self.body.append(latex2mathml.converter.convert(node.astext(), display=display))
    raise SkipNode


#: What axe-core finds in the theme's own pages: a heading without a level, landmarks without a name, no main heading.
MENDED = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Site">',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
    '<div id="search-results">': '<h1>Search</h1><div id="search-results">',
}


def _mend(app, error):
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for old, new in MENDED.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8", newline="\n")


def setup(app):
    """Formulas become MathML: every browser draws it by itself, on screen and paper, and reads it aloud."""
    app.connect("build-finished", _mend)
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(lambda self, node: _mathml(self, node, "inline"), None),
        block_renderers=(lambda self, node: _mathml(self, node, "block"), None),
    )


html_math_renderer = "mathml"
