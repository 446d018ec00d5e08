"""From records, with the names of their tools, to the rows of one log, with a word for each thing that was decided."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from nsputil.clinic.log_readers.aliases import COUNTS, PART, Name, parse_name
from nsputil.clinic.log_readers.evaluations import (
    last_of_evaluations,
    parts_by_totals,
    scores_alone,
    without_placeholders,
)
from nsputil.clinic.log_readers.figures import is_missing, parse
from nsputil.clinic.log_readers.record import Record
from nsputil.clinic.log_readers.repeats import are_doubles

PARTS = ("train", "held_out", "test")
OWN = ("recall_is_next", "recall_not_next", "mean_p_is_next", "label_is_next", "says_is_next", "log_odds_std",
       "saturation", "attends", "adaptive")  # fmt: skip
KIND = ("attends", "adaptive")
OWN_BEGIN = ("gradient.", "update.")
FRACTIONS = (
    "accuracy",
    "recall_is_next",
    "recall_not_next",
    "mean_p_is_next",
    "label_is_next",
    "says_is_next",
    "saturation",
)
LN2 = math.log(2)
MUCH = 4.0  # nats


@dataclass
class Rows:
    """The rows of a log, and what was decided.

    Attributes
    ----------
    rows : list of dict
        ``step``, ``part``, ``loss``, ``accuracy``, and more of docs/run-format.md.
    columns : dict
        What became what: ``{"loss of train": "nsp_loss"}``.
    notes, left_out : list of str
    steps_known : bool
        Whether each place names its step.
    epochs, first_epoch : float
        Which the last place names, and which the first; infinite if none does.
    perplexities : list of str
        Names whose logarithm is read as a loss.
    beyond : list of float
        Values of an accuracy that no accuracy can have.
    """

    rows: list[dict]
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    steps_known: bool = False
    epochs: float = math.inf
    first_epoch: float = math.inf
    perplexities: list[str] = field(default_factory=list)
    beyond: list[float] = field(default_factory=list)


@dataclass
class _Cell:
    """One number with what its name means."""

    row: int
    raw: str
    name: Name
    part: str
    value: float
    percent: bool


def normalise(records: Sequence[Record], columns: Mapping[str, str] | None = None, decimal_comma: bool = False) -> Rows:
    """Return rows.

    Parameters
    ----------
    records : sequence of Record
    columns : mapping of str to str, optional
        ``{"loss": "my_name"}``: which name is the loss, the accuracy, the step; it is right where the table of aliases
        is wrong. ``held_out.loss`` and ``test.accuracy`` name a part.
    decimal_comma : bool

    Raises
    ------
    ValueError
        If `columns` names what is not in the log.
    """
    out = Rows([])
    wanted = _wanted(records, columns or {})
    records = _without_repeats(records, out)
    records = last_of_evaluations(parts_by_totals(records, out.notes), out.left_out)
    alone = not wanted and scores_alone(records)
    if alone:
        records = [replace(record, part="held_out") for record in records]
        out.notes.append("there are scores and no loss: they are taken for those of an evaluation")
    cells, more = _cells(records, wanted, decimal_comma, out)
    _parts_of_bare_accuracies(cells, out)
    chosen = _chosen(cells, wanted, out)
    values = _values(chosen, cells, records, out)
    _counts(cells, values, out)
    _f1(cells, values)
    for place, found in more.items():
        if place in values or any(row == place[0] for row, _ in values):
            values.setdefault(place, {}).update(found)
    steps = _steps(records, wanted, out)
    named = [epoch for record in records if (epoch := _epoch(record)) is not None]
    out.epochs, out.first_epoch = (named[-1], named[0]) if named else (math.inf, math.inf)
    rows = []
    for row, part in sorted(values, key=lambda key: (key[0], PARTS.index(key[1]))):
        if values[row, part]:
            rows.append({"step": steps[row], "part": part, **values[row, part], "_row": row})
    unused = len(records) - len({row["_row"] for row in rows})
    rows, zeros = without_placeholders(rows)
    if zeros:
        out.left_out.append(f"{zeros} places whose numbers are all 0, before the first that was measured")
    out.rows = _in_order(_missing_nans(rows, records, out), out)
    if unused:
        out.left_out.append(
            f"{unused} of {len(records)} places with numbers hold no loss and no accuracy that was chosen"
        )
    for counted in out.rows:
        counted.pop("_row")
    return out


def _wanted(records: Sequence[Record], columns: Mapping[str, str]) -> dict[str, str]:
    names = {name for record in records for name in record.values}
    for key, name in columns.items():
        if name not in names:
            shown = ", ".join(sorted(names)[:12])
            raise ValueError(f"--column {key}={name}: the log has no {name!r}; it has {shown}")
        if key.split(".")[-1] not in ("loss", "accuracy", "step", "epoch"):
            raise ValueError(f"--column {key}={name}: expected loss, accuracy, step, or such as held_out.loss")
    return {name: key for key, name in columns.items()}


def _without_repeats(records: Sequence[Record], out: Rows) -> list[Record]:
    """Leave out what two loggers wrote of one thing; more than two rows that count nothing are rows of their own."""
    kept: list[Record] = []
    runs = [list(same) for _, same in groupby(records, key=lambda record: (record.values, record.part))]
    doubles = are_doubles([(list(alike[0].values.items()), len(alike)) for alike in runs])
    for alike, double in zip(runs, doubles, strict=True):
        kept += alike[:1] if double and len(alike[0].values) > 1 else alike
    if len(kept) < len(records):
        out.left_out.append(f"{len(records) - len(kept)} places that repeat the one before")
    return kept


def _cells(
    records: Sequence[Record], wanted: Mapping[str, str], decimal_comma: bool, out: Rows
) -> tuple[list[_Cell], dict[tuple[int, str], dict]]:
    cells: list[_Cell] = []
    more: dict[tuple[int, str], dict] = {}
    unread: Counter = Counter()
    for row, record in enumerate(records):
        said = str(record.values.get("part", ""))
        default = said if said in PARTS else PART.get(said.lower(), record.part)
        for raw, cell in record.values.items():
            own = raw in OWN or raw.startswith(OWN_BEGIN)
            name = parse_name(raw)
            if raw in wanted:
                part, _, quantity = wanted[raw].rpartition(".")
                name = Name(quantity, part or name.part)
            if not own and name.quantity not in ("loss", "accuracy", "perplexity", "f1", "mcc", *COUNTS):
                continue
            if is_missing(cell):
                continue
            number = parse(cell, decimal_comma)
            if number is None:
                unread[raw] += 1
                continue
            if name.quantity == "accuracy" and isinstance(cell, str) and "/" in cell:  # 7843/10000
                total = parse(cell.split("/")[1])
                number = (number[0] / total[0], False) if total and total[0] > 1 else number
            value = number[0] * (LN2 if record.bits and name.quantity == "loss" else 1)
            part = name.part or default or "train"
            if own:
                if math.isnan(value) or (0 <= value <= 1 if raw in (*FRACTIONS, *KIND) else value >= 0):
                    more.setdefault((row, part), {})[raw] = value
                else:
                    unread[raw] += 1
            else:
                cells.append(_Cell(row, raw, name, part, value, number[1]))
    cells = _of_perplexities(_without_doubles(cells), out)
    if any(record.bits for record in records):
        out.notes.append("fairseq writes losses in bits: they are multiplied by ln 2")
    for raw, count in unread.items():
        out.left_out.append(f"{count} cells of {raw!r} that are no number, or out of range")
    return cells, more


def _of_perplexities(cells: list[_Cell], out: Rows) -> list[_Cell]:
    """Read a perplexity as its logarithm, which is the loss, in a part that has no loss; else leave it out."""
    kept = [cell for cell in cells if cell.name.quantity != "perplexity"]
    measured = {cell.part for cell in kept if cell.name.quantity == "loss"}
    alone = not any(cell.name.quantity in ("loss", "accuracy") for cell in kept)
    for cell in cells:
        if cell.name.quantity != "perplexity" or cell.part in measured or cell.value <= 0:
            continue
        if cell.name.task is not None and not alone:
            continue
        value = cell.value if not math.isfinite(cell.value) else math.log(cell.value)
        kept.append(replace(cell, name=replace(cell.name, quantity="loss", task=None), value=value))
        if cell.raw not in out.perplexities:
            out.perplexities.append(cell.raw)
            out.notes.append(f"{cell.raw!r} is a perplexity: its logarithm is read as the loss")
    return kept


def _without_doubles(cells: list[_Cell]) -> list[_Cell]:
    """Leave out a bare loss that repeats the loss of an evaluation in its row, as TensorFlow's estimators write it."""
    evaluated = {(c.row, c.name.quantity): c.value for c in cells if c.raw.startswith("eval")}

    def repeats(cell: _Cell) -> bool:
        other = evaluated.get((cell.row, cell.name.quantity))
        return cell.name.part is None and other is not None and math.isclose(cell.value, other, rel_tol=1e-4)

    doubles = [cell for cell in cells if repeats(cell)]
    bare = [cell for cell in cells if cell.name.part is None and cell.name.quantity == "loss"]
    return [c for c in cells if c not in doubles] if len(doubles) > len(bare) / 2 else cells


