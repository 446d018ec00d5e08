"""Make the pool of seeds: those on which every right answer that is kept passes; or try the pool that is stored.

python tests/grading/make_seeds.py            try the stored pool on all right answers (make grader-agreement does)
python tests/grading/make_seeds.py --make     make it again, from seeds that were not looked at before
"""

import contextlib
import io
import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "checks"))

import kept_answers
import mutation
import small_changes

from nsputil.checks import bank
from nsputil.checks.verdict import RIGHT
from nsputil.grading import seeds

FIRST, SIZE = 1_000, 48


def right_functions(part=1):
    """Return (exercise, what, function) of right answers in words of three kinds of authors; every `part`-th."""
    exercises, found = bank.exercises(), []
    sources, imports = small_changes.solution_sources()
    for name, source in sources.items():
        space = {}
        exec(imports[name], space)
        exec(source, space)
        found.append((name, "the solution", space[name]))
    for name, answers in mutation.answers("RIGHT").items():
        found += [(name, f"right {k} of the mutants", answer) for k, answer in enumerate(answers)]
    for answer in kept_answers.answers("right")[::part]:
        if exercises[answer.name].answer_is_function:
            found.append((answer.name, answer.what, answer.value()))
    return found


def refused(functions, seed):
    """Return the right answers that a seed refuses."""
    found = []
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for name, what, function in functions:
            verdict = bank.exercises()[name].judge(function, seed)
            if verdict.state != RIGHT:
                found.append((name, what, verdict.message))
    return found


def main(arguments):
    """Make the pool, or try it; return 1 if it refuses a right answer."""
    functions, count, bad = right_functions(), 0, 0
    if "--make" in arguments:
        chosen, seed = [], FIRST
        while len(chosen) < SIZE:
            wrongly = refused(functions, seed)
            count += len(functions)
            bad += len(wrongly)
            chosen += [] if wrongly else [seed]
            for line in wrongly:
                print(f"seed {seed} is left out:", *line)
            seed += 1
        seeds.FILE.write_text(json.dumps({"seeds": chosen}) + "\n", encoding="utf-8")
        print(f"{count:,} judgements of right answers on seeds drawn blindly, {bad} refused; {SIZE} seeds are stored")
        return 0
    for seed in seeds.pool():
        wrongly = refused(functions, seed)
        count += len(functions)
        bad += len(wrongly)
        for line in wrongly:
            print(f"seed {seed} refuses:", *line)
    print(f"right answers refused on the seeds of the pool: {bad} of {count:,} judgements")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
