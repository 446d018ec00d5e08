"""Make nsputil/clinic/data/harm.json: the kill test of every fault, and of the placebo. About 20 minutes of one core.

    python tools/kill_test.py                 # everything
    python tools/kill_test.py zero-init ...   # some faults anew, the rest of the table kept
    python tools/kill_test.py --show          # the kept table, as text

A fault is tested on five seeds in its home, the first of the six programs to which it applies. A look at one seed of
the first program of every other kind (SGD, BERT) stands beside it.
"""

import json
import sys

import numpy as np

from nsputil.clinic.faults import FAULTS
from nsputil.clinic.harm import LEVEL, QUANTITIES, TABLE, harm_of, kill_test, measure, redrawn, verdict, well
from nsputil.clinic.programs import PROGRAMS, healthy, observe

SEEDS = range(5)
KINDS = [program for program in PROGRAMS if program.name in ("bag-adamw-sotu", "bag-sgd-sotu", "bert-adamw-sotu")]
PLACEBOS = 40


def test_fault(fault):
    """Return the entry of a fault: five seeds at home, one elsewhere."""
    entry = {}
    for program in [kind for kind in KINDS if fault.applies(kind)]:
        entry[program.name] = kill_test(fault.name, program, SEEDS if not entry else [0])
    home = next(iter(entry))
    return {"home": home, "harms": fault.harms, "killed": entry[home][fault.harms]["killed"], "programs": entry}


def test_placebo():
    """Return how often the kill test condemns the placebo, over all sets of five of many pairs, with random signs."""
    rng = np.random.default_rng(0)
    harms = []
    for seed in range(PLACEBOS):
        before, pairs = well(KINDS[0], seed)
        harms.append(harm_of(measure(observe(redrawn(healthy(KINDS[0], seed))), pairs), before))
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
    """Test the faults named, or all."""
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {"faults": {}}
    if arguments == ["--show"]:
        return show(table)
    if arguments == ["placebo"] or not arguments:
        table["placebo"] = test_placebo()
    names = [] if arguments == ["placebo"] else arguments or list(FAULTS)
    for name in names:
        table["faults"][name] = test_fault(FAULTS[name])
        print(name, json.dumps(table["faults"][name]), flush=True)
        table["faults"] = {known: table["faults"][known] for known in FAULTS if known in table["faults"]}
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8", newline="\n")
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8", newline="\n")
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
