"""What a text is, told from its content, and its documents. Markup is unpacked, or refused with the way out."""

import json
import re
from collections.abc import Callable
from typing import Any

from nsputil.corpus import Document, blocks_of_lines, split_sentences

#: Name in the JSON lines of corpora -> it holds the text. The first that is there is read.
TEXT_FIELDS = ("text", "content", "article", "body", "passage")

_HEADING = re.compile(r"^(#{1,6}) +\S|^ ?(=(?: =)*) \S.* =+ ?$")  # Markdown; WikiText, whose levels are = and = =
_DOC = re.compile(r"^<doc\b([^>]*)>$(.*?)^</doc>$", re.MULTILINE | re.DOTALL)
_BOOK = re.compile(r"^\*\*\* ?START OF .*?\*\*\*$(.*?)^\*\*\* ?END OF ", re.MULTILINE | re.DOTALL)
_TAGS = re.compile(r"</?(?:p|div|span|br|a|li|ul|td|tr|table|h[1-6]|body|head|script|i|b|em)\b[^<>]*>", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*$")

Unpacked = tuple[list[Document], str]  # the documents, and a word about what was done


def unpack(name: str, text: str) -> Unpacked:
    """Return the documents of a text, and what it was taken for.

    Parameters
    ----------
    name : str
        Of the file: the documents get names that begin with it.
    text : str

    Returns
    -------
    (list of Document, str)

    Raises
    ------
    ValueError
        If the text is markup that has to be converted first (HTML, XML, LaTeX, one JSON value), or broken.
    """
    _refuse_markup(name, text)
    for read in (_book, _doc_marks, _json_lines, _headings, _sentence_a_line):
        unpacked = read(name, text)
        if unpacked is not None:
            return unpacked
    return prose(name, text)


def prose(name: str, text: str) -> Unpacked:
    """Return the text as one document, split into sentences."""
    return [Document(name, split_sentences(text))], "prose"


def sentence_a_line(name: str, text: str) -> Unpacked:
    """Return a document for each run of lines between blank lines."""
    return blocks_of_lines(name, text), "one sentence a line, a blank line between documents"


def _refuse_markup(name: str, text: str) -> None:
    start = text.lstrip()[:200].lower()
    if start.startswith("<mediawiki"):
        raise ValueError(f"{name} is a dump of a wiki (XML); extract its text first, for example with WikiExtractor")
    tags = len(_TAGS.findall(text[:100_000]))
    if start.startswith(("<!doctype", "<html", "<?xml")) or tags > max(5, text[:100_000].count("\n") / 4):
        raise ValueError(f"{name} is HTML or XML ({tags} tags at its beginning); expected plain text: save it as such")
    if len(re.findall(r"^[\d:,.]+ --> [\d:,.]+", text, re.MULTILINE)) > 2:
        raise ValueError(f"{name} holds subtitles with their times; expected plain text, without numbers and times")
    if "\\begin{document}" in text or start.startswith("\\documentclass"):
        raise ValueError(f"{name} is LaTeX; expected plain text: convert it first, for example with pandoc")


def _book(name: str, text: str) -> Unpacked | None:
    """A book of Project Gutenberg: the license before and after it is left out."""
    found = _BOOK.search(text)
    if found is None:
        return None
    documents, kind = unpack(name, found[1])
    return documents, f"{kind}; the license of Project Gutenberg around it is left out"


def _doc_marks(name: str, text: str) -> Unpacked | None:
    """What WikiExtractor writes: articles between ``<doc ...>`` and ``</doc>``; the first line is the title."""
    if not re.match(r"<doc\b", text.lstrip()):
        return None
    documents = []
    for number, (attributes, body) in enumerate(_DOC.findall(text)):
        found = re.search(r'title="([^"]*)"', attributes)
        title, body = found[1] if found else "", body.strip()
        if title and body.split("\n", 1)[0].strip() == title:
            body = body.removeprefix(title)
        documents.append(Document(f"{name} #{number} {title}".strip(), split_sentences(body)))
    if not documents:
        raise ValueError(f"{name} begins with <doc> but holds no line </doc>; expected the output of WikiExtractor")
    return documents, "articles between <doc> and </doc>, titles left out"


def _json_lines(name: str, text: str) -> Unpacked | None:
    """JSON lines: each holds a document, in one of the `TEXT_FIELDS`."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    first = _json(lines[0][1])
    if not isinstance(first, dict):
        if _json(text) is None:
            return None  # prose that begins with a bracket
        raise ValueError(f'{name} is one JSON value; expected JSON lines, {{"text": "..."}} on each')
    field = next((field for field in TEXT_FIELDS if isinstance(first.get(field), str)), None)
    if field is None:
        raise ValueError(
            f"{name} holds JSON lines with the fields {', '.join(first)}; expected a text in one of "
            f"{', '.join(TEXT_FIELDS)}"
        )
    documents = []
    for number, line in lines:
        value = _json(line)
        if not isinstance(value, dict) or not isinstance(value.get(field), str):
            raise ValueError(f"{name}, line {number} is not a JSON object with a text in {field!r}")
        documents.append(Document(f"{name} line {number}", split_sentences(value[field])))
    return documents, f"JSON lines, a document in {field!r} of each"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _headings(name: str, text: str) -> Unpacked | None:
    """Markdown or WikiText: headings and code blocks are left out.

    Each heading of the highest level that comes twice begins a document.
    """
    lines = text.split("\n")
    levels = [_level(line) for line in lines]
    if not any(levels):
        return None
    twice = [level for level in sorted({*levels} - {0}) if levels.count(level) > 1]
    parts: list[list[str]] = [[]]
    in_code = False
    for line, level in zip(lines, levels, strict=True):
        fence = line.lstrip().startswith(("```", "~~~"))
        in_code ^= fence
        if not (fence or in_code) and twice and level == twice[0]:
            parts.append([])
        parts[-1].append("" if fence or in_code or level else line)  # a blank line ends a sentence
    split = (split_sentences("\n".join(part)) for part in parts)
    documents = [Document(f"{name} #{number}", sentences) for number, sentences in enumerate(split) if sentences]
    return documents, f"text with headings ({sum(map(bool, levels))}), which are left out and divide it into documents"


def _level(line: str) -> int:
    found = _HEADING.match(line)
    return 0 if found is None else len(found[1]) if found[1] else found[2].count("=")


def _sentence_a_line(name: str, text: str) -> Unpacked | None:
    """The format of google-research/bert, told by lines that are whole sentences, one each, several in a block."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    blocks = len(re.findall(r"\n\s*\n", text.strip())) + 1
    sample = lines[:: max(1, len(lines) // 200)]
    if len(lines) < 3 or len(lines) < 1.5 * blocks:  # a line between two blank ones is a paragraph
        return None
    ended = sum(_SENTENCE_END.search(line) is not None for line in sample)
    sentences = sum(len(split_sentences(line)) for line in sample)
    if ended < 0.9 * len(sample) or sentences > 1.2 * len(sample):
        return None
    return sentence_a_line(name, text)


#: ``--layout`` -> how a text is read.
READERS: dict[str, Callable[[str, str], Unpacked]] = {"auto": unpack, "prose": prose, "lines": sentence_a_line}
