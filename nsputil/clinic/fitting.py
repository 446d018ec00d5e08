"""Fit the diagnosis to a bank: the evidence model, its temperatures, its caution, and when to say "two" or "none".

Only cases of the part "train" are used. `tools/fit_diagnosis.py` runs it.
"""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from nsputil.clinic.diagnosis import follow
from nsputil.clinic.evidence import fit
from nsputil.clinic.reading import ENOUGH, HEALTHY, Reader, places
from nsputil.clinic.signals import SIGNALS
from nsputil.losses import log_softmax, nsp_loss_and_grad
from nsputil.optimizers import AdamW

TIERS = ("curves", "instruments")  # and then the probes
MOST = 360  # runs of a kind that are investigated, in all folds together
TWO = 0.1  # how often two faults come at once, before anything is known
FOREIGN = 0.1  # how often the cause is none known here, before anything is known
HEALTHY_SHARE = 0.25  # of the weight of all runs in the fit: as often as not, a worried engineer's run is healthy


def masks_for(names, probes):
    """Return a function that draws which signals a reader has: curves always, instruments mostly, some probes."""
    column = {name: k for k, name in enumerate(names)}
    curves = np.array([name in SIGNALS and SIGNALS[name].tier == "curves" for name in names])
    instruments = np.array([name in SIGNALS and SIGNALS[name].tier == "instruments" for name in names])
    blocks = [[column[s] for s in signals] for _, signals in probes.values()]

    def draw(rng, runs):
        mask = np.zeros((runs, len(names)), bool)
        mask[:, curves] = True
        mask |= instruments & (rng.random((runs, 1)) < 0.8)
        share = np.where(rng.random((runs, 1)) < 0.3, 0.0, rng.random((runs, 1)) ** 2)
        asked = rng.random((runs, len(blocks))) < share
        for k, block in enumerate(blocks):
            mask[np.ix_(asked[:, k], block)] = True
        return mask

    return draw


def tiers_of(names):
    """Return the tier of each signal: 0 of curves, 1 of instruments, 2 of probes."""
    return np.array([TIERS.index(SIGNALS[name].tier) if name in SIGNALS else len(TIERS) for name in names])


def run_weights(labels, healthy):
    """Return weights: every cause counts alike, healthy runs count `HEALTHY_SHARE` in all."""
    count = np.bincount(labels)
    weights = 1 / count[labels]
    weights[labels != healthy] *= (1 - HEALTHY_SHARE) / max(1, (count > 0).sum() - 1)
    weights[labels == healthy] *= HEALTHY_SHARE
    return weights * len(labels)


def fit_reader(bank, rows=None, folds=8, rng=None, **options):
    """Fit a `Reader` to some cases of a bank.

    Each fold leaves out an eighth of the cases and, all of their cases, an eighth of the causes. So every fold has runs
    of known causes that it has not seen, runs of causes that it does not know, and pairs of unseen runs put together:
    by them it is set how sure an answer is, and when it is "none of these" or two faults at once. The more folds, the
    more of the cases each learns from, and the nearer it is to the whole.

    Parameters
    ----------
    bank : Bank
    rows : ndarray of int, optional
        The cases to learn from; the part "train" if left out.
    folds : int
    rng : numpy.random.Generator, optional
    **options
        For `nsputil.clinic.evidence.fit`.

    Returns
    -------
    Reader
    """
    rng = rng or np.random.default_rng(0)
    rows = bank.rows("train") if rows is None else rows
    labels = bank.labels[rows]
    masks = masks_for(bank.names, bank.probes)
    healthy = bank.causes.index(HEALTHY)
    weights = run_weights(labels, healthy)
    tiers = tiers_of(bank.names)

    def learn(chosen, **notes):
        model = fit(
            bank.values[rows[chosen]], labels[chosen], bank.causes, bank.names, masks, weights[chosen],
            np.random.default_rng(1), tiers, **options,
        )  # fmt: skip
        absent = np.bincount(labels[chosen], minlength=len(bank.causes)) == 0
        model.bias[:, absent] = -1e3  # a cause without a run is none that can be named
        return Reader(model, bank.groups, bank.probes, bank.values[rows[chosen]], labels[chosen], **notes)

    fold, fold_of_cause = rng.permutation(len(rows)) % folds, rng.permutation(len(bank.causes)) % folds
    fold_of_cause[healthy] = -1
    scores, gold, share = ([[], [], []] for _ in range(3))  # by tier
    known, foreign, pairs, margins = [], [], [], []  # ends of investigations
    most = MOST // folds
    for k in range(folds):
        away, apart = fold_of_cause[labels] == k, fold == k
        part = learn(np.flatnonzero(~away & ~apart))
        seen = np.flatnonzero(apart & ~away & np.isin(labels, part.labels))
        for tier, mask in enumerate((tiers == 0, tiers < 2)):
            scores[tier].append(part.model.scores(bank.values[rows[seen]], np.tile(mask, (len(seen), 1))))
            gold[tier].append(labels[seen])
            share[tier].append(weights[seen])
        chosen = rng.permutation(seen)[: 2 * most]
        well = [n for n in seen if not bank.cases[rows[n]].faults]
        ends_of = {n: _investigated(bank, part, bank.values[rows[n]]) for n in {*chosen, *well}}
        for n in chosen:
            ends = ends_of[n]
            known += ends
            scores[2].append(ends[0].scores[None])
            gold[2].append(labels[n : n + 1])
            share[2].append(weights[n : n + 1])
        for n in well:
            end = ends_of[n][0].scores
            margins.append(np.delete(end, healthy).max() - end[healthy])
        for n in rng.permutation(np.flatnonzero(away))[:most]:
            foreign += _investigated(bank, part, bank.values[rows[n]])
        for both in islice(_pairs(bank, part, rows[seen], rng), most):
            pairs += _investigated(bank, part, both)
    temperatures = [_temperature(*(np.concatenate(x[tier]) for x in (scores, gold, share))) for tier in range(3)]
    return learn(
        np.arange(len(rows)),
        temperatures=temperatures,
        healthy_bias=_caution(np.array(margins) / temperatures[2]),
        second=_second(known, pairs),
        strange=_boundary(known, pairs, foreign),
    )


