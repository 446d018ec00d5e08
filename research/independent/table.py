"""The rates of the investigation on independent defects, with intervals.

    python -m research.independent.table open      of the rows that `measure` has stored; `sealed` is the other set

Each rate comes twice: by case with Wilson's 95 % interval, and with each cause once (the mean over causes of the rate
of its cases), so that many cases of one cause do not count many times; its interval is a bootstrap over causes.
"""

import argparse
import json
import math
from collections import defaultdict

import numpy as np

from nsputil.clinic.faults import FAULTS
from research.independent.measure import BUILD, harm_of

#: A cause and its directions or close names; an answer of the same set names the cause.
SAME = [
    {"one-label", "labels-all-is-next", "labels-all-not-next"},
    {"segment-ids-zero", "segment-ids-zero-with-separators"},
    {"ignore-index-zero", "ignore-index-one"},
    {"a-given-twice", "b-given-twice"},
    {"second-sentence-lost", "first-sentence-lost"},
    {"clip-too-small", "clip-too-small-under-adam"},
]
#: Family of a cause in the catalogue -> the parts of an experiment in which it can be.
PLACES = {"data": {"pairs", "split"}, "inputs": {"encoding"}, "optimizer": {"optimizer", "batching"}}
#: Places that are one: pairs are made of what the split gives, and the optimizer of an experiment holds its schedule.
ONE_PART = ({"pairs", "split"}, {"optimizer", "schedule"})
SOUND = ("healthy", "healthy, with a deviation", "a part that helps")


def wilson(right, count, z=1.96):
    """Return Wilson's interval of a rate."""
    if count == 0:
        return float("nan"), float("nan")
    p, d = right / count, 1 + z * z / count
    middle, half = p + z * z / (2 * count), z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return max(0.0, (middle - half) / d), min(1.0, (middle + half) / d)


def named(row, cause):
    """Whether the first answer is the cause."""
    return row["cause"] == cause or any({row["cause"], cause} <= group for group in SAME)


def placed(row, cause, place):
    """Whether the cause is right, or the place: the author's, or that of the catalogue's family."""
    if named(row, cause):
        return True
    if place:
        return row["place"] == place or {row["place"], place} in ONE_PART
    family = FAULTS[cause].family if cause in FAULTS else ""
    return row["place"] in PLACES.get(family, {family})


def line(label, hits, causes, reach=""):
    """Print one rate."""
    right, count = sum(hits), len(hits)
    if not count:
        print(f"{label:58s} no case")
        return
    low, high = wilson(right, count)
    by_cause = defaultdict(list)
    for hit, cause in zip(hits, causes, strict=True):
        by_cause[cause].append(hit)
    means = np.array([np.mean(found) for found in by_cause.values()])
    rng = np.random.default_rng(0)
    drawn = np.sort([rng.choice(means, len(means)).mean() for _ in range(1000)])
    print(
        f"{label:58s} {right / count:.3f} [{low:.3f}, {high:.3f}] n={count:3d}   by cause {means.mean():.3f} "
        f"[{drawn[25]:.3f}, {drawn[974]:.3f}] n={len(means):2d}   {reach}"
    )


