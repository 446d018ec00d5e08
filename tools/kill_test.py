"""The kill test of every fault in every program, and of the placebo: nsputil/clinic/data/harm.json and its table.

    python tools/kill_test.py [--limit-minutes 60]               # trains what is missing
    python tools/kill_test.py --pairs 6 --program bert NAME ...  # of these faults, in these programs, more pairs
    python tools/kill_test.py --anew NAME ...                    # forgets the pairs of these faults first
    python tools/kill_test.py --table        # writes benchmarks/results/kill_test.txt from what is kept

Every pair is kept, so an interrupted run goes on, and the table can be judged anew without training. About an hour
of one core.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy is loaded

import numpy as np

from nsputil.clinic.faults import FAULTS
from nsputil.clinic.kill_test import (
    AT_HOME,
    ELSEWHERE,
    TABLE,
    in_columns,
    judge_fault,
    judge_harm,
    kill_test,
    pair_harm,
    pairs_wanted,
    redrawn,
)
from nsputil.clinic.programs import PROGRAMS

REPORT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "kill_test.txt"
SIGNS = {"harm": "*", "undecided": "?", "none": " "}
PLACEBOS = {"bag": 16, "bert": 8}  # pairs of two healthy runs


def missing(table, pairs):
    """Yield ``(fault name or "placebo", program, pairs)`` of all that the table lacks."""
    for program in PROGRAMS:
        for name, fault in FAULTS.items():
            if fault.fits(program):
                kept = len(table["faults"].get(name, {}).get(program.name, {}).get("severity", ()))
                wanted = max(pairs, pairs_wanted(fault, program))
                if kept < wanted:
                    yield name, program, range(kept, wanted)
        if len(table["placebo"].get(program.name, {}).get("loss", ())) < PLACEBOS[program.encoder]:
            yield "placebo", program, range(PLACEBOS[program.encoder])


def keep(table):
    """Write the table, in the order of the catalogue."""
    order = [program.name for program in PROGRAMS]
    table["faults"] = {
        name: {program: table["faults"][name][program] for program in order if program in table["faults"][name]}
        for name in FAULTS
        if name in table["faults"]
    }
    text = json.dumps(table, indent=1)
    lines = text.replace("[\n     ", "[").replace(",\n     ", ", ").replace("\n    ]", "]")
    TABLE.write_text(lines + "\n", encoding="utf-8", newline="\n")


def false_alarms(table, program, quantity, draws=4000):
    """Return how often the placebo is condemned in a program: pairs drawn from its own, each taken in either order.

    At home it is judged as a fault is. Elsewhere it is judged as if it stood condemned, which is the mildest test.
    """
    rng = np.random.default_rng(0)
    home = program == PROGRAMS[0].name
    harms = np.array(table["placebo"][program][quantity])
    size = AT_HOME if home else ELSEWHERE
    drawn = [rng.choice((-1, 1), size) * rng.choice(harms, size, replace=False) for _ in range(draws)]
    return np.mean([judge_harm(one, condemned=not home).verdict == "harm" for one in drawn])


def mark(fault):
    """Return what the catalogue says of a fault."""
    kind = "benign" if fault.benign else "outside" if fault.outside else "fault"
    some = [
        f"{word} {' '.join(names)}"
        for word, names in (("no harm in", fault.harmless), ("left out of", fault.undecided))
        if names and not fault.benign
    ]
    return "; ".join([kind, *some])


def report(table):
    """Return the table as text."""
    names = [program.name for program in PROGRAMS]
    lines = [
        "The kill test: mean harm over pairs of a healthy and a sick run that share a seed, in the quantity that the",
        "fault names before the test. p: exact one-sided sign-flip test over all pairs with one encoder.",
        "* does harm (mean at least 0.02, p at most 1/32); ? undecided (p larger); no sign: none.",
        "- cannot be put in.",
        "",
        f"{'fault':34s} {'harms':9s}"
        + "".join(f" {name:>18s}" for name in names)
        + "    p bag   p bert  the catalogue",
    ]
    for name in table["faults"]:
        fault, judged = FAULTS[name], judge_fault(name, table)
        cells = [
            f" {judged[program].effect:+17.3f}{SIGNS[judged[program].verdict]}" if program in judged else f" {'-':>18s}"
            for program in names
        ]
        p = {program.split("-")[0]: one.p for program, one in judged.items()}
        cells += [f" {p[encoder]:8.4f}" if encoder in p else f" {'-':>8s}" for encoder in ("bag", "bert")]
        lines.append(f"{name:34s} {fault.harms:9s}" + "".join(cells) + f"  {mark(fault)}")
    harmful = [fault for fault in FAULTS.values() if not fault.benign and not fault.outside]
    lines += [
        "",
        f"{len(harmful)} faults of the catalogue do harm, {sum('#' in f.source for f in harmful)} of them public "
        f"with an issue number; {sum(fault.benign for fault in FAULTS.values())} are benign, "
        f"{sum(fault.outside for fault in FAULTS.values())} kept outside.",
        "",
        "placebo: two healthy runs of a seed that differ in their random numbers",
    ]
    tested = [program for program in names if program in table["placebo"]]
    lines.append(f"{'':44s}" + "".join(f" {program:>18s}" for program in tested))
    lines.append(f"{'  pairs':44s}" + "".join(f" {len(table['placebo'][program]['loss']):18d}" for program in tested))
    for quantity in ("accuracy", "loss"):
        spread = "".join(f" {np.std(table['placebo'][program][quantity]):18.3f}" for program in tested)
        lines.append(f"{'  standard deviation of a pair':34s} {quantity:9s}" + spread)
        share = "".join(f" {false_alarms(table, program, quantity):18.3f}" for program in tested)
        lines.append(f"{'  share condemned':34s} {quantity:9s}" + share)
    return "\n".join(lines) + "\n"


def main():
    """Train what is missing, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="faults; all, and the placebo, if none is named")
    parser.add_argument("--program", default="", help="how the names of the programs begin")
    parser.add_argument("--anew", action="store_true", help="forget the pairs of the faults named")
    parser.add_argument("--limit-minutes", type=float, default=90)
    parser.add_argument("--pairs", type=int, default=0, help="more pairs for every program than the usual ones")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    table = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {"faults": {}, "placebo": {}}
    if options.table:
        REPORT.write_text(report(table), encoding="utf-8", newline="\n")
        print(report(table), end="")
        return
    for name in options.names if options.anew else ():
        table["faults"].pop(name, None)
    end = time.monotonic() + 60 * options.limit_minutes
    for name, program, seeds in list(missing(table, options.pairs)):
        if time.monotonic() > end:
            break
        if (options.names and name not in options.names) or not program.name.startswith(options.program):
            continue
        if name == "placebo":
            harms = [pair_harm(program, seed, redrawn) for seed in seeds]
            table["placebo"][program.name] = in_columns(harms)
        else:
            found = table["faults"].setdefault(name, {}).setdefault(program.name, {})
            for quantity, values in kill_test(name, program, seeds).items():
                found[quantity] = found.get(quantity, []) + values
            judged = judge_harm(found[FAULTS[name].harms])
            print(f"{program.name:20s} {name:34s} {json.dumps(judged._asdict())}", flush=True)
        keep(table)


if __name__ == "__main__":
    main()
