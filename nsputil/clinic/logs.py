"""The log of a training that ran elsewhere, as a `Run`: a small format to write, and many to read.

`read_log` reads the logs of many tools (docs/logs.md). The format that is written is in docs/run-format.md. `RunLog`
writes it from any loop; `nsputil.clinic.torch_recorder` and `nsputil.clinic.trainer_callback` measure a PyTorch
training and write it.
"""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nsputil.clinic.log_readers.as_run import KIND
from nsputil.clinic.log_readers.own import FORMAT
from nsputil.clinic.log_readers.reading import LogReading, understand
from nsputil.clinic.log_readers.text import read_text
from nsputil.files import replacing, write_text
from nsputil.losses import sigmoid
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.training import Run

PARTS = ("train", "held_out", "test")
FRACTIONS = (
    "accuracy", "saturation", "label_is_next", "says_is_next", "recall_is_next", "recall_not_next", "mean_p_is_next",
)  # fmt: skip
NUMBERS = ("loss", "log_odds_std", *FRACTIONS)
NORMS = ("gradient.", "update.")  # followed by the name of a tensor, or "all"
SUFFIXES = ("csv", "json")
WORDS = ("part", "note")  # what is not a number

Row = dict[str, Any]


class RunFile(NamedTuple):
    """A run that was read from a file.

    Attributes
    ----------
    run : Run
        Without a model.
    is_log : bool
        Whether it is a log of a training that ran elsewhere (True) or a file of `Run.save` (False). In a log a missing
        number is unknown; in a saved run it could not be computed.
    reading : LogReading, optional
        What was understood of a log.
    """

    run: Run
    is_log: bool
    reading: LogReading | None = None


class RunLog:
    """A log in the making.

    Parameters
    ----------
    attends, adaptive : bool, optional
        The kind of training, as `nsputil.training.Run.kind` has it; written with the first row. None: unknown.

    Attributes
    ----------
    rows : list of dict
        ``step``, ``part``, and numbers by name.

    Raises
    ------
    ValueError
        If one of the two is neither true nor false.
    """

    def __init__(self, attends: bool | None = None, adaptive: bool | None = None) -> None:
        kind = {"attends": attends, "adaptive": adaptive}
        for name, value in kind.items():
            if value not in (None, True, False):
                raise ValueError(f"{name} is {value!r}; expected True, False or None")
        self.rows: list[Row] = []
        self._kind = {name: int(value) for name, value in kind.items() if value is not None}

    def add(self, step: int, part: str, **numbers: float | None) -> None:
        """Add a row.

        Parameters
        ----------
        step : int
            Optimizer steps taken, this one included; it never decreases.
        part : {"train", "held_out", "test"}
        **numbers : float
            ``loss`` (nats, mean of the batch), ``accuracy`` and the others of docs/run-format.md; names with a dot are
            given as ``**{"gradient.encoder": 0.3}``. None: unknown.

        Raises
        ------
        ValueError
            If a name is unknown or a number is out of its range.
        """
        kind = {} if self.rows else self._kind
        row: Row = {"step": step, "part": part} | kind | {k: v for k, v in numbers.items() if v is not None}
        _check(row, f"row {len(self.rows) + 1}", self.rows[-1]["step"] if self.rows else 0)
        self.rows.append(row)

    def save(self, path: str | Path) -> None:
        """Write the log as CSV or as JSON, by the suffix of the file.

        Raises
        ------
        ValueError
            If the suffix is neither.
        """
        write_rows(self.rows, path)


def write_rows(rows: Sequence[Row], path: str | Path) -> None:
    """Write rows of a log as CSV or as JSON, by the suffix of the file.

    Raises
    ------
    ValueError
        If the suffix is another.
    """
    path = Path(path)
    if _suffix(path) == "json":
        plain = [{k: v if k in WORDS else _plain(v) for k, v in row.items()} for row in rows]
        text = ",\n".join(json.dumps(row, allow_nan=False) for row in plain)
        write_text(path, f'{{"format": "{FORMAT}", "rows": [\n{text}\n]}}\n')
        return
    names = list(dict.fromkeys(["step", "part"] + [name for row in rows for name in row]))
    with replacing(path) as new, new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: str | Path) -> list[Row]:
    """Return the rows that `write_rows` wrote, as they were.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no log of this format.
    """
    path = Path(path)
    if _suffix(path) == "json":
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"{path.name} is no log of the format {FORMAT!r}")
        rows = document["rows"]
    else:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]
    found = []
    for row in rows:
        if not {"step", "part"} <= set(row):
            raise ValueError(f"{path.name} has a row without step and part")
        found.append({k: v if k in WORDS else int(v) if k in ("step", *KIND) else float(v) for k, v in row.items()})
    return found


def read_log(path: str | Path) -> Run:
    """Read a log of any tool that docs/logs.md lists, or a run that `Run.save` wrote.

    Parameters
    ----------
    path : str or Path
        Recognised by what is in it, not by its suffix.

    Returns
    -------
    Run
        Without a model. If a row of the log covers several steps, it counts as one step of the run, and the steps of
        the evaluations count rows too. What is unknown is NaN.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If no loss and no accuracy is found; the message says what was found and what is expected.
    """
    return read_run_file(path).run


