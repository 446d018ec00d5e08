"""Fit the diagnosis to a bank: the evidence model, its temperature, its caution, and when to say "none of these".

Only cases of the part "train" are used. `tools/fit_diagnosis.py` runs it. Introduced in notebook 10 (by name).
"""

import numpy as np

from nsputil.clinic.diagnosis import ENOUGH, HEALTHY, Reader, follow
from nsputil.clinic.evidence import fit
from nsputil.clinic.signals import SIGNALS
from nsputil.losses import log_softmax, nsp_loss_and_grad
from nsputil.optimizers import AdamW

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
    scores, gold, share = [], [], []  # of runs that a fit has not seen, read with any part of the signals
    known, foreign, alarms = [], [], []  # after an investigation: how odd; and how far healthy runs were from healthy
    fold_of_cause = rng.permutation(len(bank.causes)) % folds
    fold_of_cause[healthy] = -1
    for k in range(folds):
        inside, apart = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        part = reading(learn(inside), inside)
        for _ in range(3):
            scores.append(part.model.scores(values[apart], masks(rng, len(apart))))
            gold.append(labels[apart])
            share.append(weights[apart])
        odd, margin = _investigated(bank, part, rows[apart], rng)
        known.append(odd)
        alarms.append(margin)
        # Runs whose cause the fit has never seen, as if it were outside the catalogue.
        others, away = np.flatnonzero(fold_of_cause[labels] != k), np.flatnonzero(fold_of_cause[labels] == k)
        foreign.append(_investigated(bank, reading(learn(others), others), rows[away], rng)[0])
    scores, gold, share = np.concatenate(scores), np.concatenate(gold), np.concatenate(share)
    temperature = _temperature(scores, gold, share)
    known, foreign = np.concatenate(known), np.concatenate(foreign)
    notes = {
        "temperature": temperature,
        "healthy_bias": _caution(np.concatenate(alarms)),
        "strange": _boundary(known, foreign),
    }
    everything = np.arange(len(rows))
    return reading(learn(everything), everything, **notes)


def _investigated(bank, reader, rows, rng, most=90):
    """Investigate some runs; return how odd each is at the end and after how many probes; and alarms.

    An alarm is by how much, in log-odds, a fault leads over "healthy" in a healthy run.
    """
    odd, margins = [], []
    for row in rng.permutation(rows)[:most]:
        diagnosis, steps, _ = follow(bank.found(row), lambda name, r=row: bank.outcome(r, name), np.inf, using=reader)
        found = bank.found(row)
        for _, outcome, _ in steps:
            found |= outcome
        values, measured = reader.vector(found)
        scores = reader.model.scores(values, measured)
        odd.append([*reader.oddness(values, measured, log_softmax(scores))[0], len(steps)])
        if not bank.cases[row].faults:
            p = {cause.name: cause.probability for cause in diagnosis.causes}
            healthy = p.pop(HEALTHY)
            margins.append(np.log(max(p.values()) + 1e-9) - np.log(healthy + 1e-9))
    return np.array(odd), np.array(margins)


def _temperature(scores, gold, share):
    """The temperature of the least loss, by search."""
    grid = np.exp(np.linspace(np.log(0.4), np.log(3), 40))
    rows = np.arange(len(gold))
    losses = [-(share * log_softmax(scores / t)[rows, gold]).sum() for t in grid]
    return float(grid[int(np.argmin(losses))])


def _caution(alarms, allowed=0.02):
    """What to add to the score of "healthy" so that at most so many healthy runs raise an alarm; never negative."""
    return float(np.clip(np.quantile(alarms, 1 - allowed), 0, 3))


def _boundary(known, foreign, allowed=0.03):
    """Fit "none of these" to the oddness of known and of foreign runs, with the loss of this course for two classes.

    Only runs that were asked enough probes count. The bias is then set so that it comes first for at most so many of
    the known runs: the log-odds must exceed the log-probability of the best cause, minus the first column of the
    oddness.
    """
    margin_of_all = np.full(len(known), -np.inf)
    asked_enough = known[:, -1] >= ENOUGH
    known, foreign = known[asked_enough, :-1], foreign[foreign[:, -1] >= ENOUGH, :-1]
    x = np.concatenate([known, foreign])
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    x = (x - middle) / spread
    gold = np.repeat([0, 1], [len(known), len(foreign)])
    weights = np.where(gold == 0, 0.5 / len(known), 0.5 / len(foreign)) * len(gold)
    parameters = {"w": np.zeros(x.shape[1]), "b": np.zeros(1)}
    optimizer = AdamW(parameters, 0.05)
    for _ in range(300):
        odds = x @ parameters["w"] + parameters["b"]
        _, grad = nsp_loss_and_grad(np.column_stack([np.zeros(len(x)), odds]), gold, weights)
        optimizer.step({"w": x.T @ grad[:, 1], "b": grad[:, 1].sum(keepdims=True)})
        np.maximum(parameters["w"], 0, out=parameters["w"])  # nothing odd may speak for a known cause
    w = parameters["w"] / spread
    b = float(parameters["b"][0] - middle @ w)
    margin_of_all[asked_enough] = known @ w + b + known[:, 0]
    return w.tolist(), b - max(0.0, float(np.quantile(margin_of_all, 1 - allowed, method="higher")))
