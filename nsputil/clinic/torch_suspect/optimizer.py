"""Facts about the optimizer: what it holds, what it gets, what it does with it, and the rate of each step."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.optimizer import optimizer_rule
from nsputil.clinic.facts.steps import LEAST_GAIN, OVERSHOOT, tensors_that_move
from nsputil.clinic.torch_suspect.as_recording import AsRecording
from nsputil.clinic.torch_suspect.asked_loss import Answers
from nsputil.clinic.torch_suspect.batches import labels_of
from nsputil.clinic.torch_suspect.copies import copied
from nsputil.clinic.torch_suspect.other_steps import renewed
from nsputil.clinic.torch_suspect.watching import LAGS

PLACE = "optimizer"
HEAD = ("seq_relationship", "classifier", "head", "pooler")
MOST = 4000  # steps of which the rate is traced
OTHER = 0.2  # cosine: a gradient of another direction than the loss has, as a second task or a nudged input gives one
ALONE = 0.95  # cosine: the gradient of a loss and nothing else
KEPT = 0.8  # of the length of a tensor at the start: decay that leaves so much does no harm


def optimizer_facts(seen: AsRecording, batch: Any) -> list[Finding]:
    """All facts about the optimizer and the body of the loop."""
    again = renewed(seen.training.stepping) or _put_back(seen)
    found = [_held(seen), _called(seen), _gradients(seen), _outside(seen), *([again] if again is not None else [])]
    if not any(f.state == "violated" and f.firm for f in found[1:2]):
        found += [f for f in tensors_that_move(seen) if f.fact not in ("steps.stored", "steps.gradient")]
        questions: dict[str, Callable] = {
            "rule": lambda: optimizer_rule(seen) if seen.start.parameters else [],
            "rates": lambda: [_rates(seen, batch)],
            "progress": lambda: [_progress(seen)],
            "overshoot": lambda: [_overshoot(seen)],
        }
        for name, question in questions.items():
            try:
                found += question()
            except Exception as error:  # an optimizer of a kind that this question does not fit
                text = f"This could not be asked ({type(error).__name__}: {error})."
                found.append(unknown(f"optimizer.{name}", PLACE, text))
    return _agree(found, seen)


def _agree(found: list[Finding], seen: AsRecording) -> list[Finding]:
    """Drop what another fact tells better."""
    named = {f.fact for f in found if f.state == "violated"}
    if "optimizer.held" in named:
        found = [f for f in found if not (f.fact == "steps.frozen" and f.state == "violated")]
    if "steps.progress" in named and "optimizer.held" not in named:  # steps so short that float32 swallows them
        found = [f for f in found if not (f.fact == "steps.frozen" and f.state == "violated" and not f.firm)]
    fed = any(f.fact == "optimizer.gradients" and f.state == "holds" for f in found)
    if fed:  # what the optimizer is given is right, so what lasts is its own memory
        found = [_remembered(f) for f in found]
    # a training that is watched for a part of it may be warming up all that time
    found = [f for f in found if f.fact != "optimizer.schedule" or f.firm or f.state != "violated"]
    if "optimizer.rates" in named:
        found = [f for f in found if f.fact not in ("optimizer.schedule",)]
    return found


def _remembered(finding: Finding) -> Finding:
    """Gradients are set to zero outside an optimizer of PyTorch: what lasts inside is momentum."""
    if finding.fact != "optimizer.memory" or finding.cause != "no-zero-grad":
        return finding
    text = finding.statement.split(":")[0]
    return replace(finding, cause="momentum-too-high", statement=f"{text}: the averages of the optimizer do not fit.")


def _held(seen: AsRecording) -> Finding:
    """Does the optimizer hold every tensor that is meant to be trained?"""
    named = dict(seen.training.model.named_parameters())
    wanted = [name for name, p in named.items() if p.requires_grad]
    frozen = [name for name, p in named.items() if not p.requires_grad]
    if not seen.training.trained:
        if not hasattr(seen.training.optimizer, "param_groups"):
            return unknown("optimizer.held", PLACE, "The optimizer does not say which tensors it holds.")
        text = "The optimizer holds no tensor of the model: it was made for another copy of it."
        return violated("optimizer.held", PLACE, text, "updates-not-applied")
    moving = {n for update in seen.training.updates for n, size in update.norms.items() if size > 0}
    missing = [name for name in wanted if name not in seen.training.trained and (name in moving or not moving)]
    numbers = {"missing": float(len(missing)), "wanted": float(len(wanted)), "frozen": float(len(frozen))}
    if missing:
        firm = any(any(part in name for part in HEAD) for name in missing)
        text = f"{len(missing)} of {len(wanted)} tensors that should be trained are not in the optimizer: {missing[0]}."
        return violated("optimizer.held", PLACE, text, "parameter-missing", firm, tuple(missing[:5]), numbers=numbers)
    heads = [name for name in frozen if any(part in name for part in HEAD)]
    if frozen:
        whole = not [n for n in wanted if not any(part in n for part in HEAD)]
        cause = "head-frozen" if heads else "encoder-frozen" if whole else "tensors-frozen"
        text = f"{len(frozen)} tensors are frozen (requires_grad is False), such as {(heads or frozen)[0]}."
        return violated("optimizer.held", PLACE, text, cause, False, tuple((heads or frozen)[:5]), numbers=numbers)
    return holds("optimizer.held", PLACE, f"The optimizer holds all {len(wanted)} tensors.", numbers=numbers)


def _called(seen: AsRecording) -> Finding:
    """Is the optimizer called at all, and does a weight change?"""
    batches, calls = len(seen.training.seen), len(seen.training.updates)
    numbers = {"batches": float(batches), "steps": float(calls)}
    if batches and calls == 0 and hasattr(seen.training.optimizer, "register_step_pre_hook"):
        if _moved(seen):
            text = f"In {batches} batches the optimizer was never asked for a step; something else moves the weights."
            return violated("optimizer.called", PLACE, text, None, False, numbers=numbers)
        text = f"In {batches} batches the optimizer was never asked for a step."
        return violated("optimizer.called", PLACE, text, "updates-not-applied", numbers=numbers)
    moved = [size for update in seen.training.updates for size in update.moved.values()]
    if moved and max(moved) == 0:
        text = f"In {calls} steps of the optimizer no weight of the model changed."
        return violated("optimizer.called", PLACE, text, "updates-not-applied", numbers=numbers)
    return holds("optimizer.called", PLACE, f"The optimizer took {calls} steps in {batches} batches.", numbers=numbers)


def _put_back(seen: AsRecording) -> Finding | None:
    """Are all weights those from before an earlier step, after others in between?"""
    known: dict[tuple, int] = {}
    back: list[tuple[int, int]] = []
    for number, mark in enumerate(seen.training.marks, 1):
        if mark and all(np.isfinite(mark)) and known.get(mark, number - 1) < number - 1:
            back.append((number, known[mark]))
        known[mark] = number
    if not back:
        return None
    text = (
        f"Before step {back[0][0]} of the optimizer all weights are those from before step {back[0][1]}, "
        f"{len(back)} times in all: they are put back."
    )
    return violated("optimizer.back", PLACE, text, "weights-put-back")


def _moved(seen: AsRecording) -> bool:
    """Whether any weight is another at the end."""
    start = dict(seen.parts.model.named_parameters())
    return any(n in start and not torch.equal(p.detach(), start[n].detach())
               for n, p in seen.training.model.named_parameters())  # fmt: skip


def _gradients(seen: AsRecording) -> Finding:
    """Is what the optimizer gets the gradient of the batches since its last step?"""
    asked = [u for u in seen.training.updates if u.cosines.get("since") is not None]
    if not asked:
        return unknown("optimizer.gradients", PLACE, "No step could be compared with a gradient computed beside it.")
    since = float(np.median([u.cosines["since"] for u in asked]))
    later = asked[1:] or asked
    numbers = {"since": since, "steps": float(len(asked))}
    if since > 0.95:
        clipped = [u.size for u in asked if np.isfinite(u.size)]
        numbers["size"] = float(np.median(clipped)) if clipped else float("nan")
        return _clipped(seen, numbers)
    if since < -0.5:
        text = f"The optimizer gets the opposite of the gradient (cosine {since:.3f})."
        return violated("optimizer.gradients", "loss", text, "sign-flipped", numbers=numbers)
    last = [u.cosines["batch"] for u in asked if "batch" in u.cosines]
    gathered = {u.gradients for u in asked}
    if len(asked) > 1 and min(gathered) > 1 and last and np.median(last) > 0.98 > since:
        text = (
            f"The optimizer takes a step after {max(gathered)} batches and gets the gradient of the last one alone "
            f"(cosine {np.median(last):.3f}; with all of them {since:.3f}): those before are set to zero."
        )
        return violated("optimizer.gradients", PLACE, text, "accumulated-gradients-lost", numbers=numbers)
    pulls = [u.more for u in asked if u.more is not None]
    if pulls and np.median([size for size, _ in pulls]) > 1 and np.median([along for _, along in pulls]) > 0.9:
        size = float(np.median([size for size, _ in pulls]))
        text = (
            f"What the optimizer gets is mostly a pull of the weights to zero, {size:.1f} times as long as the "
            "gradient of its batches: a penalty outweighs the loss."
        )
        return violated("loss.pull", "loss", text, "penalty-outweighs-loss", numbers=numbers)
    everything = [u.cosines["all"] for u in later if "all" in u.cosines]
    if everything and np.median(everything) > max(0.95, since + 0.02):
        numbers["all"] = float(np.median(everything))
        text = (
            f"The optimizer gets the sum of all gradients since the start (cosine {numbers['all']:.3f}), not those "
            f"since its last step (cosine {since:.3f}): they are never set to zero."
        )
        return violated("optimizer.gradients", PLACE, text, "no-zero-grad", numbers=numbers)
    for back in range(1, LAGS + 1):
        old = [u.cosines[f"{back} before"] for u in asked if f"{back} before" in u.cosines]
        if len(old) >= 2 and np.max(old) > 0.95 and np.median(old) > 0.5:
            text = f"The optimizer gets the gradient of the batch {back} steps before (cosine {np.median(old):.3f})."
            return violated("optimizer.gradients", PLACE, text, "gradients-delayed", numbers=numbers)
    updates = seen.training.updates
    usual = float(np.median([u.gradients for u in updates[1:]])) if len(updates) > 3 else 0.0
    if since < 0.5 and usual and updates[0].batch > 3 * usual:
        text = (
            f"The first step of the optimizer comes after {updates[0].batch} batches, others after {usual:.0f}, and "
            f"none gets the gradient of its own batches (cosine {since:.3f})."
        )
        return violated("optimizer.gradients", PLACE, text, "gradients-delayed", numbers=numbers)
    text = f"What the optimizer gets is not the gradient of its batches: the cosine is {since:.3f}."
    if (head := _second_task(asked)) is not None:
        text = (
            f"{text} It holds that gradient whole, and more beside it: {head} alone gets nothing else, as where a "
            "second task is learned by the rest of the model."
        )
        return violated("optimizer.gradients", PLACE, text, None, False, numbers={**numbers, "second": 1.0})
    return violated("optimizer.gradients", PLACE, text, None, since < OTHER, numbers=numbers)


def _second_task(asked: list) -> str | None:
    """Return a tensor that gets the gradient of the batches alone, where the others get it and that of another task.

    A gradient that is noise, old, or of other rows is not that of the batch in the last layers, and one that is lost
    on the way, turned, or added up is not in that of the others once.
    """
    names = [n for n in asked[0].parts if all(n in u.parts for u in asked)]
    sums = {n: np.median([[u.parts[n][0] / max(u.parts[n][2], 1e-30), _cosine(u.parts[n]), u.parts[n][3]]
                          for u in asked], axis=0) for n in names}  # fmt: skip
    pure = [n for n, (once, cosine, _) in sums.items() if cosine > ALONE and 0.5 < once < 2]
    mixed = [n for n in names if sums[n][1] <= ALONE]
    if not pure or not mixed:
        return None
    once = float(np.median([sum(u.parts[n][0] for n in mixed) / max(1e-30, sum(u.parts[n][2] for n in mixed))
                            for u in asked]))  # fmt: skip
    added_up = float(np.median([sums[n][2] for n in mixed]))
    level = float(np.median([sums[n][0] for n in pure]))
    return pure[-1] if 0.5 < once / level < 2 and added_up < ALONE else None


def _cosine(part: tuple) -> float:
    return part[0] / max(1e-30, (part[1] * part[2]) ** 0.5)


def _outside(seen: AsRecording) -> Finding:
    """Do weights change between the steps of the optimizer, and how much of them is left at the end?"""
    found = seen.training.outside
    if not found:
        return unknown("optimizer.outside", PLACE, "No two steps were compared.")
    worst = max(found, key=lambda item: item[1])
    name, change, scale = worst
    numbers = {"change": change, "scale": scale}
    if change < 1e-6:
        return holds("optimizer.outside", PLACE, "Between two steps no weight changes.", numbers=numbers)
    left = float(scale) ** seen.total
    text = f"Between two steps of the optimizer {name} changes by {change:.4g} of its length."
    ends = dict(seen.training.model.named_parameters())[name].detach().norm()
    begins = dict(seen.parts.model.named_parameters())[name].detach().norm()
    if scale < 1 and left < np.exp(-1) and float(ends) < KEPT * float(begins):
        text = f"{text} It is {scale:.4f} times as long; {left:.2g} of it would be left at the end."
        return violated("optimizer.outside", PLACE, text, "weight-decay-too-high", numbers=numbers)
    return violated("optimizer.outside", PLACE, text, None, False, numbers=numbers)


def _clipped(seen: AsRecording, numbers: dict) -> Finding:
    """Is the gradient cut to a small part of itself before an optimizer that follows its size?"""
    size = numbers["size"]
    if seen.run.kind.get("adaptive") is False and size < 0.1:
        text = f"The optimizer gets {size:.4f} of the gradient of its batches: it is clipped, or scaled, far down."
        return violated("optimizer.clip", PLACE, text, "clip-too-small", False, numbers=numbers)
    text = f"The optimizer gets the gradient of its batches (cosine {numbers['since']:.3f})."
    return holds("optimizer.gradients", PLACE, text, numbers=numbers)


def _traced(seen: AsRecording, batch: Any) -> np.ndarray | None:
    """Return the highest rate of each step of the whole training, from the user's own loop with a toy model."""
    parts, total = seen.parts, min(seen.total, MOST)
    first = seen.training.updates[0].rates if seen.training.updates else ()
    if parts.schedule is None or not callable(parts.schedule) or not first:
        return None
    model = Answers(torch.zeros(2, 2), _like(seen, batch), seen.parts.form)
    optimizer = torch.optim.SGD([{"params": [p], "lr": 1.0} for p in model.parameters()])
    memo: dict = {}
    step, loss, schedule = (copied(x, memo) for x in (parts.step, parts.loss, parts.schedule))
    rates = schedule(optimizer)
    found: list[float] = []
    optimizer.register_step_pre_hook(lambda o, a, k: found.append(max(g["lr"] for g in o.param_groups)))
    size = len(labels_of(batch))
    model.held.data = torch.zeros(size, 2)
    for _ in range(total):
        if step is None:
            optimizer.step()
            rates.step()
        else:
            step(model, batch, loss, optimizer, rates)
    return np.array(found)


