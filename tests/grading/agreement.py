"""Whether the verdict from outside is the one that the learner saw: all kept answers, judged in both ways.

python tests/grading/agreement.py           every answer, functions on three seeds
python tests/grading/agreement.py 20        every 20th answer, on one seed
"""

import contextlib
import io
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "checks"))

import kept_answers
import mutation
import small_changes

from nsputil.checks import bank
from nsputil.grading.box import PlainRoom, Room
from nsputil.grading.judging import judge_answer
from nsputil.grading.limits import Limits

SEEDS = (0, 1, 2)


def answers():
    """Return (exercise, kind, cells, value): cells that define the exercise's name in a box, and its value here."""
    found = []
    _, imports = small_changes.solution_sources()
    for path in sorted(mutation.FOLDER.glob("nb*.py")):
        source = path.read_text(encoding="utf-8")
        for kind in ("RIGHT", "WRONG"):
            for name, listed in mutation.answers(kind).items():
                if bank.exercises()[name].notebook == int(path.stem[2:]):
                    for k, each in enumerate(listed):
                        value = each if kind == "RIGHT" else each[1]
                        pick = f"{name} = {kind}[{name!r}][{k}]" + ("[1]" if kind == "WRONG" else "")
                        found.append((name, "mutants", [source, pick], value))
    for kind in ("right", "wrong", "text"):
        for answer in kept_answers.answers(kind):
            found.append((answer.name, f"kept {kind}", [imports[answer.name], answer.source], answer))
    for path in sorted((small_changes.ROOT / "solutions").glob("*/*.ipynb")):
        found += _solutions(path, imports)
    return found


def _solutions(path, imports):
    import nbformat

    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    for exercise in bank.exercises().values():
        if exercise.notebook == int(path.stem[:2]):
            source = cells[exercise.name.replace("_", "-")]
            answer = kept_answers.Answer(exercise.name, "the solution", source)
            yield exercise.name, "solutions", [imports[exercise.name], source], answer


def compare(room, listed, seeds):
    """Yield (exercise, kind, seed, visible verdict, verdict from outside), a box for each answer."""
    limits = room.limits
    for name, kind, cells, value in listed:
        exercise = bank.exercises()[name]
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            value = value.value() if hasattr(value, "source") else value
        with room.open() as box:
            for number, source in enumerate(cells):
                box.ask("read", 20, sources=[source])
                box.ask("run", 60, cell=number)
            for seed in seeds if exercise.answer_is_function else seeds[:1]:
                visible = exercise.judge(value, seed)
                found = box.ask("look", 20, name=name)
                outside, _ = judge_answer(box, exercise, name, found, (seed,), limits)
                yield name, kind, seed, visible, outside


def main(arguments):
    """Compare and print the counts; return 1 if a state or a mistake differs."""
    part = int(arguments[0]) if arguments else 1
    listed, seeds = answers()[::part], SEEDS if part == 1 else SEEDS[:1]
    counts, start = Counter(), time.perf_counter()
    with (PlainRoom if "--trust" in arguments else Room)(Limits()) as room:
        for name, kind, seed, visible, outside in compare(room, listed, seeds):
            same = (visible.state, visible.mistake) == (outside.state, outside.mistake)
            counts[kind, "judged"] += 1
            counts[kind, "same"] += same
            counts[kind, "same text"] += visible == outside
            if not same:
                print(f"! {kind}, {name}, seed {seed}: {visible.state} {visible.mistake}, {outside.state} "
                      f"{outside.mistake}: {outside.message[:200]}")  # fmt: skip
    kinds = list(dict.fromkeys(kind for kind, _ in counts))
    print(f"{'':12s} verdicts  the same  text too")
    for kind in kinds:
        print(f"{kind:12s} {counts[kind, 'judged']:8,d}  {counts[kind, 'same']:8,d}  {counts[kind, 'same text']:8,d}")
    judged, same = (sum(counts[kind, what] for kind in kinds) for what in ("judged", "same"))
    print(f"{same:,} of {judged:,} verdicts the same in state and mistake, {time.perf_counter() - start:.0f} s")
    return 0 if same == judged else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
