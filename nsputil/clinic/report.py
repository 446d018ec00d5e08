"""A diagnosis as text, for ``python -m nsputil diagnose RUN``: ranked causes, their evidence, what to ask next."""

import json
import math
import textwrap
from pathlib import Path

from nsputil.clinic.diagnosis import HEALTHY, UNKNOWN, diagnose
from nsputil.clinic.faults import FAULTS
from nsputil.clinic.logs import read_log
from nsputil.clinic.probes import PROBES, SIGNAL_NOTES
from nsputil.clinic.signals import SIGNALS, signals

WIDTH = 100
#: How a unit is written behind a number.
UNITS = {"nats": " nats", "fraction": "", "ratio": "", "count": "", "yes/no": " (1: yes)", "log10": " (log10)"}


def known_signals(run, tier="instruments"):
    """Return the signals that a run's log holds numbers for.

    In a log an empty cell means *unknown*, and what is unknown is no evidence; in a run of this package a missing
    number means that it could not be had, which is evidence, so `signals` keeps it.

    Parameters
    ----------
    run : Run
    tier : {"curves", "instruments"}

    Returns
    -------
    dict of float
    """
    return {name: value for name, value in signals(run, tier).items() if math.isfinite(value)}


def read_outcomes(path):
    """Read outcomes of probes from a JSON object of names and numbers, such as ``{"unit.certain": 0.3133}``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such object, or a name is no number of a probe.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path.name}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f'{path.name} holds a {type(found).__name__}; expected {{"unit.certain": 0.3133, ...}}')
    for name, value in found.items():
        if name not in SIGNAL_NOTES:
            raise ValueError(f"{path.name}: there is no outcome {name!r}; expected names such as 'unit.certain'")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{path.name}: {name} is {value!r}; expected a number")
    return {name: float(value) for name, value in found.items()}


def diagnose_file(path, outcomes=None, tier="instruments"):
    """Diagnose a saved run, or the log of a training that ran elsewhere.

    Parameters
    ----------
    path : str or Path
        What `Run.save` wrote, or a log (docs/run-format.md).
    outcomes : dict of float, optional
        Of probes.
    tier : {"curves", "instruments"}

    Returns
    -------
    (Run, Diagnosis)

    Raises
    ------
    FileNotFoundError, ValueError
        See `nsputil.clinic.logs.read_log`.
    """
    run = read_log(path)
    own = Path(path).suffix.lower() == ".json" and "nsputil run 1" in Path(path).read_text(encoding="utf-8-sig")[:40]
    found = signals(run, tier) if own else known_signals(run, tier)
    return run, diagnose(found, outcomes or ())


def report(path, run, diagnosis, count=5):
    """Return a diagnosis as text.

    Parameters
    ----------
    path : str or Path
        For its name.
    run : Run
    diagnosis : Diagnosis
    count : int
        Causes to list.

    Returns
    -------
    str
    """
    readings = f"{len(run.instruments)} readings of instruments" if run.instruments else "no instruments"
    lines = [f"{Path(path).name}: {len(run.loss)} training steps, {len(run.evaluations)} evaluations, {readings}", ""]
    for place, cause in enumerate(diagnosis.causes[:count], 1):
        lines.append(f"{place:2d}. {cause.probability:6.1%}  {cause.name} ({cause.group})")
    groups = sorted(diagnosis.groups.items(), key=lambda item: -item[1])[:3]
    lines += ["    by group: " + ", ".join(f"{name} {share:.1%}" for name, share in groups), ""]
    for cause in [c for c in diagnosis.causes[: min(2, count)] if c.probability >= 0.05]:
        lines += _because(cause)
    if diagnosis.next_probes:
        name, bits, cost = diagnosis.next_probes[0]
        lines += _wrapped(f"ask next, on the pipeline itself: {name}. {PROBES[name].question}", "")
        lines.append(f"    {bits:.2f} bits expected, for the price of {cost:g} training steps")
    return "\n".join(lines)


def _because(cause):
    """The lines about one cause: what it is, the evidence for and against it, its repair."""
    fault = FAULTS.get(cause.name)
    if cause.name == UNKNOWN:
        return [*_wrapped(f"{cause.name}: the numbers fit no cause of the catalogue well", ""), ""]
    lines = _wrapped(f"{cause.name}: {fault.mechanism if fault else 'nothing is wrong with the training'}", "")
    for word, evidence in (("for", cause.evidence_for[:3]), ("against", cause.evidence_against[:2])):
        lines += [line for item in evidence for line in _evidence(word, item, cause.name)]
    return [*lines, *(_wrapped(f"repair: {fault.fix}", "    ") if fault else []), ""]


def _evidence(word, item, cause):
    if item.signal in SIGNALS:
        unit, meaning = SIGNALS[item.signal].unit, SIGNALS[item.signal].meaning
    else:
        unit, meaning = SIGNAL_NOTES[item.signal][:2]
    usual = f"healthy {item.healthy[0]:.3g} to {item.healthy[1]:.3g}"
    if cause != HEALTHY:
        usual += f", with this cause {item.under_cause[0]:.3g} to {item.under_cause[1]:.3g}"
    said = f"{meaning} ({item.signal}) is {item.observed:.3g}{UNITS[unit]}; {usual}"
    return _wrapped(f"{word} it, {abs(item.nats):.1f} nats: {said}", "    ")


def _wrapped(text, indent):
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False)
