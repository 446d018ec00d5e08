"""Text of strangers, made harmless before it is shown: on a terminal, on a page, in a spreadsheet.

A name of a file or the message of an exception is chosen by a learner. It may hold terminal escapes, HTML, formulas, or
signs that turn the direction of writing.
"""

import html
import unicodedata

LONGEST = 4000  # characters of one text
KEPT = "\n\t"


def visible(text: str, longest: int = LONGEST) -> str:
    r"""Return a text whose control signs can be seen and do nothing.

    Parameters
    ----------
    text : str
    longest : int
        Characters; what is longer is cut, and the cut is said.

    Returns
    -------
    str
        Control and format signs (terminal escapes, changes of direction, signs without width), lone surrogates and
        line separators are written as ``\xNN`` or ``\uNNNN``. Line feeds and tabs are kept.

    Examples
    --------
    >>> visible("all \x1b[2Jgone")
    'all \\x1b[2Jgone'
    """
    cut = text[:longest]
    if cut.isascii() and cut.replace("\n", "").replace("\t", "").isprintable():
        shown = cut
    else:
        shown = "".join(sign if _harmless(sign) else _escaped(sign) for sign in cut)
    return shown if len(text) <= longest else f"{shown} ... ({len(text):,} characters)"


def one_line(text: str, longest: int = 200) -> str:
    """Return a text for one line of a terminal or one cell of a table."""
    return visible(" ".join(text[: 4 * longest].split()), longest)


def for_page(text: str, longest: int = LONGEST) -> str:
    """Return a text for an HTML page: nothing in it is a tag, an entity or an end of an attribute."""
    return html.escape(visible(text, longest), quote=True)


def for_sheet(text: str, longest: int = LONGEST) -> str:
    """Return a text for a cell of a spreadsheet, in one line and never a formula."""
    cell = one_line(text, longest)
    return "'" + cell if cell[:1] in tuple("=+-@|%") else cell


def _harmless(sign: str) -> bool:
    return sign in KEPT or " " <= sign <= "~" or unicodedata.category(sign)[0] not in "CZ" or sign in "\u00a0\u202f"


def _escaped(sign: str) -> str:
    if sign == " " or unicodedata.category(sign) == "Zs":
        return " "
    return f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"
