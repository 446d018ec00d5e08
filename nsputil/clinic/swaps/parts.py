"""The parts of an experiment that can be exchanged one by one, and the course's own parts to exchange them for."""

from dataclasses import replace
from typing import Any

from nsputil.training import Experiment

#: Part -> the fields of `Experiment` that belong to it. In this order they are tried: what comes first decides more.
PARTS: dict[str, tuple[str, ...]] = {
    "pairs": ("pairs", "held_out_pairs"),
    "split": ("split",),
    "encoding": ("encode",),
    "model": ("model", "vocabulary_size"),
    "loss": ("loss", "masking", "mlm_loss", "mlm_factor"),
    "optimizer": ("optimizer", "epochs", "max_steps"),
    "batching": ("batching", "batch_size"),
    "evaluation": ("evaluation",),
}


def exchanged(experiment: Experiment, reference: Experiment, *parts: str) -> Experiment:
    """Return the experiment with some parts of another one.

    Parameters
    ----------
    experiment, reference : Experiment
    *parts : str
        Of `PARTS`.

    Returns
    -------
    Experiment

    Raises
    ------
    ValueError
        If there is no such part.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise ValueError(f"there is no part {unknown[0]!r}; expected some of {', '.join(PARTS)}")
    fields: dict[str, Any] = {name: getattr(reference, name) for part in parts for name in PARTS[part]}
    return replace(experiment, **fields)


def defaults(experiment: Experiment) -> Experiment:
    """Return the experiment with the course's default for each part, on the same documents, for as many steps.

    It is a reference of another kind: that a default part does better does not make the experiment's own part sick.
    """
    plain = Experiment(experiment.documents)
    reference = exchanged(experiment, plain, *PARTS)
    return replace(
        reference,
        vocabulary_size=experiment.vocabulary_size,
        epochs=experiment.epochs,
        max_steps=experiment.max_steps,
        batch_size=min(max(experiment.batch_size, 16), 128),
    )
