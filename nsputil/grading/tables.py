"""CSV files of platforms: read as they are, changed in one or two columns, written back in their own form."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nsputil.files import replacing

LARGEST = 100_000_000  # bytes


@dataclass
class Table:
    """A CSV file.

    Attributes
    ----------
    rows : list of list of str
        The first one has the names of the columns.
    delimiter : str
    mark : bool
        True if the file begins with a byte order mark, as Canvas and spreadsheets write it.
    """

    rows: list[list[str]]
    delimiter: str = ","
    mark: bool = False

    @classmethod
    def read(cls, path: str | Path) -> "Table":
        """Read a file.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        Table

        Raises
        ------
        ValueError
            If it is no CSV file in UTF-8.
        """
        data = Path(path).read_bytes()
        if len(data) > LARGEST:
            raise ValueError(f"{path} has {len(data):,} bytes; expected a CSV file of grades")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not in UTF-8; export it as CSV in UTF-8") from None
        first = text.split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise ValueError(f"{path} cannot be read as CSV: {error}") from None
        if not rows or not any(rows[0]):
            raise ValueError(f"{path} is empty; expected a first line with the names of the columns")
        return cls(rows, delimiter, data.startswith(b"\xef\xbb\xbf"))

    def write(self, path: str | Path) -> None:
        """Write the file, whole or not at all."""
        with replacing(path) as new, open(new, "w", encoding="utf-8-sig" if self.mark else "utf-8", newline="") as file:
            csv.writer(file, delimiter=self.delimiter, lineterminator="\r\n").writerows(self.rows)

    def column(self, *names: str) -> int | None:
        """Return the place of the first column with one of these names, whatever the case, or None."""
        heads = [head.strip().lower() for head in self.rows[0]]
        return next((heads.index(name.lower()) for name in names if name.lower() in heads), None)

    def best_key(self, students: Sequence[str], columns: Sequence[str]) -> int | None:
        """Return the one column that knows most of the students, or None if no column knows any.

        Parameters
        ----------
        students : sequence of str
        columns : sequence of str
            Names of columns; of two that know equally many, the first is taken.
        """
        wanted, best, most = set(students), None, 0
        for name in columns:
            place = self.column(name)
            if place is None:
                continue
            known = len({key_of(row, place) for row in self.rows[1:]} & wanted)
            if known > most:
                best, most = place, known
        return best


def key_of(row: Sequence[str], place: int) -> str:
    """Return what identifies the student of a row; "Participant 12345", as Moodle has it, is 12345."""
    return row[place].strip().removeprefix("Participant ") if place < len(row) else ""


def number(value: float) -> str:
    """Return points as a platform reads them: at most two decimals, and none that are not needed."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def as_number(text: str) -> float | None:
    """Return the number in a cell, with a point or a comma, or None."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None