def _like(seen: AsRecording, batch: Any) -> Any:
    from nsputil.clinic.torch_suspect.asked_loss import _output

    model = copied(seen.parts.model, {}).train()
    with torch.no_grad():
        return _output(model, seen.parts, batch)


def _rates(seen: AsRecording, batch: Any) -> Finding:
    """When does the rate come to an end, and how often is the schedule moved?"""
    own = np.array([max(u.rates) for u in seen.training.updates if u.rates])
    trace = _traced(seen, batch) if seen.parts.schedule is not None else None
    if len(own) == 0:
        return unknown("optimizer.rates", PLACE, "The optimizer shows no rate.")
    if trace is None or len(trace) == 0:
        trace = own
        if len(own) < 0.9 * seen.total / max(1, len(seen.training.seen) / max(1, len(own))):
            return unknown("optimizer.rates", PLACE, "Only a part of the rates was seen.")
    peak = float(trace.max())
    if peak <= 0:
        return violated("optimizer.rates", PLACE, "The rate is 0 in every step.", "learning-rate-too-low", peak=peak)
    active = np.flatnonzero(trace > 0.01 * peak)
    end, begin = (int(active[-1]) + 1) / len(trace), int(active[0]) / len(trace)
    numbers = {"end": end, "begin": begin, "peak": peak, "steps": float(len(trace))}
    single = _textbook(seen, len(trace))
    if single is not None and len(single) == len(trace) and not np.allclose(single, trace, atol=0.02 * peak):
        late = float(np.abs(single / single.max() - trace / peak).max())
        numbers["off"] = late
        if late > 0.25:
            text = f"The rates are not those of the schedule moved once a step: they are off by {late:.2f} of the peak."
            firm = end < 0.6 or float(trace.mean() / peak) < 0.3 * float(single.mean() / single.max())
            return violated("optimizer.rates", PLACE, text, "scheduler-order", firm, numbers=numbers)
    if end < 0.6 and len(trace) >= 10:
        text = f"The rate is below 1 % of its peak after {int(active[-1]) + 1} of {len(trace)} steps."
        return violated("optimizer.rates", PLACE, text, "schedule-ends-early", numbers=numbers)
    if float(trace.mean()) < 0.12 * peak:
        text = f"On average the rate is {float(trace.mean()) / peak:.3f} of its peak."
        return violated("optimizer.rates", PLACE, text, "schedule-ends-early", False, numbers=numbers)
    return holds("optimizer.rates", PLACE, f"The rate lasts for {end:.2f} of the training.", numbers=numbers)


