"""The grader as a whole: its speed beside nbgrader's, a class with hostile submissions, kills, growth.

    make grader-bench
    .venv-nbgrader/bin/python -m benchmarks.grader_bench compare class kill growth      some of the parts

Each grading is the command that an instructor calls: intake, run, judgement, grade book, feedback, all files. Times are
those of the processor, of all processes together, unless it says otherwise. Every part is bounded in size and time.
"""

import ctypes
import json
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.versions import print_versions
from nsputil.grading.book import Book

ROOT = Path(__file__).resolve().parents[1]
SHORTEST = "03_from_likelihood_to_the_loss"
PR_SET_CHILD_SUBREAPER = 36


def folder_in(scratch):
    """Return a new folder that boxes of other users can reach."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    folder.chmod(0o755)
    return folder


def assignments():
    """Return the names of all assignments."""
    return sorted(path.parent.name for path in (ROOT / "solutions").glob("*/*.ipynb"))


def solved(name):
    """Return {cell id: solved source} of an assignment."""
    notebook = json.loads((ROOT / "solutions" / name / f"{name}.ipynb").read_text(encoding="utf-8"))
    return {
        cell["id"]: re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", "".join(cell["source"]))
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("solution")
    }


def submission(name, edits):
    """Return the bytes of a released notebook with some cells filled in."""
    notebook = json.loads((ROOT / "exercises" / name / f"{name}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = edits.get(cell["id"], cell["source"])
    return json.dumps(notebook).encode()


def deliver(folder, name, files):
    """Write {student: bytes} as nbgrader has it."""
    for student, data in files.items():
        place = folder / student / name
        place.mkdir(parents=True)
        (place / f"{name}.ipynb").write_bytes(data)
    return folder


def a_class(name, count, seed=0):
    """Return {student: bytes} of honest work: two thirds solved all, the others a random part."""
    rng, answers = random.Random(seed), solved(name)
    kinds = [submission(name, answers)] * 2
    kinds += [submission(name, {k: v for k, v in answers.items() if rng.random() < 0.6}) for _ in range(10)]
    return {f"s{k:05}": kinds[0 if k % 3 else 2 + k // 3 % 10] for k in range(count)}


HEAD = "import os, time\ndef batch_loss(logits, labels):\n    "
BAD = {  # what a hostile answer does
    "endless": "while True:\n        pass",
    "swallows": "while True:\n        try:\n            x = 1\n        except BaseException:\n            pass",
    "memory": "return [bytearray(100_000_000) for _ in range(40)]",
    "exits": "os._exit(0)",
    "forks": "[time.sleep(30) for _ in range(60) if os.fork() == 0]\n    return 0.5",
    "prints": "[print('x' * 1_000_000) for _ in range(200)]\n    return 0.5",
    "writes": "open('/dev/shm/x', 'wb').write(b'0' * 300_000_000)\n    return 0.5",
    "raises": "raise SystemExit('<script>\\x1b[2J')",
}


def hostile(name, kind):
    """Return the bytes of a hostile submission."""
    if kind == "no json":
        return b"{" * 1000
    if kind == "empty":
        return b""
    if kind == "large":
        return b" " * 11_000_000
    return submission(name, solved(name) | {"batch-loss": HEAD + BAD[kind]})


def grade_command(folder, name, out, *more):
    """Return the command line of a grading."""
    return [
        sys.executable, "-m", "nsputil", "grade", str(folder), "--assignment", name, "--out", str(out),
        "--course", str(ROOT), *more,
    ]  # fmt: skip


def environment(scratch):
    """Return the environment of a grading, with its temporary files in `scratch`."""
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NSPUTIL_PROGRESS": "off"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | one | {"TMPDIR": str(scratch), "PYTHONPATH": str(ROOT), "PATH": path}


def timed(command, scratch, cwd=ROOT, check=True, within=3000):
    """Run a command; return (seconds by the clock, seconds of processor, what it printed)."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run = subprocess.run(
        command, cwd=cwd, env=environment(scratch), capture_output=True, text=True, timeout=within, check=False
    )
    wall = time.perf_counter() - start
    gone_within(2)  # the time of a process counts when it is waited for, also of one whose parent ended
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if check and run.returncode:
        raise SystemExit(f"{' '.join(command[:6])} ended with {run.returncode}:\n{run.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, run.stdout


def memory_of(process):
    """Return the bytes that a process has in memory, of pages that it shares its part only."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:  # it has ended
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


def children():
    """Return the processes below this one, or left to it."""
    below, parents = {os.getpid()}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = (int(fields[1]), fields[0])
    found, grown = [], True
    while grown:
        grown = False
        for process, (parent, state) in parents.items():
            if parent in below and process not in below:
                below.add(process)
                grown = True
                if state != "Z":
                    found.append(process)
    return found


def own_orphans():
    """Make processes whose parent ended children of this one, so that none can hide."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def gone_within(seconds):
    """Return True if no process is left below this one after a while; ended ones are collected."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if not children():
            return True
        time.sleep(0.1)
    return False


def rows_of(out, name):
    """Return what a grade book says of every submission, without times."""
    database = sqlite3.connect(out / "book.sqlite")
    rows = database.execute("SELECT student, digest, status, reason FROM submission ORDER BY student").fetchall()
    exercises = database.execute(
        "SELECT student, number, grade_id, state, points, mistake, reason, rest FROM exercise ORDER BY student, number"
    ).fetchall()
    database.close()
    return rows, exercises


def compare(scratch, ours_of=40, theirs_of=16, theirs_of_each=2, size=100):
    """Grade the same solved work with nbgrader and with the grader, one worker each, one after the other."""
    print(
        "\nwhole grading beside nbgrader autograde, one worker; seconds of processor for a further submission, and in"
    )
    print(f"a class of {size} with its share of the start. Each is measured once, the shortest with more of them.")
    print(f"{'assignment':36} {'nbgrader':>9} {'ours':>7} {'ratio':>6} {'in a class':>11}", flush=True)
    sums, their_start = np.zeros((2, 2)), 0.0
    for name in (SHORTEST, *assignments()):
        work, course = submission(name, solved(name)), folder_in(scratch)
        first, count = not their_start, theirs_of_each if their_start else theirs_of
        shutil.copy(ROOT / "nbgrader_config.py", course)
        shutil.copytree(ROOT / "solutions" / name, course / "solutions" / name)
        deliver(course / "submissions", name, {f"s{k:03}": work for k in range(count)})
        deliver(course / "one", name, {"s000": work})
        deliver(course / "many", name, {f"s{k:03}": work for k in range(ours_of)})
        run = [sys.executable, "-m", "nbgrader"]
        timed([*run, "generate_assignment", name, "--create"], scratch, course)
        if first:
            one = timed([*run, "autograde", name, "--create", "--student", "s000"], scratch, course)[1]
            more = timed([*run, "autograde", name, "--create", "--force"], scratch, course)[1]
            their_start = (count * one - more) / (count - 1)
        else:
            more = timed([*run, "autograde", name, "--create"], scratch, course)[1]
        theirs = (more - their_start) / count
        one = timed(grade_command(course / "one", name, course / "1", "--workers", "1"), scratch)[1]
        more = timed(grade_command(course / "many", name, course / "2", "--workers", "1"), scratch)[1]
        ours, our_start = (more - one) / (ours_of - 1), (ours_of * one - more) / (ours_of - 1)
        in_class = np.array([theirs + their_start / size, ours + our_start / size])
        if not first:
            sums += [[theirs, ours], in_class]
        print(
            f"{name:36} {theirs:9.2f} {ours:7.3f} {theirs / ours:6.1f} {in_class[0] / in_class[1]:11.1f}"
            + (f"  start {their_start:.1f} and {our_start:.1f}; reach 20" if first else ""),
            flush=True,
        )
        shutil.rmtree(course)
    print(
        f"{'all of them, one of each':36} {sums[0, 0]:9.2f} {sums[0, 1]:7.3f} {sums[0, 0] / sums[0, 1]:6.1f}"
        f" {sums[1, 0] / sums[1, 1]:11.1f}  reach 40",
        flush=True,
    )


def graded_class(scratch, count=1000, share=0.05):
    """Grade a class of which some submissions are hostile, and look at what is left of them."""
    rng, name, folder = random.Random(1), SHORTEST, folder_in(scratch)
    files = a_class(name, count)
    kinds = [*BAD, "no json", "empty", "large"]
    enemies = dict(zip(rng.sample(sorted(files), round(share * count)), kinds * count, strict=False))
    deliver(folder / "in", name, files | {student: hostile(name, kind) for student, kind in enemies.items()})
    own, peak, stop = folder_in(scratch), [0, 0], threading.Event()

    def watch():
        while not stop.wait(0.25):
            found = children()
            peak[0], peak[1] = max(peak[0], sum(map(memory_of, found))), max(peak[1], len(found))

    thread = threading.Thread(target=watch)
    thread.start()
    wall, cpu, _ = timed(grade_command(folder / "in", name, folder / "out", "--workers", "2"), own)
    stop.set()
    thread.join()
    rows, exercises = rows_of(folder / "out", name)
    honest = {row[2] for row in rows if row[0] not in enemies}
    paid = [e for e in exercises if e[0] in enemies and e[2] == "batch-loss-check" and e[4] > 0]
    print(f"\n{count:,} submissions, {len(enemies)} hostile of {len(kinds)} kinds, 2 workers", flush=True)
    print(f"rows {len(rows):,}; honest ones: {', '.join(sorted(honest))}; hostile answers paid: {len(paid)}")
    print(f"{wall:.0f} seconds by the clock, {cpu:.0f} of processor; {count / wall:.1f} submissions a second")
    print(f"at most {peak[0] / 1e6:,.0f} MB in memory, up to {peak[1]} processes (reach 1,000 MB)")
    print(
        f"processes left: {0 if gone_within(5) else len(children())}; temporary files left: {len(list(own.iterdir()))}"
    )
    said = {}
    for kind in kinds:
        who = next((student for student, k in enemies.items() if k == kind), None)
        reasons = {row[3] for row in rows if row[0] == who} | {e[6] or e[5] for e in exercises if e[0] == who}
        said[kind] = ", ".join(sorted(reasons - {""})) or "nothing"
    print("reasons given: " + "; ".join(f"{kind}: {reason}" for kind, reason in said.items()), flush=True)
    shutil.rmtree(folder)


def killed(scratch, count=120, times=10):
    """Kill a grading at random moments, resume it each time, and compare the grade book with an undisturbed one."""
    rng, name, folder = random.Random(2), SHORTEST, folder_in(scratch)
    deliver(folder / "in", name, a_class(name, count))
    own = folder_in(scratch)
    wall, _, _ = timed(grade_command(folder / "in", name, folder / "whole", "--workers", "2"), own)
    secret = dict(sqlite3.connect(folder / "whole" / "book.sqlite").execute("SELECT name, value FROM about"))
    shutil.copytree(folder / "whole", folder / "killed")
    database = sqlite3.connect(folder / "killed" / "book.sqlite")
    database.execute("DELETE FROM exercise")
    database.execute("DELETE FROM submission")
    database.commit()
    database.close()
    ended, reached, left = 0, [], 0
    command = grade_command(folder / "in", name, folder / "killed", "--workers", "2", "--resume")
    while ended < times:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(own), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(0.2, 1.0) * wall)
        process.send_signal(signal.SIGKILL)
        process.wait()
        ended += 1
        left += not gone_within(5)
        reached.append(len(rows_of(folder / "killed", name)[0]))
        if reached[-1] == count:  # begin again with fewer, so that every kill has something to interrupt
            database = sqlite3.connect(folder / "killed" / "book.sqlite")
            database.execute("PRAGMA foreign_keys = ON")
            database.execute("DELETE FROM submission WHERE student > 's00030'")
            database.commit()
            database.close()
    timed(command, own)
    same = rows_of(folder / "killed", name) == rows_of(folder / "whole", name)
    with Book(folder / "killed" / "book.sqlite", name, secret["fingerprint"]) as book:
        assert book.secret.hex() == secret["secret"]
    print(
        f"\n{count} submissions, killed {ended} times (rows after each: {', '.join(map(str, reached))}), then resumed"
    )
    print(f"the same grade book: {'yes' if same else 'NO'}; kills after which a process was left: {left}", flush=True)
    print(f"temporary files left: {len(list(own.iterdir()))}", flush=True)
    shutil.rmtree(folder)


def growth(scratch, counts=(100, 500, 1000, 5000)):
    """Grade classes of several sizes, and print the exponent of the time in the size."""
    name, times, own = SHORTEST, [], folder_in(scratch)
    print("\ngrowth, 2 workers: submissions, seconds by the clock, of processor, milliseconds of processor for each")
    for count in counts:
        folder = folder_in(scratch)
        deliver(folder / "in", name, a_class(name, count))
        wall, cpu, _ = timed(grade_command(folder / "in", name, folder / "out", "--workers", "2"), own)
        times.append(cpu)
        print(f"{count:6,} {wall:8.1f} {cpu:8.1f} {1000 * cpu / count:8.1f}", flush=True)
        shutil.rmtree(folder)
    last = np.log(times[-1] / times[-2]) / np.log(counts[-1] / counts[-2])
    slope = np.polyfit(np.log(counts), np.log(times), 1)[0]
    print(f"exponent {slope:.2f} over all sizes, {last:.2f} over the last two (1 is linear)", flush=True)


PARTS = {"compare": compare, "class": graded_class, "kill": killed, "growth": growth}


def main(arguments):
    """Run all parts, or those that are named."""
    unknown = set(arguments) - set(PARTS)
    if unknown:
        raise SystemExit(f"no part {', '.join(sorted(unknown))}; expected some of {', '.join(PARTS)}")
    own_orphans()
    print_versions("numpy", "nbgrader")
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as scratch:
        os.chmod(scratch, 0o755)  # boxes of other users have to reach their files in it
        for part in arguments or PARTS:
            PARTS[part](Path(scratch))


if __name__ == "__main__":
    main(sys.argv[1:])
