"""Facts first, swaps next: an investigation of a training that may be sick.

1. The training is recorded once, and every fact is examined. A firm violation decides: a cause, or the place.
2. A violation that may do no harm is put to a swap: the part is exchanged, and accuracy says whether it matters.
3. If nothing is violated, the training is tried on pairs of the rule by which its held-out pairs are made.
4. Then amounts are tried (step length, time, dropout, batch), then each part is exchanged.
5. What is left is "healthy", or "has not learned" if accuracy is not above chance.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from nsputil.clinic.conclusion import Answer, Conclusion, Evidence
from nsputil.clinic.examined import by_facts, evidence_of, in_catalogue, place_told, unexplained
from nsputil.clinic.facts import examine
from nsputil.clinic.facts.explain import in_order, ordinary
from nsputil.clinic.facts.finding import Finding, holds, unknown, violated
from nsputil.clinic.recording import Recording, record
from nsputil.clinic.swaps.doses import DOSES, REPAIRS, Dose, counted_start, step_length
from nsputil.clinic.swaps.parts import PARTS, defaults, exchanged
from nsputil.clinic.swaps.trials import ONE_SEED, TWO_SEEDS, Trial, Trials
from nsputil.run import Run
from nsputil.training import Experiment

SYMPTOMATIC = ("model", "numbers")
HARM = 0.02  # of accuracy: a repair that gains less does no harm that a few seeds can show
TIME = 0.10  # so much must three times the steps gain: almost every short training gains a little
MUCH = 0.12  # of accuracy: an amount that gains less is no cause where nothing is violated and something was learned
PROMISE = 1.0  # nats that all steps together promise; healthy trainings have 1.9 to 12
ENOUGH = 3.0  # nats of promise that short steps are stretched to
SMALL = 0.002  # of the first weights: the longest step of most healthy trainings is 0.004 to 0.025
LONG = 0.05  # of the first weights: twice as long as the longest step of most healthy trainings
FEW_STEPS = 100
HARDLY = 0.08  # of accuracy above chance: so little may be what a shortcut or one frequent word gives
SHARE = 2 / 3  # of what the text allows: a training that learns more of it is not sick
OWN_RULE = ("steps.overshoot", "steps.length", "steps.frozen", "optimizer.scale", "model.values", "model.dropout")
CHOICES = ("model.start", "split.used")  # what sane trainings do too: random vectors, a part of the text
MISTAKES = ("wrong-vocabulary",)  # vectors that are in other rows than their words
MEASURES = ("split.sizes",)  # what may spoil the measurement and leave the model as it is
#: Text that was cleaned on purpose, or spoilt: two measurements tell them apart.
ALTERED = ("split.text", "pairs.text", "arrays.cleaned")
LOST = 0.03  # of the accuracy that a run reports: from here on altered text has lost what the task needs
CLEAR = 0.10  # of accuracy: from here on such a choice does harm, although something was learned
#: Parts in the order in which they are exchanged: facts about the first ones leave most open. A recount is the exchange
#: of the evaluation.
OPEN = ("model", "optimizer", "batching", "encoding", "loss", "pairs", "split")
ENOUGH_GAIN = 0.15  # of accuracy: nothing else is tried then
USUAL = 0.02  # of the first weights: a usual longest step
TRAININGS = 9


@dataclass
class _Investigation:
    recording: Recording
    findings: list[Finding]
    trials: Trials
    reference: Experiment
    kin: bool  # whether the reference is of the experiment's own kind
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def violations(self) -> list[Finding]:
        """Violated facts that no other violated fact explains."""
        return unexplained(self.findings)

    def conclude(
        self,
        answer: Answer,
        cause: str | None,
        place: str | None,
        kind: str,
        statement: str,
        evidence: Sequence[Evidence] = (),
        others: Sequence[Finding] = (),
    ) -> Conclusion:
        own = tuple([*evidence, *self.evidence])
        return Conclusion(answer, cause, place, kind, statement, own, tuple(others), self.trials.count)


def investigate(
    experiment: Experiment,
    reference: Experiment | None = None,
    run: Run | None = None,
    recording: Recording | None = None,
    limit: int = TRAININGS,
    progress: Callable[[str], None] | None = None,
) -> Conclusion:
    """Find out what is wrong with a training, if anything is.

    Parameters
    ----------
    experiment : Experiment
        It is trained and examined; it is never changed.
    reference : Experiment, optional
        A sound experiment of the same kind, whose parts serve as reference; None: the course's defaults, with which
        "healthy" means that nothing is violated and no change of an amount helps.
    run : Run, optional
        A training of this experiment that exists. The experiment is trained again all the same, since facts need to see
        every part at work; a curve that comes out otherwise is told.
    recording : Recording, optional
        Of this experiment, if it was recorded already: saves that training.
    limit : int
        Trainings at most, the recorded one included.
    progress : callable, optional
        Called with a sentence before each training.

    Returns
    -------
    Conclusion

    Raises
    ------
    ValueError
        If the limit is below 1.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}; expected at least 1 training")
    seen = recording or record(experiment)
    findings = examine(seen)
    if run is not None:
        findings = in_order([*findings, _same_run(run, seen.run)])
    other = reference or defaults(experiment)
    judge = other.held_out_pairs or other.pairs if _held_out_doubtful(findings) else None
    altered = any(f.state == "violated" and f.fact == "split.text" for f in findings)
    trials = Trials(experiment, judge, seen.run, limit, other.split if altered else None)
    case = _Investigation(seen, findings, trials, other, reference is not None)
    tell = progress or (lambda sentence: None)
    return (
        _by_facts(case)
        or _by_harm(case, tell)
        or _by_own_rule(case, tell)
        or _by_doses(case, tell)
        or _by_swaps(case, tell)
    )


