"""What the bare logs of the clinic's own trainings are told: healthy ones, and ones that stay near ln 2.

    python -m benchmarks.bare_logs [SEEDS]

Each training is written as lines of step, loss and accuracy, with its evaluations between them, as any loop prints
them. The answer is that of `python -m nsputil diagnose FILE`. Two seeds take about a minute.
"""

import sys
from collections import Counter

from nsputil.clinic.faults import FAULTS, inject
from nsputil.clinic.log_readers.reading import understand
from nsputil.clinic.log_readers.symptoms import STUCK
from nsputil.clinic.log_readers.text import LogText
from nsputil.clinic.programs import PROGRAMS, healthy
from nsputil.clinic.report import answer_log
from nsputil.training import Run, train

#: Faults of the group that the catalogue calls stuck at ln 2, but for one that needs masked words.
NEAR_LN2 = [name for name, fault in FAULTS.items() if fault.group == "stuck-at-ln2" and name != "task-weight-tiny"]


def as_print(run: Run) -> str:
    """Return a run as the lines that a loop prints."""
    evaluations = {report["step"]: report for report in run.evaluations}
    lines = []
    for step, (loss, accuracy) in enumerate(zip(run.loss, run.accuracy, strict=True), 1):
        lines.append(f"step {step} loss {loss:.4f} acc {accuracy:.4f}")
        if step in evaluations:
            report = evaluations[step]
            lines.append(f"step {step} val_loss {report['loss']:.4f} val_acc {report['accuracy']:.4f}")
    return "\n".join(lines)


def groups(run: Run) -> list[str]:
    """Return the groups of symptoms that the bare log of a run is told."""
    return answer_log(understand(LogText("bare.log", as_print(run)))).groups


def main(seeds: int = 2) -> None:
    """Print how many logs are told that something is wrong, and that the loss never falls."""
    for ugly in (False, True):
        told: Counter[str] = Counter()
        for program in PROGRAMS:
            for seed in range(3000, 3000 + seeds):
                told[program.name] += bool(groups(train(healthy(program, seed, ugly=ugly))))
        what = "healthy, with one weakness" if ugly else "healthy"
        print(f"{what}: {told.total()} of {seeds * len(PROGRAMS)} called sick; {dict(told)}")
    stuck: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for number, name in enumerate(NEAR_LN2):
        programs = [program for program in PROGRAMS if FAULTS[name].harms_in(program)]
        for program in programs[:: max(1, len(programs) // seeds)][:seeds]:
            tried[name] += 1
            stuck[name] += STUCK in groups(train(inject(healthy(program, 4000 + number), name)))
    missed = {name: f"{stuck[name]} of {count}" for name, count in tried.items() if stuck[name] < count}
    print(f"near ln 2: {stuck.total()} of {tried.total()} told that the loss never falls; not all of {missed}")


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:2]))
