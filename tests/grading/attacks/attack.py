"""What an attack is: a submission to assignment 03 that is right but for what it says, and what must hold afterwards."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NAME = "03_from_likelihood_to_the_loss"
#: The automatic exercises of the assignment.
EXERCISES = (
    "most_likely_p", "loss_of_08", "high_p_high_loss", "high_loss_low_p", "batch_loss", "split_cross_entropy",
    "cheapest_announcement",
)  # fmt: skip
WRONG = "def batch_loss(logits, labels):\n    return 5.0"


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes
    ----------
    name, what : str
    answers : dict
        {exercise: the source of its answer cell}; all others are right.
    before, after : str
        A cell in front of all answers, and one behind them.
    hit : tuple of str
        The exercises that must not be paid; all others must be.
    may_lose : tuple of str
        More exercises of its own that the attack may cost.
    reasons : tuple of str
        What may be the reason or the mistake of those that are hit; empty if anything but "right" will do.
    ungradable : str
        The reason why the whole submission cannot be graded, if it cannot.
    change : callable, optional
        ``change(notebook)`` returns what is handed in instead.
    slow : bool
        True if it takes several seconds; the quick run leaves it out.
    """

    name: str
    what: str
    answers: dict = field(default_factory=dict)
    before: str = ""
    after: str = ""
    hit: tuple = ("batch_loss",)
    may_lose: tuple = ()
    reasons: tuple = ()
    ungradable: str = ""
    change: object = None
    slow: bool = False

    def notebook(self, places):
        """Return the submission; `places` fills in what an attack looks for outside."""
        notebook = solution()
        for name, source in self.answers.items():
            _cell(notebook, name.replace("_", "-"))["source"] = _filled(source, places)
        for source, where in ((self.before, 1), (self.after, len(notebook["cells"]))):
            if source:
                notebook["cells"].insert(where, code_cell(_filled(source, places)))
        return self.change(notebook) if self.change else notebook


def _filled(source, places):
    for name, value in places.items():
        source = source.replace(f"<{name}>", str(value))
    return source


def code_cell(source):
    """Return a code cell that belongs to no exercise."""
    return {"cell_type": "code", "id": "x", "metadata": {}, "outputs": [], "execution_count": None, "source": source}


def _cell(notebook, name):
    return next(cell for cell in notebook["cells"] if cell["id"] == name)


@cache
def _text():
    return (ROOT / "solutions" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")


def solution():
    """Return the solution notebook, a new one each time."""
    return json.loads(_text())
