"""A training whose facts were examined while it ran; what they say travels with the saved run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from nsputil.clinic.conclusion import Answer, Conclusion, Evidence
from nsputil.clinic.facts import examine
from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.recording import record
from nsputil.experiment import Experiment
from nsputil.run import Run


def train_examined(experiment: Experiment, progress: bool = False) -> Run:
    """Train as `nsputil.training.train` does, bit for bit, and examine the facts.

    Parameters
    ----------
    experiment : Experiment
    progress : bool
        Print reports while training.

    Returns
    -------
    Run
        With `Run.examined`.

    Raises
    ------
    Exception
        Whatever a part of the experiment raises.
    """
    recording = record(experiment, progress=progress)
    if recording.error is not None:
        raise recording.error
    run = recording.run
    run.examined = [asdict(finding) for finding in examine(recording)]
    return run


def findings_of(run: Run) -> list[Finding]:
    """Return the findings of a run that was examined; none if it was not.

    Raises
    ------
    ValueError
        If a row is no finding.
    """
    known = {field.name for field in fields(Finding)}
    found = []
    for number, row in enumerate(run.examined, 1):
        if not isinstance(row, Mapping) or not {"fact", "state", "place", "statement"} <= row.keys() <= known:
            raise ValueError(f"row {number} of `examined` is {str(row)[:60]!r}; expected a finding")
        found.append(Finding(**{**row, "rows": tuple(row.get("rows", ())),
                                "explained_by": tuple(row.get("explained_by", ()))}))  # fmt: skip
    return found


def evidence_of(finding: Finding) -> Evidence:
    """Return a finding as evidence."""
    return Evidence("fact", finding.statement, finding.place, finding.rows)


def unexplained(findings: Sequence[Finding]) -> list[Finding]:
    """Return the violated facts that no other violated fact explains, in their order."""
    violated = {f.fact for f in findings if f.state == "violated"}
    return [f for f in findings if f.state == "violated" and not violated & set(f.explained_by)]


def from_facts(findings: Sequence[Finding]) -> Conclusion:
    """Return what facts alone allow to say, without another training.

    Parameters
    ----------
    findings : sequence of Finding
        Of `nsputil.clinic.facts.examine`, in its order.

    Returns
    -------
    Conclusion
        "healthy" if no fact is violated and accuracy is above that of a constant answer.
    """
    violations = unexplained(findings)
    firm = [f for f in violations if f.firm]
    learned = next((f for f in findings if f.fact == "report.learned"), None)
    if firm:
        first = next((f for f in firm if f.cause is not None), firm[0])
        others = tuple(f for f in violations if f is not first)
        answer: Answer = "cause" if first.cause else "place"
        statement = (
            f"The cause is {first.cause}, in the {first.place}."
            if first.cause
            else f"Something is wrong in the {first.place}, of no kind that is known here."
        )
        return _told(answer, first.cause, first.place, f"fact, {answer}", statement, (evidence_of(first),), others)
    if violations:
        named = ", ".join(dict.fromkeys(f.cause or f.fact for f in violations))
        statement = f"Too little to tell: whether {named} does harm here, only another training can show."
        return _told("too little to tell", None, None, "too little to tell", statement, (), tuple(violations))
    if learned is None or learned.state != "holds":
        words = learned.statement if learned else "accuracy was not measured."
        return _told("has not learned", None, None, "has not learned", f"It has not learned. {words}")
    held = sum(f.state == "holds" for f in findings)
    statement = f"Healthy: {held} facts hold and none is violated. {learned.statement}"
    return _told("healthy", None, None, "healthy, by facts", statement)


def _told(
    answer: Answer,
    cause: str | None,
    place: str | None,
    kind: str,
    statement: str,
    evidence: tuple[Evidence, ...] = (),
    others: tuple[Finding, ...] = (),
) -> Conclusion:
    return Conclusion(answer, cause, place, kind, statement, evidence, others, 0.0)


def ask_next(said: Conclusion) -> str:
    """Return what to do next, in one or two sentences, for someone who has only a saved run."""
    if said.answer == "healthy":
        return "To be surer, let amounts be tried: nsputil.clinic.investigate(experiment)."
    if said.answer in ("cause", "place"):
        return "Look at the rows named above, repair, and train again."
    return "Ask next: nsputil.clinic.investigate(experiment) trains again with parts and amounts exchanged."


def lines_of(findings: Sequence[Finding]) -> Any:
    """Yield a line for each violated fact."""
    for finding in findings:
        if finding.state == "violated":
            why = f" (follows from {', '.join(finding.explained_by)})" if finding.explained_by else ""
            yield f"{finding.fact}: {finding.statement}{why}"
