"""The log of a training that ran elsewhere, as a `Run`: a small format, in CSV or JSON, to write and to read.

The format is described in docs/run-format.md. `RunLog` writes it from any loop; `nsputil.clinic.torch_recorder` and
`nsputil.clinic.trainer_callback` measure a PyTorch training and write it. Introduced in notebook 10.
"""

import csv
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nsputil.losses import sigmoid
from nsputil.pairs import IS_NEXT, NOT_NEXT
from nsputil.training import Run

FORMAT = "nsputil log 1"
PARTS = ("train", "held_out", "test")
FRACTIONS = (
    "accuracy", "saturation", "label_is_next", "says_is_next", "recall_is_next", "recall_not_next", "mean_p_is_next",
)  # fmt: skip
NUMBERS = ("loss", "log_odds_std", *FRACTIONS)
NORMS = ("gradient.", "update.")  # followed by the name of a tensor, or "all"
KIND = ("attends", "adaptive")  # the kind of training, 0 or 1; one row is enough
READING = ("log_odds_std", "saturation", "label_is_next", "says_is_next")  # what every instrument reading holds
SUFFIXES = ("csv", "json")

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
    """

    run: Run
    is_log: bool


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
        _check(row, f"row {len(self.rows) + 1}", self.rows[-1]["step"] if self.rows else 1)
        self.rows.append(row)

    def save(self, path: str | Path) -> None:
        """Write the log as CSV or as JSON, by the suffix of the file.

        Raises
        ------
        ValueError
            If the suffix is neither.
        """
        path = Path(path)
        if _suffix(path) == "json":
            rows = [{k: v if k == "part" else _plain(v) for k, v in row.items()} for row in self.rows]
            text = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
            path.write_text(f'{{"format": "{FORMAT}", "rows": [\n{text}\n]}}\n', encoding="utf-8", newline="\n")
            return
        names = list(dict.fromkeys(["step", "part"] + [name for row in self.rows for name in row]))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)


def read_log(path: str | Path) -> Run:
    """Read a log, or a run that `Run.save` wrote.

    Parameters
    ----------
    path : str or Path
        A ``.csv`` or ``.json`` file.

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
        If the file breaks the format; the message names the row, what was found and what is expected.
    """
    return read_run_file(path).run


def read_run_file(path: str | Path) -> RunFile:
    """Read a log, or a run that `Run.save` wrote, and say which of the two it is; see `read_log`."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path.name}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is no text in UTF-8: {error}") from error
    if _suffix(path) == "csv":
        rows = _rows_of_csv(text, path.name)
    else:
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path.name} is no JSON: {error}") from error
        if isinstance(content, dict) and content.get("format") == "nsputil run 1":
            return RunFile(_saved_run(path), is_log=False)
        rows = _rows_of_json(content, path.name)
    before: int = 1
    kind: Row = {}
    for number, row in enumerate(rows, 1):
        where = f"{path.name}, row {number}"
        _check(row, where, before)
        before = row["step"]
        for name in KIND:
            if name in row and row[name] != kind.setdefault(name, row[name]):
                raise ValueError(f"{where}: {name} is {row[name]:g} after {kind[name]:g}; expected one kind")
    if not any(row["part"] == "train" for row in rows):
        raise ValueError(f"{path.name} has no row of part 'train'; expected one for each training step that was logged")
    return RunFile(_run(rows), is_log=True)


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


def _rows_of_csv(text: str, name: str) -> list[Row]:
    reader = csv.reader(text.splitlines())
    header = [column.strip() for column in next(reader, [])]
    if "step" not in header or "part" not in header:
        raise ValueError(f"{name} begins with {', '.join(header)[:80]!r}; expected columns step, part, loss, ...")
    twice = [column for column in header if header.count(column) > 1]
    if twice:
        raise ValueError(f"{name} has the column {twice[0]!r} twice; expected each once")
    rows = []
    for number, cells in enumerate((cells for cells in reader if any(cells)), 1):
        where = f"{name}, row {number}"
        if len(cells) != len(header):
            raise ValueError(f"{where} has {len(cells)} cells; expected {len(header)}, as in the header")
        named = {column: cell.strip() for column, cell in zip(header, cells, strict=True) if cell.strip()}
        rows.append({k: v if k == "part" else _number(v, k, where) for k, v in named.items()})
    return rows


def _rows_of_json(content: Any, name: str) -> list[Row]:
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("rows"), list):
        given = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise ValueError(f'{name} has the format {given!r}; expected {{"format": "{FORMAT}", "rows": [...]}}')
    rows = []
    for number, row in enumerate(content["rows"], 1):
        where = f"{name}, row {number}"
        if not isinstance(row, dict):
            raise ValueError(f'{where} is a {type(row).__name__}; expected an object such as {{"step": 1, ...}}')
        rows.append({k: v if k == "part" else _number(v, k, where) for k, v in row.items() if v is not None})
    return rows


def _number(value: Any, column: str, where: str) -> float:
    if not isinstance(value, bool):
        try:
            return int(value) if column == "step" and float(value) == int(float(value)) else float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise ValueError(f"{where}: {column} is {value!r}; expected a number")


def _check(row: Row, where: str, before: int) -> None:
    step, part = row.get("step"), row.get("part")
    if not isinstance(step, int) or isinstance(step, bool) or step < 1:
        raise ValueError(f"{where}: step is {step!r}; expected a whole number from 1 on")
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


def _run(rows: list[Row]) -> Run:
    run, labels = Run(), []
    for row in rows:
        numbers = {name: value for name, value in row.items() if name not in ("step", "part", *KIND)}
        run.kind |= {name: bool(row[name]) for name in KIND if name in row}
        if row["part"] == "train":
            run.loss.append(numbers.pop("loss"))
            run.accuracy.append(numbers.pop("accuracy", math.nan))
            if "label_is_next" in numbers:
                labels.append(numbers["label_is_next"])
            if set(numbers) - {"label_is_next"}:
                run.instruments.append({"step": len(run.loss)} | dict.fromkeys(READING, math.nan) | numbers)
        elif row["part"] == "held_out":
            run.evaluations.append({"step": max(1, len(run.loss))} | numbers)
        else:
            run.final = numbers
    run.prior = float(np.mean(labels)) if labels else math.nan
    return run
