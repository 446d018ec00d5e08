"""The answers that need no other training: an error, a firm violation, a report that differs from its recount."""

from nsputil.clinic.conclusion import Conclusion
from nsputil.clinic.torch_suspect.case import Case
from nsputil.clinic.torch_suspect.mistakes import is_mistake


def by_error(case: Case) -> Conclusion | None:
    """A training that breaks down in its first steps shows nothing but that."""
    error, done = case.seen.training.error, len(case.seen.training.seen)
    if error is None or done >= 3:
        return None
    statement = f"The training breaks down in step {done + 1} with {type(error).__name__}: {error}"
    return case.conclude("too little to tell", None, None, statement, [], tuple(case.open))


def by_facts(case: Case) -> Conclusion | None:
    """A firm violation decides."""
    firm = [f for f in case.open if f.firm and f.place != "numbers"]
    first = next((f for f in firm if f.cause is not None), firm[0] if firm else None)
    if first is None or (first.cause is None and first.place == "model"):
        return None
    if first.cause is None:
        return case.blame(first, f"Something is wrong in the {first.place}, of no kind that is known here.")
    return case.blame(first, f"The cause is {first.cause}, in the {first.place}.")


def by_report(case: Case) -> Conclusion | None:
    """A recount is the exchange of an evaluation: a report that differs from it needs no other trial."""
    for finding in case.open:
        if finding.place != "evaluation" or finding.cause is None or finding.fact == "report.mode":
            continue
        return case.blame(finding, f"The cause is {finding.cause}, in the evaluation.")
    reported = next((f for f in case.findings if f.fact == "report.loss" and f.state == "holds"), None)
    if not (reported and reported.numbers.get("another")):
        return None
    for finding in case.open:
        if finding.place == "loss" and finding.cause and (finding.firm or is_mistake(case, finding)):
            statement = f"The cause is {finding.cause}, in the loss: what is reported as a loss is not -log p."
            return case.blame(finding, statement)
    return None
