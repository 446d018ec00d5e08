"""A training whose facts were examined while it ran; what they say travels with the saved run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from nsputil.clinic.conclusion import Answer, Conclusion, Evidence
from nsputil.clinic.facts import examine
from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.faults import FAULTS
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


#: Facts about the model that are no state after training: whatever the cause, the model is at fault.
DECISIVE = tuple(
    f"model.{name}"
    for name in "labels writes reach beside modes drawn words weights rows live sides boundary backward dropout".split()
)
#: Directions of a cause that the catalogue has one way round only; a name that is in neither is a description.
MIRRORED = ("labels-all-is-next",)


def in_catalogue(finding: Finding) -> str | None:
    """Return the cause of a finding if it is one of the catalogue, or the mirror image of one; else None.

    Facts recognise more than the catalogue holds, such as a focal loss. Such a name describes what was seen; nothing
    was measured about how often it is the cause, so the answer is the place. The same holds for the faults that are
    kept outside the catalogue.
    """
    known = finding.cause in FAULTS and not FAULTS[finding.cause].outside
    return finding.cause if known or finding.cause in MIRRORED else None


def by_facts(findings: Sequence[Finding], symptomatic: Sequence[str] = ()) -> Conclusion | None:
    """Return what the firm violations decide; None if there is none.

    Parameters
    ----------
    findings : sequence of Finding
        Of `nsputil.clinic.facts.examine`, in its order.
    symptomatic : sequence of str
        Places whose violations decide only if they name a cause: a state after training, which many causes leave
        behind.

    Returns
    -------
    Conclusion or None
        The first firm violation that names a cause of the catalogue, else the first one, as a place. The others are
        told in their order: firm ones, doubtful ones, and last those that another violation may explain.
    """
    violations = unexplained(findings)
    firm = [f for f in violations if f.firm]
    if not firm:
        return None
    first = next((f for f in firm if in_catalogue(f)), firm[0])
    cause = in_catalogue(first)
    if cause is None and first.place in symptomatic and first.fact not in DECISIVE:
        return None
    doubtful = [f for f in violations if not f.firm]
    follow = [f for f in findings if f.state == "violated" and f not in violations and f.firm and in_catalogue(f)]
    others = tuple(f for f in [*firm, *doubtful, *follow] if f is not first)
    if cause is not None:
        statement = f"The cause is {cause}, in the {first.place}."
        return Conclusion("cause", cause, first.place, "fact, cause", statement, (evidence_of(first),), others, 0.0)
    statement = place_told(first)
    return Conclusion("place", None, first.place, "fact, place", statement, (evidence_of(first),), others, 0.0)


def place_told(finding: Finding) -> str:
    """Return a sentence that says where something is wrong, and what it looks like if that has a word."""
    if finding.cause is not None and in_catalogue(finding) is None:
        return f"Something is wrong in the {finding.place}: {finding.cause}, which the catalogue does not hold."
    return f"Something is wrong in the {finding.place}, of no kind that is known here."


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
    decided = by_facts(findings)
    if decided is not None:
        return decided
    violations = unexplained(findings)
    learned = next((f for f in findings if f.fact == "report.learned"), None)
    if violations:
        named = ", ".join(dict.fromkeys(f.cause or f.fact for f in violations))
        statement = f"Too little to tell: whether {named} does harm here, only another training can show."
        return _told("too little to tell", "too little to tell", statement, tuple(violations))
    if learned is None or learned.state != "holds":
        words = learned.statement if learned else "accuracy was not measured."
        return _told("has not learned", "has not learned", f"It has not learned. {words}")
    held = sum(f.state == "holds" for f in findings)
    statement = f"Healthy: {held} facts hold and none is violated. {learned.statement}"
    return _told("healthy", "healthy, by facts", statement)


def _told(answer: Answer, kind: str, statement: str, others: tuple[Finding, ...] = ()) -> Conclusion:
    return Conclusion(answer, None, None, kind, statement, (), others, 0.0)


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
