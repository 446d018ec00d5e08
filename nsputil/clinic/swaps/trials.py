"""Pairs of trainings with the same seeds: what does an exchange gain on the same held-out pairs?

Accuracy decides, since a loss can fall through longer training alone. From seed to seed a gain moves by about 0.02 to
0.03 with 1,000 pairs, so one paired seed shows a gain above 0.08 and two show one above 0.045.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nsputil.run import Run
from nsputil.training import Experiment, train

ONE_SEED, TWO_SEEDS = 0.08, 0.045  # what a gain must exceed
PAIRS = 2000


@dataclass(frozen=True)
class Trial:
    """What an exchange gained.

    Attributes
    ----------
    name : str
    gains : tuple of float
        Accuracy with the exchange minus accuracy without it, for each seed, on the same pairs. Empty if the exchange
        could not be tried.
    before, after : tuple of float
        The accuracies.
    error : str
        Why it could not be tried.
    shifts : tuple of float
        What each run reports at its end on its own held-out pairs, with the exchange minus without it. Where the parts
        are exchanged, these are other pairs, so a shift speaks of the measurement and not of the model.
    """

    name: str
    gains: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    error: str = ""
    shifts: tuple[float, ...] = ()

    @property
    def gain(self) -> float:
        """The mean over the seeds."""
        return float(np.mean(self.gains)) if self.gains else 0.0

    def learned(self, chance: float) -> float:
        """Return how much is learned without the exchange, as a share of what is learned with it.

        Both are accuracies above that of a constant answer.
        """
        if not self.gains:
            return 1.0
        before, after = float(np.mean(self.before)) - chance, float(np.mean(self.after)) - chance
        return max(0.0, before) / after if after > 0 else 1.0

    def moves(self, limit: float = TWO_SEEDS) -> bool:
        """Whether what is reported shifts by more than chance gives, one way in each of two seeds and more."""
        shifts = np.array(self.shifts)
        return len(shifts) > 1 and abs(float(shifts.mean())) > limit and bool((shifts * shifts[0] > 0).all())

    def helps(self, limit: float = TWO_SEEDS) -> bool:
        """Whether the mean gain exceeds what chance gives, and no seed speaks against it."""
        need = ONE_SEED if len(self.gains) == 1 else limit
        return bool(self.gains) and self.gain > need and min(self.gains) > need / 3


class Trials:
    """The trainings of one experiment and of its exchanges; each is done once.

    Parameters
    ----------
    experiment : Experiment
    judge : callable, optional
        ``(documents, rng) -> pairs`` on which all are compared; None: the experiment's own held-out pairs.
    run : Run, optional
        A training of the experiment that was done already.
    limit : int
        Trainings at most, that of the experiment itself included.
    split : callable, optional
        Where the documents of the judge's pairs come from; None: the experiment's own split. Another one is needed if
        that alters the text.

    Attributes
    ----------
    count : float
        Trainings so far, a longer one counted as several.
    """

    def __init__(
        self,
        experiment: Experiment,
        judge: Callable | None = None,
        run: Run | None = None,
        limit: int = 9,
        split: Callable | None = None,
    ) -> None:
        self.experiment, self.judge, self.limit = experiment, judge, limit
        self.split = split or experiment.split
        self.count = 0.0
        self._base: dict[int, Run] = {}
        self._pairs: dict[int, list] = {}
        if run is not None:
            self._base[0] = run
            self.count = 1.0

    def affordable(self, trainings: float) -> bool:
        """Whether the limit leaves room for so many trainings."""
        return self.count + trainings <= self.limit

    def seeded(self, experiment: Experiment, number: int) -> Experiment:
        """Return an experiment with the seed of a pair of trainings; number 0 is its own."""
        return replace(experiment, seed=self.experiment.seed + 7919 * number)

    def base(self, number: int) -> Run:
        """Return the training of the experiment itself with a seed."""
        if number not in self._base:
            self.count += 1
            self._base[number] = train(self.seeded(self.experiment, number))
        return self._base[number]

    def pairs(self, number: int) -> Sequence[Any]:
        """Return the pairs on which the trainings with a seed are compared; no exchange trains on their documents."""
        if number not in self._pairs:
            seeded = self.seeded(self.experiment, number)
            if self.judge is None:
                pairs = self.base(number).test_pairs or self._made(seeded, seeded.held_out_pairs or seeded.pairs)
            else:
                pairs = self._made(seeded, self.judge)
            self._pairs[number] = list(pairs)[:PAIRS]
        return self._pairs[number]

    def accuracy(self, run: Run, number: int) -> float:
        """Return the share of those pairs that a trained model gets right; one half if its logits are not finite."""
        if run.model is None or run.diverged_at is not None:
            return 0.5
        pairs = self.pairs(number)
        logits = run.model.logits(pairs)
        if not np.isfinite(logits).all():
            return 0.5
        return float((logits.argmax(axis=1) == np.array([pair.label for pair in pairs])).mean())

    def compare(self, name: str, changed: Experiment, seeds: Sequence[int], trainings: float = 1.0) -> Trial:
        """Train a changed experiment with some seeds, and say what the change gains."""
        before, after, shifts = [], [], []
        for number in seeds:
            base = self.base(number)
            self.count += trainings
            try:
                run = train(self._kept_apart(self.seeded(changed, number), number))
            except Exception as error:  # the parts do not fit together: the exchange says nothing
                return Trial(name, (), (), (), f"{type(error).__name__}: {error}")
            before.append(self.accuracy(base, number))
            after.append(self.accuracy(run, number))
            shifts.append(run.final.get("accuracy", np.nan) - base.final.get("accuracy", np.nan))
        gains = tuple(round(b - a, 6) for a, b in zip(before, after, strict=True))
        return Trial(name, gains, tuple(before), tuple(after), shifts=tuple(shifts))

    def screened(self, name: str, changed: Experiment, trainings: float = 1.0, least: float = TWO_SEEDS / 2) -> Trial:
        """Compare with one seed, and with a second one if the first gain is at least `least`."""
        first = self.compare(name, changed, (0,), trainings)
        if not first.gains or first.gain < least or not self.affordable(trainings + (1 not in self._base)):
            return first
        second = self.compare(name, changed, (1,), trainings)
        if not second.gains:
            return first
        return Trial(name, first.gains + second.gains, first.before + second.before, first.after + second.after,
                     shifts=first.shifts + second.shifts)  # fmt: skip

    def once_more(self, trial: Trial, changed: Experiment, trainings: float = 1.0) -> Trial:
        """Return a trial with one more paired seed."""
        more = self.compare(trial.name, changed, (len(trial.gains),), trainings)
        if not more.gains:
            return trial
        return Trial(trial.name, trial.gains + more.gains, trial.before + more.before, trial.after + more.after,
                     shifts=trial.shifts + more.shifts)  # fmt: skip

    def _made(self, experiment: Experiment, maker: Callable) -> Any:
        test = self.split(experiment.documents, np.random.default_rng((experiment.seed, 0)))[2]
        return maker(test, np.random.default_rng((experiment.seed, 4)))

    def _kept_apart(self, changed: Experiment, number: int) -> Experiment:
        """A foreign split is made of the documents that the comparison does not need."""
        if changed.split is self.experiment.split:
            return changed
        seeded = self.seeded(self.experiment, number)
        parts = self.split(seeded.documents, np.random.default_rng((seeded.seed, 0)))
        judged = {tuple(document.sentences) for document in parts[2]}
        rest = [d for d in changed.documents if tuple(d.sentences) not in judged]
        return replace(changed, documents=rest) if len(rest) >= 10 else changed
