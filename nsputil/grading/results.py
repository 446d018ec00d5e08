"""What grading one submission gives: a result for each exercise, or a named reason why there is none."""

from dataclasses import dataclass

#: The state of an exercise that could not be judged; the others are those of `nsputil.checks.verdict`.
UNGRADABLE = "ungradable"


@dataclass(frozen=True)
class ExerciseResult:
    """What grading says of one exercise.

    Attributes
    ----------
    name : str
        The exercise.
    grade_id : str
        nbgrader's name of the check cell, or of the answer cell of an exercise that is graded by hand.
    state : str
        As in `nsputil.checks.verdict.Verdict`, or `UNGRADABLE`.
    points, most : float
        Given, and possible.
    mistake, message, question : str
    found : tuple of str
        As in `nsputil.checks.verdict.Verdict`.
    reason : str
        Why the exercise could not be judged: "time", "memory", "output", "crash", "processes", "protocol",
        "missing cell". Empty if it was judged.
    text : str
        The answer to an exercise that is graded by hand.
    manual : bool
        True if a person has to grade it; until then it has no points.
    """

    name: str
    grade_id: str
    state: str
    points: float
    most: float
    mistake: str = ""
    message: str = ""
    question: str = ""
    found: tuple[str, ...] = ()
    reason: str = ""
    text: str = ""
    manual: bool = False


@dataclass(frozen=True)
class Graded:
    """What grading says of one submission.

    Attributes
    ----------
    assignment : str
    exercises : tuple of ExerciseResult
        In the order of the assignment.
    seed : int
        Of the inputs on which the functions of this submission were judged.
    cpu_seconds, wall_seconds : float
        Of all processes in the box together, and of the whole grading.
    peak_bytes : int
        Largest memory in the box.
    replays : int
        How often a new box had to run the cells again.
    notes : tuple of str
        What else a teacher should know, one sentence each.
    """

    assignment: str
    exercises: tuple[ExerciseResult, ...]
    seed: int
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    replays: int
    notes: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """The points given."""
        return sum(exercise.points for exercise in self.exercises)

    @property
    def most(self) -> float:
        """The points possible."""
        return sum(exercise.most for exercise in self.exercises)


class Ungradable(Exception):
    """A whole submission cannot be graded.

    Parameters
    ----------
    reason : str
        A short name, such as "not a notebook".
    detail : str
        One plain sentence.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class GraderFault(Exception):
    """Grading failed by a fault of the grader or of its machine, never of the learner."""
