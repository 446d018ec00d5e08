"""Cut excerpts from logs, and see whether those of healthy ones are called sick.

    python -m benchmarks.excerpts [SEED]

Threads show a few lines of a log, cut anywhere. An excerpt of a healthy log must not be called sick, though its first
rows, which say much, are gone. Of sick logs many excerpts do not show the fault, so that their share is no goal; it
may only not fall. What is worth a look is counted, too. Excerpts have 3, 6, 10 and 16 lines, and the header of a table
is kept.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np

from benchmarks.made_logs import HEALTHY, SICK
from benchmarks.public_logs import PUBLIC
from nsputil.clinic.log_readers.reading import understand
from nsputil.clinic.log_readers.text import LogText, decode
from nsputil.clinic.report import answer_log

LENGTHS = (3, 6, 10, 16)
OF_EACH = 4  # excerpts of a public log, for each length
SEEDS = 8  # of a made log


def excerpts(lines: list[str], count: int, rng: random.Random) -> Iterator[str]:
    """Yield excerpts of a log; none of one that is a single document."""
    if lines[0].lstrip()[:1] in ("{", "[") and len(lines) < 3:
        return
    names = "," in lines[0] and not any(c.isdigit() for c in lines[0])
    head = lines[: 2 if lines[0].startswith("|") else 1 if names else 0]
    for length in LENGTHS:
        places = range(len(head), len(lines) - length + 1)
        for at in sorted(set(rng.choices(places, k=count))) if len(places) > 1 else ():
            yield "\n".join([*head, *lines[at : at + length]])


def logs() -> Iterator[tuple[str, str | None, list[str], int]]:
    """Yield each log: public or made, its group, None if it is healthy, its lines, how many excerpts of a length."""
    sources = json.loads((PUBLIC / "sources.json").read_text(encoding="utf-8"))["logs"]
    for name, entry in sources.items():
        known = entry["state"] == "healthy" or (entry["state"] == "sick" and entry.get("group"))
        if known and not name.endswith((".md", ".json", ".gz")):
            text = decode((PUBLIC / name).read_bytes(), name).text
            yield "public", entry.get("group"), text.split("\n"), OF_EACH
    for group, make in [(None, make) for make in HEALTHY.values()] + list(SICK.values()):
        for seed in range(SEEDS):
            yield "made", group, make(np.random.default_rng(seed)).split("\n"), 1


def counted(seed: int) -> Counter:
    """Return how many excerpts, by kind, state and answer, and of how many a look names the group, or any."""
    rng, found = random.Random(seed), Counter()
    for kind, group, lines, count in logs():
        for text in excerpts(lines, count, rng):
            try:
                said = answer_log(understand(LogText("excerpt.log", text)))
            except ValueError:
                continue  # no loss and no accuracy in these lines
            found[kind, group is None, said.code == 1 if group is None else group in said.groups] += 1
            seen = bool(said.looks) and said.code != 1 if group is None else group in said.groups + said.looks
            found[kind, group is None, "look"] += seen
    return found


def main(seed: int = 0) -> None:
    """Print both shares for public and for made logs."""
    found = counted(seed)
    for kind in ("public", "made"):
        wrong, right = found[kind, True, True], found[kind, False, True]
        healthy, sick = wrong + found[kind, True, False], right + found[kind, False, False]
        print(
            f"{kind}: {wrong} of {healthy} excerpts of healthy logs called sick, {found[kind, True, 'look']} worth a "
            f"look; the group proved in {right} of {sick} of sick ones, proved or worth a look in "
            f"{found[kind, False, 'look']}"
        )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
