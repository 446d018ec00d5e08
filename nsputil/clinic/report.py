"""A diagnosis as text, for ``python -m nsputil diagnose RUN``: ranked causes, their evidence, what to ask next."""

import json
import math
import textwrap
from pathlib import Path

from nsputil.clinic.answers import HEALTHY, UNKNOWN
from nsputil.clinic.diagnosis import Cause, Diagnosis, Evidence, diagnose
from nsputil.clinic.examined import ask_next, findings_of, from_facts
from nsputil.clinic.facts import run_facts
from nsputil.clinic.faults import FAULTS
from nsputil.clinic.log_readers import symptoms as groups
from nsputil.clinic.log_readers.answer import Answer, answer, comparable_run
from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.logs import RunFile, read_run_file
from nsputil.clinic.probes import PROBES
from nsputil.clinic.signal_registry import PROBE_SIGNALS, SIGNALS
from nsputil.clinic.signals import signals
from nsputil.run import Run

WIDTH = 100
GROUP_OF_FACT = {"numbers.finite": groups.NAN, "numbers.one_class": groups.STUCK}  # the others contradict
FACTS_OF_ANY_CLASSES = ("numbers.finite", "numbers.beneath", "numbers.together")
SURE = 0.95  # "healthy" is said, with exit code 0, from this probability on
#: How a unit is written after a number.
UNITS = {"nats": " nats", "fraction": "", "ratio": "", "count": "", "yes/no": " (1: yes)", "log10": " (log10)"}


def known_signals(run: Run, tier: str = "instruments") -> dict[str, float]:
    """Return the signals that a run's log holds numbers for.

    In a log an empty cell means *unknown*, which is no evidence. In a run of this package a missing number means that
    it could not be computed, which is evidence; `nsputil.clinic.signals.signals` keeps it.

    Parameters
    ----------
    run : Run
    tier : {"curves", "instruments"}

    Returns
    -------
    dict of float
    """
    return {name: value for name, value in signals(run, tier).items() if math.isfinite(value)}


def read_outcomes(path: str | Path) -> dict[str, float]:
    """Read outcomes of probes from a JSON object of names and numbers, such as ``{"unit.certain": 0.3133}``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not such an object, or a name is not a number of a probe.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path.name}")
    try:
        outcomes = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(outcomes, dict):
        raise ValueError(f'{path.name} holds a {type(outcomes).__name__}; expected {{"unit.certain": 0.3133, ...}}')
    for name, value in outcomes.items():
        if name not in PROBE_SIGNALS:
            raise ValueError(f"{path.name}: there is no outcome {name!r}; expected names such as 'unit.certain'")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{path.name}: {name} is {value!r}; expected a number")
    return {name: float(value) for name, value in outcomes.items()}


def diagnose_file(
    path: str | Path, outcomes: dict[str, float] | None = None, tier: str = "instruments"
) -> tuple[Run, Diagnosis]:
    """Diagnose a saved run, or the log of a training that ran elsewhere.

    Parameters
    ----------
    path : str or Path
        A file of `Run.save`, or a log (docs/run-format.md).
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
    file = read_run_file(path)
    return file.run, rank(file, outcomes, tier)


def rank(file: RunFile, outcomes: dict[str, float] | None = None, tier: str = "instruments") -> Diagnosis:
    """Rank the causes of a run that was read from a file; see `diagnose_file`."""
    run_signals = known_signals(file.run, tier) if file.is_log else signals(file.run, tier)
    return diagnose(run_signals, outcomes or ())


def answer_log(reading: LogReading) -> Answer:
    """Return what a bare log shows: facts that its numbers violate, groups of symptoms, what to measure next."""
    found = [finding for finding in run_facts(comparable_run(reading)) if finding.state == "violated"]
    known = groups.curves(reading).known
    if reading.classes != 2 or not known:
        found = [finding for finding in found if finding.fact in FACTS_OF_ANY_CLASSES]
    if not known:  # a symptom says when a loss lies too far beneath
        found = [finding for finding in found if finding.fact != "numbers.beneath"]
    return answer(
        reading, [groups.Symptom(GROUP_OF_FACT.get(f.fact, groups.CONTRADICTION), f.statement, f.firm) for f in found]
    )


