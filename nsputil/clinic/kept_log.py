"""A log that never ends the training that it records, and is never lost.

What goes wrong while writing or measuring becomes one warning and a note in the log; the training goes on.
"""

import json
import math
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

from nsputil.clinic.logs import FRACTIONS, NUMBERS, Row, RunLog, _suffix, read_rows, write_rows

SHARE = 20  # writing may take one part in so many of the time of a training


def check_path(path: str | Path) -> Path:
    """Return the path of a log that can be written there.

    Raises
    ------
    ValueError
        If the suffix is neither ``.csv`` nor ``.json``.
    FileNotFoundError
        If the folder does not exist.
    PermissionError
        If the folder, or a file of this name, cannot be written.
    """
    path = Path(path)
    _suffix(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(path.parent)!r} of the log {path.name} does not exist; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK) or path.is_dir():
        raise PermissionError(f"the log {path.name} cannot be written in {str(path.parent)!r}")
    return path


def guarded(method: Callable) -> Callable:
    """Let a method of an object with a `kept` log fail without harm: the error becomes a note."""

    @wraps(method)
    def safe(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except Exception as error:  # whatever it is: the training matters more than its log
            self.kept.note(f"{method.__name__}: {type(error).__name__}: {error}")
            return None

    return safe


def _warn(text: str) -> None:
    with suppress(Warning):  # where warnings are errors, one would end the training
        warnings.warn(text, RuntimeWarning, stacklevel=4)


class KeptLog(RunLog):
    """A `RunLog` that takes what it is given, and writes itself while it grows.

    Parameters
    ----------
    path : str or Path, optional
        Checked now. None: nothing is written before `save`.
    attends, adaptive : bool, optional
        See `RunLog`.

    Attributes
    ----------
    notes : list of str
        Each also in the column ``note`` of the row that came next.
    """

    def __init__(
        self, path: str | Path | None = None, attends: bool | None = None, adaptive: bool | None = None
    ) -> None:
        super().__init__(attends, adaptive)
        self.path = None if path is None else check_path(path)
        self.notes: list[str] = []
        self._waiting: list[str] = []
        self._next = 0.0

    def note(self, text: str) -> None:
        """Keep a remark, and warn of it; the same remark once only."""
        text = " ".join(str(text).split())[:300]
        if text in self.notes:
            return
        if not self.notes:
            _warn(f"The log of this training: {text} The training goes on.")
        self.notes.append(text)
        self._waiting.append(text)

    def keep(self, step: int, part: str, numbers: Mapping[str, Any]) -> None:
        """Add a row of those numbers that a log can hold; a note says what was changed or left out."""
        step = max(int(step), self.rows[-1]["step"] if self.rows else 0)
        kept: dict[str, float] = {}
        for name, value in numbers.items():
            found = self._number(name, value)
            if found is not None:
                kept[name] = found
        if part == "train":
            kept.setdefault("loss", math.nan)
        self.add(step, part, **kept)
        if self._waiting:
            self.rows[-1]["note"] = "; ".join(self._waiting)
            self._waiting = []
        self.grow()

    def _number(self, name: str, value: Any) -> float | None:
        if name not in NUMBERS and not name.startswith(("gradient.", "update.")):
            self.note(f"{name} is no number that a log has; it is left out.")
            return None
        try:
            found = float(value)
        except (TypeError, ValueError):
            self.note(f"{name} is a {type(value).__name__}, not a number; it is left out.")
            return None
        if name in FRACTIONS and 1 < found <= 100:
            self.note(f"{name} is {found:g}: read as percent and divided by 100.")
            return found / 100
        if (name in FRACTIONS and not (0 <= found <= 1 or math.isnan(found))) or (name != "loss" and found < 0):
            self.note(f"{name} is {found:g}; it is left out.")
            return None
        return found

    def grow(self, now: bool = False) -> None:
        """Write the log if there is a path, and if writing took little of the time so far."""
        if self.path is None or (not now and time.monotonic() < self._next):
            return
        start = time.monotonic()
        try:
            write_rows(self.rows, self.path)
        except Exception as error:
            self.note(f"{self.path.name} cannot be written ({type(error).__name__}: {error}); it is kept in memory.")
        end = time.monotonic()
        self._next = end + SHARE * (end - start)

    def finish(self) -> Path | None:
        """Write the log to its path or, if that fails, to a temporary file that a warning names."""
        if self.path is None:
            return None
        if self._waiting and self.rows:  # remarks that no row came after
            self.rows[-1]["note"] = "; ".join([*filter(None, [self.rows[-1].get("note")]), *self._waiting])
            self._waiting = []
        try:
            write_rows(self.rows, self.path)
        except Exception as error:
            handle, name = tempfile.mkstemp(prefix=f"{self.path.stem}-", suffix=self.path.suffix)
            os.close(handle)
            write_rows(self.rows, name)
            text = f"{self.path} cannot be written ({type(error).__name__}: {error}); the log is in {name}"
            _warn(text)
            return Path(name)
        return self.path

    def resume(self, step: int) -> None:
        """Go on after a step with the rows that the file has up to there; a file that is no such log is set aside."""
        if self.path is None or not self.path.exists():
            return
        try:
            rows = read_rows(self.path)
        except (ValueError, KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
            aside = self.path.with_name(f"{self.path.stem}.before{self.path.suffix}")
            self.path.replace(aside)
            self.note(f"{self.path.name} is no log to go on with ({error}); it was renamed to {aside.name}.")
            return
        before: list[Row] = [row for row in rows if row["step"] <= step]
        if len(before) < len(rows):
            self.note(f"Resumed after step {step}: {len(rows) - len(before)} rows of later steps are replaced.")
        self.rows = before + self.rows
