"""From facts and swaps to an answer, for a PyTorch training: the order of `nsputil.clinic.investigation`.

1. The training runs once on copies, watched. A firm violation of a fact decides.
2. A violation that may do no harm is put to a swap.
3. If nothing is violated, the textbook's loop is tried, then other parts.
"""

import inspect
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from nsputil.clinic.conclusion import Answer, Conclusion, Evidence
from nsputil.clinic.facts.explain import in_order
from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.numbers import number_facts
from nsputil.clinic.torch_suspect import swaps
from nsputil.clinic.torch_suspect.advice import next_question, repair
from nsputil.clinic.torch_suspect.as_recording import AsRecording, read_held_out
from nsputil.clinic.torch_suspect.batches import endless, indexed, labels_of, length, some
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.evaluation import Looks, clean, evaluation_facts
from nsputil.clinic.torch_suspect.given import Given, understand
from nsputil.clinic.torch_suspect.inputs import array_facts, batch_facts, label_facts, pair_facts, split_facts
from nsputil.clinic.torch_suspect.losses import loss_facts
from nsputil.clinic.torch_suspect.model import model_facts
from nsputil.clinic.torch_suspect.optimizer import optimizer_facts
from nsputil.clinic.torch_suspect.swaps import Swap
from nsputil.clinic.torch_suspect.watching import watch
from nsputil.metrics import accuracy_interval
from nsputil.tokenization import tokenize

HELD_OUT = 640  # rows that are recounted at most
SHARE = 6  # of the steps that may be taken, one part in so many is the watched training
HARM = 0.045  # of accuracy: one paired training shows no less
HELPS = 0.08  # the same for a part of which no fact says anything
FAR = 0.12  # of accuracy: from here on a training that has learned may be sick although no fact says so
PART = 1 / 3  # of what counting shared words has above chance: less is hardly anything
ENOUGH = 2 / 3  # of what another part reaches above chance: a training that has learned more is not sick
CHOSEN = (  # losses that people choose
    "focal-loss", "generalized-cross-entropy", "margin", "hinge-loss", "loss-scaled", "label-smoothing-heavy",
    "class-weight-left", "hardest-pairs-only",
)  # fmt: skip
TELLING = (  # violations that nobody chooses: any harm that shows decides
    "dropout-too-high", "clip-too-small", "adam-without-bias-correction", "schedule-ends-early", "parameter-missing",
    "head-frozen",
)  # fmt: skip
USUAL = 3.0  # times the usual rate of AdamW, or a part of it: from here on the rate alone is tried
LITTLE = 0.03  # of accuracy, beyond what counting shared words has
NOTHING = 0.02  # of how often words come
OVERFIT = 60  # steps on eight examples


@dataclass(frozen=True)
class Examination:
    """What `examine` found.

    Attributes
    ----------
    conclusion : Conclusion
    findings : tuple of Finding
        All facts: violations first.
    steps : int
        Training steps that were taken, on copies.
    seconds : float
    """

    conclusion: Conclusion
    findings: tuple[Finding, ...]
    steps: int
    seconds: float

    @property
    def cause(self) -> str | None:
        """The cause, if one was found."""
        return self.conclusion.cause

    @property
    def place(self) -> str | None:
        """The place of the trouble, if there is one."""
        return self.conclusion.place

    @property
    def sound(self) -> bool:
        """Whether nothing has to be repaired."""
        return self.conclusion.sound

    @property
    def repair(self) -> str:
        """What to change, in a sentence; empty where no cause is known."""
        return repair(self.conclusion)

    @property
    def violations(self) -> tuple[Finding, ...]:
        """The facts that are violated."""
        return tuple(finding for finding in self.findings if finding.state == "violated")

    def text(self, width: int = 100) -> str:
        """Return the diagnosis: the answer, its reasons, the repair, and what to ask next."""
        found = replace(self.conclusion, kind="too little to tell").text(width).splitlines()[:-1]  # no rate, no cost
        fix, question = repair(self.conclusion), next_question(self.conclusion, self.findings)
        if fix:
            found += textwrap.wrap(f"repair: {fix}", width, initial_indent="  ", subsequent_indent="      ")
        found += textwrap.wrap(f"next: {question}", width, initial_indent="  ", subsequent_indent="      ")
        asked = [f for f in self.findings if f.state != "cannot tell"]
        found.append(f"  {len(asked)} facts, {len(self.violations)} violated; {self.steps} training steps on copies")
        return "\n".join(found)

    def table(self) -> str:
        """Return all facts, a line each."""
        return "\n".join(f"{f.state:11s} {f.place:10s} {f.fact}: {f.statement}" for f in self.findings)

    def __str__(self) -> str:
        return self.text()


