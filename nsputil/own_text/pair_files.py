"""Files of pairs: rows of A and B between tabs, with or without a label."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from nsputil.corpus import Document, split_documents
from nsputil.pairs import IS_NEXT, NOT_NEXT, SentencePair

_A = ("sentence_a", "sentence1", "text_a", "sent_a", "sent1", "first", "question1", "premise", "#1 string")
_B = ("sentence_b", "sentence2", "text_b", "sent_b", "sent2", "second", "question2", "hypothesis", "#2 string")
_LABEL = ("label", "labels", "is_next", "isnext", "is_random_next", "next_sentence_label", "target", "gold", "quality")
_WORDS = {"isnext": IS_NEXT, "is_next": IS_NEXT, "notnext": NOT_NEXT, "not_next": NOT_NEXT}


@dataclass(frozen=True)
class LabeledDocument(Document):
    """The labeled pairs of a file that share their A.

    ``pairs`` holds (A, B, label) of each; ``sentences`` A and the B that follow it. The B of NotNext pairs are
    documents of their own, which come right after it. So the text says what the labels say.
    """

    pairs: Sequence[tuple[str, str, int]] = ()


def given_pairs(documents: Sequence[Document], rng: Generator) -> list[SentencePair]:
    """Return the labeled pairs of a file as they are; for `nsputil.experiment.Experiment`."""
    pairs = []
    for d, document in enumerate(documents):
        if isinstance(document, LabeledDocument):
            position, other = 0, d
            for a, b, label in document.pairs:
                if label == IS_NEXT:
                    pairs.append(SentencePair(a, b, IS_NEXT, d, d, position, position + 1))
                    position += 2
                else:
                    other += 1
                    pairs.append(SentencePair(a, b, NOT_NEXT, d, other, 0, 0))
    return pairs


def split_labeled(documents: Sequence[Document], rng: Generator) -> list[list[Document]]:
    """Return training, validation and test documents; all pairs with the same A are in one part."""
    groups: list[list[Document]] = []
    for document in documents:
        if isinstance(document, LabeledDocument):
            groups.append([])
        groups[-1].append(document)
    parts = split_documents([Document(str(k), group[0].sentences) for k, group in enumerate(groups)], rng)
    return [[document for head in part for document in groups[int(head.name)]] for part in parts]


def looks_like_pairs(text: str) -> bool:
    """Say whether nearly all lines hold words on both sides of a tab, or a header between commas names A and B."""
    if _named(_split(text.split("\n", 1)[0], ",")):
        return True
    lines = [line for line in text.split("\n") if line.strip()]
    with_tab = sum(len([field for field in line.split("\t") if field.strip()]) > 1 for line in lines)
    return with_tab > 0 and with_tab >= 0.8 * len(lines)


def read_pairs(name: str, text: str, is_next: str | None = None) -> tuple[list[Document], str]:
    """Return documents for the rows of a file of pairs, and what was understood.

    Parameters
    ----------
    name : str
        Of the file.
    text : str
        ``A, tab, B`` or ``A, tab, B, tab, label`` (or the label first), or rows under a header, between tabs or commas.
    is_next : str, optional
        The label that means IsNext. By default 0, or 1 in a column that is called is_next.

    Returns
    -------
    (list of Document, str)
        Without labels, rows of adjacent sentences: each A and its true next B, and a row that begins with the B before
        it continues that document. With labels, `LabeledDocument` and the texts of its NotNext pairs.

    Raises
    ------
    ValueError
        If the columns cannot be told, a row has another number of them, a text is empty, or there are other labels than
        two.
    """
    rows = _rows(text)
    if not rows:
        raise ValueError(f"{name} is empty; expected rows of A, tab, B")
    header = [field.strip().lower() for field in rows[0][1]]
    named = _named(header)
    if named and len(rows) == 1:
        raise ValueError(f"{name} holds a header and nothing else; expected rows of pairs")
    rows = rows[1:] if named else rows
    width = len(header) if named else len(rows[0][1])
    for number, fields in rows:
        if len(fields) != width or not all(field.strip() for field in fields):
            raise ValueError(f"{name}, line {number} has {len(fields)} fields; expected {width}, none of them empty")
    values = [fields for _, fields in rows]
    a, b, label = _columns(name, header if named else None, values)
    if label is None:
        return _adjacent(name, [(row[a], row[b]) for row in values])
    column = header[label] if named else ""
    numbers, said = _labels(name, [row[label].strip() for row in values], column, is_next)
    by_a: dict[str, list[tuple[str, str, int]]] = {}
    for row, number in zip(values, numbers, strict=True):
        by_a.setdefault(row[a], []).append((row[a], row[b], number))
    documents: list[Document] = []
    for k, pairs in enumerate(by_a.values()):
        following = [text for a, b, number in pairs if number == IS_NEXT for text in (a, b)]
        documents.append(LabeledDocument(f"{name} #{k}", following or [pairs[0][0]], pairs))
        documents += [Document(f"{name} #{k} other", [b]) for _, b, number in pairs if number == NOT_NEXT]
    return documents, f"{len(rows):,} labeled pairs, {said}"


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Return ``[(number of the line, fields)]``: between tabs, or between commas with quotes, as spreadsheets write."""
    if _named(_split(text.split("\n", 1)[0], ",")):
        reader = csv.reader(text.split("\n"))
        return [(reader.line_num, fields) for fields in reader if any(field.strip() for field in fields)]
    lines = ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    return [(number, line.split("\t")) for number, line in lines]


