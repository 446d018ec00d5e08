"""Feed wrong answers to every code exercise and count what the checks say; `make checks-report` prints the table."""

import importlib.util
import os
import statistics
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

os.environ["NSPUTIL_PROGRESS"] = "off"

from nsputil.checks import bank
from nsputil.checks.verdict import NOT_DONE, RIGHT  # noqa: E402

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


#: What a verdict says to an answer that it refuses without knowing why.
UNNAMED = {"value", "exception", ""}


def report():
    """Return the lines of `make checks-report`: the whole of what is known about the checks."""
    import cheats
    import kept_answers
    import small_changes

    exercises, own = bank.exercises(), rows()
    lines = [table(own), "", small_changes.table(small_changes.all_tallies()), ""]
    right = [(a, exercises[a.name].judge(a.value())) for a in kept_answers.answers("right")]
    wrong = [(a, exercises[a.name].judge(a.value())) for a in kept_answers.answers("wrong")]
    refused = [a for a, verdict in right if verdict.state != RIGHT]
    accepted = [a for a, verdict in wrong if verdict.state == RIGHT]
    named = [a for a, verdict in wrong if verdict.state != RIGHT and verdict.mistake not in UNNAMED]
    told = [a for a, verdict in wrong if verdict.state == NOT_DONE]
    points, agreeing = kept_answers.points_of_texts()
    passed = [row for row in cheats.outcomes() if row[2] == RIGHT]
    beyond = [row for row in passed if cheats.BEYOND in row[1]]
    listed = [row for row in own if row.embodies]
    functions = [a for a in kept_answers.answers("right") if exercises[a.name].answer_is_function]
    lines += [
        f"{'written from the sheets alone':44s} {len(right)} right, {len(wrong)} wrong, {points} points of texts",
        f"{'own mistakes named':44s} {(len(named) + len(told)) / len(wrong):.1%} of the wrong ones",
        f"{'listed mistakes named':44s} {sum(row.recognized for row in listed) / len(listed):.1%} of {len(listed)}",
        f"{'misleading':44s} {sum(row.misleading for row in own)} of {len(own)}",
        f"{'wrong accepted':44s} {len(accepted) / len(wrong):.2%}",
        f"{'right refused':44s} {len(refused) / len(right):.2%}",
        f"{'points of texts found or not found rightly':44s} {agreeing / points:.1%}",
        f"{'cheats accepted':44s} {len(passed) - len(beyond)} of {len(cheats.CHEATS) - len(beyond)}, "
        f"and {len(beyond)} that reach into the check itself",
        f"{'time of a check':44s} {1000 * median_seconds(functions):.1f} ms, median of the functions",
    ]
    lines += [f"! refused: {a.name}, {a.what}" for a in refused]
    lines += [f"! accepted: {a.name}, {a.what}" for a in accepted]
    return "\n".join(lines + [f"! cheat: {row}" for row in passed])


def median_seconds(answers):
    """Return the median time of a check, of all answers, each judged for the second time."""
    seconds = []
    for answer in answers:
        exercise, value = bank.exercises()[answer.name], answer.value()
        start = time.perf_counter()
        exercise.judge(value)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    print(report())