@dataclass
class Case:
    """An examination under way."""

    given: Given
    limit: int
    tell: Callable[[str], None]
    total: int = 0
    batches: int = 0
    first: Any = None
    used: int = 0
    judge: list = field(default_factory=list)
    seen: Any = None
    findings: list[Finding] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    base: float = float("nan")
    base_loss: float = float("nan")
    whole: int = 0
    longer: bool = False
    helping: Swap | None = None

    def affordable(self, steps: int) -> bool:
        """Whether so many steps are left."""
        return self.used + steps <= self.limit

    def trial(self, swap: Swap) -> tuple[float, float] | None:
        """Train again with one part exchanged; return how much accuracy and loss gain, or None if that fails."""
        self.tell(f"Another training, {swap.name}.")
        self.used += self.batches
        try:
            changed = swap.change(self.given)
            judge = self.judge  # other arrays are judged on held-out rows that are made like them
            if changed.held_out is not None and changed.held_out is not self.given.held_out:
                judge = clean(changed, HELD_OUT)
            look = Looks(replace(changed, evaluate=None), judge, False, 0)
            done = watch(changed, self.batches, look, (self.batches,), swap.start, plain=True)
            reached = fair(done.looks[-1][1]) if done.looks else float("nan")
        except Exception as error:  # a part that cannot be exchanged
            self.evidence.append(Evidence("swap", f"It cannot be tried {swap.name} ({error}).", swap.place))
            return None
        if not done.looks:
            self.evidence.append(Evidence("swap", f"A training {swap.name} came to no end.", swap.place))
            return None
        found = done.looks[-1][1]
        gain, loss = reached - self.base, self.base_loss - found.loss
        text = f"Accuracy moves by {gain:+.3f}, the loss by {-loss:+.3f}, {swap.name}."
        self.evidence.append(Evidence("swap", text, swap.place))
        return gain, loss


def run(given: Given, limit: int, tell: Callable[[str], None]) -> Examination:
    """Examine a training of which all parts are copies."""
    start = time.perf_counter()
    case = Case(given, limit, tell)
    _watch(case)
    case.findings = _facts(case)
    conclusion = _by_error(case) or _by_facts(case) or _by_harm(case) or _by_report(case) or _by_swaps(case)
    return Examination(conclusion, tuple(case.findings), case.used, time.perf_counter() - start)


