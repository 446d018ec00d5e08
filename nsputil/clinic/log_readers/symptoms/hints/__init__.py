"""Hints in few rows: unusual numbers that good trainings show, too, now and then, so that they are worth a look only.

A thread often shows one to five rows. They prove little, but an accuracy that is exactly 1 at the first step, or the
same number in each row, is worth a question. Each function of the modules here names one such hint.
"""

from collections.abc import Callable, Sequence

import numpy as np

from nsputil.clinic.log_readers.reading import LogReading
from nsputil.clinic.log_readers.symptoms.curves import Curves, curves
from nsputil.clinic.log_readers.symptoms.groups import Symptom
from nsputil.clinic.log_readers.symptoms.hints import apart, evaluated, odd, still

#: The likeliest first.
HINTS: tuple[Callable[[LogReading, Curves], list[Symptom]], ...] = (
    odd.nan_beside,
    odd.beyond_all_rows,
    odd.below_zero,
    evaluated.evaluations_repeat,
    still.nothing_moves,
    still.same_score,
    still.same_loss,
    still.near_even,
    still.loss_stands,
    still.poor_and_still,
    still.hardly_better,
    still.knows_nothing,
    still.wrong_for_sure,
    still.finds_nothing,
    still.no_trend,
    odd.right_at_first,
    odd.all_right_at_a_cost,
    odd.perfect_score,
    odd.no_loss_at_first,
    apart.better_in_each_row,
    apart.overfits,
    apart.gap_of_accuracy,
    apart.gap_of_loss,
    evaluated.right_less_often,
    evaluated.last_falls_off,
    apart.held_out_accuracy_falls,
    apart.loss_grows,
    apart.gets_worse,
    odd.losses_of_two_kinds,
    odd.zeros_between,
)


def hints(reading: LogReading, found: Sequence[Symptom]) -> list[Symptom]:
    """Return one hint for each group that was not found, the likeliest first."""
    named = {symptom.group for symptom in found}
    first: dict[str, Symptom] = {}
    with np.errstate(all="ignore"):
        of = curves(reading)
        for symptom in (symptom for hint in HINTS for symptom in hint(reading, of)):
            if symptom.group not in named:
                first.setdefault(symptom.group, symptom)
    return list(first.values())
