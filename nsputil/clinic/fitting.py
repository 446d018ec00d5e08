"""Fit the diagnosis to a bank: the evidence model, its temperature, its caution, and when to say "none of these".

Only cases of the part "train" are used. `tools/fit_diagnosis.py` runs it. Introduced in notebook 10 (by name).
"""

import numpy as np

from nsputil.clinic.diagnosis import HEALTHY, Reader
from nsputil.clinic.evidence import fit
from nsputil.clinic.signals import SIGNALS
from nsputil.losses import log_softmax

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


def run_weights(labels, healthy):
    """Return weights: every cause counts alike, healthy runs count `HEALTHY_SHARE` in all."""
    count = np.bincount(labels)
    weights = 1 / count[labels]
    weights[labels != healthy] *= (1 - HEALTHY_SHARE) / max(1, (count > 0).sum() - 1)
    weights[labels == healthy] *= HEALTHY_SHARE
    return weights * len(labels)


def fit_reader(bank, rows=None, folds=4, rng=None, **options):
    """Fit a `Reader` to some cases of a bank.

    Parameters
    ----------
    bank : Bank
    rows : ndarray of int, optional
        The cases to learn from; the part "train" if left out.
    folds : int
        For the temperature, the caution and "none of these", which are set on runs that a fit has not seen.
    rng : numpy.random.Generator, optional
    **options
        For `nsputil.clinic.evidence.fit`.

    Returns
    -------
    Reader
    """
    rng = rng or np.random.default_rng(0)
    rows = bank.rows("train") if rows is None else rows
    values, labels = bank.values[rows], bank.labels[rows]
    masks = masks_for(bank.names, bank.probes)
    healthy = bank.causes.index(HEALTHY)
    weights = run_weights(labels, healthy)

    def learn(chosen):
        return fit(
            values[chosen],
            labels[chosen],
            bank.causes,
            bank.names,
            masks,
            weights[chosen],
            np.random.default_rng(1),
            **options,
        )

    def reading(model, chosen, **notes):
        return Reader(model, bank.groups, bank.probes, values[chosen], labels[chosen], **notes)

    fold = rng.permutation(len(rows)) % folds
    scores, gold, share = [], [], []
    known, foreign = [], []
    fold_of_cause = rng.permutation(len(bank.causes)) % folds
    fold_of_cause[healthy] = -1
    for k in range(folds):
        inside = np.flatnonzero(fold != k)
        model = learn(inside)
        apart = np.flatnonzero(fold == k)
        for _ in range(3):
            mask = masks(rng, len(apart))
            scores.append(model.scores(values[apart], mask))
            gold.append(labels[apart])
            share.append(weights[apart])
        # strangeness, where a reader has the instruments and several probes, as after an investigation
        mask = _several_probes(bank, rng, len(apart))
        part = reading(model, inside)
        known.append(part.strangeness(values[apart], mask, log_softmax(model.scores(values[apart], mask))))
        others = np.flatnonzero((fold_of_cause[labels] != k) & (fold != k))
        away = np.flatnonzero(fold_of_cause[labels] == k)
        model = learn(others)
        part = reading(model, others)
        mask = _several_probes(bank, rng, len(away))
        logp = log_softmax(model.scores(values[away], mask))
        foreign.append(part.strangeness(values[away], mask, logp))
    scores, gold, share = np.concatenate(scores), np.concatenate(gold), np.concatenate(share)
    temperature = _temperature(scores, gold, share)
    known, foreign = np.concatenate(known), np.concatenate(foreign)
    threshold = float(np.quantile(known, 0.965))
    notes = {
        "temperature": temperature,
        "healthy_bias": _caution(scores / temperature, gold, healthy),
        "strange": (threshold, float(max(0.02, known.std() / 4))),
    }
    everything = np.arange(len(rows))
    return reading(learn(everything), everything, **notes)


def _several_probes(bank, rng, runs):
    column = {name: k for k, name in enumerate(bank.names)}
    mask = np.zeros((runs, len(bank.names)), bool)
    mask[:, [column[name] for name in SIGNALS]] = True
    blocks = [[column[s] for s in signals] for _, signals in bank.probes.values()]
    for n in range(runs):
        for k in rng.permutation(len(blocks))[: rng.integers(2, 5)]:
            mask[n, blocks[k]] = True
    return mask


def _temperature(scores, gold, share):
    """The temperature of the least loss, by search."""
    grid = np.exp(np.linspace(np.log(0.4), np.log(3), 40))
    rows = np.arange(len(gold))
    losses = [-(share * log_softmax(scores / t)[rows, gold]).sum() for t in grid]
    return float(grid[int(np.argmin(losses))])


def _caution(scores, gold, healthy, allowed=0.015):
    """What to add to the score of "healthy" so that at most so many healthy runs raise an alarm; never negative."""
    rival = np.delete(scores[gold == healthy], healthy, axis=1).max(axis=1) - scores[gold == healthy, healthy]
    return float(np.clip(np.quantile(rival, 1 - allowed), 0, 2))
