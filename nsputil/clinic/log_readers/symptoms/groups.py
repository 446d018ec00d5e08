"""What a symptom is, and the groups that symptoms belong to."""

from dataclasses import dataclass

NAN = "not a number"
CONTRADICTION = "contradictory numbers"
RISES = "falls, then rises"
STUCK = "never falls"
WORSE = "held-out worse than training"
BETTER = "held-out better than training"
PERFECT = "too good"
GROUPS = (NAN, CONTRADICTION, RISES, STUCK, WORSE, BETTER, PERFECT)


@dataclass(frozen=True)
class Symptom:
    """What is unusual about the numbers.

    Attributes
    ----------
    group : str
        One of `GROUPS`.
    statement : str
        One sentence with the numbers.
    firm : bool
        False: worth a look, but seen in good trainings, too.
    """

    group: str
    statement: str
    firm: bool = True
