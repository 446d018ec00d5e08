"""From facts and swaps to an answer, for a PyTorch training: the order of `nsputil.clinic.investigation`.

1. The training runs once on copies, watched. A firm violation of a fact decides.
2. A violation that may do no harm is put to a swap.
3. If nothing is violated, the textbook's loop is tried, then other parts.
"""

import time
from collections.abc import Callable

from nsputil.clinic.torch_suspect.all_facts import all_facts
from nsputil.clinic.torch_suspect.by_facts import by_error, by_facts, by_report
from nsputil.clinic.torch_suspect.by_harm import by_harm
from nsputil.clinic.torch_suspect.by_swaps import by_swaps
from nsputil.clinic.torch_suspect.case import Case
from nsputil.clinic.torch_suspect.first_training import run_watched
from nsputil.clinic.torch_suspect.given import Given
from nsputil.clinic.torch_suspect.result import Examination

__all__ = ["Examination", "run"]


def run(given: Given, limit: int, tell: Callable[[str], None]) -> Examination:
    """Examine a training of which all parts are copies."""
    start = time.perf_counter()
    case = Case(given, limit, tell)
    run_watched(case)
    case.findings = all_facts(case)
    conclusion = by_error(case) or by_facts(case) or by_harm(case) or by_report(case) or by_swaps(case)
    return Examination(conclusion, tuple(case.findings), case.used, time.perf_counter() - start)