def _parts_of_bare_accuracies(cells: list[_Cell], out: Rows) -> None:
    """An accuracy without a part belongs to the evaluation if no other does and the losses beside it name theirs."""
    losses = [cell for cell in cells if cell.name.quantity == "loss"]
    if any(cell.name.part is None for cell in losses) and not any(cell.raw.startswith("eval") for cell in losses):
        return
    if any(cell.name.quantity == "accuracy" and cell.name.part == "held_out" for cell in cells):
        return
    evaluated = {cell.row for cell in losses if cell.part == "held_out"}
    measures = ("accuracy", "f1", "mcc", *COUNTS)
    for raw in {cell.raw for cell in cells if cell.name.quantity in measures and cell.name.part is None}:
        of = [cell for cell in cells if cell.raw == raw]
        if evaluated and all(cell.row in evaluated for cell in of) and any(cell.part == "train" for cell in of):
            for cell in of:
                cell.part = "held_out"
            out.notes.append(f"{raw!r} is written beside a loss of an evaluation, and is taken for its accuracy")


def _chosen(cells: list[_Cell], wanted: Mapping[str, str], out: Rows) -> dict[tuple[str, str], str]:
    """Return which name is the loss and the accuracy of each part."""
    chosen: dict[tuple[str, str], str] = {}
    tasks = {c.name.task for c in cells if c.name.quantity in ("loss", "accuracy")}
    tasks |= {None for c in cells if c.name.quantity in COUNTS}
    alone = not tasks - {"other"}
    words = bool(tasks) and not tasks - {"mlm"}
    if words:
        out.notes.append("there is only a loss of words, which has no level of classes")
        out.perplexities += [c.raw for c in cells if c.name.quantity == "loss"][:1]
    outputs = _outputs(cells)
    for quantity in ("loss", "accuracy"):
        for part in PARTS:
            names: dict[str, list[_Cell]] = {}
            for cell in cells:
                if cell.name.quantity == quantity and cell.part == part:
                    names.setdefault(cell.raw, []).append(cell)
            usable = {
                raw: of
                for raw, of in names.items()
                if of[0].name.task in ((None, "nsp", "other") if alone else (None, "nsp"))
                or raw in wanted
                or (words and quantity == "loss")
            }
            if (
                not usable
                and quantity == "loss"
                and not any(c.name.quantity == "loss" and c.name.task in (None, "nsp", "mlm") for c in cells)
            ):
                usable = names  # ``NER loss`` beside an accuracy: there is no other
            if not usable:
                continue
            order, at = list(names), (quantity, part)
            most = max(len(of) for of in usable.values())

            def rank(raw: str, names: dict = names, order: list = order, most: int = most, at: tuple = at) -> tuple:
                name = names[raw][0].name
                few = len(names[raw]) < 0.2 * most
                return (
                    raw not in wanted,
                    name.task != "nsp",
                    few,
                    at[0] == "loss" and (at[1], name.extra) not in outputs,
                    name.running,
                    len(name.extra),
                    name.level == "epoch",
                    -len(names[raw]),
                    order.index(raw),
                )

            best = min(usable, key=rank)
            chosen[quantity, part] = best
            out.columns[f"{quantity} of {part}"] = best
            others = [raw for raw in order if raw != best]
            if others:
                shown = ", ".join(others[:6]) + (", ..." if len(others) > 6 else "")
                out.left_out.append(f"{quantity} of {part} is {best!r}; not used: {shown}")
            if names[best][0].name.running and best not in wanted:
                out.notes.append(f"{best!r} is a running mean: it lags behind what it measures")
    return chosen


