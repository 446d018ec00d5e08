"""What function the loss is: identified on designed logits and labels, not compared with a list. Notebook 10.

A loss is taken apart. One pair alone shows the shape, ``a s(gap; t) + b gap + c`` for each label; several pairs show
how single losses become one number (mean, sum, weights, an ignored class, the hardest share, softmax along the batch);
differences of the value show whether the gradient belongs to it. What nothing explains is a place, not a name.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.facts.loss_order import other_rows
from nsputil.losses import nsp_loss_and_grad, sigmoid, softplus

VALUE = 1e-5  # relative: float32 rounding, 6e-8, times the condition of a sum of up to 128 terms, about 80
GRADIENT = 1e-4  # of an entry of a mean gradient, times 1 / n
SHAPE = 2e-4  # residual of a fitted shape, relative to its spread
MILD = 0.16  # a label smoothing up to this is common practice
GAPS = np.concatenate([np.linspace(-8, 8, 17), [-0.3, 0.3]])

SHAPES: dict[str, tuple[Callable, tuple[float, float] | None]] = {
    "cross-entropy": (lambda g, t: softplus(-g), None),
    "temperature": (lambda g, t: softplus(-g / t), (0.05, 20.0)),
    "double-softmax": (lambda g, t: softplus(-(2 * sigmoid(g) - 1)), None),
    "double-softmax, temperature": (lambda g, t: softplus(-(2 * sigmoid(g) - 1) / t), (0.05, 20.0)),
    "squared-error": (lambda g, t: sigmoid(-g) ** 2, None),
    "negative-loss": (lambda g, t: -sigmoid(g), None),
    "margin": (lambda g, t: softplus(t - g), (-6.0, 6.0)),
    "hinge": (lambda g, t: np.maximum(0, t - g), (0.0, 6.0)),
    "squared-hinge": (lambda g, t: np.maximum(0, t - g) ** 2, (0.0, 6.0)),
    "focal": (lambda g, t: sigmoid(-g) ** t * softplus(-g), (0.05, 6.0)),
    "generalized cross-entropy": (lambda g, t: (1 - sigmoid(g) ** t) / t, (0.05, 1.0)),
}


@dataclass(frozen=True)
class Shape:
    """The loss of one pair: ``scale * shape(gap; t) + slope * gap + constant``, and the relative residual."""

    name: str
    t: float
    scale: float
    slope: float
    constant: float
    residual: float


def designed(count: int, seed: int = 0, spread: float = 2.0, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and labels of a batch that holds both classes (if it can) and gaps of all sizes."""
    rng = np.random.default_rng((count, seed))
    logits = rng.standard_normal((count, 2)) * spread
    labels = np.arange(count) % 2 if seed % 2 == 0 else (np.arange(count) % 3 == 0).astype(int)
    return logits.astype(dtype), labels.astype(np.int64)


