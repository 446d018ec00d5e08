"""Make nsputil/clinic/data/harm.json: the kill test of every fault, and of the placebo. About 10 minutes of one core.

    python tools/kill_test.py                 # whatever the table lacks
    python tools/kill_test.py zero-init ...   # some faults anew
    python tools/kill_test.py placebo         # how often the test condemns what does nothing
    python tools/kill_test.py --elsewhere     # one seed in the other programs, for whatever lacks it
    python tools/kill_test.py --show          # the kept table, as text

A fault is tested on five seeds in its home, the first of the programs below to which it applies.
"""

import json
import sys

import numpy as np

from nsputil.clinic.faults import FAULTS
from nsputil.clinic.harm import LEVEL, QUANTITIES, TABLE, kill_test, pair_harm, redrawn, verdict
from nsputil.clinic.programs import PROGRAMS

SEEDS = range(5)
KINDS = [program for program in PROGRAMS if program.name in ("bag-adamw-sotu", "bag-sgd-sotu", "bert-adamw-sotu")]
PLACEBOS = 40


def test_at_home(fault):
    """Return the entry of a fault: five seeds at home."""
    home = next(program for program in KINDS if fault.applies(program))
    found = kill_test(fault.name, home, SEEDS)
    return {"home": home.name, "harms": fault.harms, "killed": found[fault.harms]["killed"]} | {
        "programs": {home.name: found}
    }


def look_elsewhere(fault, entry):
    """Add one seed of the other programs to the entry."""
    for program in KINDS:
        if fault.applies(program) and program.name not in entry["programs"]:
            entry["programs"][program.name] = kill_test(fault.name, program, [0])


def test_placebo():
    """Return how often the kill test condemns the placebo, over all sets of five of many pairs, with random signs."""
    rng = np.random.default_rng(0)
    harms = []
    for seed in range(PLACEBOS):
        harms.append(pair_harm(KINDS[0], seed, redrawn))
    found = {"pairs": PLACEBOS, "spread": {q: round(float(np.std([h[q] for h in harms])), 4) for q in QUANTITIES}}
    sets = [
        verdict([{q: rng.choice((-1, 1)) * harms[k][q] for q in QUANTITIES} for k in rng.permutation(PLACEBOS)[:5]])
        for _ in range(4000)
    ]
    for q in QUANTITIES:
        found[q] = {
            "p_at_most_1_in_32": round(float(np.mean([s[q]["p"] <= round(LEVEL, 4) for s in sets])), 4),
            "killed": round(float(np.mean([s[q]["killed"] for s in sets])), 4),
        }
    return found


def show(table):
    """Print the table."""
    print(f"{'fault':34s} {'harms':9s} {'home':15s} {'effect':>8s} {'p':>7s}  verdict   other programs (one seed)")
    for name, entry in table["faults"].items():
        quantity, programs = entry["harms"], dict(entry["programs"])
        home = programs.pop(entry["home"])[quantity]
        rest = "  ".join(f"{other} {v[quantity]['effect']:+.3f}" for other, v in programs.items())
        print(
            f"{name:34s} {quantity:9s} {entry['home']:15s} {home['effect']:+8.3f} {home['p']:7.4f}  "
            f"{'killed' if entry['killed'] else 'harmless':9s} {rest}"
        )
    print("placebo", json.dumps(table.get("placebo")))


def main(arguments):
    """Test the faults named, or whatever the table lacks."""
    table = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {"faults": {}}
    if arguments == ["--show"]:
        show(table)
        return
    if arguments == ["placebo"]:
        table["placebo"] = test_placebo()
        keep(table)
        return
    for fault in FAULTS.values():
        if arguments == ["--elsewhere"]:
            look_elsewhere(fault, table["faults"][fault.name])
        elif fault.name in arguments or (not arguments and fault.name not in table["faults"]):
            table["faults"][fault.name] = test_at_home(fault)
            print(fault.name, json.dumps(table["faults"][fault.name]), flush=True)
        keep(table)


def keep(table):
    """Write the table, in the order of the catalogue."""
    table["faults"] = {name: table["faults"][name] for name in FAULTS if name in table["faults"]}
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
