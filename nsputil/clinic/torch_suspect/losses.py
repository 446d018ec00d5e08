"""Facts about the loss: which function it is, and whether the steps use that function."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.loss import Asked, cross_entropy, designed, loss_function
from nsputil.clinic.torch_suspect import asked_loss
from nsputil.clinic.torch_suspect.as_recording import AsRecording
from nsputil.clinic.torch_suspect.unmatched import loss_of_any_order

HALF = 0.01  # of a loss: half precision has three digits
SMOOTHED = 0.5  # of a target spread over both classes: up to this it can be meant
WEIGHED = 2.5  # times what balances the classes: up to this a weight can say what an error costs
MINED = 0.4  # of the pairs of a batch, the hardest: fewer are few
BESIDE = 0.3  # of the cross-entropy: a regularizer adds less, the loss of another task more
TAUGHT = 0.7  # cosine with the gradient of the cross-entropy


def loss_facts(seen: AsRecording, batch: Any) -> list[Finding]:
    """Is the loss the cross-entropy, on designed logits and in the steps?"""
    found = asked_loss.of(seen.parts, batch)
    if found is None:
        text = "There is no way to give the loss logits of its own."
        return [unknown("loss.function", "loss", text), *(_not_asked(f) for f in _steps(seen))]
    ask, how = found
    facts = _function(seen, ask)
    gathered = _gathered(seen)
    if facts[0].state == "violated" and gathered > 1 and "step" in how:  # each batch gives its part of a mean
        parts = _function(seen, lambda logits, labels: _times(ask(logits, labels), gathered))
        facts = parts if parts[0].state == "holds" else facts
    if facts[0].state == "violated" and facts[0].cause is None and _twice(seen, batch):
        text = f"{facts[0].statement} Given logits it is the cross-entropy, and the model gives probabilities."
        facts[0] = replace(facts[0], cause="double-softmax", statement=text)
    beside = how == "by_loss" and seen.parts.step is not None  # the step may do more than ask this loss
    facts[0] = _undone(facts[0], seen)
    if not beside:
        facts[0] = loss_of_any_order(_cut(facts[0], ask), ask)
    facts[0] = _as_chosen(facts[0], ask)
    if "layer" in how:  # float32 all along
        facts = [f for f in facts if f.fact != "loss.large"]
    if any(fact.fact == "loss.function" and fact.state == "holds" and "error" in fact.numbers for fact in facts):
        return [*facts, *(_not_asked(f) if beside else f for f in _steps(seen))]
    unexplained = facts[0].state == "violated" and facts[0].cause is None and facts[0].firm
    if unexplained:  # such as a term that is made of the weights
        facts += [fact for fact in _steps(seen) if fact.cause is not None]
    return facts


def _not_asked(finding: Finding) -> Finding:
    """Losses of steps that are not the cross-entropy may be of another loss, of which nothing is known."""
    return replace(finding, firm=False) if finding.state == "violated" and finding.cause is None else finding


def _as_chosen(finding: Finding, ask: Any) -> Finding:
    """A loss that teaches every pair its label is a choice: whether it does harm, an exchange has to show."""
    if finding.state != "violated" or not finding.firm:
        return finding
    numbers = finding.numbers
    mild = {
        "label-smoothing-heavy": numbers.get("epsilon", 1.0) <= SMOOTHED,
        "class-weight-left": 1 / WEIGHED < numbers.get("weight", 0.0) / numbers.get("balanced", 1.0) < WEIGHED,
        "hardest-pairs-only": numbers.get("kept", 0.0) >= MINED,
    }
    if mild.get(finding.cause or "", False):
        return replace(finding, firm=False)
    if finding.cause is None and _teaches(ask):
        text = f"{finding.statement} On the whole it pushes pairs to their labels."
        return replace(finding, firm=False, statement=text)
    return finding


def _teaches(ask: Any) -> bool:
    """Does a loss push pairs to their labels, mostly and on average, and the pairs of both labels about as far?

    Its gradient is compared with that of the cross-entropy, for the pairs of each label apart.
    """
    asked = Asked(ask)
    cosines, lengths = [], []
    for count, seed, spread in ((32, 1, 0.5), (32, 1, 2.0), (32, 0, 2.0)):
        logits, labels = designed(count, seed, spread)
        answer = asked(logits, labels)
        if answer is None or not np.isfinite(answer[0]) or not np.isfinite(answer[1]).all():
            return False
        usual, sizes = cross_entropy(logits, labels)[1], []
        for label in (0, 1):
            own, other = answer[1][labels == label].ravel(), usual[labels == label].ravel()
            sizes.append(float(np.linalg.norm(own) / np.linalg.norm(other)))
            cosines.append(float(own @ other / max(1e-30, np.linalg.norm(own) * np.linalg.norm(other))))
        lengths.append(np.log(max(sizes[0], 1e-12) / max(sizes[1], 1e-12)))
    alike = abs(float(np.mean(lengths))) < np.log(WEIGHED)
    return min(cosines) > 0 and float(np.mean(cosines)) > TAUGHT and bool(alike)


def _undone(finding: Finding, seen: AsRecording) -> Finding:
    """A factor of the loss that the optimizer does not get was undone on the way, as a scaler of gradients does."""
    factor = finding.numbers.get("ratio", 1.0)
    sizes = [update.size for update in seen.training.updates if np.isfinite(update.size)]
    if finding.cause != "loss-scaled" or factor <= 1 or not sizes or float(np.median(sizes)) > 0.5 * factor:
        return finding
    text = f"{finding.statement} What the optimizer gets is not so large: the factor is undone."
    return holds("loss.function", "loss", text, numbers=finding.numbers)


def _cut(finding: Finding, ask: Any) -> Finding:
    """Does the loss follow the logits and give them no gradient at all?"""
    if finding.state != "violated":
        return finding
    asked = Asked(ask)
    answers = [asked(*designed(16, seed)) for seed in (0, 2, 4)]
    known = [answer for answer in answers if answer is not None and np.isfinite(answer[0])]
    if len(known) < 3 or any(answer[1].any() for answer in known) or np.ptp([answer[0] for answer in known]) < 1e-4:
        return finding
    text = "The value of the loss follows the logits, and no gradient comes back to them: its graph is cut."
    return violated("loss.graph", "loss", text, "gradients-detached")


def _twice(seen: AsRecording, batch: Any) -> bool:
    """Whether the loss takes logits where the model gives probabilities."""
    form = seen.parts.form
    if "logit" in form.name or form.name.startswith("log"):
        return False
    other = replace(form, name="one logit" if form.name.startswith("one") else "logits")
    found = asked_loss.of(replace(seen.parts, form=other), batch)
    return found is not None and _function(seen, found[0])[0].state == "holds"


def _function(seen: AsRecording, ask: Any) -> list[Finding]:
    asked = SimpleNamespace(
        experiment=SimpleNamespace(loss=ask), steps=[], pairs=seen.pairs, run=seen.run, masking=None
    )
    return [fact for fact in loss_function(asked) if fact.fact != "loss.recorded"]


def _gathered(seen: AsRecording) -> int:
    """Return how many batches the optimizer usually takes for a step."""
    return int(np.median([update.gradients for update in seen.training.updates] or [1]))


def _times(answer: tuple, factor: int) -> tuple:
    return answer[0], answer[1] * factor


def _late(steps: list) -> Finding | None:
    """Are the losses of the steps those of their logits with the labels of the batch before?"""
    pairs = [(step, last) for last, step in zip(steps, steps[1:], strict=False)
             if step.number == last.number + 1 and len(step.labels) == len(last.labels)]  # fmt: skip
    fits = [abs(step.value - cross_entropy(step.logits, last.labels)[0]) < HALF * max(step.value, 0.05)
            for step, last in pairs]  # fmt: skip
    if len(fits) < 5 or float(np.mean(fits)) < 0.9:
        return None
    text = f"In {sum(fits)} of {len(fits)} steps the loss is that of the logits with the labels of the batch before."
    return violated("labels.late", "encoding", text, "labels-shuffled")


def _steps(seen: AsRecording) -> list[Finding]:
    """Do the steps return the loss of their logits?"""
    off, steps = [], []
    for step in seen.steps:
        if step.logits is None or step.labels is None or len(step.logits) != len(step.labels):
            continue
        if not np.isfinite(step.logits).all() or not set(step.labels.tolist()) <= {0, 1} or step.logits.shape[1] != 2:
            continue
        expected = cross_entropy(step.logits, step.labels)[0]
        off.append((step.value - expected) / max(expected, 0.05))
        steps.append(step)
    if not off:
        return [unknown("loss.steps", "loss", "No step shows its logits.")]
    middle, worst = float(np.median(off)), int(np.argmax(np.abs(off)))
    numbers = {"off": middle, "steps": float(len(off))}
    late = _late(steps) if abs(middle) > HALF or float(np.median(np.abs(off))) > HALF else None
    if late is not None:
        return [late]
    if abs(middle) > HALF and np.isfinite(middle):
        step = steps[worst]
        expected = cross_entropy(step.logits, step.labels)[0]
        text = (
            f"In step {step.number} the loss is {step.value:.4f}, and the cross-entropy of its logits {expected:.4f}; "
            f"in the median they differ by {middle:+.3f} of it."
        )
        labels = np.concatenate([s.labels for s in steps])
        logits = np.concatenate([s.logits for s in steps])
        reverse = cross_entropy(logits, 1 - labels)[0]
        values = float(np.mean([s.value for s in steps]))
        cause = "training-labels-inverted" if abs(values - reverse) < HALF * reverse else None
        added = np.array([s.value - cross_entropy(s.logits, s.labels)[0] for s in steps])
        if cause is None and added.min() > -1e-4 and np.std(off) > 0.1 * abs(middle):  # no factor, but a sum
            cause = "total-logged-as-nsp"
            text = f"{text} It is never less: something is added to it."
        small = abs(middle) < BESIDE and float(np.median(np.abs(off))) < BESIDE  # as a regularizer, or a second pass
        return [violated("loss.steps", "loss", text, cause, not small, numbers=numbers)]
    return [holds("loss.steps", "loss", f"In {len(off)} steps the loss is the cross-entropy of the logits.")]