def _outputs(cells: list[_Cell]) -> set[tuple[str, tuple[str, ...]]]:
    """Return the outputs of a model with several that have a loss and the only accuracy of their part.

    ``caps_acc`` belongs to ``caps_loss``, and not to ``loss``, which is the sum over all outputs.
    """
    found: set[tuple[str, tuple[str, ...]]] = set()
    for part in PARTS:
        scored = {cell.name.extra for cell in cells if cell.part == part and cell.name.quantity == "accuracy"}
        costs = {cell.name.extra for cell in cells if cell.part == part and cell.name.quantity == "loss"}
        if len(scored) == 1 and scored <= costs and () in costs and scored != {()} and len(costs) >= 3:
            found.add((part, scored.pop()))
    return found


def _values(
    chosen: Mapping[tuple[str, str], str], cells: list[_Cell], records: Sequence[Record], out: Rows
) -> dict[tuple[int, str], dict]:
    values: dict[tuple[int, str], dict] = {}
    for (quantity, part), raw in chosen.items():
        of = [cell for cell in cells if cell.raw == raw and cell.part == part]
        if quantity == "accuracy":
            largest = max((cell.value for cell in of if math.isfinite(cell.value)), default=0.0)
            percent = any(cell.percent for cell in of) or 1.5 < largest <= 100
            percent = percent or (0 < largest <= 1.5 and _percent_beside(of, raw, chosen, cells))
            percent = percent or ("@1" in raw and largest <= 1.5 and _knows_little(part, chosen, cells))
            if percent:
                out.notes.append(f"{raw!r} is in percent: divided by 100")
                for cell in of:
                    cell.value /= 100
            wrong = [cell for cell in of if not (math.isnan(cell.value) or -1e-9 <= cell.value <= 1 + 1e-9)]
            if wrong:
                out.beyond += [cell.value * (100 if percent else 1) for cell in wrong]
                out.left_out.append(
                    f"{len(wrong)} values of {raw!r} beyond what an accuracy can be, such as {wrong[0].value:g}"
                )
            of = [cell for cell in of if cell not in wrong]
        for cell in of:
            values.setdefault((cell.row, part), {})[quantity] = cell.value
    _apart(chosen, cells, values, out)
    return values


