"""A softmax over causes whose logits are sums of evidence: one term for each signal, in nats.

Each signal is cut into a few soft bins. Each bin has one number for each cause: a log-likelihood ratio from counted
runs, times the trust in the signal, which is learned by the loss of this course, ``-log softmax(scores)[gold]``. A
signal that was not measured adds nothing. So a learner can read why: the log-odds of two causes are the sum of what
each signal says. Runs are counted by kind too: what is usual for a Transformer under Adam is odd for a bag under SGD.
`nsputil.clinic.fit_model` fits the model. Introduced in notebook 09.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nsputil._types import Bools, Floats, Ints

BINS = 12
KIND = ("kind.attends", "kind.adaptive")  # the signals, each 0 or 1, that say which kind of training a run is
KINDS = 5  # kind 0: not known


class Seen(NamedTuple):
    """What is known of one run.

    Attributes
    ----------
    values : ndarray, shape (signals,)
        NaN: not measured, or it could not be computed.
    measured : ndarray of bool, shape (signals,)
    members : ndarray, shape (signals, BINS + 1)
        How far each value belongs to each bin; see `memberships`.
    """

    values: Floats
    measured: Bools
    members: Floats


class ScoringModel:
    """Scores of causes from signals.

    Parameters
    ----------
    causes : sequence of str
    names : sequence of str
        Of the signals, in the order of the columns.
    knots : ndarray, shape (signals, BINS)
        Ascending. A knot that equals the one before has no bin of its own.
    ratios : ndarray, shape (KINDS, signals, BINS + 1, causes)
        Log-likelihood ratios, nats: counted over all runs, then over those of each kind, times the trust in a signal
        among them. The last bin of each signal means that the number could not be computed.
    trust : ndarray, shape (levels, signals)
        A factor for the ratios of each signal. Signals repeat one another, so the more is known, the less each is
        trusted; the level says how much is known.
    bias : ndarray, shape (levels, causes)
    tiers : ndarray of int, shape (signals,)
        Of each signal. The level of a run is the highest tier of its measured signals.
    """

    def __init__(
        self,
        causes: Sequence[str],
        names: Sequence[str],
        knots: Floats,
        ratios: Floats,
        trust: Floats,
        bias: Floats,
        tiers: Ints,
    ) -> None:
        self.causes, self.names = tuple(causes), tuple(names)
        self.knots, self.ratios, self.trust, self.bias, self.tiers = knots, ratios, trust, bias, tiers
        self.column = {name: k for k, name in enumerate(self.names)}

    def see(self, values: Floats, measured: Bools) -> Seen:
        """Return what is known of a run, with the memberships of its values; both arrays have shape (signals,)."""
        return Seen(values, measured, memberships(values, measured, self.knots))

    def level(self, seen: Seen) -> int:
        """Return how much is known of a run."""
        return int(levels(seen.measured, self.tiers))

    def kind(self, seen: Seen) -> int:
        """Return the kind of a run: 0 if it is not known."""
        return int(kinds(seen.values, seen.measured, self.names))

    def terms(self, seen: Seen) -> Floats:
        """Return what each signal of a run adds to the score of each cause, shape (signals, causes), in nats."""
        trusted = seen.members * self.trust[self.level(seen)][:, None]
        return np.einsum("sb,sbc->sc", trusted, self.ratios[self.kind(seen)])

    def scores(self, seen: Seen) -> Floats:
        """Return the logits of the causes for a run, shape (causes,)."""
        return self.scores_of(seen.values[None], seen.measured[None], seen.members[None])[0]

    def scores_of(self, values: Floats, measured: Bools, members: Floats | None = None) -> Floats:
        """Return the logits of the causes for many runs, shape (runs, causes)."""
        if members is None:
            members = memberships(values, measured, self.knots)
        level, kind = levels(measured, self.tiers), kinds(values, measured, self.names)
        trusted = (members * self.trust[level][:, :, None]).reshape(len(values), -1)
        out = self.bias[level]
        for k in np.unique(kind):
            out[kind == k] += trusted[kind == k] @ self.ratios[k].reshape(-1, len(self.causes))
        return out


def levels(measured: Bools, tiers: Ints) -> Ints:
    """Return the highest tier of the measured signals, shape (...), from shape (..., signals)."""
    return (measured * tiers).max(axis=-1, initial=0)


def kinds(values: Floats, measured: Bools, names: Sequence[str]) -> Ints:
    """Return the kind of each run, shape (...), from shape (..., signals).

    1 to 4: a bag under SGD, a bag under Adam, a Transformer under SGD, a Transformer under Adam. 0: not known.
    """
    if not set(KIND) <= set(names):
        return np.zeros(values.shape[:-1], int)
    at = [list(names).index(name) for name in KIND]
    known = (measured[..., at] & np.isfinite(values[..., at])).all(axis=-1)
    attends, adaptive = (np.where(known, values[..., k], 0) > 0.5 for k in at)
    return np.where(known, 1 + 2 * attends.astype(int) + adaptive.astype(int), 0)


def memberships(values: Floats, measured: Bools, knots: Floats) -> Floats:
    """Return how far each value belongs to each bin: hat functions on ascending knots, flat beyond the outermost.

    Parameters
    ----------
    values : ndarray, shape (..., signals)
        NaN: could not be computed.
    measured : ndarray of bool, shape (..., signals)
    knots : ndarray, shape (signals, BINS)
        Where the last knot of a signal is repeated, the repetitions have no bin.

    Returns
    -------
    ndarray, shape (..., signals, BINS + 1)
        The row of a measured signal sums to 1, every other row to 0. The last bin is for NaN.
    """
    last = (knots < knots[:, -1:]).sum(axis=1)  # the number of each signal's last distinct knot
    known = measured & np.isfinite(values)
    x = np.clip(np.where(known, values, 0.0), knots[:, 0], knots[:, -1])
    left = np.clip((x[..., None] >= knots).sum(axis=-1) - 1, 0, np.maximum(last - 1, 0))
    right = np.minimum(left + 1, last)
    column = np.arange(values.shape[-1])
    here, after = knots[column, left], knots[column, right]
    share = np.where(after > here, (x - here) / np.where(after > here, after - here, 1.0), 0.0)
    out = np.zeros((*values.shape, BINS + 1), np.float32)
    np.put_along_axis(out, right[..., None], (share * known)[..., None], axis=-1)
    in_left = np.take_along_axis(out, left[..., None], axis=-1) + ((1 - share) * known)[..., None]
    np.put_along_axis(out, left[..., None], in_left, axis=-1)
    out[..., BINS] = measured & ~known
    return out