def _same_run(given: Run, seen: Run) -> Finding:
    """Is the run that was given one of this experiment?"""
    name = "report.run"
    count = min(len(given.loss), len(seen.loss))
    if not count:
        return unknown(name, "evaluation", "The run that was given holds no training loss.")
    ours, theirs = np.array(seen.loss[:count]), np.array(given.loss[:count])
    apart = ~np.isclose(ours, theirs, rtol=1e-3, atol=1e-3, equal_nan=True)
    if len(given.loss) == len(seen.loss) and not apart.any():
        return holds(name, "evaluation", f"Trained again, the experiment gives the {count} losses of the run.")
    first = int(apart.argmax()) if apart.any() else count
    text = (
        f"Trained again, the experiment does not give the run that was given: {len(given.loss)} losses there, "
        f"{len(seen.loss)} here, and from step {first + 1} on they differ. Seed, data or code may have changed."
    )
    return violated(name, "evaluation", text, firm=False)


def _held_out_doubtful(findings: list[Finding]) -> bool:
    """Whether the held-out pairs themselves are under suspicion, so that others have to judge."""
    return any(f.state == "violated" and f.place in ("pairs", "split") for f in findings)


def _by_facts(case: _Investigation) -> Conclusion | None:
    """A firm violation decides; a state after training, which many causes leave behind, is left to the swaps."""
    found = by_facts(case.findings, SYMPTOMATIC)
    return found and replace(found, trainings=case.trials.count)


