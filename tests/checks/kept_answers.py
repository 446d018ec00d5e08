"""Answers that were written from the exercise sheets alone: files of cells, each a whole answer."""

import re
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mutation  # noqa: F401  (switches the record of progress off)
import small_changes

from nsputil.checks import bank

FOLDER = Path(__file__).resolve().parent / "answers"


@dataclass(frozen=True)
class Answer:
    """One answer cell.

    `name` is the exercise, `what` what its author says about it, `source` the cell.
    """

    name: str
    what: str
    source: str

    def value(self):
        """Run the cell after the imports of its sheet, and return the answer."""
        space = {}
        with warnings.catch_warnings():  # a warning is no error in a notebook
            warnings.simplefilter("ignore")
            exec(_imports().get(self.name, "import numpy as np"), space)
            exec(compile(self.source, "<answer>", "exec"), space)
        return space[self.name]


@cache
def _imports():
    return small_changes.solution_sources()[1]


@cache
def answers(kind):
    """Return all answers of a kind: "right", "wrong" or "text"."""
    found = []
    for path in sorted(FOLDER.glob(f"{kind}_*.txt")):
        parts = re.split(r"^# %% ?(.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for head, source in zip(parts[1::2], parts[2::2], strict=True):
            name, _, what = head.partition("|")
            found.append(Answer(name.strip(), what.strip(), source))
    return found


def points_of_texts():
    """Return (points, points found or not found rightly) over the texts; piles of key words are left out.

    The third field of a text's heading says which points of the rubric it really makes: x for one that it makes.
    """
    points = agreeing = 0
    for answer in answers("text"):
        what, _, label = answer.what.rpartition("|")
        if label.strip() != "pile":
            found = bank.exercises()[answer.name].read(answer.value()).points
            marks = ["x" if words else "." for words in found]
            assert len(marks) == len(label.strip()), what
            points += len(marks)
            agreeing += sum(a == b for a, b in zip(marks, label.strip(), strict=True))
    return points, agreeing
