"""The answer by harm: a doubtful violation is a cause if the exchange of its part helps."""

from nsputil.clinic.conclusion import Conclusion
from nsputil.clinic.examined import evidence_of
from nsputil.clinic.torch_suspect import to_try
from nsputil.clinic.torch_suspect.case import Case
from nsputil.clinic.torch_suspect.enough import helps, learned_enough

HARM = 0.045  # of accuracy: one paired training shows no less
TELLING = (  # violations that nobody chooses: any harm that shows decides
    "dropout-too-high", "clip-too-small", "adam-without-bias-correction", "schedule-ends-early", "parameter-missing",
    "head-frozen",
)  # fmt: skip


def by_harm(case: Case) -> Conclusion | None:
    """Put each doubtful violation to an exchange."""
    for finding in case.open:
        if finding.firm or finding.place in ("numbers", "evaluation"):
            continue
        swap = to_try.for_violation(case, finding)
        if swap is None or not case.judge or not case.affordable(case.batches):
            continue
        gained = case.trial(swap)
        shown = case.evidence[-1]
        case.evidence.append(evidence_of(finding))
        if gained is None or not helps(case, gained, HARM):
            continue
        if finding.numbers.get("second") and case.learned()[0]:  # to learn two tasks takes longer than to learn one
            case.helping = case.helping or swap
            continue
        meant = finding.cause is None or finding.place in ("optimizer", "loss", "batching")
        if meant and finding.cause not in TELLING and learned_enough(case, gained):
            case.helping = case.helping or swap
            continue
        if swap.change is to_try.unfrozen and case.affordable(case.batches):  # that loop may help by itself
            loop = case.trial(to_try.textbook_loop())
            if loop is not None and not helps(case, (gained[0] - loop[0], gained[1] - loop[1]), HARM):
                continue
        statement = f"The cause is {finding.cause}, in the {finding.place}."
        if finding.cause is None:
            statement = f"Something is wrong in the {finding.place}: {finding.statement}"
        return case.blame(finding, statement, [evidence_of(finding), shown], "swap")
    return None
