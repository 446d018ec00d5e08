"""Free texts: try a rubric on a text, or export the texts of a class with the points that the check found.

    python tools/texts.py try worse_than_chance answer.txt     or - to read from the keyboard
    python tools/texts.py export submissions/ --out texts.csv  a row for each student and text

The export is for the person who grades: it says which words led to each point, and nothing about being right.
"""

import argparse
import ast
import csv
import sys
from pathlib import Path

import nbformat

from nsputil.checks import bank


def texts():
    """Return {name: exercise} of the exercises that are answered in words."""
    return {name: exercise for name, exercise in bank.exercises().items() if exercise.graded_by_hand}


def reading(exercise, text):
    """Return the lines that say what a rubric finds in a text."""
    found = exercise.read(text)
    lines = []
    for number, (point, words) in enumerate(zip(exercise.rubric, found.points, strict=True), 1):
        mark = f'found, by "{words}"' if words else "not found"
        lines.append(f"{number}. {mark}: {point.text}")
    lines += [f'contradiction {trap.name}, by "{words}": {trap.message}' for trap, words in found.contradictions]
    return lines


def answer_in(notebook, name):
    """Return the text that a notebook assigns to an exercise's variable, or "" if it has none."""
    text = ""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            continue
        for node in tree.body:
            if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == name for t in node.targets):
                try:
                    value = ast.literal_eval(node.value)
                except ValueError:
                    continue
                text = value if isinstance(value, str) else text
    return text


def plain(cell):
    """Return a text as a cell that no spreadsheet takes for a formula."""
    text = " ".join(cell.split())
    return "'" + text if text[:1] in tuple("=+-@") else text


def rows(folder):
    """Yield a row for each student and text, from FOLDER/STUDENT/ASSIGNMENT/NAME.ipynb, as nbgrader has them."""
    for path in sorted(Path(folder).glob("*/*/*.ipynb")):
        student = path.relative_to(folder).parts[0]
        try:
            notebook = nbformat.read(path, as_version=4)
        except Exception as error:
            yield [student, path.name, "", "", f"cannot be read: {type(error).__name__}", "", ""]
            continue
        for name, exercise in texts().items():
            if any(cell.get("id") == name.replace("_", "-") for cell in notebook.cells):
                text = answer_in(notebook, name)
                found = exercise.read(text[:20_000])
                points = [f"{k}: {words or '-'}" for k, words in enumerate(found.points, 1)]
                traps = [f"{trap.name}: {words}" for trap, words in found.contradictions]
                count = f"{sum(map(bool, found.points))} of {len(found.points)}"
                cells = [student, path.name, name, text, count, "; ".join(points), "; ".join(traps)]
                yield list(map(plain, cells))


def main(arguments):
    """Try a rubric, or export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("try", help="print what the rubric of an exercise finds in a text")
    one.add_argument("name", choices=sorted(texts()))
    one.add_argument("file", nargs="?", default="-")
    many = commands.add_parser("export", help="write the texts of a class as CSV")
    many.add_argument("folder")
    many.add_argument("--out", required=True)
    options = parser.parse_args(arguments)
    if options.command == "try":
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8")
        print("\n".join(reading(texts()[options.name], text)))
        return
    head = ["student", "notebook", "exercise", "text", "points found", "words", "contradictions"]
    with open(options.out, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([head, *rows(options.folder)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