def _knows_little(part: str, chosen: Mapping[tuple[str, str], str], cells: list[_Cell]) -> bool:
    """Whether the loss beside an accuracy is so large that next to no row is right: ``Acc@1 0.39`` is then 0.39 %."""
    losses = [c.value for c in cells if c.raw == chosen.get(("loss", part)) and c.part == part]
    return len(losses) > 0 and min(losses) > MUCH


def _percent_beside(of: list[_Cell], raw: str, chosen: Mapping[tuple[str, str], str], cells: list[_Cell]) -> bool:
    """Whether small numbers are percent, too, since those beside them are, and are far nearer as they stand."""
    names = {name for (quantity, _), name in chosen.items() if quantity == "accuracy" and name != raw}
    others = [cell.value for cell in cells if cell.raw in names and 0 < cell.value <= 100]
    mine = [cell.value for cell in of if cell.value > 0]
    if not others or not mine or max(others) <= 1.5:
        return False
    here, there = sum(mine) / len(mine), sum(others) / len(others)
    return there < 10 and abs(math.log(here / there)) < abs(math.log(100 * here / there))


def _apart(chosen: Mapping, cells: list[_Cell], values: dict, out: Rows) -> None:
    """Take the sum of two tasks apart where both parts, or the sum and one part, are there."""
    for part in PARTS:
        raw = chosen.get(("loss", part))
        losses = [c for c in cells if c.name.quantity == "loss" and c.part == part]
        other = {c.row: c for c in losses if c.name.task == "mlm" and c.raw != raw}
        if raw is None or not other:
            continue
        mine = {c.row: c for c in losses if c.raw == raw}
        both = [row for row in mine if row in other and math.isfinite(mine[row].value + other[row].value)]
        if not both:
            continue
        label = other[both[0]].raw
        if mine[both[0]].name.task == "nsp":
            total = {c.row: c for c in losses if c.name.task is None}
            sums = [r for r in both if r in total and abs(total[r].value - mine[r].value - other[r].value) < 0.02]
            if len(sums) > len(both) / 2:
                out.notes.append(f"{total[sums[0]].raw!r} is the sum of {label!r} and {raw!r}: {raw!r} alone is read")
            continue
        if all(mine[row].value >= other[row].value - 1e-3 for row in both):
            for row in both:
                values[row, part]["loss"] = mine[row].value - other[row].value
            for row in set(mine) - set(both):
                if math.isfinite(mine[row].value):
                    values[row, part].pop("loss")
            out.columns[f"loss of {part}"] = f"{raw} - {label}"
            out.notes.append(f"{raw!r} is a sum of two tasks: {label!r} is taken from it")


