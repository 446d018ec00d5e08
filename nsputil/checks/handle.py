"""What a learner holds of an exercise: it judges, gives hints, and shows no answer to somebody who presses Tab.

The exercise itself, with its reference and its right letters, stays in `nsputil.checks.bank`.
"""

from typing import TYPE_CHECKING

from nsputil.checks.verdict import Verdict

if TYPE_CHECKING:
    from nsputil.checks.exercise import Exercise


class Check:
    """The check of one exercise; call it with an answer.

    Parameters
    ----------
    name : str
        Of the exercise.
    """

    __slots__ = ("__name",)

    def __init__(self, name: str) -> None:
        self.__name = name

    def __repr__(self) -> str:
        return f"checks.{self.__name}: call it with your answer; checks.{self.__name}.hint() gives a hint"

    def __dir__(self) -> list[str]:
        texts = ["mark", "model_answer"] if self.__exercise().graded_by_hand else []
        return ["grade", "hint", "judge", "solution", *texts]

    def __exercise(self) -> "Exercise":
        from nsputil.checks.bank import exercises

        return exercises()[self.__name]

    def __call__(self, answer: object) -> None:
        """Judge an answer, print the verdict, and note the progress.

        Parameters
        ----------
        answer : object
        """
        self.__exercise()(answer)

    def judge(self, answer: object, seed: int | None = None) -> Verdict:
        """Return the verdict on an answer, without printing or keeping anything.

        Parameters
        ----------
        answer : object
        seed : int, optional
            Of other inputs than those of the check.

        Returns
        -------
        Verdict
        """
        return self.__exercise().judge(answer, seed)

    def grade(self, answer: object) -> bool:
        """Return True if the answer is right, and raise `NotRight` if it is not; a hidden test calls it.

        Parameters
        ----------
        answer : object

        Returns
        -------
        bool
        """
        return self.__exercise().grade(answer)

    def hint(self, step: int | None = None) -> None:
        """Print the next hint, or the one that is asked for.

        Parameters
        ----------
        step : int, optional
            1, 2 or 3.
        """
        self.__exercise().hint(step)

    def solution(self) -> None:
        """Print the next step of the solution, once the three hints were read."""
        self.__exercise().solution()

    def model_answer(self) -> None:
        """Print a model answer to an exercise that is answered in words, after two tries."""
        self.__exercise().model_answer()

    def mark(self, *points: int) -> None:
        """Note which points of the rubric your text makes.

        Parameters
        ----------
        points : int
            Numbers as in the model answer.
        """
        self.__exercise().mark(*points)
