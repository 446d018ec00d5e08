"""Numbers that cannot be true together, and levels that mean something: all that curves alone can show. Notebook 10."""

from typing import Any

import numpy as np

from nsputil.clinic.facts.finding import Finding, holds, unknown, violated

PLACE = "numbers"
LN2 = float(np.log(2))
FLOOR = float(np.log1p(np.exp(-1)))  # 0.3133: the loss of a sure pair if softmax is applied twice


def number_facts(run: Any) -> list[Finding]:
    """All facts about the numbers of a run: curves, reports, readings."""
    with np.errstate(all="ignore"):
        return [_finite(run), _beneath(run), _start(run), _floor(run), _one_class(run), _together(run), _learned(run)]


def _numbers(values: Any) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _real(value: Any) -> float:
    """Return a number as a float, NaN if it is none."""
    return float(value) if isinstance(value, float | int) else float("nan")


def _reports(run: Any) -> list[dict]:
    return [dict(report) for report in [*(run.evaluations or []), run.final or {}] if report]


def _finite(run: Any) -> Finding:
    """Are all numbers finite?"""
    loss = _numbers(run.loss)
    bad = np.flatnonzero(~np.isfinite(loss))
    if run.diverged_at is not None or len(bad):
        where = run.diverged_at if run.diverged_at is not None else int(bad[0]) + 1
        before = loss[: where - 1][-3:]
        text = (
            f"At step {where} the loss is not finite; before it was "
            f"{', '.join(f'{x:.4g}' for x in before) or 'never seen'}."
        )
        return violated("numbers.finite", PLACE, text, step=float(where))
    for report in _reports(run):
        for name in ("loss", "accuracy"):
            value = report.get(name)
            if isinstance(value, float | int) and not np.isfinite(value):
                return violated(
                    "numbers.finite", PLACE, f"The reported {name} at step {report.get('step', 'the end')} is {value}."
                )
    if len(loss) == 0 and not _reports(run):
        return unknown("numbers.finite", PLACE, "The run holds no numbers.")
    return holds("numbers.finite", PLACE, f"All {len(loss)} losses are finite.")


def _points(run: Any) -> list[tuple[str, float, float]]:
    """Return (where, loss, accuracy) of all batches and reports."""
    found = [
        (f"step {k + 1}", x, y)
        for k, (x, y) in enumerate(zip(_numbers(run.loss), _numbers(run.accuracy), strict=False))
    ]
    for report in _reports(run):
        x, y = report.get("loss"), report.get("accuracy")
        if isinstance(x, float | int) and isinstance(y, float | int):
            found.append(
                (f"the report at step {report['step']}" if "step" in report else "the last report", float(x), float(y))
            )
    return [point for point in found if np.isfinite(point[1]) and np.isfinite(point[2])]


def _beneath(run: Any) -> Finding:
    """Does each wrong pair cost at least ln 2? Its gold class has at most probability one half."""
    points = _points(run)
    if not points:
        return unknown("numbers.beneath", PLACE, "There is no loss beside an accuracy.")
    short = [((1 - y) * LN2 - x, where, x, y) for where, x, y in points]
    shortfall, where, x, y = max(short)
    numbers = {"loss": x, "accuracy": y, "least": (1 - y) * LN2}
    if shortfall > 2e-3:
        text = (
            f"At {where} the loss is {x:.4f} with an accuracy of {y:.4f}; wrong pairs alone cost {(1 - y) * LN2:.4f}."
        )
        return violated("numbers.beneath", PLACE, text, numbers=numbers)
    return holds("numbers.beneath", PLACE, "No loss lies below what its accuracy allows.", numbers=numbers)


def _start(run: Any) -> Finding:
    """Is the first loss that of a model that knows nothing: ln 2, and s^2 / 8 more for log-odds that spread by s?"""
    loss = _numbers(run.loss)[:3]
    if len(loss) == 0 or not np.isfinite(loss).all():
        return unknown("numbers.start", PLACE, "The run has no first losses.")
    first = float(loss.mean())
    if first < 0:
        return violated(
            "numbers.start",
            PLACE,
            f"The first losses are {first:.4f}: minus a logarithm of a probability is never negative.",
            first=first,
        )
    if first > 4:
        text = (
            f"The first losses are {first:.4f} on average; a model that knows nothing has {LN2:.4f}. {_multiple(first)}"
        )
        return violated("numbers.start", PLACE, text, None, False, first=first, expected=LN2)
    return holds("numbers.start", PLACE, f"The first losses are {first:.4f} on average.", first=first, expected=LN2)


def _multiple(level: float) -> str:
    count = level / LN2
    return f"It is {count:.1f} times ln 2." if abs(count - round(count)) < 0.25 else ""