def read_run_file(path: str | Path, columns: Mapping[str, str] | None = None, classes: int | None = None) -> RunFile:
    """Read a log, or a run that `Run.save` wrote, and say which of the two it is.

    Parameters
    ----------
    path : str or Path
    columns, classes : optional
        Mend what was guessed of a log; see `nsputil.clinic.log_readers.read`.

    Raises
    ------
    FileNotFoundError, ValueError
        See `read_log`.
    """
    text = read_text(path)
    if isinstance(text.document, dict) and text.document.get("format") == "nsputil run 1":
        return RunFile(_saved_run(Path(path)), is_log=False)
    reading = understand(text, columns, classes)
    return RunFile(reading.run(), is_log=True, reading=reading)


def count(logits: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    """Return the numbers of a log that can be counted from the logits of a batch.

    Parameters
    ----------
    logits : ndarray, shape (batch, 2)
        Columns IsNext, NotNext.
    labels : ndarray, shape (batch,)

    Returns
    -------
    dict of float
        accuracy, log_odds_std, label_is_next, says_is_next, mean_p_is_next, and the recalls of the classes that occur.

    Raises
    ------
    ValueError
        If the shapes do not fit or a label is neither 0 nor 1.
    """
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    if logits.ndim != 2 or logits.shape[1] != 2 or labels.shape != logits.shape[:1] or len(labels) == 0:
        raise ValueError(
            f"logits have shape {logits.shape} and labels {labels.shape}; expected (batch, 2) and (batch,)"
        )
    if not np.isin(labels, (IS_NEXT, NOT_NEXT)).all():
        raise ValueError(f"labels are {np.unique(labels).tolist()}; expected 0 (IsNext) and 1 (NotNext) only")
    log_odds, says = logits[:, IS_NEXT] - logits[:, NOT_NEXT], logits.argmax(axis=1)
    numbers = {
        "accuracy": (says == labels).mean(),
        "log_odds_std": log_odds.std(),
        "label_is_next": (labels == IS_NEXT).mean(),
        "says_is_next": (says == IS_NEXT).mean(),
    }
    if np.isfinite(log_odds).all():
        numbers["mean_p_is_next"] = sigmoid(log_odds).mean()
    for name, label in (("recall_is_next", IS_NEXT), ("recall_not_next", NOT_NEXT)):
        if (labels == label).any():
            numbers[name] = (says[labels == label] == label).mean()
    return {name: float(value) for name, value in numbers.items()}


def _saved_run(path: Path) -> Run:
    """Read a file of `Run.save`, and name what is wrong if somebody changed it."""
    run, name = Run.load(path), path.name
    for part in ("loss", "accuracy"):
        numbers = getattr(run, part)
        if not isinstance(numbers, list) or not numbers or not all(_is_number(x) for x in numbers):
            raise ValueError(f"{name}: {part} is no list of numbers with at least one; is the file cut off?")
    if len(run.loss) != len(run.accuracy):
        raise ValueError(f"{name} has {len(run.loss)} losses and {len(run.accuracy)} accuracies; expected as many")
    for part in ("evaluations", "instruments"):
        rows = getattr(run, part)
        if not isinstance(rows, list) or not all(isinstance(row, dict) and _is_number(row.get("step")) for row in rows):
            raise ValueError(f'{name}: {part} is no list of objects with a "step"')
    if not isinstance(run.final, dict) or not _is_number(run.prior):
        raise ValueError(f"{name}: final is no object, or prior no number")
    return run


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in SUFFIXES:
        raise ValueError(f"{path.name} ends in {path.suffix!r}; expected .csv or .json")
    return suffix


def _plain(number: float) -> float | str:
    """Return a number in strict JSON, where NaN and the infinities are strings."""
    return number if math.isfinite(number) else str(float(number))


def _check(row: Row, where: str, before: int) -> None:
    step, part = row.get("step"), row.get("part")
    if not isinstance(step, int) or isinstance(step, bool) or step < 0:
        raise ValueError(f"{where}: step is {step!r}; expected a whole number from 0 on")
    if step < before:
        raise ValueError(f"{where}: step is {step} after {before}; expected steps that never fall")
    if part not in PARTS:
        raise ValueError(f"{where}: part is {part!r}; expected 'train', 'held_out' or 'test'")
    for name, value in row.items():
        if name in ("step", "part"):
            continue
        if name in KIND:
            if value not in (0, 1):
                raise ValueError(f"{where}: {name} is {value!r}; expected 0 (no) or 1 (yes)")
            continue
        if name not in NUMBERS and not (name.startswith(NORMS) and len(name.split(".", 1)[1]) > 0):
            known = ", ".join((*NUMBERS, *KIND, "gradient.X", "update.X"))
            raise ValueError(f"{where}: there is no number {name!r}; expected one of {known}")
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError(f"{where}: {name} is {value!r}; expected a number")
        if name in FRACTIONS and not (0 <= value <= 1 or math.isnan(value)):
            raise ValueError(f"{where}: {name} is {value}; expected a fraction in [0, 1]")
        if name not in FRACTIONS and name != "loss" and value < 0:
            raise ValueError(f"{where}: {name} is {value}; expected a number from 0 on")
    if part == "train" and "loss" not in row:
        raise ValueError(f"{where}: a row of part 'train' has no loss; expected one (nan if that is what it was)")
