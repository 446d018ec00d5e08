"""Notebooks that are broken, edited, or no notebooks."""

import copy

from attack import EXERCISES, ROOT, WRONG, Attack, code_cell


def _find(notebook, name):
    return next(k for k, cell in enumerate(notebook["cells"]) if cell["id"] == name)


def without(*names):
    def change(notebook):
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] not in names]
        return notebook

    return change


def edited(name, **fields):
    def change(notebook):
        notebook["cells"][_find(notebook, name)].update(fields)
        return notebook

    return change


def marks(name, **fields):
    def change(notebook):
        notebook["cells"][_find(notebook, name)]["metadata"]["nbgrader"].update(fields)
        return notebook

    return change


def copied(name, place, source=None):
    def change(notebook):
        cell = copy.deepcopy(notebook["cells"][_find(notebook, name)])
        cell["source"] = cell["source"] if source is None else source
        place_of = {"first": 0, "last": len(notebook["cells"])}
        notebook["cells"].insert(place_of[place] if place in place_of else _find(notebook, place), cell)
        return notebook

    return change


def all_cells(**fields):
    def change(notebook):
        for cell in notebook["cells"]:
            cell.update(copy.deepcopy(fields))
        return notebook

    return change


def instead(value):
    return lambda notebook: value


def more(*sources):
    def change(notebook):
        notebook["cells"] += [code_cell(source) for source in sources]
        return notebook

    return change


def other_assignment(notebook):
    import json

    return json.loads((ROOT / "solutions/04_worked_examples/04_worked_examples.ipynb").read_text(encoding="utf-8"))


def broken(name, what, value, ungradable="not a notebook"):
    return Attack(name, what, change=instead(value), ungradable=ungradable)


