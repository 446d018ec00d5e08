"""Probes: experiments that an engineer can run on a suspect training without knowing what is wrong with it.

Each runs the suspect's own pipeline, defect included, and returns a few numbers. No probe reads how the pipeline
differs from a healthy one; it learns only what the pipeline does. There is a file for each part of a training: `pairs`,
`loss`, `inputs`, `training`, `evaluation`. `suspect` says what a probe may touch, `registry` what a probe is.
Introduced in notebook 09.
"""

from nsputil.clinic.probes import evaluation, inputs, loss, pairs, training
from nsputil.clinic.probes.registry import Probe
from nsputil.clinic.probes.suspect import Suspect

__all__ = ["PROBES", "Probe", "Suspect", "probe"]

#: All probes by name.
PROBES: dict[str, Probe] = {
    one.name: one for part in (pairs, loss, inputs, training, evaluation) for one in part.PROBES
}


def probe(suspect: Suspect, name: str) -> dict[str, float]:
    """Run a probe.

    Parameters
    ----------
    suspect : Suspect
    name : str
        A key of `PROBES`.

    Returns
    -------
    dict of float
        The numbers by name. All are NaN if the suspect's own code failed, because a failure is an outcome too.

    Raises
    ------
    ValueError
        If there is no such probe.
    """
    if name not in PROBES:
        raise ValueError(f"there is no probe {name!r}; expected one of {', '.join(PROBES)}")
    return PROBES[name](suspect)
