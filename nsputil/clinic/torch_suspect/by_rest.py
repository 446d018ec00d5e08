"""The answer where no exchange helps: doubtful violations, what counting reaches, and eight examples by heart."""

from nsputil.clinic.conclusion import Answer, Conclusion
from nsputil.clinic.examined import evidence_of
from nsputil.clinic.torch_suspect import measure
from nsputil.clinic.torch_suspect.by_heart import learns_by_heart
from nsputil.clinic.torch_suspect.case import Case
from nsputil.clinic.torch_suspect.counting import counted
from nsputil.clinic.torch_suspect.enough import FAR
from nsputil.clinic.torch_suspect.mistakes import is_mistake
from nsputil.clinic.torch_suspect.swaps import Swap

PART = 1 / 3  # of what counting shared words has above chance: less is hardly anything
LITTLE = 0.03  # of accuracy, beyond what counting shared words has


def by_rest(case: Case, learned: bool, words: str, better: Swap | None) -> Conclusion:
    """Return what can be said without another part.

    Parameters
    ----------
    case : Case
    learned : bool
    words : str
        Those for what it has learned.
    better : Swap or None
        An exchange that helps a training that has learned.
    """
    return (
        _by_doubt(case, learned, words)
        or _without_held_out(case, words)
        or _less_than_counting(case, words)
        or _not_learned(case, learned, words)
        or _by_mistake(case)
        or _healthy(case, words, better)
    )


def _by_doubt(case: Case, learned: bool, words: str) -> Conclusion | None:
    """A training that has not learned: the first violation that names a cause is the likeliest one."""
    named = [f for f in case.open if f.cause is not None and f.place not in ("numbers", "evaluation")]
    if named and not learned and case.judge:
        first = named[0]
        statement = f"It has not learned: {words} The likeliest cause is {first.cause}, in the {first.place}."
        reasons, others = [evidence_of(first)], tuple(named[1:])
        return case.conclude("cause", first.cause, first.place, statement, reasons, others, "swap")
    symptoms = [f for f in case.open if f.firm and f.place != "numbers"]
    if symptoms:
        first = symptoms[0]
        statement = f"Something is wrong in the {first.place}: {first.statement}"
        reasons, others = [evidence_of(first)], tuple(symptoms[1:])
        return case.conclude("place", None, first.place, statement, reasons, others, "swap")
    return None


def _without_held_out(case: Case, words: str) -> Conclusion | None:
    if case.judge:
        return None
    return case.conclude("too little to tell", None, None, f"No fact is violated, and {words}", [])


def _less_than_counting(case: Case, words: str) -> Conclusion | None:
    """A training that hardly learned where no layer is needed: no fact and no exchange blames another part."""
    chance, shared = measure.chance(case.judge), counted(case.given)
    if not (shared - case.base > FAR and case.base - chance < PART * (shared - chance)):
        return None
    statement = (
        f"Something is wrong in the model, of no kind that is known here: {words} Counting the words that A and B "
        f"share has {shared:.3f}, and the rows, the labels, the loss and the optimizer have passed."
    )
    return case.conclude("place", None, "model", statement, [], tuple(case.open), "swap")


def _not_learned(case: Case, learned: bool, words: str) -> Conclusion | None:
    """The model is at fault if it does not learn eight examples by heart either."""
    if learned:
        return None
    fits = learns_by_heart(case)
    place = None if fits else "model"
    statement = f"It has not learned: {words}" + ("" if fits else " Eight examples are not learned by heart either.")
    answer: Answer = "has not learned" if fits else "place"
    return case.conclude(answer, None, place, statement, [], tuple(case.open), "swap")


def _by_mistake(case: Case) -> Conclusion | None:
    """A mistake has its name although the training has learned."""
    deviations = [f for f in case.open if f.place != "numbers"]
    alone = next((f for f in deviations if f.cause == "no-comparison"), None)
    shared = counted(case.given) if alone is not None else float("nan")
    if alone is not None and case.base < shared + LITTLE:
        more = f"Counting the words that A and B share has {shared:.3f}, and this training {case.base:.3f}."
        statement = f"The cause is no-comparison, in the model: {more}"
        others = tuple(f for f in deviations if f is not alone)
        return case.conclude("cause", alone.cause, alone.place, statement, [evidence_of(alone)], others)
    mistake = next((f for f in deviations if f.cause is not None and is_mistake(case, f)), None)
    if mistake is not None:
        others = tuple(f for f in deviations if f is not mistake)
        where = mistake.place
        statement = f"The cause is {mistake.cause}, in the {where}: a mistake, though it does no harm that shows here."
        return case.conclude("cause", mistake.cause, where, statement, [evidence_of(mistake)], others)
    return None


def _healthy(case: Case, words: str, better: Swap | None) -> Conclusion:
    """It has learned, and nothing that was tried is wrong."""
    deviations = [f for f in case.open if f.place != "numbers"]
    if better is not None and not deviations:
        statement = f"Nothing is violated; it would help to train {better.name}."
        return case.conclude("a part that helps", None, better.place, statement, [])
    if deviations:
        names = ", ".join(dict.fromkeys(f.cause or f.fact for f in deviations))
        statement = f"Healthy, with a deviation that does no harm here: {names}. At the end {words}"
        return case.conclude("healthy, with a deviation", None, None, statement, [])
    return case.conclude("healthy", None, None, f"Nothing is wrong that could be found: {words}", [])
