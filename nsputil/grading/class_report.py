"""The report of a class: a page with tables and a picture, and the same numbers as CSV."""

import base64
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nsputil.grading.book import BookRow
from nsputil.grading.class_facts import ExerciseFacts, class_facts
from nsputil.grading.job import GRADED
from nsputil.grading.pages import page
from nsputil.grading.shown import for_page
from nsputil.grading.tables import Table, number

HEADS = ("exercise", "right", "not yet", "not done", "not judged", "waits", "mean", "separates", "most common mistakes")
MOST_BARS = 12


def report_table(facts: Sequence[ExerciseFacts]) -> Table:
    """Return the table of the exercises; one row for each."""
    rows = [list(HEADS)]
    for f in facts:
        mistakes = ", ".join(f"{name} {count}" for name, count in f.mistakes[:5])
        counts = ["" if f.manual else str(f.right), "" if f.manual else str(f.wrong), str(f.not_done)]
        rows.append([f.name, *counts, str(f.ungradable), str(f.waiting), _share(f.mean), _two(f.separates), mistakes])
    return Table(rows)


def report_page(rows: Sequence[BookRow], assignment: str, picture: bytes | None) -> str:
    """Return the report as an HTML page.

    Parameters
    ----------
    rows : sequence of BookRow
    assignment : str
    picture : bytes, optional
        A PNG; see `draw_class`.

    Returns
    -------
    str
    """
    facts, parts = class_facts(rows), [f"<h1>{for_page(assignment)}: the class</h1>"]
    counts = Counter(row.outcome.status for row in rows)
    parts.append(f"<p>{len(rows)} submissions: " + ", ".join(f"{n} {for_page(s)}" for s, n in counts.items()) + ".</p>")
    scores = sorted(row.score for row in rows if row.score is not None)
    if scores:
        middle = (scores[(len(scores) - 1) // 2] + scores[len(scores) // 2]) / 2
        most = max(row.outcome.graded.most for row in rows if row.outcome.graded)
        parts.append(
            f"<p>Points: from {number(scores[0])} to {number(scores[-1])}, "
            f"median {number(middle)}, of {number(most)}.</p>"
        )
    if picture:
        data = base64.b64encode(picture).decode("ascii")
        parts.append(f'<p><img alt="{for_page(in_words(facts))}" src="data:image/png;base64,{data}"></p>')
    parts.append("<h2>Exercises</h2>" + _html(report_table(facts)))
    parts.append(
        "<p>“Mean” is of the points. “Separates” is the correlation between the points of an exercise and those of all "
        "others: near 1, those who are strong elsewhere solve it and the others do not; near 0, it says nothing about "
        "them; below 0, look at the exercise itself.</p>"
    )
    others = [row for row in rows if row.outcome.status != GRADED]
    if others:
        lines = [["student", "name", "status", "reason", "what was found"]]
        lines += [[r.student, r.label, r.outcome.status, r.outcome.reason, r.outcome.detail] for r in others]
        parts.append("<h2>Not graded</h2>" + _html(Table(lines)))
    notes = [[row.student, note] for row in rows if row.outcome.graded for note in row.outcome.graded.notes]
    if notes:
        parts.append("<h2>Notes</h2>" + _html(Table([["student", "note"], *notes])))
    return page(f"{for_page(assignment)}: the class", "\n".join(parts))


def in_words(facts: Sequence[ExerciseFacts]) -> str:
    """Return one sentence that says what the picture shows."""
    bars = mistake_bars(facts)
    if not bars:
        return "No mistake with a name was made."
    best = max((f for f in facts if not math.isnan(f.separates)), key=lambda f: f.separates, default=None)
    text = f"The most common mistake is {bars[0][1]} in {bars[0][0]}, made {bars[0][2]} times."
    return text + (f" The exercise that separates most is {best.name}, {best.separates:.2f}." if best else "")


def mistake_bars(facts: Sequence[ExerciseFacts]) -> list[tuple[str, str, int]]:
    """Return (exercise, misconception, number) of the most common misconceptions, the most common first."""
    found = [(f.name, mistake, count) for f in facts for mistake, count in f.mistakes]
    return sorted(found, key=lambda bar: -bar[2])[:MOST_BARS]


def draw_class(facts: Sequence[ExerciseFacts], path: Path) -> None:
    """Draw how common each misconception is and how well each exercise separates, as a PNG.

    Parameters
    ----------
    facts : sequence of ExerciseFacts
    path : Path
    """
    import matplotlib

    matplotlib.use("Agg")
    from nsputil.plotting import COLORS, new_figure

    bars, shown = mistake_bars(facts), [f for f in facts if not math.isnan(f.separates)]
    height = 1.5 + 0.32 * max(len(bars), len(shown), 3)
    fig, (left, right) = new_figure(13, height, ncols=2)
    names = [f"{mistake} ({exercise})" for exercise, mistake, _ in bars]
    left.barh(names or ["none"], [count for *_, count in bars] or [0], color=COLORS["vermillion"])
    left.set_title("Mistakes: how many made each")
    left.xaxis.get_major_locator().set_params(integer=True)
    right.barh(
        [f.name for f in shown] or ["too few submissions"], [f.separates for f in shown] or [0], color=COLORS["blue"]
    )
    right.set_title("How well an exercise separates")
    right.set_xlim(min([0.0, *(f.separates for f in shown)]), 1)
    for axes in (left, right):
        axes.invert_yaxis()
    fig.savefig(path, format="png", dpi=110)
    from matplotlib import pyplot

    pyplot.close(fig)


def _html(table: Table) -> str:
    head, *lines = table.rows
    cells = "".join(f"<th>{for_page(name)}</th>" for name in head)
    rows = ["".join(f"<td>{for_page(cell, 500)}</td>" for cell in line) for line in lines]
    return f"<table>\n<tr>{cells}</tr>\n" + "\n".join(f"<tr>{row}</tr>" for row in rows) + "\n</table>"


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.0f} %"


def _two(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
