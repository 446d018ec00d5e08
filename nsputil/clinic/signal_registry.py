"""Every signal of the clinic by name: of runs, and of probes. Introduced in notebook 10 (by name)."""

from nsputil.clinic.probes import PROBES
from nsputil.clinic.signals import RUN_SIGNALS, Signal
from nsputil.clinic.signals.base import signals_of

#: What the probes tell, by name.
PROBE_SIGNALS: dict[str, Signal] = signals_of(*(probe.outcome for probe in PROBES.values()))
#: All that a diagnosis may know of a training, by name.
SIGNALS: dict[str, Signal] = RUN_SIGNALS | PROBE_SIGNALS


def described(name: str) -> str:
    """Return the meaning of a signal in words, with the logarithm if there is one."""
    signal = SIGNALS[name]
    return f"log10 of: {signal.meaning}" if signal.unit == "log10" else signal.meaning