def _counts(cells: list[_Cell], values: dict, out: Rows) -> None:
    """An accuracy and recalls from the counts tp, tn, fp, fn."""
    counts: dict[tuple[int, str], dict[str, float]] = {}
    for cell in cells:
        if cell.name.quantity in COUNTS:
            counts.setdefault((cell.row, cell.part), {})[cell.name.quantity] = cell.value
    done = False
    for place, of in counts.items():
        total = sum(of.values())
        if set(of) != set(COUNTS) or not total > 0 or not math.isfinite(total) or min(of.values()) < 0:
            continue
        row = values.setdefault(place, {})
        row.setdefault("accuracy", (of["tp"] + of["tn"]) / total)
        if of["tn"] + of["fp"]:
            row.setdefault("recall_is_next", of["tn"] / (of["tn"] + of["fp"]))
        if of["tp"] + of["fn"]:
            row.setdefault("recall_not_next", of["tp"] / (of["tp"] + of["fn"]))
        done = True
    if done:
        out.columns.setdefault("accuracy of held_out", "(tp + tn) / (tp + tn + fp + fn)")
        out.notes.append("recalls are computed from tp, tn, fp, fn, with class 0 as IsNext and class 1 as NotNext")


def _f1(cells: list[_Cell], values: dict) -> None:
    """F1 beside an accuracy, or Matthews' correlation beside either: they can show one answer for all rows.

    Where a log has neither loss nor accuracy, they are all that it has.
    """
    alone = not values
    for cell in cells:
        if alone and cell.name.quantity in ("f1", "mcc"):
            values.setdefault((cell.row, cell.part), {})
        row = values.get((cell.row, cell.part), {})
        value = cell.value / 100 if cell.percent or 1.5 < cell.value <= 100 else cell.value
        if cell.name.quantity == "f1" and (alone or "accuracy" in row) and 0 <= value <= 1:
            row.setdefault("f1", value)
        if cell.name.quantity == "mcc" and (alone or row) and -1 <= cell.value <= 1:
            row.setdefault("mcc", cell.value)


def _steps(records: Sequence[Record], wanted: Mapping[str, str], out: Rows) -> list[int]:
    """Return the step of each record; where there is none, rows are counted."""
    raws: dict[str, int] = Counter()
    for record in records:
        for raw in record.values:
            if parse_name(raw).quantity in ("step", "batch") or wanted.get(raw) == "step":
                raws[raw] += 1
    found: list[float | None] = [None] * len(records)
    if raws:
        best = min(
            raws,
            key=lambda r: (
                wanted.get(r) != "step",
                not parse_name(r).whole,
                parse_name(r).quantity == "batch",
                -raws[r],
            ),
        )
        same = [
            r for r in raws if parse_name(r).quantity == parse_name(best).quantity or parse_name(r).quantity == "step"
        ]
        out.columns["step"] = best
        for index, record in enumerate(records):
            for raw in [best, *same]:
                number = parse(record.values[raw]) if raw in record.values else None
                if number and math.isfinite(number[0]) and 0 <= number[0] < 1e15:
                    found[index] = number[0]
                    break
        found = _across_epochs(found, records, best, out)
    if all(step is None for step in found):
        epochs = [_epoch(record) for record in records]
        out.notes.append(
            "there are no steps: "
            + ("epochs" if any(e is not None for e in epochs) else "rows")
            + " are counted instead"
        )
        return _by_epoch(epochs)
    if any(step is not None and step != int(step) for step in found):
        out.notes.append("steps are no whole numbers: rounded down")
    missing, last = 0, 0
    steps = []
    for step in found:
        missing += step is None
        last = int(step) if step is not None else last
        steps.append(last)
    out.steps_known = not missing
    if missing:
        out.notes.append(f"{missing} places have no step: that of the place before is taken")
    return steps


def _epoch(record: Record) -> float | None:
    for raw, value in record.values.items():
        if parse_name(raw).quantity == "epoch":
            number = parse(value)
            return number[0] if number and math.isfinite(number[0]) else None
    return None


def _by_epoch(epochs: list[float | None]) -> list[int]:
    """Count rows; an epoch that is named twice is one row for training and one for evaluation, so one number."""
    steps, last, count = [], None, 0
    for epoch in epochs:
        if epoch is None or epoch != last:
            count += 1
        last = epoch
        steps.append(count)
    return steps


