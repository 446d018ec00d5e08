"""Whether another part helps by more than chance, and whether a training has learned enough without it."""

from dataclasses import replace

from nsputil.clinic.conclusion import Evidence
from nsputil.clinic.torch_suspect import measure
from nsputil.clinic.torch_suspect.case import Case
from nsputil.clinic.torch_suspect.evaluation import Looks
from nsputil.clinic.torch_suspect.watching import watch

FAR = 0.12  # of accuracy: from here on a training that has learned may be sick although no fact says so
ENOUGH = 2 / 3  # of what another part reaches above chance: a training that has learned more is not sick


def helps(case: Case, gained: tuple[float, float], need: float) -> bool:
    """Whether a gain of accuracy, or a large one of the loss, is more than chance."""
    error = measure.error(case.judge, case.base)
    return gained[0] > max(need, 1.7 * error) or (gained[1] > 0.25 and gained[0] > 0)


def _far_behind(case: Case, gained: tuple[float, float]) -> bool:
    """Whether a training that has learned is sick all the same: another part shows how much it lacks."""
    chance = measure.chance(case.judge)
    return gained[0] >= FAR and case.base - chance < ENOUGH * (case.base + gained[0] - chance)


def learned_enough(case: Case, gained: tuple[float, float]) -> bool:
    """Whether a training has learned, and no more than another part would help it: at its own end, if need be."""
    if case.learned()[0] and not _far_behind(case, gained):
        return True
    reached = case.base + gained[0]
    if not train_on(case):
        return False
    return case.learned()[0] and not _far_behind(case, (reached - case.base, 0.0))


def train_on(case: Case) -> bool:
    """Train further than was watched, without a change: what learns late is not sick. Whether there is more to see."""
    if case.longer or not case.judge or case.whole < 1.3 * case.batches:
        return False
    case.longer = True
    steps = min(case.whole, (case.limit - case.used) * 2 // 3)
    if steps < 1.3 * case.batches:
        return False
    case.tell(f"The training runs for {steps} steps on copies, unwatched.")
    case.used += steps
    look = Looks(replace(case.given, evaluate=None), case.judge, False, 0)
    done = watch(case.given, steps, look, (steps,), plain=True)
    if not done.looks:
        return False
    found = done.looks[-1][1]
    reached = measure.fair(found)
    text = f"After {steps} steps of its own accuracy is {reached:.3f}; after {case.batches} it was {case.base:.3f}."
    case.evidence.append(Evidence("swap", text, "optimizer"))
    if reached <= case.base:
        return False
    case.base, case.base_loss = reached, found.loss
    return True
