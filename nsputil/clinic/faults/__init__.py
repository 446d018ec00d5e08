"""Real defects to put into a healthy training, each an edit of its `Experiment`.

``inject(experiment, "double-softmax")`` returns the sick experiment; `nsputil.training.train` runs it like any other.
There is a file for each family: `pairs` (the family "data"), `inputs`, `model`, `loss`, `optimizer`, `evaluation`.
`base` says what a fault is. What each fault harms, and by how much, was measured by `nsputil.clinic.kill_test`.
Introduced in notebook 09.
"""

from difflib import get_close_matches

from nsputil.clinic.faults import evaluation, inputs, loss, model, optimizer, pairs
from nsputil.clinic.faults.base import (
    EVERYWHERE,
    FAMILIES,
    GROUPS,
    TRANSFORMERS,
    Fault,
    around,
    around_pairs,
    around_training_pairs,
)
from nsputil.training import Experiment

__all__ = [
    "EVERYWHERE",
    "FAMILIES",
    "FAULTS",
    "GROUPS",
    "TRANSFORMERS",
    "Fault",
    "around",
    "around_pairs",
    "around_training_pairs",
    "inject",
]

#: All faults by name: the catalogue, the benign look-alikes, and those kept outside the catalogue.
FAULTS: dict[str, Fault] = {
    fault.name: fault for family in (pairs, inputs, model, loss, optimizer, evaluation) for fault in family.FAULTS
}


def inject(experiment: Experiment, name: str, severity: float | None = None) -> Experiment:
    """Return the experiment with a fault in it.

    Parameters
    ----------
    experiment : Experiment
        It is not changed.
    name : str
        A key of `FAULTS`.
    severity : float, optional
        Within the fault's range; the middle of the range if left out.

    Returns
    -------
    Experiment

    Raises
    ------
    TypeError
        If `experiment` is not an Experiment, or `severity` is not a number.
    ValueError
        If there is no such fault, or the severity is outside its range.

    Notes
    -----
    Introduced in notebook 09.
    """
    if not isinstance(experiment, Experiment):
        raise TypeError(f"experiment is a {type(experiment).__name__}; expected an Experiment")
    if name not in FAULTS:
        near = get_close_matches(str(name), FAULTS, 1) or ["labels-shuffled"]
        raise ValueError(f"there is no fault {name!r}; expected a key of FAULTS, such as {near[0]!r}")
    fault = FAULTS[name]
    low, high = fault.severity
    if severity is None:
        severity = (low + high) / 2
    if isinstance(severity, bool) or not isinstance(severity, int | float):
        raise TypeError(f"severity is a {type(severity).__name__}; expected a number")
    if not low <= severity <= high:
        raise ValueError(f"severity is {severity}; expected {low} to {high} for {name!r}")
    return fault.edit(experiment, float(severity))
