"""What a check says about an answer."""

from dataclasses import dataclass

RIGHT, WRONG, NOT_DONE, COMPARED = "right", "not yet", "not done yet", "compared"


@dataclass(frozen=True)
class Verdict:
    """The judgment on one answer.

    Attributes
    ----------
    state : str
        ``RIGHT``, ``WRONG`` or ``NOT_DONE``; for a text also ``COMPARED``, since no program can say that a text is
        right.
    message : str
        What the check saw, in terms of the learner's likely idea.
    question : str
        A question that leads on; empty if there is none.
    mistake : str
        The name of the misconception or of the kind of problem, such as ``"wrong_sign"`` or ``"shape"``; empty if the
        answer is right or not recognized. Tests and reports use it.
    found : tuple of str
        For a text: the names of the rubric's points of which there is a sign.
    """

    state: str
    message: str = ""
    question: str = ""
    mistake: str = ""
    found: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """Return the lines that a learner sees.

        Parameters
        ----------
        name : str
            The exercise.

        Returns
        -------
        str
        """
        lines = [f"{name}: {self.state}.", self.message]
        if self.question:
            lines.append(f"Ask yourself: {self.question}")
        if self.state == WRONG:
            lines.append(f"A hint: checks.{name}.hint()")
        return "\n".join(line for line in lines if line)
