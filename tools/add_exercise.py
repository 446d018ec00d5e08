"""Write the cells of an exercise into its solution notebook, or renew those that come from the bank.

    python tools/add_exercise.py lay_out nsp_logits     some
    python tools/add_exercise.py --notebook 1           all of notebook 01, in the order of the bank
    python tools/remove_exercise.py lay_out             the other way; tools/replace_exercise.py OLD NEW does both

A notebook has at most eight exercises; the ninth is refused before anything is written. The lesson's sentence that says
how many there are is renewed, too.

New cells are put where the bank's order wants them, with a prompt and a solution to be written by you. Of cells that
exist, only what the bank decides is renewed: heading, headline, question and options, the check, the graders' marks.
Your prompt, your solution and all cells between stay as they are. What this keeps true: tools/check_exercises.py.
"""

import argparse
import inspect
import re
import sys
from pathlib import Path

import nbformat

from nsputil.checks import bank

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
MIN_EXERCISES, MAX_EXERCISES = 4, 8
NUMBERS = dict(enumerate("One Two Three Four Five Six Seven Eight".split(), 1))
HOW = """\
Every exercise has a cell to fill in and a cell that checks it. The check says right, or what your answer looks like. \
A text is compared with a rubric; after two tries you can read a model answer and mark your own points. \
Stuck? `checks.NAME.hint()` gives a hint, then a second, then a third; after them `checks.NAME.solution()` shows the \
solution, one step at a time. `checks.progress()` shows what is done. \
"Run All" is always safe: what is not done yet says so."""


def masters(number, root=ROOT):
    """Return the paths of the lesson and of its solutions for a notebook's number."""
    found = sorted((root / "notebooks").glob(f"{number:02d}_*.ipynb"))
    if not found:
        raise SystemExit(f"there is no notebook {number:02d}; expected notebooks/{number:02d}_*.ipynb")
    stem = found[0].stem
    return found[0], root / "solutions" / stem / f"{stem}.ipynb"


def cell_id(exercise):
    """Return the id of an exercise's answer cell; the others are it with -text and -check."""
    return exercise.name.replace("_", "-")


def heading(exercise, number):
    """Return the lines that open an exercise."""
    return f"## {number} {exercise.title}\n\n{exercise.headline()}"


