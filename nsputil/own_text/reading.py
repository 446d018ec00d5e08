"""From a file or a folder to documents to train on, and a word about everything that was decided."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nsputil.corpus import Document, read_text, text_files
from nsputil.experiment import PairSampler
from nsputil.own_text.cutting import cut
from nsputil.own_text.layouts import READERS
from nsputil.own_text.pair_files import LabeledDocument, given_pairs, looks_like_pairs, read_pairs

#: What ``--layout`` may be.
LAYOUTS = (*READERS, "pairs")
#: A sentence of more words than this on average is probably not one.
LONG_SENTENCE = 80


@dataclass(frozen=True)
class OwnText:
    """What was read.

    Attributes
    ----------
    documents : list of Document
    notes : list of str
        What was decided, a sentence each.
    pairs : callable, optional
        For `nsputil.experiment.Experiment`, if the file brings labeled pairs of its own.
    """

    documents: list[Document]
    notes: list[str] = field(default_factory=list)
    pairs: PairSampler | None = None


def read_own_text(
    source: str | Path, layout: str = "auto", skip_bad: bool = False, is_next: str | None = None
) -> OwnText:
    """Read a file, or each ``.txt`` file of a folder, in the layout that it has.

    Parameters
    ----------
    source : str or Path
        A file or a folder.
    layout : {"auto", "prose", "lines", "pairs"}
        "auto" tells it from the content.
    skip_bad : bool
        Leave out a file of a folder that cannot be read, and say so; by default it is an error.
    is_next : str, optional
        The label that means IsNext, in a file of labeled pairs.

    Returns
    -------
    OwnText

    Raises
    ------
    FileNotFoundError
        If there is no such path, or no ``.txt`` file in the folder.
    ValueError
        If a file cannot be read (it is named), there is too little text, or the source is empty.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout is {layout!r}; expected one of {', '.join(map(repr, LAYOUTS))}")
    if source == "":
        raise ValueError("the name of the text is empty; expected a file or a folder")
    documents: list[Document] = []
    taken: dict[str, list[str]] = {}  # what it was taken for -> the files
    labeled: list[bool] = []  # for each file
    bad: list[str] = []
    for name, path in text_files(source):
        try:
            found, kind = _read_file(name, path, layout, is_next)
        except ValueError as error:
            if not skip_bad:
                raise ValueError(
                    f"{error} (--skip-bad goes on without it)" if Path(source).is_dir() else error
                ) from None
            bad.append(str(error))
            continue
        documents += found
        labeled.append(isinstance(found[0], LabeledDocument))
        taken.setdefault(kind, []).append(name)
    if not documents:
        raise ValueError(f"no file of {str(source)!r} could be read; the first: {bad[0]}")
    notes = [f"{_files(names)}: {kind}" for kind, names in taken.items()] + [f"left out: {error}" for error in bad]
    if any(labeled):
        if not all(labeled):
            raise ValueError(f"{str(source)!r} holds labeled pairs and other text; expected one of them")
        return OwnText(documents, notes, given_pairs)
    if is_next is not None:
        raise ValueError(f"{str(source)!r} holds no labeled pairs; expected such, since --is-next is {is_next}")
    hint = _long_sentences(documents, layout)
    try:
        documents, said = cut(documents)
    except ValueError as error:
        raise ValueError("; ".join([str(error), *hint])) from None
    notes += hint
    return OwnText(documents, [*notes, said] if said else notes)


def _read_file(name: str, path: Path, layout: str, is_next: str | None) -> tuple[list[Document], str]:
    text = read_text(path)
    if not any(c.isalnum() for c in text):
        raise ValueError(f"{path} holds no sentence; expected some text")
    try:
        if layout == "pairs" or (layout == "auto" and looks_like_pairs(text)):
            return read_pairs(name, text, is_next)
        documents, kind = READERS[layout](name, text)
    except ValueError as error:
        raise ValueError(f"{path}{str(error).removeprefix(name)}") from error  # with its folder
    documents = [document for document in documents if document.sentences]
    if not documents:
        raise ValueError(f"{path} holds no sentence; expected some text")
    return documents, kind


def _files(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} files ({names[0]}, ...)"


def _long_sentences(documents: Sequence[Document], layout: str) -> list[str]:
    """Return a warning if sentences are so long that they are probably lines without full stops."""
    sentences = [sentence for document in documents for sentence in document.sentences]
    words = sum(len(sentence.split()) for sentence in sentences) / len(sentences)
    if words <= LONG_SENTENCE or layout == "lines":
        return []
    return [f"a sentence has {words:.0f} words on average; if each line is a sentence, add --layout lines"]
