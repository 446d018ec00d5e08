"""The ledger of claims: what a sentence of a notebook asserts, and the test or the source that it rests on.

    python tools/claims.py            count the claims, write docs/claims.md and run the tests of all claims
    python tools/claims.py --check    say whether docs/claims.md is up to date

A cell lists the ids of its claims in its metadata, ``"claims": ["floor-of-overlap"]``. The sentence itself is written
once more in ``tests/claims/test_nbNN.py``: above the test that computes it (`claim`), or in the list ``CITED`` with
the keys of its sources in docs/references.md (`cited`). If the sentence of the cell changes, the two no longer agree.
How to add a claim: docs/authoring.md.
"""

import importlib.util
import inspect
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "claims.md"
REFERENCES = ROOT / "docs" / "references.md"
HEAD = """\
# Claims

Written by `tools/claims.py` from the notebooks and `tests/claims`; do not edit. Each sentence below asserts more than \
the output above it. It is computed by a test, or it has a source in [references.md](references.md). `make claims` \
runs the tests.
"""


@dataclass(frozen=True)
class Claim:
    """A sentence, its id, and what it rests on: keys of sources, or the name of a test."""

    id: str
    sentence: str
    sources: tuple[str, ...] = ()
    test: str = field(default="", compare=False)


def claim(id, sentence):
    """Mark a test as the one that computes `sentence`; a test of several claims is marked several times."""

    def mark(test):
        test.claims = (Claim(id, sentence, test=test.__name__), *getattr(test, "claims", ()))
        return test

    return mark


def cited(id, sentence, *sources):
    """Return a claim that rests on sources, by their keys in docs/references.md."""
    if not sources:
        raise ValueError(f"claim {id!r} has neither a test nor a source; expected the key of a source")
    return Claim(id, sentence, sources)


def claims_of(module):
    """Return the claims of a test module: those of its tests, then those of its list ``CITED``."""
    tests = [test for _, test in inspect.getmembers(module, inspect.isfunction) if hasattr(test, "claims")]
    tests.sort(key=lambda test: test.__code__.co_firstlineno)
    return [each for test in tests for each in test.claims] + list(getattr(module, "CITED", []))


def ledger(root=ROOT):
    """Return ``{number: claims}`` with the claims of every file of tests/claims."""
    paths = sorted((root / "tests" / "claims").glob("test_nb[0-9][0-9].py"))
    return {path.stem[-2:]: claims_of(_module(path)) for path in paths}


def _module(path):
    spec = importlib.util.spec_from_file_location(f"ledger_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def notebook(number, root=ROOT):
    """Return the notebook with a number such as "05"."""
    return nbformat.read(next((root / "notebooks").glob(f"{number}_*.ipynb")), as_version=4)


def holds(source, sentence):
    """Whether a line of a cell has the whole sentence: nothing that could turn it around stands before or after it."""
    for line in source.splitlines():
        before, found, after = line.partition(sentence)
        if found and re.search(r"(^|[.!?:)\]|>*\-\"]|\d\.)\s*$", before):
            if re.search(r"[.!?:)|\"]\**$", sentence) or re.match(r"\s*(\||<|\"|$)", after):
                return True
    return False


def keys(root=ROOT):
    """Return the keys of docs/references.md, in order."""
    text = (root / "docs" / "references.md").read_text(encoding="utf-8")
    return re.findall(r"^### (\S+)$", text, re.MULTILINE)


def problems(claims, cells, known_keys):
    """Yield what is wrong between the claims of one notebook, its cells and the keys of the bibliography."""
    by_id = {each.id: each for each in claims}
    if len(by_id) < len(claims):
        ids = [each.id for each in claims]
        yield f"claimed twice: {sorted({id for id in ids if ids.count(id) > 1})}"
    places = {}
    for cell in cells:
        for id in cell.metadata.get("claims", []):
            if id in places:
                yield f"{id} is in two cells, {places[id]} and {cell.id}"
            places[id] = cell.id
            if id not in by_id:
                yield f"cell {cell.id} claims {id}, which has no test and no source in tests/claims"
            elif not holds(cell.source, by_id[id].sentence):
                yield f"cell {cell.id} no longer has the sentence of {id}: {by_id[id].sentence!r}"
    for each in claims:
        if each.id not in places:
            yield f"{each.id} is claimed by no cell"
        for key in each.sources:
            if key not in known_keys:
                yield f"{each.id} cites {key}, which docs/references.md does not have"


def page(found, root=ROOT):
    """Return the text of docs/claims.md."""
    total = sum(map(len, found.values()))
    parts = [HEAD, f"{total} claims in {len(found)} notebooks.\n"]
    for number, claims in found.items():
        cells = {id: cell.id for cell in notebook(number, root).cells for id in cell.metadata.get("claims", [])}
        parts.append(f"## Notebook {number}: {len(claims)} claims\n")
        parts.append("| id | cell | sentence | rests on |\n|---|---|---|---|")
        order = [*cells]
        for each in sorted(claims, key=lambda each: order.index(each.id) if each.id in order else -1):
            links = [f"[{key}](references.md#{key})" for key in each.sources]
            rests = ", ".join(links) or f"`{each.test}`"
            sentence = each.sentence.replace("|", "\\|")
            sentence = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", sentence)  # links hold from the notebook only
            parts.append(f"| {each.id} | `{cells.get(each.id)}` | {sentence} | {rests} |")
        parts.append("")
    return "\n".join(parts)


def main(arguments):
    """Count, write the page and run the tests; with ``--check`` only compare the page."""
    sys.path.insert(0, str(ROOT))
    found = ledger()
    text = page(found)
    if "--check" in arguments:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text
        print("docs/claims.md is stale; run tools/claims.py" if stale else "docs/claims.md is up to date")
        return int(stale)
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    for number, claims in found.items():
        sources = sum(bool(each.sources) for each in claims)
        print(f"notebook {number}: {len(claims):3d} claims, {len(claims) - sources} by a test, {sources} by a source")
    print(f"in all      {sum(map(len, found.values())):4d} claims")
    import pytest

    return pytest.main(["-q", str(ROOT / "tests" / "claims")])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