class Asked:
    """A loss that answers questions: (value, gradient) as floats, or None where it refuses."""

    def __init__(self, loss: Callable) -> None:
        try:
            self.loss = deepcopy(loss)
        except Exception:
            self.loss = loss

    def __call__(self, logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray] | None:
        for dtype in (np.float64, np.float32):
            try:
                with np.errstate(all="ignore"):
                    value, gradient = self.loss(logits.astype(dtype), labels.copy())
                gradient = np.asarray(gradient, dtype=np.float64)
                if gradient.shape == logits.shape:
                    return float(value), gradient
            except Exception:  # a loss may refuse any batch; then this question has no answer
                continue
        return None


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean of -log p[gold] in nats, and its gradient, in float64."""
    return nsp_loss_and_grad(np.asarray(logits, np.float64), np.asarray(labels, np.int64))


def loss_function(recording: Any) -> list[Finding]:
    """Is the loss the cross-entropy, on designed batches and in the recorded steps?"""
    asked = Asked(recording.experiment.loss)
    answers = [(b, asked(*b)) for b in (designed(n, s) for n, s in ((2, 0), (8, 0), (8, 1), (32, 1), (128, 0)))]
    known = [(batch, answer) for batch, answer in answers if answer is not None]
    if not known:
        return [unknown("loss.function", "loss", "The loss refuses every designed batch.")]
    errors = [_error(answer, cross_entropy(*batch), len(batch[1])) for batch, answer in known]
    if max(errors) <= 1:
        text = f"On {len(known)} designed batches the loss and its gradient are those of the cross-entropy."
        return [holds("loss.function", "loss", text, error=max(errors)), *_large(asked), *_recorded(recording)]
    found = _another_term(recording) or identify(asked, _classes(recording))
    return [_adapted(found, recording), *_large(asked)]


def _adapted(found: Finding, recording: Any) -> Finding:
    """A gradient of another size does nothing under an optimizer that divides by it."""
    from dataclasses import replace

    adaptive = recording.run.kind.get("adaptive")
    if found.cause == "task-weight-tiny" and adaptive:
        return replace(found, cause="task-weight-tiny-under-adam", firm=False)
    return found


def _another_term(recording: Any) -> Finding | None:
    """Is the gradient that of the cross-entropy in every step, and the value larger? Then something else is logged."""
    steps = [s for s in recording.steps if s.logits is not None and np.shape(s.logits) == (len(s.labels), 2)]
    steps = [s for s in steps if np.isfinite(s.logits).all() and np.isfinite(s.value)][:200]
    if len(steps) < 3:
        return None
    expected = [cross_entropy(s.logits, s.labels) for s in steps]
    wrong = max(float(np.abs(s.gradient - e[1]).max() * len(s.labels)) for s, e in zip(steps, expected, strict=True))
    more = np.array([s.value - e[0] for s, e in zip(steps, expected, strict=True)])
    scaled = np.array([s.value / max(e[0], 1e-9) for s, e in zip(steps, expected, strict=True)])
    if wrong > 1e-3 or more.min() < 0.02 or scaled.std() < 1e-3 * scaled.mean():
        return None
    text = (
        f"In {len(steps)} steps the gradient is that of the cross-entropy, and the value is {more.mean():.4f} nats "
        f"larger on average ({more.min():.4f} to {more.max():.4f}): another term is in it."
    )
    return _bad(text, "total-logged-as-nsp", more=float(more.mean()))


def _classes(recording: Any) -> float:
    """Return the share of IsNext in training, for weights that balance the classes."""
    labels = [pair.label for epoch in recording.pairs["train"][:1] for pair in epoch]
    return float(np.mean(np.array(labels) == 0)) if labels else 0.5


def _error(answer: tuple, expected: tuple, count: int) -> float:
    """Return the largest error in units of its tolerance."""
    value = abs(answer[0] - expected[0]) / (VALUE * (1 + abs(expected[0])))
    gradient = np.abs(answer[1] - expected[1]).max() / (GRADIENT / count)
    worst = max(value, gradient)
    return float(worst) if np.isfinite(worst) else float("inf")


def _large(asked: Asked) -> list[Finding]:
    """Is the loss finite for the logits of a sure and wrong model? A gap of 30 nats is common after some training."""
    for size in (3.0, 10.0, 30.0):
        logits = np.array([[-size, 0.0], [0.0, -size], [size, 0.0], [1.0, 0.0]])
        answer = asked(logits, np.array([0, 1, 0, 1]))
        if answer is not None and not (np.isfinite(answer[0]) and np.isfinite(answer[1]).all()):
            text = (
                f"The loss of four pairs, two of them wrong by {size:.0f} "
                f"nats, is {answer[0]}; expected a finite number."
            )
            return [violated("loss.large", "loss", text, "half-precision-overflow", gap=size)]
    return [holds("loss.large", "loss", "The loss is finite for gaps up to 30 nats.")]


def _recorded(recording: Any) -> list[Finding]:
    """Was the loss of the steps that of the same function? A loss may change during a training."""
    worst, where, offset = 0.0, 0, []
    for step in recording.steps:
        if step.logits is None or not np.isfinite(step.logits).all() or np.shape(step.logits) != (len(step.labels), 2):
            continue
        if not set(np.unique(step.labels).tolist()) <= {0, 1}:
            continue
        expected = cross_entropy(step.logits, step.labels)
        error = _error((step.value, step.gradient), expected, len(step.labels))
        offset.append(step.value - expected[0])
        if error > worst:
            worst, where = error, step.number
    if not offset:
        return [unknown("loss.recorded", "loss", "No step shows its logits.")]
    if worst <= 30:  # float32 inside the model: ten times the rounding of float64, and some
        return [holds("loss.recorded", "loss", f"In {len(offset)} steps the loss is the cross-entropy.", error=worst)]
    gradients = [
        np.abs(s.gradient - cross_entropy(s.logits, s.labels)[1]).max() * len(s.labels)
        for s in recording.steps
        if s.logits is not None and np.isfinite(s.logits).all()
    ]
    cause = "total-logged-as-nsp" if max(gradients) < 1e-3 and np.mean(offset) > 0.05 else None
    text = (
        f"In step {where} the loss is not the cross-entropy of its "
        f"logits; on average it is off by {np.mean(offset):+.4f}."
    )
    return [violated("loss.recorded", "loss", text, cause, error=worst, offset=float(np.mean(offset)))]


def singles(asked: Asked, label: int, shift: float = 0.0) -> np.ndarray | None:
    """Return the loss of one pair of a label at the gaps `GAPS`; None if the loss refuses single pairs and twins."""
    values = []
    for gap in GAPS:
        row = np.array([gap / 2, -gap / 2]) * (1 if label == 0 else -1) + shift
        answer = asked(row[None], np.array([label]))
        if answer is None:
            answer = asked(np.stack([row, row]), np.array([label, label]))
        values.append(np.nan if answer is None else answer[0])
    found = np.array(values)
    return found if not np.isnan(found).all() else None


def fit(gaps: np.ndarray, values: np.ndarray) -> Shape:
    """Return the shape that fits best; simpler ones come first, and win unless a later one is ten times nearer."""
    spread = float(values.std()) or 1.0
    best: Shape | None = None
    for with_slope in (False, True):
        for name, (shape, bounds) in SHAPES.items():
            if with_slope and name != "cross-entropy":
                continue
            candidate = _fit_one(name, shape, bounds, gaps, values, spread, with_slope)
            if best is None or candidate.residual < best.residual / 10 and best.residual > SHAPE:
                best = candidate
    assert best is not None
    return best


def _fit_one(
    name: str, shape: Callable, bounds: tuple | None, gaps: Any, values: Any, spread: float, slope: bool
) -> Shape:
    def linear(t: float) -> tuple[float, np.ndarray]:
        columns = [shape(gaps, t), np.ones_like(gaps)] + ([gaps] if slope else [])
        basis = np.stack(columns, axis=1)
        solution = np.linalg.lstsq(basis, values, rcond=None)[0]
        return float(np.sqrt(np.mean((basis @ solution - values) ** 2))) / spread, solution

    t = 1.0 if bounds is None else _golden(lambda t: linear(t)[0], *bounds)
    residual, solution = linear(t)
    return Shape(name, t, float(solution[0]), float(solution[2]) if slope else 0.0, float(solution[1]), residual)


def _golden(f: Callable, low: float, high: float) -> float:
    """Return where a function of one number is smallest: a grid, then golden section around its best point."""
    grid = np.geomspace(low, high, 25) if low > 0 else np.linspace(low, high, 25)
    best = int(np.argmin([f(t) for t in grid]))
    a, b = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(45):
        c, d = b - ratio * (b - a), a + ratio * (b - a)
        if f(c) < f(d):
            b = d
        else:
            a = c
    return float((a + b) / 2)


def identify(asked: Asked, prior: float = 0.5) -> Finding:
    """Return what a loss that is not the cross-entropy is."""
    for rule in (_overflow, _along_the_batch, _other_rows, _constant, _gradient_only, _ignored, _shaped, _aggregated):
        found = rule(asked, prior)
        if found is not None:
            return found
    n, _ = designed(32, 1)
    answer = asked(*designed(32, 1))
    expected = cross_entropy(*designed(32, 1))[0]
    text = (
        f"The loss of 32 designed pairs is {answer[0] if answer else np.nan:.4f} (cross-entropy: {expected:.4f}), "
        "and it is no function of a kind that is known here."
    )
    return violated("loss.function", "loss", text)


def _bad(text: str, cause: str | None, firm: bool = True, numbers: Mapping | None = None, **more: float) -> Finding:
    return violated("loss.function", "loss", text, cause, firm, numbers={**(numbers or {}), **more})


def _overflow(asked: Asked, prior: float) -> Finding | None:
    """Losses of everyday size are not finite."""
    logits, labels = designed(32, 1)
    answer, gentle = asked(logits, labels), asked(np.abs(logits) * 0.1, labels)
    if answer is None or (np.isfinite(answer[0]) and np.isfinite(answer[1]).all()):
        return None
    value = cross_entropy(logits, labels)[0]
    cause = "half-precision-overflow" if gentle is not None and np.isfinite(gentle[0]) else None
    text = f"The loss of 32 designed pairs is {answer[0]}, where {value:.4f} is expected: it overflows."
    return _bad(text, cause, expected=value)


def _other_rows(asked: Asked, prior: float) -> Finding | None:
    """Labels of other rows."""
    told = other_rows(asked)
    return told and _bad(*told)


def _along_the_batch(asked: Asked, prior: float) -> Finding | None:
    """Softmax along axis 0."""
    logits, labels = designed(8, 0)
    answer = asked(logits, labels)
    if answer is None:
        return None
    shifted = logits - logits.max(axis=0)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=0))
    value = -log_p[np.arange(8), labels].mean()
    if min(abs(answer[0] - value), abs(answer[0] - 8 * value)) > 1e-4 * abs(value):
        return None
    text = f"The loss of 8 designed pairs is {answer[0]:.4f}, that of a softmax along the batch."
    return _bad(text, "softmax-over-batch", value=answer[0], expected=cross_entropy(logits, labels)[0])


def _constant(asked: Asked, prior: float) -> Finding | None:
    """The same number whatever the logits are, and no gradient."""
    answers = [asked(*designed(8, seed)) for seed in (0, 1, 2, 3)]
    known = [answer for answer in answers if answer is not None]
    values = np.array([answer[0] for answer in known])
    if len(known) < 3 or not np.isfinite(values).all() or np.ptp(values) > 1e-9:
        return None
    if max(np.abs(answer[1]).max() for answer in known) > 0:
        return None
    text = f"The loss is {values[0]:.4f} whatever the logits and the labels are, and its gradient is 0."
    return _bad(text, "single-logit", value=float(values[0]))


def slopes(asked: Asked, logits: np.ndarray, labels: np.ndarray, step: float = 1e-3) -> np.ndarray | None:
    """Return the gradient of the value by central differences."""
    found = np.empty_like(logits)
    for index in np.ndindex(logits.shape):
        moved = [logits.copy(), logits.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        above, below = (asked(each, labels) for each in moved)
        if above is None or below is None:
            return None
        found[index] = (above[0] - below[0]) / (2 * step)
    return found


def _gradient_only(asked: Asked, prior: float) -> Finding | None:
    """The gradient does not belong to the value: another sign, size, or weights of the classes."""
    logits, labels = designed(16, 1)
    answer = asked(logits, labels)
    if answer is None or not np.isfinite(answer[0]):
        return None
    numeric = slopes(asked, logits, labels)
    value, expected = cross_entropy(logits, labels)
    if numeric is None or not np.isfinite(numeric).all():
        return None
    gradient, size = answer[1], float(np.vdot(numeric, numeric))
    rough = np.abs(numeric - expected).max() > 0.02 * np.abs(expected).max()
    if rough and abs(answer[0] - value) < 2e-3 * value and np.abs(gradient - expected).max() < 1e-2 / 16:
        text = (
            f"The loss is rounded to {answer[0]:.6f}, where {value:.6f} "
            "is expected: three digits, as in half precision."
        )
        return _bad(text, "half-precision-overflow", firm=False, value=answer[0], expected=value)
    if size == 0:
        ratio = 0.0
    else:
        ratio = float(np.vdot(gradient, numeric)) / size
    residual = float(np.abs(gradient - ratio * numeric).max() / (np.abs(numeric).max() or 1.0))
    if abs(ratio - 1) < 0.03 and residual < 0.03:
        return None  # the gradient is that of the value
    numbers = {"ratio": ratio, "residual": residual}
    level = answer[0] - value
    if np.abs(gradient - expected).max() < 1e-3 / 16:
        if np.abs(numeric).max() < 1e-9 or size == 0:
            text = (
                "The value of the loss does not depend on the logits; it is "
                f"{answer[0]:.4f}, and the gradient is that of the cross-entropy."
            )
            return _bad(text, "total-logged-as-nsp", numbers=numbers)
        scale = float(np.vdot(numeric, expected) / np.vdot(expected, expected))
        cause = "sum-reduction" if abs(scale - 16) < 0.3 else "sign-flipped" if abs(scale + 1) < 0.03 else None
        cause = "loss-in-bits" if abs(scale - 1 / np.log(2)) < 0.02 else cause
        text = f"The gradient is that of the cross-entropy, but the value changes {scale:.4f} times as fast."
        return _bad(text, cause, False, scale=scale, offset=level)
    if residual < 0.03:
        if ratio < 0:
            text = f"The gradient is {ratio:.4f} times the slope of the loss: steps make the loss larger."
            return _bad(text, "sign-flipped", numbers=numbers)
        if abs(ratio - 16) < 0.3:
            return _bad(
                "The value is a mean and the gradient a sum over the 16 pairs.", "sum-reduction", False, numbers=numbers
            )
        if abs(ratio - 1 / 16) < 0.003:
            return _bad(
                "The gradient is divided by the 16 pairs once more than the value.",
                "task-weight-tiny",
                False,
                numbers=numbers,
            )
        cause = "task-weight-tiny" if ratio < 0.1 else "loss-scaled"
        return _bad(
            f"The gradient is {ratio:.6f} times the slope of the loss; expected 1.", cause, ratio < 0.1, numbers=numbers
        )
    by_class = [_ratio(gradient[labels == label], numeric[labels == label]) for label in (0, 1)]
    if all(rest < 0.03 for _, rest in by_class):
        (r0, _), (r1, _) = by_class
        if min(abs(r0), abs(r1)) < 1e-6:
            dead = int(abs(r1) < abs(r0))
            cause = ("ignore-index-zero", "ignore-index-one")[dead]
            return _bad(f"Pairs of label {dead} have no gradient.", cause, numbers=numbers)
        text = (
            f"The gradient of pairs of label 0 is {r0:.4f} times the slope of the loss, that of label 1 {r1:.4f} times."
        )
        return _bad(text, "class-weight-left" if min(r0, r1) > 0 else None, numbers=numbers)
    text = f"The gradient is not that of the loss: it differs from the slopes by {residual:.3f} of the largest."
    return _bad(text, None, numbers=numbers)


def _ratio(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the factor from y to x, and what is left relative to the largest of x or y."""
    factor = float(np.vdot(x, y) / (np.vdot(y, y) or 1.0))
    return factor, float(np.abs(x - factor * y).max() / (max(np.abs(x).max(), np.abs(y).max()) or 1.0))


