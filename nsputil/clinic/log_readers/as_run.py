"""The rows of a log as a `Run`, for all that reads runs."""

import math
from collections.abc import Sequence

import numpy as np

from nsputil.run import Run

KIND = ("attends", "adaptive")  # the kind of training, 0 or 1; one row is enough
READING = ("log_odds_std", "saturation", "label_is_next", "says_is_next")  # what every instrument reading holds


def as_run(rows: Sequence[dict]) -> Run:
    """Return the run that rows of a log are.

    Parameters
    ----------
    rows : sequence of dict
        As docs/run-format.md has them.

    Returns
    -------
    Run
        Without a model. If a row covers several steps, it counts as one step of the run, and the steps of the
        evaluations count rows too. What is unknown is NaN; a row of training without a loss is left out.
    """
    run, labels = Run(), []
    for row in rows:
        numbers = {name: value for name, value in row.items() if name not in ("step", "part", "f1", "mcc", *KIND)}
        for name in KIND:
            if name in row:
                given = bool(row[name])
                run.kind[name] = given if run.kind.get(name, given) == given else None  # two kinds in one log
        if row["part"] == "train" and "loss" in row:
            run.loss.append(numbers.pop("loss"))
            run.accuracy.append(numbers.pop("accuracy", math.nan))
            if "label_is_next" in numbers:
                labels.append(numbers["label_is_next"])
            if set(numbers) - {"label_is_next"}:
                run.instruments.append({"step": len(run.loss)} | dict.fromkeys(READING, math.nan) | numbers)
        elif row["part"] == "held_out":
            run.evaluations.append({"step": max(1, len(run.loss))} | numbers)
        elif row["part"] == "test":
            run.final = numbers
    run.prior = float(np.mean(labels)) if labels else math.nan
    return run
