"""The steps that were taken: which tensors moved, what the steps could gain, what they did gain. Notebook 10."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated

PLACE = "optimizer"
LEAST_GAIN = 0.1  # nats: less than this cannot take a loss from ln 2 to anywhere
FEW = 20  # steps
LONGEST = 0.3  # of the weights: most healthy trainings have 0.004 to 0.025; one had 1.2, so a swap judges
RISES = -1.0  # of the promised gain: the loss rises by more than it was to fall
OVERSHOOT = 0.25  # of the promised gain; healthy trainings keep .58 to .98
PROMISED = 0.02  # nats by all sampled steps; a loss that is done has nothing to overshoot


def tensors_that_move(recording: Any) -> list[Finding]:
    """Does every tensor that has a gradient move?

    A float32 weight w swallows a change below ``6e-8 |w|``, so a tensor counts as still only if others that have no
    larger gradient for their size do move.
    """
    steps = [step for step in recording.steps if step.norms]
    names = list(steps[0].norms) if steps else []
    if not names:
        return [unknown("steps.frozen", PLACE, "No step was taken.")]
    has_gradient = [name for name in names if max(step.norms.get(name, 0.0) for step in steps) > 1e-12]
    everything = list(getattr(recording.model, "parameters", {}))
    still = [name for name in has_gradient if max(step.moved.get(name, 0.0) for step in steps) == 0]
    without = [name for name in everything if name not in has_gradient]
    found = [_frozen(recording, has_gradient, still)]
    if recording.total >= 5 and without:
        found.append(_no_gradient(recording, names, without, steps))
    found.append(_stored(recording))
    return found


def _frozen(recording: Any, names: list, still: list) -> Finding:
    if not still:
        return holds("steps.frozen", PLACE, f"All {len(names)} tensors that have a gradient move.", tensors=len(names))
    start = recording.start.parameters if recording.start is not None else {}
    swallowed = [name for name in still if name in start and start[name].size and np.abs(start[name]).min() > 0.5]
    moving = [name for name in names if name not in still]
    numbers = {"still": float(len(still)), "tensors": float(len(names))}
    if moving and len(swallowed) == len(still):
        text = f"{len(still)} tensors do not move, but their weights are large and their steps may be lost in rounding."
        return unknown("steps.frozen", PLACE, text, numbers=numbers)
    rows = tuple(still[:6])
    text = f"{len(still)} of {len(names)} tensors have a gradient and never move, such as {still[0]}."
    if not moving:
        text = f"None of the {len(names)} tensors that have a gradient moves."
        return violated("steps.frozen", PLACE, text, "updates-not-applied", rows=rows, numbers=numbers)
    shapes = {name: np.ndim(array) for name, array in getattr(recording.model, "parameters", {}).items()}
    flat = all(shapes.get(name, 1) < 2 for name in moving) and any(shapes.get(name, 2) > 1 for name in still)
    if flat or all(name.endswith("bias") for name in moving):
        return violated(
            "steps.frozen", PLACE, f"Only biases move: {text}", "only-biases-trained", rows=rows, numbers=numbers
        )
    parts = {name.split(".")[0] for name in still}
    whole = {part for part in parts if all(name in still for name in names if name.split(".")[0] == part)}
    if whole == {"encoder"}:
        return violated(
            "steps.frozen", PLACE, f"The encoder is frozen: {text}", "encoder-frozen", False, rows, numbers=numbers
        )
    if whole == {"head"}:
        return violated(
            "steps.frozen", PLACE, f"The head is frozen: {text}", "head-frozen", False, rows, numbers=numbers
        )
    return violated("steps.frozen", PLACE, text, "tensors-frozen", False, rows, numbers=numbers)


def _no_gradient(recording: Any, names: list, without: list, steps: list) -> Finding:
    """Tensors whose gradient is zero, or missing, in all steps."""
    start = recording.start.parameters if recording.start is not None else {}
    rows = tuple(without[:6])
    numbers = {"without": float(len(without)), "tensors": float(len(recording.model.parameters))}
    live = [name for name in recording.model.parameters if name not in without]
    text = (
        f"{len(without)} of {len(recording.model.parameters)} tensors "
        f"have no gradient in any step, such as {without[0]}."
    )
    matrices = [name for name in live if recording.model.parameters[name].ndim > 1]
    if matrices:
        # keys' biases of attention have none by definition; masked-word heads none without masking
        if all(name.endswith("bias") or name.startswith("mlm") for name in without):
            return holds("steps.gradient", "model", text, numbers=numbers)
        return violated("steps.gradient", "model", text, None, False, rows, numbers=numbers)
    zero = [name for name in start if start[name].ndim > 1 and not start[name].any()]
    if zero:
        text = f"{', '.join(zero[:3])} start from zeros, and no matrix ever has a gradient."
        return violated("steps.gradient", "model", text, "zero-init", rows=tuple(zero), numbers=numbers)
    return violated("steps.gradient", "model", f"No matrix has a gradient: {text}", None, rows=rows, numbers=numbers)


def _stored(recording: Any) -> Finding:
    """Are weights kept with fewer digits than their type has? Random float32 numbers hardly ever fit into 16 bits."""
    start = recording.start.parameters if recording.start is not None else {}
    for step in recording.sampled[-1:]:
        for name, array in step.after.items():
            if name in start and start[name].shape == array.shape and np.isfinite(array).all():
                trained = array[array != start[name]]
                different = len(np.unique(trained)) / max(1, trained.size)
                if trained.size >= 400 and different < 0.2:
                    text = (
                        f"The {trained.size} trained weights of {name} have {different:.3f} as many different values."
                    )
                    return violated("steps.stored", PLACE, f"{text} They are rounded to a grid.", None, rows=(name,),
                                    different=different)  # fmt: skip
            moved = array[array != step.before[name]]
            if array.dtype == np.float16 or moved.size < 50 or not np.isfinite(moved).all():
                continue
            bits = (np.ascontiguousarray(moved, np.float32).view(np.uint32) & np.uint32(0x0FFF)) == 0
            if array.dtype == np.float64:
                bits = moved == moved.astype(np.float32)
            if bits.mean() > 0.99:
                text = f"After a step {bits.mean():.3f} of the moved weights of {name} fit into half precision."
                return violated(
                    "steps.stored", PLACE, text, "weights-in-half-precision", False, (name,), share=float(bits.mean())
                )
    return holds("steps.stored", PLACE, "Weights keep the digits of their type.")


def progress(recording: Any) -> list[Finding]:
    """What could the steps gain if the loss were a plane, and how much of it did they gain?

    The bound is ``P = - sum of gradient . change`` over all steps.
    """
    gains = np.array([step.gain for step in recording.steps if np.isfinite(step.gain)])
    if len(gains) == 0:
        return [unknown("steps.progress", PLACE, "No step was taken.")]
    possible = float(gains.sum()) * max(1.0, recording.total / max(1, len(recording.steps)))
    numbers = {"possible": possible, "limit": LEAST_GAIN, "steps": float(len(recording.steps))}
    found = [
        holds(
            "steps.progress",
            PLACE,
            f"Were the loss a plane, the steps would gain {possible:.3f} nats.",
            numbers=numbers,
        )
    ]
    if possible < LEAST_GAIN:
        text = (
            f"Were the loss a plane, all {len(recording.steps)} steps "
            f"together would gain {possible:.4f} nats; learning needs more."
        )
        cause = "learning-rate-too-low" if len(recording.steps) >= 40 and possible >= 0 else None
        found = [violated("steps.progress", PLACE, text, cause, False, numbers=numbers)]
    return [*found, _count(recording), _length(recording), _overshoot(recording), _kept(recording)]


def _kept(recording: Any) -> Finding:
    """Does each step start from where the last one ended, and lead to weights that are new?

    Small tensors are left out, and half of the others have to return: a few weights can do so by accident.
    """
    steps = [step for step in recording.steps if step.marks[1]]
    large = {name for name, array in getattr(recording.model, "parameters", {}).items() if array.size >= 16}
    if len(steps) < 3 or not large:
        return unknown("steps.kept", PLACE, "Too few steps were seen to follow the weights.")
    reports = {report.step for report in recording.reports}
    between, back = [], []
    for last, step in zip(steps, steps[1:], strict=False):
        if step.number == last.number + 1 and any(last.marks[1].get(n) != step.marks[0].get(n) for n in large):
            between.append(last.number)
    seen: dict[str, dict[int, int]] = {name: {} for name in large}
    moving = {name for step in steps for name in large if step.marks[0].get(name) != step.marks[1].get(name)}
    for step in steps:
        returned = []
        for name in moving:
            before, after = step.marks[0].get(name, 0), step.marks[1].get(name, 0)
            seen[name].setdefault(before, step.number)
            if after != before and after in seen[name]:
                returned.append((step.number, name, seen[name][after]))
        if len(returned) >= max(1, len(moving) / 2):
            back += returned[:1]
    numbers = {"between": float(len(between)), "back": float(len(back))}
    if back:
        number, name, first = back[0]
        text = f"After step {number} weights such as {name} are those from before step {first}: they were put back."
        return violated("steps.kept", PLACE, text, None, rows=(name,), numbers=numbers)
    if between:
        text = f"After step {between[0]} the weights change before the next step begins, {len(between)} times in all."
        if set(between) <= reports:
            text = f"{text[:-1]}; each time it was right after an evaluation."
            return violated("steps.kept", "evaluation", text, None, numbers=numbers)
        return violated("steps.kept", "model", text, None, False, numbers=numbers)
    return holds("steps.kept", PLACE, "Each step starts from where the last one ended.", numbers=numbers)


def _count(recording: Any) -> Finding:
    """Are there steps enough? A few dozen can be enough for a pretrained model, so a longer training has to show it."""
    if recording.total >= FEW:
        return holds("steps.count", PLACE, f"There are {recording.total} steps.", steps=float(recording.total))
    text = f"The training ends after {recording.total} steps."
    return violated("steps.count", PLACE, text, "stopped-too-early", False, steps=float(recording.total))


def _length(recording: Any) -> Finding:
    """Is a step shorter than the weights were at the start? A longer one replaces the model in place of refining it.

    All matrices count together but for the table of word vectors, of which a step moves a few rows only.
    """
    start = recording.start.parameters if recording.start is not None else {}
    rows = len(recording.vocabulary) if hasattr(recording.vocabulary, "__len__") else -1
    names = [name for name, array in start.items() if array.ndim > 1 and len(array) != rows]
    size = float(np.sqrt(sum(np.vdot(start[name], start[name]) for name in names)))
    moved = [float(np.sqrt(sum(step.moved.get(name, 0.0) ** 2 for name in names))) for step in recording.steps]
    moved = [length for length in moved if np.isfinite(length)]
    if not moved or size == 0:
        return unknown("steps.length", PLACE, "There is no start or no step to measure.")
    ratio, where = max(moved) / size, int(np.argmax(moved)) + 1
    numbers = {"ratio": ratio, "limit": LONGEST}
    if ratio > LONGEST:
        text = f"A step is {ratio:.2f} times as long as the weights at the start: step {where} of those measured."
        return violated("steps.length", PLACE, text, "learning-rate-too-high", False, numbers=numbers)
    return holds("steps.length", PLACE, f"Steps are at most {ratio:.3f} of the first weights long.", numbers=numbers)


def _overshoot(recording: Any) -> Finding:
    """Which part of the promised gain do sampled steps reach, each on its own batch and with the same dropout?

    The worst step is left out: a text of which no word is known has a zero vector, and any first step makes that jump.
    """
    from nsputil.clinic.facts.loss import Asked

    asked, promised, reached = Asked(recording.experiment.loss), [], []
    if recording.experiment.masking is not None:
        return unknown(
            "steps.overshoot", PLACE, "Words are masked too, so the gain of a step is not that of this loss alone."
        )
    for step in recording.sampled:
        if step.batch is None or not np.isfinite(step.gain) or not np.isfinite(step.value):
            continue
        model = recording.twin(step.after)
        dropout = np.random.default_rng((recording.experiment.seed, 6, step.number - 1))
        logits = model.forward(step.batch, dropout)[0]
        answer = asked(np.asarray(logits), np.asarray(step.labels)) if np.isfinite(logits).all() else None
        after = answer[0] if answer is not None and np.isfinite(answer[0]) else step.value + 10.0
        promised.append(step.gain)
        reached.append(step.value - after)
    usable = sorted(zip(promised, reached, strict=True), key=lambda pair: pair[1] - pair[0])[1:]
    total = float(sum(gain for gain, _ in usable))
    if len(usable) < 3 or total < PROMISED:
        return unknown("steps.overshoot", PLACE, "Too little was promised by the steps to measure what they reached.")
    ratio = float(sum(true for _, true in usable)) / total
    numbers = {"ratio": ratio, "promised": total, "limit": OVERSHOOT}
    if ratio < OVERSHOOT:
        text = f"{len(usable)} sampled steps promise {total:.3f} nats and reach {ratio * total:.3f}: they overshoot."
        firm = (
            ratio < RISES
        )  # under momentum a step is not judged alone: whether a shorter one helps, a swap has to show
        return violated("steps.overshoot", PLACE, text, "learning-rate-too-high", firm, numbers=numbers)
    return holds("steps.overshoot", PLACE, f"Steps reach {ratio:.2f} of the gain that they promise.", numbers=numbers)