def _ignored(asked: Asked, prior: float) -> Finding | None:
    """A class that costs nothing whatever its logits are, or a weight for each class."""
    logits, labels = designed(24, 1)
    base = asked(logits, labels)
    if base is None or not np.isfinite(base[0]):
        return None
    for label in (0, 1):
        moved = logits.copy()
        moved[labels == label] = moved[labels == label][:, ::-1] * 1.7 + 0.3
        other = asked(moved, labels)
        if other is not None and abs(other[0] - base[0]) < 1e-9 and not base[1][labels == label].any():
            first = np.argsort(labels != label, kind="stable")  # the same pairs, those of this label in front
            again = asked(logits[first], labels[first])
            if again is not None and again[1][labels[first] == label].any():
                return _bad("Which pairs have a gradient depends on their places in the batch.", None)
            count = int((labels == label).sum())
            name = ("IsNext", "NotNext")[label]
            text = f"Label {label} is ignored: {count} pairs with label {name} cost nothing whatever their logits are."
            return _bad(text, ("ignore-index-zero", "ignore-index-one")[label], ignored=float(label))
    losses = softplus(-(logits[:, 0] - logits[:, 1]) * (1 - 2 * labels))
    first, second = losses[labels == 0], losses[labels == 1]
    below = base[0] * len(first) - first.sum()
    if abs(below) < 1e-9:
        return None
    weight = (second.sum() - base[0] * len(second)) / below  # of label 0 against label 1, if the mean is weighted
    if weight <= 0 or abs(weight - 1) < 1e-3:
        return None
    check, check_labels = designed(40, 3)
    weights = np.where(check_labels == 0, weight, 1.0)
    answer, expected = asked(check, check_labels), nsp_loss_and_grad(check, check_labels, weights)
    if answer is None or _error(answer, expected, 40) > 30:
        return None
    return _weights(float(weight), prior)