def _by_harm(case: _Investigation, tell: Callable) -> Conclusion | None:
    """A doubtful violation is to blame if its repair, or the exchange of its part, helps in each of two seeds.

    Its cause is named only if the repair of that very cause helps, where there is one: if another part helps and the
    repair does not, the answer is the place.
    """
    for finding in case.violations:
        part = finding.place
        if finding.firm or part not in PARTS:
            continue
        cause = in_catalogue(finding)
        if part == "evaluation" or finding.fact.startswith("evaluation."):
            if (told := _misreported(case, finding, cause)) is not None:
                return told
            continue
        if not case.trials.affordable(2):
            continue
        what, changed, own = _repair(case, finding)
        tell(f"Does it do harm? A training {what}.")
        measures, altered = finding.fact in MEASURES, finding.fact in ALTERED
        if measures or altered:
            trial = case.trials.compare(what, changed, (0, 1))
        else:
            trial = case.trials.screened(what, changed, least=HARM / 2)
        tried = [_swap_evidence(trial, part, what)]
        if _still_too_long(case, finding, trial) and case.trials.affordable(2):
            what, changed = "with a thousandth of the step length", step_length(case.trials.experiment, 0.001)
            trial = case.trials.screened(what, changed, least=HARM / 2)
            tried.append(_swap_evidence(trial, part, what))
        to_blame = own or finding.fact != "model.start"  # another encoder may be better without being what was missing
        tried += [_shift_evidence(trial, part, what)] if measures or altered else []
        if own and any(trial.gains) and not trial.helps(HARM):  # a gain of 0 is a repair that reached nothing
            cause, to_blame = None, False  # that repair is not what was missing
        if not trial.helps(HARM) and (own or not trial.gains) and case.trials.affordable(2):
            what = f"with another {part}"  # exchange the whole part
            changed = exchanged(case.trials.experiment, case.reference, part)
            trial = case.trials.screened(what, changed, least=HARM / 2)
            tried.append(_swap_evidence(trial, part, what))
        spoilt = bool(trial.helps() and np.mean(trial.shifts) > LOST)
        flattered = trial.helps(HARM) and trial.moves() and np.mean(trial.shifts) < 0  # it helps the own report alone
        spoilt = bool(spoilt or (flattered and finding.fact == "pairs.text"))
        if cause and not own and _another(case, finding):
            cause = None  # one name would leave the other violation over
        if not (spoilt if altered else _harms(case, finding, trial, to_blame) or (measures and trial.moves())):
            case.evidence += [evidence_of(finding), *tried]
            continue
        statement = (
            f"The cause is {cause}, in the {part}."
            if cause
            else f"Something is wrong in the {part}: {finding.statement}"
        )
        others = tuple(f for f in case.violations if f is not finding)
        kind = "swap, cause" if cause else "swap, place"
        answer: Answer = "cause" if cause else "place"
        return case.conclude(answer, cause, part, kind, statement, [evidence_of(finding), *tried[::-1]], others)
    return None


def _by_own_rule(case: _Investigation, tell: Callable) -> Conclusion | None:
    """Pairs for training may teach less than pairs of the rule for held-out text do.

    That rule is the experiment's own. So it needs no reference of another kind, and a gain in three seeds is not that
    of a better part: it is what the pairs for training lose.
    """
    experiment = case.trials.experiment
    rule = experiment.held_out_pairs
    if rule is None or rule is experiment.pairs or not case.trials.affordable(1):
        return None
    what, changed = "with training pairs of the rule for held-out pairs", replace(experiment, pairs=rule)
    tell(f"Another training, {what}.")
    trial = case.trials.screened(what, changed)
    if trial.helps() and len(trial.gains) > 1 and case.trials.affordable(2):
        trial = case.trials.once_more(trial, changed)
    evidence = _swap_evidence(trial, "pairs", what)
    if len(trial.gains) < 2 or not trial.helps():
        case.evidence.append(evidence)
        return None
    statement = "Something is wrong in the pairs: what is trained on teaches less than pairs made as the held-out ones."
    return case.conclude("place", None, "pairs", "swap, place", statement, [evidence], case.violations)


def _misreported(case: _Investigation, finding: Finding, cause: str | None) -> Conclusion | None:
    """An evaluation that deviates does harm if its reports are off; the recount is the swap, and costs no training."""
    off = _number(case, "report.accuracy", "off", 0.0)
    if off <= HARM:
        return None
    place = finding.place
    statement = f"The cause is {cause}, in the {place}." if cause else place_told(finding)
    recount = next(f for f in case.findings if f.fact == "report.accuracy")
    others = tuple(f for f in case.violations if f is not finding)
    answer: Answer = "cause" if cause else "place"
    told = list(dict.fromkeys([evidence_of(finding), evidence_of(recount)]))
    return case.conclude(answer, cause, place, f"fact, {answer}", statement, told, others)


def _harms(case: _Investigation, finding: Finding, trial: Trial, own: bool = True) -> bool:
    """Whether a gain shows harm; `own` says that it came from the repair of that very cause, or that there is none.

    Long steps can be right under momentum, and features of few values, much dropout and frozen tensors can be meant, so
    of them two seeds have to be sure. A start from random vectors is a choice, which others would have improved in most
    trainings that learn. If the repair of the cause gains nothing and a part of another kind does, the violation is not
    to blame, and a better part is no proof of sickness.
    """
    learned = _has_learned(case)[0]
    if learned and not own and not case.kin:
        return trial.gain >= MUCH and trial.helps() and trial.learned(_chance(case)) < SHARE
    if learned and finding.fact in CHOICES and finding.cause not in MISTAKES:
        return trial.helps(CLEAR) and trial.learned(_chance(case)) < SHARE
    return trial.helps(TWO_SEEDS if learned and finding.fact in (*OWN_RULE, *CHOICES) else HARM)


