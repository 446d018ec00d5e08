"""Fit the diagnosis to a bank: the scoring model, its temperatures, and when to answer "two faults" or "none of these".

Only cases of the part "train" are used. `tools/fit_diagnosis.py` runs it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.random import Generator

from nsputil._types import Bools, Floats, Ints
from nsputil.clinic.answers import HEALTHY
from nsputil.clinic.case_bank import Bank
from nsputil.clinic.fit_model import Masks, fit_model
from nsputil.clinic.fitted import ENOUGH, FittedDiagnosis
from nsputil.clinic.known_runs import BankedProbe, positions
from nsputil.clinic.novelty import novelty_features
from nsputil.clinic.probe_search import follow
from nsputil.clinic.scoring import memberships
from nsputil.clinic.signals import RUN_SIGNALS
from nsputil.clinic.signals.base import TIERS
from nsputil.losses import log_softmax, nsp_loss_and_grad
from nsputil.optimizers import AdamW

INVESTIGATED = 360  # runs of a kind that are investigated, in all folds together
TWO_FAULTS = 0.1  # how often two faults come at once, before anything is known
UNKNOWN_CAUSE = 0.1  # how often the cause is not known here, before anything is known
HEALTHY_SHARE = 0.25  # of the weight of all runs in the fit: as often as not, a worried engineer's run is healthy


def masks_for(names: Sequence[str], probes: Mapping[str, BankedProbe]) -> Masks:
    """Return a function that draws which signals are measured: curves always, instruments mostly, some probes."""
    column = {name: k for k, name in enumerate(names)}
    curves, instruments = (
        np.array([name in RUN_SIGNALS and RUN_SIGNALS[name].tier == tier for name in names])
        for tier in ("curves", "instruments")
    )
    blocks = [[column[s] for s in probe.signals] for probe in probes.values()]

    def draw(rng: Generator, runs: int) -> Bools:
        mask = np.zeros((runs, len(names)), bool)
        mask[:, curves] = True
        mask |= instruments & (rng.random((runs, 1)) < 0.8)
        share = np.where(rng.random((runs, 1)) < 0.3, 0.0, rng.random((runs, 1)) ** 2)
        asked = rng.random((runs, len(blocks))) < share
        for k, block in enumerate(blocks):
            mask[np.ix_(asked[:, k], np.array(block))] = True
        return mask

    return draw


def tiers_of(names: Sequence[str]) -> Ints:
    """Return the tier of each signal: 0 of curves, 1 of instruments, 2 of probes."""
    return np.array([TIERS.index(RUN_SIGNALS[name].tier if name in RUN_SIGNALS else "probes") for name in names])


def run_weights(labels: Ints, healthy: int) -> Floats:
    """Return weights: every cause counts alike, healthy runs count `HEALTHY_SHARE` in all."""
    count = np.bincount(labels)
    weights = 1 / count[labels]
    weights[labels != healthy] *= (1 - HEALTHY_SHARE) / max(1, (count > 0).sum() - 1)
    weights[labels == healthy] *= HEALTHY_SHARE
    return weights * len(labels)


def fit_diagnosis(
    bank: Bank, rows: Ints | None = None, folds: int = 8, rng: Generator | None = None, **options: Any
) -> FittedDiagnosis:
    """Fit a `FittedDiagnosis` to some cases of a bank.

    Each fold leaves out an eighth of the cases and, with all of their cases, an eighth of the causes. So every fold has
    unseen runs of known causes, runs of unknown causes, and pairs of unseen runs put together. They calibrate the
    confidence of the diagnosis, and when it answers "none of these" or two faults at once. The more folds, the more
    cases each learns from, and the more similar it is to the whole fit.

    Parameters
    ----------
    bank : Bank
    rows : ndarray of int, optional
        The cases to learn from; the part "train" if left out.
    folds : int
    rng : numpy.random.Generator, optional
    **options
        For `nsputil.clinic.fit_model.fit_model`.

    Returns
    -------
    FittedDiagnosis
    """
    rng = rng or np.random.default_rng(0)
    rows = bank.rows("train") if rows is None else rows
    labels = bank.labels[rows]
    masks = masks_for(bank.names, bank.probes)
    healthy = bank.causes.index(HEALTHY)
    weights = run_weights(labels, healthy)
    tiers = tiers_of(bank.names)

    def learn(chosen: Ints, **settings: Any) -> FittedDiagnosis:
        model = fit_model(
            bank.values[rows[chosen]], labels[chosen], bank.causes, bank.names, masks, weights[chosen],
            np.random.default_rng(1), tiers, **options,
        )  # fmt: skip
        absent = np.bincount(labels[chosen], minlength=len(bank.causes)) == 0
        model.bias[:, absent] = -1e3  # a cause without a run is none that can be named
        values = bank.values[rows[chosen]]
        return FittedDiagnosis(model, bank.groups, bank.probes, values, labels[chosen], **settings)

    fold, fold_of_cause = rng.permutation(len(rows)) % folds, rng.permutation(len(bank.causes)) % folds
    fold_of_cause[healthy] = -1
    ends = _Ends()
    of_each_fold = INVESTIGATED // folds
    for k in range(folds):
        of_unknown_cause, left_out = fold_of_cause[labels] == k, fold == k
        part = learn(np.flatnonzero(~of_unknown_cause & ~left_out))
        unseen = np.flatnonzero(left_out & ~of_unknown_cause & np.isin(labels, part.known.labels))
        for tier, mask in enumerate((tiers == 0, tiers < 2)):
            scores = part.model.scores_of(bank.values[rows[unseen]], np.tile(mask, (len(unseen), 1)))
            ends.add_scores(tier, scores, labels[unseen], weights[unseen])
        chosen = rng.permutation(unseen)[: 2 * of_each_fold]
        without_fault = [n for n in unseen if not bank.cases[rows[n]].faults]
        ends_of = {n: _investigated(bank, part, bank.values[rows[n]]) for n in {*chosen, *without_fault}}
        for n in chosen:
            ends.one_fault += ends_of[n]
            ends.add_scores(2, ends_of[n][0].scores[None], labels[n : n + 1], weights[n : n + 1])
        for n in without_fault:
            scores = ends_of[n][0].scores
            ends.alarms.append(np.delete(scores, healthy).max() - scores[healthy])
        for n in rng.permutation(np.flatnonzero(of_unknown_cause))[:of_each_fold]:
            ends.unknown_cause += _investigated(bank, part, bank.values[rows[n]])
        for both in islice(_put_together(bank, part, rows[unseen], rng), of_each_fold):
            ends.two_faults += _investigated(bank, part, both)
    temperatures = [ends.temperature(tier) for tier in range(3)]
    return learn(
        np.arange(len(rows)),
        temperatures=temperatures,
        healthy_bias=_healthy_bias(np.array(ends.alarms) / temperatures[2]),
        two_faults=_fit_two_faults(ends.one_fault, ends.two_faults),
        none_of_these=_fit_none_of_these(ends.one_fault, ends.two_faults, ends.unknown_cause),
    )


@dataclass(frozen=True)
class _End:
    """Where an investigation ended: its scores; the gain of the best pair and the novelty, or None if not asked for."""

    scores: Floats
    gain: float | None
    novelty: Floats | None


class _Ends:
    """What the folds gave: ends of investigations by kind of run, and scores, labels and weights by tier."""

    def __init__(self) -> None:
        self.one_fault: list[_End] = []
        self.two_faults: list[_End] = []
        self.unknown_cause: list[_End] = []
        self.alarms: list[float] = []  # of runs without a fault: the best other score minus that of "healthy"
        self._scored: list[list[tuple[Floats, Ints, Floats]]] = [[], [], []]

    def add_scores(self, tier: int, scores: Floats, labels: Ints, weights: Floats) -> None:
        self._scored[tier].append((scores, labels, weights))

    def temperature(self, tier: int) -> float:
        scores, labels, weights = (np.concatenate(parts) for parts in zip(*self._scored[tier], strict=True))
        return _temperature(scores, labels, weights)


def _investigated(bank: Bank, fitted: FittedDiagnosis, values: Floats) -> list[_End]:
    """Investigate a run with these signals and outcomes; return the `_End` of it, and that after all probes."""
    column = fitted.model.column
    of_run = {name: float(values[column[name]]) for name in bank.names if name in RUN_SIGNALS}
    outcomes = {name: {s: float(values[column[s]]) for s in probe.signals} for name, probe in bank.probes.items()}
    _, steps, _ = follow(of_run, outcomes.__getitem__, np.inf, using=fitted)
    some, every = dict(of_run), dict(of_run)
    for step in steps:
        some |= step.outcome
    for outcome in outcomes.values():
        every |= outcome
    return [_end(fitted, some, len(steps)), _end(fitted, every, len(outcomes))]


def _end(fitted: FittedDiagnosis, numbers: Mapping[str, float], asked: int) -> _End:
    seen = fitted.see(numbers)
    scores = fitted.model.scores(seen)
    first = int(scores.argmax())
    if first == fitted.healthy or asked < ENOUGH:
        return _End(scores, None, None)
    gains = fitted.pair_gains(seen, first)
    return _End(scores, float(gains.max()), novelty_features(fitted.known, seen, log_softmax(scores), gains))


def _put_together(bank: Bank, fitted: FittedDiagnosis, rows: Ints, rng: Generator) -> Iterator[Floats]:
    """Put pairs of faulty runs of one program together: of each signal the value that is further from healthy."""
    sick = [row for row in rng.permutation(rows) if bank.labels[row] != fitted.healthy]
    sick.sort(key=lambda row: bank.cases[row].program)
    healthy = np.median(fitted.known.positions_of(fitted.healthy), axis=0)
    for first, second in zip(sick[::2], sick[1::2], strict=False):
        if bank.labels[first] == bank.labels[second] or bank.cases[first].program != bank.cases[second].program:
            continue
        values = bank.values[[first, second]]
        position = positions(memberships(values, np.ones(values.shape, bool), fitted.model.knots))
        further = np.abs(position - healthy).argmax(axis=0)
        yield values[further, np.arange(len(further))]


def _temperature(scores: Floats, gold: Ints, share: Floats) -> float:
    """Return the temperature of the least loss, by search."""
    grid = np.exp(np.linspace(np.log(0.4), np.log(10), 60))
    rows = np.arange(len(gold))
    losses = [-(share * log_softmax(scores / t)[rows, gold]).sum() for t in grid]
    return float(grid[int(np.argmin(losses))])


def _healthy_bias(alarms: Floats, allowed: float = 0.02) -> float:
    """Return what to add to the score of "healthy" so that this share of healthy runs raises an alarm; 0 to 3."""
    return float(np.clip(np.quantile(alarms, 1 - allowed), 0, 3))


def _logistic(x: Floats, gold: Ints, weights: Floats) -> tuple[Floats, float]:
    """Learn two classes from a few numbers with the loss of this course; return ``(weights, bias)``, none negative."""
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    scaled = (x - middle) / spread
    parameters: dict[str, Floats] = {"w": np.zeros(x.shape[1]), "b": np.zeros(1)}
    optimizer = AdamW(parameters, 0.05)
    for _ in range(300):
        odds = scaled @ parameters["w"] + parameters["b"]
        _, grad = nsp_loss_and_grad(np.column_stack([np.zeros(len(x)), odds]), gold, weights)
        optimizer.step({"w": scaled.T @ grad[:, 1], "b": grad[:, 1].sum(keepdims=True)})
        np.maximum(parameters["w"], 0, out=parameters["w"])  # nothing novel may speak for what is known
    w = parameters["w"] / spread
    return w, float(parameters["b"][0] - middle @ w)


def _classes(kinds: Sequence[Floats], shares: Sequence[float]) -> tuple[Floats, Ints, Floats]:
    """Return inputs, labels and weights: class 1 is the last kind; each kind holds its share of all weight."""
    x, sizes = np.concatenate(kinds), [len(kind) for kind in kinds]
    gold = np.repeat([0] * (len(kinds) - 1) + [1], sizes)
    return x, gold, np.repeat(np.array(shares) / sizes, sizes) * len(x)


def _fit_two_faults(one: list[_End], two: list[_End]) -> tuple[float, float]:
    """Fit "two faults at once" to the gain of the best pair, over runs with one fault and pairs put together.

    Only ends after the chosen probes count: with more probes, more would be gained by chance.
    """
    kinds = [np.array([[end.gain] for end in ends[::2] if end.gain is not None]) for ends in (one, two)]
    w, b = _logistic(*_classes(kinds, (1 - TWO_FAULTS, TWO_FAULTS)))
    return float(w[0]), b


def _fit_none_of_these(one: list[_End], two: list[_End], unknown: list[_End]) -> tuple[list[float], float]:
    """Fit "none of these" to the novelty of runs with known causes, one or two, and of runs with unknown ones."""
    kinds = [np.array([end.novelty for end in ends if end.novelty is not None]) for ends in (one, two, unknown)]
    w, b = _logistic(*_classes(kinds, (1 - TWO_FAULTS - UNKNOWN_CAUSE, TWO_FAULTS, UNKNOWN_CAUSE)))
    return w.tolist(), b