def exit_code(run: Run, diagnosis: Diagnosis) -> int:
    """Return 0 if "healthy" is at least `SURE` and no fact is violated, 1 if one is or "healthy" is at most 1 - `SURE`.

    3: that is too little to tell.
    """
    if any(finding.state == "violated" and finding.firm for finding in run_facts(run)):
        return 1
    healthy = next((cause.probability for cause in diagnosis.causes if cause.name == HEALTHY), 0.0)
    if diagnosis.answer == HEALTHY and healthy >= SURE:
        return 0
    return 1 if healthy <= 1 - SURE else 3


def facts_report(path: str | Path, run: Run) -> tuple[str, int]:
    """Return what the facts say of a run that was examined while it was trained, and the exit code.

    Returns
    -------
    (str, int)
        0: no fact is violated, accuracy is above that of a constant answer, and such answers were right in 95 % of the
        independent cases; 1: a cause or a place is named; 3: too little to tell.

    Raises
    ------
    ValueError
        If `run.examined` holds something else than findings.
    """
    findings = findings_of(run)
    said = from_facts(findings)
    held = sum(finding.state == "holds" for finding in findings)
    lines = [f"{Path(path).name}: {len(run.loss)} training steps, {len(findings)} facts examined, {held} hold", ""]
    lines += [said.text(WIDTH), *_wrapped(ask_next(said), "")]
    fault = FAULTS.get(said.cause or "")
    if fault is not None:
        lines += _wrapped(f"repair: {fault.fix}", "")
    if said.answer == "healthy":
        return "\n".join(lines), 0 if said.confidence >= SURE else 3
    return "\n".join(lines), 1 if said.answer in ("cause", "place") else 3


def report(path: str | Path, run: Run, diagnosis: Diagnosis, count: int = 5) -> str:
    """Return a diagnosis as text.

    Parameters
    ----------
    path : str or Path
        Its name is printed.
    run : Run
    diagnosis : Diagnosis
    count : int
        How many causes to list.

    Returns
    -------
    str
    """
    readings = f"{len(run.instruments)} readings of instruments" if run.instruments else "no instruments"
    lines = [f"{Path(path).name}: {len(run.loss)} training steps, {len(run.evaluations)} evaluations, {readings}", ""]
    lines += [line for fact in diagnosis.facts for line in _wrapped(f"fact: {fact.statement}", "")]
    for place, cause in enumerate(diagnosis.causes[:count], 1):
        lines.append(f"{place:2d}. {cause.probability:6.1%}  {cause.name} ({cause.group})")
    groups = sorted(diagnosis.groups.items(), key=lambda item: -item[1])[:3]
    lines += ["    by group: " + ", ".join(f"{name} {share:.1%}" for name, share in groups), ""]
    for cause in [c for c in diagnosis.causes[: min(2, count)] if c.probability >= 0.05]:
        lines += _because(cause)
    if diagnosis.next_probes:
        best = diagnosis.next_probes[0]
        lines += _wrapped(f"ask next, on the pipeline itself: {best.name}. {PROBES[best.name].question}", "")
        lines.append(f"    {best.bits:.2f} bits expected, for the price of {best.cost:g} training steps")
    return "\n".join(lines)


def _because(cause: Cause) -> list[str]:
    """Return the lines about one cause: what it is, the evidence for and against it, its repair."""
    fault = FAULTS.get(cause.name)
    if cause.name == UNKNOWN:
        return [*_wrapped(f"{cause.name}: the numbers fit no cause of the catalogue well", ""), ""]
    lines = _wrapped(f"{cause.name}: {fault.mechanism if fault else 'nothing is wrong with the training'}", "")
    for word, evidence in (("for", cause.evidence_for[:3]), ("against", cause.evidence_against[:2])):
        lines += [line for item in evidence for line in _evidence(word, item, cause.name)]
    return [*lines, *(_wrapped(f"repair: {fault.fix}", "    ") if fault else []), ""]


def _evidence(word: str, item: Evidence, cause: str) -> list[str]:
    signal = SIGNALS[item.signal]
    usual = f"healthy {item.healthy[0]:.3g} to {item.healthy[1]:.3g}"
    if cause != HEALTHY:
        usual += f", with this cause {item.under_cause[0]:.3g} to {item.under_cause[1]:.3g}"
    observed = f"{signal.meaning} ({signal.name}) is {item.observed:.3g}{UNITS[signal.unit]}"
    return _wrapped(f"{word} it, {abs(item.nats):.1f} nats: {observed}; {usual}", "    ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False)
