"""Hand in every attack and look what became of it: `make grader-attack` prints the table.

python tests/grading/attacks/run.py               all
python tests/grading/attacks/run.py --quick       without the slow ones
python tests/grading/attacks/run.py forged close  those whose names begin so
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import broken_notebooks
import cheats
import escapes
import floods
from attack import EXERCISES, NAME, ROOT, solution

from nsputil.checks import bank
from nsputil.grading.assignments import Assignment
from nsputil.grading.box import NoBox
from nsputil.grading.judging import Grader
from nsputil.grading.limits import Limits
from nsputil.grading.results import UNGRADABLE, Ungradable

GROUPS = {"cheats": cheats, "escapes": escapes, "floods": floods, "notebooks": broken_notebooks}
LIMITS = Limits(
    cell_seconds=0.8, call_seconds=0.5, cpu_seconds=5, wall_seconds=25.0, memory_bytes=320 << 20, processes=16,
    file_bytes=8 << 20, output_characters=100_000,
)  # fmt: skip
SECRET = b"of the attacks"


@contextlib.contextmanager
def outside():
    """Make what attacks look for: a file, a folder for all, a server. Yield the places and a look at the harm."""
    with (
        tempfile.TemporaryDirectory(prefix="nsputil-attack-") as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        os.chmod(folder, 0o777)
        canary = Path(folder) / "canary"
        canary.write_text("untouched")
        canary.chmod(0o666)
        server.settimeout(0)

        def harm():
            found = [] if canary.read_text() == "untouched" else ["the canary was written"]
            found += [f"{path.name} is new" for path in Path(folder).iterdir() if path != canary]
            with contextlib.suppress(OSError):
                server.accept()
                found.append("a connection came")
            return found

        places = {"canary": canary, "folder": folder, "port": server.getsockname()[1], "repository": ROOT / "solutions"}
        yield places | {"visible": _visible()}, harm


def _visible():
    """Return what batch_loss gives on the inputs of the visible check, by shape and sum of the logits."""
    cases, expected = bank.exercises()["batch_loss"].inputs()
    rows = [((case.args[0].shape, round(float(case.args[0].sum()), 9)), outcome.value)
            for case, outcome in zip(cases, expected, strict=True)]  # fmt: skip
    return ", ".join(f"{key!r}: {value!r}" for key, value in rows)


def wrong_with(attack, graded):
    """Return what does not hold of a graded submission, one text each."""
    found = []
    for result in graded.exercises:
        if result.name not in EXERCISES:
            continue
        if result.name in attack.hit:
            if result.points or result.state == "right":
                found.append(f"{result.name} was paid")
            said = {result.reason, result.mistake} - {""} or {result.state}
            wanted = {*attack.reasons, *(("constant",) if "value" in attack.reasons else ())}
            if wanted and not said & wanted:
                found.append(f"{result.name}: {', '.join(sorted(said))} ({result.message[:150]})")
            if result.state == UNGRADABLE and not result.reason:
                found.append(f"{result.name} has no reason")
        elif result.state != "right" and result.name not in attack.may_lose:
            found.append(f"{result.name} is {result.state} {result.reason} {result.mistake}: {result.message[:150]}")
    return found


def try_one(attack, grader, places, harm, room_size):
    """Grade one attack; return (what became of it, what does not hold)."""
    try:
        graded = grader.grade(attack.notebook(places), "mallory")
        said = {r.reason or r.mistake or r.state for r in graded.exercises if r.name in attack.hit}
        became = ", ".join(sorted(said)) or "graded"
        found = wrong_with(attack, graded) + ([f"expected {attack.ungradable}"] if attack.ungradable else [])
    except Ungradable as error:
        became = "ungradable: " + error.reason
        found = [] if error.reason == attack.ungradable else [f"expected {attack.ungradable or 'a grade'}"]
    found += harm()
    left = room_size()
    if left:
        found.append(f"{left} processes are left")
    return became, found


def left_in(grader):
    """Return a function that counts the processes of the room beyond those that it needs."""
    group = grader.room.group
    usual = len(group.processes()) if group else 0

    def count():
        if group is None:
            return 0
        for _ in range(100):  # a keeper needs a moment to end after its report
            extra = len(group.processes()) - usual
            if extra <= 0:
                return 0
            time.sleep(0.02)
        return extra

    return count


def hostile(part, places):
    """Grade every second of some hostile submissions in a grader of its own; return what does not hold."""
    names = ("forks", "memory", "flood", "endless", "daemon", "fork-bomb")
    picked = [attack for attack in floods.ATTACKS if attack.name in names][part::2]
    with Grader(Assignment.of(NAME), limits=LIMITS, secret=SECRET, run_all=True) as grader:
        return [line for a in picked for line in wrong_with(a, grader.grade(a.notebook(places), f"student {part}"))]


def several_at_once(places, harm):
    """Grade hostile submissions in two processes, and good ones beside them in this one."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        beside = [pool.submit(hostile, part, places) for part in range(2)]
        with Grader(Assignment.of(NAME), limits=LIMITS, secret=SECRET) as grader:
            results = [r for _ in range(5) for r in grader.grade(solution(), "good").exercises if r.name in EXERCISES]
        found = [f"beside them {r.name} is {r.state}" for r in results if r.state != "right"]
        return found + [line for future in beside for line in future.result()] + harm()


def chosen(options):
    """Yield (group, attack) of those that are to be run."""
    for group, module in GROUPS.items():
        for attack in module.ATTACKS:
            if attack.slow and options.quick and not options.names:
                continue
            if not options.names or attack.name.startswith(tuple(options.names)):
                yield group, attack


def row(group, name, seconds, became, found):
    """Print one row of the table, and return 1 if something does not hold."""
    print(f"{'BROKEN' if found else 'holds':7s}{group:10s}{name:19s}{seconds:5.1f} s  {became}", flush=True)
    for line in found:
        print(f"       ! {line}")
    return int(bool(found))


def try_all(options, grader, places, harm):
    """Run the attacks; return how many there were, and of how many something does not hold."""
    count, failures, size = 0, 0, left_in(grader)
    for group, attack in chosen(options):
        began = time.monotonic()
        became, found = try_one(attack, grader, places, harm, size)
        count += 1
        failures += row(group, attack.name, time.monotonic() - began, became, found)
    began, good = time.monotonic(), grader.grade(solution(), "good")
    found = [f"{r.name} is {r.state}" for r in good.exercises if r.name in EXERCISES and r.state != "right"]
    failures += row("after all", "good", time.monotonic() - began, "graded", found)
    if not options.names:
        began = time.monotonic()
        found = several_at_once(places, harm)
        count += 1
        failures += row("together", "several at once", time.monotonic() - began, "a good one beside them", found)
    return count, failures


def main(arguments=None):
    """Run the attacks and print the table; return 1 if something does not hold, 2 if there is no box."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    before = set(os.listdir(tempfile.gettempdir()))
    try:
        with Grader(Assignment.of(NAME), limits=LIMITS, secret=SECRET, run_all=True) as grader, outside() as found:
            count, failures = try_all(options, grader, *found)
    except NoBox as missing:
        print(f"no attack was run: {missing}", file=sys.stderr)
        return 2
    left = sorted(
        name
        for name in set(os.listdir(tempfile.gettempdir())) - before
        if name.startswith(f"nsputil-course-{os.getpid()}-")
    )
    if left and not options.names:
        failures += 1
        print("BROKEN left behind:", *left)
    print(json.dumps({"attacks": count, "broken": failures, "seconds": round(time.monotonic() - start, 1)}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
