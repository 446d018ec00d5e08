"""Real defects to put into a healthy training, each an edit of its `Experiment`.

``inject(experiment, "double-softmax")`` returns the sick experiment; `nsputil.training.train` runs it as any other. The
catalogue stands in `nsputil.clinic.catalogue`, a file for each family. What each fault harms, and by how much, was
measured (`nsputil.clinic.harm`). Introduced in notebook 09.
"""

from difflib import get_close_matches

from nsputil.clinic.catalogue import data, evaluation, inputs, loss, model, optimizer
from nsputil.clinic.catalogue.fault import FAMILIES, GROUPS, Fault, around, around_pairs, around_training_pairs
from nsputil.training import Experiment

__all__ = ["FAMILIES", "FAULTS", "GROUPS", "Fault", "around", "around_pairs", "around_training_pairs", "inject"]

#: All faults by name: the catalogue, the benign look-alikes, and those kept outside the catalogue.
FAULTS = {fault.name: fault for family in (data, inputs, model, loss, optimizer, evaluation) for fault in family.FAULTS}


def inject(experiment, name, severity=None):
    """Return the experiment with a fault in it.

    Parameters
    ----------
    experiment : Experiment
        It is not changed.
    name : str
        A key of `FAULTS`.
    severity : float, optional
        Within the fault's range; its middle if left out.

    Returns
    -------
    Experiment

    Raises
    ------
    TypeError
        If `experiment` is not an Experiment, or `severity` no number.
    ValueError
        If there is no such fault, or the severity lies outside its range.

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