def title(number, exercises):
    """Return the text of the first cell."""
    lesson, _ = masters(number)
    name = nbformat.read(lesson, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")
    minutes = sum(exercise.minutes for exercise in exercises)
    return (
        f"# Exercises for notebook {number:02d}\n\n"
        f"They belong to [{number:02d} {name}](../../notebooks/{lesson.name}). {HOW}\n\n"
        f"**Time** about {minutes} minutes for all {len(exercises)}."
    )


def marks(exercise):
    """Return nbgrader's metadata of the answer cell and of the check cell."""
    common = {"schema_version": 3, "task": False}
    answer = common | {"grade": False, "locked": False, "solution": True, "grade_id": cell_id(exercise)}
    check = common | {"grade": True, "locked": True, "solution": False, "grade_id": f"{cell_id(exercise)}-check"}
    if exercise.graded_by_hand:
        answer |= {"grade": True, "points": exercise.points}
        check["grade"] = False
    else:
        check["points"] = exercise.points
    return answer, check


def check_source(exercise):
    """Return the source of the check cell: what the learner runs, then what only graders run."""
    name = exercise.name
    shown = f"checks.{name}({name})"
    if exercise.graded_by_hand:
        return shown
    return f"{shown}\n### BEGIN HIDDEN TESTS\nassert checks.{name}.grade({name})\n### END HIDDEN TESTS"


def answer_source(exercise):
    """Return a new answer cell, for its author to fill."""
    name = exercise.name
    if exercise.answer_is_function:
        parameters = ", ".join(inspect.signature(exercise.reference).parameters)
        return f'def {name}({parameters}):\n    """TO WRITE"""\n    {BEGIN}\n    return None\n    {END}'
    if hasattr(exercise, "right_letters"):
        answer = f'"{exercise.right_letters()}"'
    elif exercise.graded_by_hand:
        answer = f'"""{exercise.model or "TO WRITE"}"""'
    else:
        answer = repr(exercise.value)
    return f"{name} = None\n{BEGIN}\n{name} = {answer}\n{END}"


def text_source(exercise, number, prompt):
    """Return the text cell: heading, headline, question and options if there are some, and the author's prompt."""
    parts = [heading(exercise, number)]
    if hasattr(exercise, "markdown"):
        parts.append(exercise.markdown())
    if prompt:
        parts.append(prompt)
    return "\n\n".join(parts)


def prompt_of(exercise, source):
    """Return the author's part of a text cell: what follows the headline, and the options if there are some."""
    body = re.sub(r"^## .*\n+\*\w+\* · difficulty .*\n*", "", source)
    if hasattr(exercise, "markdown"):
        last = list(re.finditer(r"^- \*\*[a-h]\)\*\* .*$", body, re.MULTILINE))
        return body[last[-1].end() :].strip() if last else ""
    return body.strip()


def write(notebook, exercises, names):
    """Insert or renew the cells of the named exercises; `exercises` are all of this notebook in order."""
    for number, exercise in enumerate(exercises, 1):
        place = {cell.id: k for k, cell in enumerate(notebook.cells)}
        ids = [f"{cell_id(exercise)}-text", cell_id(exercise), f"{cell_id(exercise)}-check"]
        if ids[0] not in place:
            if exercise.name not in names:
                continue
            at = _after_the_one_before(exercises[: number - 1], place)
            for offset, cell in enumerate(_new_cells(exercise, number, ids)):
                notebook.cells.insert(at + offset, cell)
        text, answer, check = (next(c for c in notebook.cells if c.id == i) for i in ids)
        text.source = text_source(exercise, number, prompt_of(exercise, text.source))
        check.source = check_source(exercise)
        for cell, mark in zip((answer, check), marks(exercise), strict=True):
            cell.metadata["nbgrader"] = nbformat.from_dict(mark)
    notebook.cells[0].source = title(exercises[0].notebook, exercises)
    return notebook


def _after_the_one_before(earlier, place):
    for exercise in reversed(earlier):
        if f"{cell_id(exercise)}-check" in place:
            return place[f"{cell_id(exercise)}-check"] + 1
    return place["imports"] + 1


def _new_cells(exercise, number, ids):
    prompt = "" if hasattr(exercise, "markdown") else "TO WRITE"
    text = nbformat.v4.new_markdown_cell(text_source(exercise, number, prompt))
    cells = text, nbformat.v4.new_code_cell(answer_source(exercise)), nbformat.v4.new_code_cell(check_source(exercise))
    for cell, name in zip(cells, ids, strict=True):
        cell.id = name
    return cells


def new_notebook(number):
    """Return a solution notebook without exercises."""
    first = nbformat.v4.new_markdown_cell("", id="title")
    imports = nbformat.v4.new_code_cell("import numpy as np\n\nfrom nsputil import checks", id="imports")
    return nbformat.v4.new_notebook(cells=[first, imports, nbformat.v4.new_markdown_cell(_next(number), id="end")])


def _next(number):
    later = sorted((ROOT / "notebooks").glob(f"{number + 1:02d}_*.ipynb"))
    where = f"[{number + 1:02d}](../../notebooks/{later[0].name})" if later else "the end of the course"
    return f"## Next\n\nSee how far you are with `checks.progress()`, then go on with {where}."


def main(arguments):
    """Write the cells of the named exercises."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--notebook", type=int, help="all exercises of this notebook")
    options = parser.parse_args(arguments)
    everything = bank.exercises()
    names = set(options.names) | {n for n, e in everything.items() if e.notebook == options.notebook}
    unknown = names - everything.keys()
    if unknown or not names:
        raise SystemExit(f"no exercise {', '.join(sorted(unknown)) or 'named'}; expected names of the bank")
    numbers = sorted({everything[name].notebook for name in names})
    groups = {number: [e for e in everything.values() if e.notebook == number] for number in numbers}
    for number, group in groups.items():
        if len(group) > MAX_EXERCISES:
            raise SystemExit(
                f"notebook {number:02d} would have {len(group)} exercises; expected at most {MAX_EXERCISES}. Take one "
                "out with tools/remove_exercise.py NAME, or use tools/replace_exercise.py OLD NEW"
            )
    for number, group in groups.items():
        _, path = masters(number)
        notebook = nbformat.read(path, as_version=4) if path.exists() else new_notebook(number)
        write(notebook, group, names)
        save(notebook, path)
        count_in_lesson(number, len(group))
        print(f"wrote {path.relative_to(ROOT)}; fill in TO WRITE, then tools/run_notebooks.py {path.relative_to(ROOT)}")


def save(notebook, path):
    """Write a notebook as the tools of this course write all of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def count_in_lesson(number, count):
    """Renew the sentence of a lesson that says how many exercises there are; return True if it was another number."""
    path, _ = masters(number)
    lesson, changed = nbformat.read(path, as_version=4), False
    for cell in lesson.cells:
        if cell.cell_type == "markdown" and "exercises with feedback](" in cell.source:
            new = re.sub(
                r"\b(One|Two|Three|Four|Five|Six|Seven|Eight) exercises\b", f"{NUMBERS[count]} exercises", cell.source
            )
            changed, cell.source = changed or new != cell.source, new
    if changed:
        save(lesson, path)
    return changed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
