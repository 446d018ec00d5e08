"""Which violated fact explains which, and in which order they are told."""

from collections.abc import Sequence
from dataclasses import replace

from nsputil.clinic.facts.balance import evened_out
from nsputil.clinic.facts.finding import Finding

#: The order of the pipeline: what comes first spoils what comes after it.
ORDER = ("split", "pairs", "encoding", "loss", "model", "optimizer", "batching", "evaluation", "numbers")

RATES_OF_STEPS = ("learning-rate-too-high", "learning-rate-too-low")
LATE = 0.75  # of the training: a rate that is highest only then grows all the time

#: Fact -> beginnings of the names of the facts whose violation explains it.
EXPLAINS: dict[str, tuple[str, ...]] = {
    "model.comparison": ("model.pooled", "model.values", "arrays.words", "arrays.mask", "arrays.segments"),
    "model.start": ("arrays.words",),
    "model.reads": (
        "model.asked",
        "labels.",
        "pairs.",
        "steps.length",
        "model.repeatable",
        "arrays.",
        "steps.",
        "loss.",
        "optimizer.",
        "model.pooled",
    ),
    "model.words": ("model.rows",),
    "model.rows": ("model.backward",),
    "model.weights": ("model.start",),
    "model.sides": ("arrays.", "model.comparison", "model.reach", "model.boundary", "model.values", "model.pooled"),
    "model.boundary": (
        "arrays.",
        "model.comparison",
        "model.reach",
        "model.repeatable",
        "model.pooled",
        "model.values",
    ),
    "model.reach": ("arrays.", "model.repeatable", "model.values", "model.pooled"),
    "optimizer.rows": ("optimizer.repeatable", "optimizer.direction", "optimizer.memory", "optimizer.delay"),
    "model.width": ("steps.", "loss.", "optimizer.", "arrays.", "model.pooled", "labels."),
    "model.modes": ("model.repeatable", "model.beside", "model.labels", "arrays.", "labels."),
    "model.drawn": ("model.repeatable", "model.labels", "model.writes"),
    "optimizer.opposite": ("optimizer.repeatable", "optimizer.direction", "optimizer.delay", "optimizer.scale"),
    "model.padding": ("arrays.mask", "model.repeatable"),
    "model.backward": ("arrays.", "model.values", "model.writes", "model.labels"),
    "report.repeated": ("model.repeatable", "model.writes"),
    "model.pooled": ("arrays.", "model.start"),
    "model.centred": ("model.pooled", "arrays.", "model.start"),
    "model.asked": ("model.repeatable", "model.labels", "arrays."),
    "model.alone": ("model.beside", "model.asked", "arrays.mask", "arrays.first", "model.repeatable", "model.padding"),
    "model.beside": ("model.repeatable", "model.labels", "arrays."),
    "pairs.places": ("labels.", "pairs.", "split.copies", "split.shared"),
    "pairs.variety": ("labels.",),
    "pairs.source": ("labels.", "pairs.variety", "split."),
    "pairs.documents": ("labels.", "pairs.lengths", "pairs.prior"),
    "model.dropout": ("model.alone", "model.repeatable", "arrays.", "optimizer.", "loss."),
    "model.repeatable": ("steps.overshoot",),
    "steps.gradient": ("loss.", "model.pooled", "model.labels", "arrays."),
    "steps.kept": ("steps.stored", "steps.frozen", "model.writes"),
    "steps.frozen": ("steps.stored", "steps.gradient", "loss."),
    "steps.progress": (
        "steps.kept",
        "steps.frozen",
        "steps.gradient",
        "optimizer.",
        "loss.",
        "model.",
        "arrays.",
        "labels.",
        "batches.",
    ),
    "steps.overshoot": (
        "model.live",
        "steps.kept",
        "batches.size",
        "batches.again",
        "batches.covered",
        "optimizer.",
        "loss.",
        "model.backward",
        "arrays.",
    ),
    "optimizer.direction": ("steps.frozen", "steps.kept"),
    "optimizer.every": ("steps.frozen", "steps.kept", "optimizer.direction", "optimizer.memory", "optimizer.delay"),
    "optimizer.schedule": ("steps.stored", "steps.kept", "optimizer.decay"),
    "optimizer.decay": ("optimizer.memory",),
    "pairs.prior": ("labels.",),
    "labels.text": ("split.cut", "split.copies"),
    "text.order": ("text.header", "split.copies"),
    "pairs.words": (
        "labels.",
        "pairs.source",
        "text.header",
        "pairs.text",
        "pairs.variety",
        "pairs.lengths",
        "pairs.overlap",
    ),
    "pairs.lengths": ("labels.", "pairs.text", "pairs.variety", "pairs.overlap"),
    "pairs.overlap": ("labels.",),
    "pairs.text": ("split.kind", "split.text"),
    "split.kind": ("split.used", "split.copies"),
    "split.copies": ("split.shared",),
    "split.pairs": ("split.shared", "split.cut"),
    "split.used": ("split.shared", "split.copies", "labels.", "pairs.text", "split.kind", "pairs.lengths"),
    "batches.classes": ("labels.", "pairs.prior"),
    "batches.covered": ("batches.again",),
    "batches.order": ("batches.classes", "batches.again", "batches.covered", "pairs.", "split.", "labels."),
    "batches.again": ("batches.size", "split.copies", "split.used"),
    "report.accuracy": ("model.repeatable", "model.asked", "evaluation."),
    "evaluation.": ("report.pairs", "model.reach", "arrays.words"),
    "report.loss": ("evaluation.", "loss.recorded", "model.repeatable", "report.repeated", "report.accuracy"),
    "labels.histogram": ("batches.again",),
    "labels.array": (),
    "steps.length": ("steps.kept", "batches.size", "optimizer.", "loss.", "model.backward"),
    "numbers.": (
        "labels.",
        "loss.",
        "report.",
        "optimizer.",
        "steps.",
        "model.",
        "arrays.",
        "split.",
        "pairs.",
        "batches.",
    ),
}