def _split(line: str, delimiter: str) -> list[str]:
    return [field.strip(' "').lower() for field in line.split(delimiter)]


def _named(header: Sequence[str]) -> bool:
    return _first(header, _A) is not None and _first(header, _B) is not None


def _first(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((k for k, field in enumerate(header) if field in names), None)


def _columns(name: str, header: list[str] | None, rows: list[list[str]]) -> tuple[int, int, int | None]:
    """Return the columns of A, of B and of the label."""
    if header is not None:
        a, b = _first(header, _A), _first(header, _B)
        assert a is not None and b is not None  # else the first row would not count as a header
        return a, b, _first(header, _LABEL)
    width = len(rows[0])
    if width == 2:
        return 0, 1, None
    few = [k for k in range(width) if _like_labels([row[k].strip() for row in rows])]
    if width != 3 or len(few) != 1:
        raise ValueError(
            f"{name} has {width} columns without a header that names them; expected A, tab, B, or these and one column "
            "of two labels, or a header such as sentence1, sentence2, label"
        )
    label = few[0]
    a, b = (k for k in range(3) if k != label)
    return a, b, label


def _like_labels(column: list[str]) -> bool:
    """Say whether a column holds one word in each row, and two different ones at most."""
    return len(set(column)) <= 2 < len(column) and not any(" " in value for value in column)


def _labels(name: str, labels: list[str], column: str, is_next: str | None) -> tuple[list[int], str]:
    """Return 0 = IsNext or 1 = NotNext for each row, and how they were understood."""
    found = sorted(set(labels))
    if len(found) != 2:
        raise ValueError(f"{name} has the labels {', '.join(found[:5])}; expected two, for IsNext and NotNext")
    if is_next is None and all(label.lower() in _WORDS for label in found):
        numbers = [_WORDS[label.lower()] for label in labels]
    elif is_next is not None or {*found} <= {"0", "1"}:
        meant = is_next if is_next is not None else "1" if re.fullmatch(r"is_?next", column) else "0"
        if meant not in found:
            raise ValueError(f"{name} has the labels {', '.join(found)}; none is {meant}: expected --is-next LABEL")
        numbers = [IS_NEXT if label == meant else NOT_NEXT for label in labels]
    else:
        raise ValueError(f"{name} has the labels {', '.join(found)}; say with --is-next LABEL which of them is IsNext")
    means = {label: ("IsNext", "NotNext")[number] for label, number in zip(labels, numbers, strict=True)}
    counted = (f"{label} = {means[label]} ({labels.count(label):,})" for label in found)
    return numbers, ", ".join(counted)


def _adjacent(name: str, rows: list[tuple[str, str]]) -> tuple[list[Document], str]:
    texts: list[list[str]] = []
    for a, b in rows:
        if texts and texts[-1][-1] == a:
            texts[-1].append(b)
        else:
            texts.append([a, b])
    documents = [Document(f"{name} #{number}", sentences) for number, sentences in enumerate(texts)]
    return documents, f"{len(rows):,} rows of A and its next sentence B (no labels; the NotNext pairs are made)"
