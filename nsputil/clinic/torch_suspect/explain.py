"""Which violated fact explains which in PyTorch, besides what `nsputil.clinic.facts.explain` says."""

from dataclasses import replace

from nsputil.clinic.facts import explain
from nsputil.clinic.facts.finding import Finding

#: Fact -> facts whose violation explains it.
ALSO = {
    "optimizer.gradients": ("loss.", "model.gradient", "batches.given", "labels.late"),
    "optimizer.called": ("loss.graph", "optimizer.renewed"),
    "arrays.words": ("batches.given", "arrays.added", "arrays.label"),
    "arrays.segments": ("arrays.label",),
    "arrays.first": ("arrays.label",),
    "arrays.label": ("pairs.", "labels.", "batches.given", "arrays.added", "arrays.mask"),
    "loss.steps": ("labels.", "model.logits", "batches.given", "loss.pull"),
    "loss.pull": ("batches.given",),
    "model.dropout": ("model.repeatable",),
    "model.repeatable": ("model.registered",),
    "report.mode": ("report.repeated",),
    "report.loss": ("report.repeated", "report.pairs", "loss."),
    "report.accuracy": ("report.repeated", "report.pairs", "report.trains"),
    "report.stale": ("report.accuracy", "optimizer.called", "optimizer.held"),
    "labels.agreement": (
        "batches.given",
        "labels.late",
        "labels.text",
        "labels.array",
        "arrays.",
        "loss.",
        "optimizer.",
        "model.gradient",
    ),
    "steps.overshoot": ("model.", "optimizer."),
    "optimizer.direction": ("optimizer.called", "optimizer.held"),
    "split.copies": ("split.rows",),
    "split.shared": ("split.rows",),
    "pairs.copies": ("split.copies",),
    "batches.again": ("pairs.copies",),
    "model.pooled": ("model.start",),
    "arrays.separators": ("arrays.words",),
    "steps.frozen": ("model.gradient",),
}


def in_order(found: list[Finding]) -> list[Finding]:
    """Return findings with `explained_by` filled in: unexplained violations first."""
    bad = [f for f in found if f.state == "violated"]
    ordered = explain.in_order(found)
    more = []
    for finding in ordered:
        if finding.state == "violated":
            names = ALSO.get(finding.fact, ())
            reasons = [o.fact for o in bad if o.fact != finding.fact and any(o.fact.startswith(n) for n in names)
                       and (o.firm or not finding.firm)]  # fmt: skip
            finding = replace(finding, explained_by=tuple(dict.fromkeys([*finding.explained_by, *reasons])))
        more.append(finding)
    return sorted(more, key=lambda f: (f.state != "violated", bool(f.explained_by)))