def _floor(run: Any) -> Finding:
    """Does the loss follow 0.3133 + the rate of errors? So it is if softmax is applied twice."""
    late = [(x, 1 - y) for _, x, y in _points(run)[-6:] if 1 - y < 0.12]
    if len(late) < 3:
        return unknown("numbers.floor", PLACE, "The accuracy is too low to tell a floor of the loss.")
    off = np.array([x - (FLOOR + e) for x, e in late])
    numbers = {"offset": float(off.mean()), "spread": float(off.std())}
    if np.abs(off).max() < 0.03:
        text = (
            f"With {np.mean([e for _, e in late]):.3f} of the pairs wrong the loss "
            "is 0.3133 and the rate of errors: softmax may be applied twice."
        )
        return violated("numbers.floor", "loss", text, "double-softmax", False, numbers=numbers)
    return holds("numbers.floor", PLACE, "The loss does not follow a floor of 0.3133.", numbers=numbers)


def _one_class(run: Any) -> Finding:
    """Is one answer given to all pairs at the end?"""
    last = (_reports(run) or [{}])[-1]
    first, second = last.get("recall_is_next"), last.get("recall_not_next")
    if not isinstance(first, float | int) or not isinstance(second, float | int):
        return unknown("numbers.one_class", PLACE, "The last report names no recall of each class.")
    numbers = {"recall_is_next": float(first), "recall_not_next": float(second)}
    if min(first, second) < 0.005 and max(first, second) > 0.995:
        name = "IsNext" if first > second else "NotNext"
        loss, accuracy = _real(last.get("loss")), _real(last.get("accuracy"))
        p = min(max(accuracy, 1e-9), 1 - 1e-9)  # the share of the class that is always named
        entropy = float(-p * np.log(p) - (1 - p) * np.log(1 - p))
        if not loss > entropy + 0.05:
            text = (
                f"At the end all pairs are called {name}, with a loss of {loss:.4f}, that of knowing only the shares."
            )
            return unknown("numbers.one_class", PLACE, text, numbers=numbers)
        text = (
            f"At the end all pairs are called {name}: the recalls are {first:.3f} (IsNext) and {second:.3f} (NotNext)."
        )
        return violated("numbers.one_class", PLACE, text, None, False, numbers=numbers)
    return holds("numbers.one_class", PLACE, f"The recalls are {first:.3f} and {second:.3f}.", numbers=numbers)


def _together(run: Any) -> Finding:
    """Can two reports of one quantity both be true? An accuracy lies between the recalls; a mean of them is exact."""
    for report in _reports(run):
        y, a, b = (_real(report.get(name)) for name in ("accuracy", "recall_is_next", "recall_not_next"))
        if np.isfinite([y, a, b]).all() and not min(a, b) - 2e-3 <= y <= max(a, b) + 2e-3:
            text = (
                f"A report says accuracy {y:.4f} and recalls {a:.4f} and {b:.4f}; an accuracy lies between the recalls."
            )
            return violated("numbers.together", "evaluation", text, accuracy=y)
        if np.isfinite(y) and not 0 <= y <= 1:
            return violated(
                "numbers.together", "evaluation", f"A report says accuracy {y:.4f}; it lies between 0 and 1."
            )
    accuracy = _numbers(run.accuracy)
    for reading in run.instruments or []:
        share, a, b = (reading.get(name) for name in ("label_is_next", "recall_is_next", "recall_not_next"))
        step = reading.get("step", 0)
        if share is None or not 0 < step <= len(accuracy):
            continue
        value = share * (a if a is not None else 0) + (1 - share) * (b if b is not None else 0)
        if np.isfinite(value) and abs(value - accuracy[step - 1]) > 5e-3:
            text = (
                f"At step {step} the recalls give an accuracy of "
                f"{value:.4f}, and the curve says {accuracy[step - 1]:.4f}."
            )
            return violated("numbers.together", PLACE, text, step=float(step))
    return holds("numbers.together", PLACE, "No two numbers contradict each other.")


def _learned(run: Any) -> Finding:
    """Which level did the loss end at? That of knowing nothing but the prior says that nothing was learned."""
    loss = _numbers(run.loss)
    tail = loss[-max(5, len(loss) // 5) :]
    if len(loss) < 10 or not np.isfinite(tail).all():
        return unknown("numbers.level", PLACE, "The run is too short to name the level of its loss.")
    prior = run.prior if isinstance(run.prior, float) and 0 < run.prior < 1 else 0.5
    entropy = -prior * np.log(prior) - (1 - prior) * np.log(1 - prior)
    level = float(tail.mean())
    error = float(tail.std() / np.sqrt(len(tail)))
    numbers = {"level": level, "entropy": float(entropy), "error": error}
    if abs(level - entropy) < max(0.01, 3 * error):
        text = (
            f"The loss ends at {level:.4f}, the entropy of the prior "
            f"({entropy:.4f}): nothing was learned, for whatever reason."
        )
        return unknown("numbers.level", PLACE, text, numbers=numbers)
    return holds(
        "numbers.level",
        PLACE,
        f"The loss ends at {level:.4f}; knowing only the prior costs {entropy:.4f}.",
        numbers=numbers,
    )