def _watch(case: Case) -> None:
    given = case.given
    size = length(given.train)
    whole = (given.steps or 0) * given.gather or 3 * size or case.limit // SHARE
    case.batches = max(8, min(whole, case.limit // SHARE))
    case.whole = whole
    case.first = probe_batch(given.train)
    understand(given, case.first)
    case.total = given.steps or max(1, whole // given.gather)
    case.given.steps = case.total
    if given.held_out is not None:
        given.held_out = shortened(given.held_out)
        case.judge = clean(given, HELD_OUT)
    moments = sorted({max(1, round(case.batches * share)) for share in (0.25, 0.5, 0.75, 1)})
    look = Looks(given, case.judge, True, len(moments)) if case.judge else None
    case.tell(f"The training runs for {case.batches} steps on copies, watched.")
    training = watch(given, case.batches, look, tuple(moments))
    case.used += len(training.seen)
    case.seen = AsRecording(training, given, case.total, read_held_out(given, HELD_OUT))
    if training.looks:
        last = training.looks[-1][1]
        case.base, case.base_loss = fair(last), last.loss
        case.seen.run.evaluations = [
            {"step": number, "loss": look.loss, "accuracy": look.accuracy} for number, look in training.looks
        ]


def probe_batch(loader: Any) -> Any:
    """Return the first batch; of a loader of tiny batches, one of the first sixteen rows."""
    batch = next(endless(copied(loader, {})))[2]
    labels = labels_of(batch)
    if labels is None or len(labels) >= 8 or not indexed(loader):
        return batch
    own = copied(loader, {})
    return own.collate_fn([own.dataset[k] for k in range(min(16, len(own.dataset)))])


def shortened(loader: Any) -> Any:
    """Return a loader of the first rows of a long held-out set."""
    data: Any = getattr(loader, "dataset", None)
    if not isinstance(loader, torch.utils.data.DataLoader) or not indexed(loader) or len(data) <= HELD_OUT:
        return loader
    rows = torch.utils.data.Subset(data, range(HELD_OUT))
    return torch.utils.data.DataLoader(rows, loader.batch_size or 1, collate_fn=loader.collate_fn)


def _facts(case: Case) -> list[Finding]:
    """All facts; one that cannot be asked says so."""
    seen = case.seen
    found: list[Finding] = []
    first = case.first
    groups: dict[str, tuple[Callable, str]] = {
        "split": (lambda: split_facts(seen), "split"),
        "labels": (lambda: label_facts(seen), "encoding"),
        "pairs": (lambda: pair_facts(seen), "pairs"),
        "arrays": (lambda: array_facts(seen), "encoding"),
        "loss": (lambda: loss_facts(seen, first), "loss"),
        "model": (lambda: model_facts(seen, first), "model"),
        "optimizer": (lambda: optimizer_facts(seen, first), "optimizer"),
        "batches": (lambda: batch_facts(seen), "batching"),
        "report": (lambda: evaluation_facts(seen), "evaluation"),
        "numbers": (lambda: number_facts(seen.run), "numbers"),
        "labels.shift": (lambda: [_agreement(case)], "encoding"),
    }
    for name, (fact, place) in groups.items():
        try:
            with np.errstate(all="ignore"):
                found += fact()
        except Exception as error:  # a part of a kind that this group does not know
            found.append(unknown(name, place, f"This could not be asked ({type(error).__name__}: {error})."))
    if seen.training.error is not None:
        ended = seen.training.error
        found.append(violated("numbers.error", "numbers", f"The training ended with {type(ended).__name__}: {ended}"))
    return _in_order(_weighed(_taken_as_such(found)))


def _taken_as_such(found: list[Finding]) -> list[Finding]:
    """One logit, or probabilities, are no fault if the loss takes them as such: then it tells all itself."""
    asked = any(f.fact == "loss.function" and f.state != "cannot tell" for f in found)
    return [
        holds(f.fact, f.place, "The loss takes the answers of the model as what they are.")
        if asked and f.state == "violated" and f.fact in ("model.shape", "model.logits") and "equal" not in f.statement
        else f
        for f in found
    ]


#: Besides nsputil.clinic.facts.explain: fact -> facts whose violation explains it.
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


def _in_order(found: list[Finding]) -> list[Finding]:
    bad = [f for f in found if f.state == "violated"]
    ordered = in_order(found)
    more = []
    for finding in ordered:
        if finding.state == "violated":
            names = ALSO.get(finding.fact, ())
            reasons = [o.fact for o in bad if o.fact != finding.fact and any(o.fact.startswith(n) for n in names)
                       and (o.firm or not finding.firm)]  # fmt: skip
            finding = replace(finding, explained_by=tuple(dict.fromkeys([*finding.explained_by, *reasons])))
        more.append(finding)
    return sorted(more, key=lambda f: (f.state != "violated", bool(f.explained_by)))


def _weighed(found: list[Finding]) -> list[Finding]:
    """Class weights that balance the training pairs undo another share of the classes there."""
    weighed = any(
        f.fact == "loss.function" and f.state == "holds" and not 0.8 < f.numbers.get("weight", 1.0) < 1.25
        for f in found
    )
    return [
        replace(f, firm=False, statement=f"{f.statement} The loss weighs the classes against it.")
        if weighed and f.cause == "prior-shift"
        else f
        for f in found
    ]


def _agreement(case: Case) -> Finding:
    """After training, are held-out labels those that the model learned, the opposite, or those of other rows?"""
    looks = case.seen.training.looks
    if not looks:
        return unknown("labels.agreement", "evaluation", "There are no held-out pairs.")
    look = looks[-1][1]
    n = len(look.labels)
    losses = np.array(case.seen.run.accuracy[-max(5, case.batches // 5) :], float)
    training = float(np.nanmean(losses)) if len(losses) else float("nan")
    low, high = accuracy_interval(round(look.accuracy * n), n)
    numbers = {"held_out": look.accuracy, "training": training}
    if high < 0.46 and training > 0.54:
        text = (
            f"At the end the model is right on {training:.3f} of the training rows and on {look.accuracy:.3f} of the "
            "held-out rows: the two have opposite labels."
        )
        return violated("labels.agreement", "encoding", text, "training-labels-inverted", numbers=numbers)
    odds = look.logits[:, 0] - look.logits[:, 1]
    signs = 1 - 2 * look.labels
    if n > 60 and odds.std() > 0:
        fits = {k: float(np.corrcoef(odds, np.roll(signs, k))[0, 1]) for k in range(-3, 4)}
        best = max(fits, key=lambda k: fits[k])
        if best != 0 and fits[best] > max(0.3, fits[0] + 0.2, 5 / np.sqrt(n)):
            text = f"Held-out labels fit the model's answers when they are moved by {-best} rows ({fits[best]:.2f})."
            return violated("labels.agreement", "encoding", text, "labels-off-by-one", numbers=numbers)
    return holds("labels.agreement", "encoding", "Held-out labels are in step with the answers.", numbers=numbers)


def _open(case: Case) -> list[Finding]:
    """Violations that no other violation explains."""
    bad = {f.fact for f in case.findings if f.state == "violated"}
    return [f for f in case.findings if f.state == "violated" and not bad & set(f.explained_by)]


def _conclude(
    case: Case, answer: Answer, cause: str | None, place: str | None, statement: str,
    evidence: list[Evidence], others: tuple = (), by: str = "fact",
) -> Conclusion:  # fmt: skip
    own = [*evidence, *(e for e in case.evidence if e not in evidence)]
    kind = f"{by}, {answer}" if answer in ("cause", "place") else str(answer)
    return Conclusion(answer, cause, place, kind, statement, tuple(own), others, case.used / max(1, case.batches))


def _of(finding: Finding) -> Evidence:
    return Evidence("fact", finding.statement, finding.place, finding.rows)


def _by_error(case: Case) -> Conclusion | None:
    """A training that breaks down in its first steps shows nothing but that."""
    error, done = case.seen.training.error, len(case.seen.training.seen)
    if error is None or done >= 3:
        return None
    statement = f"The training breaks down in step {done + 1} with {type(error).__name__}: {error}"
    return _conclude(case, "too little to tell", None, None, statement, [], tuple(_open(case)))


def _by_facts(case: Case) -> Conclusion | None:
    """A firm violation decides."""
    firm = [f for f in _open(case) if f.firm and f.place != "numbers"]
    first = next((f for f in firm if f.cause is not None), firm[0] if firm else None)
    if first is None or (first.cause is None and first.place == "model"):
        return None
    others = tuple(f for f in _open(case) if f is not first)
    if first.cause is None:
        statement = f"Something is wrong in the {first.place}, of no kind that is known here."
        return _conclude(case, "place", None, first.place, statement, [_of(first)], others)
    statement = f"The cause is {first.cause}, in the {first.place}."
    return _conclude(case, "cause", first.cause, first.place, statement, [_of(first)], others)


def _swap_for(case: Case, finding: Finding) -> Swap | None:
    """Return the exchange that shows whether a violation does harm."""
    given, first = case.given, finding.cause
    if finding.fact == "model.dropout":
        return Swap("without dropout", "model", first, lambda g: g, swaps.no_dropout)
    if first == "learning-rate-too-high":
        return Swap("at a tenth of the rate", "optimizer", first, swaps.rate(0.1))
    if finding.fact == "optimizer.held" and first != "parameter-missing":
        return Swap("with all tensors trained", "optimizer", first, unfrozen)
    if finding.place == "optimizer":
        return Swap("with AdamW in the textbook's loop", "optimizer", first, swaps.textbook_loop)
    if finding.place == "loss":
        return Swap("with the cross-entropy", "loss", first, swaps.textbook_loss)
    if finding.place == "batching" and indexed(given.train):
        return Swap("with shuffled batches of 16", "batching", first, swaps.textbook_batches)
    if finding.place == "encoding" and given.tokenizer is not None and given.pairs:
        change = lambda g: swaps.textbook_encoding(g, case.first, case.seen.words)  # noqa: E731
        return Swap("with arrays made from the pairs", "encoding", first, change)
    return None


def unfrozen(given: Given) -> Given:
    """Return the training with every tensor trained, by the textbook's loop."""
    model = copied(given.model, {})
    for p in model.parameters():
        p.requires_grad_(True)
    return replace(swaps.textbook_loop(given), model=model)


def _by_harm(case: Case) -> Conclusion | None:
    """A doubtful violation is a cause if the exchange of its part helps."""
    for finding in _open(case):
        if finding.firm or finding.place in ("numbers", "evaluation"):
            continue
        swap = _swap_for(case, finding)
        if swap is None or not case.judge or not case.affordable(case.batches):
            continue
        gained = case.trial(swap)
        shown = case.evidence[-1]
        case.evidence.append(_of(finding))
        if gained is None or not _helps(case, gained, HARM):
            continue
        if finding.numbers.get("second") and _learned(case)[0]:  # to learn two tasks takes longer than to learn one
            case.helping = case.helping or swap
            continue
        meant = finding.cause is None or finding.place in ("optimizer", "loss", "batching")
        if meant and finding.cause not in TELLING and _learned_enough(case, gained):
            case.helping = case.helping or swap
            continue
        if swap.change is unfrozen and case.affordable(case.batches):  # that loop may help by itself
            loop = case.trial(Swap("with AdamW in the textbook's loop", "optimizer", None, swaps.textbook_loop))
            if loop is not None and not _helps(case, (gained[0] - loop[0], gained[1] - loop[1]), HARM):
                continue
        others = tuple(f for f in _open(case) if f is not finding)
        evidence = [_of(finding), shown]
        if finding.cause is None:
            statement = f"Something is wrong in the {finding.place}: {finding.statement}"
            return _conclude(case, "place", None, finding.place, statement, evidence, others, "swap")
        statement = f"The cause is {finding.cause}, in the {finding.place}."
        return _conclude(case, "cause", finding.cause, finding.place, statement, evidence, others, "swap")
    return None


def _by_report(case: Case) -> Conclusion | None:
    """A recount is the exchange of an evaluation: a report that differs from it needs no other trial."""
    for finding in _open(case):
        if finding.place != "evaluation" or finding.cause is None or finding.fact == "report.mode":
            continue
        others = tuple(f for f in _open(case) if f is not finding)
        statement = f"The cause is {finding.cause}, in the evaluation."
        return _conclude(case, "cause", finding.cause, "evaluation", statement, [_of(finding)], others)
    reported = next((f for f in case.findings if f.fact == "report.loss" and f.state == "holds"), None)
    for finding in _open(case):
        if not (reported and reported.numbers.get("another")):
            break
        if finding.place == "loss" and finding.cause and (finding.firm or _is_mistake(case, finding)):
            others = tuple(f for f in _open(case) if f is not finding)
            statement = f"The cause is {finding.cause}, in the loss: what is reported as a loss is not -log p."
            return _conclude(case, "cause", finding.cause, "loss", statement, [_of(finding)], others)
    return None


def _helps(case: Case, gained: tuple[float, float], need: float) -> bool:
    """Whether a gain of accuracy, or a large one of the loss, is more than chance."""
    error = swaps.standard_error(max(0.5, case.base), _count(case))
    return gained[0] > max(need, 1.7 * error) or (gained[1] > 0.25 and gained[0] > 0)


def _far_behind(case: Case, gained: tuple[float, float]) -> bool:
    """Whether a training that has learned is sick all the same: another part shows how much it lacks."""
    chance = _chance(case)
    return gained[0] >= FAR and case.base - chance < ENOUGH * (case.base + gained[0] - chance)


def _learned_enough(case: Case, gained: tuple[float, float]) -> bool:
    """Whether a training has learned, and no more than another part would help it: at its own end, if need be."""
    if _learned(case)[0] and not _far_behind(case, gained):
        return True
    reached = case.base + gained[0]
    if not _train_on(case):
        return False
    return _learned(case)[0] and not _far_behind(case, (reached - case.base, 0.0))


def _train_on(case: Case) -> bool:
    """Train further than was watched, without a change: what learns late is not sick. Whether there is more to see."""
    if case.longer or not case.judge or case.whole < 1.3 * case.batches:
        return False
    case.longer = True
    steps = min(case.whole, (case.limit - case.used) * 2 // 3)
    if steps < 1.3 * case.batches:
        return False
    case.tell(f"The training runs for {steps} steps on copies, unwatched.")
    case.used += steps
    look = Looks(replace(case.given, evaluate=None), case.judge, False, 0)
    done = watch(case.given, steps, look, (steps,), plain=True)
    if not done.looks:
        return False
    found = done.looks[-1][1]
    text = f"After {steps} steps of its own accuracy is {fair(found):.3f}; after {case.batches} it was {case.base:.3f}."
    case.evidence.append(Evidence("swap", text, "optimizer"))
    if fair(found) <= case.base:
        return False
    case.base, case.base_loss = fair(found), found.loss
    return True


def _by_swaps(case: Case) -> Conclusion:
    """No fact decides: try the textbook's loop, then the parts of which no fact says anything."""
    learned, words = _learned(case)
    if not learned and _train_on(case):
        learned, words = _learned(case)
    better: Swap | None = None  # another part does better, and this training has learned
    for swap in _candidates(case, learned):
        if not case.judge or not case.affordable(case.batches):
            continue
        gained = case.trial(swap)
        if gained is None or not _helps(case, gained, HELPS):
            continue
        if learned and _learned_enough(case, gained):
            better = better or swap
            continue
        doubtful = [
            f.cause
            for f in _open(case)
            if f.place == swap.place and f.cause and not f.firm and not f.cause.endswith("-frozen")
        ]  # no exchange here thaws a tensor
        cause = swap.cause or next(iter(doubtful), None) or _which_rate(case, swap, gained)
        evidence = [case.evidence[-1]]
        if cause is not None:
            statement = f"The cause is {cause}, in the {swap.place}: it helps to train {swap.name}."
            return _conclude(case, "cause", cause, swap.place, statement, evidence, tuple(_open(case)), "swap")
        if learned:
            statement = f"Nothing is violated; it would help to train {swap.name}."
            return _conclude(case, "a part that helps", None, swap.place, statement, evidence)
        statement = f"Something is wrong in the {swap.place}: it helps to train {swap.name}."
        return _conclude(case, "place", None, swap.place, statement, evidence, tuple(_open(case)), "swap")
    named = [f for f in _open(case) if f.cause is not None and f.place not in ("numbers", "evaluation")]
    if named and not learned and case.judge:
        first = named[0]
        statement = f"It has not learned: {words} The likeliest cause is {first.cause}, in the {first.place}."
        return _conclude(case, "cause", first.cause, first.place, statement, [_of(first)], tuple(named[1:]), "swap")
    symptoms = [f for f in _open(case) if f.firm and f.place != "numbers"]
    if symptoms:
        first = symptoms[0]
        statement = f"Something is wrong in the {first.place}: {first.statement}"
        return _conclude(case, "place", None, first.place, statement, [_of(first)], tuple(symptoms[1:]), "swap")
    if not case.judge:
        return _conclude(case, "too little to tell", None, None, f"No fact is violated, and {words}", [])
    if (said := _less_than_counting(case, words)) is not None:
        return said
    if not learned:
        fits = _overfit(case)
        place = None if fits else "model"
        statement = f"It has not learned: {words}" + (
            "" if fits else " Eight examples are not learned by heart either."
        )
        answer: Answer = "has not learned" if fits else "place"
        return _conclude(case, answer, None, place, statement, [], tuple(_open(case)), "swap")
    deviations = [f for f in _open(case) if f.place != "numbers"]
    alone = next((f for f in deviations if f.cause == "no-comparison"), None)
    shared = _shared_words(case) if alone is not None else float("nan")
    if alone is not None and case.base < shared + LITTLE:
        more = f"Counting the words that A and B share has {shared:.3f}, and this training {case.base:.3f}."
        statement = f"The cause is no-comparison, in the model: {more}"
        others = tuple(f for f in deviations if f is not alone)
        return _conclude(case, "cause", alone.cause, alone.place, statement, [_of(alone)], others)
    mistake = next((f for f in deviations if _is_mistake(case, f)), None)
    if mistake is not None:
        others = tuple(f for f in deviations if f is not mistake)
        where = mistake.place
        statement = f"The cause is {mistake.cause}, in the {where}: a mistake, though it does no harm that shows here."
        return _conclude(case, "cause", mistake.cause, where, statement, [_of(mistake)], others)
    better = better or case.helping
    if better is not None and not deviations:
        statement = f"Nothing is violated; it would help to train {better.name}."
        return _conclude(case, "a part that helps", None, better.place, statement, [])
    if deviations:
        names = ", ".join(dict.fromkeys(f.cause or f.fact for f in deviations))
        statement = f"Healthy, with a deviation that does no harm here: {names}. At the end {words}"
        return _conclude(case, "healthy, with a deviation", None, None, statement, [])
    return _conclude(case, "healthy", None, None, f"Nothing is wrong that could be found: {words}", [])


def _less_than_counting(case: Case, words: str) -> Conclusion | None:
    """A training that hardly learned where no layer is needed: no fact and no exchange blames another part."""
    chance, shared = _chance(case), _shared_words(case)
    if not (shared - case.base > FAR and case.base - chance < PART * (shared - chance)):
        return None
    statement = (
        f"Something is wrong in the model, of no kind that is known here: {words} Counting the words that A and B "
        f"share has {shared:.3f}, and the rows, the labels, the loss and the optimizer have passed."
    )
    return _conclude(case, "place", None, "model", statement, [], tuple(_open(case)), "swap")


def _shared_words(case: Case) -> float:
    """Return the held-out accuracy of a bound on how many rare words A and B share: what no layer is needed for."""
    train, held = case.given.pairs, case.given.held_out_pairs
    if not train or not held:
        return float("nan")
    sets = [[[set(tokenize(text)) for text in (p.sentence_a, p.sentence_b)] for p in part] for part in (train, held)]
    count = Counter(word for pair in sets[0] for side in pair for word in side)
    total = 2 * len(train)

    def scores(part: list) -> np.ndarray:
        weights = [sum(np.log(total / (1 + count[word])) for word in a & b) for a, b in part]
        return np.array(weights) / np.sqrt([max(1, len(a)) * max(1, len(b)) for a, b in part])

    own, labels = scores(sets[0]), np.array([pair.label for pair in train])
    bounds = np.quantile(own, np.linspace(0.02, 0.98, 49))
    best = max(bounds, key=lambda bound: float(((own <= bound) == labels).mean()))
    says, truth = scores(sets[1]) <= best, np.array([pair.label for pair in held])
    return float(np.mean([(says == truth)[truth == label].mean() for label in np.unique(truth)]))


def _is_mistake(case: Case, finding: Finding) -> bool:
    """Whether a doubtful violation is a mistake and no choice: another loss or vocabulary, a wrong mask."""
    if finding.cause == "sum-reduction" and "offset" in finding.numbers:  # the returned number, and not the gradient
        return False
    if finding.fact == "loss.function":
        return finding.cause is not None and finding.cause not in CHOSEN
    model = case.given.model
    if finding.fact == "model.words":  # vectors of which frequency was taken out on purpose still tell a little
        return finding.numbers["told"] < NOTHING
    if finding.fact == "arrays.mask":
        given = any("attention_mask" in seen.arrays for seen in case.seen.training.seen)
        return given or "attention_mask" in inspect.signature(model.forward).parameters
    pooler = any(name.split(".")[-1] == "pooler" for name, _ in model.named_modules())
    return finding.fact == "arrays.first" and pooler


def _candidates(case: Case, learned: bool) -> list[Swap]:
    """Return the exchanges that are worth a training."""
    found = [Swap("with AdamW in the textbook's loop", "optimizer", None, swaps.textbook_loop)]
    given = case.given
    drops = any(isinstance(m, torch.nn.Dropout) and m.p > 0.3 for m in given.model.modules())
    if drops:
        found.append(Swap("without dropout", "model", "dropout-too-high", lambda g: g, swaps.no_dropout))
    if given.start:
        found.append(Swap("from the named checkpoint", "model", "pretrained-not-loaded", lambda g: g, _load(given)))
    if not learned:
        if indexed(given.train):
            found.append(Swap("with shuffled batches of 16", "batching", None, swaps.textbook_batches))
        if given.loss is not None or given.both is not None:
            found.append(Swap("with the cross-entropy", "loss", None, swaps.textbook_loss))
        if given.tokenizer is not None and given.pairs:
            change = lambda g: swaps.textbook_encoding(g, case.first, case.seen.words)  # noqa: E731
            found.append(Swap("with arrays made from the pairs", "encoding", None, change))
    return found


def _load(given: Given) -> Callable:
    def load(model: Any, optimizer: Any) -> None:
        model.load_state_dict(given.start, strict=False)

    return load


def _which_rate(case: Case, swap: Swap, gained: tuple[float, float]) -> str | None:
    """If another loop helps, ask whether the rate alone does."""
    if swap.place != "optimizer":
        return None
    for name, factor, cause in _rates_to_try(case):
        if not case.affordable(case.batches):
            return None
        helped = case.trial(Swap(name, "optimizer", cause, swaps.rate(factor)))
        if helped is not None and helped[0] > max(HARM, 0.5 * gained[0]):
            return cause
    return None


def _rates_to_try(case: Case) -> list[tuple[str, float, str]]:
    """Return changes of the rate: to the usual one, where the rule divides by the gradient, or up and down tenfold."""
    low, high = "learning-rate-too-low", "learning-rate-too-high"
    peak = max((max(u.rates) for u in case.seen.training.updates if u.rates), default=0.0)
    usual = swaps.usual_rate(case.given.model)
    if case.seen.run.kind.get("adaptive") and peak > 0 and not 1 / USUAL < peak / usual < USUAL:
        return [("at the usual rate", usual / peak, high if peak > usual else low)]
    return [("at ten times the rate", 10.0, low), ("at a tenth of the rate", 0.1, high)]


def fair(look: Any) -> float:
    """Return the mean of the accuracies of the two classes: of classes of one size, the accuracy."""
    right = look.logits.argmax(1) == look.labels
    each = [float(right[look.labels == label].mean()) for label in (0, 1) if (look.labels == label).any()]
    return float(np.mean(each))


def _chance(case: Case) -> float:
    """Return what one answer to all pairs has by that measure."""
    return 0.5 if len(set(_labels(case).tolist())) > 1 else 1.0


def _labels(case: Case) -> np.ndarray:
    return np.concatenate([np.asarray(labels_of(batch)) for batch in case.judge])


def _count(case: Case) -> int:
    """Return of how many pairs of classes of one size the accuracy would be as sure."""
    ones = float(_labels(case).mean())
    return max(1, round(4 * ones * (1 - ones) * len(_labels(case))))


def _learned(case: Case) -> tuple[bool, str]:
    """Is held-out accuracy, the mean of that of each class, above that of one answer to all pairs?"""
    if not case.judge:
        return False, "there are no held-out pairs."
    chance, count = _chance(case), _count(case)
    low, high = accuracy_interval(round(case.base * count), count)
    shown = f"accuracy {case.base:.3f} [{low:.3f}, {high:.3f}] on {len(_labels(case))} held-out pairs"
    words = f"{shown} (the mean of both classes), by chance {chance:.3f}."
    return bool(low > chance), words


def _overfit(case: Case) -> bool:
    """Can the model learn eight examples by heart, with the user's loss and the textbook's optimizer?"""
    given = swaps.textbook_loop(replace(case.given, steps=OVERFIT))
    model, optimizer, _, own = given.fresh()
    swaps.no_dropout(model, optimizer)
    model.train()
    rows = []
    for _, _, batch in endless(own.train):
        rows.append(batch)
        break
    labels = labels_of(rows[0])
    picked = [k for label in (0, 1) for k in torch.nonzero(labels == label).flatten()[:4].tolist()]
    few = some(rows[0], torch.tensor(picked or [0]))
    value = float("nan")
    for _ in range(OVERFIT):
        loss, logits = own.value(model, few)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        value = float((logits.argmax(1) == labels_of(few)).float().mean())
    case.used += OVERFIT
    text = f"After {OVERFIT} steps on {len(picked)} examples {value:.3f} of them are right."
    case.evidence.append(Evidence("fact", text, "model"))
    return value > 0.9