def _repair(case: _Investigation, finding: Finding) -> tuple[str, Experiment, bool]:
    """Return what to change, in words; the changed experiment; and whether it repairs that very cause."""
    experiment, dose = case.trials.experiment, REPAIRS.get(finding.cause or "")
    attends = case.recording.run.kind.get("attends")
    if finding.cause == "learning-rate-too-low" and 0 < _promised(case) < PROMISE:
        factor = ENOUGH / _promised(case)  # a promise grows with the steps
        return f"with {factor:.3g} times the step length", step_length(experiment, factor), True
    if finding.cause == "learning-rate-too-high":
        factor = min(0.1, max(1e-4, USUAL / _number(case, "steps.length", "ratio", USUAL)))
        return f"with {factor:.3g} times the step length", step_length(experiment, factor), True
    if dose is not None and not (attends and dose.change is counted_start):
        return f"with {dose.name}", dose.change(experiment), True
    return f"with another {finding.place}", exchanged(experiment, case.reference, finding.place), False


def _another(case: _Investigation, finding: Finding) -> bool:
    """Whether another violation of the same part has no name, and neither explains the other.

    What weighs words that two texts share has no gradient where nothing compares the two.
    """
    others = (f for f in case.violations if f.place == finding.place and f is not finding and f.cause is None)
    return any((finding.fact, f.fact) != ("model.comparison", "steps.gradient") for f in others)


def _still_too_long(case: _Investigation, finding: Finding, trial: Trial) -> bool:
    """Whether steps that overshoot may be too long even after a repair that gained nothing: nothing was learned yet."""
    too_high = finding.cause == "learning-rate-too-high"
    return too_high and trial.gain < HARM / 2 and not _has_learned(case)[0] and bool(trial.gains)


def _number(case: _Investigation, fact: str, name: str, otherwise: float) -> float:
    """Return a number that a fact has measured."""
    found = next((f for f in case.findings if f.fact == fact and name in f.numbers), None)
    return float(found.numbers[name]) if found else otherwise


def _signature(case: _Investigation, cause: str) -> bool:
    """Whether the training shows the mark of an amount itself, and not only that another amount would help.

    Steps that are too short move the weights hardly, steps that are too long are long or overshoot, a training that was
    stopped has few steps, and dropout that is too strong changes h_cls by half of its length.
    """
    usual = ordinary(case.findings, cause)
    if cause == "learning-rate-too-low":
        return usual and (_promised(case) < PROMISE or _number(case, "steps.length", "ratio", 0.0) < SMALL)
    if cause == "learning-rate-too-high":
        long = (
            _number(case, "steps.length", "ratio", 0.0) > LONG or _number(case, "steps.overshoot", "ratio", 1.0) < 0.5
        )
        return usual and long
    if cause == "stopped-too-early":
        return _number(case, "steps.count", "steps", 0.0) <= FEW_STEPS
    if cause == "batch-too-small":
        return _number(case, "batches.size", "pairs", 0.0) < 8
    if cause == "dropout-too-high":
        return _number(case, "model.dropout", "ratio", 1.0) > 0.4
    return True


def _swap_evidence(trial: Trial, place: str, what: str) -> Evidence:
    if not trial.gains:
        return Evidence("swap", f"A training {what} could not be tried ({trial.error}).", place)
    gains = ", ".join(f"{gain:+.3f}" for gain in trial.gains)
    return Evidence("swap", f"Accuracy moves by {gains} {what} ({len(trial.gains)} paired seeds).", place)


def _shift_evidence(trial: Trial, place: str, what: str) -> Evidence:
    shifts = ", ".join(f"{shift:+.3f}" for shift in trial.shifts)
    return Evidence("swap", f"The accuracy that is reported moves by {shifts} {what}.", place)


