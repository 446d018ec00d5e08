"""How the inquiry fares on defects that were written without sight of the catalogue and of the diagnosis.

    python -m research.independent.measure open [--limit N] [--only NAME]     one set; `sealed` is the other

Rates are by defect and, in brackets, by cause once, so that many cases of one cause do not count many times. Each comes
with Wilson's 95 % interval. What does harm is in each set's harm.json, measured by its author's own clean evaluation.
"""

import argparse
import importlib
import json
import os
import sys
import time
import warnings
from pathlib import Path

from nsputil.clinic.investigation import investigate

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "results" / "research"


def cases(name, only=None, seeds=1):
    """Yield ``(kind, name, program, truth, build, base)`` of a set: truth is ``(cause, place)``.

    A healthy variation comes once for each of the seeds.
    """
    sys.path.insert(0, str(folder(name)))
    module = importlib.import_module("defects")
    for defect in module.DEFECTS:
        if only is None or only in defect.name:
            base = module.PROGRAMS[defect.program](0)
            yield (
                defect.kind,
                defect.name,
                defect.program,
                (defect.cause, getattr(defect, "place", "")),
                defect.build,
                base,
            )
    for seed in range(seeds):
        for healthy in module.HEALTHY:
            if only is None or only in healthy.name:
                yield (
                    "d",
                    healthy.name if seed == 0 else f"{healthy.name}, seed {seed}",
                    healthy.program,
                    ("healthy", ""),
                    healthy.build,
                    module.PROGRAMS[healthy.program](seed),
                )


def folder(name):
    """Return the folder of a set: beside this file, or where the variable NSPUTIL_INDEPENDENT says."""
    return Path(os.environ.get("NSPUTIL_INDEPENDENT", HERE)) / name


def harm_of(name):
    """Return the harm of each defect: the larger of what the true accuracy loses and what the report is off."""
    stored = json.loads((folder(name) / "harm.json").read_text())
    if "defects" in stored:
        rows = stored["defects"].items()
        return {case: max(row["accuracy_lost"], abs(row["report_error_accuracy"])) for case, row in rows
                if row.get("accuracy_lost") is not None}  # fmt: skip
    found = {}
    for case, row in stored.items():
        seeds = row.get("seeds") if isinstance(row, dict) else None
        harms = [_harm(seed["base"], seed["defect"]) for seed in seeds or [] if seed["defect"].get("true")]
        if harms:
            found[case] = max(sum(lost for lost, _ in harms), sum(off for _, off in harms)) / len(harms)
    return found


def _harm(base, defect):
    """Return what the true accuracy loses, and how far the reported one is from the true one."""
    true = defect["true"]["accuracy"]
    reported = (defect.get("reported") or {}).get("accuracy")
    reported = true if reported is None else reported  # the report names no accuracy
    return base["true"]["accuracy"] - true, abs(reported - true)


def main(arguments=None):
    """Inquire into each case and store a row for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=["open", "sealed"])
    parser.add_argument("--limit", type=int, default=10**9)
    parser.add_argument("--only")
    parser.add_argument("--every", type=int, default=1, help="each so many-th case")
    parser.add_argument("--shard", default="", help="such as 0/2: the first half, in a file of its own")
    parser.add_argument("--seeds", type=int, default=1, help="of each healthy variation")
    parser.add_argument("--again", action="store_true", help="also the cases that are stored")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    shard, of = map(int, options.shard.split("/")) if options.shard else (0, 1)
    path = BUILD / f"independent_{options.set}{options.shard.replace('/', '_of_')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = json.loads(path.read_text()) if path.exists() else {}
    for number, (kind, name, program, truth, build, base) in enumerate(cases(options.set, options.only, options.seeds)):
        if number % options.every or (options.shard and number % of != shard):
            continue
        if (name in rows and not options.again) or options.limit <= 0:
            continue
        options.limit -= 1
        start = time.perf_counter()
        try:
            found = investigate(build(base))
            row = {"answer": found.answer, "cause": found.cause, "place": found.place, "names": found.names}
            row |= {"confidence": found.confidence, "evidence": found.kind}
            row |= {"trainings": found.trainings, "text": found.text()}
        except Exception as error:  # a crash is a wrong answer
            row = {"answer": "crash", "cause": None, "place": None, "names": [], "confidence": 1.0}
            row |= {"evidence": "crash", "trainings": 0, "text": f"{type(error).__name__}: {error}"}
        rows[name] = row | {
            "kind": kind,
            "truth": truth,
            "program": program,
            "seconds": round(time.perf_counter() - start, 1),
        }
        path.write_text(json.dumps(rows, indent=1))
        print(
            f"{kind} {name:50s} {truth[0][:40]:40s} -> {row['answer']} {row['cause'] or row['place'] or ''}", flush=True
        )


if __name__ == "__main__":
    main()
