"""What the facts of the clinic say of healthy trainings and of the catalogue's faults: names, places, seconds.

    .venv/bin/python benchmarks/clinic_facts.py [--seeds 1] [--only FAULT] [--healthy]

One program for each fault: the first in which it does harm. The catalogue was known when the facts were written, so its
row is a control, no measure of what they do on defects by other hands.
"""

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from nsputil.clinic.facts import examine
from nsputil.clinic.faults import FAULTS, inject
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.recording import record

#: Where the trouble of a family lies, in the words of the facts.
PLACES_OF = {
    "data": {"pairs", "split", "batching", "encoding"},
    "inputs": {"encoding"},
    "model": {"model"},
    "loss": {"loss"},
    "optimizer": {"optimizer", "batching"},
    "evaluation": {"evaluation"},
}


def read(experiment):
    """Return the unexplained violations, the seconds of the training and those of the facts."""
    begin = time.process_time()
    recording = record(experiment)
    middle = time.process_time()
    found = [finding for finding in examine(recording) if finding.state == "violated"]
    return found, middle - begin, time.process_time() - middle


def line(name, found, trained, asked):
    """Print one case."""
    said = "; ".join(f"{f.fact}={f.cause}{'' if f.firm else '?'}{'<' if f.explained_by else ''}" for f in found)
    print(f"{name:<58}{trained:6.1f}{asked:6.1f}  {said or '-'}", flush=True)


def healthy_runs(seeds):
    """Print the alarms on healthy programs."""
    alarms, count, seconds = 0, 0, {}
    for program in PROGRAMS:
        for seed in range(seeds):
            found, trained, asked = read(healthy(program, seed, ugly=seed % 4 == 3))
            line(f"healthy {program.name} {seed}", found, trained, asked)
            alarms += bool(found)
            count += 1
            seconds.setdefault(program.encoder, []).append(asked)
    print(
        f"healthy: {alarms} of {count} with a violation; seconds for the facts:",
        {k: round(max(v), 2) for k, v in seconds.items()},
    )


def faults(seed, only=None, ends=False):
    """Print what is said of each fault that does harm, and the table."""
    rows = []
    for fault in FAULTS.values():
        home = next((program for program in PROGRAMS if fault.harms_in(program)), None)
        if only not in (None, fault.name) or (home is None and only is None):
            continue
        home = home or next(program for program in PROGRAMS if fault.fits(program))
        for severity in sorted(set(fault.severity)) if ends else [None]:
            found, trained, asked = read(inject(healthy(home, seed), fault.name, severity))
            line(f"{fault.name} {home.name} {'' if severity is None else severity}", found, trained, asked)
            first = found[0] if found else None
            named = first is not None and first.cause == fault.name
            placed = first is not None and (named or first.place in PLACES_OF[fault.family])
            wrong = first is not None and first.cause is not None and not named
            rows.append((named, placed, wrong, first is None, asked))
    n = len(rows)
    named, placed, wrong, silent = (sum(row[k] for row in rows) for k in range(4))
    print(
        f"faults: n {n}, named right {named}, place right {placed}, wrong name {wrong}, silent {silent}, "
        f"seconds a case {sum(row[4] for row in rows) / max(1, n):.2f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only")
    parser.add_argument("--ends", action="store_true", help="both ends of the range of severities")
    parser.add_argument("--healthy", action="store_true", help="healthy programs only")
    given = parser.parse_args()
    if given.only is None:
        healthy_runs(given.seeds)
    if not given.healthy:
        faults(given.seed, given.only, given.ends)
