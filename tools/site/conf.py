"""Sphinx's settings for the reading site; tools/site/build.py lays out the sources and calls Sphinx."""

import re
import sys
from pathlib import Path

import latex2mathml.converter
from docutils.nodes import SkipNode

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]  # the package itself, and the extension cell_links

project = "Next sentence prediction"
author = "The nsputil authors"
copyright = "The nsputil authors. Text and figures: CC BY 4.0; code: BSD-3-Clause"
html_title = "Learn the loss of next sentence prediction"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
extensions += ["cell_links"]
nb_execution_mode = "off"  # the stored outputs are the outputs
nb_number_source_lines = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
highlight_language = "none"
html_math_renderer = "mathml"
html_theme = "furo"
html_static_path = [str(ROOT / "build" / "site-src" / "_static")]
html_css_files = ["widgets.css", "site.css"]
html_js_files = ["modules.js", "live.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = html_domain_indices = False  # api/index lists the modules, the search finds the names
html_theme_options = {"navigation_with_keys": True}

# The API pages. Only numpy is installed beside Sphinx; what widgets and PyTorch's side stand on is made up.
autodoc_mock_imports = ["anywidget", "torch", "transformers"]
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # docstrings give types with their shapes
autosummary_generate = False
napoleon_google_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # one list, not an entry for each
napoleon_use_rtype = False
default_role = "py:obj"
add_module_names = False
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"


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


#: A signature of several lines is a definition list without terms; to be one it needs no list.
SIGNATURE = re.compile(r'<dl>\n((?:<dd><em class="sig-param">.*</dd>\n)+)</dl>')


def _mend(app, error):
    (Path(app.outdir) / "_modules" / "index.html").unlink(missing_ok=True)  # no page links to this list
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for old, new in MENDED.items():
            text = text.replace(old, new)
        text = SIGNATURE.sub(lambda match: re.sub("<(/?)dd>", r"<\1div>", match[1]), text)
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