def _weights(weight: float, prior: float) -> Finding:
    """Weights that balance the classes of the training pairs are common practice; others are not."""
    balanced = (1 - prior) / max(prior, 1e-9)
    text = (
        f"A pair with label 0 (IsNext) counts {weight:.4f} times a "
        f"pair with label 1; {prior:.3f} of the pairs are IsNext."
    )
    if abs(np.log(weight / max(balanced, 1e-9))) < 0.3 or 0.8 < weight < 1.25:
        return holds("loss.function", "loss", f"{text} Such weights balance the classes.", weight=weight)
    return _bad(text, "class-weight-left", weight=weight, balanced=balanced)


def _shaped(asked: Asked, prior: float) -> Finding | None:
    """The loss of one pair as a function of its gap, for either label."""
    fits = []
    for label in (0, 1):
        values = singles(asked, label)
        if values is None:
            return None
        finite = np.isfinite(values)
        if finite.sum() < 10:
            return None
        shifted = singles(asked, label, 3.0)
        size = float(np.abs(shifted - values)[finite].max()) if shifted is not None else 0.0
        if size > 1e-3 * (1 + np.abs(values[finite]).max()):
            text = (
                f"The loss of a pair moves by {size:.4f} when the same "
                "number is added to both logits: there is no softmax in it."
            )
            return _bad(text, _without_softmax(asked), shift=size)
        fits.append(fit(GAPS[finite], values[finite]))
    first, second = fits
    if max(first.residual, second.residual) > SHAPE:
        return None
    if first.name != second.name or abs(first.t - second.t) > 1e-2 * max(first.t, second.t, 0.1):
        text = f"The loss of a pair with label 0 is of another shape ({first.name}) than with label 1 ({second.name})."
        if {first.name, second.name} == {"margin", "cross-entropy"} or first.name == second.name == "margin":
            return _bad(
                f"A margin of {first.t:.3f} nats is asked of label 0, and one of {second.t:.3f} of label 1.", "margin"
            )
        return _bad(text, None)
    found = _name_shape(asked, first, second, prior)
    if found is None or found.state != "violated" or found.cause is None or _adds_up(asked):
        return found
    text = f"{found.statement} This is so for one pair; the loss of many is no mean, no sum and no share of theirs."
    return _bad(text, None, numbers=found.numbers)


