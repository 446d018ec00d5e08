"""Write docs/objectives.md: which exercise trains which objective; with --check say whether it is true.

It fails if an objective ("You will") of a notebook that has exercises is trained by none of them, or if an exercise
names an objective that its notebook does not have. Notebooks without exercises are listed as such.
"""

import re
import sys
from pathlib import Path

import nbformat

from nsputil.checks import bank

ROOT = Path(__file__).resolve().parent.parent
#: The kinds of exercise and their level in the revised taxonomy of Bloom (Anderson and Krathwohl 2001).
LEVELS = {
    "recall": "remember", "compute": "apply", "implement": "apply", "predict": "understand", "explain": "understand",
    "debug": "analyse", "read": "analyse", "critique": "evaluate", "design": "create",
}  # fmt: skip
HEAD = """\
# What the exercises cover

Written by `tools/objectives.py` from the notebooks' objectives and the exercise bank; do not edit.

Each exercise has its kind, its level in the revised taxonomy of Bloom (Anderson and Krathwohl 2001), and its minutes.
"""


def objectives(path):
    """Return the points of "You will" of a notebook."""
    first = nbformat.read(path, as_version=4).cells[0].source
    return re.findall(r"^- (.*)$", first.split("**You will**")[-1].split("**You need**")[0], re.MULTILINE)


def coverage(root=ROOT):
    """Return the text of docs/objectives.md and a list of problems."""
    lines, found, without = [HEAD], [], []
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        number, points = int(path.stem[:2]), objectives(path)
        group = [e for e in bank.exercises().values() if e.notebook == number]
        if not group:
            if number > 0:
                without.append(path.stem)
            continue
        minutes = sum(exercise.minutes for exercise in group)
        lines.append(f"## {path.stem}: {len(group)} exercises, {minutes} minutes\n")
        lines.append("| objective | exercises |\n|---|---|")
        for k, point in enumerate(points, 1):
            names = [
                f"{e.title} (`{e.name}`, {e.kind}: {LEVELS[e.kind]}, {e.minutes} min)"
                for e in group
                if k in e.objectives
            ]
            lines.append(f"| {k}. {point} | {'; '.join(names)} |")
            if not names:
                found.append(f"{path.stem}: no exercise trains objective {k}, {point!r}")
        for exercise in group:
            if not set(exercise.objectives) <= set(range(1, len(points) + 1)):
                found.append(f"{exercise.name} names objectives {exercise.objectives}; there are {len(points)}")
        lines.append("")
    if without:
        lines.append(f"Without exercises so far: {', '.join(without)}.\n")
    return "\n".join(lines), found


def main(arguments):
    """Write the page; with --check compare only, and return 1 if something is missing or stale."""
    path = ROOT / "docs" / "objectives.md"
    text, found = coverage()
    if "--check" not in arguments:
        changed = not path.exists() or path.read_text(encoding="utf-8") != text
        path.write_text(text, encoding="utf-8", newline="\n")
        print("docs/objectives.md is written again" if changed else "docs/objectives.md was up to date")
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        found.append("docs/objectives.md is stale; run tools/objectives.py")
    print("\n".join(found) if found else "every objective of a notebook with exercises has one")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