def main(arguments=None):
    """Print the table of one set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=["open", "sealed"])
    parser.add_argument("--misses", action="store_true", help="also list each case that was not named")
    options = parser.parse_args(arguments)
    rows = {}
    for file in sorted(BUILD.glob(f"independent_{options.set}*.json")):
        rows |= json.loads(file.read_text())
    harm = harm_of(options.set)
    print(f"{len(rows)} cases of the {options.set} set")
    for name, row in rows.items():  # not measured: what the catalogue's kill test says of the cause
        if name not in harm and row["truth"][0] in FAULTS and FAULTS[row["truth"][0]].benign:
            harm[name] = 0.0
    for row in rows.values():  # a fault that is kept outside the catalogue has a name, and its answer is the place
        fault = FAULTS.get(row["truth"][0])
        if row["kind"] == "a" and fault is not None and fault.outside:
            row |= {"kind": "b", "truth": [fault.name, ""]}
    a = {n: r for n, r in rows.items() if r["kind"] == "a"}
    harmful = {n: r for n, r in a.items() if harm.get(n, 1.0) >= 0.02}

    def of(label, chosen, test, reach=""):
        line(label, [test(n, r) for n, r in chosen.items()], [r["truth"][0] for r in chosen.values()], reach)

    def cause_right(n, r):
        benign = harm.get(n, 1.0) < 0.02
        return named(r, r["truth"][0]) or (benign and r["answer"] in SOUND)

    of("(a) harmful: cause, top-1", harmful, lambda n, r: named(r, r["truth"][0]), "reach .90")
    of("(a) harmful: place", harmful, lambda n, r: placed(r, *r["truth"]), "reach .97")
    of("(a) all: cause, or healthy where it does no harm", a, cause_right)
    for program in sorted({row["program"] for row in a.values()}):
        part = {n: r for n, r in harmful.items() if r["program"] == program}
        of(f"(a) harmful, {program}: cause", part, lambda n, r: named(r, r["truth"][0]))
    of("(a) harm of .08 and more called sound", {n: r for n, r in a.items() if harm.get(n, 0) >= 0.08},
       lambda n, r: r["answer"] in SOUND, "reach 0")  # fmt: skip
    of("(a) harm of .02 to .08 called sound", {n: r for n, r in a.items() if 0.02 <= harm.get(n, 0) < 0.08},
       lambda n, r: r["answer"] in SOUND, "reach .03")  # fmt: skip
    of("(a) known cause, and only a place is told", harmful, lambda n, r: r["answer"] == "place")
    b = {n: r for n, r in rows.items() if r["kind"] == "b" and harm.get(n, 1.0) >= 0.02}
    told = {n: r["answer"] not in SOUND and placed(r, *r["truth"]) for n, r in b.items()}
    of("(b) outside: place right, no name", b, lambda n, r: told[n] and r["cause"] is None, "reach .90")
    of("(b) outside: place right, a name or none", b, lambda n, r: told[n])
    of("(b) outside: called sound", b, lambda n, r: r["answer"] in SOUND, "reach .02")
    c = {n: r for n, r in rows.items() if r["kind"] == "c"}
    of("(c) two faults: one first", c, lambda n, r: any(named(r, x) for x in _parts(r)), "reach .85")
    of("(c) two faults: both in three", c, _both, "reach .65")
    d = {n: r for n, r in rows.items() if r["kind"] == "d"}
    of("(d) healthy called sick", d, lambda n, r: r["answer"] in ("cause", "place", "crash"), "reach .02")
    of("(d) healthy: not called healthy", d, lambda n, r: r["answer"] not in SOUND)
    every = {n: r for n, r in rows.items() if r["kind"] in "abd"}
    right = {n: _right(n, r, harm) for n, r in every.items()}
    sure = {n: r for n, r in every.items() if r["confidence"] >= 0.95}
    of("an answer of .95 or more is right", sure, lambda n, r: right[n], "reach .94")
    for kind in sorted({r["evidence"] for r in every.values()}):
        part = {n: r for n, r in every.items() if r["evidence"] == kind}
        of(f"  kind {kind}: right", part, lambda n, r: right[n], f"says {next(iter(part.values()))['confidence']:.2f}")
    costs = [r["trainings"] for r in rows.values()]
    seconds = np.mean([row["seconds"] for row in rows.values()])
    print(f"trainings: {np.mean(costs):.2f} on average, {max(costs):g} at most; {seconds:.0f} seconds on average")
    if options.misses:
        for name, r in rows.items():
            if not right.get(name, r["kind"] == "c"):
                print(f"{r['kind']} {name:58s} {r['truth'][0][:34]:34s} harm {harm.get(name, float('nan')):.3f} -> "
                      f"{r['answer']}: {r['cause'] or r['place']}")  # fmt: skip


def _parts(row):
    """Return the causes of a case with two faults, as its author joined them: "one + two" or "one+two"."""
    return [cause.strip() for cause in row["truth"][0].split("+")]


def _both(name, row):
    first, second = _parts(row)
    told = set(row["names"][:3])

    def among(cause):
        return cause in told or any(cause in group and told & group for group in SAME)

    return among(first) and among(second)


def _right(name, row, harm):
    if row["kind"] == "d":
        return row["answer"] in SOUND
    if harm.get(name, 1.0) < 0.02 and row["answer"] in SOUND:
        return True
    if row["answer"] == "cause":
        return named(row, row["truth"][0]) if row["kind"] == "a" else False
    return row["answer"] == "place" and placed(row, *row["truth"])


if __name__ == "__main__":
    main()
