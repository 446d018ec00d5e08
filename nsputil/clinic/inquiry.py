"""Facts first, swaps next: an inquiry into a training that may be sick.

1. The training is recorded once, and every fact is examined. A firm violation decides: a cause, or the place.
2. A violation that may do no harm is put to a swap: the part is exchanged, and accuracy says whether it matters.
3. If nothing is violated, amounts are tried (step length, time, dropout, batch), then each part is exchanged.
4. What is left is "healthy", or "has not learned" if accuracy is not above chance.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from nsputil.clinic.conclusion import Answer, Conclusion, Evidence
from nsputil.clinic.facts import examine
from nsputil.clinic.facts.finding import Finding
from nsputil.clinic.recording import Recording, record
from nsputil.clinic.swaps.doses import DOSES, Dose
from nsputil.clinic.swaps.parts import PARTS, defaults, exchanged
from nsputil.clinic.swaps.trials import TWO_SEEDS, Trial, Trials
from nsputil.metrics import accuracy_interval
from nsputil.pairs import IS_NEXT
from nsputil.training import Experiment

SYMPTOMATIC = ("model", "numbers")
HARM = 0.02  # of accuracy: a repair that gains less does no harm that a few seeds can show
TIME = 0.10  # so much must three times the steps gain: almost every short training gains a little
TRAININGS = 9
#: A rank of the kinds of evidence, set by hand. These are no measured rates yet: nothing is calibrated on them.
CONFIDENCE = {"fact, cause": 0.95, "fact, place": 0.9, "swap, cause": 0.85, "swap, place": 0.75, "healthy": 0.9}


@dataclass
class _Inquiry:
    recording: Recording
    findings: list[Finding]
    trials: Trials
    reference: Experiment
    kin: bool  # whether the reference is of the experiment's own kind
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def violations(self) -> list[Finding]:
        """Violated facts that no other violated fact explains."""
        violated = {f.fact for f in self.findings if f.state == "violated"}
        return [f for f in self.findings if f.state == "violated" and not violated & set(f.explained_by)]

    def conclude(
        self,
        answer: Answer,
        cause: str | None,
        place: str | None,
        confidence: float,
        statement: str,
        evidence: Sequence[Evidence] = (),
        others: Sequence[Finding] = (),
    ) -> Conclusion:
        own = tuple([*evidence, *self.evidence])
        return Conclusion(answer, cause, place, confidence, statement, own, tuple(others), self.trials.count)


def inquire(
    experiment: Experiment,
    reference: Experiment | None = None,
    recording: Recording | None = None,
    limit: int = TRAININGS,
    progress: Callable[[str], None] | None = None,
) -> Conclusion:
    """Find out what is wrong with a training, if anything is.

    Parameters
    ----------
    experiment : Experiment
    reference : Experiment, optional
        A sound experiment of the same kind, whose parts serve as reference; None: the course's defaults, with which
        "healthy" means that nothing is violated and no change of an amount helps.
    recording : Recording, optional
        Of this experiment, if it was recorded already.
    limit : int
        Trainings at most, the recorded one included.
    progress : callable, optional
        Called with a sentence before each training.

    Returns
    -------
    Conclusion
    """
    seen = recording or record(experiment)
    findings = examine(seen)
    other = reference or defaults(experiment)
    judge = other.held_out_pairs or other.pairs if _held_out_doubtful(findings) else None
    trials = Trials(experiment, judge, seen.run, limit)
    inquiry = _Inquiry(seen, findings, trials, other, reference is not None)
    tell = progress or (lambda sentence: None)
    return _by_facts(inquiry) or _by_harm(inquiry, tell) or _by_doses(inquiry, tell) or _by_swaps(inquiry, tell)


def _held_out_doubtful(findings: list[Finding]) -> bool:
    """Whether the held-out pairs themselves are under suspicion, so that others have to judge."""
    return any(f.state == "violated" and f.place in ("pairs", "split") for f in findings)


def _evidence(finding: Finding) -> Evidence:
    return Evidence("fact", finding.statement, finding.place, finding.rows)


def _by_facts(inquiry: _Inquiry) -> Conclusion | None:
    """A firm violation decides."""
    violations = inquiry.violations
    firm = [f for f in violations if f.firm]
    if not firm:
        return None
    first = next((f for f in firm if f.cause is not None), firm[0])
    if first.cause is None and first.place in SYMPTOMATIC:
        return None  # a state after training, which many causes leave behind: swaps look for the place
    others = tuple(f for f in [*firm, *(f for f in violations if not f.firm)] if f is not first)
    if first.cause is not None:
        statement = f"The cause is {first.cause}, in the {first.place}."
        return inquiry.conclude(
            "cause", first.cause, first.place, CONFIDENCE["fact, cause"], statement, [_evidence(first)], others
        )
    statement = f"Something is wrong in the {first.place}, of no kind that is known here."
    return inquiry.conclude(
        "place", None, first.place, CONFIDENCE["fact, place"], statement, [_evidence(first)], others
    )


def _by_harm(inquiry: _Inquiry, tell: Callable) -> Conclusion | None:
    """A doubtful violation is a cause if the exchange of its part helps, in each of two seeds."""
    for finding in inquiry.violations:
        part = finding.place
        if finding.firm or part not in PARTS or not inquiry.trials.affordable(2):
            continue
        tell(f"Does it do harm? The {part} are exchanged.")
        trial = inquiry.trials.screened(part, exchanged(inquiry.trials.experiment, inquiry.reference, part))
        if trial.helps(HARM):
            swap = _swap_evidence(trial, part, f"with another {part}")
            answer: Answer = "cause" if finding.cause else "place"
            statement = (
                f"The cause is {finding.cause}, in the {part}."
                if finding.cause
                else f"Something is wrong in the {part}: {finding.statement}"
            )
            others = tuple(f for f in inquiry.violations if f is not finding)
            confidence = CONFIDENCE["swap, cause" if finding.cause else "swap, place"]
            return inquiry.conclude(
                answer, finding.cause, part, confidence, statement, [_evidence(finding), swap], others
            )
        inquiry.evidence += [_evidence(finding), _swap_evidence(trial, part, f"with another {part}")]
    return None


def _swap_evidence(trial: Trial, place: str, what: str) -> Evidence:
    gains = ", ".join(f"{gain:+.3f}" for gain in trial.gains)
    return Evidence("swap", f"Accuracy moves by {gains} {what} ({len(trial.gains)} paired seeds).", place)


def _by_doses(inquiry: _Inquiry, tell: Callable) -> Conclusion | None:
    """A change of an amount that helps names what was too much or too little."""
    best: tuple[Dose, Trial] | None = None
    for dose in _doses(inquiry):
        if not inquiry.trials.affordable(dose.trainings):
            continue
        tell(f"Another training, with {dose.name}.")
        trial = inquiry.trials.screened(dose.name, dose.change(inquiry.trials.experiment), dose.trainings)
        inquiry.evidence.append(_swap_evidence(trial, dose.place, f"with {dose.name}"))
        need = TIME if dose.trainings > 1 else TWO_SEEDS
        if trial.helps(need) and (best is None or trial.gain > best[1].gain):
            best = dose, trial
            if trial.gain > 0.15:
                break
    if best is None:
        return None
    dose, trial = best
    statement = f"The cause is {dose.cause}: {dose.name} would have helped."
    evidence = [_swap_evidence(trial, dose.place, f"with {dose.name}")]
    inquiry.evidence = [e for e in inquiry.evidence if e not in evidence]
    return inquiry.conclude(
        "cause", dose.cause, dose.place, CONFIDENCE["swap, cause"], statement, evidence, tuple(inquiry.violations)
    )


def _doses(inquiry: _Inquiry) -> list[Dose]:
    """The changes worth a training, the likeliest first."""
    e, doses = inquiry.trials.experiment, []
    for dose in DOSES:
        if dose.cause == "batch-too-small" and e.batch_size >= 16:
            continue
        if dose.cause == "dropout-too-high" and not _drops(inquiry):
            continue
        doses.append(dose)
    return doses


def _drops(inquiry: _Inquiry) -> bool:
    """Whether the encoder gives different answers with and without a generator."""
    start, kept = inquiry.recording.start, inquiry.recording.kept
    if start is None or not kept or not hasattr(start, "encoder"):
        return False
    try:
        quiet = start.encoder.forward(kept[0].batch)[0]
        loud = start.encoder.forward(kept[0].batch, np.random.default_rng(0))[0]
    except Exception:  # an encoder of another make: nothing is known of its dropout
        return False
    return not np.array_equal(quiet, loud)


def _by_swaps(inquiry: _Inquiry, tell: Callable) -> Conclusion:
    """No fact, no amount: exchange the parts one by one, if there is anything to be gained at all."""
    learned, words = _has_learned(inquiry)
    if inquiry.kin or not learned or any(f.firm for f in inquiry.violations):
        for part in PARTS:
            if part == "evaluation" or not inquiry.trials.affordable(1):
                continue  # a recount is that swap, and the facts have made it
            tell(f"Another training, with the {part} of the reference.")
            changed = exchanged(inquiry.trials.experiment, inquiry.reference, part)
            trial = inquiry.trials.screened(part, changed)
            if trial.helps():
                evidence = [_swap_evidence(trial, part, f"with the {part} of the reference")]
                if not inquiry.kin and learned:
                    return inquiry.conclude("a part that helps", None, part, CONFIDENCE["healthy"],
                                            f"Nothing is violated; other {part} would help.", evidence)  # fmt: skip
                return inquiry.conclude("place", None, part, CONFIDENCE["swap, place"],
                                        f"Something is wrong in the {part}.", evidence)  # fmt: skip
    symptoms = [f for f in inquiry.violations if f.firm]
    if symptoms:
        first = symptoms[0]
        statement = f"Something is wrong in the {first.place}, of no kind that is known here."
        return inquiry.conclude(
            "place", None, first.place, CONFIDENCE["swap, place"], statement, [_evidence(first)], tuple(symptoms[1:])
        )
    if not learned:
        return inquiry.conclude("has not learned", None, None, 0.8, f"It has not learned: {words}")
    deviations = inquiry.violations
    if deviations:
        named = ", ".join(dict.fromkeys(f.cause or f.fact for f in deviations))
        return inquiry.conclude("healthy, with a deviation", None, None, CONFIDENCE["healthy"],
                                f"Healthy, with a deviation that does no harm here: {named}.")  # fmt: skip
    return inquiry.conclude("healthy", None, None, CONFIDENCE["healthy"], f"Healthy: {words}")


def _has_learned(inquiry: _Inquiry) -> tuple[bool, str]:
    """Is accuracy on held-out pairs above that of always giving the more frequent label?"""
    pairs = inquiry.trials.pairs(0)
    if not pairs:
        return False, "there are no held-out pairs."
    accuracy = inquiry.trials.accuracy(inquiry.trials.base(0), 0)
    prior = float(np.mean([pair.label == IS_NEXT for pair in pairs]))
    chance = max(prior, 1 - prior)
    low, high = accuracy_interval(round(accuracy * len(pairs)), len(pairs))
    words = f"accuracy {accuracy:.3f} [{low:.3f}, {high:.3f}] on {len(pairs)} held-out pairs, by chance {chance:.3f}."
    return low > chance, words
