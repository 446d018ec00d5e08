"""Make the clinic's bank: train every case, run every probe, keep what was seen.

    python tools/make_clinic_bank.py [--processes 2] [--limit-minutes 60]     runs what is missing
    python tools/make_clinic_bank.py --pack                                   writes nsputil/clinic/data/cases.npz

A case is a program, a seed, and no, one or two faults with their severities; all follow from its name, so a case can be
trained again alone. What was seen is kept under build/clinic/ (a file a case), so an interrupted run goes on. Cases are
taken in an order that fills all causes evenly. About an hour of two cores.
"""

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy is loaded


from nsputil.clinic.case_bank import pack
from nsputil.clinic.cases import all_cases, run_case

FOLDER = Path(__file__).resolve().parent.parent / "build" / "clinic"


def work(case):
    """Run one case and keep it; return its name and the seconds it took."""
    start = time.process_time()
    kept = run_case(case)
    path = FOLDER / f"{case.name}.json"
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(kept), encoding="utf-8")
    new.replace(path)
    return case.name, time.process_time() - start


def main():
    """Run what is missing, or pack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--limit-minutes", type=float, default=90)
    parser.add_argument("--only", default="", help="part of the names of cases")
    parser.add_argument("--pack", action="store_true")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    cases = [case for case in all_cases() if options.only in case.name]
    if options.pack:
        print(pack([(case, FOLDER / f"{case.name}.json") for case in cases]))
        return
    missing = [case for case in cases if not (FOLDER / f"{case.name}.json").exists()]
    print(f"{len(cases)} cases, {len(missing)} missing", flush=True)
    end = time.monotonic() + 60 * options.limit_minutes
    done, spent = 0, 0.0
    with ProcessPoolExecutor(options.processes) as pool:
        waiting = [pool.submit(_guarded, case, end) for case in missing]
        for future in waiting:
            name, seconds = future.result()
            done, spent = done + (seconds is not None), spent + (seconds or 0)
            if done % 25 == 0:
                print(f"{done} done, {spent / max(1, done):.2f} s of CPU each, last {name}", flush=True)
    print(f"{done} done")


def _guarded(case, end):
    if time.monotonic() > end:
        return case.name, None
    try:
        return work(case)
    except Exception as error:  # one case that cannot be run must not end the others
        print(f"{case.name}: {type(error).__name__}: {error}", flush=True)
        return case.name, None


if __name__ == "__main__":
    main()