#: What explains a violation that has no name of its own.
SPECIFIC = {
    "report.accuracy": ("report.pairs", "report.repeated"),
    "report.loss": ("report.pairs",),
    "arrays.mask": ("arrays.words",),
}


def in_order(found: Sequence[Finding]) -> list[Finding]:
    """Return findings with `explained_by` filled in: unexplained violations first, firm ones before doubtful ones."""
    found = _usual_rates(_both_ways_round(evened_out(found)))
    bad = [finding for finding in found if finding.state == "violated"]
    explained = [_explained(finding, bad) for finding in found]

    def rank(finding: Finding) -> tuple:
        state = ("violated", "cannot tell", "holds").index(finding.state)
        return state, bool(finding.explained_by), not finding.firm, ORDER.index(finding.place)

    return sorted(explained, key=rank)


def _both_ways_round(found: Sequence[Finding]) -> list[Finding]:
    """Labels that loss and evaluation read the other way round alike are another convention, not a contradiction."""
    reversed_ = {f.fact for f in found if f.cause in ("training-labels-inverted", "evaluation-labels-inverted")}
    if {"loss.function", "report.accuracy"} <= reversed_:
        return [replace(f, cause="convention-inverted") if f.fact == "loss.function" else f for f in found]
    return list(found)


def ordinary(found: Sequence[Finding], cause: str) -> bool:
    """Whether the rate has a usual course, of which all steps can be too long, or too short.

    It does not fall at once, and never rises again after it fell. Steps that are too long are so before the end: of a
    rate that grows all the time, the growth is the trouble.
    """
    numbers = next((f.numbers for f in found if f.fact == "optimizer.schedule" and "mean" in f.numbers), {})
    grows = cause == "learning-rate-too-high" and numbers.get("peak", 0.0) > LATE
    return numbers.get("mean", 1.0) > 0.2 and numbers.get("rises", 0.0) < 0.2 and not grows


def _usual_rates(found: Sequence[Finding]) -> list[Finding]:
    """Steps of a length that goes up and down are of no rate that is too high or too low: only the place is known."""
    return [replace(f, cause=None) if f.cause in RATES_OF_STEPS and not ordinary(found, f.cause) else f for f in found]


def _explained(finding: Finding, bad: Sequence[Finding]) -> Finding:
    if finding.state != "violated":
        return finding
    beginnings = next((names for key, names in EXPLAINS.items() if finding.fact.startswith(key)), ())
    reasons = [
        other.fact
        for other in bad
        if other.fact != finding.fact
        and any(other.fact.startswith(name) for name in beginnings)
        and _may(other, finding)
    ]
    if finding.cause is None:
        reasons += [other.fact for other in bad if other.fact in SPECIFIC.get(finding.fact, ())]
    if finding.fact == "report.repeated":  # a metric with a memory says something else each time, too
        reasons += [other.fact for other in bad if other.cause == "metric-never-reset"]
    return replace(finding, explained_by=tuple(dict.fromkeys(reasons)))


def _may(reason: Finding, finding: Finding) -> bool:
    """A doubtful violation explains only doubtful ones and mere numbers.

    Random word vectors are the exception: of the wrong size they saturate the pooled units, and a repair of those alone
    would leave them random.
    """
    if (reason.fact, finding.fact) == ("model.start", "model.pooled"):
        return finding.numbers.get("saturated", 0.0) > 0.5
    if (reason.fact, finding.fact) in (("model.comparison", "model.boundary"), ("model.start", "model.weights")):
        return True  # a mean over all words has no boundary; what was not loaded may be weights as well as vectors
    if (reason.fact, finding.fact) == ("model.values", "model.backward"):
        return True  # of what is rounded, differences show no slope
    if reason.fact in ("optimizer.correction", "batches.size") and finding.fact in ("steps.length", "steps.overshoot"):
        return reason.cause is not None  # first steps that are not corrected are long; steps of two pairs are noise
    if finding.fact == "model.reads" and reason.fact in ("steps.length", "steps.overshoot"):
        return True  # a state after training, and steps that long leave any state
    if reason.fact.startswith("evaluation.") and finding.fact.startswith("report."):
        return True  # a recount encodes as training does
    return reason.firm or not finding.firm or finding.place == "numbers"
