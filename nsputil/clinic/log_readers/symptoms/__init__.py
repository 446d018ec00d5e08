"""What the curves of any training can show: groups of symptoms, not causes.

A cause is named only from numbers that were compared with trainings of the same kind; a log of another size or task has
none. Each group has a module of small functions with its limits beside them.
"""

from collections.abc import Callable

import numpy as np

from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms import reports
from nsputil.clinic.log_readers.symptoms.contradictions import contradictory
from nsputil.clinic.log_readers.symptoms.curves import Curves, curves
from nsputil.clinic.log_readers.symptoms.gaps import held_out_better, held_out_worse
from nsputil.clinic.log_readers.symptoms.groups import (
    BETTER,
    CONTRADICTION,
    GROUPS,
    NAN,
    PERFECT,
    RISES,
    STUCK,
    WORSE,
    Symptom,
)
from nsputil.clinic.log_readers.symptoms.hints import hints
from nsputil.clinic.log_readers.symptoms.perfect import right_at_once, too_good
from nsputil.clinic.log_readers.symptoms.rising import falls_then_rises
from nsputil.clinic.log_readers.symptoms.stuck import never_falls
from nsputil.clinic.log_readers.symptoms.twins import two_accuracies

__all__ = [
    "BETTER",
    "CONTRADICTION",
    "GROUPS",
    "NAN",
    "PERFECT",
    "RISES",
    "STUCK",
    "WORSE",
    "Curves",
    "Symptom",
    "curves",
    "hints",
    "symptoms",
]

ROWS: tuple[Callable[[LogReading], list[Symptom]], ...] = (
    reports.not_a_number,
    reports.computes_nan,
    reports.no_correlation_at_all,
    reports.one_class,
    reports.no_correlation,
    reports.no_order,
    reports.all_zero,
    reports.f1_stays_zero,
    reports.one_answer,
    reports.epoch_again,
    two_accuracies,
)
CURVES: tuple[Callable[[Curves], list[Symptom]], ...] = (
    contradictory,
    falls_then_rises,
    never_falls,
    held_out_worse,
    held_out_better,
    too_good,
)


def symptoms(reading: LogReading) -> list[Symptom]:
    """Return what is unusual, in the order of `GROUPS`; firm symptoms first."""
    with np.errstate(all="ignore"):
        of = curves(reading)
        found = [symptom for look in ROWS for symptom in look(reading)]
        found += right_at_once(reading, of)
        for look in CURVES:
            found += look(of)
    return sorted(found, key=lambda s: (not s.firm, GROUPS.index(s.group)))