NONE = ()
ATTACKS = [
    Attack("good", "the right notebook", hit=NONE),
    Attack("blank", "every answer is as it was released", {name: f"{name} = None" for name in EXERCISES}, hit=EXERCISES,
           reasons=("not done yet",)),
    broken("list", "a list instead of a notebook", [1, 2]),
    broken("nothing", "None", None),
    broken("no-cells", "a notebook without cells", {"nbformat": 4}),
    broken("empty", "a notebook with no cell", {"cells": []}, "wrong assignment"),
    broken("cells-text", "cells that are a text", {"cells": "x" * 100}),
    broken("cell-number", "a cell that is a number", {"cells": [1]}),
    broken("cell-source", "a cell whose text is a number", {"cells": [{"cell_type": "code", "source": 5}]}),
    broken("cell-lines", "a cell whose lines are numbers", {"cells": [{"cell_type": "code", "source": [5]}]}),
    Attack("other", "another assignment", change=other_assignment, ungradable="wrong assignment"),
    Attack("many-cells", "3,000 cells", change=more(*["x = 1"] * 3000), ungradable="too large"),
    Attack("large-cells", "2 MB of cells", change=more(*["x = 1\n" * 100_000] * 4), ungradable="too large"),
    Attack("large-output", "a cell with 60 MB of output", hit=NONE,
           change=all_cells(outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 10_000}])),
    Attack("metadata", "metadata that are a text", hit=NONE, change=edited("batch-loss-check", metadata="x")),
    Attack("marks", "marks that are a list", hit=NONE, change=edited("batch-loss-check", metadata={"nbgrader": [1]})),
    Attack("grade-id", "a name of a cell that is a list", hit=NONE, change=marks("batch-loss-check", grade_id=["x"])),
    Attack("points", "points that are edited", {"batch_loss": WRONG}, change=marks("batch-loss-check", points=10**9)),
    Attack("unlocked", "a check that is turned into an answer", {"batch_loss": WRONG},
           change=marks("batch-loss-check", locked=False, solution=True, grade=False)),
    Attack("no-check", "a check that was deleted", change=without("batch-loss-check"), hit=NONE),
    Attack("no-checks", "all checks deleted", change=without(*(n.replace("_", "-") + "-check" for n in EXERCISES)), hit=NONE),
    Attack("no-answer", "an answer cell that was deleted", change=without("batch-loss"), reasons=("missing cell",)),
    Attack("edited-check", "a check that was edited", {"batch_loss": WRONG},
           change=edited("batch-loss-check", source="print('batch_loss: right.')\nassert True")),
    Attack("check-defines", "a check that defines the right answer", {"batch_loss": WRONG},
           change=edited("batch-loss-check", source="from nsputil.losses import nsp_loss as batch_loss")),
    Attack("copied-check", "a check copied to the front", hit=NONE, change=copied("batch-loss-check", "first")),
    Attack("copied-answer", "an answer cell copied to the end with a wrong answer", hit=NONE,
           change=copied("batch-loss", "last", "def batch_loss(logits, labels):\n    return 5.0")),
    Attack("copied-twice", "two answers, the wrong one last before the check", change=copied("batch-loss", "batch-loss-check", WRONG)),
    Attack("copied-names", "all cells have the same name", hit=NONE,
           change=all_cells(metadata={"nbgrader": {"grade_id": "batch-loss-check"}})),
    Attack("same-ids", "all cells have the same id", hit=NONE, change=all_cells(id="same")),
    Attack("kernel", "a notebook that asks for another language", hit=NONE,
           change=lambda n: n | {"metadata": {"kernelspec": {"name": "ir", "language": "R"}}}),
    Attack("syntax", "a syntax error", {"batch_loss": "def batch_loss(logits, labels:\n    return 5.0"}, reasons=("cell_raised",)),
    Attack("nul", "a NUL in a cell", {"batch_loss": WRONG + "\0"}, reasons=("cell_raised",)),
    Attack("surrogate-source", "a cell that is no Unicode", {"batch_loss": WRONG + " # \ud800"}, reasons=("value", "constant")),
    Attack("brackets", "a cell of 100,000 brackets", {"batch_loss": "x = " + "(" * 100_000 + ")" * 100_000},
           reasons=("cell_raised", "crash", "memory", "not done yet")),
    Attack("minus", "a cell of 200,000 minus signs", {"batch_loss": "x = " + "-" * 200_000 + "1"},
           reasons=("cell_raised", "crash", "memory")),
    Attack("plus", "a sum of 100,000 terms", {"batch_loss": "x = " + "+".join("1" * 100_000)},
           reasons=("cell_raised", "crash", "not done yet", "memory")),
    Attack("magics", "lines for IPython alone", {"batch_loss": "%matplotlib inline\n!rm -rf /\n%%bash\n" + WRONG},
           reasons=("value", "constant")),
    Attack("bash", "a cell in another language", {"batch_loss": "%%bash\nrm -rf /"}, reasons=("not done yet",)),
    Attack("html", "HTML and escapes of the terminal in an error",
           {"batch_loss": "raise ValueError('<script>alert(1)</script>\\x1b[2J\\x1b]0;x\\x07')"}, reasons=("cell_raised",)),
    Attack("long-name", "a name of half a million characters", {"batch_loss": f"{'x' * 500_000} = 1\n" + WRONG},
           ungradable=""),
    Attack("unicode-name", "the name in other letters, which Python reads as the same", hit=NONE,
           answers={"loss_of_08": "𝓵𝓸𝓼𝓼_𝓸𝓯_08 = [-np.log(0.8), -np.log(0.2)]"}),
    Attack("await", "an await outside of a function", {"batch_loss": "import asyncio\nawait asyncio.sleep(0)\n" + WRONG},
           reasons=("cell_raised",)),
    Attack("star", "names from everywhere", {"batch_loss": "from nsputil.losses import *\nbatch_loss = nsp_loss"},
           reasons=("package_called",)),
    Attack("chain", "1,500 cells of which each reads the one before", hit=NONE,
           change=more(*[f"x{k} = x{k - 1} if {k} else 0" for k in range(1500)]), slow=True),
    Attack("endless-all", "every cell is without end", {name: "while True: pass" for name in EXERCISES}, hit=EXERCISES,
           reasons=("time",), slow=True),
    Attack("text-slow", "a text that takes long to read", {"why_minus_log_mean": "why_minus_log_mean = 'product not ' * 1600"},
           hit=NONE),
    Attack("text-object", "a text that is no text", {"why_minus_log_mean": "why_minus_log_mean = object()"}, hit=NONE),
    Attack("two-killers", "two cells that end the box",
           {"batch_loss": "import os; os._exit(0)", "loss_of_08": "import os; os._exit(0)"}, hit=("batch_loss", "loss_of_08"),
           reasons=("crash",)),
    Attack("all-killers", "every cell ends the box", {name: "import os; os._exit(0)" for name in EXERCISES}, hit=EXERCISES,
           reasons=("crash",)),
]  # fmt: skip
