"""Swaps: exchange one part of an experiment for a reference part, train again, and see whether the symptom goes.

A swap finds the place of a cause that no catalogue has. `parts` says what the parts are, `doses` changes the amount of
something instead of its kind (rate, time, dropout), and `trials` trains pairs of experiments with the same seeds and
compares their accuracy on the same pairs.
"""

from nsputil.clinic.swaps.doses import DOSES, REPAIRS, Dose
from nsputil.clinic.swaps.parts import PARTS, defaults, exchanged
from nsputil.clinic.swaps.trials import Trial, Trials

__all__ = ["DOSES", "PARTS", "REPAIRS", "Dose", "Trial", "Trials", "defaults", "exchanged"]