def _adds_up(asked: Asked) -> bool:
    """Whether the loss of a batch follows from those of its pairs, by a factor or by weights of the classes."""
    factors = []
    for count, seed in ((24, 0), (24, 2), (24, 4)):
        logits, labels = designed(count, seed)
        answer = asked(logits, labels)
        each = [asked(np.repeat(logits[k : k + 1], 2, 0), np.repeat(labels[k : k + 1], 2)) for k in range(count)]
        if answer is None or any(one is None for one in each):
            return True  # nothing is known against it
        losses = np.array([one[0] for one in each if one is not None])
        basis = np.array([losses[labels == label].sum() / count for label in (0, 1)])
        factors.append((answer[0], *basis))
    found = np.array(factors)
    weights = np.linalg.lstsq(found[:, 1:], found[:, 0], rcond=None)[0]
    left = np.abs(found[:, 1:] @ weights - found[:, 0]).max()
    return bool(left < 1e-3 * max(1e-9, float(np.abs(found[:, 0]).max())) or _rule(asked) is not None)


def _without_softmax(asked: Asked) -> str | None:
    """NLL of raw logits, where the loss is minus the gold logit, or logits that were squashed one by one."""
    logits, labels = designed(8, 0)
    answer = asked(logits, labels)
    squashed = cross_entropy(sigmoid(logits), labels)[0]
    if answer is not None and abs(answer[0] - squashed) < VALUE * (1 + squashed):
        return "double-softmax"
    gold = logits[np.arange(8), labels]
    return "negative-loss" if answer is not None and abs(answer[0] + gold.mean()) < 1e-6 else None


