"""A page for each student: their own results, and nothing about anybody else."""

from nsputil.checks.verdict import RIGHT
from nsputil.grading.book import BookRow
from nsputil.grading.pages import page
from nsputil.grading.shown import for_page
from nsputil.grading.spoken import summary, title, verdict
from nsputil.grading.tables import number


def feedback_page(row: BookRow, assignment: str) -> str:
    """Return the page of one student as HTML.

    Parameters
    ----------
    row : BookRow
    assignment : str

    Returns
    -------
    str
        It shows what the checks said, and a person's marks and comments. It has no solution, no input on which the
        answers were judged, and no script.
    """
    who = for_page(row.label or row.student, 200)
    parts = [f"<h1>{for_page(assignment)}</h1>", f"<p>{who}</p>", f"<p><strong>{for_page(summary(row))}</strong></p>"]
    for exercise in row.exercises:
        state, lines = verdict(row, exercise)
        points = f"{number(row.points(exercise))} of {number(exercise.most)} points"
        look = "right" if exercise.state == RIGHT else "wrong" if not exercise.manual else "waits"
        parts.append(f"<section>\n<h2>{for_page(title(exercise))}</h2>")
        parts.append(f'<p><span class="state {look}">{for_page(state)}</span>, {points}</p>')
        parts += [f'<p class="words">{for_page(line)}</p>' for line in lines if line]
        if exercise.manual and exercise.text.strip():
            parts.append(f"<blockquote>{for_page(exercise.text.strip(), 20_000)}</blockquote>")
        parts.append("</section>")
    return page(f"{for_page(assignment)}: {who}", "\n".join(parts))
