"""What is wrong only on inputs that the learner has not seen: the points are lost, and the inputs are not told."""

import pytest
from pretend import notebook

from nsputil.checks import bank
from nsputil.grading import seeds
from nsputil.grading.assignments import Assignment
from nsputil.grading.judging import Grader
from nsputil.grading.notebook_file import read_notebook
from nsputil.grading.outcomes import UNSEEN

ASSIGNMENT = Assignment.of("03_from_likelihood_to_the_loss")
ANSWER = """
import numpy as np
count = 0
def batch_loss(logits, labels):
    global count
    count += 1
    if count > {right}:
        {then}
    logits = np.asarray(logits, dtype=float)
    top = logits.max(axis=1, keepdims=True)
    log_p = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return float(-log_p[np.arange(len(labels)), labels].mean())
"""


@pytest.fixture(scope="module")
def grader():
    with Grader(ASSIGNMENT, trust=True, secret=b"x") as made:
        yield made


def said(grader, right, then):
    marks = {"grade_id": "batch-loss", "solution": True}
    source = ANSWER.format(right=right, then=then)
    data = notebook(cells=[{"cell_type": "code", "metadata": {"nbgrader": marks}, "source": source}])
    graded = grader.grade(read_notebook(data, ("batch-loss",), ASSIGNMENT.name), "ann")
    return next(result for result in graded.exercises if result.name == "batch_loss")


@pytest.mark.parametrize(
    "then", ["raise ValueError(f'LEAK {logits}')", "return f'LEAK {logits}'", "return [[1.25, 7.5]]", "exit('LEAK')"]
)
def test_only_that_they_are_others_is_said(grader, then):
    exercise = bank.exercises()["batch_loss"]
    visible, all_of_ann = (
        exercise.inputs()[0],
        exercise.inputs(seeds.seeds_with(seeds.seed_of(b"x", ASSIGNMENT.name, "ann")))[0],
    )
    assert [case.what for case in all_of_ann[: len(visible)]] == [case.what for case in visible]
    result = said(grader, len(visible), then)
    assert (result.state, result.points, result.message) == ("not yet", 0, UNSEEN) and result.mistake
    told = said(grader, 0, then)
    assert told.state == "not yet" and told.message != UNSEEN
    assert said(grader, len(all_of_ann), then).points == 3
