"""A new kind of training, seen through a few healthy runs of it.

Gradients, updates and losses of another architecture are of another size, and a diagnosis that has never seen it takes
healthy runs for sick. What "healthy" looks like there, three runs show.
"""

import warnings

import numpy as np

from nsputil.clinic.evidence import KIND
from nsputil.clinic.reading import reader


class Reference:
    """A function from the signals of a new kind of training to those that the diagnosis knows.

    Each signal is moved by as much as the middle of the healthy reference runs stands away from the middle of the
    healthy runs that the diagnosis learned from. What is the same in both, such as an exact zero, is not moved.

    Parameters
    ----------
    runs : sequence of dict
        Of each healthy run what `nsputil.clinic.signals.signals` returns, with the outcomes of probes if there are any.
    using : Reader, optional
        Another fitted diagnosis than the shipped one.

    Raises
    ------
    ValueError
        If there is no run, or a name is unknown.
    """

    def __init__(self, runs, using=None):
        using = using or reader()
        if not runs:
            raise ValueError("no reference run; expected the signals of at least one healthy run")
        here, known = np.array([using.vector(run)[0] for run in runs]), using.outcomes[using.labels == using.healthy]
        moves = np.nan_to_num(_middle(known) - _middle(here))
        self.moves = dict(zip(using.model.names, moves.tolist(), strict=True)) | dict.fromkeys(KIND, 0.0)

    def __call__(self, found):
        """Return signals or outcomes, moved."""
        return {name: value + self.moves[name] for name, value in found.items()}


def _middle(values):
    """Return the median of the finite numbers in each column; NaN where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(np.where(np.isfinite(values), values, np.nan), axis=0)
