"""From a `Run` to named numbers, each with a unit and, where there is one, a reference level in closed form.

`curves` reads what every log holds: loss and accuracy, of training batches and of held-out pairs. `instruments` reads
the readings from inside the training, and the recalls. `levels` holds the reference levels, `base` says what a `Signal`
is. The numbers of probes are declared in `nsputil.clinic.probes`; `nsputil.clinic.signal_registry` lists all.
Introduced in notebook 09.
"""

import warnings

import numpy as np

from nsputil.clinic.signals.base import Signal, by_name, signals_of
from nsputil.clinic.signals.curves import HeldOutCurve, Kind, TrainingCurve, held_out_curve, kind, training_curve
from nsputil.clinic.signals.instruments import InstrumentSignals, instrument_signals
from nsputil.clinic.signals.levels import LN2, reference_levels
from nsputil.run import Run

__all__ = ["LN2", "RUN_SIGNALS", "Signal", "reference_levels", "signals"]

#: All signals of a run, by name.
RUN_SIGNALS: dict[str, Signal] = signals_of(Kind, TrainingCurve, HeldOutCurve, InstrumentSignals)


def signals(run: Run, tier: str = "instruments") -> dict[str, float]:
    """Return the signals of a run.

    Parameters
    ----------
    run : Run
        Of any length; evaluations and instruments may be absent, and the loss may end in NaN.
    tier : {"curves", "instruments"}
        "curves" leaves out everything that an ordinary log does not hold.

    Returns
    -------
    dict of float
        All names of `RUN_SIGNALS` of that tier. NaN where the run does not hold what a signal needs.

    Raises
    ------
    ValueError
        If the run has no step or the tier is unknown.
    """
    if tier not in ("curves", "instruments"):
        raise ValueError(f"tier is {tier!r}; expected 'curves' or 'instruments'")
    if len(run.loss) == 0 or len(run.accuracy) != len(run.loss):
        raise ValueError(
            f"the run has {len(run.loss)} losses and {len(run.accuracy)} accuracies; expected one of each a step"
        )
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN, which is what it should be
        numbers = by_name(kind(run)) | by_name(training_curve(run)) | by_name(held_out_curve(run))
        if tier == "instruments":
            numbers |= by_name(instrument_signals(run))
    return {name: float(np.clip(value, -1e4, 1e4)) for name, value in numbers.items()}
