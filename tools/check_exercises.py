"""Check that solutions/ and exercises/ keep their rules; print what is wrong and where. `make check` runs it.

A solution notebook keeps the house rules that concern code, outputs, links, ids and metadata
(tools/check_notebooks.py), and those below. tests/checks/test_exercise_rules.py breaks each once.
"""

import importlib.util
import re
import sys
from pathlib import Path

import nbformat

from nsputil.checks import bank

ROOT = Path(__file__).resolve().parent.parent


def _tool(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


house, author = _tool("check_notebooks"), _tool("add_exercise")
HOUSE_RULES = (
    house.check_executed,
    house.check_size,
    house.check_code,
    house.check_outputs,
    house.check_nbval_tags,
    house.check_links,
    house.check_ids,
    house.check_metadata,
)
MIN_EXERCISES, MAX_EXERCISES = author.MIN_EXERCISES, author.MAX_EXERCISES


def exercises_of(path):
    """Return the exercises of the bank that belong into a notebook, by the number in its name."""
    number = int(path.stem[:2])
    return [exercise for exercise in bank.exercises().values() if exercise.notebook == number]


def check_title(notebook, exercises):
    """The first cell is as tools/add_exercise.py writes it: its minutes are the sum of the bank's."""
    if notebook.cells[0].source != author.title(exercises[0].notebook, exercises):
        yield "the first cell is not up to date; run tools/add_exercise.py --notebook"


def check_number(notebook, exercises):
    """Four to eight exercises, all those of the bank, in its order, and the bank's only."""
    if not MIN_EXERCISES <= len(exercises) <= MAX_EXERCISES:
        yield f"{len(exercises)} exercises; expected {MIN_EXERCISES} to {MAX_EXERCISES}"
    there = [cell.id.removesuffix("-text") for cell in notebook.cells if re.match(r"## \d", cell.source)]
    expected = [author.cell_id(exercise) for exercise in exercises]
    if there != expected:
        yield f"the exercises are {there}; the bank's are {expected}"


def check_count_in_lesson(notebook, exercises):
    """The lesson says how many exercises there are."""
    lesson, _ = author.masters(exercises[0].notebook)
    said = f"[{author.NUMBERS.get(len(exercises), len(exercises))} exercises with feedback]("
    if not any(said in cell.source for cell in nbformat.read(lesson, as_version=4).cells):
        yield f"{lesson.name} does not say {said[1:-2]!r}; run tools/add_exercise.py --notebook"


def check_exercise_cells(notebook, exercises):
    """Text, answer and check of each exercise are there and agree with the bank."""
    cells = {cell.id: cell for cell in notebook.cells}
    for number, exercise in enumerate(exercises, 1):
        ids = [author.cell_id(exercise) + end for end in ("-text", "", "-check")]
        missing = [name for name in ids if name not in cells]
        if missing:
            yield f"exercise {exercise.name} lacks the cells {missing}"
            continue
        text, answer, check = (cells[name] for name in ids)
        prompt = author.prompt_of(exercise, text.source)
        if text.source != author.text_source(exercise, number, prompt):
            yield f"cell {text.id} does not agree with the bank; run tools/add_exercise.py {exercise.name}"
        if not prompt and not hasattr(exercise, "markdown"):
            yield f"cell {text.id} has no prompt"
        if check.source != author.check_source(exercise):
            yield f"cell {check.id} is not as tools/add_exercise.py writes it"
        for cell, mark in zip((answer, check), author.marks(exercise), strict=True):
            if dict(cell.metadata.get("nbgrader", {})) != mark:
                yield f"cell {cell.id} has other nbgrader marks than the bank's; run tools/add_exercise.py"
        if answer.source.count(author.BEGIN) != 1 or answer.source.count(author.END) != 1:
            yield f"cell {answer.id} has not exactly one pair of {author.BEGIN} and {author.END}"
        elif exercise.graded_by_hand and " ".join(exercise.model.split()) not in " ".join(answer.source.split()):
            yield f"cell {answer.id} is not the model answer of the bank"
        elif exercise.answer_is_function != answer.source.startswith(f"def {exercise.name}("):
            yield f"cell {answer.id} does not begin with the definition or the variable {exercise.name}"
        elif not exercise.answer_is_function and not re.match(rf"{exercise.name} = (None|\"\")\n", answer.source):
            yield f"cell {answer.id} does not begin with {exercise.name} = None"


def check_nothing_unwritten(notebook, exercises):
    """No "TO WRITE" is left."""
    for cell in notebook.cells:
        if "TO WRITE" in cell.source:
            yield f"cell {cell.id} still says TO WRITE"


def check_learner_cells(notebook, exercises):
    """No other cell calls what the learner has to write: it would break Run All while it is a stub."""
    own = {author.cell_id(exercise) + end for exercise in exercises for end in ("", "-check")}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.id not in own:
            for exercise in exercises:
                if re.search(rf"(?<![\w.]){exercise.name}\b", cell.source):
                    yield f"cell {cell.id} uses {exercise.name}, which is a stub in the released exercise"


RULES = (
    check_title,
    check_number,
    check_count_in_lesson,
    check_exercise_cells,
    check_nothing_unwritten,
    check_learner_cells,
)


def solution_lines(notebook):
    """Return the lines between the marks of solutions and hidden tests, those of some length."""
    lines = set()
    for cell in notebook.cells:
        for region in re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", cell.source, re.DOTALL):
            lines |= {line.strip() for line in region.splitlines() if len(line.strip()) >= 8}
    return lines


def leaks(solution, released):
    """Return the solution lines, outputs and marks that a released notebook still holds."""
    text = "\n".join(line.strip() for cell in released.cells for line in cell.source.splitlines())
    own = "\n".join(re.sub(r"### BEGIN.*?### END[^\n]*", "", cell.source, flags=re.DOTALL) for cell in solution.cells)
    found = [line for line in sorted(solution_lines(solution)) if line in text and line not in own]
    found += [mark for mark in ("BEGIN SOLUTION", "HIDDEN TESTS", ".grade(") if mark in text]
    found += [f"outputs of {cell.id}" for cell in released.cells if cell.get("outputs")]
    return found


def problems(path):
    """Return all problems of one solution notebook, and of what was released from it, as text."""
    notebook, exercises = nbformat.read(path, as_version=4), exercises_of(path)
    if not exercises:
        return [f"nsputil/checks/bank has no exercises for it; expected nb{path.stem[:2]}.py"]
    found = [problem for rule in HOUSE_RULES for problem in rule(notebook, path)]
    found += [problem for rule in RULES for problem in rule(notebook, exercises)]
    released = ROOT / "exercises" / path.parent.name / path.name
    if released.exists():
        found += [f"released with {leak!r}" for leak in leaks(notebook, nbformat.read(released, as_version=4))]
    return found


def main(arguments):
    """Check the named solution notebooks, or all; return the number of problems."""
    paths = [Path(argument).resolve() for argument in arguments] or sorted((ROOT / "solutions").glob("*/*.ipynb"))
    count = 0
    for path in paths:
        for problem in problems(path):
            print(f"{path.name}: {problem}")
            count += 1
    without = {f"{e.notebook:02d}" for e in bank.exercises().values()} - {path.stem[:2] for path in paths}
    if without and not arguments:
        print(f"notebooks {', '.join(sorted(without))} have exercises in the bank and no solution notebook")
        count += 1
    print(f"{len(paths)} solution notebooks, {count} problems")
    return count


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
