"""Take an exercise out of the course: out of the bank, out of its solution notebook, out of the count in the lesson.

    python tools/remove_exercise.py lay_out

The others get new numbers. Helper functions of the bank that nothing uses any more are yours to delete (ruff does not
see them); the tool says which tests still name the exercise.
"""

import ast
import re
import sys
from pathlib import Path

import nbformat

from nsputil.checks import bank
from tools import add_exercise as author

ROOT = Path(__file__).resolve().parent.parent


def without(source, name):
    """Return the source of a bank module without one exercise and without its entry in EXERCISES."""
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    for node in reversed(tree.body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            target = node.targets[0].id
            if target == name:
                end = node.end_lineno
                while end < len(lines) and not lines[end].strip():
                    end += 1
                del lines[node.lineno - 1 : end]
            elif target == "EXERCISES":
                block = "".join(lines[node.lineno - 1 : node.end_lineno])
                lines[node.lineno - 1 : node.end_lineno] = [re.sub(rf"\n    {name},", "", block)]
    return "".join(lines)


def remove_cells(notebook, name, exercises):
    """Delete the cells of an exercise; `exercises` are those that stay, in order, and get new numbers."""
    own = {name.replace("_", "-") + end for end in ("-text", "", "-check")}
    notebook.cells = [cell for cell in notebook.cells if cell.id not in own]
    return author.write(notebook, exercises, set())


def remove(name, root=ROOT):
    """Take an exercise out; return what is left to do, one sentence each."""
    everything = bank.exercises()
    if name not in everything:
        raise SystemExit(f"there is no exercise {name!r}; expected a name of the bank")
    number = everything[name].notebook
    stay = [e for e in everything.values() if e.notebook == number and e.name != name]
    path = root / "nsputil" / "checks" / "bank" / f"nb{number:02d}.py"
    path.write_text(without(path.read_text(encoding="utf-8"), name), encoding="utf-8", newline="\n")
    _, solution = author.masters(number, root)
    author.save(remove_cells(nbformat.read(solution, as_version=4), name, stay), solution)
    author.count_in_lesson(number, len(stay))
    tests = root / "tests" / "checks"
    files = [*sorted(tests.rglob("nb*.py")), *sorted(tests.rglob("*_??.txt"))]
    left = [
        f"{file.relative_to(root)} names it"
        for file in files
        if re.search(rf"\b{name}\b", file.read_text(encoding="utf-8"))
    ]
    if len(stay) < author.MIN_EXERCISES:
        left.append(f"notebook {number:02d} has {len(stay)} exercises left; expected at least {author.MIN_EXERCISES}")
    return left


def main(arguments):
    """Remove one exercise."""
    if len(arguments) != 1:
        raise SystemExit("expected the name of one exercise")
    print(f"{arguments[0]} is taken out. Next: make notebooks, make exercises, tools/objectives.py.")
    for sentence in remove(arguments[0]):
        print(f"- {sentence}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