def _textbook(seen: AsRecording, count: int) -> np.ndarray | None:
    """Return the rates of the schedule if it is moved once after each step; None if nothing is to be compared."""
    if seen.parts.step is None or not callable(seen.parts.schedule):
        return None
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedule = copied(seen.parts.schedule, {})(optimizer)
    found = []
    for _ in range(count):
        found.append(max(group["lr"] for group in optimizer.param_groups))
        optimizer.step()
        schedule.step()
    return np.array(found)


def _progress(seen: AsRecording) -> Finding:
    """What could the steps gain if the loss were a plane?"""
    gains = np.array([u.gain for u in seen.training.updates if np.isfinite(u.gain)])
    if len(gains) == 0:
        return unknown("steps.progress", PLACE, "No step was measured.")
    possible = float(gains.mean()) * seen.total * len(seen.training.updates) / max(1, len(seen.training.seen))
    numbers = {"possible": possible, "limit": LEAST_GAIN, "steps": float(len(gains))}
    if possible < LEAST_GAIN:
        text = f"Were the loss a plane, all steps together would gain {possible:.4f} nats; learning needs more."
        cause = "learning-rate-too-low" if possible >= 0 else None
        return violated("steps.progress", PLACE, text, cause, False, numbers=numbers)
    return holds("steps.progress", PLACE, f"Were the loss a plane, the steps would gain {possible:.3f} nats.")


def _overshoot(seen: AsRecording) -> Finding:
    """Which part of the promised gain do sampled steps reach, each on its own batch and with the same dropout?"""
    usable = sorted(seen.training.overshoot, key=lambda pair: pair[1] - pair[0])[1:]
    total = sum(gain for gain, _ in usable)
    if len(usable) < 3 or total < 1e-4:
        return unknown("steps.overshoot", PLACE, "Too little was promised by the steps to measure what they reached.")
    ratio = sum(reached for _, reached in usable) / total
    numbers = {"ratio": ratio, "promised": total, "limit": OVERSHOOT}
    if ratio < OVERSHOOT:
        text = f"{len(usable)} sampled steps promise {total:.3f} nats and reach {ratio * total:.3f}: they overshoot."
        return violated("steps.overshoot", PLACE, text, "learning-rate-too-high", False, numbers=numbers)
    return holds("steps.overshoot", PLACE, f"Steps reach {ratio:.2f} of the gain that they promise.", numbers=numbers)
