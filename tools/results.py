"""What is measured goes to build/results. A command of its own stores it and renews the documents that quote it.

    python tools/results.py measure benchmarks/accuracy.py    runs it, keeps what it prints in build/results/benchmarks
    python tools/results.py store accuracy                    into benchmarks/results, and into the documents
    python tools/results.py                                   says what was measured and what of it is not stored

A document quotes a result in two ways. A block between markers holds lines of the result, word for word. A figure in a
sentence or a table, such as 0.855, is the figure of a line of the result; if the line has a new figure, the document
gets it too. Whether the sentence is still true, a person has to judge: each change is printed with the words around it.
Nothing is stored if tests/test_results.py would fail afterwards.
"""

import argparse
import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MEASURED = Path("build") / "results"
FIGURE = r"(?<![\d.])\d\.\d{3}(?!\d)"
BLOCK = (
    r"(?P<head><!-- from (?P<file>\S+), the lines with an interval or a goal -->\n```text\n)"
    r"(?P<lines>.*?)(?P<foot>```\n<!-- end -->)"
)


@dataclass(frozen=True)
class Quote:
    """A document, or a section of it, all of whose figures come from some results."""

    document: str
    results: tuple  # such as "benchmarks/accuracy" for benchmarks/results/accuracy.txt
    section: str = ""  # its heading; empty: the whole document
    figure: str = FIGURE

    def place(self, text):
        """Return where the section begins and ends in the text of the document."""
        if not self.section:
            return 0, len(text)
        if f"\n{self.section}\n" not in text:
            raise ValueError(f"{self.document} has no heading {self.section!r}; expected it as in {__file__}")
        start = text.index(f"\n{self.section}\n") + 1
        following = text.find("\n## ", start)
        return start, following if following >= 0 else len(text)

    def figures(self, text):
        """Return all figures that the document quotes."""
        return re.findall(self.figure, text[slice(*self.place(text))])


QUOTES = (
    Quote("docs/clinic.md", ("benchmarks/clinic_bench",), "## How well it diagnoses"),
    Quote(
        "docs/clinic.md",
        (
            "research/independent_sealed",
            "research/independent_sealed_first",
            "research/independent_sealed_third",
            "research/independent_sealed_fourth",
            "research/independent_sealed_fifth",
            "research/independent_sealed_sixth",
            "research/independent_sealed_seventh",
        ),
        "## How often it is right, on defects that it never saw",
    ),
    Quote("docs/nsp-mini.md", ("benchmarks/accuracy", "research/segment_ceiling")),
    Quote(
        "notebooks/08_joint_objective_and_real_bert.ipynb",
        ("benchmarks/accuracy",),
        figure=rf"{FIGURE}(?= of such pairs \(\[model card\])",
    ),
    Quote("research/README.md", ("benchmarks/clinic_bench", "research/clinic_ceiling"), "## What it does not reach"),
    Quote("research/README.md", ("research/clinic_rivals", "research/clinic_cleanlab"), "## Rivals"),
)


def file_of(result):
    """Return the file that a result is stored in, such as benchmarks/results/accuracy.txt for benchmarks/accuracy."""
    folder, name = result.split("/")
    return f"{folder}/results/{name}.txt"


