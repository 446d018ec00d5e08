"""Feed wrong answers to every code exercise and count what the checks say; `make checks-report` prints the table."""

import importlib.util
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

os.environ["NSPUTIL_PROGRESS"] = "off"

from nsputil.checks import bank
from nsputil.checks.verdict import RIGHT  # noqa: E402

FOLDER = Path(__file__).resolve().parent / "mutants"


#: Names that every code exercise knows.
ALWAYS = {"mutates_input", "float32_only", "package_called"}


@dataclass(frozen=True)
class Row:
    """One wrong answer and what the check said about it."""

    exercise: str
    number: int
    embodies: str
    mistake: str
    passed: bool

    @property
    def recognized(self):
        return self.mistake == self.embodies != ""

    @property
    def misleading(self):
        """It got the message of a listed mistake that it does not make."""
        named = {idea.name for idea in bank.exercises()[self.exercise].misconceptions}
        named |= ALWAYS
        return self.mistake in named and self.mistake != self.embodies


@cache
def answers(kind):
    """Return {exercise: list} of RIGHT or WRONG over all modules in mutants/."""
    found = {}
    for path in sorted(FOLDER.glob("nb*.py")):
        spec = importlib.util.spec_from_file_location(f"mutants_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= getattr(module, kind)
    return found


@cache
def rows(seed=0):
    """Judge every wrong answer."""
    result = []
    for name, wrong in answers("WRONG").items():
        for number, (embodies, answer) in enumerate(wrong, 1):
            verdict = bank.exercises()[name].judge(answer, seed)
            result.append(Row(name, number, embodies, verdict.mistake, verdict.state == RIGHT))
    return result


def table(result):
    """Return the table as text."""
    lines = [f"{'exercise':28s} wrong  passed  listed  recognized  misleading"]
    names = list(dict.fromkeys(row.exercise for row in result))
    for name in [*names, "all"]:
        group = [row for row in result if name in ("all", row.exercise)]
        listed = sum(row.embodies != "" for row in group)
        recognized = sum(row.recognized for row in group)
        lines.append(
            f"{name:28s} {len(group):5d}  {sum(row.passed for row in group):6d}  {listed:6d}  "
            f"{recognized:4d} {recognized / max(listed, 1):4.0%}  {sum(row.misleading for row in group):10d}"
        )
    for row in result:
        if row.passed or row.misleading or (row.embodies and not row.recognized):
            lines.append(f"! {row.exercise} {row.number}: embodies {row.embodies or '-'}, said {row.mistake or '-'}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(rows()))
    sys.exit(0)
