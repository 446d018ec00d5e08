"""A new kind of training, seen through a few healthy runs of it.

Gradients, updates and losses of another architecture have other sizes, so a diagnosis that has never seen it takes
healthy runs for sick ones. Three healthy runs show what "healthy" looks like there. Introduced in notebook 10 (by
name).
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from nsputil._types import Floats
from nsputil.clinic.fitted import FittedDiagnosis, load_shipped
from nsputil.clinic.scoring import KIND


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

    def __call__(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Return signals or outcomes, moved."""
        return {name: value + self.moves[name] for name, value in numbers.items()}


def _median(values: Floats) -> Floats:
    """Return the median of the finite numbers in each column; NaN where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(np.where(np.isfinite(values), values, np.nan), axis=0)