def measure(script, arguments=(), root=ROOT):
    """Run a script and print its lines as they come; keep them if it succeeds and had no arguments.

    With arguments a script measures only a part. What it writes to stderr, such as times, is shown and not kept.
    """
    script = (Path(root) / script).resolve().relative_to(Path(root).resolve()).with_suffix("")
    command = [sys.executable, "-m", ".".join(script.parts), *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    lines = []
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise SystemExit(f"{script}.py ended with {process.returncode}; its result was not kept")
    if not arguments:
        target = Path(root) / MEASURED / f"{script}.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(lines), encoding="utf-8", newline="\n")


def measured(root=ROOT):
    """Return ``{result: its text}`` of all that build/results holds."""
    files = sorted((Path(root) / MEASURED).glob("*/*.txt"))
    return {f"{file.parent.name}/{file.stem}": file.read_text(encoding="utf-8") for file in files}


def stored(result, root=ROOT):
    """Return the stored text of a result, empty if there is none."""
    file = Path(root) / file_of(result)
    return file.read_text(encoding="utf-8") if file.exists() else ""


def quoted_lines(result):
    """Return the lines of a result's text that a block quotes: those with an interval or a goal."""
    return "".join(line for line in result.splitlines(True) if "[" in line or "reach" in line)


def changes(old, new):
    """Return ``{old figure: its new figures}`` of two texts of a result.

    Lines belong together if they have the same words; of several such lines the first belongs to the first, and so on.
    """

    def figures_by_words(text):
        found = defaultdict(list)
        for line in text.splitlines():
            found[re.sub(r"[-+]?\d+([.]\d+)?", "#", " ".join(line.split()))].append(re.findall(FIGURE, line))
        return found

    after, result = figures_by_words(new), defaultdict(set)
    for words, lines in figures_by_words(old).items():
        for old_figures, new_figures in zip(lines, after[words], strict=False):
            for one, other in zip(old_figures, new_figures, strict=False):
                result[one].add(other)
    return result


def renew(text, quote, figures, results):
    """Return the document with the new figures, and notes for its author.

    Parameters
    ----------
    text : str
        The document.
    quote : Quote
    figures : dict
        ``{old figure: its new figures}``. A figure that has become several is left, with a note.
    results : dict
        ``{file: new text}`` for the blocks.
    """
    (start, end), notes = quote.place(text), []

    def one(match):
        if match.re.groups and match["file"]:
            return match["head"] + quoted_lines(results[match["file"]]) + match["foot"]
        found = set(figures.get(match[0], ()))
        if not found - {match[0]}:
            return match[0]
        around = " ".join(match.string[max(0, match.start() - 60) : match.end() + 30].split())
        said = f"is now {', '.join(found)}" if len(found) == 1 else f"may be {' or '.join(sorted(found))}, and was left"
        notes.append(f"{quote.document}: {match[0]} {said}; read it again: ... {around} ...")
        return found.pop() if len(found) == 1 else match[0]

    return text[:start] + re.sub(f"{BLOCK}|{quote.figure}", one, text[start:end], flags=re.S) + text[end:], notes


def tests_hold():
    """Return whether documents and results agree: tests/test_results.py."""
    return not subprocess.run([sys.executable, "-m", "pytest", "-q", "tests/test_results.py"], cwd=ROOT).returncode


def store(names, root=ROOT, hold=tests_hold):
    """Store measured results, with or without their folder in the name, and renew what quotes them; or change nothing.

    Raises
    ------
    SystemExit
        If a name was not measured, or if the tests fail with what was measured.
    """
    root, found = Path(root), measured(root)
    chosen = {result: text for result, text in found.items() if {result, result.split("/")[1]} & set(names)}
    unknown = set(names) - set(chosen) - {result.split("/")[1] for result in chosen}
    if unknown:
        raise SystemExit(f"not measured: {', '.join(sorted(unknown))}; measured: {', '.join(found) or 'nothing'}")
    files = {file_of(result): text for result, text in chosen.items()}
    notes = []
    for quote in QUOTES:
        if set(quote.results) & set(chosen):
            figures = defaultdict(set)
            for result in quote.results:
                old = stored(result, root)
                for figure, new in changes(old, chosen.get(result, old)).items():
                    figures[figure] |= new
            results = {file_of(result): chosen.get(result, stored(result, root)) for result in quote.results}
            text = files.get(quote.document) or (root / quote.document).read_text(encoding="utf-8")
            files[quote.document], more = renew(text, quote, figures, results)
            notes += more
    for document in sorted((root / "docs").glob("*.md")):
        name = document.relative_to(root).as_posix()
        if name not in files:
            named = [file for file in map(file_of, chosen) if file in document.read_text(encoding="utf-8")]
            notes += [f"{name}: tells {file} in its own words; read it again" for file in named]
    before = {file: (root / file).read_bytes() if (root / file).exists() else None for file in files}
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, encoding="utf-8", newline="\n")
    print("\n".join(notes) or "no document has to be read again")
    if not hold():
        for file, content in before.items():
            (root / file).unlink() if content is None else (root / file).write_bytes(content)
        raise SystemExit("nothing was stored: with these results the tests above fail; see which sentence they name")
    print(f"stored: {', '.join(chosen)}")


def main():
    """Measure, store, or list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command")
    one = commands.add_parser("measure")
    one.add_argument("script")
    one.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("store").add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.command == "measure":
        measure(options.script, options.arguments)
    elif options.command == "store" and options.names:
        store(options.names)
    else:
        for result, text in measured().items():
            print(f"{result:30s} {'as stored' if text == stored(result) else 'differs from what is stored'}")
        print("To store some of them: make store-results RESULTS='accuracy clinic_bench'")


if __name__ == "__main__":
    main()