def _by_doses(case: _Investigation, tell: Callable) -> Conclusion | None:
    """A change of an amount that helps names what was too much or too little."""
    best: tuple[Dose, Trial] | None = None
    for dose in _doses(case):
        if not case.trials.affordable(dose.trainings):
            continue
        tell(f"Another training, with {dose.name}.")
        trial = case.trials.screened(dose.name, dose.change(case.trials.experiment), dose.trainings)
        case.evidence.append(_swap_evidence(trial, dose.place, f"with {dose.name}"))
        need = TIME if dose.trainings > 1 else TWO_SEEDS
        if trial.helps(need) and (best is None or trial.gain > best[1].gain):
            best = dose, trial
            if trial.gain > ENOUGH_GAIN:
                break
    if best is None:
        return None
    dose, trial = best
    learned, words = _has_learned(case)
    if not learned and trial.gain < ONE_SEED:
        return None  # a hard task: with another amount hardly more is learned
    if learned and trial.gain >= MUCH and case.trials.affordable(dose.trainings + 1):
        trial = case.trials.once_more(trial, dose.change(case.trials.experiment), dose.trainings)
    evidence = [_swap_evidence(trial, dose.place, f"with {dose.name}")]
    case.evidence = [e for e in case.evidence if e.statement not in {x.statement for x in evidence}]
    doubt = next((f for f in case.violations if in_catalogue(f) and f.place == dose.place), None)
    sick = not learned or (trial.gain >= MUCH and trial.helps(TWO_SEEDS) and trial.learned(_chance(case)) < SHARE)
    if not sick:
        nothing = "no violation does harm" if case.violations else "nothing is violated"
        statement = f"It learns, and {nothing}; {dose.name} would help. {words}"
        return case.conclude("a part that helps", None, dose.place, "a part that helps", statement, evidence)
    if doubt is not None and doubt.cause == dose.cause:
        statement = f"The cause is {doubt.cause}, in the {doubt.place}: {dose.name} would have helped."
        others = tuple(f for f in case.violations if f is not doubt)
        told = [evidence_of(doubt), *evidence]
        return case.conclude("cause", doubt.cause, doubt.place, "swap, cause", statement, told, others)
    others = tuple(case.violations)
    if not _signature(case, dose.cause):
        if (other := _by_another_model(case, trial, tell)) is not None:
            return other
        statement = f"Something is wrong in the {dose.place}, of no kind that is known here: {dose.name} would help."
        return case.conclude("place", None, dose.place, "swap, place", statement, evidence, others)
    statement = f"The cause is {dose.cause}: {dose.name} would have helped."
    return case.conclude("cause", dose.cause, dose.place, "swap, cause", statement, evidence, others)


def _by_another_model(case: _Investigation, trial: Trial, tell: Callable) -> Conclusion | None:
    """An amount without a mark of its own may only make up for what the model lacks: then another model gains more."""
    if not case.trials.affordable(1):
        return None
    tell("Another training, with the model of the reference.")
    other = case.trials.screened("model", exchanged(case.trials.experiment, case.reference, "model"))
    if len(other.gains) < 2 or not other.helps(TWO_SEEDS) or other.gain < trial.gain + HARM:
        return None
    evidence = [_swap_evidence(other, "model", "with the model of the reference")]
    return case.conclude("place", None, "model", "swap, place", "Something is wrong in the model.", evidence)


def _chance(case: _Investigation) -> float:
    """Return the accuracy of the more frequent label."""
    return _number(case, "report.learned", "chance", 0.5)


def _doses(case: _Investigation) -> list[Dose]:
    """The changes worth a training, the likeliest first."""
    e, doses = case.trials.experiment, []
    for dose in DOSES:
        if dose.cause == "batch-too-small" and e.batch_size >= 16:
            continue
        if dose.cause == "dropout-too-high" and not _drops(case):
            continue
        if dose.trainings > 1 and (not _has_learned(case)[0] or _hardly(case)) and case.recording.total > FEW_STEPS:
            continue  # what learned nothing by then needs no more time: an exchange of parts says more
        doses.append(_in_proportion(case, dose))
    return doses


def _in_proportion(case: _Investigation, dose: Dose) -> Dose:
    """Return a change of the step length that leads to steps of a usual length, if that asks for more of it."""
    ratio = _number(case, "steps.length", "ratio", USUAL)
    if dose.cause == "learning-rate-too-high" and ratio > 10 * USUAL:
        factor = max(1e-4, USUAL / ratio)
    elif dose.cause == "learning-rate-too-low" and 0 < ratio < USUAL / 40 and not _has_learned(case)[0]:
        factor = min(1e4, USUAL / (4 * ratio))
    else:
        return dose
    return replace(dose, name=f"{factor:.3g} times the step length", change=partial(step_length, factor=factor))


