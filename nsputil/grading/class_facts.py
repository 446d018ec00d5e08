"""What a class did: how common each mistake is, and which exercise separates the strong from the weak."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nsputil.checks.verdict import NOT_DONE, RIGHT, WRONG
from nsputil.grading.book import BookRow
from nsputil.grading.results import UNGRADABLE

FEWEST = 5  # graded submissions, below which a correlation says nothing


@dataclass(frozen=True)
class ExerciseFacts:
    """What a class did in one exercise.

    Attributes
    ----------
    name, grade_id : str
    most : float
    manual : bool
    right, wrong, not_done, ungradable, waiting : int
        Numbers of submissions.
    mean : float
        Of the points, as a share of `most`; NaN as long as some wait for a person.
    separates : float
        The correlation of its points with the points of all other exercises, from -1 to 1; NaN if it has none, since
        everybody has the same points, or since there are fewer than `FEWEST` submissions.
    mistakes : tuple of (str, int)
        Names of misconceptions and how many submissions had each, the most common first.
    """

    name: str
    grade_id: str
    most: float
    manual: bool
    right: int
    wrong: int
    not_done: int
    ungradable: int
    waiting: int
    mean: float
    separates: float
    mistakes: tuple[tuple[str, int], ...]


def class_facts(rows: Sequence[BookRow]) -> list[ExerciseFacts]:
    """Return the facts of each exercise, in the order of the assignment.

    Parameters
    ----------
    rows : sequence of BookRow

    Returns
    -------
    list of ExerciseFacts
        Of the submissions that were graded.
    """
    graded = [row for row in rows if row.outcome.graded]
    if not graded:
        return []
    points = np.array([[row.points(e) for e in row.exercises] for row in graded])
    facts = []
    for place, first in enumerate(graded[0].exercises):
        results = [row.exercises[place] for row in graded]
        states = Counter(e.state for e in results if not e.manual)
        waiting = sum(any(w.grade_id == first.grade_id for w in row.waiting) for row in graded)
        known = np.array([first.grade_id not in {w.grade_id for w in row.waiting} for row in graded])
        own = points[known, place]
        mistakes = Counter(e.mistake for e in results if e.state == WRONG and e.mistake and not e.manual)
        empty = sum(e.manual and not e.text.strip() for e in results)
        facts.append(
            ExerciseFacts(
                first.name, first.grade_id, first.most, first.manual, states[RIGHT], states[WRONG],
                states[NOT_DONE] + empty, sum(e.state == UNGRADABLE for e in results), waiting,
                float(own.mean() / first.most) if len(own) and first.most and not waiting else float("nan"),
                _correlation(own, points[known].sum(axis=1) - own),
                tuple(sorted(mistakes.items(), key=lambda pair: (-pair[1], pair[0]))),
            )
        )  # fmt: skip
    return facts


def _correlation(own: np.ndarray, rest: np.ndarray) -> float:
    if len(own) < FEWEST or np.ptp(own) == 0 or np.ptp(rest) == 0:
        return float("nan")
    return float(np.corrcoef(own, rest)[0, 1])