def _across_epochs(found: list[float | None], records: Sequence[Record], raw: str, out: Rows) -> list[float | None]:
    """Where steps begin again in each epoch, count through."""
    known: list[float | None] = []  # -1 is the end of an epoch
    for step in found:
        known.append(known[-1] if step is None and known else step)
    falls = [i for i in range(1, len(found)) if _less(found[i], known[i - 1])]
    epochs = [_epoch(record) for record in records]
    rises = [i for i in falls if epochs[i] is not None and epochs[i - 1] is not None and epochs[i] > epochs[i - 1]]  # type: ignore[operator]
    if not falls or len(rises) < max(1, len(falls) / 2):
        return found
    totals = [str(r.values.get(raw, "")).split("/")[1:] for r in records]
    total = next((parse(t[0]) for t in totals if t), None)
    offset, last, counted = 0.0, 0.0, []
    for index, step in enumerate(found):
        if index in rises:
            offset += total[0] if total and total[0] > 0 else last
        last = step if step is not None else last
        counted.append(None if step is None else offset + step)
    out.notes.append(f"{raw!r} begins again in each epoch: counted through")
    return counted


def _less(step: float | None, before: float | None) -> bool:
    return step is not None and before is not None and step < before


def _missing_nans(rows: list[dict], records: Sequence[Record], out: Rows) -> list[dict]:
    """In a table, NaN where the row holds another number and numbers follow means that nothing was measured."""
    dropped = 0
    for part in PARTS:
        for name in ("loss", "accuracy"):
            of = [row for row in rows if row["part"] == part and name in row]
            other = {"loss": "accuracy", "accuracy": "loss"}[name]
            nans = [row for row in of if math.isnan(row[name])]
            if any(math.isfinite(row.get(other, math.nan)) for row in nans):
                continue  # these rows were measured
            ends = bool(of) and math.isnan(of[-1][name])
            alone = [
                r
                for r in nans
                if any(o["_row"] == r["_row"] and o is not r and math.isfinite(o.get("loss", math.nan)) for o in rows)
            ]
            first = next((i for i, row in enumerate(of) if not math.isnan(row[name])), len(of))
            if nans and (not ends or len(of) - len(nans) > 2) and len(alone) == len(nans) and first < len(of):
                back = next((i for i, row in enumerate(reversed(of)) if not math.isnan(row[name])), 0)
                if back <= max(1, 2 * len(nans) // max(1, len(of) - len(nans))):
                    for row in nans:
                        del row[name]
                        dropped += 1
    if dropped:
        out.notes.append(f"{dropped} cells of NaN are empty cells: numbers of the same name follow")
    return [row for row in rows if len(row) > 3]


def _in_order(rows: list[dict], out: Rows) -> list[dict]:
    """Rows whose steps never fall: of a resumed run the newer rows, of two runs the last."""
    kinds = {row["part"] for row in rows}
    if "train" not in kinds:
        if any(_less(b["step"], a["step"]) for a, b in zip(rows, rows[1:], strict=False)):
            out.notes.append("evaluations are put in the order of their steps")
        if len(rows) > 1 and len({(row["step"], row["part"]) for row in rows}) == 1 and out.steps_known:
            out.left_out.append(f"{len(rows) - 1} evaluations at the same step as the last: other runs, or other sets")
            return rows[-1:]
        return sorted(rows, key=lambda row: row["step"])
    order = [rows[:1]]
    for index, (before, row) in enumerate(zip(rows, rows[1:], strict=False), 1):
        if row["step"] < before["step"] and not (row["part"] != "train" and _is_aside(rows, index)):
            order.append([])
        order[-1].append(row)
    if len(order) > 1 and len(order) > min(50, len(rows) / 3):  # written in no order, such as by several workers
        out.notes.append("rows are put in the order of their steps")
        return sorted(rows, key=lambda row: row["step"])
    kept = order[0]
    for segment in order[1:]:
        begin = segment[0]["step"]
        again = [row for row in kept if row["step"] >= begin]
        if len(again) == len(kept):
            out.notes.append(
                f"steps begin again: the file holds more than one run, and the {len(kept)} rows of an earlier one are "
                "left out"
            )
        else:
            out.notes.append(f"resumed at step {begin}: {len(again)} earlier rows from there on are left out")
        kept = [row for row in kept if row["step"] < begin] + segment
    return sorted(kept, key=lambda row: row["step"])


def _is_aside(rows: list[dict], index: int) -> bool:
    """Whether an evaluation carries a step of its own that lies back, while training goes on."""
    following = next((row for row in rows[index + 1 :] if row["part"] == "train"), None)
    before = next((rows[i] for i in range(index - 1, -1, -1) if rows[i]["part"] == "train"), None)
    return before is not None and (following is None or following["step"] >= before["step"])