def _drops(case: _Investigation) -> bool:
    """Whether the encoder gives different answers with and without a generator."""
    start, kept = case.recording.start, case.recording.kept
    if start is None or not kept or not hasattr(start, "encoder"):
        return False
    try:
        quiet = start.encoder.forward(kept[0].batch)[0]
        loud = start.encoder.forward(kept[0].batch, np.random.default_rng(0))[0]
    except Exception:  # an encoder of another make: nothing is known of its dropout
        return False
    return not np.array_equal(quiet, loud)


def _by_swaps(case: _Investigation, tell: Callable) -> Conclusion:
    """No fact, no amount: exchange the parts one by one, if there is anything to be gained at all."""
    learned, words = _has_learned(case)
    if case.kin or not learned or _hardly(case) or any(f.firm for f in case.violations):
        helpful = _helpful_part(case, tell)
        if helpful is not None:
            part, trial = helpful
            evidence = [_swap_evidence(trial, part, f"with the {part} of the reference")]
            little = _hardly(case) and trial.gain >= MUCH and trial.learned(_chance(case)) < SHARE
            if not case.kin and learned and not (little and trial.helps(TWO_SEEDS) and len(trial.gains) > 1):
                return case.conclude("a part that helps", None, part, "a part that helps",
                                        f"Nothing is violated; other {part} would help.", evidence)  # fmt: skip
            low = "learning-rate-too-low"
            if part == "optimizer" and _promised(case) < PROMISE and ordinary(case.findings, low):
                statement = "The cause is learning-rate-too-low: all steps together promise too little."
                return case.conclude("cause", low, part, "swap, cause", statement, evidence)
            return case.conclude("place", None, part, "swap, place",
                                    f"Something is wrong in the {part}.", evidence)  # fmt: skip
    symptoms = [f for f in case.violations if f.firm]
    if symptoms:
        first = symptoms[0]
        return case.conclude(
            "place", None, first.place, "swap, place", place_told(first), [evidence_of(first)], tuple(symptoms[1:])
        )
    if not learned:
        return case.conclude("has not learned", None, None, "has not learned", f"It has not learned: {words}")
    deviations = case.violations
    if deviations:
        named = ", ".join(dict.fromkeys(f.cause or f.fact for f in deviations))
        return case.conclude("healthy, with a deviation", None, None, "healthy, with a deviation",
                                f"Healthy, with a deviation that does no harm here: {named}.")  # fmt: skip
    return case.conclude("healthy", None, None, "healthy", f"Healthy: {words}")


def _helpful_part(case: _Investigation, tell: Callable) -> tuple[str, Trial] | None:
    """Return the part whose exchange gains most, and the trial; None if no exchange that can be afforded helps."""
    best: tuple[str, Trial] | None = None
    for part in OPEN:
        if not case.trials.affordable(1):
            break
        tell(f"Another training, with the {part} of the reference.")
        trial = case.trials.screened(part, exchanged(case.trials.experiment, case.reference, part))
        if trial.helps() and (best is None or trial.gain > best[1].gain):
            best = part, trial
        if best is not None and best[1].gain > ENOUGH_GAIN and part != OPEN[0]:
            break  # the first two are weighed against each other
    return best


def _promised(case: _Investigation) -> float:
    """Return what all steps would gain if the loss were a plane, in nats; infinite if that is not known."""
    found = next((f for f in case.findings if f.fact == "steps.progress"), None)
    return float(found.numbers.get("possible", np.inf)) if found else float("inf")


def _hardly(case: _Investigation) -> bool:
    """Whether accuracy is above chance, and by so little that it may be most of what is wrong."""
    found = next(f for f in case.findings if f.fact == "report.learned")
    return found.numbers.get("accuracy", 1.0) - _chance(case) < HARDLY


def _has_learned(case: _Investigation) -> tuple[bool, str]:
    """Is accuracy on held-out pairs above that of always giving the more frequent label?"""
    found = next(f for f in case.findings if f.fact == "report.learned")
    return found.state == "holds", found.statement