def _name_shape(asked: Asked, first: Shape, second: Shape, prior: float) -> Finding | None:
    a0, a1, name, t = first.scale, second.scale, first.name, first.t
    count = _batch_factor(asked)
    numbers = {"scale": a0, "t": t, "constant": first.constant, "slope": first.slope, "residual": first.residual}
    if name == "cross-entropy" and abs(first.slope - second.slope) > 1e-3 * max(abs(a0), abs(a1)):
        text = (
            f"The loss of a pair has a term of {first.slope:.4f} times its gap with label 0, and one of "
            f"{second.slope:.4f} times with label 1."
        )
        return _bad(text, None, numbers=numbers)
    if name == "cross-entropy" and abs(first.slope) > 1e-4:
        total = a0 + 0.0
        epsilon = 2 * first.slope / total if total else float("nan")
        text = (
            f"Labels are smoothed: {epsilon:.4f} of each target is "
            "spread over both classes, so the loss cannot fall to 0."
        )
        if 0 < epsilon <= MILD and abs(a0 - 1) < 1e-3:
            return holds("loss.function", "loss", f"{text} So much is common practice.", epsilon=epsilon)
        if abs(epsilon - 2) < 1e-3:
            text = "The loss of a pair is the cross-entropy of the other label: it reads labels the other way round."
            return _bad(text, "training-labels-inverted", epsilon=epsilon)
        if epsilon > 0:
            return _bad(text, "label-smoothing-heavy", epsilon=epsilon)
        return _bad(f"The loss of a pair has a term of {first.slope:.4f} times its gap.", None, numbers=numbers)
    if abs(a0 / a1 - 1) > 2e-3 if a1 else True:
        if not a1 or not a0:
            dead = 1 if a0 else 0
            return _bad(
                f"Label {dead} costs nothing.", ("ignore-index-zero", "ignore-index-one")[dead], numbers=numbers
            )
        if a0 * a1 < 0:
            return _bad(
                f"The loss of label 0 counts {a0:.4f} times, that of label 1 {a1:.4f} times.",
                None,
                numbers=numbers,
            )
        return _weights(a0 / a1, prior)
    if a0 < 0 and name != "negative-loss":
        return _bad(
            f"The loss is {a0:.4f} times the cross-entropy: a right answer costs more than a wrong one.",
            "sign-flipped",
            numbers=numbers,
        )
    texts = {
        "double-softmax": (
            "Softmax is applied twice: the loss of a pair lies between 0.3133 and 1.3133.",
            "double-softmax",
            True,
        ),
        "double-softmax, temperature": ("Softmax is applied twice, with a temperature.", "double-softmax", True),
        "temperature": (f"Logits are divided by {t:.4f} before the softmax.", "temperature-forgotten", True),
        "squared-error": ("The loss is the squared error of the probabilities.", "squared-error", False),
        "negative-loss": (
            "The loss is minus the probability of the gold class, without a logarithm.",
            "negative-loss",
            True,
        ),
        "margin": (f"A margin of {t:.4f} nats is taken from the gap of every pair.", "margin", False),
        "hinge": (f"The loss is a hinge with a margin of {t:.4f}.", "hinge-loss", False),
        "squared-hinge": (f"The loss is a squared hinge with a margin of {t:.4f}.", "hinge-loss", False),
        "focal": (f"The loss of sure pairs is weighed down (focal loss, exponent {t:.4f}).", "focal-loss", False),
        "generalized cross-entropy": (
            f"The loss is a generalized cross-entropy, exponent {t:.4f}.",
            "generalized-cross-entropy",
            False,
        ),
    }
    if name in texts:
        text, cause, firm = texts[name]
        if name == "temperature" and 0.67 < t < 1.5:
            firm = False
        rule = _rule(asked)
        if rule is not None and rule.cause not in (None, "sum-reduction"):
            return rule
        return _bad(
            text + ("" if abs(count - 1) < 0.01 else f" A batch counts {count:.3f} times its mean."),
            cause,
            firm,
            numbers=numbers,
        )
    if abs(count - 8) < 0.05 and min(abs(a0 - 1), abs(a0 - 2)) < 1e-3:
        return _bad(
            "Sixteen equal pairs cost eight times as much as two: the loss is a sum.",
            "sum-reduction",
            False,
            numbers=numbers,
        )
    if abs(a0 - 1) > 1e-3:
        return _scaled(a0, numbers)
    if abs(first.constant) > 1e-3:
        text = (
            f"A constant of {first.constant:.4f} is added to the loss of every pair, and the gradient does not see it."
        )
        return _bad(text, "total-logged-as-nsp", numbers=numbers)
    return None


