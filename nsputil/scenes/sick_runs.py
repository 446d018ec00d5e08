"""Trainings with a defect from the clinic's catalogue, and what its probes say of them. For notebooks 09 and 10."""

from dataclasses import replace
from functools import partial

import numpy as np

from nsputil.clinic import programs
from nsputil.clinic.faults import inject
from nsputil.clinic.probes import Suspect, probe
from nsputil.training import Experiment, Run, train


def three_defects() -> dict[str, Run]:
    """Train three times, each time with another defect; this file says which ones.

    Returns
    -------
    dict of Run
        By the names "X", "Y" and "Z".
    """
    faults = {"X": "sum-reduction", "Y": "training-labels-inverted", "Z": "too-few-pairs"}
    return {name: train(inject(_sound_experiment(), fault)) for name, fault in faults.items()}


def one_sided_training() -> tuple[Run, Run, dict[str, float]]:
    """Train a model that says IsNext to nearly everything, and probe it; this file says what its defect is.

    Returns
    -------
    sick : Run
    healthy : Run
        Of the same experiment without the defect.
    outcomes : dict of float
        What the probes of `nsputil.clinic.probes` said of the sick one.
    """
    sound = _sound_experiment()
    sick = inject(sound, "class-weight-left")
    suspect = Suspect(sick, train(sick))
    probes = ("label-histogram", "look-at-rows", "loss-unit-test", "overfit-eight", "recount-training")
    return suspect.run, train(sound), _outcomes(suspect, probes)


def never_falling_training() -> tuple[dict[str, Run], dict[str, float]]:
    """Train a model whose loss never falls, probe it, and try three repairs; this file says what its defect is.

    Returns
    -------
    runs : dict of Run
        By the name "as it was", and by the names of the repairs.
    outcomes : dict of float
        What the probes of `nsputil.clinic.probes` said of the training as it was.
    """
    sound = _sound_experiment()
    defect = "weight-decay-too-high"
    sick = inject(sound, defect)
    optimizer, steps = sound.optimizer, sound.max_steps
    assert isinstance(optimizer, partial) and steps is not None  # of a program: its rate and its steps are filled in
    slower = partial(programs.adamw, rate=optimizer.keywords["rate"] / 10)
    runs = {
        "as it was": train(sick),
        "twice as long": train(replace(sick, max_steps=2 * steps)),
        "a tenth of the rate": train(inject(replace(sound, optimizer=slower), defect)),
        "less decay": train(sound),
    }
    suspect = Suspect(sick, runs["as it was"])
    return runs, _outcomes(suspect, ("look-at-rows", "overfit-eight", "one-step", "weights"))


def _sound_experiment() -> Experiment:
    return programs.healthy(programs.PROGRAMS[0], seed=21, dtype=np.float64)


def _outcomes(suspect: Suspect, probes: tuple[str, ...]) -> dict[str, float]:
    outcomes: dict[str, float] = {}
    for name in probes:
        outcomes |= probe(suspect, name)
    return outcomes
