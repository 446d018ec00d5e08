"""A new kind of training, seen through a few healthy runs of it.

Gradients, updates and losses of another architecture have other sizes, so a diagnosis that has never seen it takes
healthy runs for sick ones. Three healthy runs show what "healthy" looks like there; `Reference.of` trains them.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Self

import numpy as np

from nsputil._types import Floats
from nsputil.clinic.fitted import FittedDiagnosis, load_shipped
from nsputil.clinic.probes import PROBES, Suspect, probe
from nsputil.clinic.scoring import KIND
from nsputil.clinic.signals import signals
from nsputil.experiment import Experiment
from nsputil.run import Run
from nsputil.training import train


class Reference:
    """A function from the signals of a new kind of training to those that the diagnosis knows.

    Each signal is moved by the difference between two medians: of the healthy runs that the diagnosis learned from, and
    of the healthy reference runs. A signal that is the same in both, such as an exact zero, is not moved.

    Parameters
    ----------
    runs : sequence of dict
        For each healthy run what `nsputil.clinic.signals.signals` returns, and the outcomes of probes if there are any.
    using : FittedDiagnosis, optional
        Another fitted diagnosis than the shipped one.

    Attributes
    ----------
    moves : dict of float
        What is added to each signal.

    Raises
    ------
    ValueError
        If there is no run, or a name is unknown.
    """

    def __init__(self, runs: Sequence[Mapping[str, float]], using: FittedDiagnosis | None = None) -> None:
        using = using or load_shipped()
        if not runs:
            raise ValueError("no reference run; expected the signals of at least one healthy run")
        here = np.array([using.see(run).values for run in runs])
        learned = using.known.values[using.known.labels == using.healthy]
        moves = np.nan_to_num(_median(learned) - _median(here))
        self.moves = dict(zip(using.model.names, moves.tolist(), strict=True)) | dict.fromkeys(KIND, 0.0)

    @classmethod
    def of(
        cls,
        make: Callable[[int], Experiment],
        seeds: Iterable[int] = range(3),
        probes: Iterable[str] = tuple(PROBES),
        using: FittedDiagnosis | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Self:
        """Train healthy experiments of a kind, ask every probe about them, and return their reference.

        Parameters
        ----------
        make : callable
            From a seed to an `Experiment` of this kind that is known to be healthy, and that no other seed gives.
        seeds : iterable of int
            One training for each.
        probes : iterable of str
            Keys of `PROBES`. A probe that is left out is later read as if the diagnosis knew this kind.
        using : FittedDiagnosis, optional
            Another fitted diagnosis than the shipped one.
        progress : callable, optional
            Called with a sentence before each training.

        Returns
        -------
        Reference

        Raises
        ------
        TypeError
            If `make` does not return an Experiment.
        ValueError
            If there is no seed, a probe is unknown, a training diverged, or two seeds gave the same training or
            trainings of two kinds (`Run.kind`).
        """
        seeds, asked = list(seeds), list(probes)
        if not seeds:
            raise ValueError("seeds is empty; expected at least one, and three for a median that one run cannot move")
        for name in asked:
            if name not in PROBES:
                raise ValueError(f"there is no probe {name!r}; expected some of {', '.join(PROBES)}")
        seen: list[dict[str, float]] = []
        losses: dict[tuple[float, ...], int] = {}
        kind: dict[str, bool | None] = {}
        for number, seed in enumerate(seeds, 1):
            if progress is not None:
                progress(f"Healthy training {number} of {len(seeds)}, with seed {seed}.")
            experiment, run = _trained(make, seed)
            other = losses.setdefault(tuple(run.loss), seed)
            if len(losses) < number:
                raise ValueError(
                    f"make({other}) and make({seed}) gave the same training; expected each seed to give its own, "
                    "for example Experiment(..., seed=seed)"
                )
            kind = kind or run.kind
            if run.kind != kind:
                raise ValueError(
                    f"make({seeds[0]}) gave a training of the kind {kind}, and make({seed}) one of {run.kind}; "
                    "expected one kind"
                )
            suspect, numbers = Suspect(experiment, run), signals(run)
            for name in asked:
                numbers |= probe(suspect, name)
            seen.append(numbers)
        return cls(seen, using)

    def __call__(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Return signals or outcomes, moved."""
        return {name: value + self.moves[name] for name, value in numbers.items()}


def _trained(make: Callable[[int], Experiment], seed: int) -> tuple[Experiment, Run]:
    """Return the experiment of a seed and its run; raise an error if it cannot serve as a healthy one."""
    experiment = make(seed)
    if not isinstance(experiment, Experiment):
        raise TypeError(f"make({seed}) returned a {type(experiment).__name__}; expected a healthy Experiment")
    run = train(experiment)
    if run.interrupted:
        raise KeyboardInterrupt
    if run.diverged_at is not None:
        raise ValueError(f"the training of make({seed}) diverged at step {run.diverged_at}; expected a healthy one")
    return experiment, run


def _median(values: Floats) -> Floats:
    """Return the median of the finite numbers in each column; NaN where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(np.where(np.isfinite(values), values, np.nan), axis=0)