def _batch_factor(asked: Asked) -> float:
    """Return how the loss of 16 equal pairs compares with that of two: 1 for a mean, 8 for a sum."""
    row, label = np.array([[0.3, -0.5]]), np.array([0])
    two, many = asked(np.repeat(row, 2, 0), np.repeat(label, 2)), asked(np.repeat(row, 16, 0), np.repeat(label, 16))
    return many[0] / two[0] if two and many and two[0] else 1.0


def _scaled(scale: float, numbers: dict) -> Finding:
    """A constant factor on everything."""
    if abs(scale - 1 / np.log(2)) < 2e-3:
        return _bad("The loss is in bits: 1.4427 times the loss in nats.", "loss-in-bits", False, numbers=numbers)
    if abs(scale - 1 / np.log(10)) < 1e-3:
        return _bad(
            "The loss is a logarithm of base 10: 0.4343 times the loss in nats.",
            "loss-in-base-10",
            False,
            numbers=numbers,
        )
    cause = "task-weight-tiny" if scale < 0.1 else "loss-scaled"
    return _bad(f"The loss of a pair is {scale:.6f} times the cross-entropy.", cause, scale < 0.1, numbers=numbers)


def _aggregated(asked: Asked, prior: float) -> Finding | None:
    """Single pairs are right, and the batch is not their mean."""
    return _rule(asked)


