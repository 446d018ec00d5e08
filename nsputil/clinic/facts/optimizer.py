"""The optimizer as a black box: designed gradients go in, changes of the weights come out.

Four questions suffice. A constant gradient traces the rate; one pulse, early or late, shows memory, delay and
gradients that add up; gradients of zero show decay; pulses of several norms show clipping and whether the rule divides
by the size of the gradient, as Adam does.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from nsputil.clinic.facts.every_gradient import every_gradient
from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import clone

PLACE = "optimizer"
DELAY = 80  # steps that a pulse is followed
APART = 24  # steps between the early and the late pulse
MOST = 3000  # steps of which the rate is traced one by one
AGAIN = 20  # steps that are asked for a second time
LONG = 250.0  # steps: a momentum of 0.99 acts for 100
NEGATIVE = 0.02  # of the steps
NET = 0.15  # of the path: weights that are drawn halfway back to slower ones keep a third
ASIDE = 0.02  # of the length of the weights; what decay leaves has their direction
POWER = (0.3, 0.7)  # a step is proportional to the gradient, power 1, or does not depend on its size, power 0
SETTLED = 8  # steps: some rules, such as RAdam's, divide by the size of a gradient only after a few
ALONG = 0.3  # of the length of a step; rules that divide have 0.96, and others 1


@dataclass
class Bench:
    """A way to build the optimizer of an experiment over a fresh copy of the start, and the tensors to push."""

    recording: Any
    tensors: list
    size: float

    def fresh(self) -> tuple[Any, dict]:
        """Return an optimizer that has taken no step, and the parameters of its model."""
        model = clone(self.recording.start)
        return deepcopy_safe(self.recording.experiment.optimizer)(model, self.recording.total), model.parameters

    def push(self, sizes: list, tensors: list | None = None) -> np.ndarray:
        """Take steps with gradients of given norms along one direction; return how far each step went against it.

        The result has shape (steps, tensors): minus the projection of the change on the direction, in units of weights.
        """
        tensors = self.tensors if tensors is None else tensors
        optimizer, own = self.fresh()
        directions = {name: _direction(own[name], k) for k, name in enumerate(tensors)}
        far = np.zeros((len(sizes), len(tensors)))
        for number, size in enumerate(sizes):
            before = {name: own[name].copy() for name in tensors}
            share = size / np.sqrt(len(tensors))
            optimizer.step({name: (directions[name] * share).astype(own[name].dtype) for name in tensors})
            for k, name in enumerate(tensors):
                change = (own[name] - before[name]).astype(np.float64)
                far[number, k] = -float(np.vdot(change, directions[name]))
        return far


def deepcopy_safe(thing: Any) -> Any:
    """Return a deep copy, or the thing itself if it cannot be copied."""
    try:
        return deepcopy(thing)
    except Exception:
        return thing


def _direction(array: np.ndarray, seed: int) -> np.ndarray:
    """Return a direction of length 1 in which every entry takes part."""
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=array.shape) * rng.uniform(0.5, 1.5, size=array.shape)
    return signs / np.linalg.norm(signs)


def optimizer_rule(recording: Any) -> list[Finding]:
    """What does the optimizer do with gradients that are known?"""
    bench = _bench(recording)
    if bench is None:
        return [unknown("optimizer.rule", PLACE, "The start cannot be copied, so the optimizer cannot be asked.")]
    total = recording.total
    count = min(total, MOST)
    trace = bench.push([bench.size] * count).sum(axis=1)
    if not np.isfinite(trace).all():
        return [violated("optimizer.rule", PLACE, "A constant gradient makes the weights infinite.", None)]
    findings = [_repeatable(bench, trace)]
    if findings[0].state == "violated":
        return findings
    if not trace.any():
        text = "No tensor moves under a constant gradient."
        return [*findings, violated("optimizer.direction", PLACE, text, "updates-not-applied", moved=0.0)]
    moving = np.flatnonzero(np.abs(trace) > 1e-3 * np.abs(trace).max())
    findings.append(_direction_of_steps(trace, bench, int(moving[0])))
    findings.append(_schedule(trace, moving, total))
    late = _late(moving, count)
    if late is not None:
        findings += _memory(bench, trace, late, total)
    findings.append(every_gradient(bench, moving, count))
    adaptive, clipping, scale = _norms(bench, recording, int(moving[0]), int(moving[-1]))
    findings += [clipping, scale] if scale else [clipping]
    if adaptive:
        findings.append(_correction(trace, moving))
    findings.append(_decay(bench, recording, count))
    return findings


def _bench(recording: Any) -> Bench | None:
    if recording.start is None or not recording.total:
        return None
    norms = [float(np.sqrt(sum(n * n for n in step.norms.values()))) for step in recording.steps if step.norms]
    norms = [norm for norm in norms if np.isfinite(norm) and norm > 0]
    moved = [
        name for name in recording.start.parameters if any(step.moved.get(name, 0) > 0 for step in recording.steps)
    ]
    moved = moved or list(recording.start.parameters)
    small = sorted(moved, key=lambda name: recording.start.parameters[name].size)
    matrices = [name for name in small if recording.start.parameters[name].ndim > 1]
    tensors = list(dict.fromkeys([*matrices[:2], *small[:1]]))
    return Bench(recording, tensors, float(np.median(norms)) if norms else 1.0)


def _repeatable(bench: Bench, trace: np.ndarray) -> Finding:
    """Do the same gradients give the same steps twice?

    An optimizer that counts across trainings differs the second time too, but smoothly; what is drawn is rough: its
    second differences are as large as the difference between two rows of steps.
    """
    again = bench.push([bench.size] * min(len(trace), AGAIN)).sum(axis=1)
    size = float(np.abs(trace).max()) or 1.0
    apart = float(np.median(np.abs(again - trace[: len(again)]))) / size
    rough = float(np.median(np.abs(np.diff(trace[: len(again)], 2)))) / size if len(again) > 4 else 0.0
    numbers = {"apart": apart, "rough": rough}
    if apart > 1e-3 and rough > 0.3 * apart:
        text = f"The same gradients give other steps the second time: they differ by {apart:.3f} of the longest step."
        return violated("optimizer.repeatable", PLACE, text, None, False, numbers=numbers)
    return holds("optimizer.repeatable", PLACE, "Nothing is drawn for a step.", numbers=numbers)


def _direction_of_steps(trace: np.ndarray, bench: Bench, first: int) -> Finding:
    """Does a step go against the gradient, and not elsewhere?"""
    total, parts = float(trace.sum()), _along(bench, first)
    along = min(parts)
    if along >= ALONG:
        text = f"Steps go against the gradient, with {along:.3f} of their length."
        return holds("optimizer.direction", PLACE, text, moved=total, along=along)
    if max(parts) <= -ALONG:
        text = f"Under a constant gradient the weights move {abs(total):.4g} along it, not against it."
        return violated("optimizer.direction", PLACE, text, "sign-flipped", moved=total, along=along)
    text = f"Of the length of a step {along:.3f} goes against the gradient; most of it goes elsewhere."
    return violated("optimizer.direction", PLACE, text, None, False, moved=total, along=along, limit=ALONG)


def _along(bench: Bench, first: int) -> list[float]:
    """Return, for each tensor, which part of the length of a step goes against a gradient that stays the same.

    All of it under plain rules. A rule that divides by the size of each entry gives signs, along which a direction with
    entries of 0.5 to 1.5 has 0.96 of its length; one that makes a matrix orthogonal leaves most of it.
    """
    optimizer, own = bench.fresh()
    directions = {name: _direction(own[name], k) for k, name in enumerate(bench.tensors)}
    before = {}
    for number in range(first + 3):
        if number == first:
            before = {name: own[name].astype(np.float64) for name in bench.tensors}
        share = bench.size / np.sqrt(len(bench.tensors))
        optimizer.step({name: (directions[name] * share).astype(own[name].dtype) for name in bench.tensors})
    changes = {name: own[name].astype(np.float64) - before[name] for name in bench.tensors}
    large = {
        name: c for name, c in changes.items() if c.size >= 16 and c.any()
    } or changes  # two entries can be a chance
    return [-float(np.vdot(c, directions[n])) / float(np.linalg.norm(c)) for n, c in large.items() if c.any()] or [1.0]


def _schedule(trace: np.ndarray, moving: np.ndarray, total: int) -> Finding:
    """When does the rate come to an end? A linear or cosine decay ends with the training."""
    if len(trace) < total:
        return unknown("optimizer.schedule", PLACE, f"Only the first {len(trace)} of {total} steps were traced.")
    active = np.flatnonzero(np.abs(trace) > 0.01 * np.abs(trace).max())
    end = (int(active[-1]) + 1) / total
    numbers = {"end": end, "steps": float(total), "limit": 0.6} | _course(np.abs(trace))
    path = float(np.abs(trace).sum())
    numbers |= {"back": float(-trace[trace < 0].sum()) / path, "net": float(trace.sum()) / path}
    last = int(np.argmax(np.append(trace[::-1] > -0.01 * np.abs(trace).max(), True)))  # steps at the end that go back
    if last > NEGATIVE * total:
        text = f"In the last {last} of {total} steps weights move along a constant gradient: the rate is below zero."
        return violated("optimizer.schedule", PLACE, text, None, numbers=numbers)
    if total >= 10 and numbers["net"] < NET and trace.sum() > 0:
        text = (
            f"Under a constant gradient {numbers['back']:.3f} of what weights move is taken back: "
            f"{numbers['net']:.3f} of it is left in the end."
        )
        return violated("optimizer.schedule", PLACE, text, None, numbers=numbers)
    if end < 0.6 and total >= 10:
        text = f"The rate is below 1 % of its peak after {int(active[-1]) + 1} of {total} steps."
        return violated("optimizer.schedule", PLACE, text, "schedule-ends-early", numbers=numbers)
    if numbers["peak"] > 0.95 and total >= 20 and abs(trace[0]) < 0.2 * np.abs(trace).max():
        text = f"The rate grows until the end: step 1 has {abs(trace[0]) / np.abs(trace).max():.3f} of the last ones."
        return violated("optimizer.schedule", PLACE, text, None, False, numbers=numbers)
    return holds("optimizer.schedule", PLACE, f"The rate lasts for {end:.2f} of the training.", numbers=numbers)


def _course(trace: np.ndarray) -> dict[str, float]:
    """Return the course of the rate in numbers, each as a share of the peak or of the training.

    peak: when the largest step is taken first; mean: of all steps; rises: what it gains again after it fell. Usual
    schedules warm up, stay or fall, and never rise again.
    """
    if len(trace) > 6 * SETTLED:
        trace = trace[SETTLED:]  # a rule that divides by a mean that begins at 0 takes long steps until it has settled
    size = trace / (float(trace.max()) or 1.0)
    top = int(np.argmax(size > 0.99))
    fallen = np.minimum.accumulate(size[top:])
    again = float((size[top:] - fallen).max())
    return {"peak": top / max(1, len(size)), "mean": float(size.mean()), "rises": again}


def _late(moving: np.ndarray, count: int) -> tuple[int, int] | None:
    """Return two steps, counted from 0, at which pulses are given: the early and the late one."""
    early = int(moving[0]) + 2
    late = min(early + APART, int(moving[-1]), count - 1)
    return (early, late) if late - early >= 4 else None


def _memory(bench: Bench, trace: np.ndarray, at: tuple[int, int], total: int) -> list[Finding]:
    """How long does one gradient act, and when does it begin to?

    For SGD with momentum m, and for Adam with beta1 = m alike, a pulse acts m^k as strongly after k steps as at once.
    Gradients that are never set to zero do not fade at all.
    """
    early, late = at
    length = min(max(late + 1, early + DELAY), len(trace))
    nothing = bench.push([0.0] * length).sum(axis=1)
    one = bench.push([bench.size if k == early else 0.0 for k in range(length)]).sum(axis=1) - nothing
    two = bench.push([bench.size if k == late else 0.0 for k in range(late + 1)]).sum(axis=1) - nothing[: late + 1]
    scale = np.abs(trace).max()
    felt = np.flatnonzero(np.abs(one) > 1e-3 * scale)
    delay = int(felt[0]) - early if len(felt) else length - early
    if abs(two[late]) < 1e-3 * np.abs(trace[: late + 1]).max():  # later steps are longer where gradients add up
        if min(abs(trace[early]), abs(trace[late])) < 1e-3 * scale:  # then no step is taken there at all
            return [unknown("optimizer.memory", PLACE, "Some steps are not taken, so no gradient can be followed.")]
        if len(felt) == 0 or delay > 0:
            text = f"A gradient has no effect in its own step; the first is seen {delay} steps later."
            return [violated("optimizer.delay", PLACE, text, "gradients-delayed", delay=float(delay))]
        return [unknown("optimizer.memory", PLACE, "The rate is too small at the end to see how long a gradient acts.")]
    findings = [holds("optimizer.delay", PLACE, "A gradient acts in its own step.", delay=0.0)]
    apart = late - early
    ratio = float(one[late] / two[late])
    first = float(one[early])
    rises = first > 0 and one[early : late + 1].max() > 2.5 * first and ratio > 1.3
    numbers = {"ratio": ratio, "apart": float(apart)}
    if (ratio >= 0.995 or rises) and _turns(bench, early, late, nothing):
        text = f"After {apart} steps a gradient gives way to one of 0.9 of its size: steps go by the sign."
        return [*findings, holds("optimizer.memory", PLACE, text, numbers=numbers)]
    if ratio > 1.3 and _outlives(bench, one, nothing, early, ratio, apart):
        text = (
            f"A gradient acts {float(one[late]) / first:.3f} times as strongly {apart} steps later as at once, and "
            "ever more strongly: the mean of the gradients outlives that of their squares, by which it is divided."
        )
        return [*findings, violated("optimizer.memory", PLACE, text, "momentum-too-high", numbers=numbers)]
    if ratio >= 0.995 or rises:
        text = (
            f"A gradient acts {ratio:.3f} times as strongly {apart} steps "
            "later as at once: gradients add up and are never set to zero."
        )
        return [*findings, violated("optimizer.memory", PLACE, text, "no-zero-grad", numbers=numbers)]
    old = float(one[length - 1] / trace[length - 1]) if abs(trace[length - 1]) > 1e-2 * scale else 0.0
    if length - early >= 40 and old > 0.5 and not _turns(bench, early, late, nothing):
        text = (
            f"After {length - 1 - early} steps one gradient still makes {old:.3f} of the step that a constant one "
            "makes: gradients add up and are never set to zero."
        )
        return [*findings, violated("optimizer.memory", PLACE, text, "no-zero-grad", numbers=numbers | {"old": old})]
    momentum = max(ratio, 0.0) ** (1 / apart)
    memory = 1 / (1 - momentum)
    numbers |= {"momentum": momentum, "memory": memory}
    if memory > min(max(60.0, total / 2), max(LONG, total / 5)):
        text = f"A gradient acts for about {memory:.0f} of {total} steps (momentum {momentum:.4f})."
        return [*findings, violated("optimizer.memory", PLACE, text, "momentum-too-high", numbers=numbers)]
    return [
        *findings,
        holds("optimizer.memory", PLACE, f"A gradient acts for about {memory:.1f} steps.", numbers=numbers),
    ]


def _outlives(bench: Bench, one: np.ndarray, nothing: np.ndarray, early: int, ratio: float, apart: int) -> bool:
    """Whether an effect grows by the same factor in both halves of the time, as two means that fade apart make it.

    Each effect is compared with that of a gradient given at its own step, as rates differ. Where gradients add up, it
    grows to what a constant gradient does, and stays there.
    """
    middle = early + apart // 2
    given = bench.push([bench.size if k == middle else 0.0 for k in range(middle + 1)]).sum(axis=1)
    there = float(given[middle] - nothing[middle])
    halfway = float(one[middle]) / there if there else 0.0
    return halfway > 1 and abs(2 * np.log(halfway) - np.log(ratio)) < 0.2 * np.log(ratio)


def _turns(bench: Bench, early: int, late: int, nothing: np.ndarray) -> bool:
    """Does a gradient of 0.9 of the size turn the step round?

    Where gradients add up, a tenth of the first one is left and the step keeps its direction. A rule that steps by the
    sign of a mean that fades, such as Lion's, turns.
    """
    pulses = [0.0] * (late + 1)
    pulses[early], pulses[late] = bench.size, -0.9 * bench.size
    moved = bench.push(pulses).sum(axis=1) - nothing[: late + 1]
    return bool(moved[early] * moved[late] < 0)


def _norms(bench: Bench, recording: Any, first: int, last: int) -> tuple[bool, Finding, Finding | None]:
    """Does the length of a step follow the norm of the gradient, and up to which norm?"""
    lead = [0.0] * (max(first, min(SETTLED, last)) + 1)
    nothing = bench.push([*lead, 0.0])[-1].sum()
    sizes = bench.size * np.array([1e-4, 1e-2, 1.0, 100.0])
    lengths = np.array([bench.push([*lead, size])[-1].sum() - nothing for size in sizes])
    adaptive = bool(lengths[2] < 10 * lengths[1]) and bool(
        lengths[1] < 10 * lengths[0] or lengths[1] > 0.2 * lengths[3]
    )
    scale = None
    power = np.log(lengths[1:] / lengths[:-1]) / np.log(100) if (lengths > 0).all() else np.ones(3)
    if ((power > POWER[0]) & (power < POWER[1])).all():
        text = (
            f"A hundred times the gradient makes a step {lengths[2] / lengths[1]:.1f} times as long: neither as many "
            "times, nor as long as before."
        )
        scale = violated("optimizer.scale", PLACE, text, None, power=float(power.mean()))
        return True, unknown("optimizer.clip", PLACE, "Steps do not grow with the gradient, so no bound shows."), scale
    declared = recording.run.kind.get("adaptive")
    if lengths[1] > 3 * lengths[2] > 0:
        text = f"A hundredth of a gradient makes a step {lengths[1] / lengths[2]:.3g} times as long."
        scale = violated("optimizer.scale", PLACE, text, None, part=float(lengths[1] / lengths[2]))
    if declared and lengths[2] > 20 * lengths[1] > 0:
        text = (
            f"The rule is one that divides by the size of a gradient, and a hundredth of a gradient makes "
            f"{lengths[1] / lengths[2]:.3f} of a step: a constant in the divisor is larger than the gradients."
        )
        scale = violated("optimizer.scale", PLACE, text, None, False, part=float(lengths[1] / lengths[2]))
    if declared is not None:
        adaptive = bool(declared)
    if adaptive:
        text = "The rule divides by the size of the gradient, so clipping does not show."
        return True, unknown("optimizer.clip", PLACE, text), scale
    slope = lengths[0] / sizes[0]
    limit = float(lengths[3] / slope) if slope > 0 else float("inf")
    numbers = {"clip": limit, "gradient": bench.size}
    if lengths[3] < 0.5 * slope * sizes[3] and limit < 0.1 * bench.size:
        text = f"Gradients are clipped to a norm of {limit:.4g}; their median norm in the training is {bench.size:.4g}."
        return False, violated("optimizer.clip", PLACE, text, "clip-too-small", numbers=numbers), None
    return False, holds("optimizer.clip", PLACE, "Clipping leaves the usual gradient alone.", numbers=numbers), None


def _correction(trace: np.ndarray, moving: np.ndarray) -> Finding:
    """Does Adam correct its averages?

    Schedules are nearly straight in pieces. Without correction a step is b_t = (1 - .9^t) / sqrt(1 - .999^t) times
    as long, which no straight pieces follow; divided by b_t the trace is straight again.
    """
    length = min(len(trace), 60)
    steps = np.arange(1, length + 1)
    bias = (1 - 0.9**steps) / np.sqrt(1 - 0.999**steps)
    seen, undone = _bent(trace[:length]), _bent(trace[:length] / bias)
    numbers = {"bent": seen, "bent_undone": undone}
    if length >= 12 and seen > 3e-3 and undone < 0.2 * seen:
        text = "The first steps of Adam have the lengths of averages that are not corrected for their start at zero."
        return violated("optimizer.correction", PLACE, text, "adam-without-bias-correction", False, numbers=numbers)
    return holds(
        "optimizer.correction", PLACE, "The first steps have the lengths of corrected averages.", numbers=numbers
    )


def _bent(x: np.ndarray) -> float:
    """Return how far a curve is from two straight pieces that meet: a root mean square over its largest value."""
    places = np.arange(len(x), dtype=float)
    best = np.inf
    for kink in range(1, max(2, len(x) - 1)):
        basis = np.stack([np.ones_like(places), places, np.maximum(0, places - kink)], axis=1)
        rest = x - basis @ np.linalg.lstsq(basis, x, rcond=None)[0]
        best = min(best, float(np.sqrt(np.mean(rest**2))))
    return best / (float(np.abs(x).max()) or 1.0)


def _decay(bench: Bench, recording: Any, count: int) -> Finding:
    """How much of a weight is left after a training with gradients of zero? Less than 1 / e is too little."""
    optimizer, own = bench.fresh()
    matrices = [name for name in bench.tensors if own[name].ndim > 1 and np.linalg.norm(own[name]) > 0]
    if not matrices:
        return unknown("optimizer.decay", PLACE, "No matrix moves, so decay cannot be seen.")
    name = matrices[0]
    before = float(np.linalg.norm(own[name]))
    zeros = {key: np.zeros_like(own[key]) for key in matrices}
    start, shrunk, alike = own[name].astype(np.float64), [], 1.0
    for _ in range(count):
        size = float(np.linalg.norm(own[name]))
        optimizer.step({key: array.copy() for key, array in zeros.items()})
        now = float(np.linalg.norm(own[name]))
        shrunk.append(size - now)
        if now > 1e-6 * before:  # as long as there is something left
            alike = min(alike, float(np.vdot(start, own[name])) / (before * now))
    end = own[name].astype(np.float64) - start
    aside = float(np.linalg.norm(end - np.vdot(end, start) / before**2 * start)) / before
    left = float(np.linalg.norm(own[name])) / before
    left = left ** (recording.total / count)
    once = max(shrunk) / max(sum(shrunk), 1e-300)
    numbers = {"left": left, "limit": float(np.exp(-1)), "direction": alike, "in_one_step": once}
    if aside > ASIDE:
        text = (
            f"With gradients of zero {name} moves {aside:.3f} of its length in another direction than towards zero: "
            "weights are drawn to something else."
        )
        return violated("optimizer.decay", PLACE, text, None, rows=(name,), numbers=numbers | {"aside": aside})
    if left < np.exp(-1):
        text = f"With gradients of zero {left:.2g} of {name} is left at the end of the training"
        if alike < 0.99:  # decay makes all weights smaller alike
            text = f"{text}, and what is left has another direction."
            return violated("optimizer.decay", PLACE, text, None, rows=(name,), numbers=numbers)
        if once > 0.9 and count >= 10:
            text = f"{text}; one step takes away {once:.2f} of what is lost in all steps."
            return violated("optimizer.decay", PLACE, text, None, rows=(name,), numbers=numbers)
        text = f"{text}: decay is too strong."
        return violated("optimizer.decay", PLACE, text, "weight-decay-too-high", rows=(name,), numbers=numbers)
    if left > np.e:
        return violated(
            "optimizer.decay", PLACE, f"With gradients of zero {name} grows {left:.2f} times.", None, numbers=numbers
        )
    return holds("optimizer.decay", PLACE, f"Decay leaves {left:.3f} of the weights.", numbers=numbers)