@dataclass(frozen=True)
class _End:
    """Where an investigation ended: scores, gain of the best pair, oddness; the last two are None if not asked for."""

    scores: np.ndarray
    gain: float | None
    oddness: np.ndarray | None


def _investigated(bank, reader, values):
    """Investigate a run whose signals and outcomes are `values`; return the `_End` of it, and that of all probes."""
    found = {n: float(values[reader.model.column[n]]) for n in bank.names if n in SIGNALS}
    outcomes = {
        name: {s: float(values[reader.model.column[s]]) for s in signals} for name, (_, signals) in bank.probes.items()
    }
    _, steps, _ = follow(found, outcomes.get, np.inf, using=reader)
    some, every = dict(found), dict(found)
    for _, outcome, _ in steps:
        some |= outcome
    for outcome in outcomes.values():
        every |= outcome
    return [_end(reader, some, len(steps)), _end(reader, every, len(outcomes))]


def _end(reader, found, asked):
    values, measured = reader.vector(found)
    scores = reader.model.scores(values[None], measured[None])[0]
    first = int(scores.argmax())
    if first == reader.healthy or asked < ENOUGH:
        return _End(scores, None, None)
    gains = reader.pair_gains(values, measured, first)
    return _End(scores, float(gains.max()), reader.oddness(values, measured, log_softmax(scores), gains))


def _pairs(bank, reader, rows, rng):
    """Put pairs of faulty runs of one program together: each number is the one that is further from healthy."""
    sick = [row for row in rng.permutation(rows) if bank.labels[row] != reader.healthy]
    sick.sort(key=lambda row: bank.cases[row].program)
    healthy = np.median(reader.places_of(reader.healthy), axis=0)
    everything = np.ones(len(bank.names), bool)
    for first, second in zip(sick[::2], sick[1::2], strict=False):
        if bank.labels[first] == bank.labels[second] or bank.cases[first].program != bank.cases[second].program:
            continue
        values = bank.values[[first, second]]
        place = places(reader.model.memberships(values, np.tile(everything, (2, 1))))
        further = np.abs(place - healthy).argmax(axis=0)
        yield values[further, np.arange(len(further))]


def _temperature(scores, gold, share):
    """The temperature of the least loss, by search."""
    grid = np.exp(np.linspace(np.log(0.4), np.log(10), 60))
    rows = np.arange(len(gold))
    losses = [-(share * log_softmax(scores / t)[rows, gold]).sum() for t in grid]
    return float(grid[int(np.argmin(losses))])


def _caution(alarms, allowed=0.02):
    """What to add to the score of "healthy" so that at most so many healthy runs raise an alarm; never negative."""
    return float(np.clip(np.quantile(alarms, 1 - allowed), 0, 3))


def _logistic(x, gold, weights):
    """Learn two classes from a few numbers with the loss of this course; return ``(weights, bias)``, none negative."""
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    scaled = (x - middle) / spread
    parameters = {"w": np.zeros(x.shape[1]), "b": np.zeros(1)}
    optimizer = AdamW(parameters, 0.05)
    for _ in range(300):
        odds = scaled @ parameters["w"] + parameters["b"]
        _, grad = nsp_loss_and_grad(np.column_stack([np.zeros(len(x)), odds]), gold, weights)
        optimizer.step({"w": scaled.T @ grad[:, 1], "b": grad[:, 1].sum(keepdims=True)})
        np.maximum(parameters["w"], 0, out=parameters["w"])  # nothing odd may speak for what is known
    w = parameters["w"] / spread
    return w, float(parameters["b"][0] - middle @ w)


def _classes(kinds, shares):
    """Return inputs, labels and weights: class 1 is the last kind; each kind holds its share of all weight."""
    x, sizes = np.concatenate(kinds), [len(kind) for kind in kinds]
    gold = np.repeat([0] * (len(kinds) - 1) + [1], sizes)
    return x, gold, np.repeat(np.array(shares) / sizes, sizes) * len(x)


def _second(known, pairs):
    """Fit "two faults at once" to the gain of the best pair, over runs with one fault and pairs put together.

    Over the ends after the chosen probes: with more of them, more would be gained by chance.
    """
    kinds = [np.array([[end.gain] for end in ends[::2] if end.gain is not None]) for ends in (known, pairs)]
    w, b = _logistic(*_classes(kinds, (1 - TWO, TWO)))
    return float(w[0]), b


def _boundary(known, pairs, foreign):
    """Fit "none of these" to the oddness of runs with known causes, one or two, and with foreign ones."""
    kinds = [np.array([e.oddness for e in ends if e.oddness is not None]) for ends in (known, pairs, foreign)]
    w, b = _logistic(*_classes(kinds, (1 - TWO - FOREIGN, TWO, FOREIGN)))
    return w.tolist(), b