def _rule(asked: Asked) -> Finding | None:
    """How single losses become one number: a sum, or a mean over some of them."""
    logits, labels = designed(24, 0)
    answer = asked(logits, labels)
    each = [asked(logits[k : k + 1], labels[k : k + 1]) for k in range(24)]
    if any(one is None for one in each):
        twins = [asked(np.repeat(logits[k : k + 1], 2, 0), np.repeat(labels[k : k + 1], 2)) for k in range(24)]
        each = twins
    if answer is None or any(one is None or not np.isfinite(one[0]) for one in each):
        return None
    losses = np.array([one[0] for one in each if one is not None])
    value, mean = answer[0], losses.mean()
    if abs(value - mean) < 1e-5 * (1 + abs(mean)):
        return None
    if abs(value - losses.sum()) < 1e-4 * (1 + abs(value)):
        return _bad(
            f"The loss of 24 pairs is their sum, {value:.4f}, not their mean, {mean:.4f}.",
            "sum-reduction",
            False,
            value=value,
            expected=mean,
        )
    ordered = np.sort(losses)[::-1]
    for name, order in (("hardest", ordered), ("easiest", ordered[::-1])):
        for k in range(1, 24):
            for divisor, word in ((k, "mean"), (24, "sum, divided by all,")):
                if abs(value - order[:k].sum() / divisor) < 1e-5 * (1 + abs(value)):
                    text = f"The loss of 24 pairs is the {word} of the {k} {name}."
                    cause = "hardest-pairs-only" if name == "hardest" else "easiest-pairs-only"
                    return _bad(text, cause, k / 24 < 0.7, kept=k / 24)
    ratio = value / mean if mean else float("nan")
    again = asked(*designed(48, 0))
    expected = cross_entropy(*designed(48, 0))[0]
    if again is not None and abs(again[0] / expected / ratio - 2) < 1e-2:
        return _bad(
            f"The loss grows with the number of pairs: {ratio:.3f} times the mean of 24.",
            "sum-reduction",
            False,
            ratio=ratio,
        )
    return None
