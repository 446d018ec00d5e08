"""A class and a grader for tests: the grader reads what to do in the first cell, so no box is needed."""

import json
import os
import time
from dataclasses import dataclass, replace

from nsputil.checks.verdict import COMPARED, NOT_DONE, RIGHT, WRONG
from nsputil.grading.job import Job
from nsputil.grading.results import UNGRADABLE, ExerciseResult, Graded, GraderFault, Ungradable

ASSIGNMENT = "03_from_likelihood_to_the_loss"
IDS = ("batch-loss-check", "loss-of-08-check", "why-minus-log-mean")
MOST = 7.0
EXERCISES = (
    ExerciseResult("batch_loss", IDS[0], RIGHT, 3.0, 3.0),
    ExerciseResult("loss_of_08", IDS[1], RIGHT, 1.0, 1.0),
    ExerciseResult("why_minus_log_mean", IDS[2], NOT_DONE, 0.0, 3.0, manual=True),
)


def result(does, student="s"):
    """Return what the pretended grader says: `does` is a list of words."""
    loss, number, text = EXERCISES
    if "sign" in does:
        loss = replace(loss, state=WRONG, points=0.0, mistake="wrong_sign", message="It is below 0.", question="why?")
    if "slow" in does:
        loss = replace(loss, state=UNGRADABLE, points=0.0, reason="time")
    if "half" in does:
        number = replace(number, state=WRONG, points=0.0, mistake="base_2", message="It is in bits.")
    if "text" in does:
        text = replace(text, state=COMPARED, text=f"Because of logs, says {student}.", message="- found")
    if "evil" in does:
        evil = "<script>alert(1)</script>\x1b[2J=cmd()\u202egnp\ud800"
        loss = replace(loss, state=WRONG, points=0.0, message=evil)
        text = replace(text, state=COMPARED, text=evil + "\n" + evil)
    return Graded(ASSIGNMENT, (loss, number, text), seed=5, cpu_seconds=0.1, wall_seconds=0.2, peak_bytes=9, replays=0)


@dataclass(frozen=True)
class PretendGrader:
    """Does what the first cell says, such as ``sign text``; ``die`` ends the process."""

    log: str = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def grade(self, notebook, student):
        does = notebook["cells"][0]["source"].split()
        if self.log:
            with open(self.log, "a") as file:
                file.write(student + "\n")
        if "die" in does:
            os._exit(9)
        if "wait" in does:
            time.sleep(0.05)
        if "refuse" in does:
            raise Ungradable("crash", "it ended")
        if "fault" in does:
            raise GraderFault("no more room")
        if "bug" in does:
            raise KeyError("x")
        return result(does, student)


def job(log=""):
    return Job(PretendGraderMaker(log), ASSIGNMENT, IDS)


@dataclass(frozen=True)
class PretendGraderMaker:
    """Makes a grader; unlike a lambda it can be sent to another process."""

    log: str = ""

    def __call__(self):
        if self.log == "gone":
            raise OSError("no bubblewrap")
        return PretendGrader(self.log)


def notebook(does="", **changes):
    """Return the bytes of a notebook."""
    marks = {"grade_id": IDS[0], "grade": True, "points": 3, "schema_version": 3}
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [does]},
        {"cell_type": "code", "id": "b", "metadata": {"nbgrader": marks}, "source": "", "outputs": []},
    ]
    content = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content | changes).encode()


def deliver(root, students):
    """Write {student: what its notebook does, or its bytes} as nbgrader has it."""
    for student, does in students.items():
        folder = root / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.ipynb").write_bytes(does if isinstance(does, bytes) else notebook(does))
    return root
