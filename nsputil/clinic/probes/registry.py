"""What a probe is, and how one is run. Introduced in notebook 09."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nsputil.clinic.probes.suspect import Suspect
from nsputil.clinic.signals import base


@dataclass(frozen=True)
class Probe:
    """One experiment.

    Attributes
    ----------
    name : str
    question : str
    cost : float
        In training steps of the suspect, as measured (benchmarks/probe_cost.py) with a bag and with a Transformer: the
        larger of the two, and at least one. The pairs of the training are there already; all else must be computed.
    outcome : type
        The dataclass of its numbers.
    run : callable
        ``(suspect) -> outcome``.
    """

    name: str
    question: str
    cost: float
    outcome: type
    run: Callable[[Suspect], Any]

    @property
    def signals(self) -> tuple[str, ...]:
        """The names of its numbers."""
        return tuple(base.signals_of(self.outcome))

    def __call__(self, suspect: Suspect) -> dict[str, float]:
        """Run the probe.

        Returns
        -------
        dict of float
            The numbers by name. All are NaN if the suspect's own code failed, because a failure is an outcome too.
        """
        with np.errstate(all="ignore"):
            try:
                return base.by_name(self.run(suspect))
            except Exception:  # the suspect pipeline may be broken in any way
                return dict.fromkeys(self.signals, float("nan"))


def number(name: str, unit: str, meaning: str, lowest: float, highest: float) -> Any:
    """Return the field of a dataclass that holds a number of a probe.

    Parameters
    ----------
    name, unit, meaning : str
        As `nsputil.clinic.signals.base.Signal` has them.
    lowest, highest : float
        The range of healthy runs. It holds 99 of 100 of 360 healthy runs of bags, and all but a few of 68 of
        Transformers, weak ones included. Equal ends: the number is known before it is measured.
    """
    return base.number(name, unit, meaning, "probes", (lowest, highest))


def log10(value: Any) -> float:
    """Return log10 of a number, -8 at the lowest; NaN if the number is not finite."""
    return float(np.log10(max(value, 1e-8))) if np.isfinite(value) else float("nan")
