"""Read any log: recognise it, choose its columns, and say what was understood."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nsputil.clinic.log_readers import plain, scores, unnamed
from nsputil.clinic.log_readers.aliases import mended, parse_name
from nsputil.clinic.log_readers.as_run import as_run
from nsputil.clinic.log_readers.errors import read_as_loss
from nsputil.clinic.log_readers.families import choose
from nsputil.clinic.log_readers.normalise import normalise
from nsputil.clinic.log_readers.repeats import epoch_again
from nsputil.clinic.log_readers.tables import read_table
from nsputil.clinic.log_readers.text import LogText, read_text
from nsputil.run import Run

PAGE = "docs/logs.md"
MOST_CLASSES = 200


@dataclass
class LogReading:
    """A log as it was understood.

    Attributes
    ----------
    name : str
        Of the file.
    family : str
        What it was taken for.
    rows : list of dict
        ``step``, ``part`` ("train", "held_out" or "test"), ``loss`` in nats, ``accuracy`` as a fraction, and what else
        docs/run-format.md names.
    columns : dict of str to str
        What became what.
    notes, left_out : list of str
        What was decided, and what was not used.
    classes : int
    classes_from : str
        How the number of classes is known: "given", "guessed" or "assumed".
    running : set of str
        The columns that are running means.
    epochs, first_epoch : float
        Which the last row names, and which the first; infinite if none does.
    metrics : dict of str to list of float
        What else was measured held out, where more is better.
    scores : dict of str to list of float
        Every precision, recall and F1 that the file names, of any part.
    one_answer : list of bool
        For each report of scikit-learn, whether all its rows get one answer.
    areas : dict of str to list of float
        Every area under a curve that the file names.
    undefined : list of str
        The correlations that end as NaN.
    accuracies : dict of str to list of float
        What each name of an accuracy holds.
    nan_arrays, nans : list of str
        Arrays of what a model computes in which all numbers are NaN; these, and what else the log says of NaN.
    beyond : list of float
        Values of an accuracy that no accuracy can have.
    again : list of float
        The losses of the last epoch if they are all those of the epoch before.
    free : bool
        Whether its losses need not fall: of a generator and its discriminator, of a policy.
    perplexity : bool
        Whether a loss is the logarithm of a perplexity, so of words: it has no level of classes.
    per_word : bool
        Whether a perplexity beside a loss says that the loss is one of words.
    """

    name: str
    family: str
    rows: list[dict]
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    classes: int = 2
    classes_from: str = "assumed"
    running: set[str] = field(default_factory=set)
    epochs: float = math.inf
    first_epoch: float = math.inf
    metrics: dict[str, list[float]] = field(default_factory=dict)
    scores: dict[str, list[float]] = field(default_factory=dict)
    one_answer: list[bool] = field(default_factory=list)
    areas: dict[str, list[float]] = field(default_factory=dict)
    undefined: list[str] = field(default_factory=list)
    accuracies: dict[str, list[float]] = field(default_factory=dict)
    nan_arrays: list[str] = field(default_factory=list)
    nans: list[str] = field(default_factory=list)
    beyond: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    free: bool = False
    perplexity: bool = False
    per_word: bool = False

    def series(self, part: str, quantity: str) -> list[float]:
        """Return the numbers of one kind, in order."""
        return [row[quantity] for row in self.rows if row["part"] == part and quantity in row]

    def run(self) -> Run:
        """Return the rows as a `Run`, for all that reads runs."""
        return as_run(self.rows)

    def table(self) -> str:
        """Return the rows as lines of text, an empty cell for what is unknown."""
        names = list(dict.fromkeys(["step", "part"] + [name for row in self.rows for name in row]))
        cells = [names] + [[_cell(row.get(name)) for name in names] for row in self.rows]
        widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
        return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in cells)

    def understood(self) -> str:
        """Return in a few lines what the log was taken for."""
        said = {"train": "of training", "held_out": "held out", "test": "of a test"}
        totals = {part: sum(row["part"] == part for row in self.rows) for part in said}
        counts = [f"{totals[part]} {word}" for part, word in said.items() if totals[part]]
        lines = [f"{self.name}: read as {self.family}; rows: {', '.join(counts)}"]
        lines += [f"  {ours}: {theirs!r}" for ours, theirs in self.columns.items()]
        lines += [f"  note: {note}" for note in self.notes]
        lines += [f"  left out: {note}" for note in self.left_out]
        if self.classes != 2 or self.classes_from == "given":
            lines.append(
                f"  classes: {self.classes} ({self.classes_from}); "
                f"knowing nothing costs ln {self.classes} = {math.log(self.classes):.4f}"
            )
        return "\n".join(lines)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def read(path: str | Path, columns: Mapping[str, str] | None = None, classes: int | None = None) -> LogReading:
    """Read a log of any tool that docs/logs.md lists.

    Parameters
    ----------
    path : str or Path
        Recognised by what is in it, not by its suffix.
    columns : mapping of str to str, optional
        Mend a wrong guess: ``{"loss": "my_name"}``.
    classes : int, optional
        Mend the number of classes; 2 unless the log says otherwise.

    Returns
    -------
    LogReading

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If no loss and no accuracy is found; the message says what was found and names the page.
    """
    return understand(read_text(path), columns, classes)


def understand(text: LogText, columns: Mapping[str, str] | None = None, classes: int | None = None) -> LogReading:
    """Return what a text says; see `read`."""
    if classes is not None and (isinstance(classes, bool) or not 2 <= classes <= 1_000_000):
        raise ValueError(f"classes is {classes}; expected at least 2")
    with mended({name: ours for ours, name in (columns or {}).items()}):
        return _understood(text, columns, classes)


def _understood(text: LogText, columns: Mapping[str, str] | None, classes: int | None) -> LogReading:
    text = read_as_loss(text)
    found = choose(text)
    if found is None:
        raise ValueError(_nothing(text))
    family, records = found
    table = read_table(text)
    if table is not None and len(table.records) != len(records):
        table = None  # the records come from elsewhere
    rows = normalise(records, columns, bool(table and table.decimal_comma))
    if not any({"loss", "accuracy", "f1", "mcc"} & set(row) for row in rows.rows):
        names = sorted({name for record in records for name in record.values})
        raise ValueError(
            f"{text.name}: read as {family.name}, but none of its names is a loss or an accuracy of next sentence "
            f"prediction; it has {', '.join(names[:12])}. Name one with --column loss=NAME ({PAGE})"
        )
    notes = text.notes + rows.notes
    if table and table.again:
        notes.append(f"{table.again} headers come again within the file")
    left_out = list(rows.left_out)
    if table and table.ragged:
        left_out.append(f"{table.ragged} rows with another number of cells than the header, or without numbers")
    running = {ours for ours, raw in rows.columns.items() if ours != "step" and parse_name(raw).running}
    reading = LogReading(
        text.name,
        family.name,
        rows.rows,
        rows.columns,
        notes,
        left_out,
        running=running,
        epochs=rows.epochs,
        first_epoch=rows.first_epoch,
        metrics=scores.held_out(records),
        scores=scores.named(text),
        one_answer=scores.one_answer(text),
        areas=scores.areas(text),
        undefined=scores.undefined(records),
        accuracies=scores.accuracies(records),
        nan_arrays=scores.nan_arrays(text),
        nans=scores.nans(text),
        beyond=rows.beyond,
        again=epoch_again(plain.read(text) if family.sums_up else records),
        free=scores.need_not_fall(text),
        perplexity=bool(rows.perplexities),
        per_word=scores.per_word(records),
    )
    if family is unnamed.FAMILY:
        notes.append(
            f"the columns have no names: {rows.columns.get('loss of train')!r} is taken for a loss of training; if it "
            f"is not, use --column accuracy='{rows.columns.get('loss of train', unnamed.NAME)}'"
        )
    if "loss of train" in rows.columns and rows.columns["loss of train"].startswith("Value ("):
        notes.append("'Value' is taken for a loss of training; if it is not, use --column accuracy='Value (loss)'")
    if classes is not None:
        reading.classes, reading.classes_from = classes, "given"
    elif not reading.perplexity:
        _guess_classes(reading)
    return reading


def _guess_classes(reading: LogReading) -> None:
    """Look whether the first loss is near ln K for a K beyond 2, and whether the first accuracy is near 1 / K."""
    for part in ("train", "held_out"):
        losses = [x for x in reading.series(part, "loss")[:3] if math.isfinite(x)]
        accuracies = [x for x in reading.series(part, "accuracy")[:3] if math.isfinite(x)]
        if not losses or not 0.9 < losses[0] < math.log(MOST_CLASSES):
            continue
        first, every = losses[0], [x for x in reading.series(part, "loss") if math.isfinite(x)]
        tail = every[-max(1, len(every) // 5) :]
        if abs(sum(tail) / len(tail) - math.log(2)) < 0.05:
            continue  # it ends where a model of two classes that knows nothing ends
        count = round(math.exp(first))
        off = abs(first - math.log(count))
        if accuracies:
            near = min(range(3, MOST_CLASSES), key=lambda k: abs(first - math.log(k)) + abs(accuracies[0] - 1 / k))
            fits = abs(first - math.log(near)) < 0.12 and abs(accuracies[0] - 1 / near) < 0.4 / near
            count = near if fits else 2
        elif off > 0.04 or count > 10:
            count = 2
        if count > 2:
            reading.classes, reading.classes_from = count, "guessed"
            beside = f" with an accuracy of {accuracies[0]:.3f}" if accuracies else ""
            reading.notes.append(
                f"the first loss, {first:.4f}{beside}, is near ln {count}: {count} classes? If not, use --classes"
            )
            return


def _nothing(text: LogText) -> str:
    lines = [line.strip() for line in text.lines if line.strip()]
    numbers = sum(any(c.isdigit() for c in line) for line in lines)
    first = "".join(c if c.isprintable() else "." for c in lines[0][:60]) if lines else ""
    return (
        f"{text.name}: no loss and no accuracy was found in {len(lines)} lines, {numbers} of them with digits; "
        f"it begins with {first!r}. {PAGE} lists what can be read, and how to name a column"
    )
