"""What an assignment asks for, read from the instructor's own notebook and never from a learner's."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nsputil

#: The check of an exercise, as the first line of its cell: the exercise's name, and the variable that is the answer.
CHECK = re.compile(r"checks\.(\w+)\((\w+)\)")


@dataclass(frozen=True)
class Task:
    """One exercise of an assignment.

    Attributes
    ----------
    name : str
        The exercise.
    answer : str
        The learner's function or variable.
    answer_id, check_id : str
        nbgrader's names of the cell that is filled in, and of the cell that checks it.
    points : float
    manual : bool
        True if a person grades it.
    """

    name: str
    answer: str
    answer_id: str
    check_id: str
    points: float
    manual: bool

    @property
    def grade_id(self) -> str:
        """The cell that carries the points in nbgrader."""
        return self.answer_id if self.manual else self.check_id


@dataclass(frozen=True)
class Assignment:
    """An assignment.

    Attributes
    ----------
    name : str
    tasks : tuple of Task
        In the order of the notebook.
    """

    name: str
    tasks: tuple[Task, ...]

    @classmethod
    def of(cls, name: str, course: str | Path | None = None) -> "Assignment":
        """Read an assignment from the instructor's notebook.

        Parameters
        ----------
        name : str
            Such as ``"03_from_likelihood_to_the_loss"``.
        course : path, optional
            A folder that holds ``solutions/NAME/NAME.ipynb``, or ``source/NAME/NAME.ipynb`` as nbgrader calls it.
            Without it the course's repository is taken.

        Returns
        -------
        Assignment

        Raises
        ------
        ValueError
            If there is no such notebook, or it has no exercise.
        """
        root = Path(nsputil.__file__).resolve().parent.parent if course is None else Path(course)
        folders = [root / "solutions", root / "source"]
        paths = [folder / name / f"{name}.ipynb" for folder in folders]
        path = next((path for path in paths if path.is_file()), None) if name == Path(name).name else None
        if path is None:
            there = sorted({p.parent.name for folder in folders for p in folder.glob("*/*.ipynb")})
            listed = ", ".join(there) or "none: name the folder of the course"
            raise ValueError(f"there is no assignment {name!r}; there are {listed}")
        return cls.from_notebook(name, json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def from_notebook(cls, name: str, notebook: dict[str, Any]) -> "Assignment":
        """Read an assignment from the instructor's notebook as JSON.

        Raises
        ------
        ValueError
            If it has no exercise.
        """
        tasks, answer_cell = [], {}
        for cell in notebook["cells"]:
            marks = cell["metadata"].get("nbgrader", {})
            found = CHECK.match("".join(cell["source"]))
            if marks.get("solution"):
                answer_cell = marks
            elif marks.get("locked") and found and answer_cell:
                manual = bool(answer_cell.get("grade"))
                points = float((answer_cell if manual else marks).get("points", 0))
                ids = answer_cell["grade_id"], marks["grade_id"]
                tasks.append(Task(found[1], found[2], *ids, points, manual))
        if not tasks:
            raise ValueError(f"the notebook of {name!r} has no exercise with a check; expected at least one")
        return cls(name, tuple(tasks))
