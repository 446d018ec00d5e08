"""The answer by exchanges: no fact decides, so the textbook's loop is tried, then other parts."""

from nsputil.clinic.conclusion import Conclusion
from nsputil.clinic.torch_suspect import to_try
from nsputil.clinic.torch_suspect.by_harm import HARM
from nsputil.clinic.torch_suspect.by_rest import by_rest
from nsputil.clinic.torch_suspect.case import Case
from nsputil.clinic.torch_suspect.enough import helps, learned_enough, train_on
from nsputil.clinic.torch_suspect.swaps import Swap

HELPS = 0.08  # of accuracy, for a part of which no fact says anything


def by_swaps(case: Case) -> Conclusion:
    """Try the parts of which no fact says anything; if none helps, what is left decides."""
    learned, words = case.learned()
    if not learned and train_on(case):
        learned, words = case.learned()
    better: Swap | None = None  # another part does better, and this training has learned
    for swap in to_try.candidates(case, learned):
        if not case.judge or not case.affordable(case.batches):
            continue
        gained = case.trial(swap)
        if gained is None or not helps(case, gained, HELPS):
            continue
        if learned and learned_enough(case, gained):
            better = better or swap
            continue
        return _by_help(case, swap, gained, learned)
    return by_rest(case, learned, words, better or case.helping)


def _by_help(case: Case, swap: Swap, gained: tuple[float, float], learned: bool) -> Conclusion:
    """What helps was wrong: its cause, if a doubtful violation or another rate names one."""
    doubtful = [
        f.cause
        for f in case.open
        if f.place == swap.place and f.cause and not f.firm and not f.cause.endswith("-frozen")
    ]  # no exchange here thaws a tensor
    cause = swap.cause or next(iter(doubtful), None) or _which_rate(case, swap, gained)
    evidence = [case.evidence[-1]]
    if cause is not None:
        statement = f"The cause is {cause}, in the {swap.place}: it helps to train {swap.name}."
        return case.conclude("cause", cause, swap.place, statement, evidence, tuple(case.open), "swap")
    if learned:
        statement = f"Nothing is violated; it would help to train {swap.name}."
        return case.conclude("a part that helps", None, swap.place, statement, evidence)
    statement = f"Something is wrong in the {swap.place}: it helps to train {swap.name}."
    return case.conclude("place", None, swap.place, statement, evidence, tuple(case.open), "swap")


def _which_rate(case: Case, swap: Swap, gained: tuple[float, float]) -> str | None:
    """If another loop helps, ask whether the rate alone does."""
    if swap.place != "optimizer":
        return None
    for other in to_try.rates(case):
        if not case.affordable(case.batches):
            return None
        helped = case.trial(other)
        if helped is not None and helped[0] > max(HARM, 0.5 * gained[0]):
            return other.cause
    return None
