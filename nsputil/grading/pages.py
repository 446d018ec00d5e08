"""The frame of the pages that grading writes: no script, no picture from elsewhere, everything inside is escaped."""

import hashlib
import re

STYLE = """body { font: 17px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
body { color: #222; background: #fff } table { border-collapse: collapse; margin: 1rem 0 }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; vertical-align: top }
th { border-bottom: 2px solid #888 } td { border-bottom: 1px solid #ddd }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
section { border-top: 1px solid #bbb; margin-top: 1.5rem } h2 { font-size: 1.15rem; margin-bottom: .2rem }
h3 { font-size: 1rem }
p.words, blockquote { white-space: pre-wrap; overflow-wrap: anywhere }
blockquote { margin: .5rem 0; padding: .4rem 1rem; border-left: 4px solid #0072B2; background: #f6f6f6 }
.state { font-weight: bold } .right { color: #00624a } .wrong { color: #a33f00 } img { max-width: 100% }
@media (prefers-color-scheme: dark) { body { background: #1c1c1c; color: #e4e4e4 } blockquote { background: #2a2a2a }
.right { color: #4fd0a8 } .wrong { color: #ffa366 } td { border-color: #444 } img { background: white } }"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(title: str, body: str) -> str:
    """Return a whole HTML page.

    Parameters
    ----------
    title : str
        Already escaped.
    body : str
        HTML whose texts are already escaped.

    Returns
    -------
    str
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def file_name(student: str) -> str:
    """Return the name of a student's page, without its end: safe on every system, and different for each student.

    Parameters
    ----------
    student : str

    Returns
    -------
    str

    Examples
    --------
    >>> file_name("s0123456")
    's0123456'
    >>> file_name("../Zoë").startswith("zo.")
    True
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", student) and not re.fullmatch(r"con|prn|aux|nul|(com|lpt)\d", student):
        return student
    digest = hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return re.sub(r"[^a-z0-9_-]", "", student.lower())[:40] + "." + digest
