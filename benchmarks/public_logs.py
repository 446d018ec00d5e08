"""Read the logs of public threads unconverted, and hold each answer against what its thread found.

    python -m benchmarks.public_logs [FOLDER or FILES]

Without arguments it reads tests/clinic/log_readers/public, whose sources.json says where each log comes from, what was
found there, and the group of symptoms that this belongs to; a folder of your own can hold one, too. "given" and
"development" were seen while the readers were written; "kept_back" and the looks were written down before they were
read for the first time, and docs/logs.md says what was found then.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from nsputil.clinic.log_readers import read
from nsputil.clinic.log_readers.answer import Answer
from nsputil.clinic.report import answer_log

PUBLIC = Path(__file__).resolve().parents[1] / "tests" / "clinic" / "log_readers" / "public"
#: What the readers have to reach.
SHARE_OF_GROUPS = 0.75


Result = tuple[dict, bool, bool, Answer | None]  # the entry of sources.json, read, tenable, the answer


def tenable(said: Answer | None, state: str, group: str | None) -> tuple[bool, str]:
    """Return whether an answer can be held, and why.

    A healthy log must not be called sick, a sick one not healthy; where a group is known, it must be among those named.
    """
    if said is None:
        return False, "not read"
    if state == "healthy":
        return said.code != 1, "healthy, and called sick" if said.code == 1 else "healthy, and not called sick"
    if state == "unknown":
        return True, "nothing is known against it"
    if group is None:
        return said.code != 0, "healthy, and it was not" if said.code == 0 else "no group is known"
    if group in said.looks:
        return True, "the right group, as worth a look"
    if group in said.groups:
        first = said.groups[0] == group
        return True, "the right group" + ("" if first else ", not the first")
    return False, f"the thread: {group}"


def look(path: Path, entry: dict) -> tuple[bool, bool, Answer | None]:
    """Print the line of one log; return whether it was read, whether the answer is tenable, and the answer."""
    try:
        reading = read(path)
    except (ValueError, OSError) as error:
        said, family, rows = None, str(error), 0
    else:
        said, family, rows = answer_log(reading), reading.family, len(reading.rows)
    kept, why = tenable(said, entry.get("state", "unknown"), entry.get("group"))
    result = "not read" if said is None else "; ".join(said.groups) or said.state
    result += f" ({'; '.join(said.looks)})" if said and said.state == "worth a look" else ""
    print(f"{path.name}\n    {'read' if said else 'NOT READ'}: {family}, {rows} rows")
    print(f"    answer: {result} (exit code {said.code if said else 2})")
    print(f"    {'tenable' if kept else 'NOT TENABLE'}: {why}.")
    print(f"    {entry.get('source', 'no source')}: {entry.get('found', 'unknown')}")
    return said is not None, kept, said


def figures(results: list[Result]) -> dict[str, str]:
    """Return the figures of some logs."""
    healthy = [r for r in results if r[0].get("state") == "healthy"]
    sick = [r for r in results if r[0].get("state") == "sick"]
    grouped = [r for r in sick if r[0].get("group")]
    right = [r for r in grouped if r[3] and r[0]["group"] in r[3].groups]
    looks = [r for r in grouped if r not in right and r[3] and r[0]["group"] in r[3].looks]
    seen = [r for r in results if r[3] and r[3].code == 3]
    told = [r for r in grouped if r[0].get("by") == "thread"]
    either = sum(r in right or r in looks for r in told)
    first = [r for r in right if r[3] and r[3].groups[0] == r[0]["group"]]
    return {
        "read": f"{sum(r[1] for r in results)} of {len(results)}",
        "healthy called sick": f"{sum(bool(r[3] and r[3].code == 1) for r in healthy)} of {len(healthy)}",
        "sick called healthy": f"{sum(bool(r[3] and r[3].code == 0) for r in sick)} of {len(sick)}",
        "sick without a symptom": f"{sum(bool(r[3] and r[3].code == 3) for r in sick)} of {len(sick)}",
        "right group, of those that a thread names": f"{sum(r in right for r in told)} of {len(told)}",
        "right group, proved or worth a look, of these": f"{either} of {len(told)}",
        "right group, all": f"{len(right)} of {len(grouped)}, {len(first)} of them named first",
        "right group, worth a look": f"{len(looks)} more",
        "healthy, worth a look": f"{sum(bool(r[3] and r[3].looks) for r in healthy if r in seen)} of {len(healthy)}",
        "tenable": f"{sum(r[2] for r in results)} of {len(results)}",
    }


def main(arguments: list[str] | None = None) -> int:
    """Print all lines and figures; return 1 if a log was not read or a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, default=[PUBLIC])
    parser.add_argument("--without", action="append", default=[], help="a folder to leave out")
    options = parser.parse_args(arguments)
    sources = {}
    for path in [PUBLIC, *options.paths]:
        if (path / "sources.json").is_file():
            sources |= json.loads((path / "sources.json").read_text(encoding="utf-8"))["logs"]
    files = [f for p in options.paths for f in (sorted(p.rglob("*")) if p.is_dir() else [p])]
    files = [f for f in files if f.is_file() and f.name != "sources.json" and f.parent.name not in options.without]
    results: dict[str, list] = {}
    for path in files:
        entry = sources.get(f"{path.parent.name}/{path.name}", {})
        results.setdefault(path.parent.name, []).append((entry, *look(path, entry)))
    for name, of in results.items():
        print(f"\n{name} ({len(of)} logs)")
        print("\n".join(f"    {what}: {value}" for what, value in figures(of).items()))
    every = [r for of in results.values() for r in of]
    wrong = [r for r in every if r[0].get("state") == "healthy" and r[3] and r[3].code == 1]
    wrong += [r for r in every if r[0].get("state") == "sick" and r[3] and r[3].code == 0]
    known = [r for r in every if r[0].get("group")]
    right = [r for r in known if r[3] and r[0]["group"] in r[3].groups]
    missed = bool(wrong) or not all(r[1] for r in every) or len(right) < SHARE_OF_GROUPS * len(known)
    counts = Counter(r[0].get("state", "unknown") for r in every)
    print(f"\n{len(every)} logs, {dict(counts)}; goals {'missed' if missed else 'reached'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
